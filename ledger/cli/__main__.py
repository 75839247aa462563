"""``python -m ledger.cli`` is ``govledger``."""

from ledger.cli.app import main

if __name__ == "__main__":
    main()

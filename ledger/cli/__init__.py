"""The command line ``govledger``: one file per capability, no rules of its own."""

from ledger.cli.app import main

__all__ = ["main"]

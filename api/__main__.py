"""``python -m api FILE``: write the OpenAPI document to a file, or to standard output without one."""

from __future__ import annotations

import sys
from pathlib import Path

import msgspec

from api.app import assemble
from api.openapi import describe


def main() -> None:
    """Write the document, indented, so that its changes can be read line by line."""
    text = msgspec.json.format(msgspec.json.encode(describe(assemble())), indent=2) + b"\n"
    if len(sys.argv) > 1:
        Path(sys.argv[1]).write_bytes(text)
    else:
        sys.stdout.write(text.decode())


if __name__ == "__main__":
    main()

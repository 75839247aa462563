"""``python -m api``: write the OpenAPI document to standard output."""

from __future__ import annotations

import sys

import msgspec

from api.app import assemble
from api.openapi import describe


def main() -> None:
    text = msgspec.json.format(msgspec.json.encode(describe(assemble())), indent=2)
    sys.stdout.write(text.decode() + "\n")


if __name__ == "__main__":
    main()

"""The newest block of an embedded chain, read from its file.

Opening the chain brings a whole EVM along, a second of imports; whoever only asks whether there is anything
new since the last block seen looks here first.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

FILE_NAME = "chain.db"
"""The embedded chain in a data directory."""


def newest_block(data_dir: Path) -> bytes | None:
    """The hash of the newest block (32 bytes); None where that cannot be told from the file."""
    place = data_dir / FILE_NAME
    if not place.exists():
        return None
    try:
        with closing(sqlite3.connect(f"{place.absolute().as_uri()}?mode=ro", uri=True)) as store:
            row = store.execute("SELECT hash FROM head").fetchone()
    except sqlite3.Error:
        return None  # the chain itself will say what is wrong with its file
    return None if row is None else bytes(row[0])

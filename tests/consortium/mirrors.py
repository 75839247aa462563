"""What mirrors hold, to be compared."""

from __future__ import annotations

import hashlib
from pathlib import Path

from sqlalchemy import MetaData, create_engine, select

WHERE_IT_STANDS = {"block", "cursor"}
"""Tables that say how far a mirror has come, not what it holds: blocks come every second."""


def everything_in(mirror: Path) -> dict[str, str]:
    """A digest of every row of every table of a mirror."""
    engine = create_engine(f"sqlite:///{mirror}")
    found: dict[str, str] = {}
    try:
        with engine.connect() as connection:
            tables = MetaData()
            tables.reflect(connection)
            for table in tables.sorted_tables:
                if table.name in WHERE_IT_STANDS:
                    continue
                rows = sorted(repr(tuple(row)) for row in connection.execute(select(table)))
                found[table.name] = hashlib.sha256("\n".join(rows).encode()).hexdigest()
    finally:
        engine.dispose()
    return found

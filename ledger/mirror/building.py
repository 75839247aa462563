"""Building the indexes that projections have of their own, beside whoever reads and writes meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from sqlalchemy import Connection, Engine

from ledger.mirror import queries
from ledger.mirror.applying import keep_others_out
from ledger.mirror.own_indexes import indexes_of
from ledger.mirror.projections import Projection
from ledger.store.engine import writing


def build_indexes(
    engine: Engine,
    projections: Sequence[Projection],
    fence: Callable[[Connection], None] | None = None,
) -> None:
    """Build what is missing, each part in a transaction of its own; ``fence`` is called in each before it writes."""
    for index in indexes_of(projections):
        with engine.connect() as conn:
            cursor = queries.cursor_of(conn)
            # Mostly so: whoever follows asks after every block, and writes only where it has to.
            more = cursor is not None and not index.complete(conn, cursor.size)
        while more:
            with writing(engine) as conn:
                keep_others_out(conn)
                if fence is not None:
                    fence(conn)
                cursor = queries.cursor_of(conn)
                more = cursor is not None and index.build_next(conn, cursor.size)

"""Filling projections a second time: to replace what is there, or to compare with it.

To compare, the second set are temporary tables of the same names, which SQLite and PostgreSQL both find before
the lasting ones. So a projection that is run meanwhile writes beside without knowing it, and still
reads the log. Either way readers on other connections see the tables in use as they were.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Engine, Table, delete
from sqlalchemy.schema import CreateTable

from ledger.mirror import tables
from ledger.mirror.applying import keep_others_out, write_examined, write_projection_versions
from ledger.mirror.building import build_indexes
from ledger.mirror.examining import Examined, Examining
from ledger.mirror.late_indexes import drop, late_of
from ledger.mirror.own_indexes import OwnIndex, indexes_of
from ledger.mirror.projections import Projection
from ledger.mirror.rows import statement_rows
from ledger.store.engine import writing
from ledger.store.ranged import Appended

CHUNK = 2_000
AHEAD = 8
"""Chunks that are examined while one is written: more than make this process examine some itself, so that it need not
wait for the other one."""
Progress = Callable[[int, int], None]
"""Called with how many leaves are done, and of how many."""
OnRows = Callable[[int, Sequence[Sequence[Any]]], None]
"""Given the leaf after them, and the next rows of ``statement``."""
Write = Callable[[Connection, Sequence[Projection], Examined], Sequence[Appended]]
"""Does something with what statements make, stretch by stretch, and says which rows those are."""
OnPart = Callable[[OwnIndex, int, Sequence[Any]], None]
"""Given a whole part of an index, as :meth:`~ledger.mirror.own_indexes.OwnIndex.make` made it, and its first leaf."""


@dataclass(frozen=True, slots=True)
class Beside:
    """An open transaction; ``lasting`` and ``fresh`` are the schemas of the two sets of tables."""

    conn: Connection
    lasting: str
    fresh: str

    def copy(self, wanted: Sequence[Table]) -> None:
        """Make empty copies of some tables, which the connection finds from now on. They have no
        :mod:`late indexes <ledger.mirror.late_indexes>`, which nobody would read.
        """
        self.conn.execution_options(schema_translate_map={None: self.fresh})
        for table in wanted:
            self.conn.execute(CreateTable(table))
            for index in table.indexes - set(late_of(table)):
                index.create(self.conn)
        self.conn.execution_options(schema_translate_map={})


@contextmanager
def beside(engine: Engine) -> Iterator[Beside]:
    """A transaction in which tables may be copied, and which is undone.

    It sees the database as it was at its beginning, whatever a follower does meanwhile.
    """
    with engine.connect() as conn:
        if conn.dialect.name == "postgresql":
            conn.execution_options(isolation_level="REPEATABLE READ")
        with conn.begin() as transaction:
            yield _schemas(conn)
            # Takes the copies along.
            transaction.rollback()


def _schemas(conn: Connection) -> Beside:
    if conn.dialect.name == "sqlite":
        return Beside(conn, "main", "temp")
    lasting = conn.exec_driver_sql("SELECT current_schema()").scalar_one()
    return Beside(conn, f'"{lasting}"', "pg_temp")


def fill(
    conn: Connection,
    projections: Sequence[Projection],
    size: int,
    progress: Progress | None = None,
    *,
    write: Write = write_examined,
    examining: Examining | None = None,
    before: OnRows | None = None,
    on_part: OnPart | None = None,
    empty: Callable[[], None] | None = None,
) -> None:
    """Project leaves ``0 .. size - 1`` into the tables that the connection finds, which are empty, or which ``empty``
    empties once, while the first statements are examined already; rows are given to ``before`` before anything else is
    done with them, and whole parts of indexes to ``on_part`` as they are made.
    """
    with examining or Examining(projections, size) as beside_this:
        parts = None if on_part is None else beside_this.whole_parts()
        waiting: deque[tuple[int, Callable[[], Examined]]] = deque()
        for first in range(0, size, CHUNK):
            end = min(first + CHUNK, size)
            rows = statement_rows(conn, first, end)
            if before is not None:
                before(end, rows)
            waiting.append((end, beside_this.begin(rows)))
            while len(waiting) > (AHEAD if end < size else 0):
                if empty is not None:
                    empty()
                    empty = None
                done, examined = waiting.popleft()
                written = write(conn, projections, examined())
                if parts is not None and on_part is not None:
                    parts.take(written, done)
                    for made in parts.made(wait=done == size):
                        on_part(*made)
                if progress is not None:
                    progress(done, size)
    if empty is not None:
        empty()


def derived_tables(projections: Sequence[Projection]) -> list[Table]:
    """Every table whose rows follow from statements alone."""
    return [tables.flag, *(table for each in projections for table in each.tables)]


def rebuild(
    engine: Engine,
    projections: Sequence[Projection],
    progress: Progress | None = None,
) -> int:
    """Empty the tables of all projections and fill them afresh, in one transaction: until it ends everybody else
    reads what was there before.

    Returns how many leaves were projected. All are filled together, because a projection may read
    what another one says at the same leaf.
    """
    copies = derived_tables(projections)
    with writing(engine) as conn:
        keep_others_out(conn)
        size = int(conn.exec_driver_sql("SELECT COALESCE(MAX(size), 0) FROM cursor").scalar_one())
        # SQLite's readers go on with what was before; PostgreSQL's would wait for a dropped index.
        late = [index for table in copies for index in late_of(table)]
        late = late if conn.dialect.name == "sqlite" else []

        def empty() -> None:
            drop(conn, late)
            for table in copies:
                conn.execute(delete(table))
            for own in indexes_of(projections):
                own.cut(conn, 0)

        def put(own: OwnIndex, first: int, part: Sequence[Any]) -> None:
            own.put(conn, first, part)

        fill(conn, projections, size, progress, on_part=put, empty=empty)
        for index in late:
            index.create(conn)
        write_projection_versions(conn, projections)
    build_indexes(engine, projections)
    return size


def note_projections(engine: Engine, projections: Sequence[Projection]) -> None:
    """Write down the projections' versions where there is nothing to project yet."""
    with writing(engine) as conn:
        keep_others_out(conn)
        write_projection_versions(conn, projections)

"""Filling projections a second time, beside the tables in use: to replace them, or to compare.

The second set are temporary tables of the same names, which SQLite and PostgreSQL both find before
the lasting ones. So a projection that is run meanwhile writes beside without knowing it, and still
reads the log. Readers on other connections see the tables in use all the while.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from sqlalchemy import Connection, Engine, Table
from sqlalchemy.schema import CreateTable

from ledger.mirror import tables
from ledger.mirror.applying import keep_others_out, project, write_projection_versions
from ledger.mirror.building import build_indexes
from ledger.mirror.late_indexes import drop, late_of
from ledger.mirror.own_indexes import indexes_of
from ledger.mirror.projections import Projection
from ledger.mirror.rows import statements_between
from ledger.store.engine import WRITES, writing

CHUNK = 2_000
Progress = Callable[[int, int], None]
"""Called with how many leaves are done, and of how many."""


@dataclass(frozen=True, slots=True)
class Beside:
    """An open transaction; ``lasting`` and ``fresh`` are the schemas of the two sets of tables."""

    conn: Connection
    lasting: str
    fresh: str


@contextmanager
def beside(engine: Engine, copies: Sequence[Table], *, writes: bool) -> Iterator[Beside]:
    """Empty copies of some tables, in one transaction: committed where ``writes``, else undone. They have no
    :mod:`late indexes <ledger.mirror.late_indexes>`, which nobody would read.

    Without ``writes`` the transaction sees the database as it was at its beginning, whatever a
    follower does meanwhile.
    """
    with engine.connect() as conn:
        if writes:
            conn.execution_options(**WRITES)
        elif conn.dialect.name == "postgresql":
            conn.execution_options(isolation_level="REPEATABLE READ")
        with conn.begin() as transaction:
            place = _schemas(conn)
            conn.execution_options(schema_translate_map={None: place.fresh})
            for table in copies:
                conn.execute(CreateTable(table))
                for index in table.indexes - set(late_of(table)):
                    index.create(conn)
            conn.execution_options(schema_translate_map={})
            yield place
            if not writes:
                # Takes the copies along.
                transaction.rollback()
                return
            for table in copies:
                conn.exec_driver_sql(f'DROP TABLE {place.fresh}."{table.name}"')


def _schemas(conn: Connection) -> Beside:
    if conn.dialect.name == "sqlite":
        return Beside(conn, "main", "temp")
    lasting = conn.exec_driver_sql("SELECT current_schema()").scalar_one()
    return Beside(conn, f'"{lasting}"', "pg_temp")


def fill(
    place: Beside,
    projections: Sequence[Projection],
    size: int,
    progress: Progress | None = None,
) -> None:
    """Project leaves ``0 .. size - 1`` into the copies."""
    for first in range(0, size, CHUNK):
        end = min(first + CHUNK, size)
        project(place.conn, projections, statements_between(place.conn, first, end))
        if progress is not None:
            progress(end, size)


def derived_tables(projections: Sequence[Projection]) -> list[Table]:
    """Every table whose rows follow from statements alone."""
    return [tables.flag, *(table for each in projections for table in each.tables)]


def rebuild(
    engine: Engine,
    projections: Sequence[Projection],
    progress: Progress | None = None,
) -> int:
    """Fill all projections afresh and put them in place of the old ones, in one transaction.

    Returns how many leaves were projected. All are filled together, because a projection may read
    what another one says at the same leaf.
    """
    copies = derived_tables(projections)
    with beside(engine, copies, writes=True) as place:
        keep_others_out(place.conn)
        size = int(
            place.conn.exec_driver_sql("SELECT COALESCE(MAX(size), 0) FROM cursor").scalar_one()
        )
        fill(place, projections, size, progress)
        for table in copies:
            # SQLite's readers go on with what was before; PostgreSQL's would wait for the dropped index.
            late = late_of(table) if place.conn.dialect.name == "sqlite" else []
            drop(place.conn, late)
            columns = ", ".join(f'"{column.name}"' for column in table.columns)
            lasting, fresh = f'{place.lasting}."{table.name}"', f'{place.fresh}."{table.name}"'
            place.conn.exec_driver_sql(f"DELETE FROM {lasting}")  # noqa: S608
            place.conn.exec_driver_sql(
                f"INSERT INTO {lasting} ({columns}) SELECT {columns} FROM {fresh}"  # noqa: S608
            )
            place.conn.execution_options(schema_translate_map={None: place.lasting.strip('"')})
            for index in late:
                index.create(place.conn)
            place.conn.execution_options(schema_translate_map={})
        for own in indexes_of(projections):
            own.cut(place.conn, 0)
        write_projection_versions(place.conn, projections)
    build_indexes(engine, projections)
    return size


def note_projections(engine: Engine, projections: Sequence[Projection]) -> None:
    """Write down the projections' versions where there is nothing to project yet."""
    with writing(engine) as conn:
        keep_others_out(conn)
        write_projection_versions(conn, projections)

"""Indexes that a first sync, and whoever fills a table at once, builds at the end.

Subjects are hashes: each row's place in an index of them is another page, so that inserting becomes slower the longer
the log is. Sorting them once at the end takes a fraction of that. Which indexes are missing is asked of the database,
so that a sync that was killed half-way is taken up as it was left, and whoever catches up last builds them.

Late are those that nothing reads while statements are projected: of the leaves, which only a rollback and ``as_of`` ask
for, and those that a capability marks by ``info={"late": True}``.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlalchemy import Connection, Engine, Index, Table, inspect, text

from ledger.mirror import tables
from ledger.mirror.applying import keep_others_out
from ledger.store.engine import writing

LONG = 50_000
"""Leaves from which on a sync counts as long: building an index at once then pays for doing without it."""
_SQLITE_INDEXES = text("SELECT name FROM sqlite_master WHERE type = 'index'")
"""Of all tables; SQLite gives no two of them one name."""


def late_indexes(projected: Iterable[Table]) -> list[Index]:
    """What a first sync does without: of the statements' table all, of the others those that are late."""
    found = [*tables.statement.indexes, *(each for table in projected for each in late_of(table))]
    return sorted(found, key=lambda index: str(index.name))


def late_of(table: Table) -> list[Index]:
    """The late indexes of a projected table."""
    return [
        index
        for index in table.indexes
        if index.info.get("late")
        or [column.name for column in index.columns] in (["leaf_from"], ["leaf_until"])
    ]


def drop(connection: Connection, indexes: Sequence[Index]) -> None:
    """Do without these from now on."""
    for index in indexes:
        index.drop(connection, checkfirst=True)


def missing(engine: Engine, indexes: Sequence[Index]) -> list[Index]:
    """Those that the database does not have."""
    if engine.dialect.name == "sqlite":
        with engine.connect() as connection:
            here = set(connection.execute(_SQLITE_INDEXES).scalars())
        return [index for index in indexes if index.table is not None and index.name not in here]
    found = inspect(engine)
    names = {
        str(table.name): {each["name"] for each in found.get_indexes(str(table.name))}
        for table in {index.table for index in indexes if index.table is not None}
    }
    return [
        index
        for index in indexes
        if index.table is not None and index.name not in names[str(index.table.name)]
    ]


def build(engine: Engine, indexes: Sequence[Index]) -> None:
    """Build those that are missing, in one transaction."""
    wanted = missing(engine, indexes)
    if not wanted:
        return
    with writing(engine) as connection:
        keep_others_out(connection)
        for index in wanted:
            index.create(connection, checkfirst=True)

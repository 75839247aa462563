"""The two families of tables, each in a database of its own.

*Mirror* tables are derived from the log and may be thrown away at any time. *Desk* tables (outbox,
sealed texts, imports under way) are this office's own and are derived from nothing.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Index, MetaData, Table, event
from sqlmodel import Field, SQLModel

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}


class MirrorTable(SQLModel):
    """Base of every table derived from the log."""

    metadata = MetaData(naming_convention=NAMING)


class DeskTable(SQLModel):
    """Base of every table that belongs to this office alone."""

    metadata = MetaData(naming_convention=NAMING)


class Ranged(MirrorTable):
    """A row that holds from leaf ``leaf_from`` until, not including, ``leaf_until`` (None:
    current).

    ``as_of`` a log size N means ``leaf_from < N and (leaf_until is null or leaf_until >= N)``; a
    rollback to size N deletes rows with ``leaf_from >= N`` and reopens rows with ``leaf_until >=
    N``.
    """

    leaf_from: int = Field(index=True)
    leaf_until: int | None = Field(default=None, index=True)


@event.listens_for(Index, "after_parent_attach")
def _index_what_ended(index: Index, parent: Any) -> None:  # noqa: ANN401 - SQLAlchemy's, of many kinds
    """Only a rollback looks for ``leaf_until``, and for rows that ended; nearly all hold, and are not in its index."""
    columns = list(index.columns)
    if [column.name for column in columns] == [
        "leaf_until"
    ] and parent.metadata is MirrorTable.metadata:
        for dialect in ("sqlite", "postgresql"):
            index.dialect_options[dialect]["where"] = columns[0].is_not(None)


def table_of(model: type[MirrorTable | DeskTable]) -> Table:
    """The SQLAlchemy table behind a model."""
    return model.metadata.tables[str(model.__tablename__)]

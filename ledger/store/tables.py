"""The two families of tables, each in a database of its own.

*Mirror* tables are derived from the log and may be thrown away at any time. *Desk* tables (outbox,
sealed texts, imports under way) are this office's own and are derived from nothing.
"""

from __future__ import annotations

from sqlalchemy import MetaData, Table
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


def table_of(model: type[MirrorTable | DeskTable]) -> Table:
    """The SQLAlchemy table behind a model."""
    return model.metadata.tables[str(model.__tablename__)]

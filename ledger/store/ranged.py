"""Reading and writing ranged rows: the one predicate for ``as_of``, the one way to supersede a row.

A ranged table has the columns of :class:`~ledger.store.tables.Ranged` and a ``version`` that
counts the statements about a subject from 1.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, FromClause, Table, and_, bindparam, or_, update

from ledger.store.bulk import insert_mappings


def held(table: FromClause, as_of: int | None) -> ColumnElement[bool]:
    """Which rows hold at log size ``as_of``, or now where it is None."""
    until = table.c.leaf_until
    if as_of is None:
        return until.is_(None)
    return and_(table.c.leaf_from < as_of, or_(until.is_(None), until >= as_of))


def supersede(
    connection: Connection, table: Table, key: Sequence[str], rows: Sequence[Mapping[str, Any]]
) -> None:
    """Append ``rows``, in leaf order, each ending what held before it for the same ``key`` columns.

    ``rows`` come without ``leaf_until``. A row with version 1 ends nothing.
    """
    fresh: list[dict[str, Any]] = []
    newest: dict[tuple[Any, ...], dict[str, Any]] = {}
    endings: list[dict[str, Any]] = []
    for given in rows:
        row = {**given, "leaf_until": None}
        subject = tuple(row[name] for name in key)
        before = newest.get(subject)
        if before is not None:
            before["leaf_until"] = row["leaf_from"]
        elif row["version"] > 1:
            endings.append({"at": row["leaf_from"], **{f"of_{name}": row[name] for name in key}})
        newest[subject] = row
        fresh.append(row)
    if endings:
        subject_matches = [table.c[name] == bindparam(f"of_{name}") for name in key]
        connection.execute(
            update(table)
            .where(*subject_matches, table.c.leaf_until.is_(None))
            .values(leaf_until=bindparam("at")),
            endings,
        )
    insert_mappings(connection, table, fresh)

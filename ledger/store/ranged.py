"""Reading and writing ranged rows: the one predicate for ``as_of``, the one way to supersede a row.

A ranged table has the columns of :class:`~ledger.store.tables.Ranged` and a ``version`` that
counts the statements about a subject from 1.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from operator import itemgetter
from typing import Any

from sqlalchemy import ColumnElement, Connection, FromClause, Table, and_, bindparam, or_, update

from ledger.store.bulk import insert_rows


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
    names = table.columns.keys()
    fresh = [[None if name == "leaf_until" else row[name] for name in names] for row in rows]
    supersede_rows(connection, table, key, fresh)


def supersede_rows(
    connection: Connection, table: Table, key: Sequence[str], rows: Sequence[list[Any]]
) -> None:
    """:func:`supersede` for rows as lists in the table's order of columns, whose ``leaf_until`` it sets."""
    if not rows:
        return
    names = table.columns.keys()
    from_at, until_at, version_at = map(names.index, ("leaf_from", "leaf_until", "version"))
    subject_of = itemgetter(*(names.index(name) for name in key))
    newest: dict[Any, list[Any]] = {}
    endings: list[dict[str, Any]] = []
    for row in rows:
        subject = subject_of(row)
        before = newest.get(subject)
        if before is not None:
            before[until_at] = row[from_at]
        elif row[version_at] > 1:
            named = zip(key, subject if len(key) > 1 else (subject,), strict=True)
            endings.append({"at": row[from_at], **{f"of_{name}": value for name, value in named}})
        newest[subject] = row
    if endings:
        subject_matches = [table.c[name] == bindparam(f"of_{name}") for name in key]
        connection.execute(
            update(table)
            .where(*subject_matches, table.c.leaf_until.is_(None))
            .values(leaf_until=bindparam("at")),
            endings,
        )
    insert_rows(connection, table, rows)

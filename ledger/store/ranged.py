"""Reading and writing ranged rows: the one predicate for ``as_of``, the one way to supersede a row.

A ranged table has the columns of :class:`~ledger.store.tables.Ranged` and a ``version`` that
counts the statements about a subject from 1.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, FromClause, Table, and_, bindparam, or_, update

from ledger.store.bulk import insert_rows


class Appended(NamedTuple):
    """Rows to come into a ranged table, in leaf order, as lists in its order of columns.

    Where there is a ``key``, each ends what held before it for the same values of these columns; such rows come with
    None as ``leaf_until``. A row with version 1 ends nothing.
    """

    table: Table
    rows: Sequence[list[Any]]
    key: tuple[str, ...] = ()


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
    append(connection, Appended(table, fresh, tuple(key)))


def append(connection: Connection, appended: Appended) -> None:
    """Write rows, and end those that they supersede."""
    table, key = appended.table, appended.key
    ended = endings(appended)
    if ended:
        subject_matches = [table.c[name] == bindparam(f"of_{name}") for name in key]
        connection.execute(
            update(table)
            .where(*subject_matches, table.c.leaf_until.is_(None))
            .values(leaf_until=bindparam("at")),
            [
                {"at": at, **{f"of_{name}": value for name, value in zip(key, of, strict=True)}}
                for of, at in ended.items()
            ],
        )
    insert_rows(connection, table, appended.rows)


def endings(appended: Appended) -> dict[tuple[Any, ...], int]:
    """At which leaf rows that are there already end, by their key; rows that are superseded by others of ``appended``
    are given their ``leaf_until``.
    """
    if not appended.key:
        return {}
    names = appended.table.columns.keys()
    from_at, until_at, version_at = map(names.index, ("leaf_from", "leaf_until", "version"))
    of_at = [names.index(name) for name in appended.key]
    newest: dict[tuple[Any, ...], list[Any]] = {}
    ended: dict[tuple[Any, ...], int] = {}
    for row in appended.rows:
        of = tuple([row[at] for at in of_at])
        before = newest.get(of)
        if before is not None:
            before[until_at] = row[from_at]
        elif row[version_at] > 1:
            ended[of] = row[from_at]
        newest[of] = row
    return ended

"""Rows that drafts make, held against those in use as they come, without a copy of the tables.

Each table is read once, from its beginning to its end, and compared row by row. When a row ended is told by a later
statement: what the table says of it is kept until that one comes. So the rows before a stretch are what the statements
make whenever nothing was found, and a projection may read them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, CursorResult, Table, and_, exists, or_, select
from sqlalchemy.exc import SQLAlchemyError

from ledger.mirror.projections import Drafting, Projection, drafts
from ledger.mirror.side_by_side import Beside
from ledger.store.errors import StoreError
from ledger.store.ranged import Appended, endings

_LOOKUP = 200


def comparisons(place: Beside, projections: Sequence[Projection]) -> dict[int, Comparison]:
    """One for each projection that drafts, by its place."""
    return {
        at: Comparison(place, projection)
        for at, projection in enumerate(projections)
        if drafts(projection)
    }


class Comparison:
    """Whether the rows in use are those that the statements make; :attr:`rows` counts the latter."""

    def __init__(self, place: Beside, projection: Drafting) -> None:
        self.projection = projection
        self.rows = 0
        self._place = place
        self._alike = True
        self._counts = dict.fromkeys(projection.tables, 0)
        self._ends: dict[Table, dict[tuple[Any, ...], Any]] = {
            table: {} for table in projection.tables
        }
        """When rows end by what the tables say, of those whose end no statement has told yet."""
        self._read: dict[Table, CursorResult[Any]] = {}
        """Tables on the way from their first row to their last."""

    def take(self, drafts: Sequence[Sequence[Any]]) -> Sequence[Appended]:
        """The next drafts; returns the rows that they make, as long as all is alike."""
        if not self._alike or not drafts:
            return []
        conn = self._place.conn
        try:
            made = self.projection.rows(conn, drafts)
            self._alike = all(self._holds(conn, each) for each in made)
        except (SQLAlchemyError, StoreError, ValueError, TypeError, LookupError):
            # Rows that were altered may hold anything.
            self._alike = False
        return made if self._alike else []

    def alike(self) -> bool:
        """Whether nothing was missing, nothing else is there, and each row ended when it must; nothing comes after."""
        for result in self._read.values():
            result.close()
        return (
            self._alike
            and not any(self._ends.values())
            and all(self._total(table) == count for table, count in self._counts.items())
        )

    def _total(self, table: Table) -> int:
        asked = f'SELECT count(*) FROM {self._place.lasting}."{table.name}"'  # noqa: S608
        return int(self._place.conn.exec_driver_sql(asked).scalar_one())

    def _holds(self, conn: Connection, appended: Appended) -> bool:
        table, rows = appended.table, appended.rows
        if not rows:
            return True
        if not self._end(conn, appended):
            return False
        self.rows += len(rows)
        self._counts[table] += len(rows)
        kept = self._next(conn, table, len(rows))
        if len(kept) != len(rows):
            return False
        if appended.key:
            self._take_ends(appended, kept)
        made = [tuple(row) for row in rows]
        if made == kept:
            return True
        # Several rows of one leaf come in any order.
        names = table.columns.keys()
        key = [names.index(column.name) for column in table.primary_key]
        return sorted(made, key=lambda row: [row[at] for at in key]) == sorted(
            kept, key=lambda row: [row[at] for at in key]
        )

    def _next(self, conn: Connection, table: Table, count: int) -> list[tuple[Any, ...]]:
        """The next rows of a table. SQLite has them in the order in which they were written, which is that of leaves,
        and need not look each of them up; rows in any other order are not alike, and looked for.
        """
        result = self._read.get(table)
        if result is None:
            columns = ", ".join(f'"{column.name}"' for column in table.columns)
            order = "rowid" if conn.dialect.name == "sqlite" else "leaf_from"
            result = self._read[table] = conn.exec_driver_sql(
                f'SELECT {columns} FROM {self._place.lasting}."{table.name}" ORDER BY {order}',  # noqa: S608
                execution_options={"stream_results": True},
            )
        if conn.dialect.name != "sqlite":
            return [tuple(row) for row in result.fetchmany(count)]
        # The driver's own tuples: nobody asks these by name.
        rows: Sequence[Any] = result.cursor.fetchmany(count)
        return list(rows)

    def _end(self, conn: Connection, appended: Appended) -> bool:
        """Whether the rows that these ones end say so; nothing need be there where an entry's first statements were
        malformed.
        """
        told, key = self._ends[appended.table], appended.key
        unknown = []
        for of, at in endings(appended).items():
            end = told.pop(of, None)
            if end is None:
                unknown.append(of)
            elif end != at:
                return False
        table = appended.table
        first = appended.rows[0][table.columns.keys().index("leaf_from")]
        for start in range(0, len(unknown), _LOOKUP):
            any_of_them = or_(
                *(
                    and_(*(table.c[name] == value for name, value in zip(key, of, strict=True)))
                    for of in unknown[start : start + _LOOKUP]
                )
            )
            if conn.execute(
                select(exists().where(any_of_them, table.c.leaf_from < first))
            ).scalar_one():
                return False
        return True

    def _take_ends(self, appended: Appended, kept: Sequence[Sequence[Any]]) -> None:
        """Note when rows end that nothing among them ended, and take it for true until then."""
        names, told = appended.table.columns.keys(), self._ends[appended.table]
        until_at = names.index("leaf_until")
        of_at = [names.index(name) for name in appended.key]
        for row, here in zip(appended.rows, kept, strict=True):
            end = here[until_at]
            if end is not None and row[until_at] is None:
                told[tuple([row[at] for at in of_at])] = end
                row[until_at] = end

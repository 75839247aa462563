"""Writing rows by the thousand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain
from operator import itemgetter
from typing import Any

from sqlalchemy import Connection, Engine, Table, event

COPIED = "govledger_copied"
"""Execution option: the PostgreSQL types of the columns of a COPY."""
FEW = 8
"""Rows up to which PostgreSQL is given a statement; COPY has a round trip more."""
SQLITE_VALUES = 5_500
"""Values a call; SQLite takes 32,766 (SQLITE_MAX_VARIABLE_NUMBER)."""


def insert_rows(connection: Connection, table: Table, rows: Sequence[Sequence[Any]]) -> None:
    """Insert ``rows``, each with a value for every column in the table's order, as the driver takes
    them: no type of a column converts anything on this way.
    """
    if not rows:
        return
    quote = connection.dialect.identifier_preparer.quote
    columns = ", ".join(quote(column.name) for column in table.columns)
    head = f"INSERT INTO {quote(table.name)} ({columns}) VALUES "  # noqa: S608
    if connection.dialect.name != "sqlite":
        given = [row if isinstance(row, tuple) else tuple(row) for row in rows]
        if len(given) <= FEW:
            values = ", ".join(["%s"] * len(table.columns))
            connection.exec_driver_sql(f"{head}({values})", given)
            return
        types = [column.type.compile(connection.dialect) for column in table.columns]
        connection.exec_driver_sql(
            f"COPY {quote(table.name)} ({columns}) FROM STDIN (FORMAT BINARY)",
            given,
            execution_options={COPIED: [each.partition("(")[0].split()[0] for each in types]},
        )
        return
    # Many rows a call: SQLite's driver lets other threads run while a call lasts, and hands over to
    # them between calls, which at a row a call costs more than the row.
    one = f"({', '.join(['?'] * len(table.columns))})"
    at_once = max(1, SQLITE_VALUES // len(table.columns))
    for first in range(0, len(rows), at_once):
        some = rows[first : first + at_once]
        connection.exec_driver_sql(
            head + ", ".join([one] * len(some)), tuple(chain.from_iterable(some))
        )


@event.listens_for(Engine, "do_executemany")
def _copy(cursor: Any, statement: str, parameters: Any, context: Any) -> bool:  # noqa: ANN401
    """Carry out a COPY in the place of the driver's ``executemany``; True where it was one.

    As an event, so that an error is explained like that of any other statement.
    """
    types = context.execution_options.get(COPIED)
    if types is None:
        return False
    with cursor.copy(statement) as copy:
        copy.set_types([each.lower() for each in types])
        for row in parameters:
            copy.write_row(row)
    return True


def insert_mappings(
    connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]
) -> None:
    """:func:`insert_rows` for rows by column name; raises :class:`KeyError` where one is missing."""
    in_order = itemgetter(*(column.name for column in table.columns))
    insert_rows(connection, table, [in_order(row) for row in rows])

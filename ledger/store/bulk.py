"""Writing rows by the thousand."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from itertools import chain
from operator import itemgetter
from typing import Any, cast

from sqlalchemy import Connection, Engine, Table, event

COPIED = "govledger_copied"
"""Execution option: the PostgreSQL types of the columns of a COPY."""
FEW = 8
"""Rows up to which PostgreSQL is given a statement; COPY has a round trip more."""
SQLITE_VALUES = 5_500
"""Values a call; SQLite takes 32,766 (SQLITE_MAX_VARIABLE_NUMBER)."""
MANY = 50
"""Rows from which on looking for columns in which all are the same pays."""

_AS_IS: Mapping[type, Callable[[Any], Any]] = {bytes: bytearray, bool: int}
sqlite3.register_adapter(type(None), cast("Callable[[None], None]", {}.get))
"""None is found at once, and stays None: the driver would look in three places else, which takes half a microsecond."""


def insert_rows(connection: Connection, table: Table, rows: Sequence[Sequence[Any]]) -> None:
    """Insert ``rows``, each with a value for every column in the table's order, as the driver takes
    them: no type of a column converts anything on this way.
    """
    if not rows:
        return
    quote = connection.dialect.identifier_preparer.quote
    names = tuple(quote(column.name) for column in table.columns)
    if connection.dialect.name == "sqlite":
        _insert_into_sqlite(connection, quote(table.name), names, rows)
        return
    given = [row if isinstance(row, tuple) else tuple(row) for row in rows]
    if len(given) <= FEW:
        connection.exec_driver_sql(_statement(quote(table.name), names, (), 1, "%s"), given)
        return
    types = [column.type.compile(connection.dialect) for column in table.columns]
    connection.exec_driver_sql(
        f"COPY {quote(table.name)} ({', '.join(names)}) FROM STDIN (FORMAT BINARY)",
        given,
        execution_options={COPIED: [each.partition("(")[0].split()[0] for each in types]},
    )


def _insert_into_sqlite(
    connection: Connection, table: str, names: tuple[str, ...], rows: Sequence[Sequence[Any]]
) -> None:
    """Many rows a call: SQLite's driver lets other threads run while a call lasts, and hands over to them between
    calls, which at a row a call costs more than the row. Handing over a value costs as much as keeping it, so what is
    the same in all rows is handed over once.
    """
    columns = list(zip(*rows, strict=True))
    same = _same(columns) if len(rows) >= MANY else ()
    shared = [columns[at][0] for at in same]
    own = [_handed_over(column) for at, column in enumerate(columns) if at not in same]
    at_once = max(1, SQLITE_VALUES // len(names))
    for first in range(0, len(rows), at_once):
        some = [column[first : first + at_once] for column in own]
        count = min(at_once, len(rows) - first)
        connection.exec_driver_sql(
            _statement(table, names, same, count, "?"),
            (*shared, *chain.from_iterable(zip(*some, strict=True))),
        )


def _same(columns: Sequence[Sequence[Any]]) -> tuple[int, ...]:
    """Columns that are the same all along; numbers are handed over for nothing, and 1 is 1.0."""
    return tuple(
        at
        for at, column in enumerate(columns)
        if column[0] == column[-1]
        and not isinstance(column[0], int | float)
        and column.count(column[0]) == len(column)
    )


def _handed_over(column: Sequence[Any]) -> Sequence[Any]:
    """A column as values that Python's driver takes as they are: it looks for an adapter of every value that is not
    just an int, a float, a str or a bytearray, which takes twice as long as handing the value over.
    """
    as_is = _AS_IS.get(type(column[0]))
    if as_is is None or set(map(type, column)) != {type(column[0])}:
        return column
    return tuple(map(as_is, column))


@lru_cache(maxsize=128)
def _statement(
    table: str, names: tuple[str, ...], same: tuple[int, ...], count: int, mark: str
) -> str:
    """Inserts ``count`` rows, of which some columns are the ``same``: these come first, and once."""
    own = [at for at in range(len(names)) if at not in same]
    listed = ", ".join([names[at] for at in (*same, *own)])
    first = [mark] * len(names)
    others = [*(f"{mark}{number + 1}" for number in range(len(same))), *[mark] * len(own)]
    rows = [f"({', '.join(each)})" for each in (first, others)]
    values = ", ".join([rows[0], *[rows[1]] * (count - 1)])
    return f"INSERT INTO {table} ({listed}) VALUES {values}"  # noqa: S608


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

"""Writing rows by the thousand."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Table


def insert_rows(connection: Connection, table: Table, rows: Sequence[tuple[Any, ...]]) -> None:
    """Insert ``rows``, each with a value for every column in the table's order, as the driver takes
    them: no type of a column converts anything on this way.
    """
    if not rows:
        return
    quote = connection.dialect.identifier_preparer.quote
    name = quote(table.name)
    columns = ", ".join(quote(column.name) for column in table.columns)
    mark = "?" if connection.dialect.paramstyle == "qmark" else "%s"
    values = ", ".join([mark] * len(table.columns))
    connection.exec_driver_sql(f"INSERT INTO {name} ({columns}) VALUES ({values})", list(rows))  # noqa: S608

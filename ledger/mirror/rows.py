"""The mirror's rows, read in bulk as the driver gives them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection

from ledger.statements import Statement

_STATEMENT = (
    "SELECT index_, kind, subject, version, org, signer, authorisation, recorded_at, payload, "
    "body_digest, body FROM statement WHERE index_ >= {mark} AND index_ < {mark} ORDER BY index_"
)
_AUTHORISATION = (
    "SELECT first_index, count, digest, registry, organisation, signer, signature, cosigner, "
    "cosignature, deadline, block_number, transaction_hash FROM authorisation "
    "WHERE first_index >= {mark} AND first_index < {mark} ORDER BY first_index"
)


def statement_rows(conn: Connection, first: int, end: int) -> Sequence[Sequence[Any]]:
    """Rows of ``statement`` with ``first <= index_ < end``; never from a copy beside."""
    return _between(conn, _STATEMENT, first, end)


def statements_between(conn: Connection, first: int, end: int) -> list[Statement]:
    """:func:`statement_rows` as statements."""
    return [Statement(*row) for row in statement_rows(conn, first, end)]


def authorisation_rows(conn: Connection, first: int, end: int) -> Sequence[Sequence[Any]]:
    """Rows of ``authorisation`` with ``first <= first_index < end``; deadlines as decimal text."""
    return _between(conn, _AUTHORISATION, first, end)


def _between(conn: Connection, sql: str, first: int, end: int) -> Sequence[Sequence[Any]]:
    mark = "?" if conn.dialect.paramstyle == "qmark" else "%s"
    result = conn.exec_driver_sql(sql.format(mark=mark), (first, end))
    # The driver's own tuples: SQLAlchemy's rows are made one by one, and nobody asks these by name.
    rows: Sequence[Sequence[Any]] = result.cursor.fetchall()
    result.close()
    return rows

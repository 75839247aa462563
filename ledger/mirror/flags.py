"""Malformed statements (不合规声明): they stay on the log, and nothing is derived from them.

Every function takes an SQLAlchemy connection, or a log size, and only reads.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec
from sqlalchemy import Connection, Select, func, select

from ledger.mirror.tables import flag, statement
from ledger.statements import Statement


class Flag(msgspec.Struct, frozen=True):
    """A malformed statement, and who says so (``statement``, or a projection's name)."""

    index: int
    source: str
    reason: str


def flags(conn: Connection, first: int = 0, count: int | None = None) -> list[Flag]:
    """Malformed statements from leaf ``first`` on, in leaf order."""
    asked = select(flag).where(flag.c.index_ >= first).order_by(flag.c.index_, flag.c.source)
    return [Flag(*row) for row in conn.execute(asked.limit(count))]


def flags_of(conn: Connection, index: int) -> list[Flag]:
    """What is malformed about leaf ``index``."""
    asked = select(flag).where(flag.c.index_ == index).order_by(flag.c.source)
    return [Flag(*row) for row in conn.execute(asked)]


def flagged(
    conn: Connection, kinds: Iterable[str], first: int, end: int
) -> list[tuple[Flag, Statement]]:
    """What is malformed among statements of these kinds with ``first <= index < end``, in leaf order."""
    asked = (
        select(flag, statement)
        .join(statement, statement.c.index_ == flag.c.index_)
        .where(flag.c.index_ >= first, flag.c.index_ < end, statement.c.kind.in_(sorted(kinds)))
        .order_by(flag.c.index_, flag.c.source)
    )
    width = len(flag.columns)
    return [(Flag(*row[:width]), Statement(*row[width:])) for row in conn.execute(asked)]


def unreadable_at(size: int | None) -> Select[Any]:
    """Statements recorded before a log size that say nothing, since they are malformed.

    Columns: leaf, kind, subject, version, org (hash), recorded_at, reason (the first one given).
    """
    reasons = select(flag.c.index_, func.min(flag.c.reason).label("reason")).group_by(flag.c.index_)
    first = reasons.subquery()
    asked = select(
        statement.c.index_.label("leaf"),
        statement.c.kind,
        statement.c.subject,
        statement.c.version,
        statement.c.org,
        statement.c.recorded_at,
        first.c.reason,
    ).join_from(first, statement, statement.c.index_ == first.c.index_)
    return asked if size is None else asked.where(statement.c.index_ < size)

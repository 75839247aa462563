"""Which entries of the lineage journal happened when (血缘事件时间), page by page."""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import ColumnElement, Connection, and_, func, or_, select

from ledger.lineage.models import EVENTS


class Happened(NamedTuple):
    """An event's time in microseconds since 1970, UTC, and its position in the journal."""

    at: int
    pos: int


class Span(NamedTuple):
    """Events from ``after`` until, not including, ``before`` (microseconds), of a journal of size ``journal``."""

    after: int
    before: int
    journal: int


def happened(
    conn: Connection,
    span: Span,
    *,
    limit: int,
    newest_first: bool = True,
    behind: Happened | None = None,
    offset: int = 0,
) -> list[Happened]:
    """Events of a span in order of time, and of one time in order of arrival; a page begins ``behind`` one."""
    at, pos = EVENTS.c.said_at, EVENTS.c.pos
    asked = select(at, pos).where(_within(span)).limit(limit).offset(offset)
    asked = asked.order_by(at.desc(), pos.desc()) if newest_first else asked.order_by(at, pos)
    if behind is not None:
        further = (
            or_(at < behind.at, and_(at == behind.at, pos < behind.pos))
            if newest_first
            else or_(at > behind.at, and_(at == behind.at, pos > behind.pos))
        )
        asked = asked.where(further)
    return [Happened(*row) for row in conn.execute(asked)]


def how_many(conn: Connection, span: Span) -> int:
    """How many events a span has."""
    asked = select(func.count()).select_from(EVENTS).where(_within(span))
    return int(conn.execute(asked).scalar_one())


def _within(span: Span) -> ColumnElement[bool]:
    at, pos = EVENTS.c.said_at, EVENTS.c.pos
    return and_(at >= span.after, at < span.before, pos < span.journal)

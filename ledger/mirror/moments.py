"""Sizes of the log and moments: which size a time means, and on which day a size is judged.

Every function takes an SQLAlchemy connection and only reads.
"""

from __future__ import annotations

from bisect import bisect_right
from datetime import UTC, date, datetime, time

from sqlalchemy import Connection, bindparam, select

from ledger.days import CHINA_TIME, china_day
from ledger.mirror.queries import MirrorQueryError, cursor_of, size_of, statement_at
from ledger.mirror.tables import block, statement

# Asked some twenty times a question: building it takes longer than answering it.
_RECORDED_AT = select(statement.c.recorded_at).where(statement.c.index_ == bindparam("leaf"))


def resolve_as_of(conn: Connection, text: str) -> int:
    """The log size that ``text`` means: a size, or the size the log had at a time.

    A time is ISO 8601: ``2026-05-01T12:00:00+08:00``; without offset it is Beijing time
    (UTC+08:00); a date alone is the end of that day. Block time counts. A time after the newest
    block means all there is. Raises :class:`MirrorQueryError` naming what is wrong.
    """
    text = text.strip()
    size = size_of(conn)
    if text.isascii() and text.isdigit():
        asked = int(text)
        if asked > size:
            raise MirrorQueryError(
                f"as_of {asked}: the log has {size} leaves here",
                zh=f"as_of {asked}：日志在此只有 {size} 条声明",
                hint_zh=f"请给出不超过 {size} 的日志大小，或一个时间",
            )
        return asked
    try:
        seconds = int(_moment(text).astimezone(UTC).timestamp())
    except (ValueError, OverflowError) as error:
        raise MirrorQueryError(
            f"as_of {text!r} is neither a log size nor a time such as 2026-05-01T12:00:00+08:00",
            zh=f"as_of {text!r} 既不是日志大小，也不是时间",
            hint_zh="时间写作 2026-05-01 或 2026-05-01T12:00:00+08:00",
        ) from error
    now = cursor_of(conn)
    inherited = now.log.inherited if now else 0
    if inherited:
        before = _recorded_until(conn, seconds, min(inherited, size))
        if before < inherited:
            return before
    found = conn.execute(
        select(block.c.size)
        .where(block.c.timestamp <= seconds)
        .order_by(block.c.timestamp.desc(), block.c.number.desc())
        .limit(1)
    ).scalar_one_or_none()
    return max(int(found or 0), inherited)


def _recorded_until(conn: Connection, seconds: int, size: int) -> int:
    """How many of the first ``size`` leaves were recorded at a time or before; by halves.

    Blocks do not tell it of leaves that were carried over: they came into these blocks much later.
    """

    def recorded_at(index: int) -> int:
        return int(conn.execute(_RECORDED_AT, {"leaf": index}).scalar_one())

    return bisect_right(range(size), seconds, key=recorded_at)


def day_at(conn: Connection, size: int) -> date | None:
    """The day of a log size (审计日): in China (UTC+8), of the block that recorded its last leaf.

    None for size 0. Whatever is asked as of a size is judged on that day, so that the answer is the same for
    ever. Raises :class:`MirrorQueryError` where the mirror is not that far.
    """
    return china_day(statement_at(conn, size - 1).recorded_at) if size else None


def _moment(text: str) -> datetime:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        moment = datetime.fromisoformat(text)
        return moment if moment.tzinfo else moment.replace(tzinfo=CHINA_TIME)
    return datetime.combine(day, time(23, 59, 59), CHINA_TIME)

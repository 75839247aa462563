"""Days (日期) as statements carry them: YYYYMMDD as a number, ``YYYY-MM-DD`` as text.

A day is a day of the Gregorian calendar in 1900..2999 and has no time zone of its own; what happened at a
moment happened on its day in China (UTC+8).
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta, timezone

FIRST_YEAR, LAST_YEAR = 1900, 2999
CHINA_TIME = timezone(timedelta(hours=8), "UTC+08:00")
_TEXT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def day_of(number: int) -> date:
    """The day YYYYMMDD in 1900..2999; raises :class:`ValueError` where there is no such day."""
    return near(date(number // 10_000, number // 100 % 100, number % 100))


def day_number(day: date) -> int:
    """YYYYMMDD."""
    return day.year * 10_000 + day.month * 100 + day.day


def day_in(text: str) -> date:
    """The day that ``YYYY-MM-DD`` names; raises :class:`ValueError` for any other text."""
    if not _TEXT.fullmatch(text):
        raise ValueError(f"a day is written YYYY-MM-DD, not {text!r}")
    return near(date.fromisoformat(text))


def near(day: date) -> date:
    """``day`` itself; raises :class:`ValueError` outside 1900..2999."""
    if not FIRST_YEAR <= day.year <= LAST_YEAR:
        raise ValueError(f"the year {day.year} is not in {FIRST_YEAR}..{LAST_YEAR}")
    return day


def china_day(seconds: int) -> date:
    """The day in China (UTC+8) of a moment in Unix seconds."""
    return datetime.fromtimestamp(seconds, UTC).astimezone(CHINA_TIME).date()

"""Periods (期间) as people write them: a year, half-year, quarter, month, day, or from a day to a day."""

from __future__ import annotations

import re
from calendar import monthrange
from datetime import date
from typing import NamedTuple

from ledger.days import day_in, near

FORMS = "2026, 2026-H1, 2026-Q3, 2026-10, 2026-10-08, 2026-07-01..2026-09-30"
_YEAR = re.compile(r"(\d{4})")
_PART = re.compile(r"(\d{4})-([HhQq])([1-4])")
_MONTH = re.compile(r"(\d{4})-(\d{2})")
_MONTHS = {"H": 6, "Q": 3}


class Period(NamedTuple):
    """From a first day to a last day, both within."""

    start: date
    end: date

    def __str__(self) -> str:
        return f"{self.start}..{self.end}"


def period_in(text: str) -> Period:
    """The period that ``text`` names; raises :class:`ValueError` naming the forms there are."""
    try:
        period = _read(text.strip())
    except ValueError as error:
        raise ValueError(f"{text!r} is no period ({error}); write one of {FORMS}") from error
    if period.end < period.start:
        raise ValueError(f"the period {text} ends before it starts")
    return Period(near(period.start), near(period.end))


def _read(text: str) -> Period:
    start, two, end = text.partition("..")
    if two:
        return Period(day_in(start.strip()), day_in(end.strip()))
    if found := _YEAR.fullmatch(text):
        return _months(int(found[1]), 1, 12)
    if found := _MONTH.fullmatch(text):
        return _months(int(found[1]), int(found[2]), 1)
    if found := _PART.fullmatch(text):
        length = _MONTHS[found[2].upper()]
        return _months(int(found[1]), (int(found[3]) - 1) * length + 1, length)
    day = day_in(text)
    return Period(day, day)


def _months(year: int, first: int, count: int) -> Period:
    start, last = date(year, first, 1), first + count - 1
    return Period(start, date(year, last, monthrange(year, last)[1]))

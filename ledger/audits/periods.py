"""Periods and due dates (更新周期与到期日) of an audit, as small tables that the database joins.

A cycle cuts time into numbered periods: calendar weeks (ending on Sunday), months, quarters, half-years, years;
for what is updated daily or in real time every working day is one. The data of a period are due a number of
working days (:class:`ledger.audits.policy.Grace`) after its last day, by the State Council's calendar with
shifted weekends (调休). ``on_demand`` and ``other`` have no periods.
"""

from __future__ import annotations

import hashlib
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from typing import NamedTuple

from ledger import workdays
from ledger.audits.policy import Policy
from ledger.codes import UpdateCycle
from ledger.days import day_number

EPOCH = date(1970, 1, 1)
_DAY = timedelta(days=1)
CYCLES = (
    UpdateCycle.REALTIME,
    UpdateCycle.DAILY,
    UpdateCycle.WEEKLY,
    UpdateCycle.MONTHLY,
    UpdateCycle.QUARTERLY,
    UpdateCycle.HALF_YEARLY,
    UpdateCycle.YEARLY,
)
"""Cycles that have due dates."""
_MONTHS = {
    UpdateCycle.MONTHLY: 1,
    UpdateCycle.QUARTERLY: 3,
    UpdateCycle.HALF_YEARLY: 6,
    UpdateCycle.YEARLY: 12,
}
_SATURDAY = 5
_SUNDAY = 6
_LONGEST = 366


class CycleRow(NamedTuple):
    """The newest period of a cycle that is due before the audit's day; 0 and None where none is."""

    cycle: int
    number: int
    first_day: int | None
    last_day: int | None
    due: int | None


class DayRow(NamedTuple):
    """What a day means in a cycle, each as the number of a period.

    ``before`` is the last period that ended before the day, ``upto`` the last that ended on it or before,
    ``late`` the last whose data were overdue on that day.
    """

    cycle: int
    day: int
    before: int
    upto: int
    late: int


class CalendarRow(NamedTuple):
    """A day: days since 1970, YYYYMMDD, and how many working days of the table lie up to it.

    ``special`` counts in the same way the days that Monday to Friday would tell wrong: holidays within the week, and
    weekends worked.
    """

    epoch: int
    day: int
    ordinal: int
    special: int


def calendar_digest() -> str:
    """SHA-256 over all working days that this program knows, lower-case hex.

    Two programs that know other working days count other due dates: reports name this digest.
    """
    return _calendar()[1]


def known(day: date) -> bool:
    """Whether the working days of the day's year are known."""
    return workdays.FIRST_YEAR <= day.year <= workdays.LAST_YEAR


def due_day(day: date, count: int) -> date | None:
    """The last day of a period of ``count`` working days after ``day``; None where the calendar ends before."""
    days, _ = _calendar()
    at = bisect_right(days, day) + count
    if not known(day) or at > len(days):
        return None
    return day if count == 0 else days[at - 1]


@dataclass(frozen=True)
class Periods:
    """The rows for an audit's day under a policy."""

    day: date
    policy: Policy

    @property
    def window_start(self) -> date:
        """The first day on which a period may end and still be looked at."""
        return self.day - timedelta(days=self.policy.window_days)

    @property
    def first_day(self) -> date:
        """The first day of the tables; an earlier one counts as this."""
        return self.window_start - _DAY

    def periods(self, cycle: UpdateCycle) -> list[tuple[date, date]]:
        """First and last day of every period that ends after :attr:`first_day` and before or on the day."""
        return [
            (start, end)
            for start, end in _periods(cycle, self.first_day - timedelta(days=_LONGEST), self.day)
            if self.first_day < end <= self.day
        ]

    def cycle_rows(self) -> list[CycleRow]:
        """One row a cycle."""
        return [self._cycle_row(cycle) for cycle in CYCLES]

    def _cycle_row(self, cycle: UpdateCycle) -> CycleRow:
        """The newest period that is due by now: those before it are due too."""
        periods = self.periods(cycle)
        for number in range(len(periods), 0, -1):
            start, end = periods[number - 1]
            due = due_day(end, self.policy.grace_of(cycle) or 0)
            if due is not None and due < self.day:
                return CycleRow(
                    cycle.number, number, day_number(start), day_number(end), day_number(due)
                )
        return CycleRow(cycle.number, 0, None, None, None)

    def day_rows(self) -> tuple[DayRow, ...]:
        """A row for each cycle and each day from :attr:`first_day` to the audit's."""
        return _day_rows(self)

    def _day_rows(self) -> Iterator[DayRow]:
        for cycle in CYCLES:
            periods = self.periods(cycle)
            ends = [end for _, end in periods]
            grace = self.policy.grace_of(cycle) or 0
            dues = [due_day(end, grace) or date.max for end in ends]
            for day in self._days():
                before, upto = bisect_left(ends, day), bisect_right(ends, day)
                yield DayRow(cycle.number, day_number(day), before, upto, bisect_left(dues, day))

    def calendar_rows(self, first: date) -> Iterator[CalendarRow]:
        """A row for every day from ``first``, or :attr:`first_day` before it, to the end of the years known."""
        ordinal = special = 0
        day = max(min(first, self.first_day), date(workdays.FIRST_YEAR, 1, 1))
        while known(day):
            works = workdays.is_workday(day)
            ordinal += works
            special += works == (day.weekday() >= _SATURDAY)
            yield CalendarRow(
                epoch=(day - EPOCH).days,
                day=day_number(day),
                ordinal=ordinal,
                special=special,
            )
            day += _DAY

    def _days(self) -> Iterator[date]:
        day = self.first_day
        while day <= self.day:
            yield day
            day += _DAY


def _periods(cycle: UpdateCycle, first: date, last: date) -> Iterator[tuple[date, date]]:
    """Periods of a cycle that end between ``first`` and ``last``, in order."""
    if cycle in _MONTHS:
        yield from _of_months(_MONTHS[cycle], first, last)
        return
    day = first
    while day <= last:
        if cycle is UpdateCycle.WEEKLY:
            if day.weekday() == _SUNDAY:
                yield day - timedelta(days=6), day
        elif known(day) and workdays.is_workday(day):
            yield day, day
        day += _DAY


def _of_months(length: int, first: date, last: date) -> Iterator[tuple[date, date]]:
    year, month = first.year, (first.month - 1) // length * length + 1
    while True:
        start = date(year, month, 1)
        month += length
        if month > 12:  # noqa: PLR2004
            year, month = year + 1, month - 12
        end = date(year, month, 1) - _DAY
        if end > last:
            return
        if end >= first:
            yield start, end


@lru_cache(maxsize=8)
def _day_rows(periods: Periods) -> tuple[DayRow, ...]:
    """Kept, because audits of one day come in numbers."""
    return tuple(periods._day_rows())  # noqa: SLF001 - its own


@lru_cache(maxsize=1)
def _calendar() -> tuple[list[date], str]:
    """Every working day known, in order, and the digest over them."""
    days = []
    day = date(workdays.FIRST_YEAR, 1, 1)
    while known(day):
        if workdays.is_workday(day):
            days.append(day)
        day += _DAY
    told = "\n".join(day.isoformat() for day in days)
    return days, hashlib.sha256(told.encode()).hexdigest()

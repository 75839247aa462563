"""The clock of a correction request (时限, 条例 Art. 26): ten working days from its receipt.

A request is received on the day, in China (UTC+8), of the block that recorded its filing. The period begins on
the next day (Civil Code Art. 201) and runs over the working days of the State Council's calendar. It ends with
its last day: who answers on that day answers on time. The law sets a ceiling; an authority may ask for less,
never grant more (条例 Art. 23).
"""

from __future__ import annotations

from datetime import date, datetime, time
from functools import lru_cache

from ledger.corrections.words import Standing
from ledger.days import CHINA_TIME, china_day
from ledger.workdays import LAST_YEAR, CalendarError, add_workdays, workdays_between

STATUTORY_WORKDAYS = 10
"""条例 Art. 26; the most that a request's clock may have."""


def check_workdays(count: int) -> int:
    """``count`` itself; raises :class:`ValueError` outside 1..10."""
    if not 1 <= count <= STATUTORY_WORKDAYS:
        raise ValueError(
            f"a correction is answered within 1 to {STATUTORY_WORKDAYS} working days, not {count}: the law "
            "sets a ceiling (条例 Art. 26)"
        )
    return count


@lru_cache(maxsize=4096)
def due_day(received: date, workdays: int = STATUTORY_WORKDAYS) -> date:
    """The last day on which an answer is on time.

    Raises :class:`~ledger.workdays.CalendarError` where the period runs into a year whose working days are not
    known yet.
    """
    return add_workdays(received, check_workdays(workdays))


def due_or_later(received: date, workdays: int, day: date) -> date | None:
    """:func:`due_day`, or None where it is not known yet but surely later than ``day``.

    The calendar ends with a year: what is due after that is not due before. Raises
    :class:`~ledger.workdays.CalendarError` where ``day`` itself lies beyond the calendar.
    """
    try:
        return due_day(received, workdays)
    except CalendarError:
        if day.year > LAST_YEAR:
            raise
        return None


def standing_of(
    due: date | None, day: date, *, answered_at: int | None, cancelled_at: int | None
) -> Standing:
    """How a request stands on ``day``; times of its steps in Unix seconds, ``due`` None: after ``day``.

    What happened after ``day`` has not happened yet.
    """
    answered_at, cancelled_at = (
        None if moment is None or china_day(moment) > day else moment
        for moment in (answered_at, cancelled_at)
    )
    if answered_at is not None:
        return Standing.LATE if _after(answered_at, due) else Standing.ON_TIME
    if cancelled_at is not None:
        return Standing.LAPSED if _after(cancelled_at, due) else Standing.CANCELLED
    return Standing.OVERDUE if due is not None and day > due else Standing.RUNNING


def moment_of(day: date) -> int:
    """The first second of a day in China, Unix seconds."""
    return int(datetime.combine(day, time(), CHINA_TIME).timestamp())


@lru_cache(maxsize=4096)
def workdays_taken(received: date, answered: date) -> int:
    """Working days after ``received`` up to and including ``answered``."""
    return workdays_between(received, answered)


def workdays_late(due: date, day: date) -> int:
    """Working days after ``due`` up to and including ``day``; 0 where it is not later."""
    return workdays_taken(due, day) if day > due else 0


def _after(moment: int, due: date | None) -> bool:
    return due is not None and china_day(moment) > due

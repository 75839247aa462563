"""Ten working days: what the State Council's calendar makes of them, and what nobody may make of them."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.corrections.clock import (
    STATUTORY_WORKDAYS,
    due_day,
    due_or_later,
    moment_of,
    standing_of,
    workdays_late,
)
from ledger.corrections.words import Standing
from ledger.days import china_day
from ledger.workdays import LAST_YEAR, CalendarError, is_workday
from tests.corrections.told import MONDAY, moment

DUE = date(2026, 3, 16)
DAYS = st.dates(min_value=date(2021, 1, 1), max_value=date(2026, 11, 30))


def test_the_day_of_receipt_does_not_count() -> None:
    assert due_day(MONDAY) == DUE
    assert due_day(date(2026, 2, 27)) == date(2026, 3, 12)  # 28 February is a make-up working day


def test_holidays_and_make_up_days_are_those_of_the_state_council() -> None:
    # Spring festival 2026: 15 to 23 February off, Saturdays 14 and 28 February worked.
    assert due_day(date(2026, 2, 10)) == date(2026, 3, 2)


@given(DAYS, st.integers(1, STATUTORY_WORKDAYS))
def test_between_receipt_and_due_day_lie_so_many_working_days(received: date, count: int) -> None:
    due = due_day(received, count)
    days = [received + timedelta(days=n) for n in range(1, (due - received).days + 1)]
    assert sum(map(is_workday, days)) == count
    assert is_workday(due)


@given(DAYS, st.integers(1, STATUTORY_WORKDAYS))
def test_a_shorter_clock_never_ends_later(received: date, count: int) -> None:
    assert due_day(received, count) <= due_day(received)


@pytest.mark.parametrize("count", [0, -1, 11, 20])
def test_nobody_lengthens_the_clock(count: int) -> None:
    with pytest.raises(ValueError, match="1 to 10 working days"):
        due_day(MONDAY, count)


def test_a_year_without_a_calendar_is_an_error_that_says_so() -> None:
    late = date(LAST_YEAR, 12, 28)
    with pytest.raises(CalendarError, match=f"not for {LAST_YEAR + 1}-01"):
        due_day(late)
    assert due_or_later(late, 10, date(LAST_YEAR, 12, 31)) is None
    with pytest.raises(CalendarError, match=str(LAST_YEAR + 1)):
        due_or_later(late, 10, date(LAST_YEAR + 1, 1, 1))


@pytest.mark.parametrize(
    ("day", "answered", "cancelled", "standing"),
    [
        (DUE, None, None, Standing.RUNNING),
        (DUE + timedelta(days=1), None, None, Standing.OVERDUE),
        (DUE, DUE, None, Standing.ON_TIME),
        (DUE + timedelta(days=9), DUE, None, Standing.ON_TIME),
        (DUE + timedelta(days=9), DUE + timedelta(days=1), None, Standing.LATE),
        (DUE, DUE + timedelta(days=1), None, Standing.RUNNING),
        (DUE, None, DUE, Standing.CANCELLED),
        (DUE + timedelta(days=9), None, DUE + timedelta(days=1), Standing.LAPSED),
        (DUE - timedelta(days=9), DUE - timedelta(days=1), None, Standing.RUNNING),
    ],
)
def test_the_last_day_is_whole_and_what_lies_ahead_has_not_happened(
    day: date, answered: date | None, cancelled: date | None, standing: Standing
) -> None:
    times = {
        "answered_at": None if answered is None else moment(answered, 23),
        "cancelled_at": None if cancelled is None else moment(cancelled, 0),
    }
    assert standing_of(DUE, day, **times) is standing


def test_midnight_is_that_of_china() -> None:
    last = moment_of(DUE + timedelta(days=1)) - 1
    assert china_day(last) == DUE
    assert standing_of(DUE, DUE, answered_at=last, cancelled_at=None) is Standing.ON_TIME
    assert china_day(last + 1) == DUE + timedelta(days=1)


def test_lateness_counts_working_days() -> None:
    assert workdays_late(DUE, DUE) == 0
    assert workdays_late(DUE, date(2026, 3, 22)) == 4  # Tuesday to Friday, then a weekend

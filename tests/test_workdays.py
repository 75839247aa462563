"""Working days against the collected calendar, and the arithmetic of legal periods."""

from __future__ import annotations

import csv
from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.workdays import (
    FIRST_YEAR,
    LAST_YEAR,
    CalendarError,
    add_workdays,
    is_workday,
    workdays_between,
)

DAYS = st.dates(min_value=date(2019, 1, 1), max_value=date(2025, 6, 30))


def test_every_day_of_seven_years_is_as_collected(shared_data: Path) -> None:
    with (shared_data / "codes" / "workdays_2020_2026.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 2557
    for row in rows:
        assert is_workday(date.fromisoformat(row["date"])) == (row["is_workday"] == "1"), row


@pytest.mark.parametrize("year", [2025, 2026])
def test_a_year_has_the_known_number_of_working_days(year: int) -> None:
    assert workdays_between(date(year - 1, 12, 31), date(year, 12, 31)) == 248


def test_a_weekend_may_be_worked_and_a_weekday_be_free() -> None:
    assert is_workday(date(2026, 2, 14))  # Saturday, worked for the Spring Festival
    assert not is_workday(date(2026, 2, 17))  # Tuesday, Spring Festival
    assert add_workdays(date(2026, 2, 13), 1) == date(2026, 2, 14)
    assert add_workdays(date(2026, 2, 14), 1) == date(2026, 2, 24)


def test_the_day_of_the_event_does_not_count() -> None:
    monday = date(2026, 3, 2)
    assert add_workdays(monday, 0) == monday
    assert add_workdays(monday, 10) == date(2026, 3, 16)
    assert workdays_between(monday, monday) == 0
    assert workdays_between(monday, date(2026, 3, 16)) == 10


@given(DAYS, st.integers(min_value=1, max_value=60))
def test_a_period_ends_on_a_working_day_and_has_its_length(day: date, count: int) -> None:
    end = add_workdays(day, count)
    assert is_workday(end)
    assert workdays_between(day, end) == count
    assert workdays_between(day, end - timedelta(days=1)) == count - 1
    if is_workday(day):
        assert add_workdays(end, -count) == day


@pytest.mark.parametrize("day", [date(FIRST_YEAR - 1, 12, 31), date(LAST_YEAR + 1, 1, 1)])
def test_a_year_that_nobody_knows_is_refused_and_not_guessed(day: date) -> None:
    with pytest.raises(CalendarError, match=f"known for {FIRST_YEAR} to {LAST_YEAR}, not for"):
        is_workday(day)


def test_a_period_that_runs_into_an_unknown_year_is_refused() -> None:
    with pytest.raises(CalendarError, match="chinesecalendar"):
        add_workdays(date(LAST_YEAR, 12, 31), 1)


def test_a_period_cannot_end_before_it_starts() -> None:
    with pytest.raises(ValueError, match="ends 2025-01-01, before it starts 2025-01-02"):
        workdays_between(date(2025, 1, 2), date(2025, 1, 1))

"""Days as numbers, as text, and in China."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.days import china_day, day_in, day_number, day_of

DAYS = st.dates(date(1900, 1, 1), date(2999, 12, 31))


@given(DAYS)
def test_days_numbers_and_texts_are_the_same_thing(day: date) -> None:
    assert day_of(day_number(day)) == day
    assert day_in(day.isoformat()) == day


@pytest.mark.parametrize("number", [0, 20250230, 20251301, 18991231, 30000101, 2**32 - 1])
def test_a_number_that_is_no_day_is_refused(number: int) -> None:
    with pytest.raises(ValueError, match=r"year|month|day"):
        day_of(number)


@pytest.mark.parametrize(
    "text", ["20250101", "2025-W01-1", "2025-1-1", "2025-02-30", "1899-12-31", "", "２025-01-01"]
)
def test_a_text_that_is_no_day_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"year|month|day"):
        day_in(text)


@given(DAYS, DAYS)
def test_days_and_their_numbers_have_one_order(one: date, other: date) -> None:
    assert (one < other) == (day_number(one) < day_number(other))


def test_the_day_in_china_begins_eight_hours_before_the_one_in_greenwich() -> None:
    moment = int(datetime(2026, 2, 28, 15, 59, 59, tzinfo=UTC).timestamp())
    assert china_day(moment) == date(2026, 2, 28)
    assert china_day(moment + 1) == date(2026, 3, 1)

"""Periods as people write them."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.deliveries.periods import Period, period_in


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("2026", "2026-01-01", "2026-12-31"),
        ("2026-H1", "2026-01-01", "2026-06-30"),
        ("2026-h2", "2026-07-01", "2026-12-31"),
        ("2026-Q1", "2026-01-01", "2026-03-31"),
        ("2026-q4", "2026-10-01", "2026-12-31"),
        ("2024-02", "2024-02-01", "2024-02-29"),
        ("2026-10-08", "2026-10-08", "2026-10-08"),
        (" 2026-07-01 .. 2026-09-30 ", "2026-07-01", "2026-09-30"),
    ],
)
def test_a_period_is_read_as_it_is_meant(text: str, first: str, last: str) -> None:
    assert period_in(text) == (date.fromisoformat(first), date.fromisoformat(last))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2026-Q5",
        "2026-H3",
        "2026-13",
        "2026-00",
        "26-Q1",
        "2026-02-30",
        "..",
        "1899",
        "2026-01-01..",
        "3000",
        "第三季度",
    ],
)
def test_what_is_no_period_is_told_the_forms_there_are(text: str) -> None:
    with pytest.raises(ValueError, match=r"is no period .*2026-Q3|year"):
        period_in(text)


def test_a_period_does_not_end_before_it_starts() -> None:
    with pytest.raises(ValueError, match="ends before it starts"):
        period_in("2026-09-30..2026-07-01")


@given(st.dates(date(1900, 1, 1), date(2990, 1, 1)), st.integers(0, 3000))
def test_a_period_written_down_is_read_back(start: date, days: int) -> None:
    period = Period(start, start + timedelta(days))
    assert period_in(str(period)) == period


@given(st.integers(1900, 2999))
def test_quarters_make_up_halves_and_halves_the_year(year: int) -> None:
    for name, parts in (("", "H1 H2"), ("-H1", "Q1 Q2"), ("-H2", "Q3 Q4")):
        whole = period_in(f"{year}{name}")
        first, second = (period_in(f"{year}-{part}") for part in parts.split())
        assert (first.start, second.end) == whole
        assert second.start - first.end == timedelta(1)

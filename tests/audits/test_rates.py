"""Rates of metrics: whole numbers that come out as exact fractions rounded half to even do."""

from __future__ import annotations

from fractions import Fraction

from hypothesis import example, given
from hypothesis import strategies as st

from ledger.audits.metrics import basis_points

COUNTS = st.integers(0, 10**20)


@given(part=COUNTS, whole=COUNTS)
@example(part=1, whole=20_000)
@example(part=3, whole=20_000)
@example(part=10**20, whole=10**20)
def test_a_rate_is_the_exact_fraction_rounded_half_to_even(part: int, whole: int) -> None:
    expected = round(Fraction(part * 10_000, whole)) if whole else None
    assert basis_points(part, whole) == expected

"""Totals, coverage and grades: exact, rounded once, and never 100 % of nothing."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.quality.dimensions import (
    DEFAULT_WEIGHTS,
    DIMENSIONS,
    assessed_bits,
    coverage_of,
    grade_of,
    mean_of,
    total_of,
)

SCORES = st.lists(st.one_of(st.none(), st.integers(0, 10_000)), min_size=6, max_size=6)
EVEN_HALF = (5000, 5000, 0, 0, 0, 0)


@st.composite
def weights(draw: st.DrawFn) -> list[int]:
    cuts = sorted(draw(st.lists(st.integers(0, 10_000), min_size=5, max_size=5)))
    return [high - low for low, high in zip([0, *cuts], [*cuts, 10_000], strict=True)]


def test_the_standard_orders_and_codes_its_dimensions() -> None:
    assert [(one.code, one.zh) for one in DIMENSIONS] == [
        ("01", "规范性"),
        ("02", "完整性"),
        ("03", "准确性"),
        ("04", "一致性"),
        ("05", "时效性"),
        ("06", "可访问性"),
    ]


@given(SCORES, weights())
def test_a_total_is_the_nearest_integer_to_the_exact_weighted_mean(
    scores: list[int | None], shares: list[int]
) -> None:
    total = total_of(scores, shares)
    pairs = [(one, share) for one, share in zip(scores, shares, strict=True) if one is not None]
    weight = sum(share for _, share in pairs)
    if weight == 0:
        assert total is None
        return
    assert total is not None
    exact = Fraction(sum(one * share for one, share in pairs), weight)
    assert abs(total - exact) <= Fraction(1, 2)
    assert min(one for one, share in pairs if share) <= total
    assert total <= max(one for one, share in pairs if share)


@given(SCORES, weights())
def test_coverage_is_the_weight_of_what_was_assessed(
    scores: list[int | None], shares: list[int]
) -> None:
    coverage = coverage_of(scores, shares)
    rest = coverage_of([None if one is not None else 0 for one in scores], shares)
    assert coverage + rest == 10_000


@pytest.mark.parametrize(("scores", "total"), [((1, 2), 2), ((2, 3), 2), ((3, 4), 4)])
def test_halves_go_to_the_even_neighbour(scores: tuple[int, int], total: int) -> None:
    assert total_of([*scores, None, None, None, None], EVEN_HALF) == total
    assert mean_of(scores) == total


def test_what_was_not_assessed_gives_its_weight_to_the_others() -> None:
    assert total_of([10_000, 6000, None, None, None, None]) == 7500
    assert coverage_of([10_000, 6000, None, None, None, None]) == 4000


def test_nothing_assessed_is_not_applicable_and_never_full() -> None:
    nothing: list[int | None] = [None] * 6
    assert total_of(nothing) is None
    assert coverage_of(nothing) == 0
    assert grade_of(None) is None
    assert mean_of([]) is None
    assert total_of([None, None, 10_000, 10_000, 10_000, 10_000], EVEN_HALF) is None


@pytest.mark.parametrize("wrong", [(1, 2, 3), (10_000, 0, 0, 0, 0, 1), (10_001, -1, 0, 0, 0, 0)])
def test_weights_that_do_not_add_up_are_refused(wrong: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="6 weights from 0 add up to 10000"):
        total_of([1, 1, 1, 1, 1, 1], wrong)


@pytest.mark.parametrize(
    ("total", "grade"),
    [(10_000, "A"), (9500, "A"), (9499, "B"), (8500, "B"), (7000, "C"), (6000, "D"), (0, "E")],
)
def test_a_grade_is_reached_at_its_threshold(total: int, grade: str) -> None:
    assert grade_of(total) == grade


def test_grades_may_be_others() -> None:
    assert grade_of(7000, [(8000, "绿"), (5000, "黄"), (0, "红")]) == "黄"
    with pytest.raises(ValueError, match="lowest threshold must be 0"):
        grade_of(10, [(8000, "绿")])


def test_default_weights_are_whole() -> None:
    assert sum(DEFAULT_WEIGHTS) == 10_000


def test_the_mask_has_a_bit_for_each_assessed_dimension() -> None:
    assert assessed_bits([0, None, 5, None, None, 1]) == 0b100101

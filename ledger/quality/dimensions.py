"""The six dimensions of data quality (DB31/T 1523-2024), totals, coverage, grades; integers only.

The standard leaves weights to the evaluator and gives no grades: :data:`DEFAULT_WEIGHTS` and
:data:`DEFAULT_GRADES` are this project's own and meant to be replaced. A dimension that was not
assessed is None: it takes no part in the total, its weight goes to the others, and it lowers
coverage.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import NamedTuple

FULL = 10_000
"""100 % in basis points."""


class Dimension(NamedTuple):
    """A first-level indicator: its code in the standard, member name, and labels."""

    code: str
    name: str
    zh: str
    en: str


DIMENSIONS: tuple[Dimension, ...] = (
    Dimension("01", "normativity", "规范性", "normativity"),
    Dimension("02", "completeness", "完整性", "completeness"),
    Dimension("03", "accuracy", "准确性", "accuracy"),
    Dimension("04", "consistency", "一致性", "consistency"),
    Dimension("05", "timeliness", "时效性", "timeliness"),
    Dimension("06", "accessibility", "可访问性", "accessibility"),
)
"""In the order of the bits of ``assessed``."""
ALL_ASSESSED = (1 << len(DIMENSIONS)) - 1

DEFAULT_WEIGHTS: tuple[int, ...] = (1500, 2500, 2500, 1500, 1500, 500)
"""Weights of the dimensions in basis points, ours."""
DEFAULT_GRADES: tuple[tuple[int, str], ...] = (
    (9500, "A"),
    (8500, "B"),
    (7000, "C"),
    (6000, "D"),
    (0, "E"),
)
"""Grades by the least total in basis points, best first, ours."""


def check_weights(weights: Sequence[int]) -> None:
    """Raise :class:`ValueError` unless there are six weights >= 0 that add up to 10000."""
    if len(weights) != len(DIMENSIONS) or min(weights) < 0 or sum(weights) != FULL:
        raise ValueError(
            f"{len(DIMENSIONS)} weights from 0 add up to {FULL}; these do not: {list(weights)}"
        )


def total_of(scores: Sequence[int | None], weights: Sequence[int] = DEFAULT_WEIGHTS) -> int | None:
    """Weighted mean of the assessed dimensions in basis points, rounded half-even once, at the end.

    None where nothing that has weight was assessed: not applicable is never 100 %.
    """
    check_weights(weights)
    pairs = [(score, weight) for score, weight in _pairs(scores, weights) if score is not None]
    weight = sum(weight for _, weight in pairs)
    if weight == 0:
        return None
    return round(Fraction(sum(score * share for score, share in pairs), weight))


def coverage_of(scores: Sequence[int | None], weights: Sequence[int] = DEFAULT_WEIGHTS) -> int:
    """Weight of the assessed dimensions in basis points."""
    check_weights(weights)
    return sum(weight for score, weight in _pairs(scores, weights) if score is not None)


def mean_of(totals: Sequence[int]) -> int | None:
    """Plain mean in basis points, rounded half-even; None of none."""
    return round(Fraction(sum(totals), len(totals))) if totals else None


def grade_of(total: int | None, grades: Sequence[tuple[int, str]] = DEFAULT_GRADES) -> str | None:
    """The first grade whose threshold the total reaches; None for no total."""
    if total is None:
        return None
    for least, grade in grades:
        if total >= least:
            return grade
    raise ValueError(f"no grade for a total of {total}: the lowest threshold must be 0")


def assessed_bits(scores: Sequence[int | None]) -> int:
    """The ``assessed`` mask that goes with scores in the order of :data:`DIMENSIONS`."""
    return sum(1 << place for place, score in enumerate(scores) if score is not None)


def _pairs(scores: Sequence[int | None], weights: Sequence[int]) -> list[tuple[int | None, int]]:
    return list(zip(scores, weights, strict=True))

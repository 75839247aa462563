"""From counted elements to scores (计分), by exact fractions; basis points only at the very end.

DB31/T 1523-2024: S_ij = Σ T_ijk·Z_ijk, R_i = Σ S_ij·Y_ij, P = Σ R_i·X_i. What the standard leaves
open is decided here:

* Rules of one leaf are pooled: A and B are sums over all of its rules.
* B = 0 is *not applicable*: the leaf says nothing, and its weight is shared among its siblings in
  proportion to theirs. It is never 100 %.
* A leaf without a rule, or whose rules could not be carried out (an error, a missing reference), is
  *not assessable*: it takes no part in the score, and coverage falls by its weight.
* A leaf with weight 0 is out of the profile's scope and is shown only.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import Enum
from fractions import Fraction
from typing import NamedTuple

from ledger.quality.dimensions import FULL
from ledger.quality.indicators import CHILDREN, INDICATORS
from ledger.quality.weights import WeightProfile

ROOT = ""


class State(Enum):
    """Whether something has a score: 已评估, 不适用 (B = 0), 无法评估."""

    ASSESSED = "assessed"
    NOT_APPLICABLE = "not_applicable"
    NOT_ASSESSABLE = "not_assessable"


STATE_LABELS: dict[State, tuple[str, str]] = {
    State.ASSESSED: ("已评估", "assessed"),
    State.NOT_APPLICABLE: ("不适用", "not applicable"),
    State.NOT_ASSESSABLE: ("无法评估", "not assessable"),
}


class Outcome(NamedTuple):
    """What one rule found: of ``evaluated`` elements (B) ``failing`` do not satisfy it.

    ``reason`` is a code of :data:`ledger.quality.reasons.REASONS` where nothing was counted; it
    never repeats a value of the data.
    """

    rule: str
    indicator: str
    state: State
    evaluated: int
    failing: int
    reason: str | None = None


class Mark(NamedTuple):
    """An indicator's score in 0..1 with the share of its weight that could be assessed, both exact.

    ``evaluated`` and ``satisfied`` are B and B - failing, pooled over the rules below. ``score`` is
    None unless ``state`` is assessed.
    """

    code: str
    state: State
    score: Fraction | None
    coverage: Fraction
    evaluated: int
    satisfied: int


def basis_points(value: Fraction) -> int:
    """A share in basis points, rounded half-even: the one rounding there is."""
    return round(value * FULL)


def marks_of(outcomes: Iterable[Outcome], profile: WeightProfile) -> dict[str, Mark]:
    """The mark of every indicator by code; the total is that of :data:`ROOT`."""
    by_leaf: dict[str, list[Outcome]] = {}
    for outcome in outcomes:
        by_leaf.setdefault(outcome.indicator, []).append(outcome)
    marks: dict[str, Mark] = {}
    for code in reversed(INDICATORS):
        children = CHILDREN[code]
        marks[code] = (
            _mean(code, [marks[child] for child in children], profile)
            if children
            else _leaf(code, by_leaf.get(code, []))
        )
    marks[ROOT] = _mean(ROOT, [marks[code] for code in CHILDREN[ROOT]], profile)
    return {code: marks[code] for code in (ROOT, *INDICATORS)}


def _leaf(code: str, outcomes: list[Outcome]) -> Mark:
    counted = [one for one in outcomes if one.state is State.ASSESSED]
    evaluated = sum(one.evaluated for one in counted)
    satisfied = evaluated - sum(one.failing for one in counted)
    lost = sum(1 for one in outcomes if one.state is State.NOT_ASSESSABLE)
    if counted:
        # X = A/B, or 1 - A/B where A counts the bad ones: the same share of good elements.
        score = Fraction(satisfied, evaluated)
        share = Fraction(len(counted), len(counted) + lost)
        return Mark(code, State.ASSESSED, score, share, evaluated, satisfied)
    nothing = State.NOT_APPLICABLE if outcomes and not lost else State.NOT_ASSESSABLE
    return Mark(code, nothing, None, Fraction(0), 0, 0)


def _mean(code: str, children: list[Mark], profile: WeightProfile) -> Mark:
    evaluated = sum(child.evaluated for child in children)
    satisfied = sum(child.satisfied for child in children)
    weights: Mapping[str, Fraction] = {child.code: profile.share(child.code) for child in children}
    within = [
        child
        for child in children
        if child.state is not State.NOT_APPLICABLE and weights[child.code]
    ]
    if not within:
        return Mark(code, State.NOT_APPLICABLE, None, Fraction(0), evaluated, satisfied)
    whole = sum((weights[child.code] for child in within), Fraction(0))
    coverage = sum((weights[child.code] * child.coverage for child in within), Fraction(0)) / whole
    scored = [(child.score, weights[child.code]) for child in within if child.score is not None]
    if not scored:
        return Mark(code, State.NOT_ASSESSABLE, None, Fraction(0), evaluated, satisfied)
    weight = sum((share for _, share in scored), Fraction(0))
    score = sum((mark * share for mark, share in scored), Fraction(0)) / weight
    return Mark(code, State.ASSESSED, score, coverage, evaluated, satisfied)

"""From counts to scores: exact, zero denominators without credit, missing rules in coverage."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from ledger.quality.indicators import CHILDREN, INDICATORS, LEAVES, leaves_below, level_of
from ledger.quality.scoring import ROOT, Outcome, State, basis_points, marks_of
from ledger.quality.weights import DEFAULT_PROFILE, WeightProfile


def counted(indicator: str, evaluated: int, failing: int, rule: str = "r") -> Outcome:
    return Outcome(rule, indicator, State.ASSESSED, evaluated, failing)


def without(indicator: str, state: State, rule: str = "r") -> Outcome:
    return Outcome(rule, indicator, state, 0, 0, "reason")


def test_the_tree_has_the_standards_indicators() -> None:
    levels = [level_of(code) for code in INDICATORS]
    assert [levels.count(level) for level in (1, 2, 3)] == [6, 23, 7]
    assert CHILDREN["010100"] == ("010101", "010102", "010103")
    assert CHILDREN["040200"] == ("040201", "040202", "040203", "040204")
    assert {code for code, one in INDICATORS.items() if one.inverted} == {"030300", "030500"}
    assert [level_of(code) for code in ("06", "060200", "040204")] == [1, 2, 3]
    assert sum(one.gb36344 for one in INDICATORS.values() if level_of(one.code) == 2) == 20
    assert set(leaves_below("04")) == {"040100", "040300", *CHILDREN["040200"]}


def test_a_parent_is_the_mean_of_its_children() -> None:
    marks = marks_of(
        [counted("010101", 10, 1), counted("010102", 10, 2), counted("010103", 3, 1)],
        DEFAULT_PROFILE,
    )
    assert marks["010100"].score == (Fraction(9, 10) + Fraction(8, 10) + Fraction(2, 3)) / 3
    assert marks["010100"].coverage == 1
    assert marks["01"].score == marks["010100"].score
    assert marks["01"].coverage == Fraction(1, 6)
    assert marks[ROOT].coverage == Fraction(1, 6) * Fraction(1500, 10_000)


def test_rules_of_one_indicator_are_pooled() -> None:
    marks = marks_of(
        [counted("020100", 90, 9, "a"), counted("020100", 10, 10, "b")], DEFAULT_PROFILE
    )
    assert marks["020100"].score == Fraction(81, 100)
    assert (marks["020100"].evaluated, marks["020100"].satisfied) == (100, 81)


def test_a_zero_denominator_gives_its_weight_to_its_siblings_and_no_credit() -> None:
    marks = marks_of(
        [counted("020100", 4, 1), without("020200", State.NOT_APPLICABLE)], DEFAULT_PROFILE
    )
    assert marks["020200"].state is State.NOT_APPLICABLE
    assert marks["02"].score == Fraction(3, 4)
    assert marks["02"].coverage == 1


def test_what_could_not_be_carried_out_lowers_coverage_alone() -> None:
    marks = marks_of(
        [counted("020100", 4, 1), without("020200", State.NOT_ASSESSABLE)], DEFAULT_PROFILE
    )
    assert marks["02"].score == Fraction(3, 4)
    assert marks["02"].coverage == Fraction(1, 2)


def test_one_of_two_rules_that_failed_to_run_halves_the_leafs_coverage() -> None:
    outcomes = [counted("020100", 4, 1, "a"), without("020100", State.NOT_ASSESSABLE, "b")]
    assert marks_of(outcomes, DEFAULT_PROFILE)["020100"].coverage == Fraction(1, 2)


def test_nothing_applicable_is_no_score_at_all() -> None:
    outcomes = [without(code, State.NOT_APPLICABLE, code) for code in LEAVES]
    marks = marks_of(outcomes, DEFAULT_PROFILE)
    assert {mark.state for mark in marks.values()} == {State.NOT_APPLICABLE}
    assert marks[ROOT].score is None


def test_no_rule_at_all_is_not_assessable() -> None:
    marks = marks_of([], DEFAULT_PROFILE)
    assert marks[ROOT].state is State.NOT_ASSESSABLE
    assert (marks[ROOT].score, marks[ROOT].coverage) == (None, 0)


def test_a_weight_of_zero_takes_an_indicator_out_of_the_profiles_scope() -> None:
    profile = WeightProfile(name="p", weights={"020100": 10_000, "020200": 0})
    marks = marks_of([counted("020100", 2, 1), counted("020200", 2, 2)], profile)
    assert marks["02"].score == Fraction(1, 2)
    assert marks["020200"].score == 0


outcome_lists = st.lists(
    st.tuples(st.sampled_from(LEAVES), st.integers(1, 1000), st.integers(0, 1000)).map(
        lambda t: counted(t[0], t[1], min(t[1], t[2]))
    ),
    max_size=40,
)


@given(outcome_lists)
def test_scores_and_coverage_stay_within_their_bounds(outcomes: list[Outcome]) -> None:
    for mark in marks_of(outcomes, DEFAULT_PROFILE).values():
        assert 0 <= mark.coverage <= 1
        assert (mark.score is None) == (mark.state is not State.ASSESSED)
        assert mark.score is None or 0 <= mark.score <= 1


@given(outcome_lists, st.randoms())
def test_the_order_of_rules_is_without_meaning(outcomes: list[Outcome], random: object) -> None:
    mixed = list(outcomes)
    random.shuffle(mixed)  # type: ignore[attr-defined]
    assert marks_of(mixed, DEFAULT_PROFILE) == marks_of(outcomes, DEFAULT_PROFILE)


@given(outcome_lists.filter(bool), st.data())
def test_one_more_failing_element_never_betters_the_total(
    outcomes: list[Outcome], data: st.DataObject
) -> None:
    place = data.draw(st.integers(0, len(outcomes) - 1))
    worse = list(outcomes)
    one = worse[place]
    worse[place] = one._replace(failing=min(one.evaluated, one.failing + 1))
    before, after = (marks_of(some, DEFAULT_PROFILE)[ROOT].score for some in (outcomes, worse))
    assert before is not None
    assert after is not None
    assert after <= before


@pytest.mark.parametrize(("share", "points"), [((1, 3), 3333), ((1, 20_000), 0), ((3, 20_000), 2)])
def test_basis_points_are_rounded_half_even(share: tuple[int, int], points: int) -> None:
    assert basis_points(Fraction(*share)) == points


@pytest.mark.parametrize(
    ("weights", "words"),
    [
        ({"01": 10_000}, "02, 03, 04, 05, 06 missing"),
        ({"020100": 5000, "020200": 4999}, "under 02 add up to 9999"),
        ({"070100": 1}, "'070100' is no indicator"),
        ({"020100": -1, "020200": 10_001}, "greater than or equal to 0"),
    ],
)
def test_weights_that_do_not_add_up_are_refused(weights: dict[str, int], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        WeightProfile(name="p", weights=weights)


@pytest.mark.parametrize(
    "grades",
    [[], [{"grade": "A", "from": 9000}], [{"grade": "A", "from": 0}, {"grade": "B", "from": 0}]],
)
def test_grades_must_cover_every_total(grades: list[dict[str, object]]) -> None:
    with pytest.raises(ValidationError, match="grades"):
        WeightProfile.model_validate({"name": "p", "grades": grades})


def test_a_profiles_digest_follows_its_meaning() -> None:
    written = WeightProfile.model_validate(
        {"grades": DEFAULT_PROFILE.document()["grades"], "name": "p", "weights": {}}
    )
    assert written.digest() == WeightProfile(name="p").digest()
    assert written.digest() != WeightProfile(name="q").digest()
    assert DEFAULT_PROFILE.origin == "project"

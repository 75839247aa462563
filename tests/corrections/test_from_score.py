"""A failing assessment drafts a request: by rule, with what the score's statement says and no more."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.corrections import queries
from ledger.corrections.from_score import (
    DEFAULT_RULE,
    REASONS,
    RuleError,
    ScoreRule,
    draft_from_score,
    load_rule,
)
from ledger.corrections.statements import check_reasons, steps
from ledger.corrections.vocabulary import load_vocabulary
from ledger.quality import queries as quality
from ledger.quality.queries import Score
from tests.corrections.told import BEDS, DATA, MONDAY, Office
from tests.organisations.scribe import FAR

POINTS = st.one_of(st.none(), st.integers(0, 10_000))


def score_of(total: int | None = 5000, **dimensions: int) -> Score:
    """A score of which only these things matter here."""
    told: dict[str, Any] = dict.fromkeys(Score.__struct_fields__)
    told |= {
        "entry": BEDS,
        "edition": 1,
        "period_start": date(2026, 1, 1),
        "period_end": date(2026, 3, 31),
        "assessor": DATA,
        "assessor_hash": "0x" + "11" * 32,
        "dimensions": {name: dimensions.get(name) for name in REASONS},
        "total": total,
        "leaf_from": 77,
    }
    return Score(**told)


def test_a_total_under_the_threshold_names_the_worst_dimensions() -> None:
    draft = draft_from_score(score_of(5999, accuracy=4000, timeliness=7000), code="JH-1")
    assert draft is not None
    assert draft.reasons == ("wrong_values",)
    assert "59.99 < 60.00" in draft.title + draft.description
    assert draft.assessment is not None
    assert (draft.assessment.leaf, draft.assessment.assessor) == (77, DATA)
    assert [(one.of, one.score) for one in draft.assessment.failing] == [("total", 5999)]
    check_reasons(draft, load_vocabulary())
    steps([draft], speaker=DATA, deadline=FAR)


@pytest.mark.parametrize("total", [6000, 10_000, None])
def test_what_reaches_the_threshold_or_was_not_assessed_does_not_fail(total: int | None) -> None:
    assert draft_from_score(score_of(total), code="JH-1") is None


def test_a_dimension_of_its_own_threshold_fails_alone() -> None:
    rule = ScoreRule(dimensions={"timeliness": 9000, "accuracy": 9000})
    draft = draft_from_score(score_of(9999, timeliness=8999), rule, code="JH-1", follows="JH-0")
    assert draft is not None
    assert (draft.reasons, draft.follows) == (("outdated",), "JH-0")
    assert "时效性 89.99 < 90.00" in draft.description


def test_a_total_alone_has_the_reason_that_the_rule_gives() -> None:
    draft = draft_from_score(score_of(1), ScoreRule(total=2, other="metadata"), code="JH-1")
    assert draft is not None
    assert draft.reasons == ("metadata",)
    named = ScoreRule(total=2, reasons={"total": "format"})
    again = draft_from_score(score_of(1), named, code="JH-1")
    assert again is not None
    assert again.reasons == ("format",)


@given(POINTS, st.dictionaries(st.sampled_from(sorted(REASONS)), st.integers(0, 10_000)), POINTS)
def test_it_drafts_exactly_where_something_is_below(
    total: int | None, dimensions: dict[str, int], threshold: int | None
) -> None:
    rule = ScoreRule(total=threshold, dimensions=dict.fromkeys(REASONS, 5000))
    draft = draft_from_score(score_of(total, **dimensions), rule, code="JH-1")
    below = [name for name, points in dimensions.items() if points < 5000]
    of_total = total is not None and threshold is not None and total < threshold
    assert (draft is not None) == bool(below or of_total)
    if draft is not None and draft.assessment is not None:
        assert {one.of for one in draft.assessment.failing} == {
            *below,
            *(["total"] if of_total else []),
        }


def test_an_unknown_assessor_is_told() -> None:
    nobody = msgspec.structs.replace(score_of(), assessor=None)
    with pytest.raises(ValueError, match="0x1111"):
        draft_from_score(nobody, code="JH-1")


def test_the_request_is_found_again_from_its_score(desk: Office) -> None:
    leaf = desk.score(MONDAY, accuracy=1000, completeness=2000)
    with desk.reading() as connection:
        score = quality.latest(connection, [BEDS])[BEDS]
        assert score.leaf_from == leaf
        draft = draft_from_score(score, code="JH-1")
        assert draft is not None
        assert queries.resting_on(connection, [leaf]) == {}
    desk.take(steps([draft], speaker=DATA, deadline=FAR), 1_780_000_000)
    with desk.reading() as connection:
        assert [one.code for one in queries.resting_on(connection, [leaf, 999])[leaf]] == ["JH-1"]
        (step,) = queries.history(connection, "JH-1")
    assert step.assessment == json.loads(draft.body(DATA).text())["assessment"]


def test_a_rule_file_stands_in_place_of_ours(tmp_path: Path) -> None:
    assert load_rule() is DEFAULT_RULE
    place = tmp_path / "rule.yaml"
    place.write_text("total: 7000\ndimensions: {accuracy: 9500}\n", "utf-8")
    assert load_rule(place) == ScoreRule(total=7000, dimensions={"accuracy": 9500})


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("total: 10001", "total: .*10000"),
        ("totals: 1", "totals: "),
        ("dimensions: {beauty: 1}", "dimensions: .*'beauty' is no dimension"),
        ("total: [", "is no YAML"),
        ("7000", r"rule\.yaml: /"),
    ],
)
def test_a_rule_file_that_cannot_be_used_is_refused_with_its_fault(
    tmp_path: Path, text: str, words: str
) -> None:
    place = tmp_path / "rule.yaml"
    place.write_text(text, "utf-8")
    with pytest.raises(RuleError, match=words) as caught:
        load_rule(place)
    assert str(place) in caught.value.zh
    with pytest.raises(RuleError, match="cannot be read"):
        load_rule(tmp_path / "nowhere.yaml")

"""Drafts of scores: what is refused and why, and what is signed in the end; state words."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from ledger.canonical import is_canonical
from ledger.mirror.projections import Heads, RuleBroken
from ledger.quality.dimensions import DEFAULT_WEIGHTS
from ledger.quality.rules import RULEBOOK, ScoreState
from ledger.quality.statements import ScoreDraft, score
from ledger.statements import (
    ORGANISATION,
    Authorisation,
    LogIdentity,
    StatementError,
    text_hash,
)
from tests.organisations.scribe import FAR, decoded, recorded

ENTRY = "307015/000001"
RULES = "ab" * 32
FULL_SCORES = {
    "normativity": 9000,
    "completeness": 8000,
    "accuracy": 10_000,
    "consistency": 0,
    "timeliness": 7500,
    "accessibility": 1,
}


def draft(**changes: object) -> ScoreDraft:
    return ScoreDraft.model_validate(
        {
            "entry": ENTRY,
            "edition": 1,
            "period_start": "2025-01-01",
            "period_end": "2025-03-31",
            "scores": FULL_SCORES,
            "rule_set": RULES,
            **changes,
        }
    )


@pytest.mark.parametrize(
    ("changes", "field", "words"),
    [
        ({"entry": ""}, "entry", "at least 1 character"),
        ({"edition": 0}, "edition", "greater than or equal to 1"),
        ({"period_end": "2024-12-31"}, "period_end", "ends before it starts on 2025-01-01"),
        ({"period_start": "2025-02-30"}, "period_start", "valid date"),
        ({"period_start": "1899-12-31"}, "period_start", "not in 1900..2999"),
        ({"scores": {"accuracy": 10_001}}, "scores/accuracy", "less than or equal to 10000"),
        ({"scores": {"accuracy": 99.5}}, "scores/accuracy", "valid integer"),
        ({"scores": {"beauty": 1}}, "scores", "'beauty' is no dimension: one of normativity"),
        ({"weights": [1, 2, 3, 4, 5, 6]}, "weights", "add up to 10000"),
        ({"weights": DEFAULT_WEIGHTS, "total": 1}, "total", "the weights give 6975, not 1"),
        ({"scores": {}, "total": 1}, "total", "nothing was assessed"),
        ({"coverage": 10_001}, "coverage", "less than or equal to 10000"),
        ({"rule_set": "ab"}, "rule_set", "match pattern"),
        ({"data_root": "x"}, "data_root", "match pattern"),
        ({"colour": 1}, "colour", "not permitted"),
    ],
)
def test_a_score_that_cannot_stand_is_refused_by_field(
    changes: dict[str, object], field: str, words: str
) -> None:
    with pytest.raises(ValidationError, match=words) as caught:
        draft(**changes)
    assert "/".join(str(part) for part in caught.value.errors()[0]["loc"]) == field


def test_a_score_is_signed_with_the_total_that_its_weights_give() -> None:
    batch = score([draft(data_root="cd" * 32, method="抽样")], speaker="TMP-D", deadline=FAR)
    values = batch.struct.decode(batch.payloads()[0])
    assert values["entry"] == text_hash(ENTRY)
    assert (values["periodStart"], values["periodEnd"]) == (20250101, 20250331)
    assert (values["assessed"], values["coverage"], values["total"]) == (63, 10_000, 6975)
    assert values["dataRoot"] == bytes.fromhex("cd" * 32)
    assert json.loads(batch.bodies[0]) == {
        "edition": 1,
        "entry": ENTRY,
        "method": "抽样",
        "weights": list(DEFAULT_WEIGHTS),
    }
    assert is_canonical(batch.bodies[0])


def test_what_was_not_assessed_is_zero_without_its_bit() -> None:
    values = draft(scores={"accuracy": 9000, "timeliness": None}).values()
    assert (values["assessed"], values["accuracy"], values["timeliness"]) == (0b000100, 9000, 0)
    assert (values["total"], values["coverage"]) == (9000, 2500)


def test_a_total_of_the_assessors_own_making_names_no_weights() -> None:
    one = draft(total=5000, coverage=1234, method="专家评议")
    assert (one.values()["total"], one.values()["coverage"]) == (5000, 1234)
    assert "weights" not in json.loads(one.body())


def test_nothing_assessed_has_no_total() -> None:
    values = draft(scores={}).values()
    assert (values["assessed"], values["total"], values["coverage"]) == (0, 0, 0)


def test_a_batch_holds_an_entry_and_period_once() -> None:
    with pytest.raises(StatementError, match=f"entry {ENTRY}, 2025-01-01 to 2025-03-31, stands tw"):
        score([draft(), draft(version=2)], speaker="TMP-D", deadline=FAR)
    two = [draft(), draft(period_end="2025-06-30")]
    assert len(score(two, speaker="TMP-D", deadline=FAR).values) == 2
    with pytest.raises(StatementError, match="1 to 100"):
        score([], speaker="TMP-D", deadline=FAR)


@given(
    st.builds(ScoreState, st.integers(0, 2**16 - 1), st.integers(0, 255), st.integers(0, 2**16 - 1))
)
def test_a_score_word_gives_back_what_was_packed(state: ScoreState) -> None:
    assert ScoreState.unpack(state.pack()) == state


def test_a_score_word_lies_as_the_contract_lays_it() -> None:
    assert ScoreState(0x1234, 0x3F, 0x2710).pack() == 0x2710_3F_1234


def test_a_struct_of_another_registry_is_not_recorded_here() -> None:
    one = decoded(recorded(score([draft()], speaker="TMP-D", deadline=FAR), 3)[0])
    one = type(one)(one.statement, ORGANISATION, one.values, one.body)
    nobody = Authorisation(
        bytes(32), bytes(20), bytes(32), bytes(20), b"", bytes(20), b"", FAR, 3, 1
    )
    with pytest.raises(RuleBroken, match=r"leaf 3 .*: Quality records no Organisation"):
        RULEBOOK.next_state(one, nobody, Heads(LogIdentity(1, bytes(20)), bytes(20)))

"""What may be said about a correction, and what is refused before anybody signs it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import ValidationError

from ledger.codes import CorrectionState
from ledger.corrections.statements import CorrectionDraft, Step, check_reasons, steps
from ledger.corrections.vocabulary import VocabularyError, load_vocabulary
from ledger.statements import CORRECTION, MAX_BATCH, StatementError
from tests.corrections.told import BEDS, DATA, draft
from tests.organisations.scribe import FAR

CITIZEN = "11010519491231002X"
STATES = [state.value for state in CorrectionState]


def made(state: str = "filed", **changes: Any) -> Step:
    more = {} if state == "filed" else {"version": 2}
    return CorrectionDraft.model_validate(draft("JH-1", state, **{**more, **changes})).root


@pytest.mark.parametrize("state", STATES)
def test_every_step_repeats_in_its_body_what_is_signed(state: str) -> None:
    step = made(state)
    batch = steps([step], speaker=DATA, deadline=FAR)
    assert batch.struct is CORRECTION
    body = json.loads(batch.bodies[0])
    values = batch.values[0]
    assert (body["code"], body["entry"], body["state"]) == ("JH-1", BEDS, state)
    assert values["state"] == CorrectionState.of(state).number
    assert values["type"] == 3
    assert body["type"] == "use"
    assert body.get("requester") == (DATA if state == "filed" else None)
    assert "version" not in body


def test_a_body_says_only_what_was_said() -> None:
    body = json.loads(steps([made("handling")], speaker=DATA, deadline=FAR).bodies[0])
    assert set(body) == {"code", "entry", "state", "type"}
    told = json.loads(
        steps([made("evaluated", solved=False)], speaker=DATA, deadline=FAR).bodies[0]
    )
    assert told["solved"] is False


@pytest.mark.parametrize(
    ("state", "changes", "where"),
    [
        ("filed", {"title": None}, "title"),
        ("filed", {"description": " "}, "description"),
        ("filed", {"reasons": []}, "reasons"),
        ("filed", {"reasons": ["Wrong"]}, "reasons"),
        ("filed", {"type": "gossip"}, "type"),
        ("filed", {"category": "gossip"}, "category"),
        ("filed", {"version": 2}, "version"),
        ("filed", {"follows": "JH-1"}, ""),
        ("filed", {"requester": DATA}, "requester"),
        ("filed", {"attachments": [{"name": "a", "sha256": "AB" * 32}]}, "sha256"),
        ("filed", {"attachments": [{"name": "a", "sha256": "ab" * 32, "url": "x"}]}, "url"),
        ("handling", {"outcome": "corrected"}, "outcome"),
        ("rejected", {"comment": None}, "comment"),
        ("rejected", {"reasons": None}, "reasons"),
        ("handled", {"outcome": None}, "outcome"),
        ("handled", {"answer": None}, "answer"),
        ("handled", {"edition": 0}, "edition"),
        ("evaluated", {"score": 0}, "score"),
        ("evaluated", {"score": 6}, "score"),
        ("evaluated", {"solved": None}, "solved"),
        ("cancelled", {"comment": None}, "comment"),
    ],
)
def test_what_cannot_stand_is_refused_at_its_member(
    state: str, changes: dict[str, Any], where: str
) -> None:
    more = {} if state == "filed" else {"version": 2}
    with pytest.raises(ValidationError) as caught:
        CorrectionDraft.model_validate(draft("JH-1", state, **{**more, **changes}))
    error = caught.value.errors()[0]
    assert where in [str(part) for part in error["loc"]] or not where


@pytest.mark.parametrize("code", ["", "a b", "a/b", "x" * 65, "编号?"])
def test_a_code_is_one_word(code: str) -> None:
    with pytest.raises(ValidationError, match="code"):
        CorrectionDraft.model_validate(draft(code))


@pytest.mark.parametrize("code", ["JH-1", "校核-2026_001", "a.b"])
def test_a_code_may_be_chinese(code: str) -> None:
    assert CorrectionDraft.model_validate(draft(code)).root.code == code


@pytest.mark.parametrize(
    ("state", "member"),
    [
        ("filed", "title"),
        ("filed", "description"),
        ("filed", "basis"),
        ("filed", "contact"),
        ("handling", "comment"),
        ("rejected", "comment"),
        ("handled", "answer"),
        ("evaluated", "comment"),
        ("cancelled", "comment"),
    ],
)
@pytest.mark.parametrize(
    "person", [CITIZEN, CITIZEN.lower(), "13812345678", "+86 138 1234 5678"], ids=str
)
def test_no_person_gets_onto_the_ledger(state: str, member: str, person: str) -> None:
    more = {} if state == "filed" else {"version": 2}
    text = f"记录（{person}）有误"
    with pytest.raises(ValidationError, match="public for ever") as caught:
        CorrectionDraft.model_validate(draft("JH-1", state, **{**more, member: text}))
    assert member in str(caught.value)


@pytest.mark.parametrize(
    "text", ["110105194912310021", "310118001/000001", "021-59720123", "20260302 共 13800000 条"]
)
def test_numbers_that_are_no_person_s_are_taken(text: str) -> None:
    assert text in made("filed", description=f"见 {text}").body(DATA).text().decode()


def test_reasons_are_those_in_use() -> None:
    ours = load_vocabulary()
    check_reasons(made("filed"), ours)
    check_reasons(made("handling"), ours)
    with pytest.raises(VocabularyError, match="no_basis"):
        check_reasons(made("filed", reasons=["no_basis"]), ours)
    with pytest.raises(VocabularyError, match="outdated"):
        check_reasons(made("rejected", reasons=["outdated"]), ours)


def test_a_batch_has_each_request_once() -> None:
    with pytest.raises(StatementError, match="JH-1 stands twice"):
        steps([made(), made()], speaker=DATA, deadline=FAR)
    with pytest.raises(StatementError, match="1 to"):
        steps([], speaker=DATA, deadline=FAR)
    with pytest.raises(StatementError, match="1 to"):
        steps([made()] * (MAX_BATCH + 1), speaker=DATA, deadline=FAR)

"""Drafts: what is refused and why, and what is signed in the end."""

from __future__ import annotations

import json

import pytest
from pydantic import BaseModel, ValidationError

from ledger.canonical import is_canonical
from ledger.obligations.bodies import scope_mask, scope_names
from ledger.obligations.statements import bind, exempt, in_order, object_to, oblige
from ledger.statements import StatementError, text_hash
from tests.obligations.conftest import (
    DATA,
    DUTY,
    ENTRY,
    LAW,
    SYSTEM,
    TABLE,
    WATER,
    binding,
    chain,
    duty,
    exemption,
    objection,
)
from tests.organisations.scribe import FAR


@pytest.mark.parametrize(
    ("make", "changes", "words"),
    [
        (duty, {"code": "a b"}, "code.*character 2 is a space"),
        (duty, {"code": "x" * 129}, "code.*at most 128"),
        (duty, {"responsible": "X"}, "responsible.*no organisation code"),
        (duty, {"legal_basis": []}, "legal_basis.*at least 1"),
        (duty, {"valid_from": "1899-12-31"}, "valid_from.*1900"),
        (duty, {"valid_until": "2025-12-31"}, "valid_until.*ends before it begins on 2026-01-01"),
        (duty, {"parent": SYSTEM}, "a duty follows from nothing"),
        (duty, {"type": "system"}, "name what this information system follows from"),
        (duty, {"type": "table", "parent": DUTY, "code": DUTY}, "parent.*not follow from itself"),
        (duty, {"status": "withdrawn"}, "say why the obligation is withdrawn"),
        (duty, {"update_cycle": "often"}, "update_cycle"),
        (duty, {"colour": 1}, "colour.*not permitted"),
        (binding, {"status": "released"}, "say why the entry no longer answers"),
        (objection, {"reasons": []}, "reasons.*at least 1"),
        (exemption, {"scope": []}, "scope.*at least one of catalogue, collect"),
        (exemption, {"scope": ["beauty"]}, "scope.*'beauty' is no scope: one of catalogue"),
        (exemption, {"expires": "2026-01-01"}, "expires.*must expire after 2026-01-01"),
        (exemption, {"status": "withdrawn"}, "say why the exemption is withdrawn"),
        (exemption, {"law": ""}, "law.*at least 1"),
    ],
)
def test_a_draft_that_cannot_stand_is_refused_by_field(
    make: type[BaseModel], changes: dict[str, object], words: str
) -> None:
    with pytest.raises(ValidationError, match=f"(?s){words}"):
        make(**changes)


def test_an_obligation_is_signed_in_numbers_and_told_in_words() -> None:
    one = duty(
        TABLE,
        update_cycle="monthly",
        library="theme",
        valid_until="2027-06-30",
        source="guangan:0001",
    )
    batch = oblige([one], speaker=DATA, deadline=FAR)
    values = batch.struct.decode(batch.payloads()[0])
    assert values["parent"] == text_hash(SYSTEM)
    assert (values["type"], values["status"]) == (3, 1)
    assert (values["updateCycle"], values["library"]) == (4, 2)
    assert (values["validFrom"], values["validUntil"]) == (20260101, 20270630)
    assert json.loads(batch.bodies[0]) == {
        "code": TABLE,
        "legal_basis": [LAW],
        "library": "theme",
        "name": f"取水许可 {TABLE}",
        "parent": SYSTEM,
        "produces_data": True,
        "responsible": WATER,
        "source": "guangan:0001",
        "type": "table",
        "update_cycle": "monthly",
        "valid_from": "2026-01-01",
        "valid_until": "2027-06-30",
    }
    assert is_canonical(batch.bodies[0])


def test_a_duty_has_no_parent_and_what_is_not_stated_is_zero() -> None:
    values = duty().values()
    assert (values["parent"], values["updateCycle"], values["library"]) == ("", 0, 0)
    assert values["validUntil"] == 0


def test_an_exemption_names_its_signer_as_approver() -> None:
    batch = exempt([exemption(scope=["share", "collect"])], speaker=DATA, deadline=FAR)
    values = batch.struct.decode(batch.payloads()[0])
    assert (values["scope"], values["targetType"]) == (0b10010, 1)
    body = json.loads(batch.bodies[0])
    assert (body["approver"], body["scope"]) == (DATA, ["collect", "share"])


def test_scopes_and_masks_are_the_same_thing() -> None:
    assert [scope_mask(scope_names(mask)) for mask in range(1, 32)] == list(range(1, 32))


def test_a_batch_holds_a_subject_once() -> None:
    with pytest.raises(StatementError, match=f"obligation {DUTY} stands twice"):
        oblige([duty(), duty(version=2)], speaker=DATA, deadline=FAR)
    with pytest.raises(StatementError, match=f"obligation {TABLE} stands twice"):
        bind([binding(), binding(entry="x")], speaker=WATER, deadline=FAR)
    with pytest.raises(StatementError, match="exemption EX-1 stands twice"):
        exempt([exemption(), exemption()], speaker=DATA, deadline=FAR)
    with pytest.raises(StatementError, match="1 to 100"):
        object_to([], speaker=WATER, deadline=FAR)


def test_a_batch_is_put_in_order_so_that_parents_stand_first() -> None:
    assert in_order(list(reversed(chain()))) == chain()


def test_a_release_says_which_entry_and_why() -> None:
    batch = bind(
        [binding(status="released", reasons=["合并"], version=2)], speaker=WATER, deadline=FAR
    )
    assert json.loads(batch.bodies[0]) == {
        "entry": ENTRY,
        "obligation": TABLE,
        "reasons": ["合并"],
    }
    assert batch.values[0]["status"] == 2

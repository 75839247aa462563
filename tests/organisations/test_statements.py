"""Drafts of organisations and keys: what is refused and why, and what is signed in the end."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from ledger.canonical import is_canonical
from ledger.codes import KeyStatus, Level, OrganisationStatus
from ledger.organisations.roles import ALL_ROLES, role_mask, role_names
from ledger.organisations.statements import (
    KeyDraft,
    OrganisationDraft,
    parents_first,
    register,
    set_keys,
)
from ledger.statements import Domain, StatementError, text_hash
from tests.organisations.scribe import FAR

VALID = "91350100M000100Y43"
WRONG_CHECK = "91350211M0000XUF46"
ADDRESS = "0xd8dA6BF26964aF9D7eEd9e03E53415D37aA96045"


def draft(**changes: object) -> OrganisationDraft:
    return OrganisationDraft.model_validate(
        {"code": VALID, "name": "区水务局", "level": "district", **changes}
    )


def key(**changes: object) -> KeyDraft:
    return KeyDraft.model_validate(
        {"address": ADDRESS, "holder": VALID, "roles": ["steward"], **changes}
    )


def field_of(error: ValidationError) -> str:
    return "/".join(str(part) for part in error.errors()[0]["loc"])


@pytest.mark.parametrize(
    ("changes", "field", "words"),
    [
        ({"code": "9135"}, "code", "18 characters"),
        ({"code": "TMP-"}, "code", "TMP-001"),
        ({"code": WRONG_CHECK}, "evidence", "should be .* If an official register has it so"),
        ({"name": " "}, "name", "at least 1 character"),
        ({"name": "水\u0000务"}, "name", r"control character U\+0000"),
        ({"level": "county"}, "level", "city"),
        ({"status": "dissolved"}, "status", "registered active"),
        ({"parent": VALID}, "parent", "not its own parent"),
        ({"parent": "nobody"}, "parent", "no organisation code"),
        ({"region": "31011"}, "region", "match pattern"),
        ({"region": "31011٨"}, "region", "match pattern"),
        ({"aliases": [""]}, "aliases/0", "at least 1 character"),
        ({"version": 0}, "version", "greater than or equal to 1"),
        ({"nickname": "x"}, "nickname", "not permitted"),
    ],
)
def test_an_organisation_that_cannot_stand_is_refused_by_field(
    changes: dict[str, object], field: str, words: str
) -> None:
    with pytest.raises(ValidationError, match=words) as caught:
        draft(**changes)
    assert field_of(caught.value) == field


@pytest.mark.parametrize(
    ("changes", "field", "words"),
    [
        ({"address": "0x12"}, "address", "40 hexadecimal digits"),
        ({"address": ADDRESS.replace("dA", "Da")}, "address", "capitals are wrong"),
        ({"roles": []}, "roles", "at least one role"),
        ({"roles": ["king"]}, "roles", "'king' is no role: one of steward, head"),
        ({"holder": ""}, "holder", "no organisation code"),
        ({"status": "revoked"}, "status", "granted"),
    ],
)
def test_a_key_that_cannot_stand_is_refused_by_field(
    changes: dict[str, object], field: str, words: str
) -> None:
    with pytest.raises(ValidationError, match=words) as caught:
        key(**changes)
    assert field_of(caught.value) == field


def test_a_registration_signs_what_its_body_says() -> None:
    one = draft(name_en="Water", parent="TMP-001", aliases=["水务"], region="310118")
    batch = register([one], speaker="TMP-001", deadline=FAR)
    assert json.loads(batch.bodies[0]) == {
        "aliases": ["水务"],
        "code": VALID,
        "name": "区水务局",
        "name_en": "Water",
        "parent": "TMP-001",
        "region": "310118",
        "uscc": "valid",
    }
    assert is_canonical(batch.bodies[0])
    values = batch.struct.decode(batch.payloads()[0])
    assert values["code"] == text_hash(VALID)
    assert values["parent"] == text_hash("TMP-001")
    assert (values["version"], values["level"], values["status"]) == (1, 2, 1)


@pytest.mark.parametrize(
    ("code", "evidence", "said"),
    [
        (VALID, None, "valid"),
        ("TMP-HARBOUR", None, "missing"),
        (WRONG_CHECK, "国家企业信用信息公示系统", "overridden"),
    ],
)
def test_a_code_is_told_as_valid_missing_or_overridden(
    code: str, evidence: str | None, said: str
) -> None:
    body = json.loads(draft(code=code, evidence=evidence).body())
    assert body["uscc"] == said
    assert body.get("evidence") == evidence


def test_a_wallet_is_shown_text_and_not_hashes() -> None:
    batch = register([draft()], speaker="TMP-001", deadline=FAR)
    shown = batch.typed_data(Domain("Organisations", 1, "0x" + "00" * 20))
    assert shown["message"]["statements"][0]["code"] == VALID


def test_a_key_is_granted_and_its_revocation_repeats_it() -> None:
    one = key(roles=["head", "steward", "head"], label="Zhang")
    assert one.roles == ("steward", "head")
    end = one.revoked("left the office")
    assert (end.version, end.status, end.roles) == (2, KeyStatus.REVOKED, one.roles)
    batch = set_keys([end, key(address="0x" + "22" * 20)], speaker=VALID, deadline=FAR)
    first = batch.struct.decode(batch.payloads()[0])
    assert (first["key"], first["roles"], first["status"]) == (ADDRESS, 3, 2)
    assert json.loads(batch.bodies[0]) == {
        "holder": VALID,
        "label": "Zhang",
        "reason": "left the office",
    }


def test_a_batch_holds_each_subject_once_and_at_most_a_hundred() -> None:
    with pytest.raises(StatementError, match=f"organisation {VALID} stands twice"):
        register([draft(), draft(version=2)], speaker=VALID, deadline=FAR)
    with pytest.raises(StatementError, match=f"key {ADDRESS} stands twice"):
        set_keys([key(), key().revoked()], speaker=VALID, deadline=FAR)
    with pytest.raises(StatementError, match="1 to 100"):
        register([], speaker=VALID, deadline=FAR)
    many = [draft(code=f"TMP-{number}") for number in range(101)]
    with pytest.raises(StatementError, match="this one 101"):
        register(many, speaker=VALID, deadline=FAR)
    assert len(register(many[:100], speaker=VALID, deadline=FAR).values) == 100


@given(st.integers(0, ALL_ROLES))
def test_role_names_and_masks_are_the_same_thing(mask: int) -> None:
    assert role_mask(role_names(mask)) == mask


@given(st.permutations(range(8)), st.lists(st.integers(0, 7), min_size=8, max_size=8))
def test_parents_come_first_whatever_the_order(order: list[int], above: list[int]) -> None:
    # Organisation n stands below a lower number, or below one that is registered elsewhere.
    drafts = [
        draft(code=f"TMP-{n}", parent=f"TMP-{above[n]}" if above[n] < n else "TMP-ELSEWHERE")
        for n in order
    ]
    placed = [one.code for one in parents_first(drafts)]
    assert sorted(placed) == sorted(one.code for one in drafts)
    for one in drafts:
        if one.parent in placed:
            assert placed.index(one.parent) < placed.index(one.code)


def test_organisations_above_each_other_in_a_circle_are_named() -> None:
    circle = [draft(code="TMP-1", parent="TMP-2"), draft(code="TMP-2", parent="TMP-1")]
    with pytest.raises(StatementError, match="TMP-1, TMP-2 stand in a circle"):
        parents_first(circle)


def test_an_amendment_may_dissolve() -> None:
    values = register([draft(status="dissolved", version=2)], speaker=VALID, deadline=FAR).values[0]
    assert values["status"] == OrganisationStatus.DISSOLVED.number
    assert values["level"] == Level.DISTRICT.number

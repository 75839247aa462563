"""Obligations, bindings, objections, exemptions: who says what, what must exist, what is left behind."""

from __future__ import annotations

from typing import Any

import pytest

from ledger.codes import Role
from ledger.obligations.rules import BindingWord, ExemptionWord, ObjectionWord, ObligationWord
from ledger.statements import (
    BINDING,
    EXEMPTION,
    FILING,
    OBJECTION,
    OBLIGATION,
    Value,
    kind_word,
    text_hash,
)
from tests.contracts.conftest import Prepared, Refused
from tests.contracts.duties import binding, exemption, objection, obligation
from tests.contracts.world import DISTRICT, ROADS, WATER, World, account, filing

DUTY, SYSTEM, TABLE, EXPECTED = "duty/1", "system/1", "table/1", "expected/1"
ENTRY, OF_ROADS = "307001/000001", "101002/000007"
PUBLISHER, STEWARD, HEAD = account("publisher"), account("water steward"), account("water head")
ROADS_STEWARD = account("roads steward")
NUMBER = {DISTRICT: 1, WATER: 2, ROADS: 3}
LAST_DAY = 29991231


def member(name: str) -> bytes:
    return name.encode().ljust(32, b"\0")


def impose(world: World, *rows: dict[str, Value], **how: Any) -> None:
    world.say(OBLIGATION, list(rows), how.pop("signer", PUBLISHER), **how)


def exempt(world: World, *rows: dict[str, Value], **how: Any) -> None:
    world.say(EXEMPTION, list(rows), how.pop("signer", PUBLISHER), **how)


def bind(world: World, row: dict[str, Value], **how: Any) -> None:
    world.say(BINDING, row, how.pop("signer", STEWARD), how.pop("organisation", WATER), **how)


def object_(world: World, row: dict[str, Value], **how: Any) -> None:
    world.say(OBJECTION, row, how.pop("signer", STEWARD), how.pop("organisation", WATER), **how)


def word(world: World, kind: str, code: str) -> int:
    return world.head(kind, text_hash(code))[1]


def four_duties(world: World) -> None:
    impose(
        world,
        obligation(DUTY),
        obligation(SYSTEM, 2, DUTY),
        obligation(TABLE, 3, SYSTEM),
        obligation(EXPECTED, 4, TABLE),
    )
    world.say(FILING, filing(ENTRY, state=1), STEWARD, WATER)
    world.say(FILING, filing(OF_ROADS, state=1), ROADS_STEWARD, ROADS)


@pytest.fixture
def duties(prepared: Prepared) -> World:
    """A chain of four obligations on the water office, and an entry of each department."""
    return prepared(four_duties)


# Obligations


def test_an_obligation_leaves_who_what_and_when_in_the_head(world: World) -> None:
    row = obligation(DUTY, updateCycle=9, library=4, validUntil=20261231)
    impose(world, row)
    expected = ObligationWord(NUMBER[WATER], 1, 1, 9, 4, 20250101, 20261231)
    assert world.head(OBLIGATION.kind, text_hash(DUTY)) == (1, expected.pack())
    assert ObligationWord.unpack(expected.pack()) == expected


def test_everything_but_the_type_can_be_amended(duties: World, refused: Refused) -> None:
    changed: dict[str, Value] = {
        "version": 2,
        "parent": DUTY,
        "responsible": ROADS,
        "updateCycle": 0,
        "library": 0,
        "validFrom": 20260101,
    }
    impose(duties, obligation(TABLE, 3, **changed))
    expected = ObligationWord(NUMBER[ROADS], 3, 1, 0, 0, 20260101, 0)
    assert word(duties, OBLIGATION.kind, TABLE) == expected.pack()
    for type_ in (2, 4):
        with refused("MemberFixed", text_hash(TABLE), member("type")):
            impose(duties, obligation(TABLE, type_, DUTY, version=3))


def test_only_an_authority_imposes(duties: World, refused: Refused) -> None:
    for name in ("water steward", "water head"):
        key = account(name)
        with refused("RoleMissing", key.address, text_hash(WATER), int(Role.AUTHORITY)):
            impose(duties, obligation("duty/2"), signer=key, organisation=WATER)


def test_an_obligation_is_withdrawn_with_reasons_and_imposed_again(
    duties: World, refused: Refused
) -> None:
    gone = obligation(DUTY, version=2, status=2)
    with refused("ReasonsMissing", text_hash(DUTY)):
        impose(duties, gone, bodies=[b""])
    impose(duties, gone)
    assert ObligationWord.unpack(word(duties, OBLIGATION.kind, DUTY)).status == 2
    impose(duties, obligation(DUTY, version=3), bodies=[b""])
    assert ObligationWord.unpack(word(duties, OBLIGATION.kind, DUTY)).status == 1


def test_what_does_not_exist_cannot_be_withdrawn(world: World, refused: Refused) -> None:
    with refused("OutOfRange", member("status"), 2, 1):
        impose(world, obligation(DUTY, status=2))


@pytest.mark.parametrize(
    ("name", "value", "most"),
    [
        ("type", 0, 4),
        ("type", 5, 4),
        ("status", 0, 1),
        ("updateCycle", 10, 9),
        ("library", 5, 4),
        ("validFrom", 20250229, LAST_DAY),
        ("validFrom", 0, LAST_DAY),
        ("validUntil", 20250100, LAST_DAY),
        ("validUntil", 30000101, LAST_DAY),
    ],
)
def test_members_have_ranges(
    world: World, refused: Refused, name: str, value: int, most: int
) -> None:
    with refused("OutOfRange", member(name), value, most):
        impose(world, obligation(DUTY) | {name: value})


def test_an_obligation_does_not_end_before_it_begins(world: World, refused: Refused) -> None:
    with refused("OutOfRange", member("validFrom"), 20250101, 20241231):
        impose(world, obligation(DUTY, validUntil=20241231))
    impose(world, obligation(DUTY, validUntil=20250101))


def test_a_parent_may_stand_earlier_in_the_batch_but_not_later(
    world: World, refused: Refused
) -> None:
    system = obligation(SYSTEM, 2, DUTY)
    with refused("NotAbove", text_hash(SYSTEM), text_hash(DUTY)):
        impose(world, system, obligation(DUTY))
    impose(world, obligation("other"), obligation(DUTY), system, obligation(TABLE, 3, DUTY))
    assert world.head(OBLIGATION.kind, text_hash(TABLE))[0] == 1


@pytest.mark.parametrize(
    ("type_", "parent"),
    [(1, DUTY), (2, ""), (2, SYSTEM), (2, TABLE), (3, EXPECTED), (4, EXPECTED), (4, "none/1")],
)
def test_what_stands_above_is_known_and_of_a_lower_type(
    duties: World, refused: Refused, type_: int, parent: str
) -> None:
    with refused("NotAbove", text_hash("new"), text_hash(parent)):
        impose(duties, obligation("new", type_, parent))


def test_nothing_stands_above_itself(duties: World, refused: Refused) -> None:
    with refused("NotAbove", text_hash("new"), text_hash("new")):
        impose(duties, obligation("new", 2, "new"))
    with refused("NotAbove", text_hash(TABLE), text_hash(TABLE)):
        impose(duties, obligation(TABLE, 3, TABLE, version=2))


def test_an_obligation_is_asked_of_an_organisation_that_exists_and_is_active(
    duties: World, refused: Refused
) -> None:
    with refused("UnknownOrganisation", text_hash("TMP-NOBODY")):
        impose(duties, obligation("duty/2", responsible="TMP-NOBODY"))
    duties.register(WATER, version=2, status=2)
    with refused("OrganisationDissolved", text_hash(WATER)):
        impose(duties, obligation("duty/2"))
    with refused("OrganisationDissolved", text_hash(WATER)):
        impose(duties, obligation(DUTY, version=2))
    impose(duties, obligation(DUTY, version=2, status=2))


def test_a_subject_stands_once_in_a_batch(world: World, refused: Refused) -> None:
    with refused("StaleVersion", kind_word(OBLIGATION.kind), text_hash(DUTY), 2, 1):
        impose(world, obligation(DUTY), obligation(DUTY, version=2))


def test_a_hundred_obligations_fit_one_batch(world: World) -> None:
    rows = [obligation(DUTY), *(obligation(f"system/{n}", 2, DUTY) for n in range(99))]
    impose(world, *rows)
    assert world.authorisations[-1].count == 100


# Bindings


def test_a_binding_leaves_owner_status_and_entry_in_the_head(duties: World) -> None:
    bind(duties, binding(TABLE, ENTRY))
    bound = BindingWord(NUMBER[WATER], 1, text_hash(ENTRY)[:16])
    assert duties.head(BINDING.kind, text_hash(TABLE)) == (1, bound.pack())
    bind(duties, binding(TABLE, ENTRY, 2, 2))
    released = bound._replace(status=2)
    assert duties.head(BINDING.kind, text_hash(TABLE)) == (2, released.pack())
    bind(duties, binding(TABLE, ENTRY, 3))
    assert word(duties, BINDING.kind, TABLE) == bound.pack()


def test_the_responsible_organisation_or_an_authority_binds(
    duties: World, refused: Refused
) -> None:
    with refused("NotOwner", text_hash(TABLE), text_hash(ROADS)):
        bind(duties, binding(TABLE, ENTRY), signer=ROADS_STEWARD, organisation=ROADS)
    with refused("RoleMissing", HEAD.address, text_hash(WATER), int(Role.STEWARD | Role.AUTHORITY)):
        bind(duties, binding(TABLE, ENTRY), signer=HEAD)
    bind(duties, binding(TABLE, ENTRY), signer=PUBLISHER, organisation=DISTRICT)


def test_only_tables_and_expected_entries_are_bound(duties: World, refused: Refused) -> None:
    for code, type_ in ((DUTY, 1), (SYSTEM, 2)):
        with refused("OutOfRange", member("type"), type_, 4):
            bind(duties, binding(code, ENTRY))
    bind(duties, binding(EXPECTED, ENTRY))


def test_a_binding_refers_to_what_there_is(duties: World, refused: Refused) -> None:
    with refused("UnknownObligation", text_hash("table/9")):
        bind(duties, binding("table/9", ENTRY))
    with refused("UnknownEntry", text_hash("307001/000009")):
        bind(duties, binding(TABLE, "307001/000009"))
    with refused("OutOfRange", member("status"), 3, 2):
        bind(duties, binding(TABLE, ENTRY, status=3))
    with refused("StaleVersion", kind_word(BINDING.kind), text_hash(TABLE), 2, 1):
        bind(duties, binding(TABLE, ENTRY, 2))


def test_an_entry_of_another_organisation_answers_nothing(duties: World, refused: Refused) -> None:
    mismatch = (text_hash(TABLE), text_hash(OF_ROADS))
    with refused("EntryMismatch", *mismatch):
        bind(duties, binding(TABLE, OF_ROADS))
    with refused("EntryMismatch", *mismatch):
        bind(duties, binding(TABLE, OF_ROADS), signer=PUBLISHER, organisation=DISTRICT)


def test_nothing_is_bound_to_a_withdrawn_obligation_but_it_is_released(
    duties: World, refused: Refused
) -> None:
    bind(duties, binding(TABLE, ENTRY))
    impose(duties, obligation(TABLE, 3, SYSTEM, version=2, status=2))
    with refused("NotInForce", text_hash(TABLE)):
        bind(duties, binding(TABLE, ENTRY, 2))
    bind(duties, binding(TABLE, ENTRY, 2, 2))


def test_only_the_entry_that_is_bound_is_released_and_with_reasons(
    duties: World, refused: Refused
) -> None:
    with refused("EntryMismatch", text_hash(TABLE), text_hash(ENTRY)):
        bind(duties, binding(TABLE, ENTRY, 1, 2))
    bind(duties, binding(TABLE, ENTRY))
    with refused("EntryMismatch", text_hash(TABLE), text_hash(OF_ROADS)):
        bind(duties, binding(TABLE, OF_ROADS, 2, 2))
    with refused("ReasonsMissing", text_hash(TABLE)):
        bind(duties, binding(TABLE, ENTRY, 2, 2), bodies=[b""])
    bind(duties, binding(TABLE, ENTRY, 2, 2))
    with refused("EntryMismatch", text_hash(TABLE), text_hash(ENTRY)):
        bind(duties, binding(TABLE, ENTRY, 3, 2))


# Objections


def test_an_objection_is_raised_answered_and_raised_again(duties: World) -> None:
    for version, (state, how) in enumerate(
        [
            (1, {}),
            (3, {"signer": PUBLISHER, "organisation": DISTRICT}),
            (1, {"signer": HEAD}),
            (2, {"signer": PUBLISHER, "organisation": DISTRICT}),
            (1, {}),
        ],
        1,
    ):
        object_(duties, objection(TABLE, version, state), **how)
        left = ObjectionWord(NUMBER[WATER], state).pack()
        assert duties.head(OBJECTION.kind, text_hash(TABLE)) == (version, left)


def test_an_answer_follows_an_open_objection_alone(duties: World, refused: Refused) -> None:
    by_authority: dict[str, Any] = {"signer": PUBLISHER, "organisation": DISTRICT}
    for state in (2, 3):
        with refused("IllegalTransition", text_hash(TABLE), 0, state):
            object_(duties, objection(TABLE, 1, state), **by_authority)
    object_(duties, objection(TABLE))
    with refused("IllegalTransition", text_hash(TABLE), 1, 1):
        object_(duties, objection(TABLE, 2))
    object_(duties, objection(TABLE, 2, 2), **by_authority)
    with refused("IllegalTransition", text_hash(TABLE), 2, 3):
        object_(duties, objection(TABLE, 3, 3), **by_authority)


def test_the_responsible_organisation_objects_and_an_authority_answers(
    duties: World, refused: Refused
) -> None:
    with refused("NotOwner", text_hash(TABLE), text_hash(ROADS)):
        object_(duties, objection(TABLE), signer=ROADS_STEWARD, organisation=ROADS)
    object_(duties, objection(TABLE))
    for key in (STEWARD, HEAD):
        with refused("RoleMissing", key.address, text_hash(WATER), int(Role.AUTHORITY)):
            object_(duties, objection(TABLE, 2, 3), signer=key)
    own = obligation("duty/own", responsible=DISTRICT)
    impose(duties, own)
    roles = int(Role.STEWARD | Role.HEAD)
    with refused("RoleMissing", PUBLISHER.address, text_hash(DISTRICT), roles):
        object_(duties, objection("duty/own"), signer=PUBLISHER, organisation=DISTRICT)


def test_an_objection_is_about_something_and_says_why(duties: World, refused: Refused) -> None:
    with refused("UnknownObligation", text_hash("table/9")):
        object_(duties, objection("table/9"))
    with refused("ReasonsMissing", text_hash(TABLE)):
        object_(duties, objection(TABLE), bodies=[b""])
    by_authority: dict[str, Any] = {"signer": PUBLISHER, "organisation": DISTRICT}
    for state in (0, 4):
        with refused("OutOfRange", member("state"), state, 3):
            object_(duties, objection(TABLE, 1, state), **by_authority)


# Exemptions


def test_an_exemption_leaves_who_profits_who_approved_and_how_long_in_the_head(
    duties: World,
) -> None:
    exempt(duties, exemption("ex/1", TABLE), exemption("ex/2", OF_ROADS, 2, scope=31))
    first = ExemptionWord(NUMBER[WATER], 1, 2, 1, 20250101, 20251231, 1, text_hash(TABLE)[:5])
    second = first._replace(
        beneficiary=NUMBER[ROADS], scope=31, target_type=2, target=text_hash(OF_ROADS)[:5]
    )
    assert word(duties, EXEMPTION.kind, "ex/1") == first.pack()
    assert word(duties, EXEMPTION.kind, "ex/2") == second.pack()
    assert ExemptionWord.unpack(second.pack()) == second


def test_whoever_profits_cannot_approve(duties: World, refused: Refused) -> None:
    key = account("water authority")
    duties.grant(key, WATER, Role.AUTHORITY)
    for target, type_ in ((TABLE, 1), (ENTRY, 2)):
        with refused("SelfApproved", text_hash("ex/1"), text_hash(WATER)):
            exempt(duties, exemption("ex/1", target, type_), signer=key, organisation=WATER)
    exempt(duties, exemption("ex/1", OF_ROADS, 2), signer=key, organisation=WATER)
    impose(duties, obligation("duty/own", responsible=DISTRICT))
    with refused("SelfApproved", text_hash("ex/2"), text_hash(DISTRICT)):
        exempt(duties, exemption("ex/2", "duty/own"))
    exempt(duties, exemption("ex/2", "duty/own"), signer=key, organisation=WATER)


def test_whoever_came_to_profit_cannot_prolong(duties: World, refused: Refused) -> None:
    exempt(duties, exemption("ex/1", TABLE))
    impose(duties, obligation(TABLE, 3, SYSTEM, version=2, responsible=DISTRICT))
    with refused("SelfApproved", text_hash("ex/1"), text_hash(DISTRICT)):
        exempt(duties, exemption("ex/1", TABLE, version=2, expires=20261231))


def test_only_an_authority_exempts(duties: World, refused: Refused) -> None:
    with refused("RoleMissing", STEWARD.address, text_hash(WATER), int(Role.AUTHORITY)):
        exempt(duties, exemption("ex/1", OF_ROADS, 2), signer=STEWARD, organisation=WATER)


def test_an_exemption_is_of_something(duties: World, refused: Refused) -> None:
    with refused("UnknownObligation", text_hash(ENTRY)):
        exempt(duties, exemption("ex/1", ENTRY, 1))
    with refused("UnknownEntry", text_hash(TABLE)):
        exempt(duties, exemption("ex/1", TABLE, 2))
    for type_ in (0, 3):
        with refused("OutOfRange", member("targetType"), type_, 2):
            exempt(duties, exemption("ex/1", TABLE, type_))


def test_what_an_exemption_is_of_never_changes(duties: World, refused: Refused) -> None:
    exempt(duties, exemption("ex/1", TABLE))
    with refused("MemberFixed", text_hash("ex/1"), member("target")):
        exempt(duties, exemption("ex/1", SYSTEM, version=2))
    with refused("MemberFixed", text_hash("ex/1"), member("targetType")):
        exempt(duties, exemption("ex/1", ENTRY, 2, version=2))
    exempt(duties, exemption("ex/1", TABLE, version=2, scope=4, expires=20250102))


@pytest.mark.parametrize(
    ("name", "value", "most"),
    [
        ("scope", 0, 31),
        ("scope", 32, 31),
        ("status", 0, 1),
        ("status", 2, 1),
        ("validFrom", 20250230, LAST_DAY),
        ("expires", 0, LAST_DAY),
        ("expires", 20251301, LAST_DAY),
    ],
)
def test_members_of_an_exemption_have_ranges(
    duties: World, refused: Refused, name: str, value: int, most: int
) -> None:
    with refused("OutOfRange", member(name), value, most):
        exempt(duties, exemption("ex/1", TABLE) | {name: value})


@pytest.mark.parametrize("expires", [20250101, 20241231])
def test_an_exemption_expires_after_it_begins(
    duties: World, refused: Refused, expires: int
) -> None:
    with refused("OutOfRange", member("validFrom"), 20250101, expires - 1):
        exempt(duties, exemption("ex/1", TABLE, expires=expires))
    exempt(duties, exemption("ex/1", TABLE, expires=20250102))


def test_an_exemption_is_withdrawn_with_reasons_and_granted_again(
    duties: World, refused: Refused
) -> None:
    exempt(duties, exemption("ex/1", TABLE))
    gone = exemption("ex/1", TABLE, version=2, status=2)
    with refused("ReasonsMissing", text_hash("ex/1")):
        exempt(duties, gone, bodies=[b""])
    exempt(duties, gone)
    exempt(duties, exemption("ex/1", TABLE, version=3))
    assert duties.head(EXEMPTION.kind, text_hash("ex/1"))[0] == 3

"""Organisations and keys: the first statement, registering, amending, granting, revoking."""

from __future__ import annotations

from typing import Any

import pytest

from ledger.codes import Role
from ledger.statements import KEY, ORGANISATION, key_subject, kind_word, text_hash
from tests.contracts.conftest import Refused
from tests.contracts.world import (
    DISTRICT,
    ROADS,
    WATER,
    World,
    account,
    begin,
    key_values,
    organisation,
)

ORG = kind_word("organisation")
PUBLISHER = account("publisher")
STEWARD = account("water steward")
HEAD = account("water head")
NEW = account("new")


def member(name: str) -> bytes:
    return name.encode().ljust(32, b"\0")


def organisation_word(number: int, parent: int, level: int = 2, status: int = 1) -> int:
    return number | parent << 32 | level << 64 | status << 72


def key_word(number: int, roles: int, status: int = 1) -> int:
    return number | int(roles) << 32 | status << 48


# The first statement


def test_the_first_statement_registers_the_root_with_the_genesis_key(empty: World) -> None:
    begin(empty)
    assert empty.head("organisation", text_hash(DISTRICT)) == (1, organisation_word(1, 0))
    assert empty.statements[0].index == 0
    assert empty.registries["Organisations"].read("registered") == 1


def test_one_batch_may_register_the_root_and_all_below(empty: World) -> None:
    rows = [
        organisation(DISTRICT, parent=""),
        organisation(WATER),
        organisation("TMP-STATION", parent=WATER, level=3),
    ]
    empty.say(ORGANISATION, rows, empty.genesis)
    assert empty.head("organisation", text_hash("TMP-STATION")) == (1, organisation_word(3, 2, 3))


def test_nobody_else_makes_the_first_statement(empty: World, refused: Refused) -> None:
    root = organisation(DISTRICT, parent="")
    with refused("UnknownOrganisation", text_hash(DISTRICT)):
        empty.say(ORGANISATION, root, PUBLISHER)
    with refused("UnknownOrganisation", text_hash(WATER)):
        empty.say(ORGANISATION, root, empty.genesis, WATER)
    with refused("UnknownOrganisation", text_hash(DISTRICT)):
        empty.say(KEY, key_values(PUBLISHER, DISTRICT, Role.AUTHORITY), empty.genesis)


def test_the_root_starts_without_a_parent_and_at_version_1(empty: World, refused: Refused) -> None:
    with refused("BadParent", text_hash(DISTRICT), text_hash(WATER)):
        empty.say(ORGANISATION, organisation(DISTRICT, parent=WATER), empty.genesis)
    with refused("StaleVersion", ORG, text_hash(DISTRICT), 2, 1):
        empty.say(ORGANISATION, organisation(DISTRICT, parent="", version=2), empty.genesis)


def test_the_first_statement_has_no_second_signature(empty: World, refused: Refused) -> None:
    with refused("RoleMissing", HEAD.address, text_hash(DISTRICT), int(Role.HEAD)):
        empty.say(ORGANISATION, organisation(DISTRICT, parent=""), empty.genesis, cosigner=HEAD)


# Registering and amending


def test_numbers_are_handed_out_in_order(world: World) -> None:
    world.register("TMP-A")
    world.register("TMP-B", parent="TMP-A", level=3)
    assert world.head("organisation", text_hash("TMP-A")) == (1, organisation_word(4, 1))
    assert world.head("organisation", text_hash("TMP-B")) == (1, organisation_word(5, 4, 3))
    assert world.registries["Organisations"].read("registered") == 5


def test_a_refused_registration_takes_no_number(world: World, refused: Refused) -> None:
    with refused("OutOfRange", member("level"), 4, 3):
        world.register("TMP-A", level=4)
    world.register("TMP-B")
    assert world.head("organisation", text_hash("TMP-B"))[1] & 0xFFFFFFFF == 4


def test_an_amendment_keeps_the_number(world: World) -> None:
    world.register(WATER, parent=ROADS, version=2, level=3)
    assert world.head("organisation", text_hash(WATER)) == (2, organisation_word(2, 3, 3))


def test_a_batch_may_amend_what_it_registered(world: World) -> None:
    rows = [organisation("TMP-A"), organisation("TMP-A", version=2, level=3)]
    world.say(ORGANISATION, rows, world.genesis)
    assert world.head("organisation", text_hash("TMP-A")) == (2, organisation_word(4, 1, 3))


REGISTRATIONS: list[tuple[str, dict[str, Any], str, list[Any]]] = [
    ("level too low", {"level": 0}, "OutOfRange", [member("level"), 0, 3]),
    ("level too high", {"level": 4}, "OutOfRange", [member("level"), 4, 3]),
    ("no status", {"status": 0}, "OutOfRange", [member("status"), 0, 1]),
    ("born dissolved", {"status": 2}, "OutOfRange", [member("status"), 2, 1]),
    ("no parent", {"parent": ""}, "BadParent", [text_hash("TMP-A"), text_hash("")]),
    ("own parent", {"parent": "TMP-A"}, "BadParent", [text_hash("TMP-A"), text_hash("TMP-A")]),
    ("unknown parent", {"parent": "TMP-X"}, "UnknownOrganisation", [text_hash("TMP-X")]),
    ("later version", {"version": 2}, "StaleVersion", [ORG, text_hash("TMP-A"), 2, 1]),
    ("no code", {"code": ""}, "UnknownOrganisation", [text_hash("")]),
]


@pytest.mark.parametrize(
    ("changes", "error", "arguments"),
    [row[1:] for row in REGISTRATIONS],
    ids=[row[0] for row in REGISTRATIONS],
)
def test_a_registration_outside_the_rules_is_refused(
    world: World, refused: Refused, changes: dict[str, Any], error: str, arguments: list[Any]
) -> None:
    with refused(error, *arguments):
        world.say(ORGANISATION, {**organisation("TMP-A"), **changes}, world.genesis)
    world.register("TMP-A")


AMENDMENTS: list[tuple[str, dict[str, Any], str, list[Any]]] = [
    ("version again", {"version": 1}, "StaleVersion", [ORG, text_hash(WATER), 1, 2]),
    ("version skipped", {"version": 3}, "StaleVersion", [ORG, text_hash(WATER), 3, 2]),
    ("unknown status", {"status": 3}, "OutOfRange", [member("status"), 3, 2]),
    ("own parent", {"parent": WATER}, "BadParent", [text_hash(WATER), text_hash(WATER)]),
    ("no parent", {"parent": ""}, "BadParent", [text_hash(WATER), text_hash("")]),
]


@pytest.mark.parametrize(
    ("changes", "error", "arguments"),
    [row[1:] for row in AMENDMENTS],
    ids=[row[0] for row in AMENDMENTS],
)
def test_an_amendment_outside_the_rules_is_refused(
    world: World, refused: Refused, changes: dict[str, Any], error: str, arguments: list[Any]
) -> None:
    with refused(error, *arguments):
        world.say(ORGANISATION, {**organisation(WATER, version=2), **changes}, world.genesis)
    world.register(WATER, version=2)


def test_the_root_may_change_its_level_but_gets_no_parent_and_stays(
    world: World, refused: Refused
) -> None:
    with refused("BadParent", text_hash(DISTRICT), text_hash(WATER)):
        world.register(DISTRICT, parent=WATER, version=2)
    with refused("OutOfRange", member("status"), 2, 1):
        world.register(DISTRICT, parent="", version=2, status=2)
    world.register(DISTRICT, parent="", version=2, level=1)
    assert world.head("organisation", text_hash(DISTRICT)) == (2, organisation_word(1, 0, 1))


def test_the_active_stand_below_the_active(world: World, refused: Refused) -> None:
    world.register("TMP-CHILD", parent=WATER, level=3)
    world.register(WATER, version=2, status=2)
    with refused("OrganisationDissolved", text_hash(WATER)):
        world.register("TMP-OTHER", parent=WATER, level=3)
    with refused("OrganisationDissolved", text_hash(WATER)):
        world.register("TMP-CHILD", parent=WATER, version=2, level=3)
    world.register("TMP-CHILD", parent=WATER, version=2, level=3, status=2)
    world.register("TMP-CHILD", parent=ROADS, version=3, level=3)


# Keys


def test_the_genesis_key_is_an_authority_of_the_root_until_a_statement_about_it(
    world: World, refused: Refused
) -> None:
    genesis = world.genesis
    assert world.head("organisation.key", key_subject(genesis.address)) == (0, 0)
    with refused("NotOwner", key_subject(genesis.address), text_hash(WATER)):
        world.say(KEY, key_values(genesis, WATER, Role.STEWARD), PUBLISHER)
    world.say(KEY, key_values(genesis, DISTRICT, Role.AUDITOR), PUBLISHER)
    assert world.head("organisation.key", key_subject(genesis.address)) == (1, key_word(1, 32))
    with refused("RoleMissing", genesis.address, text_hash(DISTRICT), int(Role.AUTHORITY)):
        world.register("TMP-A")


def test_the_genesis_key_can_be_revoked_by_its_first_statement(
    world: World, refused: Refused
) -> None:
    revoked = key_values(world.genesis, DISTRICT, Role.AUTHORITY, version=1, status=2)
    world.say(KEY, revoked, PUBLISHER)
    with refused("RoleMissing", world.genesis.address, text_hash(DISTRICT), 4):
        world.register("TMP-A")
    subject = key_subject(world.genesis.address)
    with refused("IllegalTransition", subject, 2, 1):
        world.say(KEY, key_values(world.genesis, DISTRICT, 4, version=2), PUBLISHER)


def test_the_genesis_key_has_no_other_role(world: World, refused: Refused) -> None:
    with refused("RoleMissing", world.genesis.address, text_hash(DISTRICT), 2):
        world.say(KEY, key_values(NEW, WATER, Role.STEWARD), PUBLISHER, cosigner=world.genesis)


@pytest.mark.parametrize("roles", [1, 2, 4, 8, 16, 32, 63])
def test_each_role_and_any_of_them_together_can_be_granted(world: World, roles: int) -> None:
    world.grant(NEW, WATER, Role(roles))
    assert world.head("organisation.key", key_subject(NEW.address)) == (1, key_word(2, roles))


GRANTS: list[tuple[str, dict[str, Any], str, list[Any]]] = [
    ("no role", {"roles": 0}, "OutOfRange", [member("roles"), 0, 63]),
    ("unknown role", {"roles": 64}, "OutOfRange", [member("roles"), 64, 63]),
    ("no status", {"status": 0}, "OutOfRange", [member("status"), 0, 1]),
    ("born revoked", {"status": 2}, "OutOfRange", [member("status"), 2, 1]),
    ("unknown holder", {"holder": "TMP-X"}, "UnknownOrganisation", [text_hash("TMP-X")]),
    (
        "later version",
        {"version": 2},
        "StaleVersion",
        [kind_word(KEY.kind), key_subject(NEW.address), 2, 1],
    ),
    ("no key", {"key": "0x" + "00" * 20}, "OutOfRange", [member("key"), 0, (1 << 160) - 1]),
]


@pytest.mark.parametrize(
    ("changes", "error", "arguments"), [row[1:] for row in GRANTS], ids=[row[0] for row in GRANTS]
)
def test_a_grant_outside_the_rules_is_refused(
    world: World, refused: Refused, changes: dict[str, Any], error: str, arguments: list[Any]
) -> None:
    with refused(error, *arguments):
        world.say(KEY, {**key_values(NEW, WATER, Role.STEWARD), **changes}, PUBLISHER)
    world.say(KEY, key_values(NEW, WATER, Role.STEWARD), PUBLISHER)


def test_a_dissolved_organisation_gets_no_key_but_can_lose_one(
    world: World, refused: Refused
) -> None:
    world.register(WATER, version=2, status=2)
    with refused("OrganisationDissolved", text_hash(WATER)):
        world.grant(NEW, WATER, Role.STEWARD)
    with refused("OrganisationDissolved", text_hash(WATER)):
        world.grant(STEWARD, WATER, Role.HEAD, version=2)
    world.revoke(STEWARD, WATER, Role.STEWARD)
    assert world.head("organisation.key", key_subject(STEWARD.address)) == (2, key_word(2, 1, 2))


def test_a_key_never_moves_to_another_organisation(world: World, refused: Refused) -> None:
    subject = key_subject(STEWARD.address)
    with refused("NotOwner", subject, text_hash(ROADS)):
        world.grant(STEWARD, ROADS, Role.STEWARD, version=2)
    with refused("NotOwner", subject, text_hash(ROADS)):
        world.revoke(STEWARD, ROADS, Role.STEWARD)


def test_revoked_is_for_good(world: World, refused: Refused) -> None:
    world.revoke(STEWARD, WATER, Role.STEWARD)
    for status in (1, 2):
        with refused("IllegalTransition", key_subject(STEWARD.address), 2, status):
            values = key_values(STEWARD, WATER, Role.STEWARD, version=3, status=status)
            world.say(KEY, values, world.genesis)


def test_a_rotation_is_one_batch(world: World) -> None:
    rows = [
        key_values(STEWARD, WATER, Role.STEWARD, version=2, status=2),
        key_values(NEW, WATER, Role.STEWARD),
    ]
    world.say(KEY, rows, PUBLISHER)
    assert world.authorisations[-1].count == 2
    assert world.head("organisation.key", key_subject(STEWARD.address)) == (2, key_word(2, 1, 2))
    assert world.head("organisation.key", key_subject(NEW.address)) == (1, key_word(2, 1))
    assert world.statements[-1].authorisation == world.statements[-2].authorisation


def test_an_authority_rotates_itself_by_granting_first(world: World, refused: Refused) -> None:
    revoke = key_values(PUBLISHER, DISTRICT, Role.AUTHORITY, version=2, status=2)
    grant = key_values(NEW, DISTRICT, Role.AUTHORITY)
    with refused("RoleMissing", PUBLISHER.address, text_hash(DISTRICT), 6):
        world.say(KEY, [revoke, grant], PUBLISHER)
    world.say(KEY, [grant, revoke], PUBLISHER)
    world.say(KEY, key_values(account("newer"), WATER, Role.STEWARD), NEW)


def test_a_key_that_gives_up_its_role_says_nothing_more_in_the_batch(
    world: World, refused: Refused
) -> None:
    weaken = key_values(PUBLISHER, DISTRICT, Role.AUDITOR, version=2)
    with refused("RoleMissing", PUBLISHER.address, text_hash(DISTRICT), 6):
        world.say(KEY, [weaken, key_values(NEW, WATER, Role.STEWARD)], PUBLISHER)


def test_a_head_revokes_keys_of_its_own_organisation_and_does_no_more(
    world: World, refused: Refused
) -> None:
    authority = ["RoleMissing", HEAD.address, text_hash(WATER), int(Role.AUTHORITY)]
    roads = account("roads steward")
    for values in (
        key_values(NEW, WATER, Role.STEWARD),
        key_values(STEWARD, WATER, Role.STEWARD | Role.HEAD, version=2),
        key_values(roads, ROADS, Role.STEWARD, version=2, status=2),
    ):
        with refused(*authority):
            world.say(KEY, values, HEAD, WATER)
    with refused("NotOwner", key_subject(roads.address), text_hash(WATER)):
        world.say(KEY, key_values(roads, WATER, Role.STEWARD, version=2, status=2), HEAD, WATER)
    own = key_values(STEWARD, WATER, Role.STEWARD, version=2, status=2)
    world.say(KEY, own, HEAD, WATER)
    assert world.head("organisation.key", key_subject(STEWARD.address)) == (2, key_word(2, 1, 2))

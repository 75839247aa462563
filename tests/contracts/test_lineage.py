"""Rules about data sets, and declared steps: who may state them, and whose they stay."""

from __future__ import annotations

import pytest

from ledger.codes import Role
from ledger.lineage.rules import StatedWord
from ledger.statements import DATASET_RULE, STEP, StructType, kind_word, text_hash
from tests.contracts.conftest import Refused
from tests.contracts.world import DISTRICT, ROADS, WATER, World, account, dataset_rule
from tests.contracts.world import step as step_values

RULE, STEP_CODE = "rule/water-ods", "step/water-merge"
WATER_STEWARD, ROADS_STEWARD = account("water steward"), account("roads steward")
PUBLISHER = account("publisher")


def member(name: str) -> bytes:
    return name.encode().ljust(32, b"\0")


def stated(world: World, kind: str, code: str) -> StatedWord:
    return StatedWord.unpack(world.head(kind, text_hash(code))[1])


def test_a_steward_states_rules_of_its_own_organisation(world: World, refused: Refused) -> None:
    world.say(DATASET_RULE, dataset_rule(RULE, holder=WATER), WATER_STEWARD, WATER)
    assert stated(world, DATASET_RULE.kind, RULE) == StatedWord(2, 1)
    roles = int(Role.AUTHORITY)
    with refused("RoleMissing", WATER_STEWARD.address, text_hash(WATER), roles):
        world.say(DATASET_RULE, dataset_rule("rule/x", holder=ROADS), WATER_STEWARD, WATER)


def test_an_authority_states_rules_of_any_that_is_registered(
    world: World, refused: Refused
) -> None:
    world.say(DATASET_RULE, dataset_rule(RULE, holder=ROADS), PUBLISHER)
    assert stated(world, DATASET_RULE.kind, RULE).organisation == 3
    with refused("UnknownOrganisation", text_hash("TMP-NOBODY")):
        world.say(DATASET_RULE, dataset_rule("rule/x", holder="TMP-NOBODY"), PUBLISHER)
    assessor = account("assessor")
    roles = int(Role.STEWARD | Role.AUTHORITY)
    with refused("RoleMissing", assessor.address, text_hash(DISTRICT), roles):
        world.say(DATASET_RULE, dataset_rule("rule/x", holder=DISTRICT), assessor)


def test_a_rule_stays_with_its_holder(world: World, refused: Refused) -> None:
    world.say(DATASET_RULE, dataset_rule(RULE, holder=WATER), WATER_STEWARD, WATER)
    with refused("NotOwner", text_hash(RULE), text_hash(ROADS)):
        world.say(DATASET_RULE, dataset_rule(RULE, 2, holder=ROADS), PUBLISHER)
    with refused("NotOwner", text_hash(RULE), text_hash(ROADS)):
        world.say(DATASET_RULE, dataset_rule(RULE, 2, holder=ROADS), ROADS_STEWARD, ROADS)
    world.say(DATASET_RULE, dataset_rule(RULE, 2, holder=WATER), PUBLISHER)


def test_an_authority_withdraws_the_rule_of_who_was_dissolved(world: World) -> None:
    world.say(DATASET_RULE, dataset_rule(RULE, holder=WATER), WATER_STEWARD, WATER)
    world.register(WATER, version=2, status=2)
    world.say(DATASET_RULE, dataset_rule(RULE, 2, holder=WATER, status=2), PUBLISHER)
    assert stated(world, DATASET_RULE.kind, RULE) == StatedWord(2, 2)


def test_only_stewards_declare_steps(world: World, refused: Refused) -> None:
    head = account("water head")
    with refused("RoleMissing", head.address, text_hash(WATER), int(Role.STEWARD)):
        world.say(STEP, step_values(STEP_CODE), head, WATER)
    with refused("RoleMissing", PUBLISHER.address, text_hash(DISTRICT), int(Role.STEWARD)):
        world.say(STEP, step_values(STEP_CODE), PUBLISHER)
    world.say(STEP, step_values(STEP_CODE), WATER_STEWARD, WATER)
    assert stated(world, STEP.kind, STEP_CODE) == StatedWord(2, 1)


def test_a_step_stays_with_whoever_declared_it_first(world: World, refused: Refused) -> None:
    world.say(STEP, step_values(STEP_CODE), WATER_STEWARD, WATER)
    with refused("NotOwner", text_hash(STEP_CODE), text_hash(ROADS)):
        world.say(STEP, step_values(STEP_CODE, 2), ROADS_STEWARD, ROADS)


@pytest.mark.parametrize("struct", [DATASET_RULE, STEP], ids=lambda struct: struct.name)
def test_what_was_stated_can_be_withdrawn_and_stated_again(
    world: World, refused: Refused, struct: StructType
) -> None:
    def say(version: int, status: int, body: bytes = b"{}") -> None:
        values = step_values(RULE, version, status)
        if struct is DATASET_RULE:
            values["holder"] = WATER
        world.say(struct, values, WATER_STEWARD, WATER, bodies=[body])

    for status in (0, 2, 3, 255):
        with refused("OutOfRange", member("status"), status, 1):
            say(1, status)
    with refused("BodyMissing", text_hash(RULE)):
        say(1, 1, b"")
    say(1, 1)
    for status in (0, 3, 255):
        with refused("OutOfRange", member("status"), status, 2):
            say(2, status)
    say(2, 2)
    say(3, 1)
    with refused("StaleVersion", kind_word(struct.kind), text_hash(RULE), 3, 4):
        say(3, 2)


def test_a_dissolved_organisation_states_nothing(world: World, refused: Refused) -> None:
    world.register(WATER, version=2, status=2)
    with refused("OrganisationDissolved", text_hash(WATER)):
        world.say(STEP, step_values(STEP_CODE), WATER_STEWARD, WATER)

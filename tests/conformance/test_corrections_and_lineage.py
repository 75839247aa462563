"""Corrections, lineage and journals, every rule both ways, before contracts and rulebooks at once."""

from __future__ import annotations

import pytest

from ledger.chain.artifacts import load
from ledger.codes import Role
from ledger.statements import (
    CHECKPOINT,
    CORRECTION,
    DATASET_RULE,
    FILING,
    KEY,
    ORGANISATION,
    STEP,
    Value,
)
from tests.conformance.acts import Act
from tests.conformance.judge import Court
from tests.conformance.stories import NOT_RULES, Row, Step, act, play
from tests.contracts import world as say
from tests.contracts.evm import Evm
from tests.contracts.world import DISTRICT, ROADS, WATER, account, deploy, settle

ENTRY, OTHER = "307001/000001", "307001/000002"
FILED, HANDLING, REJECTED, HANDLED, EVALUATED, CANCELLED = range(1, 7)
CONTRACTS = ("Corrections", "Journals", "Lineage")


def unversioned(row: Row) -> Row:
    return {name: value for name, value in row.items() if name != "version"}


def entry(code: str = ENTRY) -> Act:
    row = unversioned(say.filing(code))
    return act(FILING, row, "water steward", WATER, "water head")


def asked(state: int, *, entry: str = ENTRY, kind: int = 3) -> Row:
    return {"code": "JH-1", "state": state, "type": kind, "entry": entry}


def roads(row: Row, *, signer: str = "roads steward", **how: int | bytes) -> Act:
    return act(CORRECTION, row, signer, ROADS, **how)  # type: ignore[arg-type]


def water(row: Row, *, signer: str = "water steward", **how: int | bytes) -> Act:
    return act(CORRECTION, row, signer, WATER, **how)  # type: ignore[arg-type]


def grant(name: str, holder: str, role: Role) -> Act:
    row: Row = {"key": account(name).address, "holder": holder, "roles": int(role), "status": 1}
    return act(KEY, row, "genesis")


def anchor(size: int, signer: str = "publisher", organisation: str = DISTRICT, **how: int) -> Act:
    row = unversioned(say.checkpoint("district/lineage", size=size))
    return act(CHECKPOINT, row, signer, organisation, **how)  # type: ignore[arg-type]


def rule(holder: str, signer: str, organisation: str, status: int = 1, body: bytes = b"{}") -> Act:
    row: Row = {"code": "rule/1", "holder": holder, "status": status}
    return act(DATASET_RULE, row, signer, organisation, body=body)


def declared(
    organisation: str = WATER, signer: str = "water steward", status: int = 1, **how: bytes
) -> Act:
    row: Row = {"code": "step/1", "status": status}
    return act(STEP, row, signer, organisation, **how)  # type: ignore[arg-type]


def dissolved(code: str) -> Act:
    row: dict[str, Value] = {"code": code, "parent": DISTRICT, "level": 2, "status": 2}
    return act(ORGANISATION, row, "genesis")


THERE = Step(entry())
OPEN = [THERE, Step(roads(asked(FILED)))]

STORIES: dict[str, list[Step]] = {
    "a request is taken up, answered and evaluated": [
        *OPEN,
        Step(water(asked(HANDLING))),
        Step(water(asked(HANDLED))),
        Step(roads(asked(EVALUATED))),
        *(Step(roads(asked(state)), "IllegalTransition") for state in (FILED, CANCELLED)),
        *(Step(water(asked(state)), "IllegalTransition") for state in (HANDLING, HANDLED)),
    ],
    "a request is rejected, and that is evaluated too": [
        *OPEN,
        Step(water(asked(REJECTED))),
        Step(roads(asked(CANCELLED)), "IllegalTransition"),
        Step(roads(asked(EVALUATED))),
    ],
    "a request is cancelled while nobody has answered": [
        *OPEN,
        Step(water(asked(HANDLING))),
        Step(water(asked(REJECTED)), "IllegalTransition"),
        Step(roads(asked(CANCELLED))),
        Step(roads(asked(EVALUATED)), "IllegalTransition"),
        Step(water(asked(HANDLED)), "IllegalTransition"),
    ],
    "a request begins by being filed, and states are those of the code table": [
        THERE,
        *(Step(roads(asked(n)), "IllegalTransition") for n in (0, 2, 3, 4, 5, 6, 7, 255)),
        Step(roads(asked(FILED, kind=0)), "OutOfRange"),
        Step(roads(asked(FILED, kind=5)), "OutOfRange"),
        Step(roads(asked(FILED))),
    ],
    "a request is about an entry of somebody else": [
        Step(roads(asked(FILED)), "UnknownEntry"),
        THERE,
        Step(water(asked(FILED)), "OwnEntry"),
        Step(act(CORRECTION, asked(FILED), "assessor")),
    ],
    "each step is for one party": [
        *OPEN,
        Step(roads(asked(HANDLING)), "NotOwner"),
        Step(act(CORRECTION, asked(HANDLING), "assessor"), "NotOwner"),
        Step(water(asked(CANCELLED)), "NotRequester"),
        Step(water(asked(HANDLED))),
        Step(water(asked(EVALUATED)), "NotRequester"),
        Step(roads(asked(EVALUATED))),
    ],
    "stewards handle, stewards and assessors ask": [
        *OPEN,
        Step(roads(asked(CANCELLED), signer="roads head"), "RoleMissing"),
        Step(grant("stranger", WATER, Role.ASSESSOR)),
        Step(water(asked(HANDLED), signer="stranger"), "RoleMissing"),
        Step(water(asked(HANDLED), signer="water head"), "RoleMissing"),
        Step(water(asked(HANDLED))),
        Step(grant("assessor of roads", ROADS, Role.ASSESSOR)),
        Step(roads(asked(EVALUATED), signer="assessor of roads")),
    ],
    "entry and type stay as they were filed": [
        *OPEN,
        Step(entry(OTHER)),
        Step(water(asked(HANDLED, entry=OTHER)), "MemberFixed"),
        Step(water(asked(HANDLED, entry="999999/000009")), "MemberFixed"),
        Step(water(asked(HANDLED, kind=1)), "MemberFixed"),
        Step(water(asked(HANDLED))),
    ],
    "every step is explained, in time, and follows the one before": [
        THERE,
        Step(roads(asked(FILED), body=b""), "BodyMissing"),
        Step(roads(asked(FILED), late=1), "DeadlinePassed"),
        Step(roads(asked(FILED), slip=1), "StaleVersion"),
        Step(roads(asked(FILED))),
        Step(water(asked(HANDLED), body=b""), "BodyMissing"),
        Step(water(asked(HANDLED), slip=-1), "StaleVersion"),
    ],
    "a dissolved organisation neither asks nor answers": [
        *OPEN,
        Step(dissolved(WATER)),
        Step(water(asked(HANDLED)), "OrganisationDissolved"),
        Step(roads(asked(CANCELLED))),
    ],
    "a journal grows": [
        Step(anchor(0), "NotGrown"),
        Step(anchor(5)),
        Step(anchor(5), "NotGrown"),
        Step(anchor(4), "NotGrown"),
        Step(anchor(6, slip=1), "StaleVersion"),
        Step(anchor(2**64 - 1)),
    ],
    "a checkpoint has a root": [
        Step(
            act(CHECKPOINT, {"origin": "x", "size": 1, "root": bytes(32)}, "publisher"),
            "OutOfRange",
        ),
    ],
    "a journal belongs to whoever anchors it first": [
        Step(anchor(1, "water steward", WATER), "RoleMissing"),
        Step(grant("stranger", WATER, Role.COLLECTOR)),
        Step(anchor(1, "stranger", WATER)),
        Step(anchor(2), "NotOwner"),
        Step(anchor(2, "stranger", WATER)),
    ],
    "a steward states rules for its own organisation, an authority for any": [
        Step(rule(ROADS, "water steward", WATER), "RoleMissing"),
        Step(rule(WATER, "water head", WATER), "RoleMissing"),
        Step(rule(DISTRICT, "assessor", DISTRICT), "RoleMissing"),
        Step(rule("TMP-NOBODY", "publisher", DISTRICT), "UnknownOrganisation"),
        Step(rule(WATER, "publisher", DISTRICT)),
        Step(rule(WATER, "water steward", WATER)),
        Step(rule(ROADS, "publisher", DISTRICT), "NotOwner"),
        Step(rule(ROADS, "roads steward", ROADS), "NotOwner"),
    ],
    "a rule is withdrawn and stated again, never empty": [
        Step(rule(WATER, "water steward", WATER, 0), "OutOfRange"),
        Step(rule(WATER, "water steward", WATER, 2), "OutOfRange"),
        Step(rule(WATER, "water steward", WATER, body=b""), "BodyMissing"),
        Step(rule(WATER, "water steward", WATER)),
        Step(rule(WATER, "water steward", WATER, 3), "OutOfRange"),
        Step(dissolved(WATER)),
        Step(rule(WATER, "publisher", DISTRICT, 2)),
        Step(rule(WATER, "publisher", DISTRICT, 1)),
    ],
    "a step belongs to whoever declares it first": [
        Step(declared(signer="water head"), "RoleMissing"),
        Step(declared(DISTRICT, "publisher"), "RoleMissing"),
        Step(declared(status=2), "OutOfRange"),
        Step(declared(body=b""), "BodyMissing"),
        Step(declared()),
        Step(declared(ROADS, "roads steward"), "NotOwner"),
        Step(declared(status=2)),
        Step(declared(status=255), "OutOfRange"),
        Step(declared()),
        Step(dissolved(WATER)),
        Step(declared(), "OrganisationDissolved"),
    ],
}
TOLD_ELSEWHERE = {"CosignerIsSigner"}
"""Of mandates in general: told where organisations are."""


@pytest.fixture(scope="module")
def settled() -> Court:
    world = deploy(Evm())
    settle(world)
    return Court.of(world)


@pytest.mark.parametrize("story", STORIES)
def test_contract_and_rulebook_agree_on(story: str, settled: Court) -> None:
    start = settled.world.evm.snapshot()
    statements, authorisations = len(settled.world.statements), len(settled.world.authorisations)
    play(Court(settled.world, settled.copy()), STORIES[story])
    settled.world.evm.revert(start)
    del settled.world.statements[statements:]
    del settled.world.authorisations[authorisations:]


def test_every_reason_that_these_registries_have_to_refuse_is_told_in_a_story() -> None:
    told = {step.verdict for steps in STORIES.values() for step in steps}
    known = {
        item["name"] for name in CONTRACTS for item in load(name).abi if item["type"] == "error"
    }
    assert known - NOT_RULES - TOLD_ELSEWHERE - told == set()

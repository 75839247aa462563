"""Obligations, deliveries and reports, every rule both ways, before contracts and rulebooks at once."""

from __future__ import annotations

import pytest

from ledger.chain.artifacts import load
from ledger.codes import Role
from ledger.statements import (
    BINDING,
    DELIVERY,
    EXEMPTION,
    FILING,
    KEY,
    MANIFEST,
    OBJECTION,
    OBLIGATION,
    ORGANISATION,
    REPORT,
    RESOURCE,
    StructType,
    sha256,
)
from tests.conformance.acts import Act
from tests.conformance.judge import Court
from tests.conformance.stories import NOT_RULES, Row, Step, act, play
from tests.contracts import duties as say
from tests.contracts.evm import Evm
from tests.contracts.world import DISTRICT, ROADS, WATER, account, deploy, equip, filing, settle

ENTRY, OF_ROADS, NOWHERE = "307001/000001", "101002/000007", "307001/000009"
DUTY, TABLE = "duty/1", "table/1"
CONTRACTS = ("Obligations", "Deliveries", "Audits")
FIRST, SECOND, EMPTY_ROOT = sha256(b"first"), sha256(b"second"), sha256(b"")


def unversioned(row: Row) -> Row:
    return {name: value for name, value in row.items() if name != "version"}


def by_district(struct: StructType, row: Row, signer: str = "publisher", **how: object) -> Act:
    return act(struct, unversioned(row), signer, DISTRICT, **how)  # type: ignore[arg-type]


def by_water(struct: StructType, row: Row, signer: str = "water steward", **how: object) -> Act:
    return act(struct, unversioned(row), signer, WATER, **how)  # type: ignore[arg-type]


def by_roads(struct: StructType, row: Row, signer: str = "roads steward") -> Act:
    return act(struct, unversioned(row), signer, ROADS)


def granted(name: str, holder: str, role: Role) -> Step:
    row: Row = {"key": account(name).address, "holder": holder, "roles": int(role), "status": 1}
    return Step(act(KEY, row, "genesis"))


def table(**changes: object) -> Row:
    return say.obligation(TABLE, 3, DUTY, **changes)  # type: ignore[arg-type]


def delivered(**changes: object) -> Row:
    return say.delivery(ENTRY, **changes)  # type: ignore[arg-type]


FILED = [
    Step(by_water(FILING, filing(ENTRY, state=1))),
    Step(by_roads(FILING, filing(OF_ROADS, state=1))),
]
IMPOSED = [
    *FILED,
    Step(act(OBLIGATION, [unversioned(say.obligation(DUTY)), unversioned(table())], "publisher")),
]
GONE = Step(
    act(ORGANISATION, {"code": WATER, "parent": DISTRICT, "level": 2, "status": 2}, "genesis")
)

STORIES: dict[str, list[Step]] = {
    "a chain of duty is imposed from the top": [
        Step(by_district(OBLIGATION, table()), "NotAbove"),
        Step(by_district(OBLIGATION, say.obligation(DUTY, 1, DUTY)), "NotAbove"),
        *IMPOSED,
        Step(by_district(OBLIGATION, say.obligation("table/2", 3, TABLE)), "NotAbove"),
        Step(by_district(OBLIGATION, say.obligation("system/1", 2, "")), "NotAbove"),
        Step(by_district(OBLIGATION, say.obligation("expected/1", 4, TABLE))),
    ],
    "only an authority imposes, and of somebody who is there": [
        Step(by_water(OBLIGATION, say.obligation(DUTY)), "RoleMissing"),
        Step(
            by_district(OBLIGATION, say.obligation(DUTY, responsible="TMP-NOBODY")),
            "UnknownOrganisation",
        ),
        GONE,
        Step(by_district(OBLIGATION, say.obligation(DUTY)), "OrganisationDissolved"),
    ],
    "an obligation is withdrawn with reasons, and imposed again": [
        Step(by_district(OBLIGATION, say.obligation(DUTY, status=2)), "OutOfRange"),
        *IMPOSED,
        Step(by_district(OBLIGATION, table(status=2), body=b""), "ReasonsMissing"),
        Step(by_district(OBLIGATION, table(status=2))),
        Step(by_district(OBLIGATION, table(), body=b"")),
        Step(by_district(OBLIGATION, say.obligation(TABLE, 4, DUTY)), "MemberFixed"),
        GONE,
        Step(by_district(OBLIGATION, table()), "OrganisationDissolved"),
        Step(by_district(OBLIGATION, table(status=2))),
    ],
    "an obligation is valid for days that there are": [
        Step(by_district(OBLIGATION, say.obligation(DUTY, validFrom=20250229)), "OutOfRange"),
        Step(by_district(OBLIGATION, say.obligation(DUTY, validUntil=20241231)), "OutOfRange"),
        Step(by_district(OBLIGATION, say.obligation(DUTY, validUntil=20250100)), "OutOfRange"),
        Step(by_district(OBLIGATION, say.obligation(DUTY), late=1), "DeadlinePassed"),
        Step(by_district(OBLIGATION, say.obligation(DUTY), slip=1), "StaleVersion"),
        Step(by_district(OBLIGATION, say.obligation(DUTY, validUntil=20250101))),
    ],
    "the responsible organisation binds its entry, or an authority does": [
        *IMPOSED,
        Step(by_water(BINDING, say.binding("table/9", ENTRY)), "UnknownObligation"),
        Step(by_water(BINDING, say.binding(TABLE, NOWHERE)), "UnknownEntry"),
        Step(by_roads(BINDING, say.binding(TABLE, OF_ROADS)), "NotOwner"),
        Step(by_district(BINDING, say.binding(TABLE, OF_ROADS)), "EntryMismatch"),
        Step(by_water(BINDING, say.binding(TABLE, ENTRY), "water head"), "RoleMissing"),
        Step(by_water(BINDING, say.binding(DUTY, ENTRY)), "OutOfRange"),
        Step(by_water(BINDING, say.binding(TABLE, ENTRY))),
        Step(by_district(BINDING, say.binding(TABLE, ENTRY), body=b"")),
    ],
    "what is bound is released, even where the obligation is gone": [
        *IMPOSED,
        Step(by_water(BINDING, say.binding(TABLE, ENTRY, status=2)), "EntryMismatch"),
        Step(by_water(BINDING, say.binding(TABLE, ENTRY))),
        Step(by_water(BINDING, say.binding(TABLE, OF_ROADS, status=2)), "EntryMismatch"),
        Step(by_water(BINDING, say.binding(TABLE, ENTRY, status=2), body=b""), "ReasonsMissing"),
        Step(by_district(OBLIGATION, table(status=2))),
        Step(by_water(BINDING, say.binding(TABLE, ENTRY)), "NotInForce"),
        Step(by_water(BINDING, say.binding(TABLE, ENTRY, status=2))),
        Step(by_water(BINDING, say.binding(TABLE, ENTRY, status=2)), "EntryMismatch"),
        Step(by_district(OBLIGATION, table())),
        Step(by_water(BINDING, say.binding(TABLE, ENTRY))),
    ],
    "an objection is raised by one side and answered by the other": [
        Step(by_water(OBJECTION, say.objection(TABLE)), "UnknownObligation"),
        *IMPOSED,
        Step(by_district(OBJECTION, say.objection(TABLE, state=2)), "IllegalTransition"),
        Step(by_roads(OBJECTION, say.objection(TABLE)), "NotOwner"),
        Step(by_water(OBJECTION, say.objection(TABLE), body=b""), "ReasonsMissing"),
        Step(by_water(OBJECTION, say.objection(TABLE), "water head")),
        Step(by_water(OBJECTION, say.objection(TABLE)), "IllegalTransition"),
        Step(by_water(OBJECTION, say.objection(TABLE, state=3)), "RoleMissing"),
        Step(by_district(OBJECTION, say.objection(TABLE, state=3))),
        Step(by_district(OBJECTION, say.objection(TABLE, state=2)), "IllegalTransition"),
        Step(by_water(OBJECTION, say.objection(TABLE))),
        Step(by_district(OBJECTION, say.objection(TABLE, state=4)), "OutOfRange"),
        Step(by_district(OBJECTION, say.objection(TABLE, state=2))),
    ],
    "whoever profits from an exemption does not approve it": [
        *IMPOSED,
        granted("water authority", WATER, Role.AUTHORITY),
        Step(by_water(EXEMPTION, say.exemption("ex/1", TABLE), "water authority"), "SelfApproved"),
        Step(
            by_water(EXEMPTION, say.exemption("ex/1", ENTRY, 2), "water authority"), "SelfApproved"
        ),
        Step(by_water(EXEMPTION, say.exemption("ex/1", TABLE)), "RoleMissing"),
        Step(by_district(EXEMPTION, say.exemption("ex/1", TABLE))),
        Step(by_district(OBLIGATION, table(responsible=DISTRICT))),
        Step(by_district(EXEMPTION, say.exemption("ex/1", TABLE, status=2)), "SelfApproved"),
        Step(by_water(EXEMPTION, say.exemption("ex/1", TABLE, status=2), "water authority")),
    ],
    "an exemption is of one thing, for a time, and withdrawn with reasons": [
        *IMPOSED,
        Step(by_district(EXEMPTION, say.exemption("ex/1", ENTRY)), "UnknownObligation"),
        Step(by_district(EXEMPTION, say.exemption("ex/1", TABLE, 2)), "UnknownEntry"),
        Step(by_district(EXEMPTION, say.exemption("ex/1", TABLE, expires=20250101)), "OutOfRange"),
        Step(by_district(EXEMPTION, say.exemption("ex/1", TABLE, status=2)), "OutOfRange"),
        Step(by_district(EXEMPTION, say.exemption("ex/1", TABLE))),
        Step(by_district(EXEMPTION, say.exemption("ex/1", DUTY)), "MemberFixed"),
        Step(by_district(EXEMPTION, say.exemption("ex/1", ENTRY, 2)), "MemberFixed"),
        Step(
            by_district(EXEMPTION, say.exemption("ex/1", TABLE, status=2), body=b""),
            "ReasonsMissing",
        ),
        Step(by_district(EXEMPTION, say.exemption("ex/1", TABLE, status=2))),
        Step(by_district(EXEMPTION, say.exemption("ex/1", TABLE))),
    ],
    "a resource stays where its owner mounted it": [
        Step(by_water(RESOURCE, say.resource("r/1", ENTRY)), "UnknownEntry"),
        *FILED,
        Step(by_water(RESOURCE, say.resource("r/1", OF_ROADS)), "NotOwner"),
        Step(by_water(RESOURCE, say.resource("r/1", ENTRY, status=2)), "OutOfRange"),
        Step(by_water(RESOURCE, say.resource("r/1", ENTRY))),
        Step(by_roads(RESOURCE, say.resource("r/1", OF_ROADS)), "MemberFixed"),
        Step(by_water(RESOURCE, say.resource("r/1", ENTRY, type=2)), "MemberFixed"),
        Step(by_water(RESOURCE, say.resource("r/1", ENTRY, status=2))),
        Step(by_water(RESOURCE, say.resource("r/1", ENTRY))),
    ],
    "a manifest is its owner's, of an edition, and whole": [
        *FILED,
        Step(by_roads(MANIFEST, say.manifest(ENTRY)), "NotOwner"),
        Step(by_water(MANIFEST, say.manifest(NOWHERE)), "UnknownEntry"),
        Step(by_water(MANIFEST, say.manifest(ENTRY, edition=2)), "UnknownEdition"),
        Step(by_water(MANIFEST, say.manifest(ENTRY, root=bytes(32))), "WrongRoot"),
        Step(by_water(MANIFEST, say.manifest(ENTRY, root=EMPTY_ROOT)), "WrongRoot"),
        Step(by_water(MANIFEST, say.manifest(ENTRY, rows=0)), "WrongRoot"),
        Step(by_water(MANIFEST, say.manifest(ENTRY, schema=bytes(32))), "OutOfRange"),
        Step(by_water(MANIFEST, say.manifest(ENTRY, buckets=bytes(32))), "OutOfRange"),
        Step(by_water(MANIFEST, say.manifest(ENTRY, mode=3)), "OutOfRange"),
        Step(by_water(MANIFEST, say.manifest(ENTRY, periodStart=20250401)), "OutOfRange"),
        Step(by_water(MANIFEST, say.manifest(ENTRY, rows=0, root=EMPTY_ROOT, schema=bytes(32)))),
        Step(by_water(MANIFEST, say.manifest(ENTRY))),
    ],
    "deliveries form one chain, whoever collects": [
        *FILED,
        Step(by_water(DELIVERY, delivered()), "RoleMissing"),
        Step(by_district(DELIVERY, say.delivery(NOWHERE), "collector"), "UnknownEntry"),
        Step(by_district(DELIVERY, delivered(predecessor=FIRST), "collector"), "WrongPredecessor"),
        Step(
            by_district(DELIVERY, delivered(predecessor=bytes(31) + b"\1"), "collector"),
            "WrongPredecessor",
        ),
        Step(by_district(DELIVERY, delivered(root=FIRST), "collector")),
        Step(by_district(DELIVERY, delivered(), "collector"), "WrongPredecessor"),
        granted("stranger", ROADS, Role.COLLECTOR),
        Step(by_roads(DELIVERY, delivered(predecessor=FIRST, root=SECOND), "stranger")),
        Step(by_district(DELIVERY, delivered(predecessor=FIRST), "collector"), "WrongPredecessor"),
        Step(
            by_district(DELIVERY, delivered(predecessor=SECOND), "collector", slip=1),
            "StaleVersion",
        ),
        Step(by_district(DELIVERY, delivered(predecessor=SECOND), "collector")),
    ],
    "a delivery answers a manifest of its own period or none": [
        *FILED,
        Step(by_district(DELIVERY, delivered(manifest=1), "collector"), "UnknownManifest"),
        Step(by_water(MANIFEST, say.manifest(ENTRY))),
        Step(by_district(DELIVERY, delivered(manifest=2), "collector"), "UnknownManifest"),
        Step(
            by_district(DELIVERY, delivered(manifest=1, periodEnd=20250630), "collector"),
            "UnknownManifest",
        ),
        Step(
            by_district(DELIVERY, delivered(manifest=1, edition=0), "collector"), "UnknownEdition"
        ),
        Step(by_district(DELIVERY, delivered(manifest=1, root=FIRST), "collector")),
        Step(by_district(DELIVERY, delivered(predecessor=FIRST), "collector")),
    ],
    "a report is of a size that the log had, and of who named it first": [
        Step(by_district(REPORT, say.report("report/1")), "RoleMissing"),
        Step(by_district(REPORT, say.report("report/1", size=0), "auditor"), "OutOfRange"),
        Step(by_district(REPORT, say.report("report/1", size=12), "auditor"), "OutOfRange"),
        Step(by_district(REPORT, say.report("report/1", numerator=3), "auditor"), "OutOfRange"),
        Step(
            by_district(REPORT, say.report("report/1", report=bytes(32)), "auditor"), "OutOfRange"
        ),
        Step(by_district(REPORT, say.report("report/1", type=4), "auditor"), "OutOfRange"),
        Step(by_district(REPORT, say.report("report/1", size=11), "auditor")),
        granted("stranger", WATER, Role.AUDITOR),
        Step(by_water(REPORT, say.report("report/1"), "stranger"), "NotOwner"),
        Step(by_district(REPORT, say.report("report/1", size=13), "auditor")),
    ],
}
TOLD_ELSEWHERE = {"CosignerIsSigner"}
"""Of mandates in general: told where organisations are."""


@pytest.fixture(scope="module")
def settled() -> Court:
    world = deploy(Evm())
    settle(world)
    equip(world)
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

"""Every rule both ways, before contracts and rulebooks at once: one table of short stories."""

from __future__ import annotations

import pytest

from ledger.chain.artifacts import load
from ledger.codes import Role
from ledger.statements import DECISION, FILING, KEY, ORGANISATION, SCORE, Value
from tests.conformance.acts import Act
from tests.conformance.judge import Court
from tests.conformance.stories import NOT_RULES, Row, Step, act, play
from tests.contracts import world as say
from tests.contracts.evm import Evm
from tests.contracts.world import DISTRICT, ROADS, WATER, account, deploy, settle

HARBOUR = "TMP-HARBOUR"
ENTRY = "307001/000001"
REASONS = b'{"reasons":["no"]}'
DISSOLVED = REVOKED = 2


def organisation(code: str, parent: str = DISTRICT, level: int = 2, status: int = 1) -> Row:
    return {"code": code, "parent": parent, "level": level, "status": status}


def key(name: str, holder: str, roles: int, status: int = 1) -> Row:
    return {"key": account(name).address, "holder": holder, "roles": int(roles), "status": status}


def filing(state: int = 2, code: str = ENTRY, **changes: Value) -> Row:
    row = say.filing(code, state=state, **changes)
    del row["version"]
    return row


def decision(state: int, code: str = ENTRY) -> Row:
    return {"code": code, "state": state}


def score(entry: str = ENTRY, **changes: Value) -> Row:
    row = say.score(entry, **changes)
    del row["version"]
    return row


def register(*rows: Row, signer: str = "genesis", **how: str | int) -> Act:
    return act(ORGANISATION, rows, signer, **how)  # type: ignore[arg-type]


def keys(*rows: Row, signer: str = "genesis", organisation: str = DISTRICT) -> Act:
    return act(KEY, rows, signer, organisation)


def file(row: Row, *, cosigner: str | None = "water head", **how: int) -> Act:
    return act(FILING, row, "water steward", WATER, cosigner, **how)  # type: ignore[arg-type]


def decide(state: int, *, body: bytes = REASONS, signer: str = "publisher") -> Act:
    return act(DECISION, decision(state), signer, body=body)


def assess(row: Row, *, signer: str = "assessor", organisation: str = DISTRICT) -> Act:
    return act(SCORE, row, signer, organisation)


SUBMITTED = Step(file(filing()))
PUBLISHED = Step(decide(4, body=b""))
WATER_DISSOLVED = Step(register(organisation(WATER, status=DISSOLVED)))

STORIES: dict[str, list[Step]] = {
    "an organisation is registered, amended, dissolved and revived": [
        Step(register(organisation(HARBOUR, WATER, 3))),
        Step(register(organisation(HARBOUR, ROADS, 1))),
        Step(register(organisation(HARBOUR, ROADS, 1, DISSOLVED))),
        Step(register(organisation(HARBOUR, ROADS, 1))),
    ],
    "a version that does not follow is refused": [
        Step(register(organisation(HARBOUR), slip=1), "StaleVersion"),
        Step(register(organisation(WATER), slip=-1), "StaleVersion"),
        Step(register(organisation(WATER), slip=1), "StaleVersion"),
    ],
    "a child may stand beside its parent in one batch, after it alone": [
        Step(
            register(organisation("TMP-PIER", HARBOUR), organisation(HARBOUR)),
            "UnknownOrganisation",
        ),
        Step(register(organisation(HARBOUR), organisation("TMP-PIER", HARBOUR))),
        Step(register(organisation(HARBOUR), organisation(HARBOUR, level=3))),
    ],
    "the root alone has no parent, and none is its own": [
        Step(register(organisation(HARBOUR, "")), "BadParent"),
        Step(register(organisation(WATER, WATER)), "BadParent"),
        Step(register(organisation(DISTRICT, WATER)), "BadParent"),
        Step(register(organisation(DISTRICT, "", 1))),
        Step(register(organisation("", DISTRICT)), "UnknownOrganisation"),
    ],
    "the root cannot be dissolved": [
        Step(register(organisation(DISTRICT, "", status=DISSOLVED)), "OutOfRange"),
    ],
    "a parent is registered and active": [
        Step(register(organisation(HARBOUR, "TMP-NOBODY")), "UnknownOrganisation"),
        WATER_DISSOLVED,
        Step(register(organisation(HARBOUR, WATER)), "OrganisationDissolved"),
    ],
    "who stands below a dissolved parent can still be dissolved": [
        Step(register(organisation(HARBOUR, WATER))),
        WATER_DISSOLVED,
        Step(register(organisation(HARBOUR, WATER)), "OrganisationDissolved"),
        Step(register(organisation(HARBOUR, WATER, status=DISSOLVED))),
    ],
    "levels and states are those of the code tables": [
        Step(register(organisation(HARBOUR, level=0)), "OutOfRange"),
        Step(register(organisation(HARBOUR, level=4)), "OutOfRange"),
        Step(register(organisation(HARBOUR, status=0)), "OutOfRange"),
        Step(register(organisation(HARBOUR, status=DISSOLVED)), "OutOfRange"),
        Step(register(organisation(WATER, status=3)), "OutOfRange"),
    ],
    "only an authority registers": [
        Step(register(organisation(HARBOUR), signer="publisher")),
        Step(register(organisation(WATER), signer="assessor"), "RoleMissing"),
        Step(register(organisation(WATER), signer="stranger"), "RoleMissing"),
        Step(register(organisation(ROADS), signer="water head", organisation=WATER), "RoleMissing"),
    ],
    "a key speaks for its own organisation alone": [
        Step(register(organisation(ROADS), organisation=WATER), "RoleMissing"),
        Step(register(organisation(ROADS), organisation="TMP-NOBODY"), "UnknownOrganisation"),
    ],
    "a mandate ends with its deadline": [
        Step(register(organisation(HARBOUR), late=0)),
        Step(register(organisation(WATER), late=1), "DeadlinePassed"),
    ],
    "a co-signer is another key of the organisation, with the role of a head": [
        Step(file(filing(1), cosigner="water steward"), "CosignerIsSigner"),
        Step(file(filing(1), cosigner="roads head"), "RoleMissing"),
        Step(file(filing(1), cosigner="stranger"), "RoleMissing"),
        Step(register(organisation(HARBOUR), cosigner="publisher"), "RoleMissing"),
        Step(file(filing(1), cosigner="water head")),
    ],
    "a key is granted, changed and revoked for good": [
        Step(keys(key("stranger", ROADS, Role.STEWARD))),
        Step(keys(key("stranger", ROADS, Role.STEWARD | Role.HEAD))),
        Step(keys(key("stranger", ROADS, 0, REVOKED))),
        Step(keys(key("stranger", ROADS, Role.STEWARD)), "IllegalTransition"),
        Step(keys(key("stranger", ROADS, 0, REVOKED)), "IllegalTransition"),
    ],
    "a key stays with its organisation": [
        Step(keys(key("water head", ROADS, Role.HEAD)), "NotOwner"),
        Step(keys(key("water head", ROADS, Role.HEAD, REVOKED)), "NotOwner"),
        Step(keys(key("genesis", WATER, Role.HEAD)), "NotOwner"),
    ],
    "a key is granted with roles that exist, to an organisation that is active": [
        Step(keys(key("stranger", ROADS, 0)), "OutOfRange"),
        Step(keys(key("stranger", ROADS, 64)), "OutOfRange"),
        Step(keys(key("stranger", ROADS, 63, 0)), "OutOfRange"),
        Step(keys(key("stranger", ROADS, 63, REVOKED)), "OutOfRange"),
        Step(keys(key("stranger", "TMP-NOBODY", 1)), "UnknownOrganisation"),
        Step(keys({**key("stranger", ROADS, 1), "key": "0x" + "00" * 20}), "OutOfRange"),
        WATER_DISSOLVED,
        Step(keys(key("stranger", WATER, 1)), "OrganisationDissolved"),
        Step(keys(key("water head", WATER, Role.HEAD)), "OrganisationDissolved"),
        Step(keys(key("water head", WATER, Role.HEAD, REVOKED))),
    ],
    "a head revokes keys of its own organisation, and does nothing else to keys": [
        Step(
            keys(key("stranger", WATER, 1), signer="water head", organisation=WATER),
            "RoleMissing",
        ),
        Step(
            keys(key("roads head", ROADS, 2, REVOKED), signer="water head", organisation=WATER),
            "RoleMissing",
        ),
        Step(
            keys(key("water steward", WATER, 1, REVOKED), signer="water head", organisation=WATER)
        ),
        Step(
            keys(key("water head", WATER, 1, REVOKED), signer="water steward", organisation=WATER),
            "RoleMissing",
        ),
        Step(keys(key("water head", WATER, 2, REVOKED), signer="water head", organisation=WATER)),
    ],
    "a key rotates itself in one batch if it goes last": [
        Step(
            keys(
                key("publisher", DISTRICT, Role.AUTHORITY, REVOKED),
                key("stranger", DISTRICT, Role.AUTHORITY),
                signer="publisher",
            ),
            "RoleMissing",
        ),
        Step(
            keys(
                key("stranger", DISTRICT, Role.AUTHORITY),
                key("publisher", DISTRICT, Role.AUTHORITY, REVOKED),
                signer="publisher",
            )
        ),
        Step(register(organisation(HARBOUR), signer="publisher"), "RoleMissing"),
        Step(register(organisation(HARBOUR), signer="stranger")),
    ],
    "a statement about the genesis key replaces what it was": [
        Step(keys(key("genesis", DISTRICT, Role.STEWARD))),
        Step(keys(key("stranger", ROADS, 1)), "RoleMissing"),
        Step(keys(key("genesis", DISTRICT, 0, REVOKED), signer="publisher")),
    ],
    "the genesis key can be revoked by its first statement": [
        Step(keys(key("genesis", DISTRICT, 0, REVOKED), signer="publisher")),
        Step(register(organisation(HARBOUR)), "RoleMissing"),
    ],
    "a dissolved organisation is silent": [
        WATER_DISSOLVED,
        Step(file(filing(1)), "OrganisationDissolved"),
    ],
    "an entry goes from draft through return to publication": [
        Step(file(filing(1, shareType=0, library=0), cosigner=None)),
        Step(file(filing(1), cosigner=None)),
        SUBMITTED,
        Step(file(filing())),
        Step(decide(3)),
        Step(file(filing(1), cosigner=None)),
        SUBMITTED,
        PUBLISHED,
        Step(file(filing(grade=3))),
        PUBLISHED,
        Step(decide(5)),
        Step(decide(4)),
        Step(decide(6)),
    ],
    "a submission states everything and carries the head's signature": [
        Step(file(filing(), cosigner=None), "CosignatureMissing"),
        Step(file(filing(shareType=0)), "OutOfRange"),
        Step(file(filing(shareType=4)), "OutOfRange"),
        Step(file(filing(openType=0)), "OutOfRange"),
        Step(file(filing(openType=4)), "OutOfRange"),
        Step(file(filing(grade=0)), "OutOfRange"),
        Step(file(filing(grade=5)), "OutOfRange"),
        Step(file(filing(updateCycle=0)), "OutOfRange"),
        Step(file(filing(updateCycle=10)), "OutOfRange"),
        Step(file(filing(library=0)), "OutOfRange"),
        Step(file(filing(library=5)), "OutOfRange"),
        Step(file(filing(1, library=5), cosigner=None), "OutOfRange"),
    ],
    "an owner files in its own name, as far as the entry's state allows": [
        SUBMITTED,
        Step(file(filing(1)), "IllegalTransition"),
        Step(file(filing(4)), "IllegalTransition"),
        Step(act(FILING, filing(), "roads steward", ROADS, "roads head"), "NotOwner"),
        Step(act(FILING, filing(), "water head", WATER), "RoleMissing"),
        PUBLISHED,
        Step(file(filing(1), cosigner=None), "IllegalTransition"),
        Step(decide(5)),
        Step(file(filing()), "IllegalTransition"),
        Step(decide(6)),
        Step(file(filing()), "IllegalTransition"),
        Step(decide(4), "IllegalTransition"),
    ],
    "an authority decides, with reasons where it refuses": [
        Step(decide(4), "UnknownEntry"),
        SUBMITTED,
        Step(decide(3, body=b""), "ReasonsMissing"),
        Step(decide(6, body=b""), "ReasonsMissing"),
        Step(decide(5), "IllegalTransition"),
        Step(decide(1), "IllegalTransition"),
        Step(decide(0), "IllegalTransition"),
        Step(decide(7), "IllegalTransition"),
        Step(decide(255), "IllegalTransition"),
        Step(decide(4, signer="assessor"), "RoleMissing"),
        PUBLISHED,
        Step(decide(5, body=b""), "ReasonsMissing"),
        Step(decide(3), "IllegalTransition"),
    ],
    "a score is of an edition that is on the ledger": [
        Step(assess(score()), "UnknownEntry"),
        SUBMITTED,
        Step(assess(score(edition=0)), "UnknownEdition"),
        Step(assess(score(edition=2)), "UnknownEdition"),
        Step(assess(score())),
        Step(assess(score(total=1))),
        Step(file(filing())),
        Step(assess(score(edition=2))),
    ],
    "an assessor scores any entry, a steward its own": [
        SUBMITTED,
        Step(assess(score(), signer="water steward", organisation=WATER)),
        Step(assess(score(), signer="roads steward", organisation=ROADS), "RoleMissing"),
        Step(assess(score(), signer="water head", organisation=WATER), "RoleMissing"),
        Step(assess(score(), signer="publisher"), "RoleMissing"),
    ],
    "scores stay within their scale": [
        SUBMITTED,
        *(
            Step(assess(score(**{name: 10_001})), "OutOfRange")
            for name in ("normativity", "accessibility", "total", "coverage")
        ),
        Step(assess(score(assessed=64)), "OutOfRange"),
        Step(assess(score(assessed=0b111110)), "OutOfRange"),
        Step(assess(score(assessed=0b011111)), "OutOfRange"),
        Step(assess(score(assessed=0b011111, accessibility=0, total=10_000))),
    ],
    "a period is two days of the calendar in order": [
        SUBMITTED,
        *(
            Step(assess(score(periodStart=first, periodEnd=last)), "OutOfRange")
            for first, last in [
                (20250332, 20250401),
                (20250229, 20250331),
                (20250101, 20251301),
                (20250100, 20250131),
                (20250401, 20250331),
                (0, 20250331),
                (18991231, 20250331),
                (20250101, 30000101),
                (19000229, 20250331),
            ]
        ),
        Step(assess(score(periodStart=19000101, periodEnd=29991231))),
        Step(assess(score(periodStart=20000229, periodEnd=20000229))),
    ],
}

ROOT = organisation(DISTRICT, "")
BEGINNINGS: dict[str, list[Step]] = {
    "the first statement registers the organisation that speaks it": [
        Step(register(organisation(DISTRICT, WATER)), "BadParent"),
        Step(register(ROOT, organisation=WATER), "UnknownOrganisation"),
        Step(register(ROOT, signer="stranger"), "UnknownOrganisation"),
        Step(register(ROOT, cosigner="stranger"), "RoleMissing"),
        Step(register(ROOT, cosigner="genesis"), "CosignerIsSigner"),
        Step(register(organisation(DISTRICT, "", status=DISSOLVED)), "OutOfRange"),
        Step(register(ROOT, slip=1), "StaleVersion"),
        Step(register(ROOT, late=1), "DeadlinePassed"),
        Step(keys(key("stranger", DISTRICT, 1)), "UnknownOrganisation"),
        Step(register(ROOT, organisation(WATER), organisation(ROADS, WATER))),
        Step(keys(key("stranger", WATER, 1))),
    ],
    "only one organisation is the root": [
        Step(register(ROOT)),
        Step(register(organisation(WATER, "")), "BadParent"),
        Step(register(organisation(WATER, ""), organisation=WATER), "UnknownOrganisation"),
    ],
}


@pytest.fixture
def evm() -> Evm:
    return Evm()


@pytest.mark.parametrize("story", STORIES)
def test_contract_and_rulebook_agree_on(story: str, evm: Evm) -> None:
    world = deploy(evm)
    settle(world)
    play(Court.of(world), STORIES[story])


@pytest.mark.parametrize("story", BEGINNINGS)
def test_contract_and_rulebook_agree_from_the_beginning_on(story: str, evm: Evm) -> None:
    play(Court.of(deploy(evm)), BEGINNINGS[story])


def test_every_reason_that_a_registry_has_to_refuse_is_told_in_a_story() -> None:
    told = {step.verdict for steps in (*STORIES.values(), *BEGINNINGS.values()) for step in steps}
    known = {
        item["name"]
        for contract in ("Organisations", "Catalogue", "Quality")
        for item in load(contract).abi
        if item["type"] == "error"
    }
    assert known - NOT_RULES - told == set()

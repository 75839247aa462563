"""Correction requests: who may take which step, what stays, and what each step leaves in the head."""

from __future__ import annotations

from typing import Any

import pytest
from eth_account.signers.local import LocalAccount

from ledger.codes import CORRECTION_TRANSITIONS, CorrectionState, Role
from ledger.corrections.rules import CorrectionWord
from ledger.statements import CORRECTION, FILING, kind_word, text_hash
from tests.contracts.conftest import Refused
from tests.contracts.world import DISTRICT, ROADS, WATER, World, account, correction, filing

ENTRY, OTHER = "307001/000001", "307001/000002"
CODE = "JH-2025-000001"
REQUEST = text_hash(CODE)
OWNER, REQUESTER = account("water steward"), account("roads steward")
FILED, HANDLING, REJECTED, HANDLED, EVALUATED, CANCELLED = range(1, 7)
OWNER_S = {HANDLING, REJECTED, HANDLED}
REASONS = b'{"reasons":["because"]}'


def member(name: str) -> bytes:
    return name.encode().ljust(32, b"\0")


@pytest.fixture
def entries(world: World) -> World:
    """Two entries of the water bureau."""
    rows = [filing(ENTRY), filing(OTHER)]
    world.say(FILING, rows, OWNER, WATER, cosigner=account("water head"))
    return world


def take(  # noqa: PLR0917 - a table reads best by position
    world: World,
    state: int,
    version: int | None = None,
    signer: LocalAccount | None = None,
    organisation: str | None = None,
    body: bytes = REASONS,
    **changes: Any,
) -> None:
    """A step of the request, by the party whose step it is unless said otherwise."""
    last, _ = world.head(CORRECTION.kind, REQUEST)
    by_owner = state in OWNER_S
    world.say(
        CORRECTION,
        correction(CODE, version or last + 1, state, **{"entry": ENTRY, **changes}),
        signer or (OWNER if by_owner else REQUESTER),
        organisation or (WATER if by_owner else ROADS),
        bodies=[body],
    )


def word(world: World) -> CorrectionWord:
    return CorrectionWord.unpack(world.head(CORRECTION.kind, REQUEST)[1])


def test_a_filing_starts_the_clock_and_names_both_parties(entries: World) -> None:
    take(entries, FILED)
    assert word(entries) == CorrectionWord(
        requester=3,
        owner=2,
        state=FILED,
        type=3,
        filed_at=entries.statements[-1].recorded_at,
        entry=int.from_bytes(text_hash(ENTRY)[:8], "big"),
    )


def test_later_steps_keep_everything_but_the_state(entries: World) -> None:
    take(entries, FILED)
    first = word(entries)
    for state in (HANDLING, HANDLED, EVALUATED):
        entries.evm.at(entries.evm.time + 60)
        take(entries, state)
        assert word(entries) == first._replace(state=state)
    assert entries.head(CORRECTION.kind, REQUEST)[0] == 4


PATHS = {
    0: [],
    FILED: [FILED],
    HANDLING: [FILED, HANDLING],
    REJECTED: [FILED, REJECTED],
    HANDLED: [FILED, HANDLED],
    EVALUATED: [FILED, HANDLED, EVALUATED],
    CANCELLED: [FILED, CANCELLED],
}


@pytest.mark.parametrize("held", PATHS)
def test_only_the_steps_of_the_code_table_are_taken(
    entries: World, refused: Refused, held: int
) -> None:
    for state in PATHS[held]:
        take(entries, state)
    before = CorrectionState.of_number(held) if held else None
    allowed = {state.number for state in CORRECTION_TRANSITIONS[before]}
    for to in (0, *range(1, 7), 7, 8, 255):
        if to not in allowed:
            with refused("IllegalTransition", REQUEST, held, to):
                take(entries, to)
    start = entries.evm.snapshot()
    for to in sorted(allowed):
        take(entries, to)
        assert word(entries).state == to
        entries.evm.revert(start)


def test_nobody_asks_itself(entries: World, refused: Refused) -> None:
    with refused("OwnEntry", text_hash(ENTRY), text_hash(WATER)):
        take(entries, FILED, signer=OWNER, organisation=WATER)


def test_a_request_is_about_an_entry_that_exists(entries: World, refused: Refused) -> None:
    with refused("UnknownEntry", text_hash("307001/000009")):
        take(entries, FILED, entry="307001/000009")


@pytest.mark.parametrize("kind", [0, 5, 255])
def test_there_are_four_types(entries: World, refused: Refused, kind: int) -> None:
    with refused("OutOfRange", member("type"), kind, 4):
        take(entries, FILED, type=kind)


def test_stewards_and_assessors_file(entries: World, refused: Refused) -> None:
    head = account("roads head")
    with refused("RoleMissing", head.address, text_hash(ROADS), Role.STEWARD | Role.ASSESSOR):
        take(entries, FILED, signer=head)
    take(entries, FILED, signer=account("assessor"), organisation=DISTRICT)


@pytest.mark.parametrize("state", [HANDLING, REJECTED, HANDLED])
def test_only_a_steward_of_the_owner_handles(entries: World, refused: Refused, state: int) -> None:
    take(entries, FILED)
    with refused("NotOwner", text_hash(ENTRY), text_hash(ROADS)):
        take(entries, state, signer=REQUESTER, organisation=ROADS)
    assessor = account("water assessor")
    entries.grant(assessor, WATER, Role.ASSESSOR)
    with refused("RoleMissing", assessor.address, text_hash(WATER), int(Role.STEWARD)):
        take(entries, state, signer=assessor)
    take(entries, state)


@pytest.mark.parametrize("state", [EVALUATED, CANCELLED])
def test_only_the_requester_ends_a_request(entries: World, refused: Refused, state: int) -> None:
    take(entries, FILED)
    if state == EVALUATED:
        take(entries, HANDLED)
    for signer, code in ((OWNER, WATER), (account("assessor"), DISTRICT)):
        with refused("NotRequester", REQUEST, text_hash(code)):
            take(entries, state, signer=signer, organisation=code)
    colleague = account("roads assessor")
    entries.grant(colleague, ROADS, Role.ASSESSOR)
    take(entries, state, signer=colleague)


def test_entry_and_type_stay(entries: World, refused: Refused) -> None:
    take(entries, FILED)
    with refused("MemberFixed", REQUEST, member("entry")):
        take(entries, HANDLED, entry=OTHER)
    with refused("MemberFixed", REQUEST, member("type")):
        take(entries, HANDLED, type=1)


def test_every_step_is_explained(entries: World, refused: Refused) -> None:
    for state in (FILED, HANDLING, HANDLED, EVALUATED):
        with refused("BodyMissing", REQUEST):
            take(entries, state, body=b"")
        take(entries, state)


def test_versions_follow_one_another(entries: World, refused: Refused) -> None:
    with refused("StaleVersion", kind_word(CORRECTION.kind), REQUEST, 2, 1):
        take(entries, FILED, version=2)
    take(entries, FILED)
    with refused("StaleVersion", kind_word(CORRECTION.kind), REQUEST, 1, 2):
        take(entries, HANDLING, version=1)


def test_one_batch_files_many_requests(entries: World, refused: Refused) -> None:
    rows = [correction(f"JH-{n}", entry=(ENTRY, OTHER)[n % 2]) for n in range(6)]
    entries.say(CORRECTION, rows, REQUESTER, ROADS)
    assert entries.authorisations[-1].count == 6
    twice = [correction(CODE, entry=ENTRY), correction(CODE, 2, HANDLING, entry=ENTRY)]
    with refused("StaleVersion", kind_word(CORRECTION.kind), REQUEST, 2, 1):
        entries.say(CORRECTION, twice, REQUESTER, ROADS)

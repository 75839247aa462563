"""The life of a catalogue entry: every way from state to state, and what is typed on chain."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from typing import Any, ClassVar

import pytest
from eth_account.signers.local import LocalAccount
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from ledger.codes import ENTRY_TRANSITIONS, FILING_TRANSITIONS, EntryState
from ledger.statements import DECISION, FILING, kind_word, text_hash
from tests.contracts.conftest import Refused
from tests.contracts.evm import Done, RefusedError
from tests.contracts.world import (
    ROADS,
    WATER,
    World,
    account,
    decision,
    filing,
)

ENTRY = kind_word("catalogue.entry")
CODE = "307001/000001"
SUBJECT = text_hash(CODE)
STEWARD = account("water steward")
HEAD = account("water head")
PUBLISHER = account("publisher")
WATER_NUMBER = 2


def member(name: str) -> bytes:
    return name.encode().ljust(32, b"\0")


def entry_word(
    edition: int,
    state: int,
    typed: tuple[int, ...] = (1, 2, 2, 4, 4),
    published: int = 0,
    owner: int = WATER_NUMBER,
) -> int:
    word = owner | edition << 32 | state << 64 | published << 112
    for position, value in enumerate(typed):
        word |= value << 72 + 8 * position
    return word


def file(world: World, version: int, state: int, **changes: Any) -> None:
    world.say(FILING, filing(CODE, version, state, **changes), STEWARD, WATER, cosigner=HEAD)


def decide(world: World, version: int, state: int, body: bytes = b'["why"]') -> None:
    world.say(DECISION, decision(CODE, version, state), PUBLISHER, bodies=[body])


PATHS: dict[EntryState | None, list[EntryState]] = {
    None: [],
    EntryState.DRAFT: [EntryState.DRAFT],
    EntryState.SUBMITTED: [EntryState.SUBMITTED],
    EntryState.RETURNED: [EntryState.SUBMITTED, EntryState.RETURNED],
    EntryState.PUBLISHED: [EntryState.SUBMITTED, EntryState.PUBLISHED],
    EntryState.SUSPENDED: [EntryState.SUBMITTED, EntryState.PUBLISHED, EntryState.SUSPENDED],
    EntryState.REVOKED: [EntryState.SUBMITTED, EntryState.REVOKED],
}


def bring_to(world: World, state: EntryState | None) -> int:
    """Takes the entry there by the shortest way; returns its version."""
    for version, step in enumerate(PATHS[state], start=1):
        if step in (EntryState.DRAFT, EntryState.SUBMITTED):
            file(world, version, step.number)
        else:
            decide(world, version, step.number)
    return len(PATHS[state])


def number(state: EntryState | None) -> int:
    return 0 if state is None else state.number


@pytest.mark.parametrize("before", list(PATHS), ids=lambda state: state.value if state else "none")
def test_the_owner_files_along_the_table_and_no_other_way(
    world: World, refused: Refused, before: EntryState | None
) -> None:
    version = bring_to(world, before) + 1
    start = world.evm.snapshot()
    for to in range(9):
        world.evm.revert(start)
        if to in {state.number for state in FILING_TRANSITIONS[before]}:
            file(world, version, to)
            state = world.head(FILING.kind, SUBJECT)[1]
            assert state >> 64 & 0xFF == to
        else:
            with refused("IllegalTransition", SUBJECT, number(before), to):
                file(world, version, to)


@pytest.mark.parametrize("before", list(PATHS), ids=lambda state: state.value if state else "none")
def test_an_authority_decides_along_the_table_and_no_other_way(
    world: World, refused: Refused, before: EntryState | None
) -> None:
    version = bring_to(world, before) + 1
    start = world.evm.snapshot()
    for to in range(9):
        world.evm.revert(start)
        if before is None:
            with refused("UnknownEntry", SUBJECT):
                decide(world, version, to)
        elif to in {state.number for state in ENTRY_TRANSITIONS[before]}:
            decide(world, version, to)
            assert world.head(FILING.kind, SUBJECT)[1] >> 64 & 0xFF == to
        else:
            with refused("IllegalTransition", SUBJECT, before.number, to):
                decide(world, version, to)


def test_the_head_word_carries_owner_edition_and_typed_members(world: World) -> None:
    file(world, 1, 1, shareType=3, openType=0, grade=4, updateCycle=9, library=1)
    assert world.head(FILING.kind, SUBJECT) == (1, entry_word(1, 1, (3, 0, 4, 9, 1)))
    file(world, 2, 2)
    assert world.head(FILING.kind, SUBJECT) == (2, entry_word(2, 2))
    decide(world, 3, 4)
    assert world.head(FILING.kind, SUBJECT) == (3, entry_word(2, 4, published=2))
    file(world, 4, 2, grade=1)
    revised = (1, 2, 1, 4, 4)
    assert world.head(FILING.kind, SUBJECT) == (4, entry_word(3, 2, revised, published=2))
    decide(world, 5, 3)
    assert world.head(FILING.kind, SUBJECT) == (5, entry_word(3, 3, revised, published=2))


def test_resuming_publishes_no_new_edition(world: World) -> None:
    bring_to(world, EntryState.SUSPENDED)
    decide(world, 4, EntryState.PUBLISHED.number)
    assert world.head(FILING.kind, SUBJECT) == (4, entry_word(1, 4, published=1))


def test_only_the_owner_revises(world: World, refused: Refused) -> None:
    bring_to(world, EntryState.PUBLISHED)
    steward, head = account("roads steward"), account("roads head")
    with refused("NotOwner", SUBJECT, text_hash(ROADS)):
        world.say(FILING, filing(CODE, 3), steward, ROADS, cosigner=head)
    file(world, 3, 2)


def test_an_authority_of_any_organisation_decides(world: World) -> None:
    bring_to(world, EntryState.SUBMITTED)
    key = account("roads authority")
    world.grant(key, ROADS, 4)
    world.say(DECISION, decision(CODE, 2, 4), key, ROADS)
    assert world.statements[-1].org == text_hash(ROADS)
    assert world.head(FILING.kind, SUBJECT)[1] & 0xFFFFFFFF == WATER_NUMBER


LIMITS = {"shareType": 3, "openType": 3, "grade": 4, "updateCycle": 9, "library": 4}


@pytest.mark.parametrize("name", LIMITS)
def test_what_is_submitted_is_stated_in_full_and_in_range(
    world: World, refused: Refused, name: str
) -> None:
    most = LIMITS[name]
    for value in (0, most + 1, 255):
        with refused("OutOfRange", member(name), value, most):
            file(world, 1, 2, **{name: value})
    for version, value in enumerate((1, most), start=1):
        file(world, version, 2, **{name: value})


@pytest.mark.parametrize("name", LIMITS)
def test_a_draft_may_leave_things_open_but_not_make_them_up(
    world: World, refused: Refused, name: str
) -> None:
    most = LIMITS[name]
    for value in (most + 1, 255):
        with refused("OutOfRange", member(name), value, most):
            file(world, 1, 1, **{name: value})
    for version, value in enumerate((0, most), start=1):
        file(world, version, 1, **{name: value})


def test_submitting_takes_the_heads_signature_and_drafting_does_not(
    world: World, refused: Refused
) -> None:
    world.say(FILING, filing(CODE, state=1), STEWARD, WATER)
    with refused("CosignatureMissing", SUBJECT):
        world.say(FILING, filing(CODE, 2), STEWARD, WATER)
    world.say(FILING, filing(CODE, 2), STEWARD, WATER, cosigner=HEAD)


def test_one_heads_signature_covers_a_batch_of_drafts_and_submissions(world: World) -> None:
    rows = [filing(f"307001/{n:06d}", state=1 + n % 2) for n in range(6)]
    world.say(FILING, rows, STEWARD, WATER, cosigner=HEAD)
    assert [statement.version for statement in world.statements[-6:]] == [1] * 6


@pytest.mark.parametrize(
    ("before", "to"),
    [
        (before, to)
        for before, to in product(PATHS, (EntryState.RETURNED, EntryState.SUSPENDED))
        if before and to in ENTRY_TRANSITIONS[before]
    ]
    + [
        (before, EntryState.REVOKED) for before in PATHS if before not in (None, EntryState.REVOKED)
    ],
    ids=lambda state: state.value,
)
def test_what_goes_against_the_owner_needs_reasons(
    world: World, refused: Refused, before: EntryState, to: EntryState
) -> None:
    version = bring_to(world, before) + 1
    with refused("ReasonsMissing", SUBJECT):
        decide(world, version, to.number, body=b"")
    decide(world, version, to.number)


def test_publishing_needs_no_reasons(world: World) -> None:
    version = bring_to(world, EntryState.SUBMITTED) + 1
    decide(world, version, EntryState.PUBLISHED.number, body=b"")


@pytest.mark.parametrize("given", [0, 1, 3, 1 << 40])
def test_filings_and_decisions_count_versions_together(
    world: World, refused: Refused, given: int
) -> None:
    file(world, 1, 2)
    with refused("StaleVersion", ENTRY, SUBJECT, given, 2):
        file(world, given, 2)
    with refused("StaleVersion", ENTRY, SUBJECT, given, 2):
        decide(world, given, 4)
    decide(world, 2, 4)
    file(world, 3, 2)


def test_a_subject_stands_once_in_a_batch(world: World, refused: Refused) -> None:
    with refused("StaleVersion", ENTRY, SUBJECT, 2, 1):
        world.say(FILING, [filing(CODE, 1, 1), filing(CODE, 2, 1)], STEWARD, WATER)
    with refused("StaleVersion", ENTRY, SUBJECT, 1, 2):
        world.say(FILING, [filing(CODE, 1, 1), filing(CODE, 1, 1)], STEWARD, WATER)
    file(world, 1, 2)
    with refused("StaleVersion", ENTRY, SUBJECT, 3, 2):
        world.say(DECISION, [decision(CODE, 2, 4), decision(CODE, 3, 5)], PUBLISHER)


class EntryLife(RuleBasedStateMachine):
    """Anyone tries anything on three entries; only what the tables allow leaves a trace."""

    world: World
    start: tuple[bytes, int]
    owners: ClassVar[dict[str, tuple[LocalAccount, LocalAccount, int]]] = {
        WATER: (STEWARD, HEAD, 2),
        ROADS: (account("roads steward"), account("roads head"), 3),
    }

    def __init__(self) -> None:
        super().__init__()
        self.world.evm.revert(self.start)
        self.entries: dict[str, dict[str, Any]] = {}
        self.size: int = self.world.log.read("size")

    @rule(
        code=st.sampled_from("ABC"),
        organisation=st.sampled_from([WATER, WATER, ROADS]),
        state=st.sampled_from([1, 1, 2, 2, 2, 3, 4, 6, 7]),
        skew=st.sampled_from([0, 0, 0, 0, 1]),
        signatures=st.sampled_from([2, 2, 1]),
        grade=st.integers(0, 4),
    )
    def file(  # noqa: PLR0917 - one argument a choice
        self,
        code: str,
        organisation: str,
        state: int,
        skew: int,
        signatures: int,
        grade: int,
    ) -> None:
        steward, head, owner = self.owners[organisation]
        old = self.entries.get(code)
        before = EntryState.of_number(old["state"]) if old else None
        version = (old["version"] if old else 0) + 1
        allowed = (
            skew == 0
            and (old is None or old["owner"] == owner)
            and state in {way.number for way in FILING_TRANSITIONS[before]}
            and (state == 1 or (signatures == 2 and grade > 0))
        )
        values = filing(code, version + skew, state, grade=grade)
        cosigner = head if signatures == 2 else None
        self.attempt(
            lambda: self.world.say(FILING, values, steward, organisation, cosigner=cosigner),
            allowed=allowed,
        )
        if allowed:
            self.entries[code] = {
                "owner": owner,
                "version": version,
                "state": state,
                "grade": grade,
                "edition": (old["edition"] if old else 0) + 1,
                "published": old["published"] if old else 0,
            }

    @precondition(lambda self: self.entries)
    @rule(
        code=st.sampled_from("ABC"),
        state=st.sampled_from([3, 4, 4, 4, 5, 6, 2, 9]),
        reasons=st.sampled_from([b"", b"[]"]),
    )
    def decide(self, code: str, state: int, reasons: bytes) -> None:
        old = self.entries.get(code)
        allowed = (
            old is not None
            and state
            in {way.number for way in ENTRY_TRANSITIONS[EntryState.of_number(old["state"])]}
            and (state == 4 or reasons != b"")
        )
        version = (old["version"] if old else 0) + 1
        values = decision(code, version, state)
        self.attempt(
            lambda: self.world.say(DECISION, values, PUBLISHER, bodies=[reasons]), allowed=allowed
        )
        if allowed:
            assert old
            if old["state"] == 2 and state == 4:
                old["published"] = old["edition"]
            old["version"], old["state"] = version, state

    def attempt(self, say: Callable[[], Done], *, allowed: bool) -> None:
        if allowed:
            say()
            self.size += 1
            return
        with pytest.raises(RefusedError):
            say()

    @invariant()
    def heads_are_what_the_tables_say(self) -> None:
        assert self.world.log.read("size") == self.size
        subjects = [text_hash(code) for code in "ABC"]
        words = self.world.log.read("headsMany", ENTRY, subjects)
        for code, word in zip("ABC", words, strict=True):
            entry = self.entries.get(code)
            if entry is None:
                assert word == 0
                continue
            state = entry_word(
                entry["edition"],
                entry["state"],
                (1, 2, entry["grade"], 4, 4),
                entry["published"],
                entry["owner"],
            )
            assert word == entry["version"] << 192 | state


def test_no_sequence_of_attempts_leaves_the_life_of_an_entry(world: World) -> None:
    EntryLife.world, EntryLife.start = world, world.evm.snapshot()
    EntryLife.TestCase.settings = settings(max_examples=25, stateful_step_count=25)
    EntryLife.TestCase("runTest").runTest()

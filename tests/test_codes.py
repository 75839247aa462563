"""Code tables: one word, one number, two labels each, and a life cycle without dead ends."""

from __future__ import annotations

import pytest

from ledger import codes
from ledger.codes import (
    ENTRY_TRANSITIONS,
    FILING_TRANSITIONS,
    GRADES,
    ROLE_LABELS,
    Code,
    EntryState,
    Role,
)

TABLES = [
    table
    for table in vars(codes).values()
    if isinstance(table, type) and issubclass(table, Code) and table is not Code
]


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.__name__)
def test_a_table_is_numbered_from_one_and_labelled_twice(table: type[Code]) -> None:
    members = list(table)
    assert [member.number for member in members] == list(range(1, len(members) + 1))
    for member in members:
        assert table.of_number(member.number) is member
        assert table(member.value) is member
        assert member.value.isascii()
        assert member.en
        assert not member.zh.isascii()
    assert len({member.zh for member in members}) == len(members)


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.__name__)
def test_an_unknown_number_or_word_is_refused(table: type[Code]) -> None:
    for number in (0, len(table) + 1):
        with pytest.raises(ValueError, match=f"{number} is no {table.__name__}"):
            table.of_number(number)
    with pytest.raises(ValueError, match="no such word"):
        table("no such word")


def test_every_role_is_one_bit_with_two_labels() -> None:
    assert [role.value for role in Role] == [1 << place for place in range(len(Role))]
    assert set(ROLE_LABELS) == set(Role)
    assert sorted(GRADES) == [1, 2, 3, 4]


def test_every_state_can_be_reached_and_only_revoked_is_final() -> None:
    reached: set[EntryState] = set()
    waiting = set(FILING_TRANSITIONS[None])
    while waiting:
        state = waiting.pop()
        reached.add(state)
        following = ENTRY_TRANSITIONS[state] | FILING_TRANSITIONS[state]
        assert bool(following) == (state is not EntryState.REVOKED)
        waiting |= following - reached
    assert reached == set(EntryState)


def test_an_owner_never_publishes_and_an_authority_never_files() -> None:
    filed = frozenset().union(*FILING_TRANSITIONS.values())
    decided = frozenset().union(*ENTRY_TRANSITIONS.values())
    assert filed == {EntryState.DRAFT, EntryState.SUBMITTED}
    assert not filed & decided

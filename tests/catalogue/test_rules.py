"""The catalogue's rules in Python:
who may file and decide, which transitions are lawful, and words.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.catalogue.rules import RULEBOOK, EntryWord, entry_word
from ledger.codes import ENTRY_TRANSITIONS, FILING_TRANSITIONS, EntryState, Role
from ledger.mirror.projections import Decoded, Heads, RuleBroken
from ledger.organisations.rules import KeyState, OrganisationState
from ledger.statements import (
    DECISION,
    FILING,
    Authorisation,
    Batch,
    LogIdentity,
    Statement,
    key_subject,
    sha256,
    subject_of,
    text_hash,
)

OWNER, OTHER, BUREAU = "TMP-OWNER", "TMP-OTHER", "TMP-BUREAU"
STEWARD, HEAD, FOREIGN, OFFICER = (bytes(19) + bytes([n]) for n in (1, 2, 3, 4))
CODE = "307015/000001"
SUBJECT = text_hash(CODE)
U32, U8 = st.integers(0, 2**32 - 1), st.integers(0, 255)


@dataclass
class Office:
    """Heads with three organisations and their keys, and acts applied to them."""

    heads: Heads = field(
        default_factory=lambda: Heads(LogIdentity(1, bytes(20)), bytes(19) + b"\xff")
    )

    def __post_init__(self) -> None:
        for number, code in enumerate((BUREAU, OWNER, OTHER), start=1):
            state = OrganisationState(number, min(number, 1), 2, 1).pack()
            self.heads.put("organisation", text_hash(code), 1, state)
        for key, number, roles in (
            (STEWARD, 2, Role.STEWARD),
            (HEAD, 2, Role.HEAD),
            (FOREIGN, 3, Role.STEWARD | Role.HEAD),
            (OFFICER, 1, Role.AUTHORITY),
        ):
            state = KeyState(number, int(roles), 1).pack()
            self.heads.put("organisation.key", key_subject(key), 1, state)

    def at(self, state: EntryState | None, edition: int = 1, published: int = 0) -> Office:
        if state is not None:
            word = EntryWord(2, edition, state.number, 1, 1, 1, 1, 1, published)
            self.heads.put("catalogue.entry", SUBJECT, 7, word.pack())
        return self

    def take(
        self,
        values: dict[str, Any],
        body: bytes,
        organisation: str,
        signer: bytes,
        cosigner: bytes = bytes(20),
    ) -> EntryWord:
        struct = FILING if "shareType" in values else DECISION
        version = self.heads.get("catalogue.entry", SUBJECT)[0] + 1
        batch = Batch(struct, organisation, 2_000, ({**values, "version": version},), (body,))
        payload = batch.payloads()[0]
        org = text_hash(organisation)
        digest = sha256(b"digest")
        statement = Statement(
            5, struct.kind, subject_of(struct, batch.full_values()[0], org), version, org, signer,
            digest, 1_000, payload, sha256(body), body,
        )  # fmt: skip
        authorisation = Authorisation(
            digest, bytes(20), org, signer, b"", cosigner, b"", 2_000, 5, 1
        )
        decoded = Decoded(statement, struct, struct.decode(payload), {})
        word = RULEBOOK.next_state(decoded, authorisation, self.heads)
        self.heads.put(struct.kind, statement.subject, version, word)
        assert entry_word(self.heads, SUBJECT).pack() == word
        return EntryWord.unpack(word)

    def file(self, state: int = 2, cosigner: bytes = HEAD, **changes: Any) -> EntryWord:
        typed = {"shareType": 2, "openType": 3, "grade": 2, "updateCycle": 7, "library": 4}
        organisation = changes.pop("organisation", OWNER)
        signer = changes.pop("signer", STEWARD)
        values = {"code": CODE, "state": state, **typed, **changes}
        return self.take(values, b"{}", organisation, signer, cosigner)

    def decide(self, state: int, body: bytes = b'{"reasons":[]}', **changes: Any) -> EntryWord:
        organisation = changes.pop("organisation", BUREAU)
        signer = changes.pop("signer", OFFICER)
        return self.take({"code": CODE, "state": state}, body, organisation, signer)


@given(st.builds(EntryWord, U32, U32, U8, U8, U8, U8, U8, U8, U32))
def test_a_word_says_what_was_packed_into_it(word: EntryWord) -> None:
    assert EntryWord.unpack(word.pack()) == word
    assert word.pack() < 1 << 192


def test_a_submission_leaves_what_was_signed_in_the_word() -> None:
    assert Office().file() == EntryWord(2, 1, 2, 2, 3, 2, 7, 4, 0)


def test_publishing_takes_the_edition_into_force_and_resuming_does_not() -> None:
    office = Office()
    office.file()
    assert office.decide(4).published_edition == 1
    office.file(grade=3)
    assert office.decide(3).published_edition == 1
    office.file(grade=4)
    word = office.decide(4)
    assert (word.edition, word.published_edition, word.grade) == (3, 3, 4)
    assert office.decide(5).published_edition == 3
    assert office.decide(4).published_edition == 3


STATES: list[EntryState | None] = [None, *EntryState]


@pytest.mark.parametrize("held", STATES)
@pytest.mark.parametrize("to", list(EntryState))
def test_only_lawful_filings_pass(held: EntryState | None, to: EntryState) -> None:
    office = Office().at(held)
    if to in FILING_TRANSITIONS[held]:
        assert office.file(to.number).state == to.number
    else:
        with pytest.raises(RuleBroken):
            office.file(to.number)


@pytest.mark.parametrize("held", STATES)
@pytest.mark.parametrize("to", list(EntryState))
def test_only_lawful_decisions_pass(held: EntryState | None, to: EntryState) -> None:
    office = Office().at(held)
    if held is not None and to in ENTRY_TRANSITIONS[held]:
        assert office.decide(to.number).state == to.number
    else:
        with pytest.raises(RuleBroken):
            office.decide(to.number)


@pytest.mark.parametrize("state", [0, 7, 255])
def test_a_state_that_is_none_is_refused(state: int) -> None:
    with pytest.raises(RuleBroken, match="state"):
        Office().file(state)
    with pytest.raises(RuleBroken, match="state"):
        Office().at(EntryState.SUBMITTED).decide(state)


@pytest.mark.parametrize(
    ("name", "most"),
    [("shareType", 3), ("openType", 3), ("grade", 4), ("updateCycle", 9), ("library", 4)],
)
def test_typed_members_stay_in_their_tables(name: str, most: int) -> None:
    assert Office().file(**{name: most})
    assert Office().file(1, **{name: 0})
    with pytest.raises(RuleBroken, match=name):
        Office().file(**{name: 0})
    for state in (1, 2):
        with pytest.raises(RuleBroken, match=name):
            Office().file(state, **{name: most + 1})


def test_a_submission_needs_the_heads_signature_and_a_draft_does_not() -> None:
    assert Office().file(1, cosigner=bytes(20))
    with pytest.raises(RuleBroken, match="co-signature"):
        Office().file(2, cosigner=bytes(20))
    with pytest.raises(RuleBroken, match="belongs to organisation number 2"):
        Office().file(2, signer=FOREIGN, organisation=OTHER, cosigner=HEAD)


def test_only_the_owners_steward_files() -> None:
    with pytest.raises(RuleBroken, match="belongs to organisation number 2"):
        Office().at(EntryState.DRAFT).file(
            1, organisation=OTHER, signer=FOREIGN, cosigner=bytes(20)
        )
    with pytest.raises(RuleBroken, match="STEWARD"):
        Office().file(1, signer=HEAD, cosigner=bytes(20))


def test_only_an_authority_decides_and_with_reasons_where_it_hurts() -> None:
    with pytest.raises(RuleBroken, match="AUTHORITY"):
        Office().at(EntryState.SUBMITTED).decide(4, organisation=OWNER, signer=STEWARD)
    for state in (3, 6):
        with pytest.raises(RuleBroken, match="without reasons"):
            Office().at(EntryState.SUBMITTED).decide(state, b"")
    assert Office().at(EntryState.SUBMITTED).decide(4, b"").state == 4
    with pytest.raises(RuleBroken, match="never filed"):
        Office().decide(4)

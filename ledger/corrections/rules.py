"""The rules of ``contracts/Corrections.sol`` a second time, for auditors who trust no bytecode.

A correction request (校核申请, 条例 Art. 26) is filed by an organisation that uses an entry; the entry's
owner takes it up, rejects or answers it; the requester evaluates the answer or cancels the request.
"""

from __future__ import annotations

from typing import NamedTuple

from ledger.catalogue.rules import entry_word
from ledger.codes import CORRECTION_TRANSITIONS, CorrectionState, CorrectionType, Role
from ledger.mirror.projections import Decoded, Heads, RuleBroken
from ledger.organisations.rules import (
    Speaker,
    digest_member,
    member,
    require_range,
    role_missing,
    speaker,
    where,
)
from ledger.statements import CORRECTION, FILING, Authorisation, sha256

_U32, _U48, _U64 = 0xFFFF_FFFF, 0xFFFF_FFFF_FFFF, 0xFFFF_FFFF_FFFF_FFFF
_NO_BODY = sha256(b"")
_BY_REQUESTER = frozenset({CorrectionState.EVALUATED, CorrectionState.CANCELLED})


class CorrectionWord(NamedTuple):
    """What the log's head says of a correction request: all 0 where there is none."""

    requester: int
    owner: int
    state: int
    type: int
    filed_at: int
    """Block time of the filing, Unix seconds: the clock of 10 working days runs from that day."""
    entry: int
    """The first 64 bits of the entry's hash."""

    def pack(self) -> int:
        """The state word: requesterNumber u32@0, ownerNumber u32@32, state u8@64, type u8@72, filedAt
        u48@80, entry u64@128.
        """
        return (
            self.requester
            | self.owner << 32
            | self.state << 64
            | self.type << 72
            | self.filed_at << 80
            | self.entry << 128
        )

    @classmethod
    def unpack(cls, word: int) -> CorrectionWord:
        return cls(
            requester=word & _U32,
            owner=word >> 32 & _U32,
            state=word >> 64 & 0xFF,
            type=word >> 72 & 0xFF,
            filed_at=word >> 80 & _U48,
            entry=word >> 128 & _U64,
        )


class CorrectionsRules:
    """The rulebook of correction requests."""

    kinds = frozenset({CORRECTION.kind})

    def next_state(self, decoded: Decoded, authorisation: Authorisation, heads: Heads) -> int:
        """The state word after a step of a request; raises :class:`RuleBroken`."""
        statement = decoded.statement
        if decoded.struct is not CORRECTION:
            raise RuleBroken(f"{where(statement)}: Corrections records no {decoded.struct.name}")
        who = speaker(decoded, authorisation, heads)
        if not who.roles & (Role.STEWARD | Role.ASSESSOR):
            raise role_missing(statement, authorisation.signer, Role.STEWARD)
        version, word = heads.get(CORRECTION.kind, statement.subject)
        before = CorrectionWord.unpack(word)
        to = _way(decoded, CorrectionState.of_number(before.state) if version else None)
        if statement.body_digest == _NO_BODY:
            raise RuleBroken(f"{where(statement)}: {to.value} without a body that explains it")
        if to is CorrectionState.FILED:
            return _filed(decoded, who, heads).pack()
        return _moved(decoded, authorisation, who, before, to).pack()


def _way(decoded: Decoded, held: CorrectionState | None) -> CorrectionState:
    number = member(decoded, "state")
    for to in CORRECTION_TRANSITIONS[held]:
        if to.number == number:
            return to
    origin = "nothing" if held is None else held.value
    raise RuleBroken(
        f"{where(decoded.statement)}: a request cannot go from {origin} to state {number}"
    )


def _filed(decoded: Decoded, who: Speaker, heads: Heads) -> CorrectionWord:
    statement, entry = decoded.statement, digest_member(decoded, "entry")
    if heads.get(FILING.kind, entry)[0] == 0:
        raise RuleBroken(f"{where(statement)}: a request about an entry that was never filed")
    owner = entry_word(heads, entry).owner
    if owner == who.number:
        raise RuleBroken(
            f"{where(statement)}: organisation number {owner} owns the entry, it asks itself"
        )
    return CorrectionWord(
        requester=who.number,
        owner=owner,
        state=CorrectionState.FILED.number,
        type=require_range(decoded, "type", 1, len(CorrectionType)),
        filed_at=statement.recorded_at,
        entry=_first_bits(entry),
    )


def _moved(
    decoded: Decoded,
    authorisation: Authorisation,
    who: Speaker,
    before: CorrectionWord,
    to: CorrectionState,
) -> CorrectionWord:
    statement = decoded.statement
    theirs, party = (
        (before.requester, "requester") if to in _BY_REQUESTER else (before.owner, "provider")
    )
    if who.number != theirs:
        raise RuleBroken(
            f"{where(statement)}: {to.value} is for the {party}, organisation number {theirs}, "
            f"not for number {who.number}"
        )
    if to not in _BY_REQUESTER and not who.roles & Role.STEWARD:
        raise role_missing(statement, authorisation.signer, Role.STEWARD)
    if member(decoded, "type") != before.type:
        raise RuleBroken(f"{where(statement)}: the type of a request never changes")
    if _first_bits(digest_member(decoded, "entry")) != before.entry:
        raise RuleBroken(f"{where(statement)}: the entry of a request never changes")
    return before._replace(state=to.number)


def _first_bits(entry: bytes) -> int:
    return int.from_bytes(entry[:8], "big")


RULEBOOK = CorrectionsRules()

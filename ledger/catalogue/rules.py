"""The rules of ``contracts/Catalogue.sol`` a second time in Python, for auditors who trust no
bytecode.

Who may file and decide, the legal transitions (条例 Arts. 16-17), the head's co-signature (条例
Art. 13), and the state word that each statement leaves behind.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from ledger.codes import (
    ENTRY_TRANSITIONS,
    FILING_TRANSITIONS,
    GRADES,
    EntryState,
    Library,
    OpenType,
    Role,
    ShareType,
    UpdateCycle,
)
from ledger.mirror.projections import Decoded, Heads, RuleBroken
from ledger.organisations.rules import member, require_range, require_role, where
from ledger.statements import DECISION, FILING, Authorisation, sha256

_U32 = 0xFFFF_FFFF
_U8 = 0xFF
_REASONS_NEEDED = frozenset({EntryState.RETURNED, EntryState.SUSPENDED, EntryState.REVOKED})
_EMPTY_DIGEST = sha256(b"")
_BOUNDS: tuple[tuple[str, int], ...] = (
    ("shareType", len(ShareType)),
    ("openType", len(OpenType)),
    ("grade", len(GRADES)),
    ("updateCycle", len(UpdateCycle)),
    ("library", len(Library)),
)
# By their numbers, because an auditor asks it of every statement, and members of an enumeration are slow to hash.
_DRAFT, _SUBMITTED = EntryState.DRAFT.number, EntryState.SUBMITTED.number
_LEGAL_FILINGS = frozenset(
    (None if held is None else held.number, to.number)
    for held, states in FILING_TRANSITIONS.items()
    for to in states
)


class EntryWord(NamedTuple):
    """What the log's head says of a catalogue entry (目录条目): all 0 where there is none."""

    owner: int
    edition: int
    state: int
    share_type: int
    open_type: int
    grade: int
    update_cycle: int
    library: int
    published_edition: int

    def pack(self) -> int:
        """The state word: ownerNumber u32@0, edition u32@32, state u8@64, shareType u8@72, openType
        u8@80, grade u8@88, updateCycle u8@96, library u8@104, publishedEdition u32@112.
        """
        return (
            self.owner
            | self.edition << 32
            | self.state << 64
            | self.share_type << 72
            | self.open_type << 80
            | self.grade << 88
            | self.update_cycle << 96
            | self.library << 104
            | self.published_edition << 112
        )

    @classmethod
    @lru_cache(maxsize=1024)
    def unpack(cls, word: int) -> EntryWord:
        return cls(
            owner=word & _U32,
            edition=word >> 32 & _U32,
            state=word >> 64 & _U8,
            share_type=word >> 72 & _U8,
            open_type=word >> 80 & _U8,
            grade=word >> 88 & _U8,
            update_cycle=word >> 96 & _U8,
            library=word >> 104 & _U8,
            published_edition=word >> 112 & _U32,
        )


def entry_word(heads: Heads, subject: bytes) -> EntryWord:
    """The head of an entry given by the hash of its code."""
    return EntryWord.unpack(heads.get(FILING.kind, subject)[1])


class CatalogueRules:
    """The rulebook of catalogue entries."""

    kinds = frozenset({FILING.kind})

    def next_state(self, decoded: Decoded, authorisation: Authorisation, heads: Heads) -> int:
        """The state word after a filing or a decision; raises :class:`RuleBroken`."""
        if decoded.struct is FILING:
            return self._file(decoded, authorisation, heads).pack()
        if decoded.struct is DECISION:
            return self._decide(decoded, authorisation, heads).pack()
        raise RuleBroken(
            f"{where(decoded.statement)}: a {decoded.struct.name} is not recorded by Catalogue"
        )

    def _file(self, decoded: Decoded, authorisation: Authorisation, heads: Heads) -> EntryWord:
        who = require_role(decoded, authorisation, heads, Role.STEWARD)
        statement = decoded.statement
        version, word = heads.get(FILING.kind, statement.subject)
        before = EntryWord.unpack(word)
        if version and before.owner != who.number:
            raise RuleBroken(
                f"{where(statement)}: the entry belongs to organisation number {before.owner}, "
                f"not to number {who.number}"
            )
        state = require_range(decoded, "state", _DRAFT, _SUBMITTED)
        if (before.state if version else None, state) not in _LEGAL_FILINGS:
            held = EntryState.of_number(before.state) if version else None
            raise _illegal(decoded, held, EntryState.of_number(state))
        submitted = state == _SUBMITTED
        low = 1 if submitted else 0
        share, opening, grade, cycle, library = [
            require_range(decoded, name, low, high) for name, high in _BOUNDS
        ]
        if submitted and not who.cosigned:
            raise RuleBroken(
                f"{where(statement)}: a submission needs the co-signature of a HEAD "
                "of its organisation (条例 Art. 13)"
            )
        return EntryWord(
            who.number,
            before.edition + 1,
            state,
            share,
            opening,
            grade,
            cycle,
            library,
            before.published_edition,
        )

    def _decide(self, decoded: Decoded, authorisation: Authorisation, heads: Heads) -> EntryWord:
        require_role(decoded, authorisation, heads, Role.AUTHORITY)
        statement = decoded.statement
        version, word = heads.get(FILING.kind, statement.subject)
        if version == 0:
            raise RuleBroken(f"{where(statement)}: a decision on an entry that was never filed")
        before = EntryWord.unpack(word)
        number = member(decoded, "state")
        state = require_range(decoded, "state", EntryState.DRAFT.number, len(EntryState))
        held, to = EntryState.of_number(before.state), EntryState.of_number(state)
        if to not in ENTRY_TRANSITIONS[held]:
            raise _illegal(decoded, held, to)
        if to in _REASONS_NEEDED and statement.body_digest == _EMPTY_DIGEST:
            raise RuleBroken(f"{where(statement)}: {to.value} without reasons")
        published = before.published_edition
        if held is EntryState.SUBMITTED and to is EntryState.PUBLISHED:
            published = before.edition
        return before._replace(state=number, published_edition=published)


def _illegal(decoded: Decoded, held: EntryState | None, to: EntryState) -> RuleBroken:
    origin = "nothing" if held is None else held.value
    return RuleBroken(
        f"{where(decoded.statement)}: a {decoded.struct.name} may not take an entry "
        f"from {origin} to {to.value}"
    )


RULEBOOK = CatalogueRules()

"""The rules of ``contracts/Catalogue.sol`` a second time in Python, for auditors who trust no
bytecode.

Who may file and decide, the legal transitions (条例 Arts. 16-17), the head's co-signature (条例
Art. 13), and the state word that each statement leaves behind.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from operator import itemgetter
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
from ledger.statements import DECISION, FILING, Authorisation, Value, sha256
from ledger.typed_data import integer

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
_NUMBERS = itemgetter("state", *(name for name, _ in _BOUNDS))
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
            return self._file(decoded, authorisation, heads)
        if decoded.struct is DECISION:
            return self._decide(decoded, authorisation, heads).pack()
        raise RuleBroken(
            f"{where(decoded.statement)}: a {decoded.struct.name} is not recorded by Catalogue"
        )

    def _file(self, decoded: Decoded, authorisation: Authorisation, heads: Heads) -> int:
        who = require_role(decoded, authorisation, heads, Role.STEWARD)
        version, word = heads.get(FILING.kind, decoded.statement.subject)
        before = word if version else None
        after = _filed(before, who.number, who.cosigned, *_NUMBERS(decoded.values))
        if isinstance(after, str):
            raise RuleBroken(f"{where(decoded.statement)}: {after}")
        return after

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
            raise RuleBroken(f"{where(statement)}: {_illegal(decoded.struct.name, held, to)}")
        if to in _REASONS_NEEDED and statement.body_digest == _EMPTY_DIGEST:
            raise RuleBroken(f"{where(statement)}: {to.value} without reasons")
        published = before.published_edition
        if held is EntryState.SUBMITTED and to is EntryState.PUBLISHED:
            published = before.edition
        return before._replace(state=number, published_edition=published)


@lru_cache(maxsize=4096)
def _filed(
    word: int | None,
    number: int,
    cosigned: bool,  # noqa: FBT001
    *stated: Value,
) -> int | str:
    """The state word after a filing by organisation ``number``, or why there may be none; ``word`` is the one before,
    None where there is none. An import files the same numbers by the thousand.
    """
    before = EntryWord.unpack(word or 0)
    if word is not None and before.owner != number:
        return f"the entry belongs to organisation number {before.owner}, not to number {number}"
    held = None if word is None else before.state
    why = _not_fileable(held, stated)
    if why is not None:
        return why
    state, share, opening, grade, cycle, library = map(integer, stated)
    if state == _SUBMITTED and not cosigned:
        return "a submission needs the co-signature of a HEAD of its organisation (条例 Art. 13)"
    edition, published = before.edition + 1, before.published_edition
    filed = EntryWord(number, edition, state, share, opening, grade, cycle, library, published)
    return filed.pack()


def _not_fileable(held: int | None, stated: Sequence[Value]) -> str | None:
    """Why these numbers cannot be filed of an entry in state ``held``, or None."""
    state = stated[0]
    low = 1 if state == _SUBMITTED else 0
    bounds = (("state", _DRAFT, _SUBMITTED), *((name, low, high) for name, high in _BOUNDS))
    for place, ((name, least, most), value) in enumerate(zip(bounds, stated, strict=True)):
        if not isinstance(value, int):
            return f"{name} is not an integer"
        if not least <= value <= most:
            return f"{name} is {value}, not in {least}..{most}"
        if place == 0 and (held, value) not in _LEGAL_FILINGS:
            before = None if held is None else EntryState.of_number(held)
            return _illegal(FILING.name, before, EntryState.of_number(value))
    return None


def _illegal(name: str, held: EntryState | None, to: EntryState) -> str:
    origin = "nothing" if held is None else held.value
    return f"a {name} may not take an entry from {origin} to {to.value}"


RULEBOOK = CatalogueRules()

"""The rules of ``contracts/Obligations.sol`` a second time in Python, for auditors who trust no bytecode.

What must be collected (归集义务), which entry answers it (绑定), objections (异议) and exemptions (豁免): who
may say what, what must exist before, and the state word that each statement leaves behind.
"""

from __future__ import annotations

from typing import NamedTuple

from ledger.catalogue.rules import entry_word
from ledger.codes import (
    BindingStatus,
    ExemptionScope,
    ExemptionStatus,
    ExemptionTarget,
    Library,
    ObjectionState,
    ObligationStatus,
    ObligationType,
    OrganisationStatus,
    Role,
    UpdateCycle,
)
from ledger.days import day_of
from ledger.mirror.projections import Decoded, Heads, RuleBroken
from ledger.organisations.rules import (
    NO_CODE,
    digest_member,
    member,
    organisation_state,
    require_range,
    require_role,
    role_missing,
    speaker,
    where,
)
from ledger.statements import (
    BINDING,
    EXEMPTION,
    OBJECTION,
    OBLIGATION,
    Authorisation,
    sha256,
)

_U32 = 0xFFFF_FFFF
_U8 = 0xFF
_ALL_SCOPES = sum(scope.value for scope in ExemptionScope)
_EMPTY_DIGEST = sha256(b"")
_BINDABLE = (ObligationType.TABLE.number, ObligationType.ENTRY.number)
BOUND_BYTES = 16
"""How many bytes of the bound entry's hash stand in the head of a binding."""
TARGET_BYTES = 5
"""How many bytes of the target's hash stand in the head of an exemption."""


class ObligationWord(NamedTuple):
    """What the log's head says of an obligation (归集义务): all 0 where there is none."""

    responsible: int
    type: int
    status: int
    update_cycle: int
    library: int
    valid_from: int
    valid_until: int

    def pack(self) -> int:
        """The state word: responsible number u32@0, type u8@32, status u8@40, updateCycle u8@48,
        library u8@56, validFrom u32@64, validUntil u32@96.
        """
        return (
            self.responsible
            | self.type << 32
            | self.status << 40
            | self.update_cycle << 48
            | self.library << 56
            | self.valid_from << 64
            | self.valid_until << 96
        )

    @classmethod
    def unpack(cls, word: int) -> ObligationWord:
        return cls(
            responsible=word & _U32,
            type=word >> 32 & _U8,
            status=word >> 40 & _U8,
            update_cycle=word >> 48 & _U8,
            library=word >> 56 & _U8,
            valid_from=word >> 64 & _U32,
            valid_until=word >> 96 & _U32,
        )


class BindingWord(NamedTuple):
    """What the log's head says of a binding (绑定): ``entry`` is the first half of the entry's hash."""

    owner: int
    status: int
    entry: bytes

    def pack(self) -> int:
        """The state word: the entry's owner u32@0, status u8@32, entry u128@40."""
        return self.owner | self.status << 32 | int.from_bytes(self.entry, "big") << 40

    @classmethod
    def unpack(cls, word: int) -> BindingWord:
        entry = word >> 40 & (1 << 8 * BOUND_BYTES) - 1
        return cls(word & _U32, word >> 32 & _U8, entry.to_bytes(BOUND_BYTES, "big"))


class ObjectionWord(NamedTuple):
    """What the log's head says of an objection (异议): all 0 where there is none."""

    responsible: int
    state: int

    def pack(self) -> int:
        """The state word: responsible number u32@0, state u8@32."""
        return self.responsible | self.state << 32

    @classmethod
    def unpack(cls, word: int) -> ObjectionWord:
        return cls(word & _U32, word >> 32 & _U8)


class ExemptionWord(NamedTuple):
    """What the log's head says of an exemption (豁免): ``target`` is the start of the target's hash."""

    beneficiary: int
    approver: int
    scope: int
    status: int
    valid_from: int
    expires: int
    target_type: int
    target: bytes

    def pack(self) -> int:
        """The state word: beneficiary u32@0, approver u32@32, scope u8@64, status u8@72, validFrom
        u32@80, expires u32@112, targetType u8@144, target u40@152.
        """
        return (
            self.beneficiary
            | self.approver << 32
            | self.scope << 64
            | self.status << 72
            | self.valid_from << 80
            | self.expires << 112
            | self.target_type << 144
            | int.from_bytes(self.target, "big") << 152
        )

    @classmethod
    def unpack(cls, word: int) -> ExemptionWord:
        target = word >> 152 & (1 << 8 * TARGET_BYTES) - 1
        return cls(
            beneficiary=word & _U32,
            approver=word >> 32 & _U32,
            scope=word >> 64 & _U8,
            status=word >> 72 & _U8,
            valid_from=word >> 80 & _U32,
            expires=word >> 112 & _U32,
            target_type=word >> 144 & _U8,
            target=target.to_bytes(TARGET_BYTES, "big"),
        )


class ObligationsRules:
    """The rulebook of obligations, their bindings, objections and exemptions."""

    kinds = frozenset({OBLIGATION.kind, BINDING.kind, OBJECTION.kind, EXEMPTION.kind})

    def next_state(self, decoded: Decoded, authorisation: Authorisation, heads: Heads) -> int:
        """The state word after a statement about obligations; raises :class:`RuleBroken`."""
        if decoded.struct is OBLIGATION:
            return self._oblige(decoded, authorisation, heads).pack()
        if decoded.struct is BINDING:
            return self._bind(decoded, authorisation, heads).pack()
        if decoded.struct is OBJECTION:
            return self._object(decoded, authorisation, heads).pack()
        if decoded.struct is EXEMPTION:
            return self._exempt(decoded, authorisation, heads).pack()
        raise RuleBroken(
            f"{where(decoded.statement)}: Obligations records no {decoded.struct.name}"
        )

    def _oblige(
        self, decoded: Decoded, authorisation: Authorisation, heads: Heads
    ) -> ObligationWord:
        require_role(decoded, authorisation, heads, Role.AUTHORITY)
        statement = decoded.statement
        version, word = heads.get(OBLIGATION.kind, statement.subject)
        kind = require_range(decoded, "type", 1, len(ObligationType))
        if version and ObligationWord.unpack(word).type != kind:
            raise RuleBroken(f"{where(statement)}: the type of an obligation never changes")
        _check_above(decoded, kind, heads)
        status = _status(decoded, known=version != 0)
        cycle = require_range(decoded, "updateCycle", 0, len(UpdateCycle))
        library = require_range(decoded, "library", 0, len(Library))
        start, end = _day(decoded, "validFrom"), member(decoded, "validUntil")
        if end and start > _day(decoded, "validUntil"):
            raise RuleBroken(f"{where(statement)}: the obligation ends before it begins")
        name = digest_member(decoded, "responsible")
        responsible = organisation_state(heads, name)
        if responsible.number == 0:
            raise RuleBroken(f"{where(statement)}: organisation 0x{name.hex()} is not registered")
        dissolved = responsible.status != OrganisationStatus.ACTIVE.number
        if dissolved and status == ObligationStatus.IN_FORCE.number:
            raise RuleBroken(f"{where(statement)}: organisation 0x{name.hex()} is dissolved")
        return ObligationWord(responsible.number, kind, status, cycle, library, start, end)

    def _bind(self, decoded: Decoded, authorisation: Authorisation, heads: Heads) -> BindingWord:
        who = speaker(decoded, authorisation, heads)
        statement = decoded.statement
        if not who.roles & (Role.STEWARD | Role.AUTHORITY):
            raise role_missing(statement, authorisation.signer, Role.STEWARD)
        obligation = _obligation(decoded, statement.subject, heads)
        if not who.roles & Role.AUTHORITY and obligation.responsible != who.number:
            raise _not_responsible(decoded, obligation, who.number)
        status = require_range(decoded, "status", 1, len(BindingStatus))
        name = digest_member(decoded, "entry")
        entry = entry_word(heads, name)
        if entry.owner == 0:
            raise RuleBroken(f"{where(statement)}: a binding of an entry that was never filed")
        before = BindingWord.unpack(heads.get(BINDING.kind, statement.subject)[1])
        start = name[:BOUND_BYTES]
        if status == BindingStatus.BOUND.number:
            if obligation.type not in _BINDABLE:
                raise RuleBroken(
                    f"{where(statement)}: only tables and expected entries are bound to entries"
                )
            if obligation.status != ObligationStatus.IN_FORCE.number:
                raise RuleBroken(f"{where(statement)}: the obligation is withdrawn")
            if entry.owner != obligation.responsible:
                raise RuleBroken(
                    f"{where(statement)}: the entry belongs to organisation number {entry.owner}, "
                    f"the obligation to number {obligation.responsible}"
                )
        else:
            if before.status != BindingStatus.BOUND.number or before.entry != start:
                raise RuleBroken(f"{where(statement)}: the obligation is not bound to this entry")
            _require_reasons(decoded)
        return BindingWord(entry.owner, status, start)

    def _object(
        self, decoded: Decoded, authorisation: Authorisation, heads: Heads
    ) -> ObjectionWord:
        who = speaker(decoded, authorisation, heads)
        statement = decoded.statement
        obligation = _obligation(decoded, statement.subject, heads)
        state = require_range(decoded, "state", 1, len(ObjectionState))
        raises = state == ObjectionState.RAISED.number
        if raises and obligation.responsible != who.number:
            raise _not_responsible(decoded, obligation, who.number)
        if not who.roles & (Role.STEWARD | Role.HEAD if raises else Role.AUTHORITY):
            missing = Role.STEWARD if raises else Role.AUTHORITY
            raise role_missing(statement, authorisation.signer, missing)
        before = ObjectionWord.unpack(heads.get(OBJECTION.kind, statement.subject)[1])
        if raises == (before.state == ObjectionState.RAISED.number):
            raise RuleBroken(
                f"{where(statement)}: an objection follows none or an answered one, an answer an "
                f"open one; state {before.state} cannot become {state}"
            )
        _require_reasons(decoded)
        return ObjectionWord(obligation.responsible, state)

    def _exempt(
        self, decoded: Decoded, authorisation: Authorisation, heads: Heads
    ) -> ExemptionWord:
        who = require_role(decoded, authorisation, heads, Role.AUTHORITY)
        statement = decoded.statement
        target = digest_member(decoded, "target")
        target_type = require_range(decoded, "targetType", 1, len(ExemptionTarget))
        if target_type == ExemptionTarget.OBLIGATION.number:
            beneficiary = _obligation(decoded, target, heads).responsible
        else:
            beneficiary = entry_word(heads, target).owner
        if beneficiary == 0:
            raise RuleBroken(f"{where(statement)}: an exemption of an entry that was never filed")
        if beneficiary == who.number:
            raise RuleBroken(
                f"{where(statement)}: organisation number {who.number} approves an exemption that "
                "it profits from"
            )
        version, word = heads.get(EXEMPTION.kind, statement.subject)
        before, start = ExemptionWord.unpack(word), target[:TARGET_BYTES]
        if version and (before.target_type, before.target) != (target_type, start):
            raise RuleBroken(f"{where(statement)}: the target of an exemption never changes")
        scope = require_range(decoded, "scope", 1, _ALL_SCOPES)
        status = _status(decoded, known=version != 0)
        first, last = _day(decoded, "validFrom"), _day(decoded, "expires")
        if first >= last:
            raise RuleBroken(f"{where(statement)}: the exemption expires before it begins")
        return ExemptionWord(
            beneficiary, who.number, scope, status, first, last, target_type, start
        )


def _obligation(decoded: Decoded, subject: bytes, heads: Heads) -> ObligationWord:
    word = ObligationWord.unpack(heads.get(OBLIGATION.kind, subject)[1])
    if word.responsible == 0:
        raise RuleBroken(
            f"{where(decoded.statement)}: obligation 0x{subject.hex()} was never imposed"
        )
    return word


def _check_above(decoded: Decoded, kind: int, heads: Heads) -> None:
    """Types grow strictly on the way down and never change, so nothing stands above itself."""
    parent = digest_member(decoded, "parent")
    if kind == ObligationType.DUTY.number:
        if parent != NO_CODE:
            raise RuleBroken(f"{where(decoded.statement)}: nothing stands above a duty")
        return
    above = ObligationWord.unpack(heads.get(OBLIGATION.kind, parent)[1]).type
    if not 0 < above < kind:
        raise RuleBroken(
            f"{where(decoded.statement)}: 0x{parent.hex()} is no obligation above type {kind}"
        )


def _status(decoded: Decoded, *, known: bool) -> int:
    """1, or 2 with reasons for what exists already: obligations and exemptions alike."""
    withdrawn = ObligationStatus.WITHDRAWN.number
    status = require_range(decoded, "status", 1, withdrawn if known else 1)
    if status == ExemptionStatus.WITHDRAWN.number == withdrawn:
        _require_reasons(decoded)
    return status


def _require_reasons(decoded: Decoded) -> None:
    if decoded.statement.body_digest == _EMPTY_DIGEST:
        raise RuleBroken(f"{where(decoded.statement)}: reasons are missing")


def _not_responsible(decoded: Decoded, obligation: ObligationWord, number: int) -> RuleBroken:
    return RuleBroken(
        f"{where(decoded.statement)}: organisation number {obligation.responsible} is responsible, "
        f"not number {number}"
    )


def _day(decoded: Decoded, name: str) -> int:
    value = member(decoded, name)
    try:
        day_of(value)
    except ValueError as error:
        raise RuleBroken(f"{where(decoded.statement)}: {name}: {error}") from error
    return value


RULEBOOK = ObligationsRules()

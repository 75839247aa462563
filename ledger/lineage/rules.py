"""The rules of ``contracts/Lineage.sol`` and ``contracts/Journals.sol`` a second time, for auditors who
trust no bytecode.

Rules that attribute data sets to entries (数据集归属规则), declared steps of processing (加工步骤), and the
checkpoints of journals (日志检查点).
"""

from __future__ import annotations

from typing import NamedTuple

from ledger.codes import InForce, Role
from ledger.mirror.projections import Decoded, Heads, RuleBroken
from ledger.organisations.rules import (
    digest_member,
    member,
    organisation_state,
    require_range,
    require_role,
    role_missing,
    speaker,
    where,
)
from ledger.statements import CHECKPOINT, DATASET_RULE, STEP, Authorisation, sha256

_U32, _U64, _U96 = 0xFFFF_FFFF, 0xFFFF_FFFF_FFFF_FFFF, (1 << 96) - 1
_NO_BODY = sha256(b"")


class StatedWord(NamedTuple):
    """What the log's head says of a data set rule or a declared step: all 0 where there is none."""

    organisation: int
    """Number of the holder of a rule, or of the organisation that declared a step."""
    status: int

    def pack(self) -> int:
        """The state word: organisation's number u32@0, status u8@32."""
        return self.organisation | self.status << 32

    @classmethod
    def unpack(cls, word: int) -> StatedWord:
        return cls(word & _U32, word >> 32 & 0xFF)


class CheckpointWord(NamedTuple):
    """What the log's head says of a journal: all 0 where it was never anchored."""

    size: int
    organisation: int
    root: int
    """The first 96 bits of the root."""

    def pack(self) -> int:
        """The state word: size u64@0, organisation's number u32@64, root u96@96."""
        return self.size | self.organisation << 64 | self.root << 96

    @classmethod
    def unpack(cls, word: int) -> CheckpointWord:
        return cls(word & _U64, word >> 64 & _U32, word >> 96 & _U96)


class LineageRules:
    """The rulebook of data set rules and declared steps."""

    kinds = frozenset({DATASET_RULE.kind, STEP.kind})

    def next_state(self, decoded: Decoded, authorisation: Authorisation, heads: Heads) -> int:
        """The state word after a rule or a step; raises :class:`RuleBroken`."""
        if decoded.struct is DATASET_RULE:
            return _attributed(decoded, authorisation, heads).pack()
        if decoded.struct is STEP:
            who = require_role(decoded, authorisation, heads, Role.STEWARD)
            return _stated(decoded, heads, who.number).pack()
        raise RuleBroken(f"{where(decoded.statement)}: Lineage records no {decoded.struct.name}")


class JournalRules:
    """The rulebook of journals' checkpoints."""

    kinds = frozenset({CHECKPOINT.kind})

    def next_state(self, decoded: Decoded, authorisation: Authorisation, heads: Heads) -> int:
        """The state word after a checkpoint; raises :class:`RuleBroken`."""
        statement = decoded.statement
        if decoded.struct is not CHECKPOINT:
            raise RuleBroken(f"{where(statement)}: Journals records no {decoded.struct.name}")
        who = speaker(decoded, authorisation, heads)
        if not who.roles & (Role.COLLECTOR | Role.AUTHORITY):
            raise role_missing(statement, authorisation.signer, Role.COLLECTOR)
        version, word = heads.get(CHECKPOINT.kind, statement.subject)
        before = CheckpointWord.unpack(word)
        if version and before.organisation != who.number:
            raise RuleBroken(
                f"{where(statement)}: the journal belongs to organisation number "
                f"{before.organisation}, not to number {who.number}"
            )
        size, root = member(decoded, "size"), digest_member(decoded, "root")
        if size <= before.size:
            raise RuleBroken(
                f"{where(statement)}: a journal of {before.size} facts shrinks to {size}"
            )
        if not any(root):
            raise RuleBroken(f"{where(statement)}: a checkpoint without a root")
        return CheckpointWord(size, who.number, int.from_bytes(root[:12], "big")).pack()


def _attributed(decoded: Decoded, authorisation: Authorisation, heads: Heads) -> StatedWord:
    statement = decoded.statement
    who = speaker(decoded, authorisation, heads)
    holder = digest_member(decoded, "holder")
    if not who.roles & Role.AUTHORITY:
        if not who.roles & Role.STEWARD:
            raise role_missing(statement, authorisation.signer, Role.STEWARD)
        if holder != who.organisation:
            raise role_missing(statement, authorisation.signer, Role.AUTHORITY)
    number = organisation_state(heads, holder).number
    if number == 0:
        raise RuleBroken(f"{where(statement)}: the holder 0x{holder.hex()} is not registered")
    return _stated(decoded, heads, number)


def _stated(decoded: Decoded, heads: Heads, organisation: int) -> StatedWord:
    statement = decoded.statement
    version, word = heads.get(statement.kind, statement.subject)
    before = StatedWord.unpack(word)
    if version and before.organisation != organisation:
        raise RuleBroken(
            f"{where(statement)}: it belongs to organisation number {before.organisation}, "
            f"not to number {organisation}"
        )
    last = InForce.WITHDRAWN if version else InForce.ACTIVE
    status = require_range(decoded, "status", InForce.ACTIVE.number, last.number)
    if statement.body_digest == _NO_BODY:
        raise RuleBroken(f"{where(statement)}: without a body it says nothing")
    return StatedWord(organisation, status)


RULEBOOK = LineageRules()
JOURNAL_RULEBOOK = JournalRules()

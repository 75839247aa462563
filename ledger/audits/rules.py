"""The rules of ``contracts/Audits.sol`` a second time in Python, for auditors who trust no bytecode."""

from __future__ import annotations

from typing import NamedTuple

from ledger.codes import ReportType, Role
from ledger.mirror.projections import Decoded, Heads, RuleBroken
from ledger.organisations.rules import digest_member, member, require_range, require_role, where
from ledger.statements import REPORT, Authorisation


class ReportWord(NamedTuple):
    """What the log's head says of an audit report (审计报告): all 0 where there is none."""

    size: int
    organisation: int
    type: int

    def pack(self) -> int:
        """The state word: size u64@0, organisation number u32@64, type u8@96."""
        return self.size | self.organisation << 64 | self.type << 96

    @classmethod
    def unpack(cls, word: int) -> ReportWord:
        return cls(word & 0xFFFF_FFFF_FFFF_FFFF, word >> 64 & 0xFFFF_FFFF, word >> 96 & 0xFF)


class AuditsRules:
    """The rulebook of audit reports.

    As the contract, it holds a report to no more than the size of the log before its batch; whether
    its root is the log's root at the size that it names is for those who recompute the report.
    """

    kinds = frozenset({REPORT.kind})

    def next_state(self, decoded: Decoded, authorisation: Authorisation, heads: Heads) -> int:
        """The state word after a report; raises :class:`RuleBroken`."""
        statement = decoded.statement
        if decoded.struct is not REPORT:
            raise RuleBroken(f"{where(statement)}: Audits records no {decoded.struct.name}")
        who = require_role(decoded, authorisation, heads, Role.AUDITOR)
        version, word = heads.get(REPORT.kind, statement.subject)
        before = ReportWord.unpack(word)
        if version and before.organisation != who.number:
            raise RuleBroken(
                f"{where(statement)}: the report belongs to organisation number "
                f"{before.organisation}, not to number {who.number}"
            )
        kind = require_range(decoded, "type", 1, len(ReportType))
        size = require_range(decoded, "size", 1, authorisation.first_index)
        require_range(decoded, "numerator", 0, member(decoded, "denominator"))
        if not any(digest_member(decoded, "report")):
            raise RuleBroken(f"{where(statement)}: the digest of no report")
        return ReportWord(size, who.number, kind).pack()


RULEBOOK = AuditsRules()

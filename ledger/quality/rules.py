"""The rules of ``contracts/Quality.sol`` a second time, for auditors who trust no bytecode."""

from __future__ import annotations

from datetime import date
from typing import NamedTuple

from ledger.catalogue.rules import EntryWord
from ledger.codes import Role
from ledger.days import day_of
from ledger.mirror.projections import Decoded, Heads, RuleBroken
from ledger.organisations.rules import (
    digest_member,
    member,
    require_range,
    role_missing,
    speaker,
    where,
)
from ledger.quality.dimensions import ALL_ASSESSED, DIMENSIONS, FULL
from ledger.statements import FILING, SCORE, Authorisation


class ScoreState(NamedTuple):
    """What the log's head says of a score: all 0 where there is none."""

    total: int
    assessed: int
    coverage: int

    def pack(self) -> int:
        """The state word: total u16@0, assessed u8@16, coverage u16@24."""
        return self.total | self.assessed << 16 | self.coverage << 24

    @classmethod
    def unpack(cls, word: int) -> ScoreState:
        return cls(word & 0xFFFF, word >> 16 & 0xFF, word >> 24 & 0xFFFF)


class QualityRules:
    """The rulebook of quality scores."""

    kinds = frozenset({SCORE.kind})

    def next_state(self, decoded: Decoded, authorisation: Authorisation, heads: Heads) -> int:
        """The state word after a score; raises :class:`RuleBroken`."""
        statement = decoded.statement
        if decoded.struct is not SCORE:
            raise RuleBroken(f"{where(statement)}: Quality records no {decoded.struct.name}")
        who = speaker(decoded, authorisation, heads)
        version, word = heads.get(FILING.kind, digest_member(decoded, "entry"))
        if version == 0:
            raise RuleBroken(f"{where(statement)}: a score of an entry that was never filed")
        entry = EntryWord.unpack(word)
        of_own = who.roles & Role.STEWARD and entry.owner == who.number
        if not who.roles & Role.ASSESSOR and not of_own:
            raise role_missing(statement, authorisation.signer, Role.ASSESSOR)
        require_range(decoded, "edition", 1, entry.edition)
        _check_period(decoded)
        assessed = require_range(decoded, "assessed", 0, ALL_ASSESSED)
        for place, dimension in enumerate(DIMENSIONS):
            require_range(decoded, dimension.name, 0, FULL if assessed >> place & 1 else 0)
        total = require_range(decoded, "total", 0, FULL)
        coverage = require_range(decoded, "coverage", 0, FULL)
        return ScoreState(total, assessed, coverage).pack()


def _check_period(decoded: Decoded) -> None:
    days: list[date] = []
    for name in ("periodStart", "periodEnd"):
        try:
            days.append(day_of(member(decoded, name)))
        except ValueError as error:
            raise RuleBroken(f"{where(decoded.statement)}: {name}: {error}") from error
    if days[0] > days[1]:
        raise RuleBroken(f"{where(decoded.statement)}: the period ends before it starts")


RULEBOOK = QualityRules()

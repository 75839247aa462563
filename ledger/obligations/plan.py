"""A plan of an import of obligations (导入预览), as people and tests read it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from ledger.catalogue.planning import Refused, reasons_of, refusals_of
from ledger.obligations.departments import Decision
from ledger.obligations.mapping import ObligationMapping
from ledger.obligations.statements import ObligationDraft


@dataclass(frozen=True, slots=True)
class Planned:
    """An obligation to be filed: new with version 1, else an amendment. ``line`` is None above rows."""

    line: int | None
    draft: ObligationDraft
    record: str
    digest: str


@dataclass(frozen=True, slots=True)
class PublishedRow:
    """A row that the list calls published: information for a binding, which is for a person to make."""

    obligation: str
    name: str
    published: str
    link: str


@dataclass(slots=True)
class Plan:
    """What an import would do. ``departments`` has the decision on each, and how many rows it has."""

    mapping: ObligationMapping
    rows: int = 0
    planned: list[Planned] = field(default_factory=list)
    unchanged: int = 0
    refused: list[Refused] = field(default_factory=list)
    not_turned: Counter[tuple[str, str]] = field(default_factory=Counter)
    departments: dict[str, tuple[Decision, int]] = field(default_factory=dict)
    published: list[PublishedRow] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)
    """Codes of obligations from this list, still in force, whose rows the list no longer has."""

    @property
    def new(self) -> int:
        return sum(1 for one in self.planned if one.line is not None and one.draft.version == 1)

    @property
    def revised(self) -> int:
        return sum(1 for one in self.planned if one.line is not None and one.draft.version > 1)

    @property
    def above(self) -> int:
        """Obligations above rows that are to be filed."""
        return sum(1 for one in self.planned if one.line is None)

    def reasons(self) -> dict[str, int]:
        """How many rows are refused for each problem (code and field), most frequent first."""
        return reasons_of(self.refused)

    def summary(self) -> dict[str, Any]:
        """Every count and every decision, for people and tests."""
        decided = [decision for decision, _ in self.departments.values()]
        return {
            "mapping": self.mapping.name,
            "rows": self.rows,
            "new": self.new,
            "revised": self.revised,
            "unchanged": self.unchanged,
            "above": self.above,
            "refused": len(self.refused),
            "departments": len(decided),
            "provisional": sum(1 for one in decided if one.is_provisional),
            "decided": dict(sorted(Counter(one.how for one in decided).items())),
            "published": len(self.published),
            "gone": list(self.gone),
            "reasons": self.reasons(),
            "not_turned": [
                {"field": name, "spelling": spelling, "rows": count}
                for (name, spelling), count in sorted(self.not_turned.items())
            ],
            "refusals": refusals_of(self.refused),
            "codes": [
                {
                    "department": decision.name,
                    "code": decision.code,
                    "how": decision.how,
                    "rows": count,
                    "told": decision.told("en"),
                    "told_zh": decision.told("zh"),
                }
                for decision, count in self.departments.values()
            ],
        }

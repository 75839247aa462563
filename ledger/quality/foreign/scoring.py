"""From the checks of another tool to a scorecard (导入评分).

The document that is kept, and whose digest is signed, names the tool, its version, the SHA-256 of the files
as they were, the mapping, and every check with its counts. No value of the data is in it.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from datetime import date
from typing import Any, NamedTuple

from ledger.canonical import canonical_json
from ledger.quality.dimensions import DIMENSIONS, grade_of
from ledger.quality.foreign.found import Found, Reading
from ledger.quality.foreign.mapping import NONE, CheckMapping, line_of
from ledger.quality.scoring import ROOT, Mark, Outcome, basis_points, marks_of
from ledger.quality.statements import RuleOutcome, ScoreDraft
from ledger.quality.weights import WeightProfile

FORMAT = "govledger-imported-result/1"
MOST_OUTCOMES = 500
_NOT_IN_AN_ID = re.compile(r"[^a-z0-9_.-]+")
_ID_LENGTH = 64


class Placed(NamedTuple):
    """A check and what it counts for: ``indicator`` None where nothing is known, or none on purpose.

    ``reason`` says why it was left out on purpose.
    """

    rule: str
    found: Found
    indicator: str | None
    reason: str | None


class Imported(NamedTuple):
    """A file's checks, placed and scored."""

    reading: Reading
    files: tuple[tuple[str, str], ...]
    mapping: CheckMapping
    profile: WeightProfile
    placed: tuple[Placed, ...]
    marks: dict[str, Mark]

    @property
    def unmapped(self) -> tuple[Placed, ...]:
        """Checks that no line of the mapping fits: they are in the document, and in no score."""
        return tuple(one for one in self.placed if one.indicator is None and one.reason is None)

    @property
    def total(self) -> int | None:
        """The total in basis points, None where nothing was assessed."""
        score = self.marks[ROOT].score
        return None if score is None else basis_points(score)

    @property
    def coverage(self) -> int:
        """Share of the weight that was assessed, in basis points."""
        return basis_points(self.marks[ROOT].coverage)

    def document(self) -> dict[str, Any]:
        """All that the score follows from, as JSON."""
        return {
            "format": FORMAT,
            "tool": self.reading.tool,
            **({"version": self.reading.version} if self.reading.version else {}),
            "files": [{"name": name, "sha256": digest} for name, digest in self.files],
            "mapping": self.mapping.model_dump(mode="json", exclude_none=True),
            "profile": self.profile.document(),
            "checks": [_told(one) for one in self.placed],
            "total": self.total,
            "coverage": self.coverage,
        }

    def canonical(self) -> bytes:
        """:meth:`document` in canonical form (RFC 8785)."""
        return canonical_json(self.document())

    def digest(self) -> bytes:
        """SHA-256 of :meth:`canonical`, 32 bytes."""
        return hashlib.sha256(self.canonical()).digest()

    def outcomes(self) -> list[RuleOutcome]:
        """The scored checks as a statement tells them."""
        return [
            RuleOutcome(
                rule=one.rule,
                indicator=one.indicator,
                severity="major",
                state=one.found.state.value,
                evaluated=one.found.evaluated,
                failing=one.found.failing,
                reason=one.found.reason,
            )
            for one in self.placed
            if one.indicator is not None
        ]

    def draft(
        self, *, entry: str, edition: int, period: tuple[date, date], public: bool = True
    ) -> ScoreDraft:
        """The score to be signed; without ``public`` (a restricted entry) no check is named in it.

        Raises :class:`ValueError` where nothing was assessed: then there is no score.
        """
        if self.total is None:
            raise ValueError("none of the checks counts for an indicator, so there is no score")
        told = self.outcomes()
        marks = {one.name: self.marks[one.code].score for one in DIMENSIONS}
        return ScoreDraft(
            entry=entry,
            edition=edition,
            period_start=period[0],
            period_end=period[1],
            scores={
                name: None if score is None else basis_points(score)
                for name, score in marks.items()
            },
            total=self.total,
            coverage=self.coverage,
            rule_set=self.mapping.digest().hex(),
            weights_digest=self.profile.digest().hex(),
            result_digest=self.digest().hex(),
            profile=self.profile.name,
            grade=grade_of(self.total, self.profile.grade_table()),
            method=" ".join(
                filter(None, ("imported from", self.reading.tool, self.reading.version))
            ),
            outcomes=tuple(told) if public and 0 < len(told) <= MOST_OUTCOMES else None,
        )


def imported(
    reading: Reading,
    files: Sequence[tuple[str, bytes]],
    mapping: CheckMapping,
    profile: WeightProfile,
) -> Imported:
    """Checks placed under their indicators and scored. ``files`` are names and bytes as they were."""
    placed: list[Placed] = []
    for number, found in enumerate(reading.checks, start=1):
        line = line_of(found, mapping.checks)
        known = None if line is None or line.indicator == NONE else line.indicator
        placed.append(Placed(_rule_id(number, found), found, known, line.reason if line else None))
    outcomes = [
        Outcome(
            one.rule,
            one.indicator,
            one.found.state,
            one.found.evaluated,
            one.found.failing,
            one.found.reason,
        )
        for one in placed
        if one.indicator is not None
    ]
    return Imported(
        reading=reading,
        files=tuple((name, hashlib.sha256(data).hexdigest()) for name, data in files),
        mapping=mapping,
        profile=profile,
        placed=tuple(placed),
        marks=marks_of(outcomes, profile),
    )


def _rule_id(number: int, found: Found) -> str:
    """A name for a check, unique in its file by the number in front."""
    words = "-".join(filter(None, (found.check, found.column)))
    plain = _NOT_IN_AN_ID.sub("_", words.lower()).strip("_.-")
    return f"{number:04d}-{plain or 'check'}"[:_ID_LENGTH].rstrip("_.-")


def _told(one: Placed) -> dict[str, Any]:
    found = one.found
    told = {
        "rule": one.rule,
        "check": found.check,
        "column": found.column,
        "table": found.table,
        "indicator": one.indicator,
        "left_out": one.reason if one.indicator is None else None,
        "state": found.state.value,
        "evaluated": str(found.evaluated),
        "failing": str(found.failing),
        "reason": found.reason,
    }
    return {name: value for name, value in told.items() if value is not None}

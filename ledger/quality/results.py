"""The result document (结果文件) of an assessment: all that a score was made of, in canonical JSON.

It holds the rule set and the weights themselves, so that it alone and the data are enough to do the
assessment again; the exact marks; and the secret with which the data's root was salted. The statement
on the ledger has its SHA-256. With 32 random bytes inside, nobody can guess the document from that;
and whoever has the document can test guesses about the data, so it is kept like the data. It holds
counts and names from the rule file, never a value of the data.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ledger.canonical import CanonicalError, canonical_json, parse_json
from ledger.quality.dimensions import DIMENSIONS, grade_of
from ledger.quality.ruleset import RuleFileError, RuleSet
from ledger.quality.scoring import ROOT, Mark, Outcome, State, basis_points, marks_of
from ledger.quality.statements import RuleOutcome, ScoreDraft
from ledger.quality.weights import WeightProfile

FILE_MODE = 0o600
MAX_RESULT_BYTES = 1 << 24
Hex32 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Subject(_Part):
    """What is assessed: which edition of which entry, in which period, as of which day.

    ``cycle`` is the entry's update cycle, ``items`` its items as the edition lists them.
    """

    entry: str
    edition: int
    period_start: date
    period_end: date
    day: date
    cycle: str | None = None
    items: tuple[dict[str, Any], ...] | None = None


class Data(_Part):
    """Which data: ``root`` of the salted rows and ``schema`` of their encoding where they have a key,
    the ``secret`` of the salt, and the number of the delivery that they are.
    """

    rows: int
    secret: Hex32
    root: Hex32 | None = None
    row_schema: dict[str, Any] | None = None
    delivery: int | None = None


class ReferenceData(_Part):
    """Which reference data: the columns that rules read, and a digest of their distinct rows."""

    columns: tuple[str, ...]
    rows: int
    digest: Hex32


class MarkTold(_Part):
    """A mark in exact form: ``score`` and ``coverage`` as fractions ``a/b``, and in basis points."""

    code: str
    state: Literal["assessed", "not_applicable", "not_assessable"]
    score: str | None = None
    points: int | None = None
    coverage: str
    coverage_points: int
    evaluated: int
    satisfied: int


class Result(_Part):
    """An assessment, whole."""

    format: Literal["govledger-quality-result/1"] = "govledger-quality-result/1"
    subject: Subject
    rules: RuleSet
    profile: WeightProfile
    data: Data
    references: dict[str, ReferenceData] = Field(default_factory=dict)
    outcomes: tuple[RuleOutcome, ...]
    marks: tuple[MarkTold, ...]
    total: int | None
    coverage: int
    grade: str | None

    def canonical(self) -> bytes:
        """The document as it is kept and hashed (RFC 8785)."""
        document = self.model_dump(mode="json", by_alias=True, exclude_none=True)
        document["rules"] = self.rules.document()
        document["profile"] = self.profile.document()
        return canonical_json(document)

    def digest(self) -> bytes:
        """SHA-256 of :meth:`canonical`, 32 bytes."""
        return hashlib.sha256(self.canonical()).digest()

    def mark(self, code: str) -> MarkTold:
        """The mark of an indicator; ``""`` is the total's."""
        return next(one for one in self.marks if one.code == code)

    def draft(self, *, public: bool = True, notes: str | None = None) -> ScoreDraft:
        """The score to be signed. Without ``public`` (a restricted entry) outcomes stay out of it."""
        scores = {one.name: self.mark(one.code).points for one in DIMENSIONS}
        told = [one for one in self.outcomes if public]
        return ScoreDraft(
            entry=self.subject.entry,
            edition=self.subject.edition,
            period_start=self.subject.period_start,
            period_end=self.subject.period_end,
            scores=scores,
            total=self.total if self.total is not None else 0,
            coverage=self.coverage,
            rule_set=self.rules.digest().hex(),
            data_root=self.data.root,
            notes=notes,
            weights_digest=self.profile.digest().hex(),
            result_digest=self.digest().hex(),
            profile=self.profile.name,
            grade=self.grade,
            day=self.subject.day,
            rows=self.data.rows,
            delivery=self.data.delivery,
            outcomes=tuple(told) or None,
        )

    def save(self, place: Path) -> None:
        """Write the document, readable by its owner alone; whole, or not at all. Raises :class:`OSError`."""
        draft = place.with_name(f".{place.name}.{os.getpid()}.part")
        try:
            with os.fdopen(
                os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, FILE_MODE), "wb"
            ) as file:
                file.write(self.canonical())
                file.flush()
                os.fsync(file.fileno())
            draft.replace(place)
        finally:
            draft.unlink(missing_ok=True)


def result_of(
    subject: Subject,
    rules: RuleSet,
    profile: WeightProfile,
    data: Data,
    *,
    references: Mapping[str, ReferenceData],
    outcomes: Sequence[Outcome],
) -> Result:
    """The result of outcomes under a profile: marks, total, coverage, grade."""
    marks = marks_of(outcomes, profile)
    root = marks[ROOT]
    total = None if root.score is None else basis_points(root.score)
    severities = {rule.id: rule.severity.value for rule in rules.rules}
    return Result(
        subject=subject,
        rules=rules,
        profile=profile,
        data=data,
        references=dict(references),
        outcomes=tuple(_told(one, severities[one.rule]) for one in outcomes),
        marks=tuple(_mark(mark) for mark in marks.values()),
        total=total,
        coverage=basis_points(root.coverage),
        grade=grade_of(total, profile.grade_table()),
    )


def load_result(place: Path) -> Result:
    """A result document from a file; raises :class:`RuleFileError` for one that is none."""
    try:
        data = place.read_bytes()
        result = Result.model_validate(parse_json(data, MAX_RESULT_BYTES))
    except (CanonicalError, ValidationError) as error:
        first = str(error).splitlines()[0]
        raise RuleFileError(
            [f"{place.name}: not a result document: {first}"],
            zh=f"{place.name} 不是结果文件：{first}",
        ) from error
    if result.canonical() != data:
        raise RuleFileError(
            [f"{place.name}: not in canonical form, so that its digest is another"],
            zh=f"{place.name} 不是规范形式，其摘要已改变",
        )
    return result


def _told(one: Outcome, severity: str) -> RuleOutcome:
    return RuleOutcome.model_validate(
        {
            "rule": one.rule,
            "indicator": one.indicator,
            "severity": severity,
            "state": one.state.value,
            "evaluated": one.evaluated,
            "failing": one.failing,
            "reason": one.reason,
        }
    )


def _mark(mark: Mark) -> MarkTold:
    score, coverage = mark.score, mark.coverage
    return MarkTold.model_validate(
        {
            "code": mark.code,
            "state": mark.state.value,
            "score": None if score is None else f"{score.numerator}/{score.denominator}",
            "points": None if score is None else basis_points(score),
            "coverage": f"{coverage.numerator}/{coverage.denominator}",
            "coverage_points": basis_points(coverage),
            "evaluated": mark.evaluated,
            "satisfied": mark.satisfied,
        }
    )


def observed_in(outcomes: Iterable[RuleOutcome]) -> dict[str, tuple[int, int]]:
    """Counts of outcomes by rule, of those that were assessed."""
    return {
        one.rule: (one.evaluated, one.failing)
        for one in outcomes
        if one.state == State.ASSESSED.value
    }

"""Building quality scores (质量评分): no signing, no I/O, no clock."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    ValidationInfo,
    field_validator,
    model_validator,
)

from ledger.bodies import Day, Line, Prose
from ledger.canonical import MAX_INTEGER, canonical_json
from ledger.days import day_in, day_number
from ledger.quality.dimensions import (
    DEFAULT_WEIGHTS,
    DIMENSIONS,
    FULL,
    assessed_bits,
    check_weights,
    coverage_of,
    total_of,
)
from ledger.statements import MAX_BATCH, SCORE, Batch, StatementError

ZERO = bytes(32)
BasisPoints = Annotated[int, Field(ge=0, le=FULL, strict=True)]


def _weights(numbers: tuple[int, ...]) -> tuple[int, ...]:
    check_weights(numbers)
    return numbers


def _weight_list(numbers: list[int]) -> list[int]:
    check_weights(numbers)
    return numbers


def _day_text(text: str) -> str:
    day_in(text)
    return text


Weights = Annotated[tuple[int, ...], AfterValidator(_weights)]
Digest = Annotated[str, Field(pattern=r"^(0x)?[0-9a-fA-F]{64}$")]


class RuleOutcome(BaseModel):
    """What one rule of an assessment counted: of ``evaluated`` elements ``failing`` fail it.

    ``reason`` is why nothing was counted, a code of :data:`ledger.quality.reasons.REASONS`.
    """

    model_config = ConfigDict(extra="ignore", frozen=True, strict=True)

    rule: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_.-]{0,63}$")]
    indicator: Annotated[str, Field(pattern=r"^0[1-6][0-9]{4}$")]
    severity: Literal["critical", "major", "minor", "info"]
    state: Literal["assessed", "not_applicable", "not_assessable"]
    evaluated: Annotated[int, Field(ge=0, le=MAX_INTEGER)] = 0
    failing: Annotated[int, Field(ge=0, le=MAX_INTEGER)] = 0
    reason: Annotated[str, Field(pattern=r"^[a-z_]{1,32}$")] | None = None

    @model_validator(mode="after")
    def _counted(self) -> Self:
        if self.failing > self.evaluated:
            raise ValueError("more elements fail than were evaluated")
        if (self.state == "assessed") != (self.evaluated > 0):
            raise ValueError("elements were evaluated where, and only where, the rule was assessed")
        return self


def _once(outcomes: list[RuleOutcome]) -> list[RuleOutcome]:
    if len({one.rule for one in outcomes}) != len(outcomes):
        raise ValueError("a rule stands there twice")
    return outcomes


class ScoreBody(BaseModel):
    """Body of a ``Score`` statement. What it repeats of the typed members must agree with them.

    An assessment by rules also says with which weights it was made (``weights_digest``,
    ``profile``), which result document it comes from (``result_digest``), on which day it was made,
    of how many rows or which delivery, the grade in the profile's own scale, and what each rule
    counted. Outcomes of a restricted entry are in the result document alone.
    """

    model_config = ConfigDict(extra="ignore", frozen=True, strict=True)

    entry: Line
    edition: int
    total: int | None = None
    weights: Annotated[list[int], AfterValidator(_weight_list)] | None = None
    method: Prose | None = None
    notes: Prose | None = None
    weights_digest: Digest | None = None
    result_digest: Digest | None = None
    profile: Line | None = None
    grade: Annotated[str, Field(min_length=1, max_length=16)] | None = None
    day: Annotated[str, AfterValidator(_day_text)] | None = None
    rows: Annotated[int, Field(ge=0, le=MAX_INTEGER)] | None = None
    delivery: Annotated[int, Field(ge=1, lt=1 << 31)] | None = None
    outcomes: Annotated[list[RuleOutcome], Field(max_length=500), AfterValidator(_once)] | None = (
        None
    )


class ScoreDraft(BaseModel):
    """A score as an assessor states it; pydantic refuses one that cannot stand, naming the field.

    ``scores`` has one member for each assessed dimension
    (:data:`~ledger.quality.dimensions.DIMENSIONS` by name), in basis points. Without ``total`` it
    is the weighted mean; with both ``total`` and ``weights`` they must agree. Without ``coverage``
    it is the weight of what was assessed.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)

    entry: Line
    edition: Annotated[int, Field(ge=1, lt=1 << 31)]
    period_start: Day
    period_end: Day
    scores: dict[str, BasisPoints | None]
    weights: Weights | None = None
    total: BasisPoints | None = None
    coverage: BasisPoints | None = None
    rule_set: Digest
    """SHA-256 of the rule set, hexadecimal."""
    data_root: Digest | None = None
    """Record root of the data that was assessed, hexadecimal; None where it is not stated."""
    method: Prose | None = None
    notes: Prose | None = None
    weights_digest: Digest | None = None
    result_digest: Digest | None = None
    profile: Line | None = None
    grade: Annotated[str, Field(min_length=1, max_length=16)] | None = None
    day: Day | None = None
    """Day of the assessment, from which freshness was reckoned."""
    rows: Annotated[int, Field(ge=0, le=MAX_INTEGER)] | None = None
    delivery: Annotated[int, Field(ge=1, lt=1 << 31)] | None = None
    """Number of the delivery whose records were assessed; its root is then the data's."""
    outcomes: Annotated[tuple[RuleOutcome, ...], Field(max_length=500)] | None = None
    version: Annotated[int, Field(ge=1)] = 1

    @field_validator("period_end")
    @classmethod
    def _ends_after_start(cls, end: date, info: ValidationInfo) -> date:
        start = info.data.get("period_start")
        if start is not None and end < start:
            raise ValueError(f"the period ends before it starts on {start}")
        return end

    @field_validator("scores")
    @classmethod
    def _known_dimensions(cls, scores: dict[str, int | None]) -> dict[str, int | None]:
        known = [dimension.name for dimension in DIMENSIONS]
        for name in scores:
            if name not in known:
                raise ValueError(f"{name!r} is no dimension: one of {', '.join(known)}")
        return scores

    @field_validator("total")
    @classmethod
    def _total_agrees(cls, total: int | None, info: ValidationInfo) -> int | None:
        if total is None or "scores" not in info.data:
            return total
        scores, weights = _in_order(info.data["scores"]), info.data.get("weights")
        if total and assessed_bits(scores) == 0:
            raise ValueError("nothing was assessed, so there is no total")
        if weights is not None and total != (total_of(scores, weights) or 0):
            raise ValueError(f"the weights give {total_of(scores, weights)}, not {total}")
        return total

    def in_order(self) -> list[int | None]:
        """Scores in the order of :data:`~ledger.quality.dimensions.DIMENSIONS`."""
        return _in_order(self.scores)

    def used_weights(self) -> tuple[int, ...] | None:
        """The weights that the total follows from: given ones, or ours where no total is given."""
        return self.weights or (DEFAULT_WEIGHTS if self.total is None else None)

    def values(self) -> dict[str, int | str | bytes]:
        """The typed members."""
        scores, weights = self.in_order(), self.used_weights()
        total = self.total if weights is None else total_of(scores, weights)
        coverage = self.coverage
        if coverage is None:
            coverage = coverage_of(scores, weights or DEFAULT_WEIGHTS)
        return {
            "entry": self.entry,
            "version": self.version,
            "edition": self.edition,
            "periodStart": day_number(self.period_start),
            "periodEnd": day_number(self.period_end),
            "assessed": assessed_bits(scores),
            **{
                dimension.name: score or 0
                for dimension, score in zip(DIMENSIONS, scores, strict=True)
            },
            "total": total or 0,
            "coverage": coverage,
            "ruleSet": _digest(self.rule_set),
            "dataRoot": _digest(self.data_root) if self.data_root else ZERO,
        }

    def body(self) -> bytes:
        """The canonical JSON that is published."""
        weights = self.used_weights()
        said: dict[str, Any] = {
            "entry": self.entry,
            "edition": self.edition,
            "weights": list(weights) if weights else None,
            "method": self.method,
            "notes": self.notes,
            "weights_digest": self.weights_digest and self.weights_digest.removeprefix("0x"),
            "result_digest": self.result_digest and self.result_digest.removeprefix("0x"),
            "profile": self.profile,
            "grade": self.grade,
            "day": None if self.day is None else self.day.isoformat(),
            "rows": self.rows,
            "delivery": self.delivery,
            "outcomes": None
            if self.outcomes is None
            else [one.model_dump(exclude_none=True) for one in self.outcomes],
        }
        return canonical_json({name: value for name, value in said.items() if value is not None})


def score(drafts: Sequence[ScoreDraft], *, speaker: str, deadline: int) -> Batch:
    """One batch of scores by the organisation ``speaker``; ``deadline`` in Unix seconds.

    Raises :class:`~ledger.statements.StatementError` for none, too many, or one entry and period
    twice.
    """
    if not 0 < len(drafts) <= MAX_BATCH:
        raise StatementError(f"a batch has 1 to {MAX_BATCH} statements, this one {len(drafts)}")
    seen: set[tuple[str, date, date]] = set()
    for draft in drafts:
        subject = (draft.entry, draft.period_start, draft.period_end)
        if subject in seen:
            raise StatementError(
                f"entry {draft.entry}, {draft.period_start} to {draft.period_end}, "
                "stands twice in one batch; send two batches"
            )
        seen.add(subject)
    return Batch(
        struct=SCORE,
        organisation=speaker,
        deadline=deadline,
        values=tuple(draft.values() for draft in drafts),
        bodies=tuple(draft.body() for draft in drafts),
    )


def _in_order(scores: dict[str, int | None]) -> list[int | None]:
    return [scores.get(dimension.name) for dimension in DIMENSIONS]


def _digest(text: str) -> bytes:
    return bytes.fromhex(text.removeprefix("0x"))

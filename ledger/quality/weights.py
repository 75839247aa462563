"""Weight profiles (权重方案): documents with a digest of their own.

DB31/T 1523-2024 asks for weights at three levels, adding up to 1 under each parent, and leaves them to
the evaluator; it gives no grades. What stands in :data:`DEFAULT_PROFILE` is this project's own and
says so. Under a parent for which a profile says nothing, all children weigh the same: that is the
mean by which the standard itself forms 010100 and 040200.
"""

from __future__ import annotations

import hashlib
from fractions import Fraction
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from ledger.bodies import Line
from ledger.canonical import canonical_json
from ledger.quality.dimensions import DEFAULT_GRADES, DEFAULT_WEIGHTS, DIMENSIONS, FULL
from ledger.quality.indicators import CHILDREN, INDICATORS

Weight = Annotated[int, Field(ge=0, le=FULL, strict=True)]
GradeName = Annotated[str, Field(min_length=1, max_length=16)]


class Grade(BaseModel):
    """A grade (等级) and the least total, in basis points, that earns it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    grade: GradeName
    from_: Annotated[Weight, Field(alias="from")]


class WeightProfile(BaseModel):
    """Weights in basis points by indicator code, and grades, best first.

    Codes below one parent add up to 10000 and stand there all or none. ``origin`` says whose the
    weights are: ``project`` for this project's default, ``evaluator`` for all others.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)

    format: Literal["govledger-weights/1"] = "govledger-weights/1"
    name: Line
    origin: Literal["project", "evaluator"] = "evaluator"
    weights: dict[str, Weight] = Field(default_factory=dict)
    grades: tuple[Grade, ...] = tuple(
        Grade.model_validate({"grade": name, "from": least}) for least, name in DEFAULT_GRADES
    )
    note: Line | None = None

    @model_validator(mode="after")
    def _checked(self) -> Self:
        for code in self.weights:
            if code not in INDICATORS:
                raise ValueError(f"weights: {code!r} is no indicator of DB31/T 1523-2024")
        for parent, children in CHILDREN.items():
            given = [code for code in children if code in self.weights]
            if not given:
                continue
            under = f"under {parent}" if parent else "of the first level"
            missing = [code for code in children if code not in self.weights]
            if missing:
                raise ValueError(
                    f"weights: {', '.join(missing)} missing; the weights {under} stand there all or none"
                )
            total = sum(self.weights[code] for code in given)
            if total != FULL:
                raise ValueError(f"weights: those {under} add up to {total}, not to {FULL}")
        floors = [one.from_ for one in self.grades]
        if not floors or floors != sorted(set(floors), reverse=True) or floors[-1] != 0:
            raise ValueError("grades: thresholds fall from grade to grade, and the last is 0")
        if len({one.grade for one in self.grades}) != len(self.grades):
            raise ValueError("grades: a grade stands there twice")
        return self

    def share(self, code: str) -> Fraction:
        """The weight of an indicator under its parent, in 0..1."""
        siblings = CHILDREN[INDICATORS[code].parent]
        if code in self.weights:
            return Fraction(self.weights[code], FULL)
        return Fraction(1, len(siblings))

    def grade_table(self) -> tuple[tuple[int, str], ...]:
        """Least total and grade, best first, as :func:`ledger.quality.dimensions.grade_of` takes it."""
        return tuple((one.from_, one.grade) for one in self.grades)

    def document(self) -> dict[str, Any]:
        """The profile as JSON values, defaults written out."""
        return self.model_dump(mode="json", by_alias=True, exclude_none=True)

    def canonical(self) -> bytes:
        """The document whose SHA-256 is the profile's digest (RFC 8785)."""
        return canonical_json(self.document())

    def digest(self) -> bytes:
        """SHA-256 of :meth:`canonical`, 32 bytes."""
        return hashlib.sha256(self.canonical()).digest()


DEFAULT_PROFILE = WeightProfile(
    name="GovLedger default / 本项目默认权重(非标准规定)",
    origin="project",
    weights={
        dimension.code: weight
        for dimension, weight in zip(DIMENSIONS, DEFAULT_WEIGHTS, strict=True)
    },
    note="The standard leaves weights to the evaluator; these are this project's own.",
)
"""Our own weights of the first level; below it every indicator weighs the same."""

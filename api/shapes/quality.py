"""Quality scores (质量评分)."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from api.shapes.base import Hex32, Index, PartyName, Shape, Size, Time

Rate = Annotated[int, Field(ge=0, le=10_000, description="基点 basis points")]


class DimensionScore(Shape):
    """One dimension; null where it was not assessed."""

    code: str
    zh: str
    en: str
    score: Rate | None


class ScoreDocument(Shape):
    """One organisation's score of one entry in one period."""

    entry: str
    edition: int
    period_start: str
    period_end: str
    assessor: PartyName | None
    assessor_hash: Hex32
    self_assessment: bool | None
    dimensions: list[DimensionScore]
    total: Rate | None
    grade: str | None
    coverage: Rate
    rule_set: Hex32
    data_root: Hex32 | None
    method: str | None
    notes: str | None
    weights: list[int] | None
    version: int
    recorded_at: Time
    leaf_from: Index
    leaf_until: Index | None


class ScorePage(Shape):
    """One page of scores, the newest statement first."""

    as_of: Size
    log_size: Size
    items: list[ScoreDocument]
    next: str | None


class StandingDocument(Shape):
    """An organisation by the quality of its published entries; null where nothing can be said."""

    organisation: PartyName
    level: str
    entries: int
    scored: int
    rate: Rate | None
    mean: Rate | None
    lowest: Rate | None
    grade: str | None
    grades: dict[str, int]


class LeagueDocument(Shape):
    """Every active organisation, best mean first."""

    as_of: Size
    items: list[StandingDocument]

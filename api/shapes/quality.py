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
    weights_digest: Hex32 | None
    result_digest: Hex32 | None
    profile: str | None
    stated_grade: str | None
    day: str | None
    rows: int | None
    delivery: int | None
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


class Coded(Shape):
    """A code with its names in both languages."""

    code: str
    zh: str
    en: str


class OutcomeDocument(Shape):
    """What one rule counted: of ``evaluated`` elements ``failing`` fail it; ``rate`` satisfy it."""

    entry: str
    rule: str
    indicator: Coded
    severity: Coded
    state: Coded
    evaluated: int
    failing: int
    rate: Rate | None
    reason: Coded | None
    leaf: Index


class ScoreDetail(ScoreDocument):
    """A score with what each rule counted; empty where the entry is restricted, or no rules were told."""

    outcomes: list[OutcomeDocument]


class ScoreHistory(Shape):
    """Every score that was stated of an entry, the first one first."""

    as_of: Size
    items: list[ScoreDocument]


class TrendPoint(Shape):
    """How quality stood in the periods that end on one day; ``change`` since the point before."""

    period_end: str
    entries: int
    mean: Rate | None
    grade: str | None
    change: int | None
    dimensions: list[DimensionScore]


class TrendDocument(Shape):
    """Points, the oldest first."""

    as_of: Size
    items: list[TrendPoint]


class WorstRules(Shape):
    """Rules that fail the greatest share of their elements, worst first."""

    as_of: Size
    items: list[OutcomeDocument]


class IndicatorDocument(Shape):
    """An indicator of DB31/T 1523-2024; ``parent`` is empty on the first level."""

    code: str
    parent: str
    level: Annotated[int, Field(ge=1, le=3)]
    zh: str
    en: str
    inverted: bool
    gb36344: bool
    iso25012: list[str]
    iso8000: str


class IndicatorTree(Shape):
    """The indicators, and this project's default weights with their digest."""

    items: list[IndicatorDocument]
    default_profile: dict[str, object]
    default_profile_digest: Hex32


class ImportedCheck(Shape):
    """One check of another tool; ``indicator`` is missing where no mapping knows it."""

    rule: str
    check: str
    column: str | None = None
    table: str | None = None
    indicator: str | None = None
    left_out: str | None = None
    state: str
    evaluated: str
    failing: str
    reason: str | None = None


class ImportedFile(Shape):
    """A file as it was handed in."""

    name: str
    sha256: str


class ImportedResult(Shape):
    """What another tool found, scored; ``draft`` is ready for `POST /statements/prepare`."""

    format: str
    tool: str
    version: str | None = None
    files: list[ImportedFile]
    mapping: dict[str, object]
    profile: dict[str, object]
    checks: list[ImportedCheck]
    total: Rate | None
    coverage: Rate
    digest: Hex32
    draft: dict[str, object] | None

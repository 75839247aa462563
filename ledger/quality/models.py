"""Tables of quality scores (质量评分), one row a statement, and of what each rule counted."""

from __future__ import annotations

from sqlalchemy import BigInteger, Index, LargeBinary, Text
from sqlmodel import Field

from ledger.store.tables import Ranged, table_of


class ScoreRow(Ranged, table=True):
    """What one statement said of an entry's quality in one period, as one organisation saw it.

    Scores in basis points 0..10000; a dimension that was not assessed is null, never 0.
    """

    __tablename__ = "quality_score"
    __table_args__ = (Index(None, "entry", "period_end"),)

    subject: bytes = Field(sa_type=LargeBinary, primary_key=True)
    """Entry, period and assessor, hashed (:func:`ledger.statements.score_subject`)."""
    leaf_from: int = Field(primary_key=True, index=True)
    version: int
    entry: str
    """Code of the catalogue entry (目录条目)."""
    edition: int = Field(sa_type=BigInteger)
    """Edition of the entry that was assessed."""
    period_start: int
    """First day, YYYYMMDD."""
    period_end: int
    """Last day, YYYYMMDD."""
    assessor: bytes = Field(sa_type=LargeBinary)
    """Keccak-256 of the assessing organisation's code."""
    assessed: int
    """Bit i set where dimension i was assessed, 规范性 at bit 0."""
    normativity: int | None
    completeness: int | None
    accuracy: int | None
    consistency: int | None
    timeliness: int | None
    accessibility: int | None
    total: int | None
    """Null where nothing was assessed."""
    coverage: int
    """Share of the rules that could be assessed, in basis points."""
    rule_set: bytes = Field(sa_type=LargeBinary)
    """SHA-256 of the rule set."""
    data_root: bytes | None = Field(sa_type=LargeBinary)
    """Record root of the data that was assessed; null where it is not stated."""
    method: str | None = Field(sa_type=Text)
    notes: str | None = Field(sa_type=Text)
    weights: str | None
    """JSON array of six weights in basis points from which the total follows; null: not stated."""
    weights_digest: bytes | None = Field(sa_type=LargeBinary)
    """SHA-256 of the weight profile."""
    result_digest: bytes | None = Field(sa_type=LargeBinary)
    """SHA-256 of the result document, which its author keeps."""
    profile: str | None
    """Name of the weight profile."""
    grade: str | None
    """The grade in the profile's own scale."""
    day: int | None
    """Day of the assessment, YYYYMMDD."""
    rows: int | None = Field(sa_type=BigInteger)
    """Rows of the table that was assessed."""
    delivery: int | None
    """Number of the delivery whose records were assessed."""
    recorded_at: int = Field(sa_type=BigInteger)
    """Block time of the statement, Unix seconds."""


class OutcomeRow(Ranged, table=True):
    """What one rule counted, as the score at leaf ``leaf_from`` tells it; it holds while that does."""

    __tablename__ = "quality_outcome"
    __table_args__ = (Index(None, "entry", "rule"),)

    leaf_from: int = Field(primary_key=True, index=True)
    rule: str = Field(primary_key=True)
    entry: str
    indicator: str
    """Code of the leaf indicator in DB31/T 1523-2024."""
    severity: str
    state: str
    """``assessed``, ``not_applicable`` or ``not_assessable``."""
    evaluated: int = Field(sa_type=BigInteger)
    failing: int = Field(sa_type=BigInteger)
    reason: str | None


SCORES = table_of(ScoreRow)
OUTCOMES = table_of(OutcomeRow)

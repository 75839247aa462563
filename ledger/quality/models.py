"""Table of quality scores (质量评分), one row a statement, ranged by leaf."""

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
    recorded_at: int = Field(sa_type=BigInteger)
    """Block time of the statement, Unix seconds."""


SCORES = table_of(ScoreRow)

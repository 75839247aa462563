"""Table of anchored audit reports (审计报告), one row a statement, ranged by leaf."""

from __future__ import annotations

from sqlalchemy import BigInteger, LargeBinary, String, Text
from sqlmodel import Field

from ledger.store.tables import Ranged, table_of

CODE = String().with_variant(String(collation="C"), "postgresql")
"""Text whose order is that of its bytes on every database, so that pages come out the same."""


class ReportRow(Ranged, table=True):
    """What one statement said of a report: which bytes, about what, computed at which size and root."""

    __tablename__ = "audit_report"

    code: str = Field(primary_key=True, sa_type=CODE)
    leaf_from: int = Field(primary_key=True, index=True)
    version: int
    type: str
    """:class:`ledger.codes.ReportType`."""
    scope: str = Field(sa_type=Text)
    """Canonical JSON, ``{}`` for the whole ledger."""
    size: int = Field(sa_type=BigInteger)
    """Size of the log that the report was computed at."""
    root: bytes = Field(sa_type=LargeBinary)
    """Root of the log at that size, as the auditor stated it."""
    numerator: int = Field(sa_type=BigInteger)
    denominator: int = Field(sa_type=BigInteger)
    report: bytes = Field(sa_type=LargeBinary, index=True)
    """SHA-256 of the report's bytes."""
    metric: str | None
    """Which metric numerator and denominator are of."""
    rate: int | None
    """Basis points; null where the denominator is 0 or none is stated."""
    policy: bytes | None = Field(sa_type=LargeBinary)
    """SHA-256 of the policy that the report was made under; null where none is stated."""
    note: str | None = Field(sa_type=Text)
    organisation: bytes = Field(sa_type=LargeBinary)
    """Keccak-256 of the auditing organisation's code."""
    signer: bytes = Field(sa_type=LargeBinary)
    recorded_at: int = Field(sa_type=BigInteger)
    """Block time of the statement, Unix seconds."""


REPORTS = table_of(ReportRow)

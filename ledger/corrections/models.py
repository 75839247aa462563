"""Table of the steps of correction requests (校核申请), one row a statement, ranged by leaf.

A request is at most four statements: filed; taken up or not; answered or rejected; evaluated. What a request is,
and how it stands, is told by its steps together (:mod:`ledger.corrections.queries`).
"""

from __future__ import annotations

from sqlalchemy import Index, LargeBinary, String, Text
from sqlmodel import Field

from ledger.store.tables import Ranged, table_of
from ledger.store.types import BIG

CODE = String().with_variant(String(collation="C"), "postgresql")
"""Text whose order is that of its bytes on every database, so that pages come out the same."""


class StepRow(Ranged, table=True):
    """One step of a request; columns that a step does not state are null. The newest step is held."""

    __tablename__ = "correction_step"
    __table_args__ = (
        Index("ix_correction_step_entry", "entry"),
        Index("ix_correction_step_requester", "requester"),
        Index("ix_correction_step_follows", "follows"),
    )

    code: str = Field(primary_key=True, sa_type=CODE)
    leaf_from: int = Field(primary_key=True, index=True)
    version: int
    state: str
    """:class:`ledger.codes.CorrectionState`: what this step led to."""
    type: str
    """:class:`ledger.codes.CorrectionType`."""
    entry: str = Field(sa_type=CODE)
    """Code of the catalogue entry (目录条目)."""
    requester: str | None = Field(sa_type=CODE)
    """Code of the organisation that filed the request; on the filing alone."""
    title: str | None
    text: str | None = Field(sa_type=Text)
    """The description, the answer, or the comment of the step."""
    reasons: str = Field(sa_type=Text)
    """JSON array of codes of reasons."""
    category: str | None
    """:class:`ledger.corrections.words.Category`."""
    basis: str | None = Field(sa_type=Text)
    resource: str | None
    items: str = Field(sa_type=Text)
    """JSON array of names of data items."""
    attachments: str = Field(sa_type=Text)
    """JSON array of ``{name, sha256}``."""
    contact: str | None
    follows: str | None = Field(sa_type=CODE)
    """The request that this one takes up again."""
    assessment: str | None = Field(sa_type=Text)
    """JSON object: the quality assessment that the request rests on."""
    assessed_leaf: int | None = Field(sa_type=BIG)
    outcome: str | None
    """:class:`ledger.corrections.words.Outcome`."""
    edition: int | None = Field(sa_type=BIG)
    delivery: int | None = Field(sa_type=BIG)
    score: int | None
    """Evaluation 1..5."""
    solved: bool | None
    organisation: bytes = Field(sa_type=LargeBinary)
    """Keccak-256 of the code of the organisation that took the step."""
    signer: bytes = Field(sa_type=LargeBinary)
    recorded_at: int = Field(sa_type=BIG)
    """Block time of the statement, Unix seconds."""


STEPS = table_of(StepRow)

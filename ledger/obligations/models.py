"""Tables of the obligations to collect (归集义务), one row a statement, ranged by leaf.

Every row tells who said so: the speaker's organisation (hash), the key, and the authorisation. Days are
YYYYMMDD.
"""

from __future__ import annotations

from sqlalchemy import Index, LargeBinary, String, Text
from sqlmodel import Field

from ledger.store.tables import Ranged, table_of
from ledger.store.types import BIG

CODE = String().with_variant(String(collation="C"), "postgresql")
"""Text whose order is that of its bytes on every database, so that pages come out the same."""


class Spoken(Ranged):
    """A row that one statement made, and who made it."""

    version: int
    organisation: bytes = Field(sa_type=LargeBinary)
    """Keccak-256 of the code of the organisation that spoke."""
    signer: bytes = Field(sa_type=LargeBinary)
    authorisation: bytes = Field(sa_type=LargeBinary)
    recorded_at: int = Field(sa_type=BIG)
    """Block time of the statement, Unix seconds."""


class ObligationRow(Spoken, table=True):
    """What must be collected, as one statement of an authority left it."""

    __tablename__ = "obligation"
    __table_args__ = (
        Index("ix_obligation_parent", "parent"),
        Index("ix_obligation_responsible", "responsible"),
        Index("ix_obligation_source", "source"),
    )

    code: str = Field(primary_key=True, sa_type=CODE)
    leaf_from: int = Field(primary_key=True, index=True)
    type: str
    """:class:`ledger.codes.ObligationType`."""
    parent: str | None = Field(sa_type=CODE)
    """None for a duty."""
    responsible: str = Field(sa_type=CODE)
    """Code of the organisation that has the obligation."""
    status: str
    """:class:`ledger.codes.ObligationStatus`."""
    update_cycle: str | None
    library: str | None
    produces_data: bool
    """False for a duty from which no data come: it stands in the list and counts in no rate."""
    valid_from: int
    valid_until: int | None
    """Last day; None: open."""
    name: str
    name_en: str | None
    legal_basis: str = Field(sa_type=Text)
    """JSON array, at least one."""
    reasons: str = Field(sa_type=Text)
    """JSON array."""
    source: str | None = Field(sa_type=CODE)
    """What the obligation was imported from, ``list:record``."""
    note: str | None = Field(sa_type=Text)
    search: str = Field(sa_type=Text)
    """Names, code, legal basis: NFKC, lower case, a line each."""


class BindingRow(Spoken, table=True):
    """Which catalogue entry answers an obligation."""

    __tablename__ = "obligation_binding"
    __table_args__ = (Index("ix_obligation_binding_entry", "entry"),)

    obligation: str = Field(primary_key=True, sa_type=CODE)
    leaf_from: int = Field(primary_key=True, index=True)
    entry: str = Field(sa_type=CODE)
    status: str
    """:class:`ledger.codes.BindingStatus`."""
    reasons: str = Field(sa_type=Text)


class ObjectionRow(Spoken, table=True):
    """An objection to an obligation, or an authority's answer to it."""

    __tablename__ = "obligation_objection"

    obligation: str = Field(primary_key=True, sa_type=CODE)
    leaf_from: int = Field(primary_key=True, index=True)
    state: str
    """:class:`ledger.codes.ObjectionState`."""
    reasons: str = Field(sa_type=Text)


class ExemptionRow(Spoken, table=True):
    """What is exempt, from what, by which law and until when."""

    __tablename__ = "obligation_exemption"
    __table_args__ = (
        Index("ix_obligation_exemption_target", "target"),
        Index("ix_obligation_exemption_expires", "expires"),
    )

    code: str = Field(primary_key=True, sa_type=CODE)
    leaf_from: int = Field(primary_key=True, index=True)
    target: str = Field(sa_type=CODE)
    target_type: str
    """:class:`ledger.codes.ExemptionTarget`."""
    scope: int
    """Mask of :class:`ledger.codes.ExemptionScope`."""
    status: str
    """:class:`ledger.codes.ExemptionStatus`."""
    law: str = Field(sa_type=Text)
    approver: str = Field(sa_type=CODE)
    """Code of the organisation that approved, which is the one that spoke."""
    valid_from: int
    expires: int
    """Last day on which the exemption counts."""
    reasons: str = Field(sa_type=Text)


OBLIGATIONS = table_of(ObligationRow)
BINDINGS = table_of(BindingRow)
OBJECTIONS = table_of(ObjectionRow)
EXEMPTIONS = table_of(ExemptionRow)

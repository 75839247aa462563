"""Tables of organisations (机构) and their keys (密钥), one row a statement, ranged by leaf."""

from __future__ import annotations

from sqlalchemy import BigInteger, Index, LargeBinary, Text
from sqlmodel import Field

from ledger.store.tables import Ranged, table_of


class OrganisationRow(Ranged, table=True):
    """What one registration or amendment said of an organisation."""

    __tablename__ = "organisation"
    __table_args__ = (Index(None, "org_hash"),)

    code: str = Field(primary_key=True)
    """统一社会信用代码 (GB 32100-2015), or a provisional ``TMP-…`` code."""
    leaf_from: int = Field(primary_key=True, index=True)
    org_hash: bytes = Field(sa_type=LargeBinary)
    """Keccak-256 of the code: how statements name their organisation."""
    version: int
    name: str
    name_en: str | None
    parent: str | None
    """Code of the organisation above; None for the root."""
    level: str
    """:class:`ledger.codes.Level`."""
    status: str
    """:class:`ledger.codes.OrganisationStatus`."""
    region: str | None
    """Administrative division code (GB/T 2260), 6, 9 or 12 digits."""
    aliases: str = Field(sa_type=Text)
    """JSON array of other names."""
    uscc: str
    """``valid``, ``unchecked``, ``missing`` (a provisional code)
    or ``overridden`` (with evidence).
    """
    evidence: str | None = Field(sa_type=Text)
    haystack: str = Field(sa_type=Text)
    """Code and all names, case-folded, a line each: what a search looks through."""
    recorded_at: int = Field(sa_type=BigInteger)
    """Block time of the statement, Unix seconds."""


class KeyRow(Ranged, table=True):
    """What one statement said of a key."""

    __tablename__ = "organisation_key"

    address: str = Field(primary_key=True)
    """Checksummed (ERC-55)."""
    leaf_from: int = Field(primary_key=True, index=True)
    version: int
    organisation: str = Field(index=True)
    """Code of the holder."""
    roles: int
    """Bit mask of :class:`ledger.codes.Role`."""
    status: str
    """:class:`ledger.codes.KeyStatus`."""
    label: str | None
    reason: str | None = Field(sa_type=Text)
    recorded_at: int = Field(sa_type=BigInteger)


ORGANISATIONS = table_of(OrganisationRow)
KEYS = table_of(KeyRow)

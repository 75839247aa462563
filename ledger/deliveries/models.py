"""Tables of resources (数据资源), manifests (数据清单) and deliveries (归集交付), ranged by leaf.

One row a statement. Row values stand in none of them: roots, counts and names of columns only. The desk's
own table, derived from nothing, stands at the end.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Index, LargeBinary, String, Text
from sqlmodel import Field

from ledger.store.tables import DeskTable, Ranged, table_of

CODE = String().with_variant(String(collation="C"), "postgresql")
"""Text whose order is that of its bytes on every database, so that pages come out the same."""


class ResourceRow(Ranged, table=True):
    """A resource as one statement left it."""

    __tablename__ = "delivery_resource"
    __table_args__ = (Index(None, "entry"),)

    code: str = Field(primary_key=True, sa_type=CODE)
    leaf_from: int = Field(primary_key=True, index=True)
    version: int
    entry: str = Field(sa_type=CODE)
    """Code of the catalogue entry (目录条目) that it is mounted on."""
    type: str
    """:class:`ledger.codes.ResourceType`."""
    status: str
    """:class:`ledger.codes.ResourceStatus`."""
    name: str
    location: str | None
    """A label of where it is; never an address with credentials."""
    reasons: str = Field(sa_type=Text)
    """JSON array of text."""
    organisation: bytes = Field(sa_type=LargeBinary)
    """Keccak-256 of the speaking organisation's code."""
    recorded_at: int = Field(sa_type=BigInteger)
    """Block time of the statement, Unix seconds."""


class ManifestRow(Ranged, table=True):
    """What a department said it holds of an entry for a period: one row a version."""

    __tablename__ = "delivery_manifest"
    __table_args__ = (Index(None, "entry", "period_end"),)

    subject: bytes = Field(sa_type=LargeBinary, primary_key=True)
    """Keccak-256 of entry and period."""
    leaf_from: int = Field(primary_key=True, index=True)
    version: int = Field(sa_type=BigInteger)
    entry: str = Field(sa_type=CODE)
    edition: int = Field(sa_type=BigInteger)
    """Edition of the entry whose items the columns are."""
    period_start: int
    """First day, YYYYMMDD."""
    period_end: int
    """Last day, YYYYMMDD."""
    mode: str
    """:class:`ledger.codes.DeliveryMode`."""
    rows: int = Field(sa_type=BigInteger)
    row_schema: bytes = Field(sa_type=LargeBinary)
    """SHA-256 of the canonical schema."""
    root: bytes = Field(sa_type=LargeBinary)
    """Merkle root over the key-sorted salted row leaves."""
    buckets: bytes = Field(sa_type=LargeBinary)
    """SHA-256 of the 256 bucket fingerprints, which stand in the body."""
    columns_digest: bytes | None = Field(sa_type=LargeBinary)
    """Digest of the set of its columns' names (:func:`ledger.bodies.names_digest`); null where not public."""
    schema_text: str | None = Field(sa_type=Text)
    """The canonical schema; null where the entry's text is not public."""
    key_columns: str = Field(sa_type=Text)
    """JSON array of the key's columns; empty where the schema is not public."""
    encoding: str
    secret_check: bytes | None = Field(sa_type=LargeBinary)
    """Tells the manifest's secret from others without telling it."""
    resource: str | None
    note: str | None = Field(sa_type=Text)
    organisation: bytes = Field(sa_type=LargeBinary)
    """Keccak-256 of the speaking organisation's code."""
    body_digest: bytes = Field(sa_type=LargeBinary)
    """SHA-256 of the body: under it secrets and leaf tiles are kept."""
    recorded_at: int = Field(sa_type=BigInteger)


class DeliveryRow(Ranged, table=True):
    """What a collector received of an entry: one row a delivery, numbered by ``version``."""

    __tablename__ = "delivery"
    __table_args__ = (Index(None, "entry", "content"), Index(None, "period_end"))

    entry: str = Field(sa_type=CODE, primary_key=True)
    leaf_from: int = Field(primary_key=True, index=True)
    version: int = Field(sa_type=BigInteger)
    """Number of the delivery, from 1."""
    manifest: int = Field(sa_type=BigInteger)
    """Version of the manifest of entry and period that it was held against; 0: of none."""
    edition: int = Field(sa_type=BigInteger)
    period_start: int
    period_end: int
    mode: str
    rows: int = Field(sa_type=BigInteger)
    row_schema: bytes = Field(sa_type=LargeBinary)
    root: bytes = Field(sa_type=LargeBinary)
    content: bytes = Field(sa_type=LargeBinary)
    """The collector's keyed tag of the rows: equal tags of one entry mean equal rows."""
    predecessor: bytes | None = Field(sa_type=LargeBinary)
    """Root of the delivery before; null for the first."""
    claimed: bool
    """Whether the collector says that it is complete; roots decide."""
    differences: str | None = Field(sa_type=Text)
    """JSON object of counts."""
    note: str | None = Field(sa_type=Text)
    organisation: bytes = Field(sa_type=LargeBinary)
    """Keccak-256 of the collector's code."""
    body_digest: bytes = Field(sa_type=LargeBinary)
    recorded_at: int = Field(sa_type=BigInteger)


class ManifestSecretRow(DeskTable, table=True):
    """The salt secret of a manifest, AES-256-GCM encrypted; see :mod:`ledger.deliveries.keeping`."""

    __tablename__ = "manifest_secret"

    body_digest: str = Field(primary_key=True, max_length=64)
    """SHA-256 of the manifest's body, lower-case hex: each manifest has its own secret."""
    entry: str = Field(sa_type=Text)
    period_start: int
    period_end: int
    """YYYYMMDD."""
    key_check: bytes = Field(sa_type=LargeBinary)
    nonce: bytes = Field(sa_type=LargeBinary)
    ciphertext: bytes = Field(sa_type=LargeBinary)


RESOURCES = table_of(ResourceRow)
MANIFESTS = table_of(ManifestRow)
DELIVERIES = table_of(DeliveryRow)
MANIFEST_SECRETS = table_of(ManifestSecretRow)

"""Tables of the catalogue (目录), derived from filings and decisions, ranged by leaf.

``catalogue_entry`` has one row a statement: how the entry stood from that leaf on. Editions, items
and acts are only ever added to. ``catalogue_gram`` is the index of searches. The desk's own tables,
derived from nothing, stand at the end.
"""

from __future__ import annotations

from sqlalchemy import Column, Index, LargeBinary, String, Text
from sqlmodel import Field

from ledger.store.tables import DeskTable, MirrorTable, Ranged, table_of
from ledger.store.types import BIG

CODE = String().with_variant(String(collation="C"), "postgresql")
"""Text whose order is that of its bytes on every database, so that pages come out the same."""


class EntryRow(Ranged, table=True):
    """How an entry stands after one statement about it;
    typed values are those of its newest edition.
    """

    __tablename__ = "catalogue_entry"
    __table_args__ = (
        Index("ix_catalogue_entry_provider", "provider", info={"late": True}),
        Index("ix_catalogue_entry_source", "source", info={"late": True}),
    )

    code: str = Field(primary_key=True, sa_type=CODE)
    leaf_from: int = Field(primary_key=True, index=True)
    subject: bytes = Field(sa_type=LargeBinary)
    """Keccak-256 of the code."""
    version: int
    """Counts filings and decisions together."""
    state: str
    """:class:`ledger.codes.EntryState`."""
    edition: int
    """Counts filings alone; the newest one."""
    published_edition: int
    """The edition in force, 0 where none was ever published."""
    name: str | None
    """None for a restricted entry, like all that only its text says."""
    provider: str = Field(sa_type=CODE)
    provider_name: str | None
    share_type: str | None
    open_type: str | None
    grade: int | None
    update_cycle: str | None
    library: str | None
    level: str | None
    origin: str | None
    restricted: bool
    complete: bool
    """Whether no element that the law asks for is missing."""
    missing: str = Field(sa_type=Text)
    """JSON array of pointers to the elements that are missing."""
    item_count: int
    source: str | None = Field(sa_type=CODE)
    """``catalogue:record`` of an imported entry, see :class:`ledger.catalogue.entry.Source`."""
    bare_name: str | None = Field(sa_type=Text)
    """The name as duplicates are found by (:func:`ledger.catalogue.names.bare`)."""
    search: str = Field(sa_type=Text)
    """Name, items, codes, provider, abstract: NFKC, lower case, a line each."""
    recorded_at: int = Field(sa_type=BIG)
    """Block time of the statement, Unix seconds."""


class EditionRow(Ranged, table=True):
    """One filing: what was filed, word for word."""

    __tablename__ = "catalogue_edition"

    code: str = Field(primary_key=True, sa_type=CODE)
    leaf_from: int = Field(primary_key=True, index=True)
    edition: int
    version: int
    state: str
    """``draft`` or ``submitted``."""
    document: str = Field(sa_type=Text)
    """The body: canonical JSON of the entry, or the envelope of a restricted one."""
    item_count: int
    """Information items, each name once; 0 for a restricted entry."""
    names_digest: bytes | None = Field(sa_type=LargeBinary)
    """Digest of the set of its items' names (:func:`ledger.bodies.names_digest`); null where it has none."""
    names_en_digest: bytes | None = Field(sa_type=LargeBinary)
    """The same of their English names, where every item has one."""
    recorded_at: int = Field(sa_type=BIG)


class ItemRow(Ranged, table=True):
    """One information item (信息项) of one edition."""

    __tablename__ = "catalogue_item"
    __table_args__ = (
        Index("ix_catalogue_item_name", "name", "locally_generated", info={"late": True}),
    )

    code: str = Field(primary_key=True, sa_type=CODE)
    leaf_from: int = Field(primary_key=True, index=True)
    position: int = Field(primary_key=True)
    edition: int
    name: str
    name_en: str | None
    data_type: str | None
    length: int | None = Field(sa_type=BIG)
    precision: int | None
    share_type: str | None
    open_type: str | None
    grade: int | None
    sensitive: bool
    primary_key: bool
    locally_generated: bool | None
    """Whether the provider itself produces the item (本部门产生); null where it is not stated."""


class ActRow(Ranged, table=True):
    """One act in the life of an entry: a filing by its owner, or a decision by an authority."""

    __tablename__ = "catalogue_act"

    code: str = Field(primary_key=True, sa_type=CODE)
    leaf_from: int = Field(primary_key=True, index=True)
    version: int
    act: str
    """``filed`` or ``decided``."""
    state: str
    edition: int
    organisation: bytes = Field(sa_type=LargeBinary)
    """Keccak-256 of the code of the organisation that spoke."""
    signer: bytes = Field(sa_type=LargeBinary)
    authorisation: bytes = Field(sa_type=LargeBinary)
    reasons: str = Field(sa_type=Text)
    """JSON array of the reasons given."""
    recorded_at: int = Field(sa_type=BIG)


class GramRow(MirrorTable, table=True):
    """Where two characters stand side by side, in a block of the log: see :mod:`ledger.catalogue.search_index`."""

    __tablename__ = "catalogue_gram"
    __table_args__ = {"sqlite_with_rowid": False}  # noqa: RUF012 - as SQLAlchemy takes it

    last: int = Field(primary_key=True, sa_type=BIG)
    """The block's last leaf."""
    pair: int = Field(primary_key=True, sa_type=BIG)
    leaves: bytes = Field(sa_type=LargeBinary)
    """See :mod:`ledger.catalogue.grams`."""


class SealedTextRow(DeskTable, table=True):
    """The text of a restricted entry, AES-256-GCM encrypted; see
    :mod:`ledger.catalogue.sealing`.
    """

    __tablename__ = "sealed_text"

    commitment: str = Field(primary_key=True, max_length=64)
    """What stands on the chain, lower-case hex."""
    code: str = Field(sa_type=Text)
    key_check: bytes = Field(sa_type=LargeBinary)
    """Eight bytes that tell one key from another and say nothing about either."""
    nonce: bytes = Field(sa_type=LargeBinary)
    ciphertext: bytes = Field(sa_type=LargeBinary)


class ImportBatchRow(DeskTable, table=True):
    """A batch of an import, kept before it is sent, so that an interrupted run goes on with it."""

    __tablename__ = "import_batch"

    id: int | None = Field(default=None, sa_column=Column("id", BIG, primary_key=True))
    catalogue: str = Field(index=True)
    """What is imported: a mapping's name."""
    struct: str
    """Name of the struct that the statements are of."""
    organisation: str
    deadline: int = Field(sa_type=BIG)
    statements: bytes = Field(sa_type=LargeBinary)
    """JSON array of ``{"values": …, "body": …}``."""
    state: str
    """``prepared`` or ``sent``."""
    receipt: str | None


class ImportRecordRow(DeskTable, table=True):
    """Which entry a source record became, and from which content."""

    __tablename__ = "import_record"

    catalogue: str = Field(primary_key=True)
    record: str = Field(primary_key=True)
    code: str
    digest: str


ENTRIES = table_of(EntryRow)
EDITIONS = table_of(EditionRow)
ITEMS = table_of(ItemRow)
ACTS = table_of(ActRow)
GRAMS = table_of(GramRow)
SEALED_TEXTS = table_of(SealedTextRow)
IMPORT_BATCHES = table_of(ImportBatchRow)
IMPORT_RECORDS = table_of(ImportRecordRow)

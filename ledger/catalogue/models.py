"""Tables of the catalogue (目录), derived from filings and decisions, ranged by leaf.

``catalogue_entry`` has one row a statement: how the entry stood from that leaf on. What was filed or decided stands
in the statement itself, and is not kept twice. Items and their names are only ever added to. ``catalogue_gram`` is the
index of searches. The desk's own tables,
derived from nothing, stand at the end.
"""

from __future__ import annotations

from sqlalchemy import Column, Index, LargeBinary, String, Text
from sqlmodel import Field

from ledger.store.tables import DeskTable, MirrorTable, Ranged, table_of
from ledger.store.types import BIG

CODE = String().with_variant(String(collation="C"), "postgresql")
"""Text whose order is that of its bytes on every database, so that pages come out the same."""
NOT_COUNTED = {"autoincrement": False}
"""A primary key that is a leaf, and no number of the database's own."""


class EntryRow(Ranged, table=True):
    """How an entry stands after one statement about it;
    typed values are those of its newest edition.
    """

    __tablename__ = "catalogue_entry"
    __table_args__ = (
        Index("ix_catalogue_entry_code_leaf_from", "code", "leaf_from"),
        Index("ix_catalogue_entry_provider", "provider", info={"late": True}),
        Index("ix_catalogue_entry_source", "source", info={"late": True}),
    )

    code: str = Field(sa_type=CODE)
    leaf_from: int = Field(primary_key=True, sa_column_kwargs=NOT_COUNTED)
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
    filed_leaf: int | None
    """The filing that made the newest edition; null where that one is malformed."""
    published_leaf: int | None
    """The filing that made the edition in force."""
    decided_by: bytes | None = Field(sa_type=LargeBinary)
    """Keccak-256 of the code of the organisation whose decision made it stand so; null for a filing, its provider's."""
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


class ItemNamesRow(Ranged, table=True):
    """How the items of one edition are called, where it has any."""

    __tablename__ = "catalogue_item_names"

    leaf_from: int = Field(primary_key=True, sa_column_kwargs=NOT_COUNTED)
    item_count: int
    """Each name once."""
    names_digest: bytes = Field(sa_type=LargeBinary)
    """Digest of the set of names (:func:`ledger.bodies.names_digest`)."""
    names_en_digest: bytes | None = Field(sa_type=LargeBinary)
    """The same of their English names, where every item has one."""


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
ITEMS = table_of(ItemRow)
ITEM_NAMES = table_of(ItemNamesRow)
GRAMS = table_of(GramRow)
SEALED_TEXTS = table_of(SealedTextRow)
IMPORT_BATCHES = table_of(ImportBatchRow)
IMPORT_RECORDS = table_of(ImportRecordRow)

"""The mirror's own tables: the log as it came from the chain, its tree, and how far we are.

``statement`` holds exactly what its leaf commits to. What stands beside the leaf (signatures,
blocks) has its own tables, so that each column has one thing it can be checked against:

* ``statement``: the leaf hash in the tree, and the body's digest.
* ``authorisation``: the statements' digests and the signers' signatures; block and transaction by
  the chain.
* ``block``: the chain; time and size also by the statements and authorisations in it.
* ``tree_tile``: the statements, level by level, up to the root.
* ``cursor``: the root that follows from the tiles; the contract's size and root at that block.
* ``projection_state``: the projections that this program has.
* ``flag``: what the body check and the projections say about the statement.
"""

from __future__ import annotations

from sqlalchemy import Column, Index, LargeBinary, String, Table, Text

from ledger.store.tables import MirrorTable
from ledger.store.types import BIG, Unsigned64

HASH = LargeBinary(32)
ADDRESS = LargeBinary(20)

# Plain tables, no mapped classes: rows come and go by the thousand, and never one by one.

statement = Table(
    "statement",
    MirrorTable.metadata,
    Column("index_", BIG, primary_key=True, autoincrement=False),
    Column("kind", String(32), nullable=False),
    Column("subject", HASH, nullable=False),
    Column("version", BIG, nullable=False),
    Column("org", HASH, nullable=False),
    Column("signer", ADDRESS, nullable=False),
    Column("authorisation", HASH, nullable=False),
    Column("recorded_at", BIG, nullable=False),
    Column("payload", LargeBinary, nullable=False),
    Column("body_digest", HASH, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Index("ix_statement_subject_version", "subject", "version"),
)
"""One leaf of the log (声明) a row, append-only; columns in the order of
:class:`ledger.statements.Statement`."""

authorisation = Table(
    "authorisation",
    MirrorTable.metadata,
    Column("first_index", BIG, primary_key=True, autoincrement=False),
    Column("count", BIG, nullable=False),
    Column("digest", HASH, nullable=False),
    Column("registry", ADDRESS, nullable=False),
    Column("organisation", HASH, nullable=False),
    Column("signer", ADDRESS, nullable=False),
    Column("signature", LargeBinary, nullable=False),
    Column("cosigner", ADDRESS, nullable=False),
    Column("cosignature", LargeBinary, nullable=False),
    Column("deadline", Unsigned64, nullable=False),
    Column("block_number", BIG, nullable=False),
    Column("transaction_hash", HASH, nullable=False),
    Index("ix_authorisation_digest", "digest"),
    Index("ix_authorisation_block_number", "block_number"),
)
"""Who vouched for a run of statements (授权签名), and in which block and transaction they were
recorded."""

block = Table(
    "block",
    MirrorTable.metadata,
    Column("number", BIG, primary_key=True, autoincrement=False),
    Column("hash", HASH, nullable=False),
    Column("parent_hash", HASH, nullable=False),
    Column("timestamp", BIG, nullable=False),
    Column("size", BIG, nullable=False),
    Index("ix_block_timestamp", "timestamp"),
)
"""A block that holds statements, or at which a step of the mirror ended; ``size`` is the log's
after it."""

tree_tile = Table(
    "tree_tile",
    MirrorTable.metadata,
    Column("level", BIG, primary_key=True, autoincrement=False),
    Column("index_", BIG, primary_key=True, autoincrement=False),
    Column("hashes", LargeBinary, nullable=False),
)
"""A tile of the tree in the C2SP tlog-tiles shape: up to 256 hashes of one level.

The hashes of level L are roots of complete subtrees of 256^L leaves; tile ``index_`` holds those
from ``256 * index_`` on.
"""

cursor = Table(
    "cursor",
    MirrorTable.metadata,
    Column("id", BIG, primary_key=True, autoincrement=False),
    Column("chain_id", Unsigned64, nullable=False),
    Column("log", ADDRESS, nullable=False),
    Column("size", BIG, nullable=False),
    Column("root", HASH, nullable=False),
    Column("block_number", BIG, nullable=False),
    Column("block_hash", HASH, nullable=False),
    Column("earlier", LargeBinary),
)
"""Which log this is, and up to where it was taken over and compared with the contract. One row,
``id`` 1. ``earlier`` are the logs that it carries on, oldest first: of each size, root, genesis, chain id
and address, 136 bytes; NULL where there is none."""

projection_state = Table(
    "projection_state",
    MirrorTable.metadata,
    Column("name", String(64), primary_key=True),
    Column("version", BIG, nullable=False),
)
"""Which version of a projection filled its tables."""

flag = Table(
    "flag",
    MirrorTable.metadata,
    Column("index_", BIG, primary_key=True, autoincrement=False),
    Column("source", String(64), primary_key=True),
    Column("reason", Text, nullable=False),
)
"""A malformed statement: kept, and not projected. ``source`` says who refuses it: ``statement`` for
every projection, or the name of one."""

CORE: tuple[Table, ...] = (
    statement,
    authorisation,
    block,
    tree_tile,
    cursor,
    projection_state,
    flag,
)

"""The log as it came from the chain, its tree, and how far the mirror is."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "mirror_0001"
down_revision = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
HASH = sa.LargeBinary(32)
ADDRESS = sa.LargeBinary(20)


def upgrade() -> None:
    op.create_table(
        "statement",
        sa.Column("index_", BIG, nullable=False, autoincrement=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("subject", HASH, nullable=False),
        sa.Column("version", BIG, nullable=False),
        sa.Column("org", HASH, nullable=False),
        sa.Column("signer", ADDRESS, nullable=False),
        sa.Column("authorisation", HASH, nullable=False),
        sa.Column("recorded_at", BIG, nullable=False),
        sa.Column("payload", sa.LargeBinary(), nullable=False),
        sa.Column("body_digest", HASH, nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("index_", name="pk_statement"),
    )
    op.create_index("ix_statement_subject_version", "statement", ["subject", "version"])
    op.create_table(
        "authorisation",
        sa.Column("first_index", BIG, nullable=False, autoincrement=False),
        sa.Column("count", BIG, nullable=False),
        sa.Column("digest", HASH, nullable=False),
        sa.Column("registry", ADDRESS, nullable=False),
        sa.Column("organisation", HASH, nullable=False),
        sa.Column("signer", ADDRESS, nullable=False),
        sa.Column("signature", sa.LargeBinary(), nullable=False),
        sa.Column("cosigner", ADDRESS, nullable=False),
        sa.Column("cosignature", sa.LargeBinary(), nullable=False),
        sa.Column("deadline", sa.String(20), nullable=False),
        sa.Column("block_number", BIG, nullable=False),
        sa.Column("transaction_hash", HASH, nullable=False),
        sa.PrimaryKeyConstraint("first_index", name="pk_authorisation"),
    )
    op.create_index("ix_authorisation_digest", "authorisation", ["digest"])
    op.create_index("ix_authorisation_block_number", "authorisation", ["block_number"])
    op.create_table(
        "block",
        sa.Column("number", BIG, nullable=False, autoincrement=False),
        sa.Column("hash", HASH, nullable=False),
        sa.Column("parent_hash", HASH, nullable=False),
        sa.Column("timestamp", BIG, nullable=False),
        sa.Column("size", BIG, nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_block"),
    )
    op.create_index("ix_block_timestamp", "block", ["timestamp"])
    op.create_table(
        "tree_tile",
        sa.Column("level", BIG, nullable=False, autoincrement=False),
        sa.Column("index_", BIG, nullable=False, autoincrement=False),
        sa.Column("hashes", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("level", "index_", name="pk_tree_tile"),
    )
    op.create_table(
        "cursor",
        sa.Column("id", BIG, nullable=False, autoincrement=False),
        sa.Column("chain_id", sa.String(20), nullable=False),
        sa.Column("log", ADDRESS, nullable=False),
        sa.Column("size", BIG, nullable=False),
        sa.Column("root", HASH, nullable=False),
        sa.Column("block_number", BIG, nullable=False),
        sa.Column("block_hash", HASH, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_cursor"),
    )
    op.create_table(
        "projection_state",
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("version", BIG, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_projection_state"),
    )
    op.create_table(
        "flag",
        sa.Column("index_", BIG, nullable=False, autoincrement=False),
        sa.Column("source", sa.String(64), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("index_", "source", name="pk_flag"),
    )

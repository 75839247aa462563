"""The outbox: receipts, attempts, and who sends."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "desk_0001"
down_revision = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
HASH = sa.LargeBinary(32)
ADDRESS = sa.String(42)


def upgrade() -> None:
    op.create_table(
        "outbox_receipt",
        sa.Column("sequence", BIG, nullable=False),
        sa.Column("id", sa.String(66), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("struct", sa.String(32), nullable=False),
        sa.Column("organisation", sa.Text(), nullable=False),
        sa.Column("signer", ADDRESS, nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("target", sa.LargeBinary(20), nullable=False),
        sa.Column("calldata", sa.LargeBinary(), nullable=False),
        sa.Column("subjects", sa.LargeBinary(), nullable=False),
        sa.Column("texts", sa.Text(), nullable=False),
        sa.Column("accepted_at", BIG, nullable=False),
        sa.Column("updated_at", BIG, nullable=False),
        sa.Column("retry_at", BIG, nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("transaction_hash", HASH, nullable=True),
        sa.Column("block_number", BIG, nullable=True),
        sa.Column("block_hash", HASH, nullable=True),
        sa.Column("first_index", BIG, nullable=True),
        sa.Column("gas_used", BIG, nullable=True),
        sa.PrimaryKeyConstraint("sequence", name="pk_outbox_receipt"),
        sa.UniqueConstraint("id", name="uq_outbox_receipt_id"),
    )
    op.create_index("ix_outbox_receipt_state_sequence", "outbox_receipt", ["state", "sequence"])
    op.create_index("ix_outbox_receipt_first_index", "outbox_receipt", ["first_index"])
    op.create_table(
        "outbox_attempt",
        sa.Column("number", BIG, nullable=False),
        sa.Column("receipt", BIG, nullable=False),
        sa.Column("sender", ADDRESS, nullable=False),
        sa.Column("nonce", BIG, nullable=False),
        sa.Column("transaction_hash", HASH, nullable=False),
        sa.Column("raw", sa.LargeBinary(), nullable=False),
        sa.Column("gas", BIG, nullable=False),
        sa.Column("price", BIG, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("sent_block", BIG, nullable=False),
        sa.Column("made_at", BIG, nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_outbox_attempt"),
        sa.UniqueConstraint("transaction_hash", name="uq_outbox_attempt_transaction_hash"),
    )
    op.create_index("ix_outbox_attempt_receipt", "outbox_attempt", ["receipt"])
    op.create_index("ix_outbox_attempt_state_nonce", "outbox_attempt", ["state", "nonce"])
    op.create_table(
        "outbox_lane",
        sa.Column("sender", ADDRESS, nullable=False),
        sa.Column("holder", sa.Text(), nullable=False),
        sa.Column("until", BIG, nullable=False),
        sa.PrimaryKeyConstraint("sender", name="pk_outbox_lane"),
    )

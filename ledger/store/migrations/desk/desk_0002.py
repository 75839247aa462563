"""Sealed texts of restricted entries; imports under way."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "desk_0002"
down_revision = "desk_0001"

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "sealed_text",
        sa.Column("commitment", sa.String(64), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("key_check", sa.LargeBinary(), nullable=False),
        sa.Column("nonce", sa.LargeBinary(), nullable=False),
        sa.Column("ciphertext", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("commitment", name="pk_sealed_text"),
    )
    op.create_table(
        "import_batch",
        sa.Column("id", BIG, nullable=False),
        sa.Column("catalogue", sa.String(), nullable=False),
        sa.Column("organisation", sa.String(), nullable=False),
        sa.Column("deadline", BIG, nullable=False),
        sa.Column("statements", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("receipt", sa.String()),
        sa.PrimaryKeyConstraint("id", name="pk_import_batch"),
    )
    op.create_index("ix_import_batch_catalogue", "import_batch", ["catalogue"])
    op.create_table(
        "import_record",
        sa.Column("catalogue", sa.String(), nullable=False),
        sa.Column("record", sa.String(), nullable=False),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("catalogue", "record", name="pk_import_record"),
    )

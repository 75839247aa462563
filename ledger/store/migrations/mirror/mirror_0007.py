"""Steps of correction requests."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "mirror_0007"
down_revision = "mirror_0006"

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
CODE = sa.String().with_variant(sa.String(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "correction_step",
        sa.Column("leaf_until", sa.Integer()),
        sa.Column("code", CODE, nullable=False),
        sa.Column("leaf_from", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("type", sa.String(), nullable=False),
        sa.Column("entry", CODE, nullable=False),
        sa.Column("requester", CODE),
        sa.Column("title", sa.String()),
        sa.Column("text", sa.Text()),
        sa.Column("reasons", sa.Text(), nullable=False),
        sa.Column("category", sa.String()),
        sa.Column("basis", sa.Text()),
        sa.Column("resource", sa.String()),
        sa.Column("items", sa.Text(), nullable=False),
        sa.Column("attachments", sa.Text(), nullable=False),
        sa.Column("contact", sa.String()),
        sa.Column("follows", CODE),
        sa.Column("assessment", sa.Text()),
        sa.Column("assessed_leaf", BIG),
        sa.Column("outcome", sa.String()),
        sa.Column("edition", BIG),
        sa.Column("delivery", BIG),
        sa.Column("score", sa.Integer()),
        sa.Column("solved", sa.Boolean()),
        sa.Column("organisation", sa.LargeBinary(), nullable=False),
        sa.Column("signer", sa.LargeBinary(), nullable=False),
        sa.Column("recorded_at", BIG, nullable=False),
        sa.PrimaryKeyConstraint("code", "leaf_from", name="pk_correction_step"),
    )
    for column in ("leaf_from", "leaf_until", "entry", "requester", "follows"):
        op.create_index(f"ix_correction_step_{column}", "correction_step", [column])

"""Audit reports."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "mirror_0009"
down_revision = "mirror_0008"

CODE = sa.String().with_variant(sa.String(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "audit_report",
        sa.Column("leaf_until", sa.Integer()),
        sa.Column("code", CODE, nullable=False),
        sa.Column("leaf_from", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("type", sa.String(), nullable=False),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("root", sa.LargeBinary(), nullable=False),
        sa.Column("numerator", sa.BigInteger(), nullable=False),
        sa.Column("denominator", sa.BigInteger(), nullable=False),
        sa.Column("report", sa.LargeBinary(), nullable=False),
        sa.Column("metric", sa.String()),
        sa.Column("rate", sa.Integer()),
        sa.Column("policy", sa.LargeBinary()),
        sa.Column("note", sa.Text()),
        sa.Column("organisation", sa.LargeBinary(), nullable=False),
        sa.Column("signer", sa.LargeBinary(), nullable=False),
        sa.Column("recorded_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("code", "leaf_from", name="pk_audit_report"),
    )
    for column in ("leaf_from", "leaf_until", "report"):
        op.create_index(f"ix_audit_report_{column}", "audit_report", [column])

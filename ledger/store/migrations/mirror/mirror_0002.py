"""Organisations and their keys; quality scores."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "mirror_0002"
down_revision = "mirror_0001"


def upgrade() -> None:
    op.create_table(
        "organisation",
        sa.Column("leaf_until", sa.Integer()),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("leaf_from", sa.Integer(), nullable=False),
        sa.Column("org_hash", sa.LargeBinary(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("name_en", sa.String()),
        sa.Column("parent", sa.String()),
        sa.Column("level", sa.String(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("region", sa.String()),
        sa.Column("aliases", sa.Text(), nullable=False),
        sa.Column("uscc", sa.String(), nullable=False),
        sa.Column("evidence", sa.Text()),
        sa.Column("haystack", sa.Text(), nullable=False),
        sa.Column("recorded_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("code", "leaf_from", name="pk_organisation"),
    )
    _ranged("organisation")
    op.create_index("ix_organisation_org_hash", "organisation", ["org_hash"])
    op.create_table(
        "organisation_key",
        sa.Column("leaf_until", sa.Integer()),
        sa.Column("address", sa.String(), nullable=False),
        sa.Column("leaf_from", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("organisation", sa.String(), nullable=False),
        sa.Column("roles", sa.Integer(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("label", sa.String()),
        sa.Column("reason", sa.Text()),
        sa.Column("recorded_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("address", "leaf_from", name="pk_organisation_key"),
    )
    _ranged("organisation_key")
    op.create_index("ix_organisation_key_organisation", "organisation_key", ["organisation"])
    op.create_table(
        "quality_score",
        sa.Column("leaf_until", sa.Integer()),
        sa.Column("subject", sa.LargeBinary(), nullable=False),
        sa.Column("leaf_from", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("entry", sa.String(), nullable=False),
        sa.Column("edition", sa.BigInteger(), nullable=False),
        sa.Column("period_start", sa.Integer(), nullable=False),
        sa.Column("period_end", sa.Integer(), nullable=False),
        sa.Column("assessor", sa.LargeBinary(), nullable=False),
        sa.Column("assessed", sa.Integer(), nullable=False),
        sa.Column("normativity", sa.Integer()),
        sa.Column("completeness", sa.Integer()),
        sa.Column("accuracy", sa.Integer()),
        sa.Column("consistency", sa.Integer()),
        sa.Column("timeliness", sa.Integer()),
        sa.Column("accessibility", sa.Integer()),
        sa.Column("total", sa.Integer()),
        sa.Column("coverage", sa.Integer(), nullable=False),
        sa.Column("rule_set", sa.LargeBinary(), nullable=False),
        sa.Column("data_root", sa.LargeBinary()),
        sa.Column("method", sa.Text()),
        sa.Column("notes", sa.Text()),
        sa.Column("weights", sa.String()),
        sa.Column("recorded_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("subject", "leaf_from", name="pk_quality_score"),
    )
    _ranged("quality_score")
    op.create_index("ix_quality_score_entry_period_end", "quality_score", ["entry", "period_end"])


def _ranged(table: str) -> None:
    op.create_index(f"ix_{table}_leaf_from", table, ["leaf_from"])
    op.create_index(f"ix_{table}_leaf_until", table, ["leaf_until"])

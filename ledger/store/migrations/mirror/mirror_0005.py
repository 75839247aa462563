"""Resources, manifests and deliveries."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "mirror_0005"
down_revision = "mirror_0004"

CODE = sa.String().with_variant(sa.String(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "delivery_resource",
        sa.Column("leaf_until", sa.Integer()),
        sa.Column("code", CODE, nullable=False),
        sa.Column("leaf_from", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("entry", CODE, nullable=False),
        sa.Column("type", sa.String(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("location", sa.String()),
        sa.Column("reasons", sa.Text(), nullable=False),
        sa.Column("organisation", sa.LargeBinary(), nullable=False),
        sa.Column("recorded_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("code", "leaf_from", name="pk_delivery_resource"),
    )
    _ranged("delivery_resource")
    op.create_index("ix_delivery_resource_entry", "delivery_resource", ["entry"])
    op.create_table(
        "delivery_manifest",
        sa.Column("leaf_until", sa.Integer()),
        sa.Column("subject", sa.LargeBinary(), nullable=False),
        sa.Column("leaf_from", sa.Integer(), nullable=False),
        *_period(),
        sa.Column("buckets", sa.LargeBinary(), nullable=False),
        sa.Column("schema_text", sa.Text()),
        sa.Column("key_columns", sa.Text(), nullable=False),
        sa.Column("encoding", sa.String(), nullable=False),
        sa.Column("secret_check", sa.LargeBinary()),
        sa.Column("resource", sa.String()),
        sa.Column("note", sa.Text()),
        sa.Column("organisation", sa.LargeBinary(), nullable=False),
        sa.Column("body_digest", sa.LargeBinary(), nullable=False),
        sa.Column("recorded_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("subject", "leaf_from", name="pk_delivery_manifest"),
    )
    _ranged("delivery_manifest")
    op.create_index(
        "ix_delivery_manifest_entry_period_end", "delivery_manifest", ["entry", "period_end"]
    )
    op.create_table(
        "delivery",
        sa.Column("leaf_until", sa.Integer()),
        sa.Column("leaf_from", sa.Integer(), nullable=False),
        *_period(),
        sa.Column("manifest", sa.BigInteger(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("predecessor", sa.LargeBinary()),
        sa.Column("claimed", sa.Boolean(), nullable=False),
        sa.Column("differences", sa.Text()),
        sa.Column("note", sa.Text()),
        sa.Column("organisation", sa.LargeBinary(), nullable=False),
        sa.Column("body_digest", sa.LargeBinary(), nullable=False),
        sa.Column("recorded_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("entry", "leaf_from", name="pk_delivery"),
    )
    _ranged("delivery")
    op.create_index("ix_delivery_entry_content", "delivery", ["entry", "content"])
    op.create_index("ix_delivery_period_end", "delivery", ["period_end"])


def _period() -> list[sa.Column[object]]:
    """What a manifest and a delivery say alike."""
    return [
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("entry", CODE, nullable=False),
        sa.Column("edition", sa.BigInteger(), nullable=False),
        sa.Column("period_start", sa.Integer(), nullable=False),
        sa.Column("period_end", sa.Integer(), nullable=False),
        sa.Column("mode", sa.String(), nullable=False),
        sa.Column("rows", sa.BigInteger(), nullable=False),
        sa.Column("row_schema", sa.LargeBinary(), nullable=False),
        sa.Column("root", sa.LargeBinary(), nullable=False),
    ]


def _ranged(table: str) -> None:
    op.create_index(f"ix_{table}_leaf_from", table, ["leaf_from"])
    op.create_index(f"ix_{table}_leaf_until", table, ["leaf_until"])

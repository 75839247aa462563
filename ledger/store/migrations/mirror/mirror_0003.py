"""The catalogue: entries, their editions, items and acts."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "mirror_0003"
down_revision = "mirror_0002"

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
CODE = sa.String().with_variant(sa.String(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "catalogue_entry",
        sa.Column("leaf_until", sa.Integer()),
        sa.Column("code", CODE, nullable=False),
        sa.Column("leaf_from", sa.Integer(), nullable=False),
        sa.Column("subject", sa.LargeBinary(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("edition", sa.Integer(), nullable=False),
        sa.Column("published_edition", sa.Integer(), nullable=False),
        sa.Column("name", sa.String()),
        sa.Column("provider", CODE, nullable=False),
        sa.Column("provider_name", sa.String()),
        sa.Column("share_type", sa.String()),
        sa.Column("open_type", sa.String()),
        sa.Column("grade", sa.Integer()),
        sa.Column("update_cycle", sa.String()),
        sa.Column("library", sa.String()),
        sa.Column("level", sa.String()),
        sa.Column("origin", sa.String()),
        sa.Column("restricted", sa.Boolean(), nullable=False),
        sa.Column("complete", sa.Boolean(), nullable=False),
        sa.Column("missing", sa.Text(), nullable=False),
        sa.Column("item_count", sa.Integer(), nullable=False),
        sa.Column("source", CODE),
        sa.Column("bare_name", sa.Text()),
        sa.Column("search", sa.Text(), nullable=False),
        sa.Column("recorded_at", BIG, nullable=False),
        sa.PrimaryKeyConstraint("code", "leaf_from", name="pk_catalogue_entry"),
    )
    _ranged("catalogue_entry")
    op.create_index("ix_catalogue_entry_provider", "catalogue_entry", ["provider"])
    op.create_index("ix_catalogue_entry_source", "catalogue_entry", ["source"])
    op.create_index("ix_catalogue_entry_subject", "catalogue_entry", ["subject"])
    op.create_table(
        "catalogue_edition",
        sa.Column("leaf_until", sa.Integer()),
        sa.Column("code", CODE, nullable=False),
        sa.Column("leaf_from", sa.Integer(), nullable=False),
        sa.Column("edition", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("recorded_at", BIG, nullable=False),
        sa.PrimaryKeyConstraint("code", "leaf_from", name="pk_catalogue_edition"),
    )
    _ranged("catalogue_edition")
    op.create_table(
        "catalogue_item",
        sa.Column("leaf_until", sa.Integer()),
        sa.Column("code", CODE, nullable=False),
        sa.Column("leaf_from", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("edition", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("data_type", sa.String()),
        sa.Column("length", BIG),
        sa.Column("precision", sa.Integer()),
        sa.Column("share_type", sa.String()),
        sa.Column("open_type", sa.String()),
        sa.Column("grade", sa.Integer()),
        sa.Column("sensitive", sa.Boolean(), nullable=False),
        sa.Column("primary_key", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("code", "leaf_from", "position", name="pk_catalogue_item"),
    )
    _ranged("catalogue_item")
    op.create_table(
        "catalogue_act",
        sa.Column("leaf_until", sa.Integer()),
        sa.Column("code", CODE, nullable=False),
        sa.Column("leaf_from", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("act", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("edition", sa.Integer(), nullable=False),
        sa.Column("organisation", sa.LargeBinary(), nullable=False),
        sa.Column("signer", sa.LargeBinary(), nullable=False),
        sa.Column("authorisation", sa.LargeBinary(), nullable=False),
        sa.Column("reasons", sa.Text(), nullable=False),
        sa.Column("recorded_at", BIG, nullable=False),
        sa.PrimaryKeyConstraint("code", "leaf_from", name="pk_catalogue_act"),
    )
    _ranged("catalogue_act")


def _ranged(table: str) -> None:
    op.create_index(f"ix_{table}_leaf_from", table, ["leaf_from"])
    op.create_index(f"ix_{table}_leaf_until", table, ["leaf_until"])

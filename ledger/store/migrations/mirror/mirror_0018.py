"""Editions and acts stand in the statements that say them, and not a second time; how items are called has rows where
there are items. Entries come by their leaf. Whoever follows the log fills these tables afresh.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from ledger.store.types import BIG

revision = "mirror_0018"
down_revision = "mirror_0017"

CODE = sa.String().with_variant(sa.String(collation="C"), "postgresql")
ENDED = sa.text("leaf_until IS NOT NULL")


def upgrade() -> None:
    for table in ("catalogue_act", "catalogue_edition", "catalogue_entry"):
        op.drop_table(table)
    op.create_table(
        "catalogue_entry",
        sa.Column("leaf_until", sa.Integer(), nullable=True),
        sa.Column("code", CODE, nullable=False),
        sa.Column("leaf_from", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("subject", sa.LargeBinary(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("edition", sa.Integer(), nullable=False),
        sa.Column("published_edition", sa.Integer(), nullable=False),
        sa.Column("filed_leaf", sa.Integer(), nullable=True),
        sa.Column("published_leaf", sa.Integer(), nullable=True),
        sa.Column("decided_by", sa.LargeBinary(), nullable=True),
        sa.Column("name", sa.String(), nullable=True),
        sa.Column("provider", CODE, nullable=False),
        sa.Column("provider_name", sa.String(), nullable=True),
        sa.Column("share_type", sa.String(), nullable=True),
        sa.Column("open_type", sa.String(), nullable=True),
        sa.Column("grade", sa.Integer(), nullable=True),
        sa.Column("update_cycle", sa.String(), nullable=True),
        sa.Column("library", sa.String(), nullable=True),
        sa.Column("level", sa.String(), nullable=True),
        sa.Column("origin", sa.String(), nullable=True),
        sa.Column("restricted", sa.Boolean(), nullable=False),
        sa.Column("complete", sa.Boolean(), nullable=False),
        sa.Column("missing", sa.Text(), nullable=False),
        sa.Column("item_count", sa.Integer(), nullable=False),
        sa.Column("source", CODE, nullable=True),
        sa.Column("bare_name", sa.Text(), nullable=True),
        sa.Column("search", sa.Text(), nullable=False),
        sa.Column("recorded_at", BIG, nullable=False),
        sa.PrimaryKeyConstraint("leaf_from", name="pk_catalogue_entry"),
    )
    op.create_table(
        "catalogue_item_names",
        sa.Column("leaf_from", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("leaf_until", sa.Integer(), nullable=True),
        sa.Column("item_count", sa.Integer(), nullable=False),
        sa.Column("names_digest", sa.LargeBinary(), nullable=False),
        sa.Column("names_en_digest", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("leaf_from", name="pk_catalogue_item_names"),
    )
    for columns in (["code", "leaf_from"], ["provider"], ["source"]):
        op.create_index(f"ix_catalogue_entry_{'_'.join(columns)}", "catalogue_entry", columns)
    for table in ("catalogue_entry", "catalogue_item_names"):
        op.create_index(
            f"ix_{table}_leaf_until",
            table,
            ["leaf_until"],
            sqlite_where=ENDED,
            postgresql_where=ENDED,
        )

"""What items are called in editions and manifests, so that audits compare them; who produces an item."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "mirror_0010"
down_revision = "mirror_0009"


def upgrade() -> None:
    # Rows that are there already are made anew: the projections' versions have risen.
    for table, column in (
        (
            "catalogue_edition",
            sa.Column("item_count", sa.Integer(), nullable=False, server_default="0"),
        ),
        ("catalogue_edition", sa.Column("names_digest", sa.LargeBinary())),
        ("catalogue_edition", sa.Column("names_en_digest", sa.LargeBinary())),
        ("catalogue_item", sa.Column("name_en", sa.String())),
        ("catalogue_item", sa.Column("locally_generated", sa.Boolean())),
        ("delivery_manifest", sa.Column("columns_digest", sa.LargeBinary())),
    ):
        op.add_column(table, column)
    op.create_index("ix_catalogue_item_name", "catalogue_item", ["name", "locally_generated"])

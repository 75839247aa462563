"""Of where rows end, only those that did are indexed: a rollback looks for no others."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "mirror_0017"
down_revision = "mirror_0016"

TABLES = (
    "audit_report",
    "catalogue_act",
    "catalogue_edition",
    "catalogue_entry",
    "catalogue_item",
    "correction_step",
    "delivery",
    "delivery_manifest",
    "delivery_resource",
    "journal_checkpoint",
    "lineage_rule",
    "lineage_step",
    "lineage_step_column",
    "lineage_step_edge",
    "obligation",
    "obligation_binding",
    "obligation_exemption",
    "obligation_objection",
    "organisation",
    "organisation_key",
    "quality_outcome",
    "quality_score",
)
ENDED = sa.text("leaf_until IS NOT NULL")


def upgrade() -> None:
    for table in TABLES:
        # A first sync that was broken off may not have built it yet.
        op.drop_index(f"ix_{table}_leaf_until", table, if_exists=True)
        op.create_index(
            f"ix_{table}_leaf_until",
            table,
            ["leaf_until"],
            sqlite_where=ENDED,
            postgresql_where=ENDED,
        )

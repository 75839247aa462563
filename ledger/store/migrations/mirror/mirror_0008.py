"""Quality: where a score comes from, and what each rule counted."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "mirror_0008"
down_revision = "mirror_0007"


def upgrade() -> None:
    for column in (
        sa.Column("weights_digest", sa.LargeBinary()),
        sa.Column("result_digest", sa.LargeBinary()),
        sa.Column("profile", sa.String()),
        sa.Column("grade", sa.String()),
        sa.Column("day", sa.Integer()),
        sa.Column("rows", sa.BigInteger()),
        sa.Column("delivery", sa.Integer()),
    ):
        op.add_column("quality_score", column)
    op.create_table(
        "quality_outcome",
        sa.Column("leaf_until", sa.Integer()),
        sa.Column("leaf_from", sa.Integer(), nullable=False),
        sa.Column("rule", sa.String(), nullable=False),
        sa.Column("entry", sa.String(), nullable=False),
        sa.Column("indicator", sa.String(), nullable=False),
        sa.Column("severity", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("evaluated", sa.BigInteger(), nullable=False),
        sa.Column("failing", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.String()),
        sa.PrimaryKeyConstraint("leaf_from", "rule", name="pk_quality_outcome"),
    )
    op.create_index("ix_quality_outcome_entry_rule", "quality_outcome", ["entry", "rule"])
    op.create_index("ix_quality_outcome_leaf_from", "quality_outcome", ["leaf_from"])
    op.create_index("ix_quality_outcome_leaf_until", "quality_outcome", ["leaf_until"])

"""When the events of the lineage journal say that they happened."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "mirror_0014"
down_revision = "mirror_0013"


def upgrade() -> None:
    big = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "lineage_event",
        sa.Column("pos", big, autoincrement=False, nullable=False),
        sa.Column("said_at", big, nullable=False),
        sa.PrimaryKeyConstraint("pos", name="pk_lineage_event"),
    )
    op.create_index("ix_lineage_event_said_at_pos", "lineage_event", ["said_at", "pos"])

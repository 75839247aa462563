"""Runs of integrity drills, and what they found."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from ledger.store.types import BIG

revision = "desk_0008"
down_revision = "desk_0007"


def upgrade() -> None:
    op.create_table(
        "drill_run",
        sa.Column("number", BIG, nullable=False),
        sa.Column("name", sa.String(16), nullable=False),
        sa.Column("outcome", sa.String(16), nullable=False),
        sa.Column("started_at", BIG, nullable=False),
        sa.Column("beat_at", BIG, nullable=False),
        sa.Column("ended_at", BIG, nullable=True),
        sa.Column("checked", BIG, nullable=False),
        sa.Column("said", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_drill_run"),
    )
    op.create_index("ix_drill_run_name", "drill_run", ["name"])

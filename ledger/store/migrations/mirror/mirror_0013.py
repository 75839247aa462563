"""Who leads among the processes that share this database, and for which term."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from ledger.store.types import BIG

revision = "mirror_0013"
down_revision = "mirror_0012"


def upgrade() -> None:
    op.create_table(
        "leader",
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("term", BIG, nullable=False),
        sa.Column("holder", sa.String(), nullable=False),
        sa.Column("url", sa.String(), nullable=False),
        sa.Column("since", BIG, nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_leader"),
    )

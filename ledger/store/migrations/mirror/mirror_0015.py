"""The index of searches in the catalogue, which whoever follows the log fills."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from ledger.store.types import BIG

revision = "mirror_0015"
down_revision = "mirror_0014"


def upgrade() -> None:
    op.create_table(
        "catalogue_gram",
        sa.Column("last", BIG, autoincrement=False, nullable=False),
        sa.Column("pair", BIG, autoincrement=False, nullable=False),
        sa.Column("leaves", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("last", "pair", name="pk_catalogue_gram"),
        sqlite_with_rowid=False,
    )

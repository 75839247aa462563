"""Imports of other things than catalogue entries: of which struct a kept batch is."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "desk_0006"
down_revision = "desk_0005"


def upgrade() -> None:
    # Until now every import was one of entries.
    op.add_column("import_batch", sa.Column("struct", sa.String()))
    op.execute("UPDATE import_batch SET struct = 'Filing'")
    with op.batch_alter_table("import_batch") as table:
        table.alter_column("struct", existing_type=sa.String(), nullable=False)

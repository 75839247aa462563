"""Which logs the mirrored one carries on: their leaves keep the identity under which they were recorded."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "mirror_0011"
down_revision = "mirror_0010"


def upgrade() -> None:
    op.add_column("cursor", sa.Column("earlier", sa.LargeBinary()))

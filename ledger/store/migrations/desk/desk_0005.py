"""Bearer tokens, by the SHA-256 of their secrets."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "desk_0005"
down_revision = "desk_0004"

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "access_token",
        sa.Column("id", sa.String(16), nullable=False),
        sa.Column("digest", sa.LargeBinary(32), nullable=False),
        sa.Column("scopes", sa.Text(), nullable=False),
        sa.Column("organisation", sa.Text(), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("created_at", BIG, nullable=False),
        sa.Column("expires_at", BIG, nullable=False),
        sa.Column("revoked_at", BIG),
        sa.PrimaryKeyConstraint("id", name="pk_access_token"),
    )

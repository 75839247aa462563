"""Entries are found by their codes: nobody asks for the hash of one."""

from __future__ import annotations

from alembic import op

revision = "mirror_0016"
down_revision = "mirror_0015"


def upgrade() -> None:
    # A first sync that was broken off has not built it yet.
    op.drop_index("ix_catalogue_entry_subject", "catalogue_entry", if_exists=True)

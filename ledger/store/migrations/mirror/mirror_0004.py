"""Obligations, what answers them, objections and exemptions."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "mirror_0004"
down_revision = "mirror_0003"

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
CODE = sa.String().with_variant(sa.String(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "obligation",
        *_spoken(),
        sa.Column("code", CODE, nullable=False),
        sa.Column("type", sa.String(), nullable=False),
        sa.Column("parent", CODE),
        sa.Column("responsible", CODE, nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("update_cycle", sa.String()),
        sa.Column("library", sa.String()),
        sa.Column("produces_data", sa.Boolean(), nullable=False),
        sa.Column("valid_from", sa.Integer(), nullable=False),
        sa.Column("valid_until", sa.Integer()),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("name_en", sa.String()),
        sa.Column("legal_basis", sa.Text(), nullable=False),
        sa.Column("reasons", sa.Text(), nullable=False),
        sa.Column("source", CODE),
        sa.Column("note", sa.Text()),
        sa.Column("search", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("code", "leaf_from", name="pk_obligation"),
    )
    _indexes("obligation", "parent", "responsible", "source")
    op.create_table(
        "obligation_binding",
        *_spoken(),
        sa.Column("obligation", CODE, nullable=False),
        sa.Column("entry", CODE, nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("reasons", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("obligation", "leaf_from", name="pk_obligation_binding"),
    )
    _indexes("obligation_binding", "entry")
    op.create_table(
        "obligation_objection",
        *_spoken(),
        sa.Column("obligation", CODE, nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("reasons", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("obligation", "leaf_from", name="pk_obligation_objection"),
    )
    _indexes("obligation_objection")
    op.create_table(
        "obligation_exemption",
        *_spoken(),
        sa.Column("code", CODE, nullable=False),
        sa.Column("target", CODE, nullable=False),
        sa.Column("target_type", sa.String(), nullable=False),
        sa.Column("scope", sa.Integer(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("law", sa.Text(), nullable=False),
        sa.Column("approver", CODE, nullable=False),
        sa.Column("valid_from", sa.Integer(), nullable=False),
        sa.Column("expires", sa.Integer(), nullable=False),
        sa.Column("reasons", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("code", "leaf_from", name="pk_obligation_exemption"),
    )
    _indexes("obligation_exemption", "target", "expires")


def _spoken() -> list[sa.Column[object]]:
    return [
        sa.Column("leaf_until", sa.Integer()),
        sa.Column("leaf_from", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("organisation", sa.LargeBinary(), nullable=False),
        sa.Column("signer", sa.LargeBinary(), nullable=False),
        sa.Column("authorisation", sa.LargeBinary(), nullable=False),
        sa.Column("recorded_at", BIG, nullable=False),
    ]


def _indexes(table: str, *columns: str) -> None:
    for column in ("leaf_from", "leaf_until", *columns):
        op.create_index(f"ix_{table}_{column}", table, [column])

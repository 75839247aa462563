"""Lineage: data sets, jobs, runs and edges out of the journal; rules, steps and checkpoints."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "mirror_0006"
down_revision = "mirror_0005"

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
NAME = sa.String().with_variant(sa.String(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "lineage_dataset",
        sa.Column("id", BIG, nullable=False),
        sa.Column("namespace", NAME, nullable=False),
        sa.Column("name", NAME, nullable=False),
        sa.Column("first_pos", BIG, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_lineage_dataset"),
    )
    op.create_index("ix_lineage_dataset_first_pos", "lineage_dataset", ["first_pos"])
    op.create_index("ix_lineage_dataset_name", "lineage_dataset", ["name"])
    op.create_index("ix_lineage_dataset_namespace", "lineage_dataset", ["namespace"])
    op.create_table(
        "lineage_job",
        sa.Column("id", BIG, nullable=False),
        sa.Column("namespace", NAME, nullable=False),
        sa.Column("name", NAME, nullable=False),
        sa.Column("first_pos", BIG, nullable=False),
        sa.Column("completed_at", BIG),
        sa.Column("completed_run", BIG),
        sa.Column("inputs_at", BIG),
        sa.Column("outputs_at", BIG),
        sa.PrimaryKeyConstraint("id", name="pk_lineage_job"),
    )
    op.create_index("ix_lineage_job_first_pos", "lineage_job", ["first_pos"])
    op.create_index("ix_lineage_job_name", "lineage_job", ["name"])
    op.create_index("ix_lineage_job_namespace", "lineage_job", ["namespace"])
    op.create_table(
        "lineage_run",
        sa.Column("id", BIG, nullable=False),
        sa.Column("run_id", NAME, nullable=False),
        sa.Column("job_id", BIG, nullable=False),
        sa.Column("state", sa.String()),
        sa.Column("state_at", BIG),
        sa.Column("started_at", BIG),
        sa.Column("ended_at", BIG),
        sa.Column("event_at", BIG, nullable=False),
        sa.Column("nominal_start", sa.String()),
        sa.Column("nominal_end", sa.String()),
        sa.Column("parent_run", sa.String()),
        sa.Column("parent_namespace", sa.Text()),
        sa.Column("parent_name", sa.Text()),
        sa.Column("organisation", NAME),
        sa.Column("first_pos", BIG, nullable=False),
        sa.Column("last_pos", BIG, nullable=False),
        sa.Column("ended_pos", BIG),
        sa.PrimaryKeyConstraint("id", name="pk_lineage_run"),
    )
    op.create_index("ix_lineage_run_first_pos", "lineage_run", ["first_pos"])
    op.create_index("ix_lineage_run_job_id_event_at", "lineage_run", ["job_id", "event_at"])
    op.create_table(
        "lineage_run_io",
        sa.Column("run", BIG, nullable=False),
        sa.Column("direction", sa.Integer(), nullable=False),
        sa.Column("dataset_id", BIG, nullable=False),
        sa.Column("pos", BIG, nullable=False),
        sa.Column("said_at", BIG, nullable=False),
        sa.Column("version", sa.Text()),
        sa.PrimaryKeyConstraint("run", "direction", "dataset_id", name="pk_lineage_run_io"),
    )
    op.create_index(
        "ix_lineage_run_io_dataset_id_direction", "lineage_run_io", ["dataset_id", "direction"]
    )
    op.create_table(
        "lineage_edge",
        sa.Column("job_id", BIG, nullable=False),
        sa.Column("direction", sa.Integer(), nullable=False),
        sa.Column("dataset_id", BIG, nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("pos_from", BIG, nullable=False),
        sa.Column("pos_until", BIG),
        sa.Column("run", BIG),
        sa.Column("named_at", BIG, nullable=False),
        sa.PrimaryKeyConstraint(
            "job_id", "direction", "dataset_id", "source", "pos_from", name="pk_lineage_edge"
        ),
    )
    op.create_index(
        "ix_lineage_edge_dataset_id_direction_pos_until_job_id",
        "lineage_edge",
        ["dataset_id", "direction", "pos_until", "job_id"],
    )
    op.create_index(
        "ix_lineage_edge_open", "lineage_edge", ["job_id", "pos_until", "direction", "dataset_id"]
    )
    op.create_table(
        "lineage_facet",
        sa.Column("node_id", BIG, nullable=False),
        sa.Column("name", NAME, nullable=False),
        sa.Column("pos_from", BIG, nullable=False),
        sa.Column("pos_until", BIG),
        sa.Column("value", BIG),
        sa.Column("said_at", BIG, nullable=False),
        sa.PrimaryKeyConstraint("node_id", "name", "pos_from", name="pk_lineage_facet"),
    )
    op.create_table(
        "lineage_facet_value",
        sa.Column("id", BIG, nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_lineage_facet_value"),
    )
    op.create_table(
        "lineage_column_set",
        sa.Column("job_id", BIG, nullable=False),
        sa.Column("output_id", BIG, nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("pos_from", BIG, nullable=False),
        sa.Column("pos_until", BIG),
        sa.Column("set_id", BIG, nullable=False),
        sa.Column("said_at", BIG, nullable=False),
        sa.PrimaryKeyConstraint(
            "job_id", "output_id", "source", "pos_from", name="pk_lineage_column_set"
        ),
    )
    op.create_index(
        "ix_lineage_column_set_output_id_pos_until",
        "lineage_column_set",
        ["output_id", "pos_until"],
    )
    op.create_index("ix_lineage_column_set_set_id", "lineage_column_set", ["set_id"])
    op.create_table(
        "lineage_column_edge",
        sa.Column("set_id", BIG, nullable=False),
        sa.Column("ordinal", sa.Integer(), nullable=False),
        sa.Column("output_field", sa.Text(), nullable=False),
        sa.Column("input_id", BIG, nullable=False),
        sa.Column("input_field", sa.Text(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("subtype", sa.Text(), nullable=False),
        sa.Column("masking", sa.Boolean(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("set_id", "ordinal", name="pk_lineage_column_edge"),
    )
    op.create_index("ix_lineage_column_edge_input_id", "lineage_column_edge", ["input_id"])
    op.create_table(
        "lineage_flag",
        sa.Column("pos", BIG, nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("pos", name="pk_lineage_flag"),
    )
    op.create_table(
        "lineage_cursor",
        sa.Column("origin", NAME, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("size", BIG, nullable=False),
        sa.Column("root", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("origin", name="pk_lineage_cursor"),
    )
    op.create_table(
        "journal_checkpoint",
        sa.Column("leaf_until", sa.Integer()),
        sa.Column("origin", NAME, nullable=False),
        sa.Column("leaf_from", sa.Integer(), nullable=False),
        sa.Column("version", BIG, nullable=False),
        sa.Column("size", BIG, nullable=False),
        sa.Column("root", sa.LargeBinary(), nullable=False),
        sa.Column("organisation", sa.LargeBinary(), nullable=False),
        sa.Column("recorded_at", BIG, nullable=False),
        sa.PrimaryKeyConstraint("origin", "leaf_from", name="pk_journal_checkpoint"),
    )
    op.create_index("ix_journal_checkpoint_leaf_from", "journal_checkpoint", ["leaf_from"])
    op.create_index("ix_journal_checkpoint_leaf_until", "journal_checkpoint", ["leaf_until"])
    op.create_table(
        "lineage_rule",
        sa.Column("leaf_until", sa.Integer()),
        sa.Column("code", NAME, nullable=False),
        sa.Column("leaf_from", sa.Integer(), nullable=False),
        sa.Column("version", BIG, nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("holder", NAME, nullable=False),
        sa.Column("entry", NAME, nullable=False),
        sa.Column("namespace", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("system", sa.Text()),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("note", sa.Text()),
        sa.Column("recorded_at", BIG, nullable=False),
        sa.PrimaryKeyConstraint("code", "leaf_from", name="pk_lineage_rule"),
    )
    op.create_index("ix_lineage_rule_entry", "lineage_rule", ["entry"])
    op.create_index("ix_lineage_rule_holder", "lineage_rule", ["holder"])
    op.create_index("ix_lineage_rule_leaf_from", "lineage_rule", ["leaf_from"])
    op.create_index("ix_lineage_rule_leaf_until", "lineage_rule", ["leaf_until"])
    op.create_table(
        "lineage_step",
        sa.Column("leaf_until", sa.Integer()),
        sa.Column("code", NAME, nullable=False),
        sa.Column("leaf_from", sa.Integer(), nullable=False),
        sa.Column("version", BIG, nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("job_id", BIG, nullable=False),
        sa.Column("organisation", sa.LargeBinary(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("name_en", sa.Text()),
        sa.Column("type", sa.String(), nullable=False),
        sa.Column("deidentified", sa.Boolean(), nullable=False),
        sa.Column("deidentification", sa.Text()),
        sa.Column("note", sa.Text()),
        sa.Column("recorded_at", BIG, nullable=False),
        sa.PrimaryKeyConstraint("code", "leaf_from", name="pk_lineage_step"),
    )
    op.create_index("ix_lineage_step_job_id", "lineage_step", ["job_id"])
    op.create_index("ix_lineage_step_leaf_from", "lineage_step", ["leaf_from"])
    op.create_index("ix_lineage_step_leaf_until", "lineage_step", ["leaf_until"])
    op.create_table(
        "lineage_step_edge",
        sa.Column("leaf_until", sa.Integer()),
        sa.Column("code", NAME, nullable=False),
        sa.Column("leaf_from", sa.Integer(), nullable=False),
        sa.Column("direction", sa.Integer(), nullable=False),
        sa.Column("dataset_id", BIG, nullable=False),
        sa.Column("job_id", BIG, nullable=False),
        sa.Column("namespace", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("entry", NAME),
        sa.PrimaryKeyConstraint(
            "code", "leaf_from", "direction", "dataset_id", name="pk_lineage_step_edge"
        ),
    )
    op.create_index(
        "ix_lineage_step_edge_dataset_id_direction",
        "lineage_step_edge",
        ["dataset_id", "direction"],
    )
    op.create_index("ix_lineage_step_edge_entry", "lineage_step_edge", ["entry"])
    op.create_index("ix_lineage_step_edge_job_id", "lineage_step_edge", ["job_id"])
    op.create_index("ix_lineage_step_edge_leaf_from", "lineage_step_edge", ["leaf_from"])
    op.create_index("ix_lineage_step_edge_leaf_until", "lineage_step_edge", ["leaf_until"])
    op.create_table(
        "lineage_step_column",
        sa.Column("leaf_until", sa.Integer()),
        sa.Column("code", NAME, nullable=False),
        sa.Column("leaf_from", sa.Integer(), nullable=False),
        sa.Column("ordinal", sa.Integer(), nullable=False),
        sa.Column("output_id", BIG, nullable=False),
        sa.Column("output_field", sa.Text(), nullable=False),
        sa.Column("input_id", BIG, nullable=False),
        sa.Column("input_field", sa.Text(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("subtype", sa.Text(), nullable=False),
        sa.Column("masking", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("code", "leaf_from", "ordinal", name="pk_lineage_step_column"),
    )
    op.create_index("ix_lineage_step_column_input_id", "lineage_step_column", ["input_id"])
    op.create_index("ix_lineage_step_column_leaf_from", "lineage_step_column", ["leaf_from"])
    op.create_index("ix_lineage_step_column_leaf_until", "lineage_step_column", ["leaf_until"])
    op.create_index("ix_lineage_step_column_output_id", "lineage_step_column", ["output_id"])

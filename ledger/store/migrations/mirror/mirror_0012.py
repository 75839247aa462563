"""Indexes for whoever walks the graph of lineage: edges are read from them alone, names by both parts at once."""

from __future__ import annotations

from alembic import op

revision = "mirror_0012"
down_revision = "mirror_0011"

_OLD = (
    ("lineage_dataset", "ix_lineage_dataset_namespace"),
    ("lineage_edge", "ix_lineage_edge_dataset_id_direction_pos_until_job_id"),
    ("lineage_edge", "ix_lineage_edge_open"),
    ("lineage_step", "ix_lineage_step_job_id"),
    ("lineage_step_edge", "ix_lineage_step_edge_dataset_id_direction"),
    ("lineage_step_edge", "ix_lineage_step_edge_job_id"),
    ("lineage_step_column", "ix_lineage_step_column_input_id"),
    ("lineage_step_column", "ix_lineage_step_column_output_id"),
)
_TOLD = ["source", "pos_from", "run"]
_NEW = (
    ("lineage_dataset", "ix_lineage_dataset_namespace_name", ["namespace", "name"]),
    (
        "lineage_edge",
        "ix_lineage_edge_dataset",
        ["dataset_id", "direction", "pos_until", "job_id", *_TOLD],
    ),
    (
        "lineage_edge",
        "ix_lineage_edge_job",
        ["job_id", "pos_until", "direction", "dataset_id", *_TOLD],
    ),
    ("lineage_step", "ix_lineage_step_job_id_leaf_until", ["job_id", "leaf_until"]),
    (
        "lineage_step_edge",
        "ix_lineage_step_edge_dataset_id_direction_leaf_until",
        ["dataset_id", "direction", "leaf_until"],
    ),
    (
        "lineage_step_edge",
        "ix_lineage_step_edge_job_id_direction_leaf_until",
        ["job_id", "direction", "leaf_until"],
    ),
    (
        "lineage_step_column",
        "ix_lineage_step_column_input_id_leaf_until",
        ["input_id", "leaf_until"],
    ),
    (
        "lineage_step_column",
        "ix_lineage_step_column_output_id_leaf_until",
        ["output_id", "leaf_until"],
    ),
)


def upgrade() -> None:
    for table, name in _OLD:
        op.drop_index(name, table)
    for table, name, columns in _NEW:
        op.create_index(name, table, columns)

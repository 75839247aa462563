"""Selects over resources, manifests and deliveries: for the queries, and for audits to join and count.

Codes as text, days as YYYYMMDD, ``leaf`` the index of the statement that made the row; organisations as the
hash of their code, which is all that such a statement says of its speaker.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    Boolean,
    ColumnElement,
    Select,
    Table,
    and_,
    case,
    false,
    func,
    select,
    true,
    type_coerce,
)

from ledger.deliveries.models import DELIVERIES, MANIFESTS, RESOURCES
from ledger.store.ranged import held


def resources_at(size: int | None = None) -> Select[Any]:
    """Resources in force at log size ``size``.

    Columns: leaf, code, entry, type, status, name, location, organisation (hash), recorded_at.
    """
    table = RESOURCES
    return select(
        table.c.leaf_from.label("leaf"),
        table.c.code,
        table.c.entry,
        table.c.type,
        table.c.status,
        table.c.name,
        table.c.location,
        table.c.organisation,
        table.c.recorded_at,
    ).where(held(table, size))


def manifests_at(size: int | None = None) -> Select[Any]:
    """Every version of every manifest recorded before log size ``size``.

    Columns: leaf, leaf_until (null: newest at present), entry, version, edition, period_start and
    period_end (YYYYMMDD), mode, rows, schema, root (32 bytes each), schema_text, columns_digest, key_columns (JSON),
    resource, organisation (hash), recorded_at.
    """
    table = MANIFESTS
    return select(
        table.c.leaf_from.label("leaf"),
        table.c.leaf_until,
        table.c.entry,
        table.c.version,
        table.c.edition,
        table.c.period_start,
        table.c.period_end,
        table.c.mode,
        table.c.rows,
        table.c.row_schema.label("schema"),
        table.c.root,
        table.c.schema_text,
        table.c.columns_digest,
        table.c.key_columns,
        table.c.resource,
        table.c.organisation,
        table.c.recorded_at,
    ).where(seen(table, size, superseded=True))


def deliveries_at(size: int | None = None) -> Select[Any]:
    """Every delivery recorded before log size ``size``, with the manifest that it names.

    Columns: leaf, entry, number, manifest (version, 0: none), edition, period_start, period_end, mode,
    rows, schema, root, content, predecessor, claimed, complete (by roots), differences (JSON),
    repeats (number of the first delivery with the same rows), manifest_leaf, manifest_rows,
    manifest_root, manifest_schema, manifest_recorded_at, organisation (hash), recorded_at.
    """
    table = DELIVERIES
    return with_manifest(size).with_only_columns(
        table.c.leaf_from.label("leaf"),
        table.c.entry,
        table.c.version.label("number"),
        table.c.manifest,
        table.c.edition,
        table.c.period_start,
        table.c.period_end,
        table.c.mode,
        table.c.rows,
        table.c.row_schema.label("schema"),
        table.c.root,
        table.c.content,
        table.c.predecessor,
        table.c.claimed,
        table.c.differences,
        complete().label("complete"),
        _repeats().label("repeats"),
        MANIFESTS.c.leaf_from.label("manifest_leaf"),
        MANIFESTS.c.rows.label("manifest_rows"),
        MANIFESTS.c.root.label("manifest_root"),
        MANIFESTS.c.row_schema.label("manifest_schema"),
        MANIFESTS.c.recorded_at.label("manifest_recorded_at"),
        table.c.organisation,
        table.c.recorded_at,
        maintain_column_froms=True,
    )


def seen(table: Table, as_of: int | None, *, superseded: bool) -> ColumnElement[bool]:
    """Rows that hold at ``as_of``, or with ``superseded`` all that were recorded before."""
    if not superseded:
        return held(table, as_of)
    return true() if as_of is None else table.c.leaf_from < as_of


def with_manifest(as_of: int | None) -> Select[Any]:
    """Deliveries beside the manifests that they name. A manifest stands before what names it."""
    named = and_(
        MANIFESTS.c.entry == DELIVERIES.c.entry,
        MANIFESTS.c.period_end == DELIVERIES.c.period_end,
        MANIFESTS.c.period_start == DELIVERIES.c.period_start,
        MANIFESTS.c.version == DELIVERIES.c.manifest,
    )
    return (
        select(
            DELIVERIES,
            complete().label("complete"),
            _repeats().label("repeats"),
            MANIFESTS.c.leaf_from.label("manifest_leaf"),
        )
        .select_from(DELIVERIES.outerjoin(MANIFESTS, named))
        .where(seen(DELIVERIES, as_of, superseded=True))
    )


def complete() -> ColumnElement[bool]:
    """Whether what arrived is, by roots, what the manifest of :func:`with_manifest` says."""
    equal = and_(
        MANIFESTS.c.root == DELIVERIES.c.root,
        MANIFESTS.c.rows == DELIVERIES.c.rows,
        MANIFESTS.c.row_schema == DELIVERIES.c.row_schema,
        MANIFESTS.c.mode == DELIVERIES.c.mode,
    )
    return type_coerce(case((equal, true()), else_=false()), Boolean)


def _repeats() -> ColumnElement[int]:
    earlier = DELIVERIES.alias("earlier")
    return (
        select(func.min(earlier.c.version))
        .where(
            earlier.c.entry == DELIVERIES.c.entry,
            earlier.c.content == DELIVERIES.c.content,
            earlier.c.leaf_from < DELIVERIES.c.leaf_from,
        )
        .correlate(DELIVERIES)
        .scalar_subquery()
    )

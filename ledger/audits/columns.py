"""Columns that went (缺失字段): each manifest against the one before of the same entry, by the names of columns."""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy import Connection, Row, text

from ledger.audits import tables
from ledger.store.bulk import insert_rows

_CHUNK = 1_000
_CHANGED = text(
    "SELECT f.entry, f.org, f.scoped, f.leaf, f.schema_text, f.earlier, f.earlier_text FROM ("
    "  SELECT m.entry, e.org, e.scoped, m.leaf, m.schema, m.schema_text,"
    "    LAG(m.leaf) OVER w AS earlier, LAG(m.schema) OVER w AS earlier_schema,"
    "    LAG(m.schema_text) OVER w AS earlier_text"
    "  FROM audit_in_manifest m JOIN audit_entry e ON e.code = m.entry"
    "  WHERE m.entry IN (SELECT u.entry FROM audit_supply s JOIN audit_unit u ON u.leaf = s.unit"
    "                    WHERE s.several = 1)"
    "  WINDOW w AS (PARTITION BY m.entry ORDER BY m.period_end, m.leaf)"
    ") f WHERE f.schema <> f.earlier_schema ORDER BY f.leaf"
)


def find_dropped_columns(connection: Connection) -> None:
    """Add a finding for each manifest that lacks columns of the one before it.

    Where the schemas are not public, that they differ is all that can be said.
    """
    changed = connection.execute(_CHANGED, execution_options={"yield_per": _CHUNK})
    for some in changed.partitions(_CHUNK):
        found = [finding for row in some if (finding := _finding(row)) is not None]
        insert_rows(connection, tables.FINDING, found)


def _finding(row: Row[Any]) -> tuple[Any, ...] | None:
    now, before = _names(row.schema_text), _names(row.earlier_text)
    place = (row.entry, row.org, row.scoped, row.leaf, row.earlier, None)
    if now is None or before is None:
        return ("schema_changed", *place, None)
    gone = sorted(before - now)
    return ("column_dropped", *place, ", ".join(gone)) if gone else None


def _names(schema: str | None) -> set[str] | None:
    """The names of a schema's columns; None where it is not public, or not as expected."""
    if schema is None:
        return None
    columns = json.loads(schema).get("columns")
    if not isinstance(columns, list):
        return None
    return {str(column.get("name")) for column in columns if isinstance(column, dict)}

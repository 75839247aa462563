"""Columns by their names (字段比对): each manifest against the one before, and against the items of its entry."""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy import Connection, Row, bindparam, text

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

# Of newest_manifest the last two bits are 2 where the columns are public and not called as the items are.
_UNLIKE = text(
    "SELECT s.unit, u.code, u.org, u.scoped, u.entry_leaf, m.leaf AS manifest, m.schema_text "
    "FROM audit_supply s JOIN audit_unit u ON u.leaf = s.unit "
    "JOIN audit_in_manifest m ON m.leaf = s.newest_manifest % 274877906944 / 4 "
    "WHERE s.newest_manifest % 4 = 2 AND u.item_count > 0 AND u.in_force = 1"
)
_ITEMS = text(
    "SELECT u.leaf AS unit, i.name, i.name_en FROM audit_unit u "
    "JOIN audit_in_item i ON i.code = u.entry AND i.edition = u.edition "
    "WHERE u.leaf IN :units ORDER BY u.leaf, i.position"
).bindparams(bindparam("units", expanding=True))


def find_dropped_columns(connection: Connection) -> None:
    """Add a finding for each manifest that lacks columns of the one before it.

    Where the schemas are not public, that they differ is all that can be said.
    """
    changed = connection.execute(_CHANGED, execution_options={"yield_per": _CHUNK})
    for some in changed.partitions(_CHUNK):
        found = [finding for row in some if (finding := _finding(row)) is not None]
        insert_rows(connection, tables.FINDING, found)


def count_items(connection: Connection) -> None:
    """Count, for units whose columns are not called as all their items are, the items that one bears the name of.

    A column is an item's where it has its name or its English name, letter by letter. Where some are there, the
    missing ones are a finding.
    """
    asked = connection.execute(_UNLIKE, execution_options={"yield_per": _CHUNK})
    for some in asked.partitions(_CHUNK):
        items = _items_of(connection, [row.unit for row in some])
        counted, missing = [], []
        for row in some:
            columns = _names(row.schema_text) or set()
            gone = [one[0] for one in items.get(row.unit, ()) if columns.isdisjoint(one)]
            here = len(items.get(row.unit, ())) - len(gone)
            counted.append((row.unit, here))
            if gone and here:
                place = (row.code, row.org, row.scoped, row.manifest, row.entry_leaf, len(gone))
                missing.append(("items_missing", *place, ", ".join(sorted(gone))))
        insert_rows(connection, tables.ITEMS, counted)
        insert_rows(connection, tables.FINDING, missing)


def _items_of(connection: Connection, units: list[int]) -> dict[int, list[tuple[str, ...]]]:
    """The names, and English names, of the items of each unit's edition in force; each name once."""
    found: dict[int, dict[str, tuple[str, ...]]] = {}
    for row in connection.execute(_ITEMS, {"units": units}):
        names = (row.name, row.name_en) if row.name_en else (row.name,)
        found.setdefault(row.unit, {}).setdefault(row.name, names)
    return {unit: list(named.values()) for unit, named in found.items()}


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

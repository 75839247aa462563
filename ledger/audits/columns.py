"""Columns by their names (字段比对): each manifest against the one before, and against the items of its entry."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from itertools import islice
from typing import Any

import msgspec
from sqlalchemy import Connection, Select

from ledger.audits.workspace import Row, Workspace
from ledger.catalogue import queries as catalogue
from ledger.deliveries import queries as deliveries

_CHUNK = 1_000
"""Manifests that are asked for at once."""
_KEPT = 20_000
"""Rows that are kept before they are added."""
_CHANGED = (
    "SELECT f.entry, f.org, f.scoped, f.leaf, f.earlier FROM ("
    "  SELECT m.entry, e.org, e.scoped, m.leaf, m.schema,"
    "    LAG(m.leaf) OVER w AS earlier, LAG(m.schema) OVER w AS earlier_schema"
    "  FROM audit_in_manifest m JOIN audit_entry e ON e.code = m.entry"
    "  WHERE m.entry IN (SELECT u.entry FROM audit_supply s JOIN audit_unit u ON u.leaf = s.unit"
    "                    WHERE s.several = 1)"
    "  WINDOW w AS (PARTITION BY m.entry ORDER BY m.period_end, m.leaf)"
    ") f WHERE f.schema <> f.earlier_schema ORDER BY f.leaf"
)

# Of newest_manifest the last two bits are 2 where the columns are public and not called as the items are.
_UNLIKE = (
    "SELECT s.unit, u.code, u.org, u.scoped, u.entry_leaf, u.filed, "
    "s.newest_manifest % 274877906944 // 4 AS manifest "
    "FROM audit_supply s JOIN audit_unit u ON u.leaf = s.unit "
    "WHERE s.newest_manifest % 4 = 2 AND u.item_count > 0 AND u.in_force = 1 ORDER BY u.leaf"
)


def find_dropped_columns(connection: Connection, work: Workspace, size: int) -> None:
    """Add a finding for each manifest that lacks columns of the one before it.

    Where the schemas are not public, that they differ is all that can be said.
    """
    for some in _by(_CHUNK, work.rows(_CHANGED)):
        leaves = {leaf for row in some for leaf in (row.leaf, row.earlier)}
        schemas = _schemas(connection, size, leaves)
        found = [_finding(row, schemas[row.leaf], schemas[row.earlier]) for row in some]
        work.put("audit_finding", [one for one in found if one is not None])


def count_items(connection: Connection, work: Workspace, size: int) -> None:
    """Count, for units whose columns are not called as all their items are, the items that one bears the name of.

    A column is an item's where it has its name or its English name, letter by letter. Where some are there, the
    missing ones are a finding.
    """
    counted, missing = [], []
    for some in _by(_CHUNK, work.rows(_UNLIKE)):
        items = _items(connection, size, {row.filed for row in some})
        schemas = _schemas(connection, size, {row.manifest for row in some})
        for row in some:
            columns = _names(schemas[row.manifest]) or set()
            named = items.get(row.filed, {})
            gone = [name for name, both in named.items() if columns.isdisjoint(both)]
            here = len(named) - len(gone)
            counted.append((row.unit, here))
            if gone and here:
                place = (row.code, row.org, row.scoped, row.manifest, row.entry_leaf, len(gone))
                missing.append(("items_missing", *place, ", ".join(sorted(gone))))
        if len(counted) >= _KEPT:
            _add(work, counted, missing)
            counted, missing = [], []
    _add(work, counted, missing)


def _add(work: Workspace, counted: list[Any], missing: list[Any]) -> None:
    work.put("audit_items", counted)
    work.put("audit_finding", missing)


def _by(count: int, rows: Iterator[Row]) -> Iterator[list[Row]]:
    while some := list(islice(rows, count)):
        yield some


def _schemas(connection: Connection, size: int, leaves: AbstractSet[int]) -> dict[int, str | None]:
    """The schemas, as JSON, of the manifests recorded as these leaves; None where one is not public."""
    asked = deliveries.manifests_at(size)
    shown = asked.selected_columns
    told = asked.with_only_columns(shown["leaf"], shown["schema_text"])
    return dict(_among(connection, told, leaves, "leaf"))


def _items(
    connection: Connection, size: int, leaves: AbstractSet[int]
) -> dict[int, dict[str, tuple[str, ...]]]:
    """Of each edition, by its leaf, the items by their names, with these and their English names; each name once."""
    asked = catalogue.items_at(size)
    shown = asked.selected_columns
    told = asked.with_only_columns(
        *(shown[name] for name in ("leaf", "name", "name_en", "position"))
    )
    found: dict[int, dict[str, tuple[str, ...]]] = {leaf: {} for leaf in leaves}
    for leaf, name, english, _ in _among(connection, told, leaves, "leaf, position"):
        found[leaf].setdefault(name, (name, english) if english else (name,))
    return found


def _among(
    connection: Connection, asked: Select[Any], leaves: AbstractSet[int], order: str
) -> Sequence[Any]:
    """Rows recorded as these leaves: whole numbers, which stand in the text. A parameter for each takes longer."""
    told = asked.compile(dialect=connection.dialect, compile_kwargs={"literal_binds": True})
    among = ", ".join(map(str, leaves))
    whole = f"SELECT * FROM ({told}) AS asked WHERE leaf IN ({among}) ORDER BY {order}"  # noqa: S608
    return connection.exec_driver_sql(whole).all()


def _finding(row: Row, schema: str | None, earlier: str | None) -> tuple[Any, ...] | None:
    now, before = _names(schema), _names(earlier)
    place = (row.entry, row.org, row.scoped, row.leaf, row.earlier, None)
    if now is None or before is None:
        return ("schema_changed", *place, None)
    gone = sorted(before - now)
    return ("column_dropped", *place, ", ".join(gone)) if gone else None


def _names(schema: str | None) -> set[str] | None:
    """The names of a schema's columns; None where it is not public, or not as expected."""
    if schema is None:
        return None
    columns = msgspec.json.decode(schema).get("columns")
    if not isinstance(columns, list):
        return None
    return {str(column.get("name")) for column in columns if isinstance(column, dict)}

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
    """Add findings for each manifest that lacks columns of the one before it, or has them otherwise.

    Where the schemas are not public, that they differ is all that can be said.
    """
    for some in _by(_CHUNK, work.rows(_CHANGED)):
        leaves = {leaf for row in some for leaf in (row.leaf, row.earlier)}
        schemas = _schemas(connection, size, leaves)
        found = [
            one for row in some for one in _findings(row, schemas[row.leaf], schemas[row.earlier])
        ]
        work.put("audit_finding", found)


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


def _findings(row: Row, schema: str | None, earlier: str | None) -> Iterator[tuple[Any, ...]]:
    """Columns that are gone, or of another type, and another key."""
    now, before = _columns(schema), _columns(earlier)
    place = (row.entry, row.org, row.scoped, row.leaf, row.earlier, None)
    if now is None or before is None:
        yield ("schema_changed", *place, None)
        return
    gone = sorted(before.keys() - now.keys())
    if gone:
        yield ("column_dropped", *place, ", ".join(gone))
    types = [
        f"{name}: {before[name]} → {now[name]}"
        for name in sorted(before.keys() & now.keys())
        if before[name] != now[name]
    ]
    if types:
        yield ("column_retyped", *place, ", ".join(types))
    keys = [", ".join(_key(text)) for text in (earlier, schema)]
    if keys[0] != keys[1]:
        yield ("key_changed", *place, " → ".join(keys))


def _names(schema: str | None) -> set[str] | None:
    """The names of a schema's columns; None where it is not public, or not as expected."""
    columns = _columns(schema)
    return None if columns is None else set(columns)


def _columns(schema: str | None) -> dict[str, str] | None:
    """The columns of a schema with their types; None where it is not public, or not as expected."""
    if schema is None:
        return None
    columns = msgspec.json.decode(schema).get("columns")
    if not isinstance(columns, list):
        return None
    return {str(one.get("name")): _type_of(one) for one in columns if isinstance(one, dict)}


def _type_of(column: dict[str, Any]) -> str:
    """A column's type, with its scale where it has one."""
    scale = column.get("scale")
    return f"{column.get('type')}" if scale is None else f"{column.get('type')}({scale})"


def _key(schema: str | None) -> list[str]:
    """The key's columns as a schema names them."""
    key = msgspec.json.decode(schema or "{}").get("key")
    return [str(name) for name in key] if isinstance(key, list) else []

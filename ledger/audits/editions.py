"""Editions that promise less than the one in force before (目录改版): fewer items, slower, shared with fewer.

A department owns its catalogue entries, and what an entry promises is what its data are held against. So an edition
that takes something back is a finding, whoever published it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

from sqlalchemy import Connection

from ledger.audits.workspace import Row, Workspace
from ledger.catalogue import queries as catalogue
from ledger.codes import Code, EntryState, ShareType, UpdateCycle

_CHUNK = 300
"""Entries that are asked for at once."""
_REVISED = (
    "SELECT code, org, scoped, edition, filed FROM audit_entry "
    "WHERE in_force = 1 AND edition > 1 AND hidden = 0 AND filed >= $window_leaf ORDER BY code"
)
_ORDERED: tuple[tuple[str, type[Code]], ...] = (
    ("update_cycle", UpdateCycle),
    ("share_type", ShareType),
)
"""Members of an entry whose codes are numbered from more to less: slower, and shared with fewer."""


def find_weaker_editions(
    connection: Connection, work: Workspace, size: int, window_leaf: int
) -> None:
    """Add a finding for each entry whose edition in force, filed since ``window_leaf``, promises less."""
    rows = work.rows(_REVISED, {"window_leaf": window_leaf})
    for some in _by(_CHUNK, rows):
        before = _published_before(connection, size, some)
        wanted = {(row.code, row.edition) for row in some} | set(before.items())
        known = _editions(connection, size, wanted)
        found = []
        for row in some:
            earlier = known.get((row.code, before.get(row.code, 0)))
            now = known.get((row.code, row.edition))
            if earlier is None or now is None:
                continue
            taken = _taken_back(earlier[1], now[1])
            if taken:
                place = (row.code, row.org, row.scoped, now[0], earlier[0], None)
                found.append(("entry_weakened", *place, "; ".join(taken)))
        work.put("audit_finding", found)


def _by(count: int, rows: Iterator[Row]) -> Iterator[list[Row]]:
    while some := list(islice(rows, count)):
        yield some


def _published_before(connection: Connection, size: int, rows: Sequence[Row]) -> dict[str, int]:
    """The edition of each entry that was published last before the one in force."""
    asked = catalogue.acts_at(size)
    shown = asked.selected_columns
    told = asked.with_only_columns(shown["code"], shown["edition"]).where(
        shown["code"].in_([row.code for row in rows]),
        shown["decided_by"].is_not(None),
        shown["state"] == EntryState.PUBLISHED.value,
    )
    now = {row.code: row.edition for row in rows}
    found: dict[str, int] = {}
    for code, edition in connection.execute(told).all():
        if found.get(code, 0) < edition < now[code]:
            found[code] = edition
    return found


def _editions(
    connection: Connection, size: int, wanted: set[tuple[str, int]]
) -> dict[tuple[str, int], tuple[int, dict[str, Any]]]:
    """Leaf and document of each edition that is asked for."""
    asked = catalogue.editions_at(size)
    shown = asked.selected_columns
    names = ("code", "edition", "leaf", "document")
    told = asked.with_only_columns(
        *(shown[name] for name in names), maintain_column_froms=True
    ).where(shown["code"].in_(sorted({code for code, _ in wanted})))
    return {
        (code, edition): (leaf, json.loads(document))
        for code, edition, leaf, document in connection.execute(told).all()
        if (code, edition) in wanted
    }


def _taken_back(before: dict[str, Any], now: dict[str, Any]) -> list[str]:
    """What the later document no longer promises: ``-item`` for each, and ``code → code``."""
    gone = sorted(_items(before) - _items(now))
    told = [f"-{name}" for name in gone]
    for member, codes in _ORDERED:
        numbers = {code.value: code.number for code in codes}
        then, later = (numbers.get(side.get(member), 0) for side in (before, now))
        if 0 < then < later:
            told.append(f"{before[member]} → {now[member]}")
    return told


def _items(document: dict[str, Any]) -> set[str]:
    return {str(item["name"]) for item in document.get("items") or ()}

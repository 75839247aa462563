"""What changed between two editions (版本差异), field by field;
information items are matched by name.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ledger.catalogue.entry import pointer_of
from ledger.catalogue.names import bare


@dataclass(frozen=True, slots=True)
class Change:
    """One field that was ``added``, ``removed`` or ``changed``.

    ``pointer`` is a JSON pointer; an item stands under its name: ``/items/出生日期/grade``.
    """

    pointer: str
    kind: str
    before: Any
    after: Any


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Change]:
    """The changes from one entry document to another, ordered by pointer; equal ones have none."""
    found: list[Change] = []
    _compare((), dict(before), dict(after), found)
    return sorted(found, key=lambda change: change.pointer)


def _compare(
    path: tuple[str, ...], before: dict[str, Any], after: dict[str, Any], found: list[Change]
) -> None:
    for name in dict.fromkeys((*before, *after)):
        place = (*path, name)
        if name not in before:
            found.append(Change(pointer_of(place), "added", None, after[name]))
        elif name not in after:
            found.append(Change(pointer_of(place), "removed", before[name], None))
        elif before[name] == after[name]:
            continue
        elif place == ("items",):
            _compare_items(before[name], after[name], found)
        elif isinstance(before[name], dict) and isinstance(after[name], dict):
            _compare(place, before[name], after[name], found)
        else:
            found.append(Change(pointer_of(place), "changed", before[name], after[name]))


def _compare_items(
    before: list[dict[str, Any]], after: list[dict[str, Any]], found: list[Change]
) -> None:
    old = {bare(item["name"]): item for item in before}
    new = {bare(item["name"]): item for item in after}
    start = len(found)
    for key in dict.fromkeys((*old, *new)):
        if key not in old:
            place = pointer_of(("items", new[key]["name"]))
            found.append(Change(place, "added", None, new[key]))
        elif key not in new:
            place = pointer_of(("items", old[key]["name"]))
            found.append(Change(place, "removed", old[key], None))
        else:
            _compare(("items", new[key]["name"]), old[key], new[key], found)
    if len(found) == start:
        names = [item["name"] for item in before], [item["name"] for item in after]
        found.append(Change("/items", "reordered", *names))

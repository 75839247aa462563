"""Rows of the catalogue's tables, made from one statement each (目录各表的行).

Rows are lists in their table's order of columns, which a test holds; what only the entry's life tells is None.
"""

from __future__ import annotations

from typing import Any

from ledger.bodies import names_digest
from ledger.catalogue.completeness import missing_listed
from ledger.catalogue.entry import Entry
from ledger.catalogue.names import bare, folded
from ledger.codes import EntryState, Library, OpenType, ShareType, UpdateCycle
from ledger.mirror.projections import Decoded
from ledger.typed_data import integer

CODED: tuple[tuple[str, str, type[ShareType | OpenType | UpdateCycle | Library]], ...] = (
    ("share_type", "shareType", ShareType),
    ("open_type", "openType", OpenType),
    ("update_cycle", "updateCycle", UpdateCycle),
    ("library", "library", Library),
)
_STATES = {state.number: str(state.value) for state in EntryState}
_WORDS = {member: {0: None, **{c.number: c.value for c in t}} for _, member, t in CODED}


def state_told(decoded: Decoded) -> str | None:
    """The state of the entry that a statement about it names, None where there is no such state."""
    return state_of(integer(decoded.values["state"]))


def state_of(number: int) -> str | None:
    """The state of an entry with a number, None where there is none."""
    return _STATES.get(number)


def _typed(decoded: Decoded) -> tuple[Any, ...]:
    """share_type, open_type, grade, update_cycle, library."""
    values: dict[str, Any] = decoded.values
    return (
        _WORDS["shareType"][values["shareType"]],
        _WORDS["openType"][values["openType"]],
        values["grade"] or None,
        _WORDS["updateCycle"][values["updateCycle"]],
        _WORDS["library"][values["library"]],
    )


def entry_row(decoded: Decoded, entry: Entry) -> list[Any]:
    """The row of an open entry."""
    statement = decoded.statement
    missing = missing_listed(entry)
    source = entry.source
    return [
        None,
        entry.code,
        statement.index,
        statement.subject,
        statement.version,
        None,
        None,
        None,
        None,
        None,
        None,
        entry.name,
        entry.provider,
        entry.provider_name,
        *_typed(decoded),
        entry.level.value if entry.level else None,
        entry.origin.value if entry.origin else None,
        False,
        missing == "[]",
        missing,
        len(entry.items),
        f"{source.catalogue}:{source.record}" if source else None,
        bare(entry.name),
        entry_search_text(entry),
        statement.recorded_at,
    ]


def envelope_row(decoded: Decoded) -> list[Any]:
    """The row of a restricted entry, of which only its envelope is known."""
    statement, body = decoded.statement, decoded.body
    return [
        None,
        body["code"],
        statement.index,
        statement.subject,
        statement.version,
        None,
        None,
        None,
        None,
        None,
        None,
        None,
        body["provider"],
        None,
        *_typed(decoded),
        None,
        None,
        True,
        state_told(decoded) == EntryState.SUBMITTED.value,
        "[]",
        0,
        None,
        None,
        search_text(body["code"], body["provider"]),
        statement.recorded_at,
    ]


def entry_search_text(entry: Entry) -> str:
    """What a search looks through in an entry."""
    return search_text(
        entry.code,
        entry.name,
        entry.name_en,
        entry.provider,
        entry.provider_name,
        entry.provider_unit,
        entry.library_name,
        *entry.keywords,
        *entry.themes,
        *entry.matters,
        *[name for item in entry.items for name in (item.name, item.name_en)],
        entry.abstract,
    )


def search_text(*parts: str | None) -> str:
    """Parts as search compares them, a line each, so that no match runs over two of them."""
    return "\n".join(dict.fromkeys([folded(part) for part in parts if part]))


def names_row(decoded: Decoded, entry: Entry) -> list[Any]:
    """How the items of an edition are called; it has some."""
    names = {item.name for item in entry.items}
    english = [item.name_en for item in entry.items if item.name_en]
    return [
        decoded.statement.index,
        None,
        len(names),
        names_digest(names),
        names_digest(english) if len(english) == len(entry.items) else None,
    ]


def item_rows(decoded: Decoded, entry: Entry) -> list[list[Any]]:
    """One row for each information item (信息项)."""
    leaf = decoded.statement.index
    return [
        [
            None,
            entry.code,
            leaf,
            position,
            None,
            item.name,
            item.name_en,
            item.data_type.value if item.data_type else None,
            item.length,
            item.precision,
            item.share_type.value if item.share_type else None,
            item.open_type.value if item.open_type else None,
            item.grade,
            bool(item.sensitive),
            bool(item.primary_key),
            item.locally_generated,
        ]
        for position, item in enumerate(entry.items)
    ]

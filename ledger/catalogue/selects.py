"""The catalogue as others join it (供其他能力联接): selects, not rows; codes as text, ``leaf`` the statement's index.

``size`` is a log size, None for what is held now.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Select, Table, and_, case, select

from ledger.catalogue.models import ENTRIES, ITEM_NAMES, ITEMS
from ledger.codes import EntryState
from ledger.mirror.queries import statements_at
from ledger.store.ranged import held

FILED = ENTRIES.c.decided_by.is_(None)
"""Which rows filings made, and not decisions."""


def entries_at(size: int | None) -> Select[Any]:
    """Every entry as it stood at a log size, for others to join.

    Columns: leaf, code, subject (Keccak-256 of the code), version, state, edition, published_edition,
    in_force (whether an edition is, see :func:`ledger.catalogue.queries.in_force`), published_leaf (the filing of the
    published edition; null where there is none, or it is malformed), name, provider,
    share_type, update_cycle, library, level, restricted, item_count, recorded_at.
    """
    shown = ENTRIES.c
    ended = (EntryState.SUSPENDED.value, EntryState.REVOKED.value)
    return select(
        shown.leaf_from.label("leaf"),
        shown.code,
        shown.subject,
        shown.version,
        shown.state,
        shown.edition,
        shown.published_edition,
        and_(shown.published_edition > 0, shown.state.not_in(ended)).label("in_force"),
        shown.published_leaf,
        shown.name,
        shown.provider,
        shown.share_type,
        shown.update_cycle,
        shown.library,
        shown.level,
        shown.restricted,
        shown.item_count,
        shown.recorded_at,
    ).where(held(ENTRIES, size))


def classes_at(size: int | None) -> Select[Any]:
    """Every entry with how its edition in force (where none is: its newest) is classed, for others to join.

    Columns: leaf (of the entry's newest statement), code, state, edition (the one told of), in_force, name,
    provider, library, level, grade (1 to 4, null where not stated), share_type.
    """
    now, filed = ENTRIES.c, ENTRIES.alias("filed")
    published = now.published_edition > 0
    told = case((published, now.published_edition), else_=now.edition)
    leaf = case((published, now.published_leaf), else_=now.filed_leaf)
    ended = (EntryState.SUSPENDED.value, EntryState.REVOKED.value)
    return (
        select(
            now.leaf_from.label("leaf"),
            now.code,
            now.state,
            told.label("edition"),
            and_(now.published_edition > 0, now.state.not_in(ended)).label("in_force"),
            filed.c.name,
            filed.c.provider,
            filed.c.library,
            filed.c.level,
            filed.c.grade,
            filed.c.share_type,
        )
        .join(filed, filed.c.leaf_from == leaf)
        .where(held(ENTRIES, size))
    )


def acts_at(size: int | None) -> Select[Any]:
    """Every filing and decision recorded before a log size, but for decisions about what nobody can read.

    Columns: leaf, code, version, state, edition, decided_by (hash of the organisation, null for a filing),
    recorded_at.
    """
    shown = ENTRIES.c
    return select(
        shown.leaf_from.label("leaf"),
        shown.code,
        shown.version,
        shown.state,
        shown.edition,
        shown.decided_by,
        shown.recorded_at,
    ).where(*_before(ENTRIES, size))


def filings_at(size: int | None) -> Select[Any]:
    """Which statements recorded before a log size are filings. Columns: leaf, subject, version."""
    shown = ENTRIES.c
    return select(shown.leaf_from.label("leaf"), shown.subject, shown.version).where(
        FILED, *_before(ENTRIES, size)
    )


def editions_at(size: int | None) -> Select[Any]:
    """Every edition recorded before a log size: a filing each.

    Columns: leaf, code, edition, version, state, recorded_at, document (the entry, or the envelope of a restricted
    one, as bytes of canonical JSON).
    """
    shown, said = ENTRIES.c, statements_at(None).subquery("said").c
    return (
        select(
            shown.leaf_from.label("leaf"),
            shown.code,
            shown.edition,
            shown.version,
            shown.state,
            shown.recorded_at,
            said.body.label("document"),
        )
        .join(said.leaf.table, said.leaf == shown.leaf_from)
        .where(FILED, *_before(ENTRIES, size))
    )


def item_names_at(size: int | None) -> Select[Any]:
    """How the items of every edition recorded before a log size are called, where it has any.

    Columns: leaf (the edition's), item_count (each name once), names_digest, names_en_digest.
    """
    shown = ITEM_NAMES.c
    return select(
        shown.leaf_from.label("leaf"),
        shown.item_count,
        shown.names_digest,
        shown.names_en_digest,
    ).where(*_before(ITEM_NAMES, size))


def items_at(size: int | None) -> Select[Any]:
    """The items of every edition recorded before a log size.

    Columns: leaf, code, edition, position, name, name_en, locally_generated.
    """
    shown = ITEMS.c
    return select(
        shown.leaf_from.label("leaf"),
        shown.code,
        shown.edition,
        shown.position,
        shown.name,
        shown.name_en,
        shown.locally_generated,
    ).where(*_before(ITEMS, size))


def _before(table: Table, size: int | None) -> list[ColumnElement[bool]]:
    return [] if size is None else [table.c.leaf_from < size]

"""The catalogue as others join it (供其他能力联接): selects, not rows; codes as text, ``leaf`` the statement's index.

``size`` is a log size, None for what is held now.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Select, and_, select

from ledger.catalogue.models import ENTRIES
from ledger.codes import EntryState
from ledger.store.ranged import held


def entries_at(size: int | None) -> Select[Any]:
    """Every entry as it stood at a log size, for others to join.

    Columns: leaf, code, subject (Keccak-256 of the code), version, state, edition, published_edition,
    in_force (whether an edition is, see :func:`ledger.catalogue.queries.in_force`), name, provider, share_type,
    update_cycle, library, level, restricted, item_count, recorded_at.
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

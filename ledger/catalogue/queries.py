"""Questions about the catalogue (目录查询), answered from the mirror, now or ``as_of`` a log size.

Every function takes a connection to the mirror and only reads. ``as_of`` is a log size; None means
all that the mirror has.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from typing import Any

from sqlalchemy import Connection, RowMapping, bindparam, func, select

from ledger.catalogue.filters import (
    MAX_QUERY,
    CatalogueQueryError,
    Filters,
    matching,
    read_cursor,
    write_cursor,
)
from ledger.catalogue.models import ENTRIES
from ledger.catalogue.searching import Search
from ledger.catalogue.selects import (
    acts_at,
    classes_at,
    editions_at,
    entries_at,
    filings_at,
    item_names_at,
    items_at,
)
from ledger.codes import EntryState
from ledger.store.ranged import held

__all__ = [
    "FACETS",
    "MAX_LIMIT",
    "MAX_QUERY",
    "CatalogueQueryError",
    "Edition",
    "EntryDetail",
    "EntrySummary",
    "Filters",
    "Page",
    "acts_at",
    "classes_at",
    "count",
    "edition",
    "editions",
    "editions_at",
    "entries_at",
    "export",
    "facets",
    "filings_at",
    "in_force",
    "item_names_at",
    "items_at",
    "search",
    "show",
    "standing",
    "summary_of",
]

MAX_LIMIT = 500
_CHUNK = 1000
_VERSIONS = select(ENTRIES).where(ENTRIES.c.code == bindparam("code"))
_ENTRY_NOW = _VERSIONS.where(held(ENTRIES, None))
_EDITIONS_OF = (
    editions_at(None).where(ENTRIES.c.code == bindparam("code")).order_by(ENTRIES.c.leaf_from)
)
"""What every page of an entry asks, put together once."""


FACETS: tuple[str, ...] = (
    "state",
    "share_type",
    "open_type",
    "grade",
    "update_cycle",
    "library",
    "level",
    "origin",
    "complete",
    "restricted",
    "provider",
)
"""Columns that :func:`facets` counts by."""


@dataclass(frozen=True, slots=True)
class EntrySummary:
    """An entry in a list. ``leaf`` is the statement that made it stand so; restricted entries have
    no name here. ``recorded_at`` in Unix seconds.
    """

    code: str
    name: str | None
    provider: str
    provider_name: str | None
    state: str
    version: int
    edition: int
    published_edition: int
    share_type: str | None
    open_type: str | None
    grade: int | None
    update_cycle: str | None
    library: str | None
    level: str | None
    origin: str | None
    restricted: bool
    complete: bool
    missing: tuple[str, ...]
    item_count: int
    leaf: int
    recorded_at: int


@dataclass(frozen=True, slots=True)
class Page:
    """A page of entries ordered by code; ``next`` is the cursor of the following one, if any.

    ``total`` is how many match in all, where it was asked for. Hits of a text are counted up to
    :data:`~ledger.catalogue.searching.COUNTED`; where there are more, ``total_exact`` is False.
    """

    entries: tuple[EntrySummary, ...]
    next: str | None
    total: int | None = None
    total_exact: bool = True


@dataclass(frozen=True, slots=True)
class Edition:
    """One edition (版本) of an entry: what was filed, at which leaf. ``document`` is the entry, or
    the envelope of a restricted one. ``state`` is draft or submitted, as it was filed.
    """

    code: str
    edition: int
    version: int
    state: str
    leaf: int
    recorded_at: int
    document: dict[str, Any]


@dataclass(frozen=True, slots=True)
class EntryDetail:
    """An entry as it stands: the edition published last, and a newer one that is not (yet) published.

    The published one is in force unless the entry is suspended or revoked.
    """

    entry: EntrySummary
    published: Edition | None
    pending: Edition | None


def search(
    conn: Connection,
    filters: Filters | None = None,
    *,
    as_of: int | None = None,
    limit: int = 50,
    cursor: str | None = None,
    counted: bool = False,
) -> Page:
    """A page of the entries that match, ordered by code, at most ``limit`` (1..500); ``counted``: with the total.

    Raises :class:`CatalogueQueryError` for a filter value or a cursor that cannot be.
    """
    wanted = (filters or Filters()).checked()
    if not 1 <= limit <= MAX_LIMIT:
        raise CatalogueQueryError(f"limit {limit} is not in 1..{MAX_LIMIT}")
    after = None if cursor is None else read_cursor(cursor, wanted)
    made = Search(conn, wanted, as_of)
    rows = [summary_of(row) for row in made.page(limit + 1, after)]
    more = len(rows) > limit
    total, exact = made.total() if counted else (None, True)
    return Page(
        entries=tuple(rows[:limit]),
        next=write_cursor(rows[limit - 1].code, wanted) if more else None,
        total=total,
        total_exact=exact,
    )


def count(conn: Connection, filters: Filters | None = None, *, as_of: int | None = None) -> int:
    """How many entries match."""
    wanted = (filters or Filters()).checked()
    asked = matching(select(func.count()).select_from(ENTRIES), wanted, as_of)
    return int(conn.execute(asked).scalar_one())


def facets(
    conn: Connection, filters: Filters | None = None, *, as_of: int | None = None
) -> dict[str, dict[str, int]]:
    """How many of the matching entries there are of each value of each of :data:`FACETS`.

    What is not stated counts as ``""``; keys are sorted.
    """
    wanted = (filters or Filters()).checked()
    found: dict[str, dict[str, int]] = {}
    for name in FACETS:
        column = ENTRIES.c[name]
        asked = matching(select(column, func.count()), wanted, as_of).group_by(column)
        counts = {_facet(value): int(number) for value, number in conn.execute(asked)}
        found[name] = dict(sorted(counts.items()))
    return found


def show(conn: Connection, code: str, *, as_of: int | None = None) -> EntryDetail:
    """The entry with this code; raises :class:`CatalogueQueryError` where there is none."""
    asked = _ENTRY_NOW if as_of is None else _VERSIONS.where(held(ENTRIES, as_of))
    row = conn.execute(asked, {"code": code}).mappings().one_or_none()
    if row is None:
        raise unknown(conn, code, as_of)
    entry = summary_of(row)
    known = {one.edition: one for one in editions(conn, code, as_of=as_of)}
    published = known.get(entry.published_edition)
    newest = known.get(entry.edition)
    return EntryDetail(entry, published, None if newest is published else newest)


def standing(
    conn: Connection, codes: Sequence[str], *, as_of: int | None = None
) -> dict[str, EntrySummary]:
    """How these entries stand, by code; codes that are not on the ledger are left out."""
    found: dict[str, EntrySummary] = {}
    for start in range(0, len(codes), _CHUNK // 2):
        asked = select(ENTRIES).where(
            ENTRIES.c.code.in_(codes[start : start + _CHUNK // 2]), held(ENTRIES, as_of)
        )
        for row in conn.execute(asked).mappings():
            found[row["code"]] = summary_of(row)
    return found


def in_force(conn: Connection, *, as_of: int | None = None) -> dict[str, str]:
    """Provider of every entry of which an edition is in force, by code.

    Published once, and neither suspended nor revoked since: a revision under review, or returned,
    takes nothing away from what was published.
    """
    ended = (EntryState.SUSPENDED.value, EntryState.REVOKED.value)
    asked = select(ENTRIES.c.code, ENTRIES.c.provider).where(
        held(ENTRIES, as_of), ENTRIES.c.published_edition > 0, ENTRIES.c.state.not_in(ended)
    )
    return {row.code: row.provider for row in conn.execute(asked.order_by(ENTRIES.c.code))}


def editions(conn: Connection, code: str, *, as_of: int | None = None) -> list[Edition]:
    """All editions of an entry, oldest first; raises :class:`CatalogueQueryError` if there is none.

    An edition whose statement was malformed has no text and is left out.
    """
    asked = _EDITIONS_OF if as_of is None else _EDITIONS_OF.where(ENTRIES.c.leaf_from < as_of)
    found = [_edition(row) for row in conn.execute(asked, {"code": code}).mappings()]
    if not found:
        raise unknown(conn, code, as_of)
    return found


def edition(conn: Connection, code: str, number: int, *, as_of: int | None = None) -> Edition:
    """Edition ``number`` (1..) of an entry;
    raises :class:`CatalogueQueryError` naming the known ones.
    """
    known = editions(conn, code, as_of=as_of)
    for one in known:
        if one.edition == number:
            return one
    numbers = ", ".join(str(one.edition) for one in known)
    raise CatalogueQueryError(f"entry {code} has no edition {number}: it has {numbers}")


def export(
    conn: Connection, filters: Filters | None = None, *, as_of: int | None = None
) -> Iterator[tuple[EntrySummary, dict[str, Any] | None]]:
    """All matching entries by code, each with the document of its newest edition."""
    wanted = (filters or Filters()).checked()
    cursor: str | None = None
    while True:
        page = search(conn, wanted, as_of=as_of, limit=MAX_LIMIT, cursor=cursor)
        documents = _newest_documents(conn, [one.code for one in page.entries], as_of)
        for one in page.entries:
            yield one, documents.get(one.code)
        if page.next is None:
            return
        cursor = page.next


def _newest_documents(
    conn: Connection, codes: Sequence[str], as_of: int | None
) -> dict[str, dict[str, Any]]:
    if not codes:
        return {}
    asked = editions_at(as_of).where(ENTRIES.c.code.in_(codes)).order_by(ENTRIES.c.leaf_from)
    return {row.code: json.loads(row.document) for row in conn.execute(asked)}


def summary_of(row: RowMapping) -> EntrySummary:
    """A row of the entries' table as :class:`EntrySummary`."""
    return EntrySummary(
        **{name: row[name] for name in _SUMMARY_COLUMNS},
        missing=tuple(json.loads(row["missing"])),
        leaf=row["leaf_from"],
    )


_SUMMARY_COLUMNS = tuple(
    field.name for field in fields(EntrySummary) if field.name not in ("missing", "leaf")
)


def _edition(row: RowMapping) -> Edition:
    return Edition(
        code=row["code"],
        edition=row["edition"],
        version=row["version"],
        state=row["state"],
        leaf=row["leaf"],
        recorded_at=row["recorded_at"],
        document=json.loads(row["document"]),
    )


def _facet(value: object) -> str:
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)


def unknown(conn: Connection, code: str, as_of: int | None) -> CatalogueQueryError:
    if as_of is not None:
        later = conn.execute(
            select(func.min(ENTRIES.c.leaf_from)).where(ENTRIES.c.code == code)
        ).scalar_one_or_none()
        if later is not None:
            return CatalogueQueryError(
                f"entry {code} was first filed at leaf {later}, after log size {as_of}"
            )
    return CatalogueQueryError(f"no entry has the code {code}; search by name to find its code")

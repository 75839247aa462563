"""Filters of a catalogue search (目录检索条件), and the cursors that go with them."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any

from sqlalchemy import ColumnElement, FromClause, Select

from ledger.catalogue.models import ENTRIES
from ledger.catalogue.names import folded
from ledger.codes import (
    GRADES,
    Code,
    EntryState,
    Level,
    Library,
    OpenType,
    Origin,
    ShareType,
    UpdateCycle,
)
from ledger.store.ranged import held

MAX_QUERY = 200
"""Most characters of a search text."""


class CatalogueQueryError(LookupError):
    """A question that has no answer: unknown entry or edition, bad filter or cursor; says which."""


@dataclass(frozen=True, slots=True)
class Filters:
    """What entries to find; None means any. ``q`` is split at spaces, and every part must occur.

    String codes as in :mod:`ledger.codes`; ``organisation`` is the provider's code; ``incomplete``
    True finds entries that lack what the law asks for, False those that lack nothing.
    """

    q: str | None = None
    organisation: str | None = None
    library: str | None = None
    share_type: str | None = None
    open_type: str | None = None
    update_cycle: str | None = None
    grade: int | None = None
    state: str | None = None
    level: str | None = None
    origin: str | None = None
    incomplete: bool | None = None
    restricted: bool | None = None

    def checked(self) -> Filters:
        """These filters; raises :class:`CatalogueQueryError` for a value that no entry can have."""
        for name, table in _TABLES.items():
            value = getattr(self, name)
            allowed = [code.value for code in table]
            if value is not None and value not in allowed:
                raise CatalogueQueryError(f"{name} {value!r} is none of {', '.join(allowed)}")
        if self.grade is not None and self.grade not in GRADES:
            raise CatalogueQueryError(f"grade {self.grade} is not in 1..4")
        if self.q is not None and len(self.q) > MAX_QUERY:
            raise CatalogueQueryError(f"q has {len(self.q)} characters, at most {MAX_QUERY}")
        return self

    def digest(self) -> str:
        """A short name of these filters: a cursor goes with the filters it was made for."""
        text = json.dumps([getattr(self, field.name) for field in fields(self)])
        return hashlib.sha256(text.encode()).hexdigest()[:12]


_TABLES: dict[str, type[Code]] = {
    "library": Library,
    "share_type": ShareType,
    "open_type": OpenType,
    "update_cycle": UpdateCycle,
    "state": EntryState,
    "level": Level,
    "origin": Origin,
}


Holds = Callable[[FromClause, int | None], ColumnElement[bool]]


def matching(asked: Select[Any], filters: Filters, as_of: int | None) -> Select[Any]:
    """``asked`` narrowed to the entries that match, at log size ``as_of`` (None: now)."""
    return asked.where(*conditions(filters, as_of))


def conditions(
    filters: Filters, as_of: int | None, holds: Holds = held
) -> list[ColumnElement[bool]]:
    """What a row must be to match; ``holds`` is how those that hold are told, see :func:`ledger.store.ranged.held`."""
    found = [holds(ENTRIES, as_of)]
    for name in (*_TABLES, "grade", "restricted"):
        value = getattr(filters, name)
        if value is not None:
            found.append(ENTRIES.c[name] == value)
    if filters.organisation is not None:
        found.append(ENTRIES.c.provider == filters.organisation)
    if filters.incomplete is not None:
        found.append(ENTRIES.c.complete.is_(not filters.incomplete))
    parts = folded(filters.q or "").split()
    return [*found, *(ENTRIES.c.search.contains(part, autoescape=True) for part in parts)]


def write_cursor(code: str, filters: Filters) -> str:
    """The cursor after the entry ``code``."""
    text = json.dumps([filters.digest(), code], ensure_ascii=False, separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def read_cursor(cursor: str, filters: Filters) -> str:
    """The code in a cursor; raises :class:`CatalogueQueryError` for any but one of these filters."""
    try:
        raw = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        digest, code = json.loads(raw)
    except (binascii.Error, ValueError, TypeError, RecursionError) as error:
        raise CatalogueQueryError("the cursor is damaged: start again without one") from error
    if digest != filters.digest() or not isinstance(code, str):
        raise CatalogueQueryError(
            "the cursor belongs to other filters: start again without a cursor"
        )
    return code

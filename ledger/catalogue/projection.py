"""From filings and decisions to rows: the entry as it stands, and the items of its editions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Table, select

from ledger.catalogue.drafted_rows import state_of
from ledger.catalogue.drafting import Draft, draft_of
from ledger.catalogue.models import ENTRIES, ITEM_NAMES, ITEMS
from ledger.catalogue.search_index import INDEX
from ledger.codes import EntryState
from ledger.mirror import queries as mirror
from ledger.mirror.own_indexes import OwnIndex
from ledger.mirror.projections import Decoded
from ledger.statements import (
    FILING,
    StatementError,
    struct_of,
)
from ledger.store.ranged import Appended, append, held
from ledger.typed_data import integer

_LOOKUP = 500
(
    _FROM_AT,
    _UNTIL_AT,
    _VERSION_AT,
    _STATE_AT,
    _EDITION_AT,
    _PUBLISHED_AT,
    _FILED_LEAF_AT,
    _PUBLISHED_LEAF_AT,
    _DECIDED_BY_AT,
    _RECORDED_AT,
) = (
    ENTRIES.columns.keys().index(name)
    for name in (
        "leaf_from",
        "leaf_until",
        "version",
        "state",
        "edition",
        "published_edition",
        "filed_leaf",
        "published_leaf",
        "decided_by",
        "recorded_at",
    )
)
"""Where the columns stand that every statement about an entry renews."""
_ITEMS_EDITION_AT = ITEMS.columns.keys().index("edition")


@dataclass(slots=True)
class _Life:
    """An entry while statements are applied to it; ``row`` is None before any readable filing."""

    version: int = 0
    edition: int = 0
    published_edition: int = 0
    filed_leaf: int | None = None
    published_leaf: int | None = None
    state: str | None = None
    row: list[Any] | None = None

    def take(self, filed: bool, version: int, state: str | None, leaf: int | None) -> None:  # noqa: FBT001
        """What the contract's state word does, for the members that rows need; what is malformed has no ``leaf``."""
        if filed:
            self.edition += 1
            self.filed_leaf = leaf
        elif self.state == EntryState.SUBMITTED.value and state == EntryState.PUBLISHED.value:
            self.published_edition = self.edition
            self.published_leaf = self.filed_leaf
        self.version, self.state = version, state

    def standing(self, draft: Draft, row: list[Any]) -> list[Any]:
        """``row`` as it stands from a statement on."""
        if row is not draft.entry:
            row = row.copy()
        row[_FROM_AT] = draft.leaf
        row[_UNTIL_AT] = None
        row[_VERSION_AT] = self.version
        row[_STATE_AT] = self.state
        row[_EDITION_AT] = self.edition
        row[_PUBLISHED_AT] = self.published_edition
        row[_FILED_LEAF_AT] = self.filed_leaf
        row[_PUBLISHED_LEAF_AT] = self.published_leaf
        row[_DECIDED_BY_AT] = draft.decided_by
        row[_RECORDED_AT] = draft.recorded_at
        return row


class CatalogueProjection:
    """Rows of :data:`ENTRIES`, :data:`ITEMS` and :data:`ITEM_NAMES`."""

    name = "catalogue"
    version = 3
    kinds = frozenset({FILING.kind})
    tables: Sequence[Table] = (ENTRIES, ITEMS, ITEM_NAMES)
    index: OwnIndex = INDEX

    def malformed(self, decoded: Decoded) -> str | None:
        """Why typed members and body do not make one filing or decision, or None."""
        drafted = self.draft(decoded)
        return drafted if isinstance(drafted, str) else None

    def draft(self, decoded: Decoded) -> Draft | str:
        """The rows of a statement as far as it says them itself, or why it is malformed."""
        return draft_of(decoded)

    def apply(self, connection: Connection, statements: Sequence[Decoded]) -> None:
        """Append the rows of ``statements``; rows that they supersede end at their leaf."""
        drafts = [self.draft(decoded) for decoded in statements]
        for appended in self.rows(connection, [one for one in drafts if not isinstance(one, str)]):
            append(connection, appended)

    def rows(self, connection: Connection, drafts: Sequence[Sequence[Any]]) -> list[Appended]:
        """What :meth:`apply` appends, for statements that were drafted before, maybe by another process."""
        told = list(map(Draft._make, drafts))
        lives = _lives(connection, told)
        entries: list[list[Any]] = []
        items: list[list[Any]] = []
        names: list[list[Any]] = []
        for draft in told:
            life = lives[draft.code]
            if draft.version != life.version + 1:
                _catch_up(connection, draft, life)
            filed = draft.entry is not None
            life.take(filed, draft.version, draft.state, draft.leaf)
            if filed:
                life.row = draft.entry
                if draft.names is not None:
                    names.append(draft.names)
                    for item in draft.items:
                        item[_ITEMS_EDITION_AT] = life.edition
                    items += draft.items
            if life.row is not None:
                life.row = life.standing(draft, life.row)
                entries.append(life.row)
        return [
            Appended(ENTRIES, entries, ("code",)),
            Appended(ITEMS, items),
            Appended(ITEM_NAMES, names),
        ]


def _lives(connection: Connection, drafts: Sequence[Draft]) -> dict[str, _Life]:
    """How the entries of ``drafts`` stood in the rows before them; a first version has none."""
    first = {one.code: one.version for one in reversed(drafts)}
    lives = {code: _Life() for code in first}
    wanted = sorted(code for code, version in first.items() if version > 1)
    for start in range(0, len(wanted), _LOOKUP):
        asked = select(ENTRIES).where(
            ENTRIES.c.code.in_(wanted[start : start + _LOOKUP]), held(ENTRIES, drafts[0].leaf)
        )
        for found in connection.execute(asked):
            lives[found.code] = _Life(
                found.version,
                found.edition,
                found.published_edition,
                found.filed_leaf,
                found.published_leaf,
                found.state,
                list(found),
            )
    return lives


def _catch_up(connection: Connection, draft: Draft, life: _Life) -> None:
    """Take over what malformed statements did to the entry:
    they have no rows, but the contract counted them.
    """
    for past in mirror.statements_about(connection, FILING.kind, draft.subject, draft.leaf):
        if past.version <= life.version:
            continue
        try:
            struct = struct_of(past.payload)
            number = integer(struct.decode(past.payload)["state"])
        except (StatementError, LookupError):
            # Only a registry that checks nothing records what is neither filing nor decision.
            continue
        life.take(struct is FILING, past.version, state_of(number), None)


PROJECTION = CatalogueProjection()

"""How a search is carried out (检索执行): by the index of pairs where it reaches, by looking through rows where not.

The index names leaves whose rows may match; whether one does is asked of the row, with the same conditions that a look
at every row would apply. Where few leaves come into question all are asked. Where many do, rows are walked in the
order of the page, which is soon full, at most as far as asking all of them would cost; and counting stops at
:data:`COUNTED`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    Connection,
    RowMapping,
    Select,
    any_,
    bindparam,
    func,
    select,
)
from sqlalchemy.sql.expression import UnaryExpression
from sqlalchemy.sql.operators import custom_op

from ledger.catalogue.filters import Filters, conditions
from ledger.catalogue.grams import held_by_all, held_by_any, pairs_from, pairs_of
from ledger.catalogue.models import ENTRIES, GRAMS
from ledger.catalogue.names import folded
from ledger.catalogue.search_index import HEAD, Block, reach

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from ledger.catalogue.grams import Offsets

COUNTED = 1_000
"""Up to how many hits of a text are counted."""
FEW = 2_000
"""Up to how many leaves all of them are asked at once."""
_PAIRS = 12
"""How many pairs of a text are looked up; the rows are asked for the whole of it."""
_BLOCKS_AT_ONCE = 16
"""How many blocks are asked first; twice as many each time that is not enough."""
_LEAVES_AT_ONCE = 2_000
_WALKED = 4
"""How many rows are walked, one after the other, at the price of asking one here and there."""
_IN_LIST = ENTRIES.c.leaf_from.in_(
    select(func.json_each(bindparam("leaves")).table_valued("value").c.value)
)
_IN_ARRAY = ENTRIES.c.leaf_from == any_(bindparam("leaves", type_=ARRAY(BigInteger)))
"""That a row is of one of many leaves, on SQLite and on PostgreSQL: one parameter for all, so that the statement is the
same for any number of them."""
_PATIENCE = 32
"""How many times as far as the average says rows are walked first."""


class Search:
    """One search, on one connection, of rows that match ``filters`` at log size ``as_of`` (None: now)."""

    def __init__(self, conn: Connection, filters: Filters, as_of: int | None) -> None:
        self._conn = conn
        self._filters = filters
        self._as_of = as_of
        words = folded(filters.q or "").split()
        self._by_text = bool(words)
        pairs = sorted({pair for word in words for pair in pairs_of(word)})
        # Spread over the whole text: neighbours often tell the same.
        self._pairs = pairs[:: -(-len(pairs) // _PAIRS)] if pairs else []
        self._characters = [] if pairs else [pairs_from(word) for word in words]
        reached = reach(conn) if words else []
        self._tail = reached[-1].last + 1 if reached else 0
        """The first leaf that the index does not reach."""
        self._waiting = [each for each in reached if as_of is None or each.first < as_of]
        self._blocks = len(self._waiting)
        self._at_once = _BLOCKS_AT_ONCE
        self._leaves: list[NDArray[np.int64]] = []
        """What came into question so far, in the blocks that are not waiting any more."""
        self._number = 0
        """How many leaves those are."""
        self._matches: dict[str, int] | None = None
        """Leaf of every row that matches, by its code, once all were asked."""

    def page(self, limit: int, after: str | None) -> list[RowMapping]:
        """At most ``limit`` rows with a code above ``after``, by code."""
        if not self._tail:
            return self._walk(limit, after, None)
        self._gather(FEW + 1)
        if self._waiting or self._number > FEW:
            seen = self._blocks - len(self._waiting)
            likely = self._number * self._blocks // seen
            for far in sorted({min(_WALKED * likely, self._near(limit, likely)), _WALKED * likely}):
                bound = self._code_after(after, far)
                found = self._walk(limit, after, bound)
                if bound is None or len(found) == limit:
                    return found
        matches = self._all()
        codes = sorted(code for code in matches if after is None or code > after)[:limit]
        leaves = [matches[code] for code in codes]
        where, named = self._among(leaves)
        rows = list(self._conn.execute(select(ENTRIES).where(where), named).mappings())
        return sorted(rows, key=lambda row: str(row["code"]))

    def total(self) -> tuple[int, bool]:
        """How many match, and whether that is all of them: of a text at most :data:`COUNTED` are counted."""
        if not self._by_text:
            asked = select(func.count()).select_from(ENTRIES).where(*self._conditions)
            return int(self._conn.execute(asked).scalar_one()), True
        number = self._count()
        return min(number, COUNTED), number <= COUNTED

    def _near(self, limit: int, likely: int) -> int:
        """Rows within which a page is full, unless those that match stand far from one another's average."""
        return _PATIENCE * limit * (self._tail // likely + 1)

    def _count(self) -> int:
        """How many match, or some number above :data:`COUNTED`."""
        if self._matches is not None:
            return len(self._matches)
        if not self._tail:
            some = select(ENTRIES.c.leaf_from).where(*self._conditions)
            return self._counted(some, COUNTED + 1)
        self._gather(FEW + 1)
        if not self._waiting and self._number <= FEW:
            return len(self._all())
        some = select(ENTRIES.c.leaf_from).where(*self._freely)
        number = self._counted(some.where(ENTRIES.c.leaf_from >= self._tail), COUNTED + 1)
        for leaves in self._pieces():
            if number > COUNTED:
                break
            where, named = self._among(leaves)
            number += self._counted(some.where(where), COUNTED + 1 - number, named)
        return number

    def _counted(self, some: Select[Any], most: int, named: dict[str, object] | None = None) -> int:
        """How many rows are selected, at most ``most``."""
        asked = select(func.count()).select_from(some.limit(most).subquery())
        return int(self._conn.execute(asked, named or {}).scalar_one())

    def _all(self) -> dict[str, int]:
        if self._matches is None:
            found = self._found(ENTRIES.c.leaf_from >= self._tail)
            for leaves in self._pieces():
                found |= self._found(*self._among(leaves))
            self._matches = found
        return self._matches

    def _pieces(self) -> Iterator[list[int]]:
        """All leaves that come into question, some at a time; those that are gathered already come first."""
        place = 0
        while True:
            if place == len(self._leaves):
                self._gather(self._number + 1)
            if place == len(self._leaves):
                return
            leaves = self._leaves[place].tolist()
            place += 1
            for start in range(0, len(leaves), _LEAVES_AT_ONCE):
                yield leaves[start : start + _LEAVES_AT_ONCE]

    def _found(
        self, where: ColumnElement[bool], named: dict[str, object] | None = None
    ) -> dict[str, int]:
        asked = select(ENTRIES.c.code, ENTRIES.c.leaf_from).where(*self._freely, where)
        # All at once: row by row the library takes longer than the database.
        rows = self._conn.execute(asked, named or {}).all()
        return {code: leaf for code, leaf in rows}  # noqa: C416 - a row is more than a pair

    def _walk(self, limit: int, after: str | None, bound: str | None) -> list[RowMapping]:
        asked = select(ENTRIES).where(*self._freely)
        if after is not None:
            asked = asked.where(ENTRIES.c.code > after)
        if bound is not None:
            asked = asked.where(ENTRIES.c.code <= bound)
        asked = asked.order_by(ENTRIES.c.code).limit(limit)
        return list(self._conn.execute(asked).mappings())

    def _code_after(self, after: str | None, rows: int) -> str | None:
        """The code that so many rows lie before, of those above ``after``; None where there are fewer."""
        asked = select(ENTRIES.c.code).order_by(ENTRIES.c.code).offset(rows).limit(1)
        if after is not None:
            asked = asked.where(ENTRIES.c.code > after)
        return self._conn.execute(asked).scalar_one_or_none()

    @cached_property
    def _conditions(self) -> list[ColumnElement[bool]]:
        """What a row must be to match."""
        return conditions(self._filters, self._as_of)

    @cached_property
    def _freely(self) -> list[ColumnElement[bool]]:
        """The same, where SQLite is not to look for what holds by the indexes of leaves, which it takes for
        selective and are not.
        """
        if self._conn.dialect.name != "sqlite":
            return self._conditions
        return conditions(self._filters, self._as_of, _held_freely)

    def _among(self, leaves: Sequence[int]) -> tuple[ColumnElement[bool], dict[str, object]]:
        """That a row is of one of these leaves, and the one parameter that holds them all."""
        if self._conn.dialect.name == "sqlite":
            return _IN_LIST, {"leaves": json.dumps(leaves)}
        return _IN_ARRAY, {"leaves": list(leaves)}

    def _gather(self, least: int) -> None:
        """Have at least so many leaves that come into question, or all there are."""
        import numpy as np  # noqa: PLC0415 - a tenth of a second, for searches only

        while self._waiting and self._number < least:
            some = self._waiting[-self._at_once :]
            del self._waiting[-self._at_once :]
            self._at_once *= 2
            found = [
                block.first + offsets.astype(np.int64) for block, offsets in self._offsets(some)
            ]
            if not found:
                continue
            leaves = np.concatenate(found)
            if self._as_of is not None:
                leaves = leaves[leaves < self._as_of]
            if len(leaves):
                self._leaves.append(leaves)
                self._number += len(leaves)

    def _offsets(self, some: Sequence[Block]) -> list[tuple[Block, Offsets]]:
        ends = [block.last for block in some]
        found: list[tuple[Block, Offsets]] = []
        if self._pairs:
            by_block = self._postings(ends, GRAMS.c.pair.in_(self._pairs))
            for block in some:
                held_here = by_block.get(block.last, [])
                if len(held_here) == len(self._pairs):
                    found.append((block, held_by_all(held_here, block.leaves)))
            return found
        # Nothing but single characters: those of the first one, whatever follows it.
        first, beyond = self._characters[0]
        by_block = self._postings(ends, GRAMS.c.pair.between(first, beyond - 1))
        for block in some:
            held_here = by_block.get(block.last, [])
            if held_here:
                found.append((block, held_by_any(held_here, block.leaves)))
        return found

    def _postings(self, ends: Sequence[int], pairs: ColumnElement[bool]) -> dict[int, list[bytes]]:
        asked = select(GRAMS.c.last, GRAMS.c.leaves).where(
            GRAMS.c.last.in_(ends), pairs, GRAMS.c.pair != HEAD
        )
        found: dict[int, list[bytes]] = {}
        for last, leaves in self._conn.execute(asked).all():
            found.setdefault(last, []).append(leaves)
        return found


def _held_freely(table: Any, as_of: int | None) -> ColumnElement[bool]:  # noqa: ANN401 - see held
    """:func:`ledger.store.ranged.held`, which no index of SQLite serves: it sees a column behind a sign as another."""
    since, until = (_signed(table.c[name]) for name in ("leaf_from", "leaf_until"))
    if as_of is None:
        return until.is_(None)
    return (since < as_of) & (until.is_(None) | (until >= as_of))


def _signed(column: ColumnElement[Any]) -> ColumnElement[Any]:
    return UnaryExpression(column, operator=custom_op("+"), type_=column.type)

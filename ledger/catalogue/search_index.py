"""The index behind searches of the catalogue (检索索引), kept in blocks of leaves: see :mod:`ledger.catalogue.grams`.

The log is cut into blocks of :data:`BLOCK` leaves; those after the last whole one are in blocks of :data:`SMALL`, which
the whole one replaces; the leaves after those are in none and are looked through. A block is never changed: a rollback
into it takes all of it, and it is built anew. Blocks hold the rows of every version; which of them hold is asked of the
rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from operator import itemgetter
from typing import Any

from sqlalchemy import Connection, delete, func, select

from ledger.catalogue.grams import postings
from ledger.catalogue.models import ENTRIES, GRAMS
from ledger.store.bulk import insert_rows

BLOCK, SMALL = 1 << 15, 1 << 11
HEAD = 0
"""The pair under which a block holds its first leaf, eight bytes big-endian; no text makes it."""
_ASKED_AT_ONCE = 5_000
_NEWEST = select(func.max(GRAMS.c.last))
_MATERIAL = itemgetter(*map(ENTRIES.columns.keys().index, ("leaf_from", "search")))


@dataclass(frozen=True, slots=True)
class Block:
    """Leaves ``first`` to ``last``, both included."""

    first: int
    last: int

    @property
    def leaves(self) -> int:
        return self.last - self.first + 1


def reach(connection: Connection) -> list[Block]:
    """The blocks that a search goes by. They follow from the last leaf of all: blocks are built one after the other
    from leaf 0 on, and taken back from the end; that each is there is for :meth:`SearchIndex.wrong_parts` to see.
    """
    newest = connection.execute(_NEWEST).scalar_one()
    size = 0 if newest is None else newest + 1
    whole = size // BLOCK * BLOCK
    return [
        *(Block(first, first + BLOCK - 1) for first in range(0, whole, BLOCK)),
        *(Block(first, first + SMALL - 1) for first in range(whole, size - SMALL + 1, SMALL)),
    ]


def blocks(connection: Connection, size: int | None = None) -> list[Block]:
    """The blocks that are there, for a log of ``size`` leaves (None: all), one after the other from leaf 0 on."""
    if size is None:
        newest = connection.execute(_NEWEST).scalar_one()
        if newest is None:
            return []
        size = newest + 1
    whole = _heads(connection, range(BLOCK - 1, size, BLOCK))
    found: list[Block] = []
    for last in count(BLOCK - 1, BLOCK):
        if whole.get(last) != last - BLOCK + 1:
            break
        found.append(Block(last - BLOCK + 1, last))
    begun = len(found) * BLOCK
    small = _heads(connection, range(begun + SMALL - 1, min(size, begun + BLOCK), SMALL))
    for last in count(begun + SMALL - 1, SMALL):
        if small.get(last) != last - SMALL + 1:
            return found
        found.append(Block(last - SMALL + 1, last))
    return found


def _heads(connection: Connection, ends: Sequence[int]) -> dict[int, int]:
    """First leaf of each block that ends at one of these leaves, by its last."""
    found: dict[int, int] = {}
    for start in range(0, len(ends), _ASKED_AT_ONCE):
        asked = select(GRAMS.c.last, GRAMS.c.leaves).where(
            GRAMS.c.last.in_(ends[start : start + _ASKED_AT_ONCE]), GRAMS.c.pair == HEAD
        )
        found |= {row.last: int.from_bytes(row.leaves) for row in connection.execute(asked)}
    return found


class SearchIndex:
    """Builds the blocks, takes them back, and holds them against the rows."""

    table = GRAMS.name
    rows_of = ENTRIES

    @property
    def whole(self) -> int:
        """Leaves of a whole block."""
        return BLOCK

    def complete(self, connection: Connection, size: int) -> bool:
        """Whether the blocks reach as far as they can: see :func:`reach`."""
        newest = connection.execute(_NEWEST).scalar_one()
        return (0 if newest is None else newest + 1) == size // SMALL * SMALL

    def build_next(self, connection: Connection, size: int) -> bool:
        """Build one whole block, or all the small ones that are missing; False where none is."""
        known = blocks(connection, size)
        whole = sum(block.leaves == BLOCK for block in known)
        if (whole + 1) * BLOCK <= size:
            self._build(connection, Block(whole * BLOCK, (whole + 1) * BLOCK - 1))
            return True
        begun = known[-1].last + 1 if known else 0
        for first in range(begun, size - SMALL + 1, SMALL):
            self._build(connection, Block(first, first + SMALL - 1))
        return False

    def cut(self, connection: Connection, size: int) -> None:
        """Take back the blocks that reach to leaf ``size`` or beyond."""
        connection.execute(delete(GRAMS).where(GRAMS.c.last >= size))

    def material(self, rows: Iterable[Sequence[Any]]) -> list[tuple[int, Any]]:
        """Leaf and text of rows of entries."""
        return list(map(_MATERIAL, rows))

    def make(self, first: int, leaves: int, material: Sequence[Sequence[Any]]) -> list[Any]:
        """Pairs, ascending, and where they stand."""
        return list(_made(Block(first, first + leaves - 1), material))

    def put(self, connection: Connection, first: int, made: Sequence[Any]) -> None:
        """Write a whole block in the place of what there is of it."""
        _put(connection, Block(first, first + BLOCK - 1), made)

    def holds(self, connection: Connection, first: int, made: Sequence[Any]) -> bool:
        """Whether a block is there just as it was made."""
        return _holds(connection, Block(first, first + BLOCK - 1), made)

    def wrong_parts(
        self, connection: Connection, size: int, judged: Mapping[int, bool]
    ) -> list[tuple[int, int]]:
        """First and last leaf of each block that the rows do not make, or that is of no log of this size."""
        wrong = []
        known = [block for block in reach(connection) if block.last < size]
        for block in known:
            right = judged.get(block.first) if block.leaves == BLOCK else None
            if right is None:
                right = _holds(connection, block, list(_rows(connection, block)))
            if not right:
                wrong.append((block.first, block.last))
        end = known[-1].last if known else -1
        strange = connection.execute(
            select(func.min(GRAMS.c.last), func.max(GRAMS.c.last)).where(GRAMS.c.last > end)
        ).one()
        if strange[0] is not None:
            wrong.append((strange[0], strange[1]))
        return wrong

    @staticmethod
    def _build(connection: Connection, block: Block) -> None:
        _put(connection, block, list(_rows(connection, block)))


def _put(connection: Connection, block: Block, made: Sequence[Any]) -> None:
    connection.execute(delete(GRAMS).where(GRAMS.c.last >= block.first, GRAMS.c.last <= block.last))
    insert_rows(connection, GRAMS, [(block.last, pair, leaves) for pair, leaves in made])


def _holds(connection: Connection, block: Block, made: Sequence[Any]) -> bool:
    kept = connection.execute(
        select(GRAMS.c.pair, GRAMS.c.leaves)
        .where(GRAMS.c.last > block.first, GRAMS.c.last <= block.last)
        .order_by(GRAMS.c.last, GRAMS.c.pair)
    )
    return [tuple(row) for row in kept] == [tuple(row) for row in made]


def _rows(connection: Connection, block: Block) -> Iterator[tuple[int, bytes]]:
    """Pairs and leaves of a block, as they follow from the rows of entries."""
    asked = select(ENTRIES.c.leaf_from, ENTRIES.c.search).where(
        ENTRIES.c.leaf_from >= block.first, ENTRIES.c.leaf_from <= block.last
    )
    yield from _made(block, connection.execute(asked).all())


def _made(block: Block, material: Sequence[Sequence[Any]]) -> Iterator[tuple[int, bytes]]:
    yield HEAD, block.first.to_bytes(8)
    yield from postings([(leaf - block.first, text) for leaf, text in material], block.leaves)


INDEX = SearchIndex()

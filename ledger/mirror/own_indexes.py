"""Indexes that no database has (自建索引): rows that say where others are to be found, and nothing of their own.

A projection that has one (:class:`Indexed`) is read without it where it does not reach yet: whoever follows the log
builds it a part at a time once caught up, each part a transaction. A rollback takes back what it made wrong. Where a
long log is filled in, whole parts are made meanwhile, of rows as they come (:class:`WholeParts`).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from sqlalchemy import Connection, Table

from ledger.mirror.projections import Projection, drafts
from ledger.mirror.second_process import LostError
from ledger.store.ranged import Appended


class OwnIndex(Protocol):
    """An index over the rows of a projection; what it holds follows from them and from the log's size alone."""

    table: str
    """Its table's name."""
    rows_of: Table
    """The table whose rows it is about."""

    @property
    def whole(self) -> int:
        """Leaves of a whole part, the first of which begins with leaf 0."""
        ...

    def complete(self, connection: Connection, size: int) -> bool:
        """Whether nothing is missing for a log of ``size`` leaves; only reads."""
        ...

    def build_next(self, connection: Connection, size: int) -> bool:
        """Build one part more for a log of ``size`` leaves; False where all of it is there."""
        ...

    def cut(self, connection: Connection, size: int) -> None:
        """Take back what speaks of leaves from ``size`` on."""
        ...

    def material(self, rows: Iterable[Sequence[Any]]) -> list[tuple[int, Any]]:
        """What it needs of rows, which come in the order of leaves: the leaf, and what MessagePack knows."""
        ...

    def make(self, first: int, leaves: int, material: Sequence[Sequence[Any]]) -> Sequence[Any]:
        """The whole part of ``leaves`` leaves from ``first`` on; asks nothing, and MessagePack knows the outcome."""
        ...

    def put(self, connection: Connection, first: int, made: Sequence[Any]) -> None:
        """Write a whole part, behind which there is none."""
        ...

    def holds(self, connection: Connection, first: int, made: Sequence[Any]) -> bool:
        """Whether a whole part is there just as it was made."""
        ...

    def wrong_parts(
        self, connection: Connection, size: int, judged: Mapping[int, bool]
    ) -> Sequence[tuple[int, int]]:
        """First and last leaf of each part that is not what the rows make it; ``judged`` says of whole ones, by their
        first leaf, what is known already.
        """
        ...


@runtime_checkable
class Indexed(Protocol):
    """A projection with an index of its own."""

    index: OwnIndex


def indexes_of(projections: Sequence[Projection]) -> list[OwnIndex]:
    """The indexes of some projections."""
    return [each.index for each in projections if isinstance(each, Indexed)]


def told_indexes(projections: Sequence[Projection]) -> list[OwnIndex]:
    """The indexes of those projections that say which rows they append."""
    return indexes_of([each for each in projections if drafts(each)])


@dataclass(frozen=True, slots=True)
class PartMaker:
    """:meth:`OwnIndex.make` for a second process: takes which index, and what to make of what."""

    indexes: Sequence[OwnIndex]

    def __call__(self, message: Sequence[Any]) -> Sequence[Any]:
        place, first, leaves, material = message
        index: OwnIndex = self.indexes[place]
        return index.make(first, leaves, material)


class WholeParts:
    """Whole parts of the indexes of projections that draft, made by a second process while rows come, from leaf 0 on.

    Where that one is lost no more are made: who follows the log builds what is missing.
    """

    def __init__(
        self,
        projections: Sequence[Projection],
        ask: Callable[[Sequence[Any]], Future[Any] | None],
    ) -> None:
        """``ask`` has a :class:`PartMaker` of the same indexes make something; it gives None where that one is lost."""
        self._indexes = told_indexes(projections)
        self._ask = ask
        self._material: list[list[tuple[int, Any]]] = [[] for _ in self._indexes]
        self._ends = [index.whole for index in self._indexes]
        self._asked: deque[tuple[OwnIndex, int, Future[Any]]] = deque()

    def take(self, appended: Iterable[Appended], end: int) -> None:
        """The next rows, which are all before leaf ``end``."""
        written = list(appended)
        for place, index in enumerate(self._indexes):
            material = self._material[place]
            for each in written:
                if each.table is index.rows_of:
                    material += index.material(each.rows)
            while self._ends[place] <= end:
                until, whole = self._ends[place], index.whole
                some = [one for one in material if one[0] < until]
                del material[: len(some)]
                first = until - whole
                asked = self._ask([place, first, whole, some])
                if asked is None:
                    self._indexes = []
                    return
                self._asked.append((index, first, asked))
                self._ends[place] += whole

    def made(self, *, wait: bool = False) -> Iterator[tuple[OwnIndex, int, Sequence[Any]]]:
        """Index, first leaf and outcome of the parts that are made by now (``wait``: of all), in order."""
        while self._asked and (wait or self._asked[0][2].done()):
            index, first, asked = self._asked.popleft()
            try:
                outcome = asked.result()
            except LostError:
                self._indexes = []
                self._asked.clear()
                return
            yield index, first, outcome

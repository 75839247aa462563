"""Indexes that no database has (自建索引): rows that say where others are to be found, and nothing of their own.

A projection that has one (:class:`Indexed`) is read without it where it does not reach yet: whoever follows the log
builds it a part at a time once caught up, each part a transaction. A rollback takes back what it made wrong.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from sqlalchemy import Connection

from ledger.mirror.projections import Projection


class OwnIndex(Protocol):
    """An index over the rows of a projection; what it holds follows from them and from the log's size alone."""

    table: str
    """Its table's name."""

    def complete(self, connection: Connection, size: int) -> bool:
        """Whether nothing is missing for a log of ``size`` leaves; only reads."""
        ...

    def build_next(self, connection: Connection, size: int) -> bool:
        """Build one part more for a log of ``size`` leaves; False where all of it is there."""
        ...

    def cut(self, connection: Connection, size: int) -> None:
        """Take back what speaks of leaves from ``size`` on."""
        ...

    def wrong_parts(self, connection: Connection, size: int) -> Sequence[tuple[int, int]]:
        """First and last leaf of each part that is not what the rows make it."""
        ...


@runtime_checkable
class Indexed(Protocol):
    """A projection with an index of its own."""

    index: OwnIndex


def indexes_of(projections: Sequence[Projection]) -> list[OwnIndex]:
    """The indexes of some projections."""
    return [each.index for each in projections if isinstance(each, Indexed)]

"""Lists that end at ``--limit`` say so (列表未完时须说明): a cut list must not read like the whole."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice
from typing import Generic, TypeVar

from ledger.cli.output import err, say

Row = TypeVar("Row")


@dataclass(frozen=True, slots=True)
class Listed(Generic[Row]):
    """The rows that are shown, and how many there are; ``total`` is None where only "more" is known."""

    rows: list[Row]
    total: int | None

    @property
    def more(self) -> bool:
        """Whether there are rows beyond those shown."""
        return self.total is None or self.total > len(self.rows)

    @property
    def size(self) -> str:
        """How many there are, for a heading: ``12``, ``50 / 275``, or ``20+``."""
        if self.total is None:
            return f"{len(self.rows)}+"
        return f"{len(self.rows)} / {self.total}" if self.more else str(self.total)

    def print_more(self) -> None:
        """A line below the table, where rows were left out."""
        if self.more:
            err.print(say("未全部列出，用 --limit 显示更多", "not all are shown: see --limit"))


def counted(found: Iterable[Row], limit: int) -> Listed[Row]:
    """The first ``limit`` of all rows ``found``, which are counted to their end."""
    rest = iter(found)
    rows = list(islice(rest, limit))
    return Listed(rows, len(rows) + sum(1 for _ in rest))


def cut(found: list[Row], limit: int) -> Listed[Row]:
    """The first ``limit`` rows of ``found``, which was asked for ``limit + 1``."""
    return Listed(found[:limit], len(found) if len(found) <= limit else None)

"""Ranges of the chain on their way into the mirror: taken apart, and handed to the projections' checks, some ahead."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Self

from ledger.chain.interface import ChainError
from ledger.mirror.errors import ChainMovedError, MismatchError
from ledger.mirror.events import LogRows
from ledger.mirror.examining import Examined, Examining
from ledger.mirror.fetching import Fetched
from ledger.statements import LogIdentity

AHEAD = 3
"""Parts that are examined while one is written."""


@dataclass(frozen=True, slots=True)
class Part:
    """A range as fetched, its events as rows, and what waits for what projections make of them."""

    fetched: Fetched
    rows: LogRows
    examined: Callable[[], Examined]


class Parts:
    """The parts of ``ranges``, the first of which begins with leaf ``size``.

    Where statements are examined by a second process, some parts are begun before one is given out, so that they are
    examined while it is written. What goes wrong with one is raised when its turn comes: those before it are written
    first.
    """

    def __init__(
        self, ranges: Iterator[Fetched], log: LogIdentity, size: int, examining: Examining
    ) -> None:
        self._ranges = ranges
        self._log = log
        self._size = size
        self._examining = examining
        self._waiting: deque[Part | Exception] = deque()

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Part:
        ahead = AHEAD if self._examining.is_beside else 0
        while len(self._waiting) <= ahead and not self._broken():
            self._waiting.append(self._begun())
        part = self._waiting.popleft()
        if isinstance(part, Exception):
            raise part
        return part

    def _broken(self) -> bool:
        return bool(self._waiting) and isinstance(self._waiting[-1], Exception)

    def _begun(self) -> Part | Exception:
        try:
            fetched = next(self._ranges)
            rows = fetched.rows(self._log, self._size)
        except (StopIteration, MismatchError, ChainMovedError, ChainError) as error:
            return error
        self._size = rows.size
        return Part(fetched, rows, self._examining.begin(rows.statements))

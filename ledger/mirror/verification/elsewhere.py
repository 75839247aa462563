"""Signatures, versions and rules, checked by a second process while this one projects.

The second process is handed the rows of authorisations and their statements, in order, and says no more than whether
everything was sound. Where anything was not, and where only the chain could tell, this process checks all of it again
(:class:`~ledger.mirror.verification.evidence.Evidence`), and what that one says goes into the report.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any, Self

from sqlalchemy import Connection

from ledger.mirror.doubt import authorisation_of_row
from ledger.mirror.origin import Origin
from ledger.mirror.projections import Rulebook
from ledger.mirror.queries import Cursor
from ledger.mirror.rows import authorisation_rows
from ledger.mirror.second_process import LostError, SecondProcess, second_process
from ledger.mirror.verification.evidence import Evidence, outside
from ledger.mirror.verification.report import Report
from ledger.statements import Statement

LOGGER = logging.getLogger(__name__)
AHEAD = 3
"""Messages that wait for the second process at most."""


@dataclass(slots=True)
class Checker:
    """What the second process does: takes rows of authorisations and of their statements, and gives whether all since
    the first leaf is sound, how many signatures and how many statements it checked by now.
    """

    cursor: Cursor
    origin: Origin
    rulebooks: Sequence[Rulebook]
    _evidence: Evidence | None = field(default=None, init=False)

    def __call__(self, message: Sequence[Any]) -> tuple[bool, int, int]:
        vouched, rows = message
        if self._evidence is None:
            self._evidence = Evidence(None, self.cursor, self.origin, self.rulebooks, Report())
        evidence, done = self._evidence, 0
        for row in vouched:
            authorisation = authorisation_of_row(row)
            until = done + authorisation.count
            batch = [Statement(*each) for each in rows[done:until]]
            evidence.check_batch(authorisation, batch)
            done = until
        report = evidence.report
        sound = report.ok and report.complete and done == len(rows)
        return sound, report.counts.get("signatures", 0), evidence.replayed


class EvidenceElsewhere:
    """Hands statements to a :class:`Checker`, where a log of ``size`` leaves is worth a second process; a context
    manager.
    """

    def __init__(
        self,
        conn: Connection,
        cursor: Cursor,
        origin: Origin,
        rulebooks: Sequence[Rulebook],
        *,
        size: int,
    ) -> None:
        self._conn = conn
        self._size = size
        self._cursor = cursor
        self._checker = Checker(cursor, origin, rulebooks)
        self._stack = ExitStack()
        self._process: SecondProcess | None = None
        self._expected = 0
        self._vouched: list[Sequence[Any]] = []
        self._rows: list[Sequence[Any]] = []
        self._asked: deque[Future[Any]] = deque()
        self._answer: Sequence[Any] = (True, 0, 0)

    def __enter__(self) -> Self:
        self._process = self._stack.enter_context(second_process(self._checker, self._size))
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def take(self, rows: Sequence[Sequence[Any]]) -> None:
        """The next rows of ``statement``."""
        if self._process is None or not self._answer[0] or not rows:
            return
        self._rows += rows
        self._vouched += authorisation_rows(self._conn, rows[0][0], rows[-1][0] + 1)
        end, whole = self._expected + len(self._rows), 0
        first = self._expected
        for row in self._vouched:
            if row[0] != self._expected or not isinstance(row[1], int) or row[1] < 1:
                self._doubt()
                return
            if self._expected + row[1] > end:
                break
            self._expected += row[1]
            whole += 1
        message = [self._vouched[:whole], self._rows[: self._expected - first]]
        del self._vouched[:whole], self._rows[: self._expected - first]
        self._asked.append(self._process.ask([[*map(tuple, part)] for part in message]))
        self._wait(AHEAD)

    def sound(self, report: Report) -> bool:
        """Whether everything was there, was checked and is sound; then the report counts it."""
        self._wait(0)
        through = self._expected == self._cursor.size and not self._vouched and not self._rows
        if self._process is None or not (self._answer[0] and through):
            return False
        if any(outside(self._conn, self._cursor)):
            return False
        report.count("signatures", self._answer[1])
        report.count("rules", self._answer[2])
        return True

    def _wait(self, left: int) -> None:
        while len(self._asked) > left and self._answer[0]:
            try:
                self._answer = self._asked.popleft().result()
            except LostError as error:
                LOGGER.warning("%s; its part is done again", error)
                self._doubt()

    def _doubt(self) -> None:
        self._answer = (False, 0, 0)
        self._stack.close()

"""What statements make of themselves, before anything is asked of a database: read, checked, and drafted.

Each statement is examined alone, so that several processes may do it at once and the outcome is the same.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any, Self

from ledger.mirror.collecting import collecting_seldom
from ledger.mirror.own_indexes import PartMaker, WholeParts, told_indexes
from ledger.mirror.projections import Decoded, Projection, drafts
from ledger.mirror.reading import CHECK, read
from ledger.mirror.second_process import LONG, LostError, SecondProcess, Task, second_process
from ledger.statements import Statement

LOGGER = logging.getLogger(__name__)
BEHIND = 3
"""Answers that are waited for from which on the second process counts as behind."""


@dataclass(slots=True)
class Examined:
    """Rows of ``flag`` for what is malformed, and for each projection what it is to write, in leaf order: drafts of a
    :class:`Drafting` one, of any other the statements, decoded.
    """

    flags: list[Sequence[Any]] = field(default_factory=list)
    fit: list[list[Any]] = field(default_factory=list)


def examine(
    projections: Sequence[Projection],
    statements: Iterable[Statement],
    read: Callable[[Statement], Decoded | str] = read,
) -> Examined:
    """Examine ``statements``, in leaf order, for every projection that takes their kind."""
    found = Examined(fit=[[] for _ in projections])
    drafting = [each if drafts(each) else None for each in projections]
    takers: dict[str, list[int]] = {}
    for place, projection in enumerate(projections):
        for kind in projection.kinds:
            takers.setdefault(kind, []).append(place)
    for statement in statements:
        wanted = takers.get(statement.kind)
        if wanted is None:
            continue
        decoded = read(statement)
        if isinstance(decoded, str):
            found.flags.append((statement.index, CHECK, decoded))
            continue
        for place in wanted:
            drafter = drafting[place]
            made: Any = drafter.draft(decoded) if drafter else _whole(projections[place], decoded)
            if isinstance(made, str):
                found.flags.append((statement.index, projections[place].name, made))
            else:
                found.fit[place].append(made)
    return found


def _whole(projection: Projection, decoded: Decoded) -> Decoded | str:
    return projection.malformed(decoded) or decoded


@dataclass(slots=True)
class Examiner:
    """:func:`examine` for a second process: takes rows of ``statement`` as lists, and gives flags and drafts; of
    projections that do not draft it gives the places of the statements among these rows.
    """

    projections: Sequence[Projection]

    def __call__(self, rows: Sequence[Sequence[Any]]) -> list[Any]:
        return answer_of(
            self.projections, rows, examine(self.projections, [Statement(*row) for row in rows])
        )


@dataclass(frozen=True, slots=True)
class Tasks:
    """Several tasks for one second process: each message says which."""

    tasks: Sequence[Task]

    def __call__(self, message: Sequence[Any]) -> Any:  # noqa: ANN401 - whatever the task gives
        which, told = message
        return self.tasks[which](told)


EXAMINE, MAKE_PART = 0, 1


def answer_of(
    projections: Sequence[Projection], rows: Sequence[Sequence[Any]], found: Examined
) -> list[Any]:
    """What an :class:`Examiner` answers about ``rows``, of which this was found."""
    first = rows[0][0] if rows else 0
    places = [
        fit if drafts(projection) else [one.statement.index - first for one in fit]
        for projection, fit in zip(projections, found.fit, strict=True)
    ]
    return [found.flags, places]


def examined_elsewhere(
    projections: Sequence[Projection], rows: Sequence[Sequence[Any]], answer: Sequence[Any]
) -> Examined:
    """What an :class:`Examiner` answered about ``rows``, as :func:`examine` would have told it."""
    flags, places = answer[:2]
    fit = []
    for projection, told in zip(projections, places, strict=True):
        if drafts(projection):
            fit.append(told)
        else:
            again = [read(Statement(*rows[place])) for place in told]
            fit.append([decoded for decoded in again if not isinstance(decoded, str)])
    return Examined([tuple(flag) for flag in flags], fit)


class Examining:
    """Examines one stretch of statements after another, in a second process where that pays; in order."""

    def __init__(
        self, projections: Sequence[Projection], size: int, examiner: Examiner | None = None
    ) -> None:
        self._projections = projections
        self._size = size
        self._examiner = examiner or Examiner(projections)
        self._stack = ExitStack()
        self._beside: SecondProcess | None = None
        self._asked: list[Future[Any]] = []

    def __enter__(self) -> Self:
        if self._size >= LONG:
            self._stack.enter_context(collecting_seldom())
        examined = self._size if self._projections else 0
        tasks = Tasks([self._examiner, PartMaker(told_indexes(self._projections))])
        self._beside = self._stack.enter_context(second_process(tasks, examined))
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    @property
    def is_beside(self) -> bool:
        """Whether a second process does it, so that this one may do something else meanwhile."""
        return self._beside is not None

    def begin(self, rows: Sequence[Sequence[Any]]) -> Callable[[], Examined]:
        """Have rows of ``statement`` examined; what is returned waits for it.

        Where the second process has not kept up, this one examines them itself rather than wait.
        """
        if self._beside is None or not rows:
            return lambda: self._here(rows)
        self._asked = [asked for asked in self._asked if not asked.done()]
        behind = len(self._asked) >= BEHIND
        message = self.message(rows, examined=behind)
        asked = None if message is None else self._beside.ask([EXAMINE, message])
        if asked is not None:
            self._asked.append(asked)
        found = self._here(rows) if behind else None
        return lambda: self._answered(rows, asked, found)

    def whole_parts(self) -> WholeParts | None:
        """Has the second process make parts of indexes too; None where there is no such process."""
        return WholeParts(self._projections, self._make_part) if self.is_beside else None

    def _make_part(self, message: Sequence[Any]) -> Future[Any] | None:
        return None if self._beside is None else self._beside.ask([MAKE_PART, message])

    def message(self, rows: Sequence[Sequence[Any]], *, examined: bool) -> Sequence[Any] | None:
        """What the second process is asked about some rows, which may be ``examined`` already; None: nothing."""
        return None if examined else rows

    def take(self, rows: Sequence[Sequence[Any]], answer: Sequence[Any]) -> None:
        """What the second process answered about them."""

    def _here(self, rows: Sequence[Sequence[Any]]) -> Examined:
        return examine(self._projections, [Statement(*row) for row in rows])

    def _answered(
        self,
        rows: Sequence[Sequence[Any]],
        asked: Future[Any] | None,
        found: Examined | None,
    ) -> Examined:
        if asked is not None:
            try:
                answer = asked.result()
            except LostError as error:
                if self._beside is not None:
                    LOGGER.warning("%s; going on with one process", error)
                    self._stack.close()
                    self._beside = None
                return found or self._here(rows)
            self.take(rows, answer)
            if found is None:
                return examined_elsewhere(self._projections, rows, answer)
        return found or self._here(rows)

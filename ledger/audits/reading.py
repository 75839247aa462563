"""Reading an audit's inputs ahead (审计取数): two threads read what comes next while the caller works.

The database strings columns together without the interpreter's lock (:mod:`ledger.store.columns`), so that all of them
run side by side. The second thread has a connection of its own, where there is one to spare that sees the same log.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from contextlib import nullcontext
from threading import Condition, Thread
from types import TracebackType
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from sqlalchemy import Connection, Select
from sqlalchemy.exc import SQLAlchemyError

from ledger.mirror.queries import Cursor, cursor_of
from ledger.store.beside import beside, by_itself, may_read_beside
from ledger.store.columns import Pieces
from ledger.store.errors import StoreError

if TYPE_CHECKING:
    import pyarrow as pa

_AHEAD = 1 << 27
"""Bytes that are read before somebody takes them."""
_MANY = 1 << 14
"""Leaves of a log from which on a second thread reads: fewer are read before it has a connection."""


class Manner(NamedTuple):
    """How an input is read."""

    whole: bool = False
    """In one piece: it is short, or its leaves are not of one table."""
    aligned: bool = False
    """See :class:`~ledger.store.columns.Pieces`."""


_USUAL = Manner()


class _Begun(NamedTuple):
    """An input that is being read, and what is left of it."""

    name: str
    pieces: Pieces
    parts: deque[tuple[int, int]]


class Reading:
    """The inputs, to be taken once each and in their order, by one thread or by several that have their parts of them;
    the connection is the reading threads' while the block runs.

    ``size`` is the log's; those that have a manner are read in that one.
    """

    def __init__(
        self,
        connection: Connection,
        asked: Mapping[str, Select[Any]],
        size: int,
        manners: Mapping[str, Manner] | None = None,
    ) -> None:
        self._connection = connection
        self._asked = asked
        self._size = size
        self._manners = manners or {}
        self._changed = Condition()
        self._coming = list(asked)[::-1]
        self._awaited: set[str] = set()
        self._read: dict[str, list[pa.Table]] = {name: [] for name in asked}
        self._due: dict[str, int] = {}
        """Pieces of an input that nobody has taken yet."""
        self._kept = 0
        self._begun: list[_Begun] = []
        self._questions: deque[tuple[Callable[[Connection], None], Future[None]]] = deque()
        self._left = False
        self._error: BaseException | None = None
        self._threads = [Thread(target=self._work, args=(connection,), name="audit-reading")]
        if size >= _MANY and may_read_beside(connection):
            seen = cursor_of(connection)
            self._threads.append(
                Thread(target=self._work_beside, args=(seen,), name="audit-reading-beside")
            )

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        """Wait for the threads, which stop after the pieces that they read."""
        with self._changed:
            self._left = True
            self._changed.notify_all()
        for thread in self._threads:
            thread.join()
        for _, answered in self._questions:
            answered.cancel()

    def pieces(self, name: str) -> Iterator[pa.Table]:
        """The rows of an input; raises what reading raised."""
        while (piece := self._take(name)) is not None:
            yield piece

    def ask(self, question: Callable[[Connection], None]) -> Future[None]:
        """Have something asked of the database by the thread that has read a piece first, before the next one."""
        answered: Future[None] = Future()
        with self._changed:
            if self._error is not None:
                raise self._error
            self._questions.append((question, answered))
            self._changed.notify_all()
        return answered

    def _take(self, name: str) -> pa.Table | None:
        with self._changed:
            self._awaited.add(name)
            self._changed.notify_all()
            self._changed.wait_for(
                lambda: self._error or self._read[name] or self._due.get(name) == 0
            )
            self._awaited.discard(name)
            if self._error is not None:
                raise self._error
            if not self._read[name]:
                return None
            piece = self._read[name].pop()
            self._due[name] -= 1
            self._kept -= piece.nbytes
            self._changed.notify_all()
            return piece

    def _work_beside(self, seen: Cursor | None) -> None:
        try:
            with beside(self._connection) as second:
                # Rows follow from the log: who sees as much of it sees the same rows.
                if cursor_of(second) == seen:
                    self._work(second)
        except (StoreError, SQLAlchemyError):
            # No connection was to be had, and the first thread reads everything.
            return

    def _work(self, connection: Connection) -> None:
        try:
            with by_itself(connection) if len(self._threads) > 1 else nullcontext():
                self._work_off(connection)
        except BaseException as error:  # noqa: BLE001 - raised again where the pieces are taken
            with self._changed:
                self._error = error
                while self._questions:
                    self._questions.pop()[1].set_exception(error)
                self._changed.notify_all()

    def _work_off(self, connection: Connection) -> None:
        while (begun := self._next(connection)) is not None:
            while (part := self._part(connection, begun)) is not None:
                piece = begun.pieces.read(connection, part)
                with self._changed:
                    self._read[begun.name].append(piece)
                    self._kept += piece.nbytes
                    self._changed.notify_all()

    def _next(self, connection: Connection) -> _Begun | None:
        """The next input, in order, so that what is waited for has been begun; when there is none, another thread's
        that is not read to its end; None once nothing more is wanted.
        """
        while not self._ended:
            self._wait(connection, lambda: bool(self._coming) or self._shared() is not None)
            with self._changed:
                name = self._coming.pop() if self._coming else None
                if name is None and (shared := self._shared()) is not None:
                    return shared
            if name is not None:
                return self._begin(connection, name)
        return None

    def _begin(self, connection: Connection, name: str) -> _Begun:
        manner = self._manners.get(name, _USUAL)
        size = None if manner.whole else self._size
        pieces = Pieces(connection, self._asked[name], size=size, aligned=manner.aligned)
        begun = _Begun(name, pieces, deque(pieces.ranges))
        with self._changed:
            self._due[name] = len(begun.parts)
            self._begun.append(begun)
            self._changed.notify_all()
        return begun

    def _shared(self) -> _Begun | None:
        """An input that has pieces left, and may be read on any connection."""
        return next((one for one in self._begun if one.parts and one.pieces.by_leaf), None)

    def _part(self, connection: Connection, begun: _Begun) -> tuple[int, int] | None:
        """What to read next of an input, once there is room for it or somebody waits; None where nothing is left of it,
        or wanted.
        """
        self._wait(connection, lambda: self._kept < _AHEAD or begun.name in self._awaited)
        with self._changed:
            return begun.parts.popleft() if begun.parts and not self._ended else None

    def _wait(self, connection: Connection, may_go_on: Callable[[], bool]) -> None:
        """Wait until one may go on, or nothing more is wanted, and meanwhile have questions answered."""
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._ended or self._questions or may_go_on())
                if self._ended or not self._questions:
                    return
                question, answered = self._questions.popleft()
            try:
                question(connection)
            except BaseException as error:  # noqa: BLE001 - raised again where it was asked
                answered.set_exception(error)
            else:
                answered.set_result(None)

    @property
    def _ended(self) -> bool:
        return self._left or self._error is not None

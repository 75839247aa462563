"""Reading an audit's inputs ahead (审计取数): two threads read what comes next while the caller works.

The database strings columns together without the interpreter's lock (:mod:`ledger.store.columns`), so that all of them
run side by side. The second thread has a connection of its own, where there is one to spare that sees the same log.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import nullcontext
from threading import Condition, Thread
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from sqlalchemy import Connection, Select
from sqlalchemy.exc import SQLAlchemyError

from ledger.mirror.queries import Cursor, cursor_of
from ledger.store.beside import beside, by_itself, may_read_beside
from ledger.store.columns import Pieces
from ledger.store.errors import StoreError

if TYPE_CHECKING:
    import pyarrow as pa

_AHEAD = 1 << 26
"""Bytes that are read before somebody takes them."""
_MANY = 1 << 14
"""Leaves of a log from which on a second thread reads: fewer are read before it has a connection."""


class Reading:
    """The inputs, to be taken once each and in their order; the connection is the threads' while the block runs.

    ``size`` is the log's; those in ``whole`` are read in one piece.
    """

    def __init__(
        self,
        connection: Connection,
        asked: Mapping[str, Select[Any]],
        size: int,
        whole: frozenset[str] = frozenset(),
    ) -> None:
        self._connection = connection
        self._asked = asked
        self._size = size
        self._whole = whole
        self._changed = Condition()
        self._coming = list(asked)[::-1]
        self._awaited = ""
        self._read: dict[str, list[pa.Table]] = {name: [] for name in asked}
        self._due: dict[str, int] = {}
        """Pieces of an input that nobody has taken yet."""
        self._kept = 0
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

    def pieces(self, name: str) -> Iterator[pa.Table]:
        """The rows of an input; raises what reading raised."""
        while (piece := self._take(name)) is not None:
            yield piece

    def _take(self, name: str) -> pa.Table | None:
        with self._changed:
            self._awaited = name
            self._changed.notify_all()
            self._changed.wait_for(
                lambda: self._error or self._read[name] or self._due.get(name) == 0
            )
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
                self._changed.notify_all()

    def _work_off(self, connection: Connection) -> None:
        """Read inputs, each on one connection from its first piece to its last: on another rows may lie elsewhere."""
        while (name := self._next()) is not None:
            pieces = Pieces(
                connection, self._asked[name], size=None if name in self._whole else self._size
            )
            with self._changed:
                self._due[name] = len(pieces.ranges)
            for part in pieces.ranges:
                if not self._may_read(name):
                    return
                piece = pieces.read(connection, part)
                with self._changed:
                    self._read[name].append(piece)
                    self._kept += piece.nbytes
                    self._changed.notify_all()

    def _next(self) -> str | None:
        """The next input, in order, so that what is waited for has been begun."""
        with self._changed:
            return self._coming.pop() if self._coming and not self._ended else None

    def _may_read(self, name: str) -> bool:
        """Wait until there is room for a piece, or somebody waits for it; whether it is wanted at all."""
        with self._changed:
            self._changed.wait_for(
                lambda: self._ended or self._kept < _AHEAD or self._awaited == name
            )
            return not self._ended

    @property
    def _ended(self) -> bool:
        return self._left or self._error is not None

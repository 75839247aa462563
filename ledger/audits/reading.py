"""Reading an audit's inputs ahead (审计取数): one thread reads the next while the caller works with those before.

The database strings columns together without the interpreter's lock (:mod:`ledger.store.columns`), so that the two
run side by side on two cores.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from queue import Queue
from threading import Event, Thread
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from sqlalchemy import Connection, Select

from ledger.store.columns import numbers, read_columns

if TYPE_CHECKING:
    import pyarrow as pa

_AHEAD = 4
"""Pieces that are read before somebody takes them."""


class Reading:
    """The inputs, to be taken once each and in their order; the connection is the thread's while the block runs.

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
        self._read: Queue[pa.Table | Exception | None] = Queue(_AHEAD)
        self._left = Event()
        self._thread = Thread(target=self._work, name="audit-reading")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        """Wait for the thread, which stops after the piece that it reads."""
        self._left.set()
        while self._thread.is_alive():
            while not self._read.empty():
                self._read.get()
            self._thread.join(0.01)

    def pieces(self) -> Iterator[pa.Table]:
        """The rows of the next input; raises what reading them raised."""
        while (piece := self._read.get()) is not None:
            if isinstance(piece, Exception):
                raise piece
            yield piece

    def numbers(self, name: str) -> frozenset[str]:
        """Which columns of an input come as decimals."""
        return numbers(self._asked[name])

    def _work(self) -> None:
        try:
            for name, asked in self._asked.items():
                size = None if name in self._whole else self._size
                for piece in read_columns(self._connection, asked, size=size):
                    self._put(piece)
                    if self._left.is_set():
                        return
                self._put(None)
        except Exception as error:  # noqa: BLE001 - raised again where the pieces are taken
            self._put(error)

    def _put(self, piece: pa.Table | Exception | None) -> None:
        if not self._left.is_set():
            self._read.put(piece)

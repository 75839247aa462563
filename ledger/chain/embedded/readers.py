"""Connections for readers: as many as threads read at once, kept for the next one who asks."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Lock

from ledger.chain.embedded.errors import ChainClosed


def connect(path: Path) -> sqlite3.Connection:
    """A connection in autocommit mode with 32 MB of page cache; any thread may use it in turn."""
    connection = sqlite3.connect(path, timeout=10, isolation_level=None, check_same_thread=False)
    connection.execute("PRAGMA cache_size=-32768")
    return connection


class ReaderPool:
    """Hands out connections that cannot write. Safe to use from threads."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = Lock()
        self._idle: list[sqlite3.Connection] | None = []

    @contextmanager
    def lease(self) -> Iterator[sqlite3.Connection]:
        """One connection for one reader; raises :class:`ChainClosed` after :meth:`close`."""
        connection = self._take()
        try:
            yield connection
        finally:
            self._give_back(connection)

    def _take(self) -> sqlite3.Connection:
        with self._lock:
            if self._idle is None:
                raise ChainClosed(f"{self._path} was closed: open the chain again")
            if self._idle:
                return self._idle.pop()
        connection = connect(self._path)
        connection.execute("PRAGMA query_only=1")
        return connection

    def _give_back(self, connection: sqlite3.Connection) -> None:
        with self._lock:
            if self._idle is not None:
                self._idle.append(connection)
                return
        connection.close()

    def close(self) -> None:
        """Close the idle ones now and those that are out when they come back."""
        with self._lock:
            idle, self._idle = self._idle or [], None
        for connection in idle:
            connection.close()

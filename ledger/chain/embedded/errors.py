"""What can go wrong with the embedded chain's store, each with a way out."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ledger.chain.interface import ChainError


class ChainMissing(ChainError):
    """There is no chain at this path."""


class ChainLocked(ChainError):
    """Another process writes this chain; ``pid`` is that process, 0 where it could not be read."""

    def __init__(self, message: str, pid: int) -> None:
        super().__init__(message)
        self.pid = pid


class ChainMismatch(ChainError):
    """The store holds another chain than the one asked for."""


class ChainTooNew(ChainError):
    """The store was written by a newer release."""


class ChainCorrupt(ChainError):
    """The store lacks what it must hold; ``key`` is the damaged node, empty where it is not one."""

    def __init__(self, message: str, key: bytes = b"") -> None:
        super().__init__(message)
        self.key = key


class ChainFull(ChainError):
    """No room is left for the next block; nothing of it was written."""


class ChainConflict(ChainError):
    """The head moved under the writer: something else wrote the store in spite of the lock."""


class ChainClosed(ChainError):
    """The chain was closed."""


class UnknownBlock(ChainError):
    """A block that this chain does not have."""


def missing_node(key: bytes, path: Path) -> ChainCorrupt:
    """The refusal for a trie node or code that the store should hold and does not."""
    return ChainCorrupt(f"{path} lacks the node 0x{key.hex()}: restore the file from a backup", key)


@contextmanager
def store_errors(path: Path) -> Iterator[None]:
    """Turn the errors of SQLite into ours, naming the file and what to do.

    Raises :class:`ChainFull`, :class:`ChainLocked`, :class:`ChainCorrupt`, or :class:`ChainError`.
    """
    try:
        yield
    except sqlite3.Error as error:
        name = getattr(error, "sqlite_errorname", "")
        # quotas, and no room for the wal-index, go by names of their own
        if name in ("SQLITE_FULL", "SQLITE_IOERR_WRITE", "SQLITE_IOERR_SHMSIZE"):
            raise ChainFull(
                f"no room left for {path}: nothing of this block was written; "
                "free disk space and send again"
            ) from error
        if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
            raise ChainLocked(
                f"{path} is locked by another program: close it and try again", 0
            ) from error
        if name.startswith(("SQLITE_CORRUPT", "SQLITE_NOTADB")):
            raise ChainCorrupt(f"{path} is damaged ({error}): restore it from a backup") from error
        raise ChainError(f"{path}: {error} ({name or 'no code'})") from error

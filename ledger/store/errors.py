"""What can go wrong with a database, in words that say what to do about it."""

from __future__ import annotations

import sqlite3


class StoreError(Exception):
    """A database that cannot be used; the text says why and what to do."""


class UnreachableStoreError(StoreError):
    """The database cannot be opened or connected to."""


class NewerStoreError(StoreError):
    """The database was written by a newer version of this program."""


class ForeignStoreError(StoreError):
    """The database holds something else than what was asked for."""


class CorruptStoreError(StoreError):
    """The database file is damaged, or is no database."""


class FullStoreError(StoreError):
    """No space is left where the database lives."""


class LockedStoreError(StoreError):
    """Another process holds the database for longer than we wait."""


class ReadOnlyStoreError(StoreError):
    """The database may be read but not written."""


_SQLITE = {
    sqlite3.SQLITE_FULL: (
        FullStoreError,
        (
            "no space is left for {place} (disk full, or a quota reached): this step was not "
            "written, what was accepted before it is kept; free some space and try again"
        ),
    ),
    sqlite3.SQLITE_CORRUPT: (
        CorruptStoreError,
        "{place} is damaged; {way_out}",
    ),
    sqlite3.SQLITE_NOTADB: (
        CorruptStoreError,
        "{place} is no SQLite database; {way_out}",
    ),
    sqlite3.SQLITE_BUSY: (
        LockedStoreError,
        "{place} is held by another process; stop it, or wait until it is done",
    ),
    sqlite3.SQLITE_LOCKED: (
        LockedStoreError,
        "{place} is held by another task of this process; wait until it is done",
    ),
    sqlite3.SQLITE_CANTOPEN: (
        UnreachableStoreError,
        "{place} cannot be opened; see that its directory exists and may be written",
    ),
    sqlite3.SQLITE_READONLY: (
        ReadOnlyStoreError,
        "{place} may not be written; see the permissions of the file and its directory",
    ),
    sqlite3.SQLITE_IOERR: (
        UnreachableStoreError,
        "{place} cannot be read or written (input/output error); see the disk and its mount",
    ),
}

_FULL_TOO = {sqlite3.SQLITE_IOERR_WRITE, sqlite3.SQLITE_IOERR_SHMSIZE}
"""SQLite says SQLITE_FULL for ENOSPC on a file of its own only, not for quotas and the wal-index."""

_POSTGRESQL = {
    "53100": (FullStoreError, "no space is left for {place}; free some space and try again"),
    "55P03": (LockedStoreError, "{place} is held by another session; wait until it is done"),
    "40P01": (LockedStoreError, "{place}: two sessions waited for each other; try again"),
    "25006": (ReadOnlyStoreError, "{place} may not be written (read-only transaction or standby)"),
    "XX001": (CorruptStoreError, "{place} is damaged; restore it, or rebuild the mirror elsewhere"),
    "XX002": (CorruptStoreError, "an index of {place} is damaged; REINDEX it"),
}


_WAYS_OUT = {
    "mirror": (
        "delete it together with its -wal and -shm files: the next command makes it anew "
        "from the chain, and nothing is lost"
    ),
    "desk": (
        "restore it from a backup, because what waits to be sent and the sealed texts are "
        "nowhere else, or name another file"
    ),
}


def explain(error: BaseException, place: str, family: str = "mirror") -> StoreError | None:
    """The :class:`StoreError` for a driver's exception, or None where it is none of ours.

    ``place`` names the database without credentials; ``family`` is ``mirror`` or ``desk``.
    """
    found: tuple[type[StoreError], str] | None = None
    if isinstance(error, sqlite3.Error):
        # Extended result codes keep the primary one in their low byte (sqlite.org/rescode.html).
        code = getattr(error, "sqlite_errorcode", None)
        if code in _FULL_TOO:
            code = sqlite3.SQLITE_FULL
        found = _SQLITE.get(code & 0xFF) if code is not None else None
    else:
        state = getattr(error, "sqlstate", None)
        if state is not None:
            found = _POSTGRESQL.get(state)
            if found is None and state[:2] in ("08", "28", "3D"):
                found = (UnreachableStoreError, "{place} refuses the connection")
        elif type(error).__name__ == "OperationalError":
            found = (UnreachableStoreError, "{place} cannot be reached; see that the server runs")
    if found is None:
        return None
    kind, words = found
    return kind(f"{words.format(place=place, way_out=_WAYS_OUT[family])} ({error})")

"""Group commit: many callers, one thread that writes, one sync for all that wait.

A caller hands in an entry and is called back once it is on the disk, or told why not. What waits is
bounded in bytes; beyond that :class:`~ledger.journal.errors.FullJournal` asks the caller to come back.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import NamedTuple

from ledger.journal.errors import FullJournal, JournalError
from ledger.journal.journal import Journal

MOST_WAITING_BYTES = 64 << 20
MOST_AT_ONCE = 2048
_BYTES_AT_ONCE = 32 << 20
GATHER_SECONDS = 0.004
"""Between two groups where several callers hand in at once: the fewer groups, the less an entry costs. Whoever is
alone never waits for company."""

Kept = Callable[[int | None, JournalError | None], None]
"""Told the position of the first entry, or why none was kept."""


class _Waiting(NamedTuple):
    entries: Sequence[bytes]
    length: int
    kept: Kept


class Committer:
    """The thread that writes a journal for everybody in this process."""

    def __init__(self, journal: Journal, most_waiting: int = MOST_WAITING_BYTES) -> None:
        self.journal = journal
        self._most = most_waiting
        self._waiting: list[_Waiting] = []
        self._bytes = 0
        self._wake = threading.Condition()
        self._ending = False
        self._thread = threading.Thread(
            target=self._run, name=f"journal-{journal.origin}", daemon=True
        )

    def start(self) -> None:
        self._thread.start()

    def end(self) -> None:
        """Write what waits, and stop; nothing is taken afterwards."""
        with self._wake:
            self._ending = True
            self._wake.notify()
        if self._thread.is_alive():
            self._thread.join()

    @property
    def waiting_bytes(self) -> int:
        return self._bytes

    def submit(self, entries: Sequence[bytes], kept: Kept) -> None:
        """Keep ``entries`` side by side; ``kept`` is called from the writing thread.

        Raises :class:`FullJournal` where too much waits already, or the writer is ending.
        """
        length = sum(map(len, entries))
        with self._wake:
            if self._ending or (self._bytes and self._bytes + length > self._most):
                raise FullJournal(
                    f"{self._bytes} bytes wait to be written already; try again in a second"
                )
            self._waiting.append(_Waiting(entries, length, kept))
            self._bytes += length
            self._wake.notify()

    def keep(self, entries: Sequence[bytes]) -> int:
        """Keep ``entries`` and wait; returns the position of the first. Raises :class:`JournalError`."""
        done: Future[int] = Future()

        def kept(position: int | None, error: JournalError | None) -> None:
            if position is None:
                done.set_exception(error or JournalError("not kept"))
            else:
                done.set_result(position)

        self.submit(entries, kept)
        return done.result()

    def _run(self) -> None:
        began, several = 0.0, False
        while True:
            with self._wake:
                while not self._waiting and not self._ending:
                    self._wake.wait()
                if not self._waiting:
                    return
            if several and not self._ending:
                time.sleep(max(0.0, began + GATHER_SECONDS - time.monotonic()))
            with self._wake:
                group = self._take()
            began, several = time.monotonic(), len(group) > 1
            self._write(group)
            with self._wake:
                self._bytes -= sum(one.length for one in group)

    def _take(self) -> list[_Waiting]:
        """As many as are written at once: at least one, however long."""
        count = length = 0
        for one in self._waiting:
            if count and (count >= MOST_AT_ONCE or length + one.length > _BYTES_AT_ONCE):
                break
            count, length = count + 1, length + one.length
        group, self._waiting = self._waiting[:count], self._waiting[count:]
        return group

    def _write(self, group: list[_Waiting]) -> None:
        try:
            position = self.journal.append([entry for one in group for entry in one.entries])
        except JournalError as error:
            for one in group:
                one.kept(None, error)
            return
        except Exception as error:  # noqa: BLE001 - whoever waits must be told, or waits for ever
            for one in group:
                one.kept(None, JournalError(f"{type(error).__name__}: {error}"))
            return
        for one in group:
            one.kept(position, None)
            position += len(one.entries)

"""Who is on duty (值班): the one process that sends what the outbox holds and moves the mirror.

Within a data directory a lock on the file ``duty.lock`` decides. Where desk or mirror are PostgreSQL, which
several machines may share, the lead in that database decides as well (:mod:`ledger.store.leading`): at the desk
who sends, at the mirror who follows. Where both are shared, whoever sends also follows.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from ledger.store.leading import Lead, Leader, this_process


class OnDuty(msgspec.Struct, frozen=True):
    """Who is on duty, as far as it can be told from here.

    ``here`` says whether it is this process; ``by`` how that was settled: ``directory`` (a lock in the data
    directory) or ``database`` (the lead in PostgreSQL). ``process``, ``url``, ``since`` (Unix milliseconds) and
    ``term`` are those of the leader, where known.
    """

    here: bool
    by: str
    process: str | None
    url: str | None = None
    since: int | None = None
    term: int | None = None


class Rota:
    """The duty of one data directory. ``sending`` and ``following`` are None where nothing is shared."""

    def __init__(self, data_dir: Path, sending: Lead | None, following: Lead | None) -> None:
        self._data_dir = data_dir
        self.sending = sending
        self.following = following

    @contextmanager
    def duty(self) -> Iterator[bool]:
        """Whether this process is on duty while the block runs; what it led is free afterwards.

        Raises :class:`~ledger.store.errors.StoreError` where a shared database cannot be asked.
        """
        with self.alone("duty.lock") as alone:
            if not alone:
                yield False
                return
            try:
                yield self.sends()
            finally:
                self.release()

    def sends(self) -> bool:
        """Whether this process may send now; where it may not, it does not follow either.

        Raises :class:`~ledger.store.errors.StoreError` where the desk cannot be asked.
        """
        if self.sending is None or self.sending.hold():
            return True
        if self.following is not None:
            self.following.release()
        return False

    @property
    def is_shared(self) -> bool:
        """Whether other machines may be on duty as well."""
        return self.sending is not None or self.following is not None

    def follows(self) -> bool:
        """Whether this process may move the mirror now, being on duty."""
        return self.following is None or self.following.hold()

    def release(self) -> None:
        """Let others lead."""
        for lead in (self.following, self.sending):
            if lead is not None:
                lead.release()

    @contextmanager
    def alone(self, name: str) -> Iterator[bool]:
        """Whether this process holds the lock file ``name`` of the data directory while the block runs."""
        self._data_dir.mkdir(parents=True, exist_ok=True)
        with (self._data_dir / name).open("a+", encoding="ascii") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield False
                return
            lock.truncate(0)
            lock.write(f"{os.getpid()}\n")
            lock.flush()
            yield True

    def process(self, name: str) -> int | None:
        """The process that held a lock file last, None where none ever did."""
        try:
            return int((self._data_dir / name).read_text("ascii"))
        except (FileNotFoundError, ValueError):
            return None

    def is_held(self, name: str) -> bool:
        """Whether some process holds a lock file now."""
        try:
            with (self._data_dir / name).open("rb") as lock:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except FileNotFoundError:
            return False
        except BlockingIOError:
            return True
        return False

    def on_duty(self) -> OnDuty:
        """Who is on duty now: of a shared desk, else of a shared mirror, else of the directory.

        Raises :class:`~ledger.store.errors.StoreError` where a shared database cannot be asked.
        """
        lead = self.sending or self.following
        if lead is not None:
            return _of(lead.leader(), here=lead.term)
        held = self.is_held("duty.lock")
        process = self.process("duty.lock") if held else None
        return OnDuty(
            here=process == os.getpid(),
            by="directory",
            process=None if process is None else f"pid {process}",
        )


def _of(leader: Leader | None, here: int | None) -> OnDuty:
    if leader is None:
        return OnDuty(here=False, by="database", process=None)
    return OnDuty(
        here=here is not None and here == leader.term and leader.holder == this_process(),
        by="database",
        process=leader.holder,
        url=leader.url or None,
        since=leader.since,
        term=leader.term,
    )

"""Which process sends for a key: a lease in the desk database, so that only one does at a time."""

from __future__ import annotations

import os
import secrets
import socket
import time
from pathlib import Path

from sqlalchemy import Engine, insert, select, update
from sqlalchemy.exc import IntegrityError

from ledger.chain.outbox_models import LANE
from ledger.store.engine import writing
from ledger.store.leading import Lead

LEASE_MS = 30_000
"""How long a lease holds without being renewed."""
SKEW_MS = 300_000
"""A lease that ends later than clocks may differ is from before a clock was set back, and holds nothing."""


class Lease:
    """The right to send for ``sender``, for this object alone."""

    def __init__(self, engine: Engine, sender: str) -> None:
        self._engine = engine
        self._sender = sender
        self._holder = f"{_machine()} {os.getpid()} {secrets.token_hex(4)}"
        self._renew_at: float | None = None

    def hold(self) -> bool:
        """Take or renew the lease; False while another holds it.

        One that has ended, on this machine, has lost it at once; elsewhere it runs out by itself.
        """
        begun = time.monotonic()
        if self._renew_at is not None and begun < self._renew_at:
            return True
        try:
            held = self._take(time.time_ns() // 1_000_000)
        except IntegrityError:
            held = False  # another made the row at this very moment
        self._renew_at = begun + LEASE_MS / 2000 if held else None
        return held

    def _take(self, now: int) -> bool:
        mine = {"holder": self._holder, "until": now + LEASE_MS}
        with writing(self._engine) as connection:
            row = connection.execute(
                select(LANE).where(LANE.c.sender == self._sender).with_for_update()
            ).first()
            if row is None:
                connection.execute(insert(LANE).values(sender=self._sender, **mine))
            elif (
                row.holder == self._holder or self._is_over(row.until, now) or _is_gone(row.holder)
            ):
                connection.execute(update(LANE).where(LANE.c.sender == self._sender).values(**mine))
            else:
                return False
        return True

    @staticmethod
    def _is_over(until: int, now: int) -> bool:
        return not now <= until <= now + LEASE_MS + SKEW_MS

    def release(self) -> None:
        """Let another take it at once."""
        if self._renew_at is None:
            return
        with writing(self._engine) as connection:
            connection.execute(
                update(LANE)
                .where(LANE.c.sender == self._sender, LANE.c.holder == self._holder)
                .values(holder="", until=0)
            )
        self._renew_at = None


class Led:
    """The right to send as the lead at a shared desk gives it; whoever took the lead also gives it back."""

    def __init__(self, lead: Lead) -> None:
        self._lead = lead

    def hold(self) -> bool:
        """Whether this process leads, asked of the server."""
        return self._lead.hold()

    def release(self) -> None:
        """Nothing is to be done: the lead is kept for as long as the duty lasts."""


def _machine() -> str:
    """Names the space in which a process number means something: host and PID namespace."""
    try:
        space = str(Path("/proc/self/ns/pid").readlink())
    except OSError:
        space = ""
    return f"{socket.gethostname()}{space}"


def _is_gone(holder: str) -> bool:
    """Whether the process that held the lease has ended; False where that cannot be told."""
    if not holder:
        return True
    machine, number, _ = holder.rsplit(" ", 2)
    if machine != _machine():
        return False
    try:
        os.kill(int(number), 0)
    except ProcessLookupError:
        return True
    except OSError:
        return False
    return False

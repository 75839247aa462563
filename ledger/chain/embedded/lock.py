"""The right to write: one process at a time, held by ``flock(2)`` beside the store.

The kernel lets go of the lock when the process ends, however it ends, so a lock never outlives its
holder. The file names the holder for the refusal that a second writer gets.
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from ledger.chain.embedded.errors import ChainLocked


class WriterLock:
    """An exclusive lock on ``<store>.lock``; refuses a second holder with :class:`ChainLocked`."""

    def __init__(self, store: Path) -> None:
        self.path = store.with_name(store.name + ".lock")
        self._descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            holder = os.pread(self._descriptor, 32, 0).decode("ascii", "replace").strip()
            os.close(self._descriptor)
            pid = int(holder) if holder.isdigit() else 0
            who = f"process {pid}" if pid else "another process"
            raise ChainLocked(
                f"{store} is being written by {who}: use that one through its RPC address "
                "(`govledger node` and `govledger serve` publish it), or stop it first",
                pid,
            ) from error
        os.ftruncate(self._descriptor, 0)
        os.pwrite(self._descriptor, str(os.getpid()).encode("ascii"), 0)

    def release(self) -> None:
        """Let go. The file stays: removing it would let two processes lock two files."""
        if self._descriptor >= 0:
            os.ftruncate(self._descriptor, 0)
            os.close(self._descriptor)
            self._descriptor = -1

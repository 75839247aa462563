"""Several processes behind one address: a parent that holds the address, and workers that answer.

Worker 0 is on duty: it has the embedded chain open, sends, follows the log and makes edges of lineage. The
others answer as it does, reading the mirror and taking statements and events in; an embedded chain they ask over a
loopback address of worker 0 that stays the same for as long as the parent lives. A worker that ends is
started again; when the parent ends, however it ends, so do they.
"""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import socket
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn

log = logging.getLogger("govledger.workers")

READY = b"."
AGAIN_SECONDS = 0.5
"""Before a worker that ended is started again."""
END_SECONDS = 25.0
"""After being told to end, a worker that lives this long is killed."""
Work = Callable[[int, Callable[[], None]], None]
"""Serves as the worker of a number until it is told to stop; calls what it is given once it serves."""


class WorkersFailed(RuntimeError):
    """A worker ended before it served."""


class Workers:
    """``count`` processes that do ``work``. To be used from a process without threads."""

    def __init__(self, work: Work, count: int) -> None:
        self._work = work
        self._count = count
        self._numbers: dict[int, int] = {}
        self._ending = False
        # Whoever holds the end that is never written to is alone in keeping the other from its end.
        self._line, self._held = os.pipe()

    def run(self, ready: Callable[[], None]) -> None:
        """Start them one after the other, and keep them running until SIGTERM or SIGINT.

        ``ready`` is called when all serve. Raises :class:`WorkersFailed` where one cannot begin.
        """
        with self._told_to_end():
            try:
                for number in range(self._count):
                    if not self._start(number) and not self._ending:
                        raise WorkersFailed(f"worker {number} ended before it served")
                if not self._ending:
                    ready()
                while not self._ending:
                    self._watch()
            finally:
                self._end()

    def _start(self, number: int) -> bool:
        """Fork a worker, and wait until it serves; False where it ended instead."""
        reading, writing = os.pipe()
        sys.stdout.flush()
        sys.stderr.flush()
        pid = os.fork()
        if pid == 0:
            os.close(reading)
            self._be(number, writing)
        os.close(writing)
        self._numbers[pid] = number
        try:
            return os.read(reading, 1) == READY
        finally:
            os.close(reading)

    def _be(self, number: int, told: int) -> NoReturn:
        code = 1
        try:
            os.close(self._held)
            for one in (signal.SIGTERM, signal.SIGINT):
                signal.signal(one, signal.SIG_DFL)
            threading.Thread(target=self._follow_parent, daemon=True).start()

            def ready() -> None:
                os.write(told, READY)
                os.close(told)

            self._work(number, ready)
            code = 0
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 1
        except BaseException:  # noqa: BLE001 - it ends here, and nobody else could tell why
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)

    def _follow_parent(self) -> None:
        os.read(self._line, 1)
        os.kill(os.getpid(), signal.SIGTERM)

    def _watch(self) -> None:
        """Wait for a worker that ends, and start another in its place."""
        pid, status = os.waitpid(-1, os.WNOHANG)
        if pid == 0:
            time.sleep(0.1)
            return
        number = self._numbers.pop(pid, None)
        if number is None or self._ending:
            return
        log.warning("worker %d (process %d) ended with status %d", number, pid, status)
        time.sleep(AGAIN_SECONDS)
        while not self._ending and not self._start(number):
            time.sleep(AGAIN_SECONDS)

    @contextmanager
    def _told_to_end(self) -> Iterator[None]:
        def end(_number: int, _frame: FrameType | None) -> None:
            self._ending = True
            self._tell(signal.SIGTERM)

        before = {one: signal.signal(one, end) for one in (signal.SIGTERM, signal.SIGINT)}
        try:
            yield
        finally:
            for one, handler in before.items():
                signal.signal(one, handler)

    def _tell(self, what: signal.Signals) -> None:
        for pid in self._numbers:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, what)

    def _end(self) -> None:
        self._ending = True
        self._tell(signal.SIGTERM)
        ends = time.monotonic() + END_SECONDS
        while self._numbers:
            with contextlib.suppress(ChildProcessError):
                pid, _ = os.waitpid(-1, os.WNOHANG)
                if pid:
                    self._numbers.pop(pid, None)
                    continue
            if time.monotonic() > ends:
                self._tell(signal.SIGKILL)
                ends = time.monotonic() + 1.0
            time.sleep(0.05)
        os.close(self._held)
        os.close(self._line)


def inner_listener() -> socket.socket:
    """Where worker 0 gives the others its chain: a loopback port that all of its successors have too."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.bind(("127.0.0.1", 0))
    listener.listen()
    return listener

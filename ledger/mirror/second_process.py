"""A process beside this one that does a part of long work, on the second core.

It is fed over pipes, shares nothing, opens no database, and ends with this process. Whoever uses it can do its part
alone: where there is no second core, where the work is short, and from the moment it is lost.
"""

from __future__ import annotations

import contextlib
import gc
import logging
import os
import pickle
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import IO, Any

import msgspec

from ledger.mirror.collecting import SELDOM

LOGGER = logging.getLogger(__name__)
LONG = 50_000
"""Statements from which on starting a process, which takes a second, pays."""
TURN_SECONDS = 0.0005
"""How long a thread that works may keep those waiting that carry messages, and with them the other process."""
LENGTH_BYTES = 4
PIPE_BYTES = 1 << 20
"""What a pipe holds, where that can be chosen: with the usual 64 KiB a message takes dozens of turns, and for each the
thread that reads it has to wait until the one that works lets it."""
BOOT = "from ledger.mirror.second_process import serve; serve()"
Task = Callable[[Any], Any]
_LOCK = threading.Lock()
_turns: list[float] = []
"""What to go back to, once for each process beside this one."""


class LostError(Exception):
    """The other process ended, or could not do what it was asked."""


class SecondProcess:
    """Runs ``task``, which must be picklable, on one message after another; messages and answers are MessagePack."""

    def __init__(self, task: Task) -> None:
        self._process = subprocess.Popen(  # noqa: S603 - this very program
            [sys.executable, "-c", BOOT],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            pipesize=PIPE_BYTES,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(each for each in sys.path if each)},
        )
        # One thread sends, one receives, so that the other process always has the next message.
        self._sending = ThreadPoolExecutor(1, "second-process-send")
        self._receiving = ThreadPoolExecutor(1, "second-process-receive")
        self._sending.submit(self._send, pickle.dumps(task))

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    def ask(self, message: Any) -> Future[Any]:  # noqa: ANN401 - whatever MessagePack knows
        """Have a message worked on; answers come in order. The future raises :class:`LostError`."""
        self._sending.submit(self._send, msgspec.msgpack.encode(message))
        return self._receiving.submit(self._receive)

    def close(self) -> None:
        """End the other process, whatever it is doing: who still waits for an answer is told that it is lost."""
        self._process.kill()
        self._process.wait()
        self._sending.shutdown()
        self._receiving.shutdown()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with contextlib.suppress(BrokenPipeError):
                    pipe.close()

    def _send(self, data: bytes) -> None:
        if self._process.stdin is not None:
            # That the other process is gone is told where its answer is missed.
            with contextlib.suppress(BrokenPipeError):
                _write(self._process.stdin, data)

    def _receive(self) -> Any:  # noqa: ANN401
        data = _read(self._process.stdout) if self._process.stdout is not None else None
        if data is None:
            raise LostError("the second process ended before its answer")
        return msgspec.msgpack.decode(data)


@contextlib.contextmanager
def second_process(task: Task, size: int) -> Iterator[SecondProcess | None]:
    """One for work on ``size`` statements, None where it is too short or there is one core only."""
    if size < LONG or cores() == 1:
        yield None
        return
    try:
        process = SecondProcess(task)
    except OSError as error:
        LOGGER.warning("no second process can be started (%s); going on with one", error)
        yield None
        return
    try:
        with _short_turns():
            yield process
    finally:
        process.close()


@contextlib.contextmanager
def _short_turns() -> Iterator[None]:
    with _LOCK:
        _turns.append(_turns[0] if _turns else sys.getswitchinterval())
        sys.setswitchinterval(min(TURN_SECONDS, _turns[0]))
    try:
        yield
    finally:
        with _LOCK:
            before = _turns.pop()
            if not _turns:
                sys.setswitchinterval(before)


def cores() -> int:
    """Processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def serve() -> None:
    """The other process: work until standard input ends."""
    # An interrupt is the first process's to answer; it ends this one.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    first = _read(sys.stdin.buffer)
    if first is None:
        return
    task: Task = pickle.loads(first)  # noqa: S301 - from the process that started this one
    gc.freeze()
    gc.set_threshold(SELDOM)
    while (data := _read(sys.stdin.buffer)) is not None:
        _write(sys.stdout.buffer, msgspec.msgpack.encode(task(msgspec.msgpack.decode(data))))


def _write(pipe: IO[bytes], data: bytes) -> None:
    pipe.write(len(data).to_bytes(LENGTH_BYTES, "big") + data)
    pipe.flush()


def _read(pipe: IO[bytes]) -> bytes | None:
    """The next message, None at the end."""
    length = pipe.read(LENGTH_BYTES)
    if len(length) < LENGTH_BYTES:
        return None
    size = int.from_bytes(length, "big")
    data = pipe.read(size)
    return data if len(data) == size else None

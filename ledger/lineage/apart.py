"""Edges made in a process of their own while events come by the thousand.

Folding in a thread of the server takes turns with answering requests; at a thousand events a second each waits
for the other, and both cost twice what they cost alone. So a server that has much to fold starts this program,
waits for it, and folds itself again once it has ended for want of work. Only one process folds at a time
(:class:`~ledger.lineage.edges.Edges`), whoever it is; one that is killed leaves whole steps behind.

The program takes one line of JSON on its standard input and ends when that is closed: by whoever started it, or
because that ended, in whatever way. It ends with status 1 and says on its standard output what went wrong.
"""

from __future__ import annotations

import contextlib
import gc
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import msgspec

from ledger.journal.journal import Journal
from ledger.lineage.edges import CHUNK, Edges
from ledger.store.engine import open_database

IDLE_SECONDS = 30.0
"""The process ends when nothing came for as long."""
STEP_SECONDS = 0.5
"""A step is begun this long after the last one, unless more waits than a step takes: the fewer, the cheaper."""
STEPS = 8
"""Steps in a row before it is looked whether to end."""
NICENESS = 5
"""Acknowledging comes first."""
LOOK_SECONDS = 0.2
END_SECONDS = 5.0
"""After being told to end, a process that lives this long is killed."""
YOUNG_OBJECTS = 100_000
_ROOT = Path(__file__).resolve().parents[2]


class FoldingFailed(RuntimeError):
    """The process that makes edges could not go on; the text says why."""


class Order(msgspec.Struct, frozen=True):
    """What to fold into what: directory of the journal, URL of the mirror."""

    journal: str
    mirror: str
    shared: bool
    idle_seconds: float = IDLE_SECONDS


def fold_apart(order: Order, stop: threading.Event, alive: Callable[[], None]) -> None:
    """Have a process fold until it has nothing to do, or ``stop`` is set; ``alive`` is called now and then.

    Raises :class:`FoldingFailed` where it ends otherwise, :class:`OSError` where none can be started.
    """
    paths = [str(_ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    with subprocess.Popen(
        [sys.executable, "-P", "-m", "ledger.lineage.apart"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
        start_new_session=True,  # Ctrl-C is for the server, which ends this one
    ) as process:
        if process.stdin is None or process.stdout is None:
            raise FoldingFailed("the process has no pipes")
        try:
            with contextlib.suppress(BrokenPipeError):  # how it ended is told below
                process.stdin.write(msgspec.json.encode(order) + b"\n")
                process.stdin.flush()
            while process.poll() is None and not stop.wait(LOOK_SECONDS):
                alive()
        finally:
            _end(process)
        said = process.stdout.read().decode(errors="replace").strip()
        if process.returncode and not stop.is_set():
            raise FoldingFailed(said or f"it ended with status {process.returncode}")


def _end(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(BrokenPipeError):
        if process.stdin is not None:
            process.stdin.close()
    try:
        process.wait(END_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def keep_up(edges: Edges, end: threading.Event, idle_seconds: float) -> None:
    """Fold what comes until ``end`` is set, or nothing came for ``idle_seconds``."""
    busy_at = time.monotonic()
    while not end.is_set():
        began = time.monotonic()
        folded = edges.catch_up(limit=STEPS)
        if folded:
            busy_at = time.monotonic()
        elif time.monotonic() - busy_at >= idle_seconds:
            return
        if folded < CHUNK:
            end.wait(max(0.0, began + STEP_SECONDS - time.monotonic()))


def main() -> int:
    """Do what the order on standard input says; the exit status."""
    order = msgspec.json.decode(sys.stdin.buffer.readline(), type=Order)
    end = threading.Event()

    def follow() -> None:
        while sys.stdin.buffer.read(1):
            continue
        end.set()

    threading.Thread(target=follow, name="parent", daemon=True).start()
    os.nice(NICENESS)
    # A step makes some hundred thousand objects and no cycles: looking for those took a third of the time.
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS)
    try:
        with Journal(Path(order.journal)) as journal:
            engine = open_database(order.mirror, "mirror")
            try:
                keep_up(Edges(engine, journal, shared=order.shared), end, order.idle_seconds)
            finally:
                engine.dispose()
    except Exception as error:  # noqa: BLE001 - told to whoever started this, which tells it on
        sys.stdout.write(f"{type(error).__name__}: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    os._exit(code)  # a daemon thread that reads standard input would hold its lock at the end

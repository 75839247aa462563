"""The machine under the office: its clock, its disk, its process; each fails when it is told to.

Whatever the office does to the world passes a *point*: a call of the chain, a statement that writes, a
commit. A process that is killed at a point does nothing any more, not even clean up: everything it still
tries is refused, except what closing a dead process's files does by itself.
"""

from __future__ import annotations

import logging
import random
import sqlite3
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest.mock import patch

from sqlalchemy import Engine, event

TIMED = (
    "ledger.chain.lane",
    "ledger.chain.lease",
    "ledger.chain.outbox",
    "ledger.chain.outbox_desk",
    "ledger.chain.outbox_standing",
    "ledger.mirror.follower",
    "ledger.mirror.verification.onchain",
)
"""Modules that look at the clock or wait."""
WRITES = ("INSERT", "UPDATE", "DELETE", "BEGIN IMMEDIATE", "CREATE", "DROP")
RESTLESS = 5_000
"""Points without an end of what was begun."""
NO_LIMIT = 1_073_741_823
START = 1_770_000_000 * 10**9


class Killed(BaseException):
    """The process is gone: kill -9."""


class RestlessError(BaseException):
    """Something goes on and on."""


class Clock:
    """Stands in for :mod:`time`: goes on while somebody waits, and jumps when told."""

    def __init__(self) -> None:
        self.wall = START
        self.steady = 0

    def time_ns(self) -> int:
        return self.wall

    def time(self) -> float:
        return self.wall / 1e9

    def monotonic(self) -> float:
        return self.steady / 1e9

    def sleep(self, seconds: float) -> None:
        step = int(seconds * 1e9)
        self.wall += step
        self.steady += step

    def jump(self, seconds: float) -> None:
        """Somebody sets the clock."""
        self.wall += int(seconds * 1e9)


class Machine:
    """What can go wrong under one process, and a record of what did."""

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance
        self.clock = Clock()
        self.trace: list[str] = []
        self.told = False
        """Whether every point is written down, and not only what goes wrong."""
        self.dead = False
        self.process = 1
        self.points = 0
        self.restless = 0
        self.kill_at: int | None = None
        self.disk_full = False
        self.disk_slow = 0.0
        self.disk_errors = 0.0

    def note(self, what: str) -> None:
        self.trace.append(what)

    def point(self, what: str) -> None:
        """The process is about to do something, or has just done it."""
        if self.dead:
            raise Killed
        self.points += 1
        self.restless += 1
        if self.restless > RESTLESS:
            raise RestlessError(f"no end after {RESTLESS} points: {what}")
        if self.told:
            self.note(f"      {self.points}: {what}")
        if self.points == self.kill_at:
            self.note(f"    killed: {what}")
            self.dead = True
            raise Killed

    def restart(self) -> None:
        """A new process."""
        self.dead, self.kill_at, self.points = False, None, 0
        self.process += 1

    def happens(self, share: float) -> bool:
        return share > 0 and self.chance.random() < share

    # The disk.

    def before_sql(self, connection: Disked, sql: str) -> None:
        if self.dead:
            raise Killed
        if not sql.startswith(WRITES):
            return
        self.clock.sleep(self.disk_slow)
        begins = sql.startswith("BEGIN")
        if begins and self.disk_full is not connection.full:
            connection.fill(full=self.disk_full)
        if self.happens(self.disk_errors):
            name, words = (
                ("SQLITE_BUSY", "database is locked")
                if begins
                else ("SQLITE_IOERR", "disk I/O error")
            )
            self.note(f"    {name} at {sql[:40]!r}")
            problem = sqlite3.OperationalError(words)
            problem.sqlite_errorcode = getattr(sqlite3, name)
            raise problem
        self.point(" ".join(sql.split()[:3]))


class Disked(sqlite3.Connection):
    """A connection to a file on a machine's disk."""

    machine: Machine
    full = False

    def fill(self, *, full: bool) -> None:
        """Leave SQLite no page to take, or let it take what it wants."""
        plain = sqlite3.Cursor(self)
        pages = plain.execute("PRAGMA page_count").fetchone()[0] if full else NO_LIMIT
        plain.execute(f"PRAGMA max_page_count = {pages}").fetchone()
        self.full = full

    def cursor(self, _: Any = None) -> sqlite3.Cursor:
        return super().cursor(DiskedCursor)

    def commit(self) -> None:
        writes = self.in_transaction and self.total_changes
        if writes:
            self.machine.point("commit")
        super().commit()
        if writes:
            self.machine.point("committed")


class DiskedCursor(sqlite3.Cursor):
    """Asks the machine before it writes."""

    connection: Disked

    def execute(self, sql: str, *rest: Any) -> sqlite3.Cursor:
        self.connection.machine.before_sql(self.connection, sql)
        return super().execute(sql, *rest)

    def executemany(self, sql: str, *rest: Any) -> sqlite3.Cursor:
        self.connection.machine.before_sql(self.connection, sql)
        return super().executemany(sql, *rest)


class Disk:
    """The databases of the machine that runs at the moment; engines outlive machines, connections do not."""

    def __init__(self) -> None:
        self.machine = Machine(random.Random(0))  # noqa: S311
        self.engines: list[Engine] = []

    def hold(self, engine: Engine) -> Engine:
        """Have a database's connections fail with the machine."""
        engine.dispose()
        self.engines.append(engine)

        @event.listens_for(engine, "do_connect")
        def connect(
            _d: Any, _r: Any, args: list[Any], options: dict[str, Any]
        ) -> sqlite3.Connection:
            connection = sqlite3.connect(*args, factory=Disked, **options)
            connection.machine = self.machine
            return connection

        return engine

    def close(self) -> None:
        """The process ended: its files are closed by the system."""
        for engine in self.engines:
            engine.dispose()


class Inline:
    """Stands in for a pool of threads: does at once what it is given, so that a seed means one order."""

    def __init__(self, *_: object) -> None:
        pass

    def submit(self, work: Callable[..., Any], *arguments: Any) -> Future[Any]:
        done: Future[Any] = Future()
        try:
            done.set_result(work(*arguments))
        except BaseException as problem:  # noqa: BLE001 - kept for whoever asks for the result
            done.set_exception(problem)
        return done

    def shutdown(self, **_: object) -> None:
        pass


class Processes:
    """Stands in for :mod:`os` where a lease asks whether its holder lives."""

    def __init__(self, machine: Callable[[], Machine]) -> None:
        self._machine = machine

    def getpid(self) -> int:
        return self._machine().process

    def kill(self, process: int, _: int) -> None:
        if process != self._machine().process:
            raise ProcessLookupError


@contextmanager
def on(machine: Machine, long: int) -> Iterator[None]:
    """The project's clocks, threads and processes are the machine's while the block runs.

    ``long`` is how many leaves make a first sync long, so that it does without some indexes.
    """
    with ExitStack() as stack:
        for module in TIMED:
            stack.enter_context(patch(f"{module}.time", machine.clock))
        stack.enter_context(patch("ledger.mirror.fetching.ThreadPoolExecutor", Inline))
        stack.enter_context(patch("ledger.chain.lease.os", Processes(lambda: machine)))
        stack.enter_context(patch("ledger.chain.lease.socket.gethostname", lambda: "machine"))
        stack.enter_context(patch("ledger.mirror.late_indexes.LONG", long))
        stack.callback(logging.disable, logging.root.manager.disable)
        logging.disable(logging.CRITICAL)
        yield

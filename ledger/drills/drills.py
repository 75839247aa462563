"""Running drills on a schedule, slowly, and remembering what they found.

A drill gives way: after every step it rests so long that it takes no more than its share of a processor, and
it stops at once when the server does. One that was stopped is done again soon after the next start. Whoever
shares the desk's database shares the schedule: what one process has begun or done lately, no other begins.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence

import msgspec
from sqlalchemy import Engine, RowMapping, delete, func, insert, select, update

from ledger.drills.models import DRILL_RUN, Outcome
from ledger.store.engine import writing

HOUR_MS = 3_600_000
ALIVE_MS = 15 * 60_000
"""A run that was not seen at work for so long has ended with its process."""
BEAT_SECONDS = 60.0
OVERDUE = 3
"""Intervals without a finished run after which a drill is overdue."""
KEPT = 50
"""Runs of each drill that are remembered."""
SAID = 20
FIRST_SECONDS = 600.0
"""After the start of a server: it has better things to do at first."""
LOOK_SECONDS = 60.0
LONGEST_REST = 2.0

Words = tuple[str, str]
"""The same in Chinese and in English."""
Rest = Callable[..., None]
"""To be called after every step of a drill, with whatever; raises :class:`Stopped`."""


class Stopped(Exception):
    """The server stops, and the drill with it."""


class Unavailable(Exception):
    """What the drill needs cannot be had now; said in both languages."""

    def __init__(self, zh: str, en: str) -> None:
        super().__init__(en)
        self.words = (zh, en)


class Found(msgspec.Struct, frozen=True):
    """What a drill found: how many things it looked at, and what is wrong with which."""

    checked: int
    problems: Sequence[Words] = ()


class Run(msgspec.Struct, frozen=True):
    """One run of a drill. Times in Unix milliseconds; ``said`` is what it found, or why it did not finish."""

    name: str
    outcome: Outcome
    started_at: int
    ended_at: int | None
    checked: int
    said: tuple[Words, ...]


class Drill(msgspec.Struct, frozen=True):
    """``work`` checks and tells; it is due every ``every`` intervals."""

    name: str
    work: Callable[[Rest], Found]
    every: int = 1


class Drills:
    """The drills of one office. ``hours`` is the interval, 0 for never; ``share`` of a processor in percent."""

    def __init__(
        self,
        engine: Engine,
        drills: Sequence[Drill],
        *,
        hours: int,
        share: int,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._engine = engine
        self.drills = {drill.name: drill for drill in drills}
        self.hours = hours
        self._share = share
        self._clock = clock

    def newest(self) -> dict[str, Run]:
        """The newest finished run of each drill (or the newest, where none finished), by name."""
        found: dict[str, Run] = {}
        for finished in (False, True):
            newest = select(func.max(DRILL_RUN.c.number)).group_by(DRILL_RUN.c.name)
            if finished:
                newest = newest.where(DRILL_RUN.c.outcome.in_([Outcome.PASSED, Outcome.FAILED]))
            with self._engine.connect() as connection:
                rows = connection.execute(
                    select(DRILL_RUN).where(DRILL_RUN.c.number.in_(newest))
                ).mappings()
                found |= {row["name"]: _run(row) for row in rows if row["name"] in self.drills}
        return found

    def failed(self) -> list[str]:
        """Drills whose newest finished run found something wrong."""
        return sorted(name for name, run in self.newest().items() if run.outcome is Outcome.FAILED)

    def overdue(self, since: float | None = None) -> list[str]:
        """Drills that did not finish for longer than they may; ``since`` (Unix seconds) is when the server
        started, from which on those that never finished are counted."""
        if not self.hours:
            return []
        now, newest = self._clock() * 1000, self.newest()
        late = []
        for name, drill in sorted(self.drills.items()):
            run = newest.get(name)
            done = run is not None and run.outcome in (Outcome.PASSED, Outcome.FAILED)
            at = run.started_at if run is not None and done else None
            begun = at if at is not None else None if since is None else since * 1000
            if begun is not None and now - begun > OVERDUE * drill.every * self.hours * HOUR_MS:
                late.append(name)
        return late

    def due(self) -> str | None:
        """A drill that is to be done now; None where none is."""
        if not self.hours:
            return None
        now = int(self._clock() * 1000)
        for name, drill in self.drills.items():
            with self._engine.connect() as connection:
                row = (
                    connection.execute(
                        select(DRILL_RUN)
                        .where(DRILL_RUN.c.name == name)
                        .order_by(DRILL_RUN.c.number.desc())
                        .limit(1)
                    )
                    .mappings()
                    .first()
                )
            if row is None or not self._is_recent(row, drill, now):
                return name
        return None

    def _is_recent(self, row: RowMapping, drill: Drill, now: int) -> bool:
        # What is dated ahead was dated by a clock that was wrong, then or now: it puts nothing off.
        if row["outcome"] == Outcome.RUNNING:
            return 0 <= now - int(row["beat_at"]) < ALIVE_MS
        if row["outcome"] == Outcome.UNFINISHED:
            return 0 <= now - int(row["ended_at"] or 0) < ALIVE_MS
        return 0 <= now - int(row["started_at"]) < drill.every * self.hours * HOUR_MS

    def run(
        self, name: str, stop: threading.Event | None = None, *, share: int | None = None
    ) -> Run:
        """Do a drill now; the run is remembered, whatever becomes of it. ``share`` 100 never rests."""
        drill = self.drills[name]
        number = self._begin(name)
        rest = _Resting(share or self._share, stop, lambda: self._beat(number))
        found = Found(0)
        try:
            found = drill.work(rest)
            outcome = Outcome.FAILED if found.problems else Outcome.PASSED
            said = list(found.problems)
        except Stopped:
            outcome, said = Outcome.UNFINISHED, [("服务停止", "the server was stopped")]
        except Unavailable as problem:
            outcome, said = Outcome.UNFINISHED, [problem.words]
        except Exception as problem:
            self._end(number, Outcome.UNFINISHED, 0, [(str(problem), str(problem))])
            raise
        return self._end(number, outcome, found.checked, said)

    def stand(
        self,
        stop: threading.Event,
        on_error: Callable[[Exception], None],
        on_success: Callable[[], None] = lambda: None,
        *,
        first: float = FIRST_SECONDS,
        look: float = LOOK_SECONDS,
    ) -> None:
        """Do what is due until ``stop`` is set, beginning after ``first`` seconds."""
        stop.wait(first)
        while not stop.is_set():
            try:
                while not stop.is_set() and (name := self.due()) is not None:
                    self.run(name, stop)
                on_success()
            except Exception as error:  # noqa: BLE001 - told, and tried again
                on_error(error)
            stop.wait(look)

    def _now(self) -> int:
        return int(self._clock() * 1000)

    def _begin(self, name: str) -> int:
        now = self._now()
        row = {"name": name, "outcome": Outcome.RUNNING, "started_at": now, "beat_at": now}
        with writing(self._engine) as connection:
            made = insert(DRILL_RUN).values(**row, checked=0, said="[]")
            return int(connection.execute(made.returning(DRILL_RUN.c.number)).scalar_one())

    def _beat(self, number: int) -> None:
        with writing(self._engine) as connection:
            connection.execute(
                update(DRILL_RUN).where(DRILL_RUN.c.number == number).values(beat_at=self._now())
            )

    def _end(self, number: int, outcome: Outcome, checked: int, said: Sequence[Words]) -> Run:
        now = self._now()
        mine = DRILL_RUN.c.number == number
        with writing(self._engine) as connection:
            connection.execute(
                update(DRILL_RUN)
                .where(mine)
                .values(
                    outcome=outcome,
                    ended_at=now,
                    beat_at=now,
                    checked=checked,
                    said=msgspec.json.encode(said[:SAID]).decode(),
                )
            )
            row = connection.execute(select(DRILL_RUN).where(mine)).mappings().one()
            newer = (
                select(DRILL_RUN.c.number)
                .where(DRILL_RUN.c.name == row["name"])
                .order_by(DRILL_RUN.c.number.desc())
                .limit(KEPT)
            )
            connection.execute(
                delete(DRILL_RUN).where(
                    DRILL_RUN.c.name == row["name"], DRILL_RUN.c.number.not_in(newer)
                )
            )
        return _run(row)


class _Resting:
    """Keeps a thread to its share of a processor, and lets it be stopped."""

    def __init__(self, share: int, stop: threading.Event | None, beat: Callable[[], None]) -> None:
        self._share = share
        self._stop = stop or threading.Event()
        self._beat = beat
        self._worked = time.thread_time()
        self._beaten = time.monotonic()

    def __call__(self, *_: object) -> None:
        if self._stop.is_set():
            raise Stopped
        owed = (time.thread_time() - self._worked) * (100 - self._share) / self._share
        while owed > 0 and not self._stop.is_set():
            self._stop.wait(min(owed, LONGEST_REST))
            owed -= LONGEST_REST
        if time.monotonic() - self._beaten > BEAT_SECONDS:
            self._beat()
            self._beaten = time.monotonic()
        self._worked = time.thread_time()


def _run(row: RowMapping) -> Run:
    return msgspec.convert(
        {
            **{
                name: row[name] for name in ("name", "outcome", "started_at", "ended_at", "checked")
            },
            "said": msgspec.json.decode(str(row["said"])),
        },
        Run,
    )

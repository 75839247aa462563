"""The lineage journal of one data directory, the edges that follow from it, and when to anchor it."""

from __future__ import annotations

import logging
import secrets
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from functools import cached_property
from pathlib import Path

from sqlalchemy import Engine

from ledger.journal.committing import Committer
from ledger.journal.journal import Journal
from ledger.lineage import queries
from ledger.lineage.apart import Order, fold_apart
from ledger.lineage.edges import Edges, origin_followed
from ledger.lineage.entries import Coming, Door, entry_of
from ledger.lineage.statements import CheckpointDraft

log = logging.getLogger("govledger.lineage")

PLACE = Path("journals") / "lineage"
"""Where the journal lies in a data directory."""
MUCH = 1_000
"""So many entries within :data:`_WHILE_SECONDS` are folded apart (:mod:`ledger.lineage.apart`)."""
_WHILE_SECONDS = 2.0
_IDLE_SECONDS = 0.2
_AFTER_TROUBLE_SECONDS = 2.0
_LOOK_SECONDS = 1.0


class ForkedJournal(Exception):
    """The journal is not the one whose checkpoint was anchored; the text says where they part."""

    def __init__(self, what: str, hint: str, *, zh: str, hint_zh: str) -> None:
        super().__init__(what)
        self.hint = hint
        self.zh = zh
        self.hint_zh = hint_zh


class LineageKeeper:
    """Journal and edges, opened when first needed.

    ``log`` is the address of the ledger's log: the journal is named after it, and after eight random digits,
    so that several offices of one ledger have journals of their own. Of servers that share a mirror (``shared``)
    only those take events in that have the journal whose edges it holds.
    """

    def __init__(self, data_dir: Path, engine: Engine, log: str, *, shared: bool = False) -> None:
        self._shared = shared
        self._elsewhere: tuple[float, str | None] = (-_LOOK_SECONDS, None)
        self._asked = -_LOOK_SECONDS
        self._place = data_dir / PLACE
        self._engine = engine
        self._log = log
        self._opened = ExitStack()

    def close(self) -> None:
        self._opened.close()

    @property
    def exists(self) -> bool:
        """Whether anything was ever handed in here."""
        return (self._place / "origin").exists()

    @cached_property
    def journal(self) -> Journal:
        """The journal, made where there is none."""
        if self.exists:
            journal = Journal(self._place)
        else:
            name = (
                f"govledger/{self._log.removeprefix('0x').lower()}/{secrets.token_hex(4)}/lineage"
            )
            journal = Journal.create(self._place, name)
        self._opened.callback(journal.close)
        return journal

    @cached_property
    def edges(self) -> Edges:
        return Edges(self._engine, self.journal, shared=self._shared)

    def elsewhere(self) -> str | None:
        """The journal that a shared mirror follows, where it is not here; None where events may come in.

        Looks once a second at most, and seldom itself: whoever keeps the edges in step looks ahead for those who
        ask, so that no event waits for the database. Raises :class:`~ledger.store.errors.StoreError`.
        """
        if not self._shared:
            return None
        self._asked = now = time.monotonic()
        if now - self._elsewhere[0] > _LOOK_SECONDS:
            self._look_elsewhere(now)
        return self._elsewhere[1]

    def _look_elsewhere(self, now: float) -> None:
        found = origin_followed(self._engine)
        if found is not None and self.exists and self.journal.origin == found:
            found = None
        self._elsewhere = (now, found)

    def _look_ahead(self) -> None:
        """Look before the next one who asks has to, while events come in."""
        now = time.monotonic()
        if now - self._asked < _LOOK_SECONDS < 2 * (now - self._elsewhere[0]):
            self._look_elsewhere(now)

    @cached_property
    def committer(self) -> Committer:
        """The writer of this process; it ends with the keeper."""
        committer = Committer(self.journal)
        committer.start()
        self._opened.callback(committer.end)
        return committer

    def append(self, events: list[bytes], *, door: Door, organisation: str, token: str = "") -> int:
        """Keep events for good; returns the position of the first."""
        coming = Coming(at=time.time_ns() // 1_000_000, by=organisation, door=door, token=token)
        return self.journal.append([entry_of(coming, event) for event in events])

    def due(self, facts: int, seconds: float, now: float) -> CheckpointDraft | None:
        """The checkpoint to anchor now, None where none is due.

        One is due when ``facts`` entries are not anchored, or any since ``seconds``; ``now`` is Unix time.
        Raises :class:`ForkedJournal` where the journal does not extend what was anchored.
        """
        if not self.exists:
            return None
        size = self.journal.size
        with self._engine.connect() as connection:
            last = queries.newest_checkpoint(connection, self.journal.origin)
        if last is None:
            return CheckpointDraft.of(self.journal.checkpoint(size), 1) if size else None
        waited = now - last.recorded_at >= seconds
        if size == last.size or not (waited or size < last.size or size - last.size >= facts):
            return None
        if size < last.size or self.journal.root(last.size).hex() != last.root.removeprefix("0x"):
            raise _forked(self.journal.origin, last)
        return CheckpointDraft.of(self.journal.checkpoint(size), last.version + 1)

    def stand(
        self,
        stop: threading.Event,
        on_error: Callable[[Exception], None],
        on_success: Callable[[], None] = lambda: None,
    ) -> None:
        """Keep the edges in step until ``stop`` is set; errors are told, and it goes on after a pause.

        Here while little comes, in another process while much does.
        """
        done, lately, since = -1, 0, time.monotonic()

        def alive() -> None:
            self._look_ahead()
            on_success()

        while not stop.is_set():
            try:
                self._look_ahead()
                folded = 0
                if self.exists and self.journal.size != done:
                    folded = self.edges.catch_up(limit=1)
                    done = self.edges.folded()
                on_success()
                lately += folded
                if lately >= MUCH:
                    self._fold_apart(stop, alive)
                if lately >= MUCH or time.monotonic() - since > _WHILE_SECONDS:
                    lately, since = 0, time.monotonic()
                pause = 0.0 if folded else _IDLE_SECONDS
            except Exception as error:  # noqa: BLE001 - told, and tried again
                on_error(error)
                pause = _AFTER_TROUBLE_SECONDS
            stop.wait(pause)

    def _fold_apart(self, stop: threading.Event, alive: Callable[[], None]) -> None:
        order = Order(
            journal=str(self._place),
            mirror=self._engine.url.render_as_string(hide_password=False),
            shared=self._shared,
        )
        try:
            fold_apart(order, stop, alive)
        except OSError as error:  # no more processes, no memory for one: it is folded here
            log.warning("edges are made in the server, no process can be started: %s", error)


def _forked(origin: str, last: queries.AnchoredCheckpoint) -> ForkedJournal:
    return ForkedJournal(
        f"the journal {origin} does not extend its checkpoint of {last.size} entries, "
        f"anchored at leaf {last.leaf_from}",
        "restore the journal's directory from a backup; `govledger journal fsck` names what is wrong",
        zh=f"日志 {origin} 与账本第 {last.leaf_from} 条锚定的 {last.size} 条不符",
        hint_zh="请从备份恢复日志目录；`govledger journal fsck` 会指出问题所在",
    )

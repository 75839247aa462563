"""Keeping the tables of edges in step with the lineage journal: by the process on duty, or on demand.

The tables follow from the journal alone. A journal that was replaced, or a fold that changed, is noticed by
the cursor, and everything is folded afresh. A mirror that several servers share stays with the journal that it
began with: two would clear each other's tables for ever.
"""

from __future__ import annotations

import fcntl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import islice

from sqlalchemy import Connection, Engine, delete, insert, select, update

from ledger.journal.journal import Journal
from ledger.lineage.folding import fold
from ledger.lineage.models import CURSORS, EVENTS, FLAGS, FOLDED
from ledger.lineage.said import Said, Unreadable, said
from ledger.lineage.shelving import load, save
from ledger.store.bulk import insert_rows
from ledger.store.engine import writing

VERSION = 2
"""Of the fold: whoever changes what follows from an event raises it, and all is folded afresh."""
CHUNK = 1_000
CHUNK_BYTES = 16 << 20
Progress = Callable[[int, int], None]


class OtherJournal(Exception):
    """A shared mirror follows another journal than the one that is here."""

    def __init__(self, kept: str, here: str) -> None:
        super().__init__(
            f"the mirror follows the lineage journal {kept}, the one here is {here}: its entries are kept and "
            "anchored, but no edges are made of them"
        )
        self.hint = (
            "hand events in at the server that has that journal, or give this one its directory "
            "journals/lineage (a copy, or storage that both reach)"
        )
        self.zh = (
            f"镜像跟随的血缘日志是 {kept}，此处的是 {here}：其内容已保存并锚定，但不生成血缘边"
        )
        self.hint_zh = (
            "请向持有该日志的服务提交事件，或把其目录 journals/lineage 交给本服务（复制或共享存储）"
        )


class Edges:
    """The tables of edges of one mirror, kept in step with one journal.

    Where the mirror is ``shared``, nothing is folded that would replace another journal's edges: raises
    :class:`OtherJournal`.
    """

    def __init__(self, engine: Engine, journal: Journal, *, shared: bool = False) -> None:
        self.engine = engine
        self.journal = journal
        self.shared = shared

    def catch_up(self, progress: Progress | None = None, limit: int | None = None) -> int:
        """Fold what the journal has and the tables have not, at most ``limit`` steps of it.

        Returns how many entries were folded; 0 too where another process is at it.
        """
        with self._alone() as alone:
            if not alone:
                return 0
            first = done = self._begin()
            steps = 0
            while done < (size := self.journal.size) and (limit is None or steps < limit):
                done, steps = self._step(done, size), steps + 1
                if progress is not None:
                    progress(done, size)
            return done - first

    def rebuild(self, progress: Progress | None = None) -> int:
        """Fold everything afresh; returns how many entries. Raises nothing where another is at it."""
        with self._alone() as alone:
            if alone:
                with writing(self.engine) as conn:
                    _clear(conn)
        return self.catch_up(progress) if alone else 0

    def fold_to(self, size: int) -> None:
        """Fold exactly the first ``size`` entries, into a database that nobody else writes.

        Takes no lock in the journal's directory, which may be somebody else's copy.
        """
        done = self._begin()
        while done < size:
            done = self._step(done, size)

    def folded(self) -> int:
        """Up to which size of the journal the tables are."""
        with self.engine.connect() as conn:
            return int(
                conn.execute(
                    select(CURSORS.c.size).where(CURSORS.c.origin == self.journal.origin)
                ).scalar_one_or_none()
                or 0
            )

    @contextmanager
    def _alone(self) -> Iterator[bool]:
        with (self.journal.place / "edges.lock").open("a+b") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield False
                return
            yield True

    def _begin(self) -> int:
        """Where to go on; everything is cleared where the tables belong to another journal or fold."""
        with self.engine.connect() as conn:
            rows = conn.execute(select(CURSORS)).all()
        if len(rows) == 1 and rows[0].origin == self.journal.origin and rows[0].version == VERSION:
            size = int(rows[0].size)
            if size <= self.journal.size and self.journal.root(size) == bytes(rows[0].root):
                return size
        if self.shared:
            for row in rows:
                if row.origin != self.journal.origin and row.size:
                    raise OtherJournal(str(row.origin), self.journal.origin)
        with writing(self.engine) as conn:
            _clear(conn)
            conn.execute(
                insert(CURSORS).values(
                    origin=self.journal.origin, version=VERSION, size=0, root=self.journal.root(0)
                )
            )
        return 0

    def _step(self, first: int, size: int) -> int:
        """Fold a number of entries in one transaction; returns where the next step begins."""
        events: list[tuple[int, Said]] = []
        flags: list[tuple[int, str]] = []
        length = 0
        end = first
        for entry in islice(self.journal.entries(first, size), CHUNK):
            try:
                events.append((end, said(entry)))
            except Unreadable as unreadable:
                flags.append((end, str(unreadable)))
            end, length = end + 1, length + len(entry)
            if length > CHUNK_BYTES:
                break
        root = self.journal.root(end)
        with writing(self.engine) as conn:
            shelf = load(conn, (event for _, event in events))
            for position, event in events:
                fold(shelf, position, event)
            save(conn, shelf)
            insert_rows(conn, EVENTS, [(position, event.at) for position, event in events])
            insert_rows(conn, FLAGS, flags)
            conn.execute(
                update(CURSORS)
                .where(CURSORS.c.origin == self.journal.origin)
                .values(size=end, root=root)
            )
        return end


def origin_followed(engine: Engine) -> str | None:
    """The journal whose edges a mirror has, None where it has none yet."""
    with engine.connect() as conn:
        found: str | None = conn.execute(
            select(CURSORS.c.origin).where(CURSORS.c.size > 0).limit(1)
        ).scalar_one_or_none()
    return found


def _clear(conn: Connection) -> None:
    for table in FOLDED:
        conn.execute(delete(table))

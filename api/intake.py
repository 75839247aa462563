"""What is handed in by the thousand, kept for good before it is acknowledged.

Requests wait in the event loop while one thread writes the journal: all that wait share one sync, and all
that it kept are told in one turn of the loop. What may wait, read or unread, is bounded.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

from starlette.requests import Request

from api.language import Text
from api.problems import Problem
from ledger.journal.committing import Committer
from ledger.journal.errors import FullJournal, JournalError

MOST_IN_HAND = 128 << 20
"""Most bytes of requests that may be in hand at a time, beside what waits to be written."""
_Told = tuple["asyncio.Future[int]", int | None, JournalError | None]


class Intake:
    """The way from a request to the journal and back, for one event loop."""

    def __init__(
        self,
        committer: Callable[[], Committer],
        most_in_hand: int = MOST_IN_HAND,
        elsewhere: Callable[[], str | None] = lambda: None,
    ) -> None:
        self._committer = committer
        self._elsewhere = elsewhere
        self._most = most_in_hand
        self._in_hand = 0
        self._told: deque[_Told] = deque()

    @asynccontextmanager
    async def body(self, request: Request) -> AsyncIterator[bytes]:
        """A request's whole body, in hand while the block runs; raises ``overloaded`` beyond the bound."""
        held = 0
        parts: list[bytes] = []
        try:
            async for part in request.stream():
                if self._in_hand and self._in_hand + len(part) > self._most:
                    raise overloaded()
                self._in_hand += len(part)
                held += len(part)
                parts.append(part)
            whole = parts[0] if len(parts) == 1 else b"".join(parts)
            parts.clear()
            yield whole
        finally:
            self._in_hand -= held

    def reserve(self, length: int) -> bool:
        """Take ``length`` bytes in hand, to be given back by :meth:`release`; False beyond the bound."""
        if self._in_hand and self._in_hand + length > self._most:
            return False
        self._in_hand += length
        return True

    def release(self, length: int) -> None:
        self._in_hand -= length

    async def keep(self, entries: Sequence[bytes]) -> int:
        """Keep ``entries`` for good; returns the position of the first.

        Raises problems ``overloaded`` where too much waits, ``storage_unavailable`` where the disk refuses or
        another server keeps the journal.
        """
        journal = self._elsewhere()
        if journal is not None:
            raise _kept_elsewhere(journal)
        loop = asyncio.get_running_loop()
        done: asyncio.Future[int] = loop.create_future()

        def kept(position: int | None, error: JournalError | None) -> None:
            self._told.append((done, position, error))
            if len(self._told) == 1:
                loop.call_soon_threadsafe(self._tell)

        try:
            self._committer().submit(entries, kept)
        except FullJournal as error:
            raise overloaded() from error
        try:
            return await done
        except JournalError as error:
            raise Problem(
                "storage_unavailable",
                Text(f"日志无法写入:{error}", f"the journal cannot be written: {error}"),
                headers={"retry-after": "5"},
            ) from error

    def _tell(self) -> None:
        while self._told:
            done, position, error = self._told.popleft()
            if done.done():  # whoever asked has gone
                continue
            if position is None:
                done.set_exception(error or JournalError("not kept"))
            else:
                done.set_result(position)


def _kept_elsewhere(journal: str) -> Problem:
    """Another server has the journal: whoever tries again comes, behind a balancer, to that one in time."""
    return Problem(
        "storage_unavailable",
        Text(
            f"血缘日志 {journal} 由共用镜像的另一台服务保存,请向其提交事件",
            f"the lineage journal {journal} is kept by another server of this mirror: hand events in there",
        ),
        headers={"retry-after": "5"},
    )


def overloaded() -> Problem:
    """Push back: clients of OpenLineage try again after a 503, and not after a 429."""
    return Problem(
        "overloaded",
        Text("待写入的内容过多", "more is waiting to be written than may wait"),
        headers={"retry-after": "1", "connection": "close"},
    )

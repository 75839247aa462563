"""The order of transactions, and the making of blocks.

Whoever sends first executes for all who wait: transactions that arrive while a block is being made
go into the next one together. A sender comes back when its transaction is durable in a block, so
there is no pool of pending transactions to lose.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Sequence
from threading import Lock

from eth.abc import BlockHeaderAPI

from ledger.chain.embedded.errors import ChainClosed
from ledger.chain.embedded.evm import BlockBuilder, Checked, check_transaction, next_header
from ledger.chain.embedded.store import Store
from ledger.chain.interface import (
    BlockRef,
    CallReverted,
    ChainError,
    NonceRefused,
    TransactionRefused,
)

MAX_LEAD = 900
"""Seconds by which block time may run ahead of the clock while blocks come faster than it ticks."""
MAX_BLOCK_SECONDS = 1.0
"""Execution time after which a block is closed, so that those in it need not wait for the rest."""


class _Waiting:
    """A transaction on its way into a block, and what became of it."""

    __slots__ = ("checked", "error", "only_good", "settled")

    def __init__(self, checked: Checked, *, only_good: bool) -> None:
        self.checked = checked
        self.only_good = only_good
        self.error: ChainError | None = None
        self.settled = False

    def settle(self, error: ChainError | None = None) -> None:
        self.error = error
        self.settled = True


class Sequencer:
    """Makes the blocks after ``header``; the only one that appends to the store. Any thread may send.

    ``head`` and ``header`` are the newest durable block.
    """

    def __init__(
        self, store: Store, head: BlockRef, header: BlockHeaderAPI, clock: Callable[[], float]
    ) -> None:
        self._store = store
        self._clock = clock
        self._queue: deque[_Waiting] = deque()
        self._queue_lock = Lock()
        self._mining = Lock()
        self._closed = False
        self.head, self.header = head, header

    def pending_header(self) -> BlockHeaderAPI:
        """The header that the next block would start from now."""
        header = self.header
        return next_header(header, self._next_timestamp(header.timestamp))

    def send(self, raws: Sequence[bytes], *, only_good: bool = False) -> list[bytes | ChainError]:
        """Execute signed transactions in as few blocks as hold them, in the order given.

        For each its hash, or why it is not in a block; comes back when all are durable or refused.
        With ``only_good`` what would revert is left out, and gives :class:`CallReverted`.
        """
        results: list[_Waiting | ChainError] = []
        for raw in raws:
            try:
                checked = check_transaction(raw, self._store.genesis)
                results.append(_Waiting(checked, only_good=only_good))
            except TransactionRefused as error:
                results.append(error)
        tickets = [result for result in results if isinstance(result, _Waiting)]
        with self._queue_lock:
            self._queue.extend(tickets)
        for ticket in tickets:
            while not ticket.settled:
                with self._mining:
                    if not ticket.settled:
                        self._mine_waiting()
        return [
            (result.error or result.checked.hash) if isinstance(result, _Waiting) else result
            for result in results
        ]

    def _next_timestamp(self, parent: int) -> int:
        """Block time: the clock, but always after the parent; bursts run ahead up to MAX_LEAD.

        Beyond that lead a block takes its parent's time rather than a time that has not come: times
        never go back, and no block is dated further than MAX_LEAD into the future.
        """
        now = int(self._clock())
        return max(now, parent + 1 if parent < now + MAX_LEAD else parent)

    def _mine_waiting(self) -> None:
        """Make one block of what waits. Holds the mining lock. Settles at least one transaction."""
        with self._queue_lock:
            waiting = list(self._queue)
            self._queue.clear()
        taken: list[_Waiting] = []
        try:
            taken, left = self._execute(_in_nonce_order(waiting))
        except ChainError as error:
            for ticket in waiting:
                if not ticket.settled:
                    ticket.settle(error)
        except BaseException as error:
            for ticket in waiting:
                if not ticket.settled:
                    ticket.settle(ChainError(f"the transaction was not executed: {error!r}"))
            raise
        else:
            with self._queue_lock:
                self._queue.extendleft(reversed(left))
            for ticket in taken:
                ticket.settle()

    def _execute(self, waiting: list[_Waiting]) -> tuple[list[_Waiting], list[_Waiting]]:
        """Put what fits into one durable block; returns those in it and those left for the next."""
        if self._closed:
            raise ChainClosed(f"{self._store.path} was closed: open the chain again")
        parent = self.header
        builder = BlockBuilder(
            self._store, self._store.genesis, parent, self._next_timestamp(parent.timestamp)
        )
        taken: dict[bytes, list[_Waiting]] = {}
        left: list[_Waiting] = []
        held: set[bytes] = set()
        started = time.monotonic()
        for ticket in waiting:
            checked = ticket.checked
            if checked.hash in taken:
                taken[checked.hash].append(ticket)
            elif self._store.transaction(checked.hash) is not None:
                ticket.settle()
            elif checked.sender in held or (
                len(builder)
                and (
                    not builder.has_room_for(checked.transaction.gas)
                    or time.monotonic() - started > MAX_BLOCK_SECONDS
                )
            ):
                # What its sender signed after it has to wait with it.
                held.add(checked.sender)
                left.append(ticket)
            else:
                try:
                    builder.add(checked, only_good=ticket.only_good)
                except (CallReverted, NonceRefused, TransactionRefused) as error:
                    ticket.settle(error)
                else:
                    taken[checked.hash] = [ticket]
        if taken:
            sealed = builder.seal()
            self.head, self.header = self._store.append(sealed), sealed.header
        return [ticket for group in taken.values() for ticket in group], left

    def close(self) -> None:
        """Finish the block in the making; whoever sends afterwards is refused."""
        with self._mining:
            self._closed = True


def _in_nonce_order(waiting: Sequence[_Waiting]) -> list[_Waiting]:
    """As they came, except that one sender's transactions stand in the order of their nonces."""
    queues: dict[bytes, deque[_Waiting]] = {}
    for ticket in sorted(waiting, key=lambda one: one.checked.transaction.nonce):
        queues.setdefault(ticket.checked.sender, deque()).append(ticket)
    return [queues[ticket.checked.sender].popleft() for ticket in waiting]

"""What the sender's lane reads and writes in the desk database. Every method is one transaction."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import msgspec
from sqlalchemy import Connection, Engine, RowMapping, delete, func, insert, select, update

from ledger.chain.authorised import first_index_of
from ledger.chain.errors import ContractRefusal
from ledger.chain.interface import RawLog
from ledger.chain.outbox_models import ATTEMPT, RECEIPT, AttemptState, State
from ledger.store.engine import writing


class OutboxDesk:
    """Receipts and attempts as the lane of ``sender`` needs them.

    ``fence`` is called in each transaction that writes, and raises where another sends by now.
    """

    def __init__(
        self, engine: Engine, sender: str, fence: Callable[[Connection], None] | None = None
    ) -> None:
        self._engine = engine
        self._sender = sender
        self._fence = fence

    @contextmanager
    def _writing(self) -> Iterator[Connection]:
        with writing(self._engine) as connection:
            if self._fence is not None:
                self._fence(connection)
            yield connection

    def any_waiting(self) -> bool:
        """Whether some batch is neither in a block nor refused."""
        query = select(RECEIPT.c.sequence).where(RECEIPT.c.state.in_([State.ACCEPTED, State.SENT]))
        with self._engine.connect() as connection:
            return connection.execute(query.limit(1)).first() is not None

    def accepted(self, limit: int) -> Sequence[RowMapping]:
        """The oldest receipts that wait to be sent."""
        return self._receipts(State.ACCEPTED, max(0, limit))

    def sent(self) -> Sequence[RowMapping]:
        """Receipts that were sent and not seen in a block, oldest first."""
        return self._receipts(State.SENT)

    def _receipts(self, state: State, limit: int | None = None) -> Sequence[RowMapping]:
        query = select(RECEIPT).where(RECEIPT.c.state == state).order_by(RECEIPT.c.sequence)
        with self._engine.connect() as connection:
            return connection.execute(query.limit(limit)).mappings().all()

    def under_way(self) -> list[tuple[RowMapping, list[RowMapping]]]:
        """Receipts that were sent, with all their attempts, both oldest first."""
        receipts = self.sent()
        if not receipts:
            return []
        attempts: dict[int, list[RowMapping]] = defaultdict(list)
        query = select(ATTEMPT).where(ATTEMPT.c.receipt.in_([row["sequence"] for row in receipts]))
        with self._engine.connect() as connection:
            for attempt in connection.execute(query.order_by(ATTEMPT.c.number)).mappings():
                attempts[attempt["receipt"]].append(attempt)
        return [(row, attempts[row["sequence"]]) for row in receipts]

    def gas_under_way(self) -> int:
        """The gas limits of all attempts that may still be mined, summed up."""
        query = select(func.sum(ATTEMPT.c.gas)).where(
            ATTEMPT.c.sender == self._sender, ATTEMPT.c.state == AttemptState.OPEN
        )
        with self._engine.connect() as connection:
            return int(connection.execute(query).scalar_one() or 0)

    def next_nonce(self) -> int:
        """The nonce after all those that are taken by attempts under way; 0 without any."""
        query = select(func.max(ATTEMPT.c.nonce)).where(
            ATTEMPT.c.sender == self._sender, ATTEMPT.c.state == AttemptState.OPEN
        )
        with self._engine.connect() as connection:
            highest = connection.execute(query).scalar_one()
        return 0 if highest is None else int(highest) + 1

    def write_down(self, attempts: Sequence[dict[str, Any]]) -> None:
        """Keep attempts before they are sent; their receipts count as sent from here on."""
        now = _now()
        rows = [
            {"sender": self._sender, "state": AttemptState.OPEN.value, "made_at": now, **attempt}
            for attempt in attempts
        ]
        with self._writing() as connection:
            # the very same transaction may have been given up before
            hashes = [attempt["transaction_hash"] for attempt in attempts]
            connection.execute(delete(ATTEMPT).where(ATTEMPT.c.transaction_hash.in_(hashes)))
            connection.execute(insert(ATTEMPT), rows)
            for row in rows:
                _set(
                    connection,
                    row["receipt"],
                    state=State.SENT,
                    transaction_hash=row["transaction_hash"],
                    note=None,
                )

    def anchor(self, found: Sequence[tuple[RowMapping, RawLog, int | None]]) -> None:
        """Receipts are on the chain where their events say; the last member is the gas used."""
        if not found:
            return
        with self._writing() as connection:
            for receipt, event, gas_used in found:
                _set(
                    connection,
                    receipt["sequence"],
                    state=State.RECORDED,
                    first_index=first_index_of(event.data),
                    block_number=event.block_number,
                    block_hash=event.block_hash,
                    transaction_hash=event.transaction_hash,
                    gas_used=gas_used,
                    note=None,
                    error=None,
                )
                _close(connection, receipt, AttemptState.MINED, event.transaction_hash)

    def close(
        self, receipt: RowMapping, state: AttemptState, transaction_hash: bytes = b""
    ) -> None:
        """One attempt has come to ``state``; no other of the receipt can come to anything now.

        Without a hash all open attempts are given up.
        """
        with self._writing() as connection:
            _close(connection, receipt, state, transaction_hash)

    def refuse(self, receipt: RowMapping, reason: ContractRefusal) -> None:
        """The batch is refused for good, unless it is handed in again."""
        with self._writing() as connection:
            _set(
                connection,
                receipt["sequence"],
                state=State.REFUSED,
                error=msgspec.json.encode(reason).decode(),
                note=None,
                transaction_hash=None,
            )

    def try_again(self, receipt: RowMapping, retry_at: int = 0, *, counted: bool = True) -> None:
        """The batch waits to be sent once more, not before ``retry_at`` (Unix milliseconds)."""
        with self._writing() as connection:
            _set(
                connection,
                receipt["sequence"],
                state=State.ACCEPTED,
                tries=receipt["tries"] + int(counted),
                retry_at=retry_at,
            )

    def note(self, problem: str, retry_at: int) -> None:
        """Tell those who wait why they wait; what is not sent yet is not tried before then."""
        with self._writing() as connection:
            waiting = update(RECEIPT).values(note=problem, updated_at=_now())
            connection.execute(waiting.where(RECEIPT.c.state == State.SENT))
            connection.execute(
                waiting.where(RECEIPT.c.state == State.ACCEPTED).values(retry_at=retry_at)
            )


def _set(connection: Connection, sequence: int, **values: object) -> None:
    connection.execute(
        update(RECEIPT).where(RECEIPT.c.sequence == sequence).values(updated_at=_now(), **values)
    )


def _close(
    connection: Connection, receipt: RowMapping, state: AttemptState, transaction_hash: bytes
) -> None:
    ours = ATTEMPT.c.receipt == receipt["sequence"]
    connection.execute(
        update(ATTEMPT)
        .where(ours, ATTEMPT.c.transaction_hash == transaction_hash)
        .values(state=state)
    )
    connection.execute(
        update(ATTEMPT)
        .where(ours, ATTEMPT.c.state == AttemptState.OPEN)
        .values(state=AttemptState.DROPPED)
    )


def _now() -> int:
    return time.time_ns() // 1_000_000

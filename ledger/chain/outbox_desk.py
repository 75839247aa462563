"""What the sender's lane reads and writes in the desk database. Every method is one transaction."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any

import msgspec
from sqlalchemy import (
    Connection,
    Engine,
    RowMapping,
    Update,
    bindparam,
    delete,
    func,
    insert,
    or_,
    select,
    update,
)

from ledger.chain.authorised import first_index_of
from ledger.chain.errors import ContractRefusal
from ledger.chain.interface import RawLog
from ledger.chain.outbox_models import ATTEMPT, RECEIPT, AttemptState, State
from ledger.store.engine import writing

# What a lane asks in every turn is put into words once: that takes longer than answering it.
_ANY_WAITING = (
    select(RECEIPT.c.sequence)
    .where(or_(RECEIPT.c.state == State.ACCEPTED, RECEIPT.c.state == State.SENT))
    .limit(1)
)
_SENT = select(RECEIPT).where(RECEIPT.c.state == State.SENT).order_by(RECEIPT.c.sequence)
_ACCEPTED = (
    select(RECEIPT)
    .where(RECEIPT.c.state == State.ACCEPTED)
    .order_by(RECEIPT.c.sequence)
    .limit(bindparam("most"))
)
_SUBJECTS_SENT = (
    select(RECEIPT.c.subjects).where(RECEIPT.c.state == State.SENT).order_by(RECEIPT.c.sequence)
)
_ATTEMPTS = (
    select(ATTEMPT)
    .where(ATTEMPT.c.receipt.in_(bindparam("receipts", expanding=True)))
    .order_by(ATTEMPT.c.number)
)
_OPEN = (ATTEMPT.c.sender == bindparam("sender")) & (ATTEMPT.c.state == AttemptState.OPEN)
_GAS = select(func.sum(ATTEMPT.c.gas)).where(_OPEN)
_HIGHEST = select(func.max(ATTEMPT.c.nonce)).where(_OPEN)
_CLOSE_ONE = (
    update(ATTEMPT)
    .where(ATTEMPT.c.receipt == bindparam("ours"), ATTEMPT.c.transaction_hash == bindparam("this"))
    .values(state=bindparam("becomes"))
)
_DROP_OTHERS = (
    update(ATTEMPT)
    .where(ATTEMPT.c.receipt == bindparam("ours"), ATTEMPT.c.state == AttemptState.OPEN)
    .values(state=AttemptState.DROPPED)
)
_DELETE_ATTEMPT = delete(ATTEMPT).where(ATTEMPT.c.transaction_hash == bindparam("this"))
_INSERT_ATTEMPTS = insert(ATTEMPT)


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
        with self._engine.connect() as connection:
            return connection.execute(_ANY_WAITING).first() is not None

    def accepted(self, limit: int) -> Sequence[RowMapping]:
        """The oldest receipts that wait to be sent."""
        with self._engine.connect() as connection:
            return connection.execute(_ACCEPTED, {"most": max(0, limit)}).mappings().all()

    def sent(self) -> list[bytes]:
        """The subjects of each receipt that was sent and not seen in a block, oldest first."""
        with self._engine.connect() as connection:
            return list(connection.execute(_SUBJECTS_SENT).scalars())

    def under_way(self) -> list[tuple[RowMapping, list[RowMapping]]]:
        """Receipts that were sent, with all their attempts, both oldest first."""
        attempts: dict[int, list[RowMapping]] = defaultdict(list)
        with self._engine.connect() as connection:
            receipts = connection.execute(_SENT).mappings().all()
            if not receipts:
                return []
            numbers = [row["sequence"] for row in receipts]
            for attempt in connection.execute(_ATTEMPTS, {"receipts": numbers}).mappings():
                attempts[attempt["receipt"]].append(attempt)
        return [(row, attempts[row["sequence"]]) for row in receipts]

    def gas_under_way(self) -> int:
        """The gas limits of all attempts that may still be mined, summed up."""
        with self._engine.connect() as connection:
            return int(connection.execute(_GAS, {"sender": self._sender}).scalar_one() or 0)

    def next_nonce(self) -> int:
        """The nonce after all those that are taken by attempts under way; 0 without any."""
        with self._engine.connect() as connection:
            highest = connection.execute(_HIGHEST, {"sender": self._sender}).scalar_one()
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
            connection.execute(
                _DELETE_ATTEMPT, [{"this": attempt["transaction_hash"]} for attempt in attempts]
            )
            connection.execute(_INSERT_ATTEMPTS, rows)
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
    told = {f"new_{name}": value for name, value in values.items()}
    connection.execute(
        _setting(tuple(sorted(values))), {"number": sequence, "new_updated_at": _now(), **told}
    )


@cache
def _setting(names: tuple[str, ...]) -> Update:
    """The statement that changes these columns of one receipt; there are few different ones."""
    values: dict[str, Any] = {name: bindparam(f"new_{name}") for name in ("updated_at", *names)}
    return update(RECEIPT).where(RECEIPT.c.sequence == bindparam("number")).values(values)


def _close(
    connection: Connection, receipt: RowMapping, state: AttemptState, transaction_hash: bytes
) -> None:
    ours = receipt["sequence"]
    connection.execute(_CLOSE_ONE, {"ours": ours, "this": transaction_hash, "becomes": state})
    connection.execute(_DROP_OTHERS, {"ours": ours})


def _now() -> int:
    return time.time_ns() // 1_000_000

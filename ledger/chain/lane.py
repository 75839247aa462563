"""One sender's lane to the chain: nonces, attempts, and what became of them.

The order of work makes it safe to be killed anywhere. An attempt (a signed transaction with its
nonce) is in the database before it is sent, so after a restart every transaction that could be
under way is known: each is looked up, and sent again, byte for byte, while its nonce is free. Only
when something else used the nonce is a new one taken, and only after the log was asked for the
digest. Should two attempts of one batch ever both get through, the second fails, because the log
takes every version once (compare-and-swap); such a failure is then recognised as success.

Batches are sent strictly in the order handed in. One that builds on another that is not in a block
yet (same subject, or refused as things stand) waits until that is.
"""

from __future__ import annotations

import itertools
import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak
from sqlalchemy import Engine, RowMapping

from ledger.chain.deployment import Deployment
from ledger.chain.fates import Fates
from ledger.chain.gas import price_of, raised, upper_bound, with_margin
from ledger.chain.interface import (
    CallReverted,
    Chain,
    ChainError,
    NonceRefused,
    RawLog,
    TransactionOutcome,
    TransactionRefused,
    TriesOut,
)
from ledger.chain.jsonrpc import JsonRpcChain
from ledger.chain.lease import Lease, Led
from ledger.chain.outbox_desk import OutboxDesk
from ledger.chain.outbox_models import AttemptState
from ledger.statements import address_bytes
from ledger.store.leading import Lead

if TYPE_CHECKING:
    from eth_account.signers.local import LocalAccount

RESEND_MS = 5_000
"""After which a transaction that is in no block is handed to the node again."""
STUCK_BLOCKS, PACE_BLOCKS = 3, 8
"""A transaction that waits as long as so many blocks take is replaced by one that offers more; how
long they take is seen from so many."""
RETRY_MS = (250, 10_000)
"""Shortest and longest pause before a batch is tried again after a problem of the chain."""
NO_LIMIT = 1 << 63
ESTIMATES_AT_ONCE = 16
WORD = 32

log = logging.getLogger(__name__)


class Lane:
    """Sends for one key. Not safe for several threads: the outbox holds a lock around it."""

    def __init__(
        self,
        engine: Engine,
        chain: Chain,
        deployment: Deployment,
        sender: LocalAccount,
        in_flight: int,
        *,
        lead: Lead | None = None,
    ) -> None:
        self._desk = OutboxDesk(engine, sender.address, lead.fence if lead is not None else None)
        self._chain = chain
        self._trier = chain if isinstance(chain, TriesOut) else None
        self._sender = sender
        self._address = address_bytes(sender.address)
        self._fates = Fates(self._desk, chain, deployment, self._address)
        self._limit = in_flight
        self._lease = Lease(engine, sender.address) if lead is None else Led(lead)
        self._sent_at: dict[bytes, int] = {}
        self._troubles = 0

    def release(self) -> None:
        """Let another process send."""
        self._lease.release()

    def forget(self) -> None:
        """Forget what was sent lately, so that what is in no block any more is sent at once."""
        self._sent_at.clear()

    def pump(self, turns: int | None = None) -> bool:
        """Settle and send until nothing more happens at once; True where a receipt changed.

        With ``turns``, only so often: one is what waits now, sent and looked up once.
        """
        changed = False
        if not self._desk.any_waiting() or not self._lease.hold():
            return False
        try:
            for _ in itertools.count() if turns is None else range(turns):
                settled, sent = self._settle(), self._send_waiting()
                if not settled and not sent:
                    break
                changed = True
                self._troubles = 0
            if turns is not None and changed:
                self._settle()
        except ChainError as problem:
            self._note(str(problem))
        if not self._desk.any_waiting():
            self._lease.release()
        return changed

    def _note(self, problem: str) -> None:
        """Tell those who wait why they wait; what is not sent yet is tried again later."""
        self._troubles += 1
        log.warning("outbox: %s", problem)
        shortest, longest = RETRY_MS
        now = _now()
        again = now + min(longest, shortest * 2 ** min(self._troubles, 10))
        self._desk.note(problem, again)

    # -- what became of it ---------------------------------------------------------------------

    def _settle(self) -> bool:
        """Look up every attempt that may still be mined; True where a receipt changed."""
        under_way = self._desk.under_way()
        outcomes = self._fates.of([attempts for _, attempts in under_way])
        events: dict[int, dict[bytes, RawLog]] = {}
        recorded: list[tuple[RowMapping, RawLog, int | None]] = []
        failed: list[tuple[RowMapping, list[RowMapping], TransactionOutcome]] = []
        waiting: list[tuple[RowMapping, list[RowMapping]]] = []
        for (receipt, attempts), outcome in zip(under_way, outcomes, strict=True):
            if outcome is None:
                waiting.append((receipt, attempts))
            elif outcome.succeeded:
                event = self._fates.event(receipt, outcome, events)
                recorded.append((receipt, event, outcome.gas_used))
            else:
                failed.append((receipt, attempts, outcome))
        self._desk.anchor(recorded)
        for receipt, attempts, outcome in failed:
            self._fates.failed(receipt, attempts, outcome)
        nudged = self._nudge(waiting) if waiting else False
        return bool(recorded or failed or nudged)

    def _nudge(self, waiting: Sequence[tuple[RowMapping, list[RowMapping]]]) -> bool:
        """Send again what is in no block, lowest nonce first; give up what lost its nonce."""
        # Those of another sender are of a server with a key of its own, which led before this one.
        senders = {one["sender"] for _, attempts in waiting for one in attempts}
        used_by = {one: self._chain.mined_nonce(address_bytes(one)) for one in senders}
        changed = False
        again: list[tuple[RowMapping, RowMapping]] = []
        for receipt, attempts in waiting:
            live = [one for one in attempts if one["state"] == AttemptState.OPEN]
            if not live or live[-1]["nonce"] < used_by[live[-1]["sender"]]:
                changed |= self._give_up(receipt, attempts)
            elif self._may_send_again(live[-1]["transaction_hash"]):
                again.append((receipt, live[-1]))
        for receipt, attempt in sorted(again, key=lambda pair: pair[1]["nonce"]):
            raw = bytes(attempt["raw"])
            ours = attempt["sender"] == self._sender.address
            used = used_by[attempt["sender"]]
            if ours and used < attempt["nonce"] > (free := self._free_nonce()):
                raw = self._brought_forward(receipt, attempt, free)
            elif ours and attempt["nonce"] == used and self._is_stuck(attempt):
                raw = self._bettered(receipt, attempt)
            self._sent_at[keccak(raw)] = _steady()
            try:
                self._chain.send_raw(raw)
            except TransactionRefused as problem:
                self._fates.never(receipt, problem)
                changed = True
        return changed

    def _may_send_again(self, transaction: bytes) -> bool:
        sent_at = self._sent_at.get(transaction)
        return sent_at is None or _steady() - sent_at >= RESEND_MS

    def _is_stuck(self, attempt: RowMapping) -> bool:
        """Whether the next transaction in line waits for longer than blocks take here.

        It offers too little, or the node's pool mislaid it (anvil's does, now and then). Without a
        fee there is nothing to offer more of.
        """
        if not attempt["price"] or attempt["transaction_hash"] not in self._sent_at:
            return False
        newest = self._chain.head()
        first = max(0, newest.number - PACE_BLOCKS)
        (oldest,) = self._chain.blocks([first])
        pace = 1000 * (newest.timestamp - oldest.timestamp) // max(1, newest.number - first)
        # Made in the future: the clock was set back, and how long it waits cannot be told.
        return abs(_now() - int(attempt["made_at"])) >= max(RESEND_MS, STUCK_BLOCKS * pace)

    def _free_nonce(self) -> int:
        """The nonce that the chain waits for, counting what it holds already."""
        return self._chain.nonce(self._address)

    def _brought_forward(self, receipt: RowMapping, attempt: RowMapping, nonce: int) -> bytes:
        """A new attempt at a nonce that nothing will fill: what had it is gone.

        A reorganisation may take back a transaction whose batch another office recorded, so that nobody
        sends it again; whatever of ours comes after it would wait for ever.
        """
        self._desk.close(receipt, AttemptState.DROPPED)
        (raw,) = self._write_down([(receipt, attempt["gas"])], nonce, self._chain.fees())
        return raw

    def _bettered(self, receipt: RowMapping, attempt: RowMapping) -> bytes:
        """A new attempt at the same nonce that offers more, so that only one can be mined."""
        fees = raised(self._chain.fees(), attempt["price"])
        (raw,) = self._write_down([(receipt, attempt["gas"])], attempt["nonce"], fees)
        return raw

    def _give_up(self, receipt: RowMapping, attempts: Sequence[RowMapping]) -> bool:
        """The nonce was used: by an attempt after all, or by something else."""
        if self._fates.of([attempts])[0] is not None:
            return False  # it was mined just now; the next look settles it
        if self._fates.is_there(receipt):
            return True
        self._desk.close(receipt, AttemptState.DROPPED)
        pause = RETRY_MS[0] * 2 ** min(receipt["tries"], 5) if receipt["tries"] else 0
        self._desk.try_again(receipt, retry_at=_now() + pause)
        return True

    # -- sending -------------------------------------------------------------------------------

    def _send_waiting(self) -> bool:
        """Send what waits, as far as it does not build on what is under way."""
        if self._trier is not None:
            return self._try_out(self._trier)
        rows = self._desk.accepted(self._limit)
        return bool(rows) and self._send_in_line(rows)

    def _send_in_line(self, rows: Sequence[RowMapping]) -> bool:
        under_way = [set(_words(subjects)) for subjects in self._desk.sent()]
        rows = rows[: max(0, self._limit - len(under_way))]
        busy = set().union(*under_way)
        room = self._room()
        chosen: list[tuple[RowMapping, int]] = []
        changed = False
        for row, ask in zip(rows, self._estimates(rows), strict=True):
            subjects = set(_words(row["subjects"]))
            if not _is_due(row) or subjects & busy:
                break
            try:
                gas = ask()
            except CallReverted as problem:
                if under_way or chosen:
                    break  # it may build on what is under way
                self._fates.refuse(row, problem.data)
                changed = True
            except TransactionRefused as problem:
                self._fates.never(row, problem)
                changed = True
            else:
                gas = with_margin(gas, row["tries"])
                if gas > room and (under_way or chosen):
                    break
                chosen.append((row, gas))
                room -= gas
                busy |= subjects
        if chosen:
            self._send(chosen)
        return changed or bool(chosen)

    def _estimates(self, rows: Sequence[RowMapping]) -> Iterator[Callable[[], int]]:
        """What tells, or raises, the gas that each takes; asked some at a time, as far as it is needed."""
        for at in range(0, len(rows), ESTIMATES_AT_ONCE):
            some = rows[at : at + ESTIMATES_AT_ONCE]
            calls = [(row["target"], row["calldata"]) for row in some]
            if isinstance(self._chain, JsonRpcChain):
                for found in self._chain.estimate_many(self._address, calls):
                    yield partial(_told, found)
            else:
                for to, data in calls:
                    yield partial(self._chain.estimate_gas, self._address, to, data)

    def _room(self) -> int:
        """Gas that the next block leaves. More is not sent: pools drop it, or leave it lying."""
        limit = self._chain.block_gas_limit() if isinstance(self._chain, JsonRpcChain) else 0
        # a chain that tells no limit has none
        return (limit or NO_LIMIT) - self._desk.gas_under_way()

    def _try_out(self, chain: TriesOut) -> bool:
        """Where the chain leaves out what would revert, sending is the check before sending."""
        if self._desk.sent():
            return False  # left over from a problem; what follows would take the nonce after it
        rows = self._desk.accepted(self._limit)
        ready = itertools.takewhile(_is_due, rows)
        chosen = [
            (row, upper_bound(row["count"], len(row["calldata"]), row["tries"])) for row in ready
        ]
        if not chosen:
            return False
        raws = self._write_down(chosen, self._next_nonce(), self._chain.fees())
        problem: ChainError | None = None
        for (row, _), result in zip(chosen, chain.send_good(raws), strict=True):
            if isinstance(result, CallReverted):
                self._desk.close(row, AttemptState.DROPPED)
                self._fates.reverted(row, result.data, row["tries"] + 1)
            elif isinstance(result, TransactionRefused):
                self._fates.never(row, result)
            elif isinstance(result, NonceRefused):
                # one before it was left out
                self._desk.close(row, AttemptState.DROPPED)
                self._desk.try_again(row, counted=False)
            elif isinstance(result, ChainError):
                problem = problem or result
        if problem is not None:
            raise problem
        return True

    def _send(self, chosen: Sequence[tuple[RowMapping, int]]) -> None:
        """Write the attempts down, all in one transaction, then hand them over in nonce order."""
        raws = self._write_down(
            chosen,
            self._next_nonce(),
            self._chain.fees(),
        )
        problem: ChainError | None = None
        for (row, _), raw, result in zip(chosen, raws, self._chain.send_many(raws), strict=False):
            self._sent_at[keccak(raw)] = _steady()
            if isinstance(result, TransactionRefused):
                self._fates.never(row, result)
            elif isinstance(result, ChainError):
                problem = problem or result
        if problem is not None:
            raise problem

    def _write_down(
        self, chosen: Sequence[tuple[RowMapping, int]], nonce: int, fees: Mapping[str, int]
    ) -> list[bytes]:
        """Sign receipts with their gas, at nonces from ``nonce`` on, and keep the attempts."""
        head = self._chain.head().number
        attempts: list[dict[str, Any]] = []
        for offset, (row, gas) in enumerate(chosen):
            transaction = {
                "chainId": self._chain.chain_id,
                "nonce": nonce + offset,
                "to": to_checksum_address(row["target"]),
                "value": 0,
                "data": row["calldata"],
                "gas": gas,
                **fees,
            }
            raw = bytes(self._sender.sign_transaction(transaction).raw_transaction)
            attempts.append(
                {
                    "receipt": row["sequence"],
                    "nonce": nonce + offset,
                    "transaction_hash": bytes(keccak(raw)),
                    "raw": raw,
                    "gas": gas,
                    "price": price_of(fees),
                    "sent_block": head,
                }
            )
        self._desk.write_down(attempts)
        return [attempt["raw"] for attempt in attempts]

    def _next_nonce(self) -> int:
        return max(self._chain.nonce(self._address), self._desk.next_nonce())


def _told(found: int | ChainError) -> int:
    if isinstance(found, ChainError):
        raise found
    return found


def _words(blob: bytes) -> list[bytes]:
    return [blob[at : at + WORD] for at in range(0, len(blob), WORD)]


def _is_due(row: RowMapping) -> bool:
    """Whether a receipt's pause is over; one longer than any was made before the clock was set back."""
    return not 0 < row["retry_at"] - _now() <= RETRY_MS[1]


def _now() -> int:
    return time.time_ns() // 1_000_000


def _steady() -> int:
    """Milliseconds on a clock that nobody sets; they mean something in this process alone."""
    return int(time.monotonic() * 1000)

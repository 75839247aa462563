"""One sender's lane to the chain: nonces, attempts, and what became of them.

The order of work makes it safe to be killed anywhere. An attempt (a signed transaction with its
nonce) is in the database before it is sent, so after a restart every transaction that could be
under way is known: each is looked up, and sent again, byte for byte, while its nonce is free. Only
when something else used the nonce is a new attempt made, and only after the log was asked for the
digest. Should two attempts of one batch ever both get through, the second fails, because the log
takes every version once (compare-and-swap); that failure is then recognised as success.

Batches are sent strictly in the order handed in. One that builds on another that is not in a block
yet (same subject, or refused as things stand) waits until that is.
"""

from __future__ import annotations

import logging
import os
import secrets
import socket
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
from eth_account.signers.local import LocalAccount
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak
from sqlalchemy import Engine, RowMapping, delete, func, insert, select, update
from web3.exceptions import Web3Exception

from ledger.chain.authorised import authorised_in, find_authorised, first_index_of
from ledger.chain.deployment import Deployment
from ledger.chain.errors import ContractRefusal, explain
from ledger.chain.interface import CallReverted, Chain, ChainError, RawLog, TransactionOutcome
from ledger.chain.jsonrpc import TransactionRefused
from ledger.chain.outbox_models import ATTEMPT, LANE, RECEIPT, AttemptState, State
from ledger.statements import address_bytes
from ledger.store.engine import writing

LEASE_MS = 30_000
RESEND_MS = 5_000
"""After which a transaction that is in no block is handed to the node again."""
RETRY_MS = (250, 10_000)
"""Shortest and longest pause before a batch is tried again after a problem of the chain."""
MAX_FAILURES = 4
"""Mined and failed without a contract's reason so often: refused."""
GAS_MARGIN = 1.25
GAS_EXTRA = 60_000
"""The frontier of the tree may have more to write by the time the batch is in a block."""
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
    ) -> None:
        self._engine = engine
        self._chain = chain
        self._deployment = deployment
        self._sender = sender
        self._address = address_bytes(sender.address)
        self._limit = in_flight
        self._holder = f"{_machine()} {os.getpid()} {secrets.token_hex(4)}"
        self._held_until = 0
        self._sent_at: dict[bytes, int] = {}
        self._troubles = 0

    # -- who sends -----------------------------------------------------------------------------

    def _hold(self) -> bool:
        """Whether this process sends for the key; takes over from one that is gone."""
        now = _now()
        if now < self._held_until - LEASE_MS // 2:
            return True
        with writing(self._engine) as connection:
            mine = {"holder": self._holder, "until": now + LEASE_MS}
            row = connection.execute(
                select(LANE).where(LANE.c.sender == self._sender.address).with_for_update()
            ).first()
            if row is None:
                connection.execute(insert(LANE).values(sender=self._sender.address, **mine))
            elif row.holder == self._holder or row.until < now or _is_gone(row.holder):
                connection.execute(
                    update(LANE).where(LANE.c.sender == self._sender.address).values(**mine)
                )
            else:
                self._held_until = 0
                return False
        self._held_until = now + LEASE_MS
        return True

    def release(self) -> None:
        """Let another process send."""
        if not self._held_until:
            return
        with writing(self._engine) as connection:
            connection.execute(
                update(LANE)
                .where(LANE.c.sender == self._sender.address, LANE.c.holder == self._holder)
                .values(holder="", until=0)
            )
        self._held_until = 0

    def forget(self) -> None:
        """Forget what was sent lately, so that what is in no block any more is sent at once."""
        self._sent_at.clear()

    # -- steps ---------------------------------------------------------------------------------

    def pump(self) -> bool:
        """Settle and send until nothing more happens at once; True where a receipt changed."""
        changed = False
        if not self._open_count():
            return False
        if not self._hold():
            return False
        try:
            while self._settle() or self._send_waiting():
                changed = True
                self._troubles = 0
        except ChainError as problem:
            self._troubles += 1
            self._note_all(str(problem))
        except Web3Exception as problem:
            self._troubles += 1
            self._note_all(f"{self._chain.name}: {problem}")
        if not self._open_count():
            self.release()
        return changed

    def _open_count(self) -> int:
        with self._engine.connect() as connection:
            return connection.execute(
                select(func.count())
                .select_from(RECEIPT)
                .where(RECEIPT.c.state.in_([State.ACCEPTED, State.SENT]))
            ).scalar_one()

    def _note_all(self, problem: str) -> None:
        """Tell those who wait why they wait, and when it is tried again."""
        now = _now()
        shortest, longest = RETRY_MS
        pause = min(longest, shortest * 2 ** min(self._troubles, 10))
        log.warning("outbox: %s", problem)
        with writing(self._engine) as connection:
            connection.execute(
                update(RECEIPT)
                .where(RECEIPT.c.state.in_([State.ACCEPTED, State.SENT]))
                .values(note=problem, updated_at=now)
            )
            connection.execute(
                update(RECEIPT)
                .where(RECEIPT.c.state == State.ACCEPTED)
                .values(retry_at=now + pause)
            )

    # -- what became of it ---------------------------------------------------------------------

    def _settle(self) -> bool:
        """Look up every attempt that may still be mined; True where a receipt changed."""
        with self._engine.connect() as connection:
            receipts = {
                row["sequence"]: row
                for row in connection.execute(
                    select(RECEIPT).where(RECEIPT.c.state == State.SENT)
                ).mappings()
            }
            attempts = connection.execute(
                select(ATTEMPT)
                .where(ATTEMPT.c.receipt.in_(receipts))
                .order_by(ATTEMPT.c.nonce, ATTEMPT.c.number)
            ).mappings()
            by_receipt: dict[int, list[RowMapping]] = defaultdict(list)
            for attempt in attempts:
                by_receipt[attempt["receipt"]].append(attempt)
        changed = False
        events: dict[int, dict[bytes, RawLog]] = {}
        waiting: list[tuple[RowMapping, list[RowMapping]]] = []
        for sequence, receipt in receipts.items():
            result = self._outcome_of(by_receipt[sequence])
            if result is None:
                waiting.append((receipt, by_receipt[sequence]))
            elif result.succeeded:
                self._recorded(receipt, result, events)
                changed = True
            else:
                changed |= self._failed(receipt, result)
        if waiting:
            changed |= self._nudge(waiting)
        return changed

    def _outcome_of(self, attempts: Sequence[RowMapping]) -> TransactionOutcome | None:
        """The outcome of the attempt that was mined; a successful one before a failed one.

        Attempts once given up are asked for as well: "dropped" is what a node says, not a promise.
        """
        failed: TransactionOutcome | None = None
        for attempt in reversed(attempts):
            if attempt["state"] == AttemptState.FAILED:
                continue
            outcome = self._chain.outcome(attempt["transaction_hash"])
            if outcome is not None and outcome.succeeded:
                return outcome
            failed = failed or outcome
        return failed

    def _recorded(
        self,
        receipt: RowMapping,
        outcome: TransactionOutcome,
        events: dict[int, dict[bytes, RawLog]],
    ) -> None:
        number = outcome.block_number
        if number not in events:
            events[number] = authorised_in(
                self._chain.logs(self._deployment.log_address, number, number)
            )
        event = events[number].get(bytes.fromhex(receipt["id"][2:]))
        if event is None:
            raise ChainError(
                f"{self._chain.name} says that transaction 0x{outcome.transaction_hash.hex()} "
                f"succeeded, but block {number} has no event of it; the node is not done with the "
                "block, or its events cannot be trusted"
            )
        self._anchored(receipt, event, outcome.gas_used)

    def _anchored(self, receipt: RowMapping, event: RawLog, gas_used: int | None) -> None:
        self._update(
            receipt,
            state=State.RECORDED,
            first_index=first_index_of(event.data),
            block_number=event.block_number,
            block_hash=event.block_hash,
            transaction_hash=event.transaction_hash,
            gas_used=gas_used,
            note=None,
            error=None,
        )
        self._attempts(receipt, AttemptState.MINED, event.transaction_hash)

    def _failed(self, receipt: RowMapping, outcome: TransactionOutcome) -> bool:
        """A transaction was mined and reverted: find out why, refuse or try again."""
        self._attempts(receipt, AttemptState.FAILED, outcome.transaction_hash)
        data = outcome.revert_data
        if not data:
            try:
                self._chain.estimate_gas(self._address, receipt["target"], receipt["calldata"])
            except CallReverted as problem:
                data = problem.data
        if data:
            return self._refused(receipt, data)
        if receipt["tries"] + 1 >= MAX_FAILURES:
            return self._refused(receipt, b"")
        # it would succeed now: too little gas, or something else came in between
        self._update(receipt, state=State.ACCEPTED, tries=receipt["tries"] + 1)
        return True

    def _refused(self, receipt: RowMapping, data: bytes) -> bool:
        words = {
            bytes.fromhex(digest): text
            for digest, text in msgspec.json.decode(receipt["texts"], type=dict[str, str]).items()
        }
        reason = explain(data, words, _contract_of(self._deployment, receipt["target"]))
        if reason.name == "StaleVersion" and self._found(receipt):
            return True
        self._update(
            receipt,
            state=State.REFUSED,
            error=msgspec.json.encode(reason).decode(),
            note=None,
        )
        return True

    def _found(self, receipt: RowMapping) -> bool:
        """Whether the batch is on the chain already, by whatever transaction; notes it if so."""
        event = find_authorised(
            self._chain,
            self._deployment.log_address,
            bytes.fromhex(receipt["id"][2:]),
            self._deployment.deploy_block,
        )
        if event is None:
            return False
        outcome = self._chain.outcome(event.transaction_hash)
        self._anchored(receipt, event, None if outcome is None else outcome.gas_used)
        return True

    def _nudge(self, waiting: Sequence[tuple[RowMapping, list[RowMapping]]]) -> bool:
        """Send again what is in no block, lowest nonce first; give up what lost its nonce."""
        used = self._chain.w3.eth.get_transaction_count(
            to_checksum_address(self._address), "latest"
        )
        changed = False
        again: list[tuple[RowMapping, RowMapping]] = []
        for receipt, attempts in waiting:
            live = [a for a in attempts if a["state"] == AttemptState.OPEN]
            if not live or live[-1]["nonce"] < used:
                changed |= self._give_up(receipt, attempts)
            elif self._is_due(live[-1]):
                again.append((receipt, live[-1]))
        self._sent_at |= {attempt["transaction_hash"]: _now() for _, attempt in again}
        for receipt, attempt in sorted(again, key=lambda pair: pair[1]["nonce"]):
            try:
                self._chain.send_raw(attempt["raw"])
            except TransactionRefused as problem:
                changed |= self._never(receipt, problem)
        return changed

    def _is_due(self, attempt: RowMapping) -> bool:
        sent = self._sent_at.get(attempt["transaction_hash"], 0)
        return _now() - sent >= RESEND_MS

    def _give_up(self, receipt: RowMapping, attempts: Sequence[RowMapping]) -> bool:
        """The nonce was used: by an attempt after all, or by something else."""
        outcome = self._outcome_of(attempts)
        if outcome is not None:
            return False  # it was mined just now; the next look settles it
        if self._found(receipt):
            return True
        self._attempts(receipt, AttemptState.DROPPED)
        self._update(receipt, state=State.ACCEPTED)
        return True

    # -- sending -------------------------------------------------------------------------------

    def _send_waiting(self) -> bool:
        """Send what waits, as far as it does not build on what is under way."""
        with self._engine.connect() as connection:
            under_way = connection.execute(
                select(RECEIPT.c.subjects).where(RECEIPT.c.state == State.SENT)
            ).scalars()
            busy = {subject for blob in under_way for subject in _words(blob)}
            flying = connection.execute(
                select(func.count()).select_from(RECEIPT).where(RECEIPT.c.state == State.SENT)
            ).scalar_one()
            rows = (
                connection.execute(
                    select(RECEIPT)
                    .where(RECEIPT.c.state == State.ACCEPTED)
                    .order_by(RECEIPT.c.sequence)
                    .limit(max(0, self._limit - flying))
                )
                .mappings()
                .all()
            )
        chosen: list[tuple[RowMapping, int]] = []
        changed = False
        for row in rows:
            subjects = set(_words(row["subjects"]))
            if row["retry_at"] > _now() or subjects & busy:
                break
            try:
                gas = self._chain.estimate_gas(self._address, row["target"], row["calldata"])
            except CallReverted as problem:
                if flying or chosen:
                    break  # it may build on what is under way
                changed |= self._refused(row, problem.data)
                continue
            except TransactionRefused as problem:
                changed |= self._never(row, problem)
                continue
            chosen.append((row, gas))
            busy |= subjects
        if chosen:
            self._send(chosen)
        return changed or bool(chosen)

    def _send(self, chosen: Sequence[tuple[RowMapping, int]]) -> None:
        """Write the attempts down, all in one transaction, then hand them over in nonce order."""
        fees = self._chain.fees()
        head = self._chain.head().number
        nonce = self._next_nonce()
        attempts = []
        for offset, (row, gas) in enumerate(chosen):
            raw = self._sign(row, nonce + offset, gas, fees)
            attempts.append(
                {
                    "receipt": row["sequence"],
                    "sender": self._sender.address,
                    "nonce": nonce + offset,
                    "transaction_hash": bytes(keccak(raw)),
                    "raw": raw,
                    "state": AttemptState.OPEN.value,
                    "sent_block": head,
                    "made_at": _now(),
                }
            )
        now = _now()
        with writing(self._engine) as connection:
            # the very same transaction may have been given up before
            hashes = [attempt["transaction_hash"] for attempt in attempts]
            connection.execute(delete(ATTEMPT).where(ATTEMPT.c.transaction_hash.in_(hashes)))
            connection.execute(insert(ATTEMPT), attempts)
            for attempt in attempts:
                connection.execute(
                    update(RECEIPT)
                    .where(RECEIPT.c.sequence == attempt["receipt"])
                    .values(
                        state=State.SENT,
                        transaction_hash=attempt["transaction_hash"],
                        updated_at=now,
                        note=None,
                    )
                )
        results = self._hand_over([attempt["raw"] for attempt in attempts])
        problem: ChainError | None = None
        for (row, _), attempt, result in zip(chosen, attempts, results, strict=False):
            self._sent_at[attempt["transaction_hash"]] = _now()
            if isinstance(result, TransactionRefused):
                self._never(row, result)
            elif isinstance(result, ChainError):
                problem = problem or result
        if problem is not None:
            raise problem

    def _hand_over(self, raws: Sequence[bytes]) -> list[bytes | ChainError]:
        """Send in order; several at once where the chain can. Stops at the first that fails."""
        many = getattr(self._chain, "send_many", None)
        if many is not None and len(raws) > 1:
            results: list[bytes | ChainError] = many(raws)
            return results
        results = []
        for raw in raws:
            try:
                results.append(self._chain.send_raw(raw))
            except ChainError as problem:
                results.append(problem)
                break
        return results

    def _sign(self, row: RowMapping, nonce: int, gas: int, fees: Mapping[str, int]) -> bytes:
        transaction: dict[str, Any] = {
            "chainId": self._chain.chain_id,
            "nonce": nonce,
            "to": to_checksum_address(row["target"]),
            "value": 0,
            "data": row["calldata"],
            "gas": int((gas * GAS_MARGIN + GAS_EXTRA) * 1.5 ** row["tries"]),
            **fees,
        }
        return bytes(self._sender.sign_transaction(transaction).raw_transaction)

    def _next_nonce(self) -> int:
        with self._engine.connect() as connection:
            highest = connection.execute(
                select(func.max(ATTEMPT.c.nonce)).where(
                    ATTEMPT.c.sender == self._sender.address,
                    ATTEMPT.c.state == AttemptState.OPEN,
                )
            ).scalar_one()
        known = self._chain.nonce(self._address)
        return known if highest is None else max(known, highest + 1)

    def _never(self, receipt: RowMapping, problem: ChainError) -> bool:
        """The chain will not take the transaction, ever: nothing of it is recorded."""
        self._attempts(receipt, AttemptState.DROPPED)
        reason = ContractRefusal(
            name="TransactionRefused",
            args={},
            message_en=f"{problem}",
            message_zh=f"链不接受该交易：{problem}",
            hint_en="Sign fewer or smaller statements in one batch.",
            hint_zh="请减少每批声明的数量或篇幅后重新签署。",
        )
        self._update(
            receipt,
            state=State.REFUSED,
            error=msgspec.json.encode(reason).decode(),
            note=None,
        )
        return True

    # -- writing down --------------------------------------------------------------------------

    def _update(self, receipt: RowMapping, **values: object) -> None:
        with writing(self._engine) as connection:
            connection.execute(
                update(RECEIPT)
                .where(RECEIPT.c.sequence == receipt["sequence"])
                .values(updated_at=_now(), **values)
            )

    def _attempts(
        self, receipt: RowMapping, state: AttemptState, transaction_hash: bytes | None = None
    ) -> None:
        """Set the state of the open attempts of a receipt, or of the one with this hash."""
        change = update(ATTEMPT).where(ATTEMPT.c.receipt == receipt["sequence"])
        if transaction_hash is None:
            change = change.where(ATTEMPT.c.state == AttemptState.OPEN)
        else:
            change = change.where(ATTEMPT.c.transaction_hash == transaction_hash)
        with writing(self._engine) as connection:
            connection.execute(change.values(state=state))


def _words(blob: bytes) -> list[bytes]:
    return [blob[at : at + WORD] for at in range(0, len(blob), WORD)]


def _contract_of(deployment: Deployment, registry: bytes) -> str:
    for name, address in deployment.registries.items():
        if address_bytes(address) == registry:
            return name
    return ""


def _machine() -> str:
    """Names the space in which a process number means something: host and PID namespace."""
    try:
        space = str(Path("/proc/self/ns/pid").readlink())
    except OSError:
        space = ""
    return f"{socket.gethostname()}{space}"


def _is_gone(holder: str) -> bool:
    """Whether the process that held the lane has ended; False where that cannot be told."""
    if not holder:
        return True
    machine, number, _ = holder.rsplit(" ", 2)
    if machine != _machine():
        return False
    try:
        os.kill(int(number), 0)
    except ProcessLookupError:
        return True
    except OSError:
        return False
    return False


def _now() -> int:
    return time.time_ns() // 1_000_000

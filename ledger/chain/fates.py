"""What became of transactions: recorded, failed, refused by a contract, or never taken by the chain."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from sqlalchemy import RowMapping

from ledger.chain.authorised import authorised_in, find_authorised
from ledger.chain.deployment import Deployment
from ledger.chain.errors import ContractRefusal, explain
from ledger.chain.interface import CallReverted, Chain, ChainError, RawLog, TransactionOutcome
from ledger.chain.jsonrpc import JsonRpcChain
from ledger.chain.outbox_desk import OutboxDesk
from ledger.chain.outbox_models import AttemptState

MAX_FAILURES = 4
"""Mined and failed without a contract's reason so often: refused."""


class Fates:
    """Asks the chain what became of attempts, and tells the desk."""

    def __init__(
        self, desk: OutboxDesk, chain: Chain, deployment: Deployment, sender: bytes
    ) -> None:
        self._desk = desk
        self._chain = chain
        self._deployment = deployment
        self._address = sender

    def of(self, groups: Sequence[Sequence[RowMapping]]) -> list[TransactionOutcome | None]:
        """For each group of attempts what was mined of it; a success goes before a failure.

        Attempts that were given up are asked for as well: "dropped" is what a node says, no
        promise. What is known to have failed is not.
        """
        hashes = [
            attempt["transaction_hash"]
            for attempts in groups
            for attempt in attempts
            if attempt["state"] != AttemptState.FAILED
        ]
        if isinstance(self._chain, JsonRpcChain):
            answers = self._chain.outcomes(hashes)
        else:
            answers = [self._chain.outcome(one) for one in hashes]
        by_hash = dict(zip(hashes, answers, strict=True))
        found = []
        for attempts in groups:
            mined = [by_hash.get(attempt["transaction_hash"]) for attempt in attempts]
            done = [outcome for outcome in mined if outcome is not None]
            found.append(max(done, key=lambda outcome: outcome.succeeded, default=None))
        return found

    def event(
        self,
        receipt: RowMapping,
        outcome: TransactionOutcome,
        events: dict[int, dict[bytes, RawLog]],
    ) -> RawLog:
        """The event that tells where the batch stands; ``events`` keeps those of blocks seen."""
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
        return event

    def failed(
        self,
        receipt: RowMapping,
        attempts: Sequence[RowMapping],
        outcome: TransactionOutcome,
    ) -> None:
        """A transaction was mined and reverted: find out why, refuse or try again."""
        self._desk.close(receipt, AttemptState.FAILED, outcome.transaction_hash)
        failures = sum(attempt["state"] == AttemptState.FAILED for attempt in attempts) + 1
        self.reverted(receipt, outcome.revert_data, failures)

    def reverted(self, receipt: RowMapping, data: bytes, failures: int) -> None:
        """The registry refused with ``data``, so many times now if it gave none."""
        if not data:
            try:
                self._chain.estimate_gas(self._address, receipt["target"], receipt["calldata"])
            except CallReverted as problem:
                data = problem.data
        if data or failures >= MAX_FAILURES:
            self.refuse(receipt, data)
        else:
            # it would succeed now: too little gas, or something came in between
            self._desk.try_again(receipt)

    def refuse(self, receipt: RowMapping, data: bytes) -> None:
        """The contract refuses the batch; unless it is a refusal because it is there already."""
        words = {
            bytes.fromhex(digest): text
            for digest, text in msgspec.json.decode(receipt["texts"], type=dict[str, str]).items()
        }
        reason = explain(data, words, self._deployment.contract_at(receipt["target"]))
        if reason.name == "StaleVersion" and self.is_there(receipt):
            return
        self._desk.refuse(receipt, reason)

    def is_there(self, receipt: RowMapping) -> bool:
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
        self._desk.anchor([(receipt, event, None if outcome is None else outcome.gas_used)])
        return True

    def never(self, receipt: RowMapping, problem: ChainError) -> None:
        """The chain will not take the transaction, ever: nothing of it is recorded."""
        self._desk.close(receipt, AttemptState.DROPPED)
        reason = ContractRefusal(
            name="TransactionRefused",
            args={},
            message_en=f"{problem}",
            message_zh=f"链不接受该交易：{problem}",
            hint_en="Sign fewer or smaller statements in one batch.",
            hint_zh="请减少每批声明的数量或篇幅后重新签署。",
        )
        self._desk.refuse(receipt, reason)

"""Sending loads of history to the new chain, several under way at a time."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

from eth_utils.address import to_checksum_address

from ledger.chain.interface import Chain, ChainError
from ledger.chain.jsonrpc import JsonRpcChain
from ledger.statements import address_bytes
from ledger.succession.carrying import CarryError, Passage, calldata_of, gas_of, loads

if TYPE_CHECKING:
    from eth_account.signers.local import LocalAccount

MOST_BYTES = 90_000
"""Calldata of one transaction: pools of geth and its kin take no more than 128 KiB."""
MOST_GAS = 15_000_000
"""Gas of one transaction: EIP-7825 allows 16.7 million."""
UNDER_WAY = 16
LONGEST_WAIT = 300.0
"""Seconds that the new chain's clock may be behind before the migration stops."""
BLOCK_WAIT = 15
"""Seconds that the new chain has for a block of its own; one that makes blocks on demand makes none."""


def most_gas_of(chain: Chain) -> int:
    """Gas of one transaction there."""
    limit = chain.block_gas_limit() if isinstance(chain, JsonRpcChain) else 0
    return min(MOST_GAS, limit or MOST_GAS)


def await_time(chain: Chain, newest: int, say: Callable[[str], None]) -> None:
    """Wait until ``chain`` can record a statement of ``newest`` (Unix seconds), and what follows on it.

    A chain that was busy dated its blocks ahead of the clock. Nodes try a transaction out in the time of their
    newest block, so that has to be late enough, unless the chain makes its blocks on demand, and dates them by
    the clock. Comes back in any case after some minutes: the contract then says what is wrong, and how much.
    """
    until = time.monotonic() + LONGEST_WAIT
    while chain.head().timestamp < newest and time.time() < newest + BLOCK_WAIT:
        if time.monotonic() > until:
            return
        say("clock")
        time.sleep(1)


@dataclass(frozen=True)
class Carrier:
    """The account that fills the log at ``log`` (20 bytes) on ``chain``; ``wait`` in seconds."""

    chain: Chain
    account: LocalAccount
    log: bytes
    wait: float

    def carry(self, passages: Iterator[Passage], progress: Callable[[int], None]) -> None:
        """Send these batches and wait for all; ``progress`` gets the size that the log has reached.

        Raises :class:`CarryError` where one fails, and ChainError; what was carried stays carried.
        """
        some = loads(passages, most_bytes=MOST_BYTES, most_gas=most_gas_of(self.chain))
        while window := list(islice(some, UNDER_WAY)):
            self._send(window, progress)

    def _send(self, window: Sequence[list[Passage]], progress: Callable[[int], None]) -> None:
        nonce = self.chain.nonce(address_bytes(self.account.address))
        fees = self.chain.fees()
        raws = []
        for place, load in enumerate(window):
            gas = gas_of(load)
            self._check_room(load, gas)
            transaction: dict[str, Any] = {
                "chainId": self.chain.chain_id,
                "nonce": nonce + place,
                "gas": gas,
                "value": 0,
                "to": to_checksum_address(self.log),
                "data": calldata_of(load),
                **fees,
            }
            raws.append(bytes(self.account.sign_transaction(transaction).raw_transaction))
        for load, sent in zip(window, self.chain.send_many(raws), strict=True):
            if isinstance(sent, ChainError):
                raise sent
            self._settle(load, sent)
            progress(load[-1].end)

    def _check_room(self, load: Sequence[Passage], gas: int) -> None:
        limit = self.chain.block_gas_limit() if isinstance(self.chain, JsonRpcChain) else 0
        if limit and gas > limit:
            raise CarryError(
                f"the batch at leaf {load[0].first} may take {gas} gas, a block of {self.chain.name} holds "
                f"{limit}: raise the block's gas limit there for the time of the migration"
            )

    def _settle(self, load: Sequence[Passage], sent: bytes) -> None:
        until, pause = time.monotonic() + self.wait, 0.005
        while (outcome := self.chain.outcome(sent)) is None:
            if time.monotonic() > until:
                raise CarryError(
                    f"transaction 0x{sent.hex()} with the leaves from {load[0].first} on is in no block after "
                    f"{self.wait:.0f} s: see that {self.chain.name} makes blocks, and run this again"
                )
            time.sleep(pause)
            pause = min(pause * 2, 1.0)
        if not outcome.succeeded:
            raise CarryError(
                f"transaction 0x{sent.hex()} with the leaves from {load[0].first} on failed on "
                f"{self.chain.name}: run this again; if it fails again, another process is filling this log"
            )

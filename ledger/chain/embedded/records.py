"""What the store keeps of a block: rows from which headers, receipts and proofs are rebuilt."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from eth.abc import BlockHeaderAPI

LOG_BITS = 24
"""A log's row id is ``block number << LOG_BITS | log index``; 500M gas pay for 1.3M logs."""
FIRST_LEGACY_BYTE = 0x80
"""EIP-2718: a transaction that starts below this byte starts with its type."""
POSITION_BITS = 20
"""A transaction's row id is ``block number << POSITION_BITS | position``."""


class LogRow(msgspec.Struct, frozen=True):
    """One event; ``position`` is its transaction's place in the block."""

    position: int
    log_index: int
    address: bytes
    topics: tuple[bytes, ...]
    data: bytes


class TransactionRow(msgspec.Struct, frozen=True):
    """One executed transaction; ``output`` is the revert data of one that failed, may be empty."""

    number: int
    position: int
    hash: bytes
    sender: bytes
    raw: bytes
    succeeded: bool
    gas_used: int
    cumulative_gas: int
    created: bytes
    output: bytes

    @property
    def kind(self) -> int:
        """The EIP-2718 type; 0 for a legacy transaction."""
        return self.raw[0] if self.raw[0] < FIRST_LEGACY_BYTE else 0


class SealedBlock(msgspec.Struct, frozen=True):
    """A block ready to be written: header, its rows, and the state nodes that it adds."""

    header: BlockHeaderAPI
    encoded_header: bytes
    transactions: Sequence[TransactionRow]
    logs: Sequence[LogRow]
    nodes: dict[bytes, bytes]

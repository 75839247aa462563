"""What the rest of the project may ask of a chain, embedded or remote."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol, runtime_checkable

import msgspec

if TYPE_CHECKING:
    from web3 import Web3  # half a second to import, and few commands need it


class ChainError(Exception):
    """A chain that cannot be reached, refuses, or answers wrongly; the text says what to do."""


class BlockRef(msgspec.Struct, frozen=True):
    """A block's place in its chain; ``timestamp`` in Unix seconds."""

    number: int
    hash: bytes
    parent_hash: bytes
    timestamp: int


class RawLog(msgspec.Struct, frozen=True, gc=False):
    """One event as the chain gives it, with where it stands."""

    topics: tuple[bytes, ...]
    data: bytes
    block_number: int
    block_hash: bytes
    transaction_hash: bytes
    log_index: int


class TransactionOutcome(msgspec.Struct, frozen=True):
    """A mined transaction: ``succeeded``, where, and the revert data where it failed, if any."""

    transaction_hash: bytes
    succeeded: bool
    block_number: int
    block_hash: bytes
    gas_used: int
    revert_data: bytes = b""


class Chain(Protocol):
    """One EVM chain. All calls are synchronous and raise :class:`ChainError` with a way out."""

    @property
    def chain_id(self) -> int: ...

    @property
    def name(self) -> str:
        """For people: ``embedded`` or the URL without credentials."""
        ...

    @property
    def w3(self) -> Web3:
        """The same chain for any other question."""
        ...

    @property
    def max_log_range(self) -> int:
        """How many blocks one :meth:`logs` call may span and still be trusted."""
        ...

    def head(self) -> BlockRef:
        """The newest block."""
        ...

    def blocks(self, numbers: Sequence[int]) -> list[BlockRef]:
        """These blocks, in the order asked, in as few round trips as the chain allows."""
        ...

    def logs(
        self, address: bytes, first: int, last: int, topics: Sequence[bytes | None] = ()
    ) -> list[RawLog]:
        """All events of ``address`` in blocks ``first..last``, in chain order.

        ``topics`` keeps those with these words at their positions, None standing for any.
        """
        ...

    def call(self, to: bytes, data: bytes, block: int | None = None) -> bytes:
        """``eth_call`` at a block (newest by default); raises :class:`CallReverted`."""
        ...

    def code(self, address: bytes) -> bytes: ...

    def nonce(self, address: bytes) -> int:
        """The next nonce of an account, pending transactions included."""
        ...

    def mined_nonce(self, address: bytes) -> int:
        """The next nonce of an account, counting only transactions that are in blocks."""
        ...

    def fees(self) -> dict[str, int]:
        """The fee members of a transaction: ``gasPrice``, or the two of EIP-1559."""
        ...

    def estimate_gas(self, sender: bytes, to: bytes | None, data: bytes) -> int:
        """Gas for a transaction; raises :class:`CallReverted` where it would fail."""
        ...

    def send_raw(self, raw: bytes) -> bytes:
        """Hand over a signed transaction; returns its hash. The same bytes twice are no error.

        Raises :class:`TransactionRefused` for what the chain will never take.
        """
        ...

    def send_many(self, raws: Sequence[bytes]) -> list[bytes | ChainError]:
        """Hand over several signed transactions in order; for each its hash, or its error."""
        ...

    def outcome(self, transaction_hash: bytes) -> TransactionOutcome | None:
        """What became of a transaction, None while it is not in a block."""
        ...

    def close(self) -> None: ...


class CallReverted(ChainError):
    """A call that the contract refused; ``data`` is the ABI-encoded custom error."""

    def __init__(self, message: str, data: bytes) -> None:
        super().__init__(message)
        self.data = data


class TransactionRefused(ChainError):
    """The chain will never take this transaction as it is; it was not executed."""


class NonceRefused(ChainError):
    """Not the sender's next nonce: used already, or not its turn yet. Nothing was executed."""


@runtime_checkable
class TriesOut(Protocol):
    """A chain that can leave out of its blocks what would revert: sending is the check then."""

    def send_good(self, raws: Sequence[bytes]) -> list[bytes | ChainError]:
        """As :meth:`Chain.send_many`; what would revert gives :class:`CallReverted`, is in no
        block and uses no nonce."""
        ...

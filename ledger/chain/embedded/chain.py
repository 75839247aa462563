"""The embedded chain: one process, one file, blocks made when transactions arrive."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from eth.abc import BlockHeaderAPI
from eth.db.account import AccountDB
from eth_typing import Address

from ledger.chain.embedded import simulate
from ledger.chain.embedded.errors import (
    ChainCorrupt,
    ChainMismatch,
    ChainMissing,
    UnknownBlock,
)
from ledger.chain.embedded.evm import (
    GAS_LIMIT,
    decode_header,
    genesis_header,
    lost_nodes,
    seal,
)
from ledger.chain.embedded.lock import WriterLock
from ledger.chain.embedded.logindex import LogFilter, find
from ledger.chain.embedded.nodes import StateNodes
from ledger.chain.embedded.sequencer import Sequencer
from ledger.chain.embedded.store import Genesis, Store
from ledger.chain.interface import (
    BlockRef,
    ChainError,
    RawLog,
    TransactionOutcome,
)

if TYPE_CHECKING:
    from web3 import Web3

    from ledger.chain.embedded.integrity import IntegrityReport
    from ledger.chain.embedded.rpc import Rpc

"""The store's usual name inside a data directory."""
MAX_LOG_RANGE = 10_000

Progress = Callable[[str, int, int], None]
"""Told what is being done, how many are done, and how many there are."""


class EmbeddedChain:
    """A :class:`ledger.chain.interface.Chain` on py-evm and SQLite; any thread may use it."""

    def __init__(self, store: Store, lock: WriterLock, clock: Callable[[], float]) -> None:
        """Use :meth:`open`."""
        self._store = store
        self._lock = lock
        self._sequencer = Sequencer(store, *self._start(), clock)
        self._w3: Web3 | None = None
        self._rpc: Rpc | None = None

    @classmethod
    def open(
        cls,
        path: Path,
        chain_id: int,
        *,
        create: bool = False,
        genesis_timestamp: int = 0,
        gas_limit: int = GAS_LIMIT,
        clock: Callable[[], float] = time.time,
    ) -> EmbeddedChain:
        """Open the chain in the file ``path`` for writing, or create it there.

        ``genesis_timestamp`` (Unix seconds) and ``gas_limit`` only count for a chain that is
        created: the same settings give the same block 0 anywhere. ``clock`` gives Unix seconds.

        Raises :class:`~ledger.chain.embedded.errors.ChainLocked` where another process writes it,
        ``ChainMissing`` where there is none and ``create`` is false, ``ChainMismatch`` where it has
        another chain id, ``ChainCorrupt`` or ``ChainTooNew``.
        """
        if create:
            path.parent.mkdir(parents=True, exist_ok=True)
        elif not path.is_file():
            raise ChainMissing(f"there is no chain at {path}: `govledger init` makes one")
        lock = WriterLock(path)
        try:
            genesis = Genesis(chain_id, gas_limit, genesis_timestamp)
            store = Store(path, create=genesis if create else None)
            try:
                _same_chain(store, chain_id)
                return cls(store, lock, clock)
            except BaseException:
                store.close()
                raise
        except BaseException:
            lock.release()
            raise

    def _start(self) -> tuple[BlockRef, BlockHeaderAPI]:
        first = genesis_header(self._store.genesis)
        head = self._store.head()
        if head is None:
            return self._store.append(seal(first, [], [], {})), first
        if self._store.blocks([0])[0].hash != first.hash:
            raise ChainCorrupt(
                f"{self._store.path}: block 0 does not follow from its settings: "
                "restore the file from a backup"
            )
        header = decode_header(self._store.header(head.number))
        if header.hash != head.hash:
            raise ChainCorrupt(
                f"{self._store.path}: the header of block {head.number} does not have its hash: "
                "restore the file from a backup"
            )
        if header.block_number:
            StateNodes(self._store).require(header.state_root)
        return head, header

    # -- identity -------------------------------------------------------------------------------

    @property
    def chain_id(self) -> int:
        return self._store.genesis.chain_id

    @property
    def name(self) -> str:
        return "embedded"

    @property
    def path(self) -> Path:
        """The file."""
        return self._store.path

    @property
    def genesis(self) -> Genesis:
        """What block 0 was made from."""
        return self._store.genesis

    @property
    def store(self) -> Store:
        """The store, for reading; only this object writes it."""
        return self._store

    @property
    def max_log_range(self) -> int:
        return MAX_LOG_RANGE

    @property
    def w3(self) -> Web3:
        if self._w3 is None:
            from web3 import Web3  # noqa: PLC0415 - half a second, and few commands need it

            from ledger.chain.embedded.provider import EmbeddedProvider  # noqa: PLC0415

            self._w3 = Web3(EmbeddedProvider(self))
        return self._w3

    @property
    def rpc(self) -> Rpc:
        """The JSON-RPC methods over this chain."""
        if self._rpc is None:
            from ledger.chain.embedded.rpc import Rpc  # noqa: PLC0415

            self._rpc = Rpc(self)
        return self._rpc

    # -- reading --------------------------------------------------------------------------------

    def head(self) -> BlockRef:
        return self._sequencer.head

    def blocks(self, numbers: Sequence[int]) -> list[BlockRef]:
        return self._store.blocks(numbers)

    def header(self, number: int | None = None) -> BlockHeaderAPI:
        """A block's header, the newest by default; raises ``UnknownBlock``."""
        head = self._sequencer.header
        if number is None or number == head.block_number:
            return head
        return decode_header(self._store.header(number))

    def pending_header(self) -> BlockHeaderAPI:
        """The header that the next block would start from now."""
        return self._sequencer.pending_header()

    def logs(
        self, address: bytes, first: int, last: int, topics: Sequence[bytes | None] = ()
    ) -> list[RawLog]:
        """All events of ``address`` in blocks ``first..last``, in chain order.

        Raises :class:`ChainError` for a range that ends beyond the head, which an event might still
        join, or is wider than :attr:`max_log_range`.
        """
        newest = self.head().number
        if last > newest:
            raise UnknownBlock(f"block {last} is not on this chain yet, the newest is {newest}")
        if last - first >= MAX_LOG_RANGE:
            raise ChainError(f"blocks {first}..{last} are more than {MAX_LOG_RANGE}: ask in parts")
        words = [() if topic is None else (topic,) for topic in topics]
        wanted = LogFilter(first, last, [address], words)
        return [found.raw() for found in find(self._store, wanted)]

    def call(self, to: bytes, data: bytes, block: int | None = None) -> bytes:
        return simulate.call(
            self._store, self.header(block), self.chain_id, simulate.Call(to=to, data=data)
        )

    def account(self, number: int | None = None) -> AccountDB:
        """The accounts at a block, the newest by default."""
        return AccountDB(StateNodes(self._store), self.header(number).state_root)

    def code(self, address: bytes) -> bytes:
        with lost_nodes(self._store.path):
            return bytes(self.account().get_code(Address(address)))

    def nonce(self, address: bytes) -> int:
        with lost_nodes(self._store.path):
            return int(self.account().get_nonce(Address(address)))

    def mined_nonce(self, address: bytes) -> int:
        return self.nonce(address)

    def fees(self) -> dict[str, int]:
        """Nothing is paid here: ``gasPrice`` 0."""
        return {"gasPrice": 0}

    def estimate_gas(self, sender: bytes, to: bytes | None, data: bytes) -> int:
        what = simulate.Call(sender=sender, to=to, data=data)
        return simulate.estimate(self._store, self.pending_header(), self.chain_id, what)

    def outcome(self, transaction_hash: bytes) -> TransactionOutcome | None:
        row = self._store.transaction(transaction_hash)
        if row is None:
            return None
        return TransactionOutcome(
            transaction_hash=row.hash,
            succeeded=row.succeeded,
            block_number=row.number,
            block_hash=self._store.blocks([row.number])[0].hash,
            gas_used=row.gas_used,
            revert_data=row.output,
        )

    # -- writing --------------------------------------------------------------------------------

    def send_raw(self, raw: bytes) -> bytes:
        """Execute a signed transaction; it is durable in a block when this returns its hash.

        Raises ``TransactionRefused`` where no block can take it and ``NonceRefused`` where it is
        not its turn (nothing is executed then), ``ChainFull`` where the disk is full. A
        transaction that reverts is in a block all the same: :meth:`outcome` tells.
        """
        result = self.send_many([raw])[0]
        if isinstance(result, ChainError):
            raise result
        return result

    def send_many(self, raws: Sequence[bytes]) -> list[bytes | ChainError]:
        """Execute signed transactions in as few blocks as hold them, in the order given.

        For each its hash, or the error that :meth:`send_raw` would have raised; one that is refused
        does not keep the others out.
        """
        return self._sequencer.send(raws)

    def send_good(self, raws: Sequence[bytes]) -> list[bytes | ChainError]:
        """As :meth:`send_many`, but what would revert is in no block and uses no nonce.

        It gives :class:`CallReverted` instead: whoever would ask with ``eth_call`` first, so that
        refusals leave no trace, has it from the one execution.
        """
        return self._sequencer.send(raws, only_good=True)

    # -- keeping --------------------------------------------------------------------------------

    def fsck(self, progress: Progress | None = None) -> IntegrityReport:
        """Check every node, header, transaction, receipt and log against its hash."""
        from ledger.chain.embedded.integrity import fsck  # noqa: PLC0415

        return fsck(self._store, progress)

    def replay(self, progress: Progress | None = None) -> IntegrityReport:
        """Execute everything again from block 0 in a scratch store and compare."""
        from ledger.chain.embedded.integrity import replay  # noqa: PLC0415

        return replay(self._store, progress)

    def close(self) -> None:
        """Finish the block in the making, close the file, release the lock; safe to call twice."""
        self._sequencer.close()
        self._store.close()
        self._lock.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def _same_chain(store: Store, chain_id: int) -> None:
    if store.genesis.chain_id != chain_id:
        raise ChainMismatch(
            f"{store.path} is chain {store.genesis.chain_id}, but chain {chain_id} was asked for: "
            "correct the setting chain_id (GOVLEDGER_CHAIN_ID) or the data directory"
        )

"""The rules of the embedded chain: what a block is, and how py-evm executes transactions into one.

Cancun rules without proof of work or stake: difficulty 0, no rewards, no withdrawals, no blobs.
The gas limit is pinned at genesis, and the base fee (EIP-1559) is zero in every block: the rule
that moves it with the load is left out, because one block over half full would otherwise make it 1
for ever and shut out every transaction that offers no fee, which here is all of them. So no account
needs a balance.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import rlp
from eth.abc import BlockHeaderAPI, ComputationAPI, SignedTransactionAPI
from eth.constants import BLANK_ROOT_HASH, ZERO_HASH32
from eth.exceptions import PyEVMError
from eth.vm.execution_context import ExecutionContext
from eth.vm.forks.cancun import CancunVM
from eth.vm.forks.cancun.blocks import CancunBlockHeader
from eth.vm.forks.cancun.transactions import CancunTransactionBuilder
from eth.vm.interrupt import MissingBytecode
from eth_bloom.bloom import BloomFilter
from eth_hash.auto import keccak
from eth_keys.exceptions import BadSignature
from eth_typing import Address, BlockNumber, Hash32
from eth_utils.exceptions import ValidationError
from msgspec import Struct
from rlp.exceptions import RLPException
from trie.exceptions import MissingTraversalNode, MissingTrieNode
from trie.hexary import HexaryTrie

from ledger.chain.embedded.errors import ChainCorrupt, missing_node
from ledger.chain.embedded.interpreter import FastState
from ledger.chain.embedded.nodes import StateNodes
from ledger.chain.embedded.records import LogRow, SealedBlock, TransactionRow
from ledger.chain.embedded.store import Genesis, Store
from ledger.chain.interface import CallReverted, ChainError, NonceRefused, TransactionRefused

GAS_LIMIT = 500_000_000
"""Gas of a block. A batch of a hundred statements with bodies of 20 KB needs about 150M; a limit
without bound would let one mistaken transaction occupy the only executor for hours."""
RECURSION_LIMIT = 12_000
"""Python frames for the 1,024 nested calls that the EVM allows; each takes fewer than ten.

py-evm raises the limit of the whole process to 100,000 when it is imported. Then a JSON text of
100 KB of opening brackets, parsed anywhere in the process, overflows the C stack and kills it, where
Python would have raised RecursionError. So it is set back to what the EVM needs.
"""
sys.setrecursionlimit(RECURSION_LIMIT)
BLOB_TRANSACTION = 3
FAILED, SUCCEEDED = b"", b"\x01"


class Checked(Struct, frozen=True):
    """A transaction that is well-formed, signed, and meant for this chain."""

    transaction: SignedTransactionAPI
    raw: bytes
    hash: bytes
    sender: bytes


def trie_root(items: Sequence[bytes]) -> tuple[bytes, HexaryTrie]:
    """The Merkle Patricia root over ``items`` keyed by ``rlp(index)`` (Yellow Paper, section 4.4)
    and the trie, whose ``get_proof`` proves an item."""
    trie = HexaryTrie({}, BLANK_ROOT_HASH)
    with trie.squash_changes() as memory:
        for index, item in enumerate(items):
            memory[rlp.encode(index)] = item
    return bytes(trie.root_hash), trie


def encode_receipt(row: TransactionRow, logs: Sequence[LogRow]) -> bytes:
    """The receipt that a transaction's row and its logs amount to (EIP-658, EIP-2718)."""
    entries = [[log.address, log.topics, log.data] for log in logs]
    status = SUCCEEDED if row.succeeded else FAILED
    bloom = bloom_of(logs).to_bytes(256, "big")
    body: bytes = rlp.encode([status, row.cumulative_gas, bloom, entries])
    return bytes([row.kind]) + body if row.kind else body


def bloom_of(logs: Iterable[LogRow]) -> int:
    """The logs bloom (Yellow Paper, section 4.3.1) as an integer of 2048 bits."""
    return int(
        BloomFilter.from_iterable(part for log in logs for part in (log.address, *log.topics))
    )


def genesis_header(genesis: Genesis) -> BlockHeaderAPI:
    """Block 0: no accounts; the chain id is in ``extraData``, so that two chains never share it."""
    return CancunBlockHeader(
        difficulty=0,
        block_number=BlockNumber(0),
        gas_limit=genesis.gas_limit,
        timestamp=genesis.timestamp,
        extra_data=f"GovLedger {genesis.chain_id}".encode("ascii"),
        nonce=bytes(8),
    )


def next_header(parent: BlockHeaderAPI, timestamp: int) -> BlockHeaderAPI:
    """The header of the block after ``parent``, before anything is executed in it."""
    return CancunBlockHeader(
        difficulty=0,
        block_number=BlockNumber(parent.block_number + 1),
        gas_limit=parent.gas_limit,
        timestamp=timestamp,
        parent_hash=parent.hash,
        state_root=parent.state_root,
        nonce=bytes(8),
    )


def decode_header(encoded: bytes) -> BlockHeaderAPI:
    """A stored header; raises :class:`ChainCorrupt` where it is none."""
    try:
        header: BlockHeaderAPI = rlp.decode(encoded, sedes=CancunBlockHeader)
    except RLPException as error:
        raise ChainCorrupt(f"a stored block header is no header: {error}") from error
    return header


def decode_transaction(raw: bytes) -> SignedTransactionAPI:
    """A transaction from its bytes (EIP-2718); raises :class:`TransactionRefused`."""
    try:
        return CancunTransactionBuilder.decode(raw)
    except (RLPException, ValidationError, PyEVMError, ValueError, TypeError) as error:
        detail = " ".join(str(error).split())[:200]
        raise TransactionRefused(f"not a transaction: {detail or type(error).__name__}") from error


def check_transaction(raw: bytes, genesis: Genesis) -> Checked:
    """What can be said of a transaction without the state.

    Raises :class:`TransactionRefused` naming what is wrong: bytes, type, chain id, signature, gas.
    """
    if not raw:
        raise TransactionRefused("not a transaction: no bytes")
    transaction = decode_transaction(raw)
    if transaction.type_id == BLOB_TRANSACTION:
        raise TransactionRefused("blob transactions (type 3) are not taken by this chain")
    if transaction.chain_id != genesis.chain_id:
        given = "none" if transaction.chain_id is None else str(transaction.chain_id)
        raise TransactionRefused(
            f"invalid chain id: the transaction is signed for chain {given}, this is chain "
            f"{genesis.chain_id}; sign it again for this chain (EIP-155)",
        )
    if transaction.max_priority_fee_per_gas > transaction.max_fee_per_gas:
        raise TransactionRefused(
            "max priority fee per gas is higher than max fee per gas (EIP-1559): set both to 0"
        )
    if transaction.gas > genesis.gas_limit:
        raise TransactionRefused(
            f"exceeds block gas limit: {transaction.gas} gas, a block holds {genesis.gas_limit}; "
            "send fewer statements at once",
        )
    if transaction.gas < transaction.intrinsic_gas:
        raise TransactionRefused(
            f"intrinsic gas too low: {transaction.gas} given, {transaction.intrinsic_gas} needed "
            "before anything is executed",
        )
    try:
        transaction.validate()
        sender = transaction.sender
    except (ValidationError, BadSignature, ValueError) as error:
        raise TransactionRefused(f"invalid transaction: {error}") from error
    return Checked(transaction, raw, bytes(keccak(raw)), bytes(sender))


def execution_state(
    nodes: StateNodes, store: Store, header: BlockHeaderAPI, chain_id: int
) -> FastState:
    """py-evm's state at ``header.state_root``, executing as in the block of ``header``."""
    context = ExecutionContext(
        coinbase=header.coinbase,
        timestamp=header.timestamp,
        block_number=header.block_number,
        difficulty=0,
        mix_hash=ZERO_HASH32,
        gas_limit=header.gas_limit,
        prev_hashes=(Hash32(found) for found in store.hashes_before(header.block_number)),
        chain_id=chain_id,
        base_fee_per_gas=0,
        excess_blob_gas=0,
    )
    return FastState(nodes, context, header.state_root)


@contextmanager
def lost_nodes(path: Path) -> Iterator[None]:
    """Turn py-evm's word for a node that is not there into :class:`ChainCorrupt` with the key."""
    try:
        yield
    except MissingBytecode as error:
        raise missing_node(error.missing_code_hash, path) from error
    except (MissingTrieNode, MissingTraversalNode) as error:
        raise missing_node(bytes(error.missing_node_hash), path) from error


class BlockBuilder:
    """Executes transactions one after the other into the block after ``parent``."""

    def __init__(
        self, store: Store, genesis: Genesis, parent: BlockHeaderAPI, timestamp: int
    ) -> None:
        self._store = store
        self._header = next_header(parent, timestamp)
        self._nodes = StateNodes(store)
        self._state = execution_state(self._nodes, store, self._header, genesis.chain_id)
        self._gas_used = 0
        self._rows: list[TransactionRow] = []
        self._logs: list[LogRow] = []

    def __len__(self) -> int:
        return len(self._rows)

    def has_room_for(self, gas: int) -> bool:
        """Whether the block's gas limit leaves this much."""
        return self._gas_used + gas <= self._header.gas_limit

    def add(self, checked: Checked, *, only_good: bool = False) -> None:
        """Execute one transaction; a revert is an outcome, not an error.

        With ``only_good`` a transaction that fails is left out, and :class:`CallReverted` raised.

        Raises :class:`NonceRefused` or :class:`TransactionRefused` (funds) where the state forbids
        it; the block stays as it was. Raises :class:`ChainCorrupt` where the store has lost what it needs.
        """
        with lost_nodes(self._store.path):
            self._refuse(checked)
            self._state.lock_changes()
            before = self._state.snapshot()
            try:
                computation = self._state.apply_transaction(checked.transaction)
            except ValidationError as error:
                # The state may be half changed: the block in the making has to go.
                raise ChainError(
                    f"transaction 0x{checked.hash.hex()} cannot be executed ({error}); "
                    "nothing of its block was written: send the others again"
                ) from error
        if only_good and computation.is_error:
            self._state.revert(before)
            output = bytes(computation.output)
            raise CallReverted(f"reverts with 0x{output.hex()}", output)
        self._record(checked, computation)

    def _refuse(self, checked: Checked) -> None:
        transaction, sender = checked.transaction, Address(checked.sender)
        expected = self._state.get_nonce(sender)
        if transaction.nonce != expected:
            low = transaction.nonce < expected
            raise NonceRefused(
                f"nonce too {'low' if low else 'high'}: 0x{checked.sender.hex()} sent "
                f"{transaction.nonce}, the next is {expected}",
            )
        cost = transaction.gas * transaction.max_fee_per_gas + transaction.value
        balance = self._state.get_balance(sender)
        if cost > balance:
            raise TransactionRefused(
                f"insufficient funds: 0x{checked.sender.hex()} has {balance} wei, the transaction "
                f"may take {cost}; this chain asks no fee, so set gasPrice (or the fees of "
                "EIP-1559) and value to 0",
            )
        try:
            self._state.validate_transaction(transaction)
        except ValidationError as error:
            raise TransactionRefused(f"invalid transaction: {error}") from error

    def _record(self, checked: Checked, computation: ComputationAPI) -> None:
        gas_used = CancunVM.finalize_gas_used(checked.transaction, computation)
        self._gas_used += gas_used
        position = len(self._rows)
        for address, topics, data in computation.get_log_entries():
            self._logs.append(
                LogRow(
                    position,
                    len(self._logs),
                    bytes(address),
                    tuple(topic.to_bytes(32, "big") for topic in topics),
                    bytes(data),
                )
            )
        created = bytes(computation.msg.storage_address) if computation.msg.is_create else b""
        self._rows.append(
            TransactionRow(
                number=self._header.block_number,
                position=position,
                hash=checked.hash,
                sender=checked.sender,
                raw=checked.raw,
                succeeded=computation.is_success,
                gas_used=gas_used,
                cumulative_gas=self._gas_used,
                created=created if computation.is_success else b"",
                output=b"" if computation.is_success else bytes(computation.output),
            )
        )

    def seal(self) -> SealedBlock:
        """Compute the roots and close the block; the builder is spent."""
        with lost_nodes(self._store.path):
            self._state.persist()
        by_position: dict[int, list[LogRow]] = {}
        for log in self._logs:
            by_position.setdefault(log.position, []).append(log)
        receipts = [encode_receipt(row, by_position.get(row.position, [])) for row in self._rows]
        header = self._header.copy(
            state_root=self._state.state_root,
            transaction_root=trie_root([row.raw for row in self._rows])[0],
            receipt_root=trie_root(receipts)[0],
            bloom=bloom_of(self._logs),
            gas_used=self._gas_used,
        )
        return seal(header, self._rows, self._logs, self._nodes.fresh)


def seal(
    header: BlockHeaderAPI,
    transactions: Sequence[TransactionRow],
    logs: Sequence[LogRow],
    nodes: dict[bytes, bytes],
) -> SealedBlock:
    """A header with its rows, encoded for the store."""
    return SealedBlock(header, rlp.encode(header), transactions, logs, nodes)

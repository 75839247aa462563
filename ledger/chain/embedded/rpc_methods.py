"""The methods of Ethereum's JSON-RPC API over the embedded chain (ethereum/execution-apis).

There is one branch and no pool of pending transactions, so ``latest``, ``pending``, ``safe`` and
``finalized`` are the same block: a block is final when it is written. ``pending`` only differs in
the block time that calls and estimates see.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import rlp
from eth.abc import BlockHeaderAPI
from eth.constants import BLANK_ROOT_HASH
from eth_hash.auto import keccak
from eth_typing import Address
from trie.hexary import HexaryTrie

from ledger import __version__
from ledger.chain.embedded import simulate
from ledger.chain.embedded.errors import UnknownBlock
from ledger.chain.embedded.evm import lost_nodes
from ledger.chain.embedded.logindex import LogFilter, find
from ledger.chain.embedded.nodes import StateNodes
from ledger.chain.embedded.rpc_values import (
    LIMIT_EXCEEDED,
    RpcError,
    block_object,
    call_of,
    data,
    hexed,
    invalid,
    log_object,
    quantity,
    receipt_object,
    transaction_object,
)

if TYPE_CHECKING:
    from ledger.chain.embedded.chain import EmbeddedChain

MAX_LOGS = 100_000
"""Most events in one answer; more is an error, never a shorter list."""
MAX_LIST = 1_000
"""Most addresses, words or slots in one parameter."""
MAX_FEE_HISTORY = 1_024
MAX_TOPICS = 4
HASHED = 32
"""A trie node of fewer bytes is not referred to by its hash (Yellow Paper, appendix D)."""
HEAD_TAGS = ("latest", "pending", "safe", "finalized")


class Methods:
    """The methods by name in ``table``; parameters are what a client sent, unchecked."""

    def __init__(self, chain: EmbeddedChain) -> None:
        self._chain = chain
        self._store = chain.store
        self.table: dict[str, Callable[..., Any]] = {
            "web3_clientVersion": self._client_version,
            "web3_sha3": lambda text: hexed(keccak(data(text, "data"))),
            "net_version": lambda: str(chain.chain_id),
            "net_listening": lambda: True,
            "net_peerCount": lambda: "0x0",
            "eth_protocolVersion": lambda: "0x41",
            "eth_chainId": lambda: hexed(chain.chain_id),
            "eth_blockNumber": lambda: hexed(chain.head().number),
            "eth_syncing": lambda: False,
            "eth_mining": lambda: False,
            "eth_hashrate": lambda: "0x0",
            "eth_accounts": _no_accounts,
            "eth_coinbase": lambda: hexed(bytes(20)),
            "eth_gasPrice": lambda: "0x0",
            "eth_maxPriorityFeePerGas": lambda: "0x0",
            "eth_blobBaseFee": lambda: "0x1",
            "eth_feeHistory": self._fee_history,
            "eth_getBlockByNumber": self._block,
            "eth_getBlockByHash": self._block_by_hash,
            "eth_getBlockTransactionCountByNumber": self._block_size,
            "eth_getBlockTransactionCountByHash": self._block_size_by_hash,
            "eth_getTransactionByHash": self._transaction,
            "eth_getTransactionByBlockNumberAndIndex": self._transaction_at,
            "eth_getTransactionByBlockHashAndIndex": self._transaction_at_hash,
            "eth_getRawTransactionByHash": self._raw_transaction,
            "eth_getTransactionReceipt": self._receipt,
            "eth_getBlockReceipts": self._block_receipts,
            "eth_getLogs": self._logs,
            "eth_call": self._call,
            "eth_estimateGas": self._estimate,
            "eth_sendRawTransaction": self._send,
            "eth_getTransactionCount": self._nonce,
            "eth_getBalance": self._balance,
            "eth_getCode": self._code,
            "eth_getStorageAt": self._storage,
            "eth_getProof": self._proof,
        }

    # -- which block ----------------------------------------------------------------------------

    def _number(self, block: object) -> int:
        """The number that a block parameter means: tag, number, or EIP-1898 object."""
        if isinstance(block, str) and block in HEAD_TAGS:
            return self._chain.head().number
        if block == "earliest":
            return 0
        if isinstance(block, Mapping):
            if "blockHash" in block:
                number = self._store.number_of(data(block["blockHash"], "blockHash", 32))
                if number is None:
                    raise UnknownBlock(f"no block has the hash {block['blockHash']}")
                return number
            return self._number(block.get("blockNumber"))
        return quantity(block, "block")

    def _header(self, block: object) -> BlockHeaderAPI:
        return self._chain.header(self._number(block))

    # -- blocks and transactions ----------------------------------------------------------------

    def _client_version(self) -> str:
        return f"govledger/{__version__}"

    def _block(self, block: object, full: object = False) -> object:  # noqa: FBT002
        if not isinstance(full, bool):
            raise invalid("the second one must be true or false")
        number = self._number(block)
        if number > self._chain.head().number:
            return None
        header = self._chain.header(number)
        rows = self._store.transactions(number)
        size = len(rlp.encode(header)) + sum(len(row.raw) for row in rows)
        return block_object(header, rows, size, full=full)

    def _block_by_hash(self, block_hash: object, full: object = False) -> object:  # noqa: FBT002
        number = self._store.number_of(data(block_hash, "block hash", 32))
        return None if number is None else self._block(hexed(number), full)

    def _block_size(self, block: object) -> str | None:
        number = self._number(block)
        if number > self._chain.head().number:
            return None
        return hexed(len(self._store.transactions(number)))

    def _block_size_by_hash(self, block_hash: object) -> str | None:
        number = self._store.number_of(data(block_hash, "block hash", 32))
        return None if number is None else self._block_size(hexed(number))

    def _transaction(self, transaction_hash: object) -> object:
        row = self._store.transaction(data(transaction_hash, "transaction hash", 32))
        if row is None:
            return None
        return transaction_object(row, self._store.blocks([row.number])[0].hash)

    def _transaction_at(self, block: object, position: object) -> object:
        number, index = self._number(block), quantity(position, "index")
        if number > self._chain.head().number:
            return None
        rows = self._store.transactions(number)
        if index >= len(rows):
            return None
        return transaction_object(rows[index], self._store.blocks([number])[0].hash)

    def _transaction_at_hash(self, block_hash: object, position: object) -> object:
        number = self._store.number_of(data(block_hash, "block hash", 32))
        return None if number is None else self._transaction_at(hexed(number), position)

    def _raw_transaction(self, transaction_hash: object) -> str | None:
        row = self._store.transaction(data(transaction_hash, "transaction hash", 32))
        return None if row is None else hexed(row.raw)

    def _receipt(self, transaction_hash: object) -> object:
        row = self._store.transaction(data(transaction_hash, "transaction hash", 32))
        if row is None:
            return None
        logs = self._store.transaction_logs(row)
        return receipt_object(row, logs, self._chain.header(row.number))

    def _block_receipts(self, block: object) -> object:
        number = self._number(block)
        if number > self._chain.head().number:
            return None
        header, logs = self._chain.header(number), self._store.block_logs(number)
        return [
            receipt_object(row, [log for log in logs if log.position == row.position], header)
            for row in self._store.transactions(number)
        ]

    def _logs(self, wanted: object) -> list[Any]:
        if not isinstance(wanted, Mapping):
            raise invalid("a filter object is needed")
        if wanted.get("blockHash") is not None:
            if wanted.get("fromBlock") is not None or wanted.get("toBlock") is not None:
                raise invalid("give blockHash or a range, not both")
            first = last = self._number({"blockHash": wanted["blockHash"]})
        else:
            first = self._number(wanted.get("fromBlock") or "latest")
            last = self._number(wanted.get("toBlock") or "latest")
        if first > last:
            raise invalid(f"fromBlock {first} is after toBlock {last}")
        last = min(last, self._chain.head().number)
        found = find(
            self._store,
            LogFilter(
                first, last, _addresses(wanted.get("address")), _topics(wanted.get("topics"))
            ),
            MAX_LOGS + 1,
        )
        if len(found) > MAX_LOGS:
            raise RpcError(
                LIMIT_EXCEEDED, f"more than {MAX_LOGS} events: ask for fewer blocks at once"
            )
        return [log_object(log) for log in found]

    # -- state ----------------------------------------------------------------------------------

    def _call(self, call: object, block: object = "latest", overrides: object = None) -> str:
        if overrides:
            raise invalid("state overrides are not supported")
        header = self._chain.pending_header() if block == "pending" else self._header(block)
        return hexed(simulate.call(self._store, header, self._chain.chain_id, call_of(call)))

    def _estimate(self, call: object, block: object = "pending", overrides: object = None) -> str:
        if overrides:
            raise invalid("state overrides are not supported")
        newest = isinstance(block, str) and block in HEAD_TAGS
        header = self._chain.pending_header() if newest else self._header(block)
        return hexed(simulate.estimate(self._store, header, self._chain.chain_id, call_of(call)))

    def _send(self, raw: object) -> str:
        return hexed(self._chain.send_raw(data(raw, "the transaction")))

    def _nonce(self, address: object, block: object = "latest") -> str:
        account, number = data(address, "address", 20), self._number(block)
        with lost_nodes(self._store.path):
            return hexed(self._chain.account(number).get_nonce(Address(account)))

    def _balance(self, address: object, block: object = "latest") -> str:
        account, number = data(address, "address", 20), self._number(block)
        with lost_nodes(self._store.path):
            return hexed(self._chain.account(number).get_balance(Address(account)))

    def _code(self, address: object, block: object = "latest") -> str:
        account, number = data(address, "address", 20), self._number(block)
        with lost_nodes(self._store.path):
            return hexed(self._chain.account(number).get_code(Address(account)))

    def _storage(self, address: object, slot: object, block: object = "latest") -> str:
        account, number = data(address, "address", 20), self._number(block)
        with lost_nodes(self._store.path):
            value = self._chain.account(number).get_storage(Address(account), _slot(slot))
        return hexed(value.to_bytes(32, "big"))

    def _proof(self, address: object, slots: object, block: object = "latest") -> dict[str, Any]:
        """EIP-1186: the nodes from the state root to the account, and on to each slot."""
        account, number = data(address, "address", 20), self._number(block)
        if not isinstance(slots, list) or len(slots) > MAX_LIST:
            raise invalid(f"the second one must be a list of at most {MAX_LIST} slots")
        wanted = [(slot, _slot(slot)) for slot in slots]
        with lost_nodes(self._store.path):
            accounts = self._chain.account(number)
            found = {
                "balance": hexed(accounts.get_balance(Address(account))),
                "nonce": hexed(accounts.get_nonce(Address(account))),
                "codeHash": hexed(accounts.get_code_hash(Address(account))),
            }
            root = self._chain.header(number).state_root
            leaf, path = self._prove(root, account)
            storage_root = rlp.decode(leaf)[2] if leaf else BLANK_ROOT_HASH
            proofs = []
            for name, slot in wanted:
                value, nodes = self._prove(storage_root, slot.to_bytes(32, "big"))
                number_there = int.from_bytes(rlp.decode(value), "big") if value else 0
                proofs.append({"key": name, "value": hexed(number_there), "proof": nodes})
        return {
            "address": hexed(account),
            "accountProof": path,
            "storageHash": hexed(storage_root),
            "storageProof": proofs,
            **found,
        }

    def _prove(self, root: bytes, key: bytes) -> tuple[bytes, list[str]]:
        if root == BLANK_ROOT_HASH:
            return b"", []
        trie = HexaryTrie(StateNodes(self._store), root)
        hashed = keccak(key)
        return trie[hashed], [hexed(node) for node in _path(trie, hashed)]

    def _fee_history(
        self, count: object, newest: object, percentiles: object = None
    ) -> dict[str, Any]:
        """Every fee is zero; the shares of gas used are real."""
        wanted = quantity(hex(count) if isinstance(count, int) else count, "block count")
        last = self._number(newest)
        self._chain.header(last)
        first = max(0, last - min(wanted, MAX_FEE_HISTORY) + 1)
        headers = [self._chain.header(number) for number in range(first, last + 1)]
        answer: dict[str, Any] = {
            "oldestBlock": hexed(first),
            "baseFeePerGas": ["0x0"] * (len(headers) + 1),
            "gasUsedRatio": [header.gas_used / header.gas_limit for header in headers],
        }
        if isinstance(percentiles, list) and percentiles:
            answer["reward"] = [["0x0"] * len(percentiles) for _ in headers]
        return answer


def _no_accounts() -> list[str]:
    """The node keeps no keys."""
    return []


def _path(trie: HexaryTrie, key: bytes) -> list[bytes]:
    """The nodes on the way to ``key``, root first; those that stand inside their parent left out."""
    get_proof: Callable[[bytes], list[object]] = trie.get_proof
    encoded = [rlp.encode(node) for node in get_proof(key)]
    return [node for at, node in enumerate(encoded) if at == 0 or len(node) >= HASHED]


def _slot(value: object) -> int:
    """A storage slot: a number, or 32 bytes of data with leading zeros."""
    return quantity(value, "slot")


def _addresses(value: object) -> list[bytes]:
    if value is None:
        return []
    given = value if isinstance(value, list) else [value]
    if len(given) > MAX_LIST:
        raise invalid(f"at most {MAX_LIST} addresses")
    return [data(one, "address", 20) for one in given]


def _topics(value: object) -> list[list[bytes]]:
    if value is None:
        return []
    if not isinstance(value, list) or len(value) > MAX_TOPICS:
        raise invalid("topics must be a list of at most four")
    positions = []
    for one in value:
        given = one if isinstance(one, list) else [] if one is None else [one]
        if len(given) > MAX_LIST:
            raise invalid(f"at most {MAX_LIST} words for a topic")
        # A null among alternatives means anything, as alone.
        positions.append([] if None in given else [data(word, "topic", 32) for word in given])
    return positions

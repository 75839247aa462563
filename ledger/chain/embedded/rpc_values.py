"""Values of the Ethereum JSON-RPC API (execution-apis): parsing requests, shaping answers."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from eth.abc import BlockHeaderAPI

from ledger.chain.embedded.evm import bloom_of, decode_transaction
from ledger.chain.embedded.logindex import FoundLog
from ledger.chain.embedded.records import LogRow, TransactionRow
from ledger.chain.embedded.simulate import Call

PARSE_ERROR, INVALID_REQUEST, UNKNOWN_METHOD = -32700, -32600, -32601
INVALID_PARAMS, INTERNAL_ERROR = -32602, -32603
SERVER_ERROR, LIMIT_EXCEEDED, REVERTED = -32000, -32005, 3
QUANTITY = re.compile("0x[0-9a-fA-F]{1,64}")


class RpcError(Exception):
    """An answer of JSON-RPC 2.0 with ``error``: code, words, and data (hex) where there is some."""

    def __init__(self, code: int, message: str, data: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.data = data


def invalid(what: str) -> RpcError:
    """A parameter that is not what the method takes."""
    return RpcError(INVALID_PARAMS, f"invalid params: {what}")


def quantity(value: object, name: str) -> int:
    """A ``QUANTITY``: ``0x`` and hex digits, at most 256 bits."""
    if isinstance(value, str) and QUANTITY.fullmatch(value):
        return int(value, 16)
    raise invalid(f"{name} must be a hex number such as 0x1a, got {value!r}")


def data(value: object, name: str, length: int | None = None) -> bytes:
    """``DATA``: ``0x`` and two hex digits a byte; exactly ``length`` bytes where that is given."""
    if isinstance(value, str) and value.startswith("0x"):
        try:
            raw = bytes.fromhex(value[2:])
        except ValueError:
            raw = None
        if raw is not None and len(value) == 2 + 2 * len(raw) and length in (None, len(raw)):
            return raw
    size = "" if length is None else f" of {length} bytes"
    raise invalid(f"{name} must be hex data{size} with 0x, got {str(value)[:80]!r}")


def hexed(value: int | bytes) -> str:
    """A number as ``QUANTITY``, bytes as ``DATA``."""
    return hex(value) if isinstance(value, int) else "0x" + value.hex()


def call_of(value: object) -> Call:
    """The transaction object of ``eth_call`` and ``eth_estimateGas``."""
    if not isinstance(value, Mapping):
        raise invalid("the first one must be a transaction object")
    text = value.get("input", value.get("data"))
    both = value.get("input"), value.get("data")
    if None not in both and both[0] != both[1]:
        raise invalid("input and data differ: give one of them")
    return Call(
        sender=data(value["from"], "from", 20) if value.get("from") else bytes(20),
        to=data(value["to"], "to", 20) if value.get("to") else None,
        data=b"" if text is None else data(text, "data"),
        value=quantity(value["value"], "value") if value.get("value") is not None else 0,
        gas=quantity(value["gas"], "gas") if value.get("gas") is not None else None,
    )


def block_object(
    header: BlockHeaderAPI, transactions: Sequence[TransactionRow], size: int, *, full: bool
) -> dict[str, Any]:
    """A block as ``eth_getBlockBy…`` gives it; ``size`` in bytes."""
    return {
        "number": hexed(header.block_number),
        "hash": hexed(header.hash),
        "parentHash": hexed(header.parent_hash),
        "nonce": hexed(header.nonce),
        "sha3Uncles": hexed(header.uncles_hash),
        "logsBloom": hexed(header.bloom.to_bytes(256, "big")),
        "transactionsRoot": hexed(header.transaction_root),
        "stateRoot": hexed(header.state_root),
        "receiptsRoot": hexed(header.receipt_root),
        "miner": hexed(header.coinbase),
        "difficulty": "0x0",
        "totalDifficulty": "0x0",
        "extraData": hexed(header.extra_data),
        "size": hexed(size),
        "gasLimit": hexed(header.gas_limit),
        "gasUsed": hexed(header.gas_used),
        "timestamp": hexed(header.timestamp),
        "mixHash": hexed(header.mix_hash),
        "baseFeePerGas": hexed(header.base_fee_per_gas or 0),
        "withdrawalsRoot": hexed(header.withdrawals_root or b""),
        "withdrawals": [],
        "blobGasUsed": hexed(header.blob_gas_used),
        "excessBlobGas": hexed(header.excess_blob_gas),
        "parentBeaconBlockRoot": hexed(header.parent_beacon_block_root or b""),
        "uncles": [],
        "transactions": [
            transaction_object(row, header.hash) if full else hexed(row.hash)
            for row in transactions
        ],
    }


def transaction_object(row: TransactionRow, block_hash: bytes) -> dict[str, Any]:
    """A transaction as ``eth_getTransactionByHash`` gives it."""
    transaction = decode_transaction(row.raw)
    shape: dict[str, Any] = {
        "hash": hexed(row.hash),
        "type": hexed(row.kind),
        "nonce": hexed(transaction.nonce),
        "blockHash": hexed(block_hash),
        "blockNumber": hexed(row.number),
        "transactionIndex": hexed(row.position),
        "from": hexed(row.sender),
        "to": hexed(transaction.to) if transaction.to else None,
        "value": hexed(transaction.value),
        "gas": hexed(transaction.gas),
        "gasPrice": "0x0",
        "input": hexed(transaction.data),
        "chainId": None if transaction.chain_id is None else hexed(transaction.chain_id),
        "r": hexed(transaction.r),
        "s": hexed(transaction.s),
    }
    if not row.kind:
        v = 35 + 2 * transaction.chain_id + transaction.y_parity if transaction.chain_id else 0
        return shape | {"gasPrice": hexed(transaction.gas_price), "v": hexed(v)}
    shape |= {
        "v": hexed(transaction.y_parity),
        "yParity": hexed(transaction.y_parity),
        "accessList": [
            {
                "address": hexed(address),
                "storageKeys": [hexed(slot.to_bytes(32, "big")) for slot in slots],
            }
            for address, slots in transaction.access_list
        ],
    }
    if row.kind == 1:
        return shape | {"gasPrice": hexed(transaction.gas_price)}
    return shape | {
        "maxFeePerGas": hexed(transaction.max_fee_per_gas),
        "maxPriorityFeePerGas": hexed(transaction.max_priority_fee_per_gas),
        "gasPrice": hexed(min(transaction.max_fee_per_gas, transaction.max_priority_fee_per_gas)),
    }


def receipt_object(
    row: TransactionRow, logs: Sequence[LogRow], header: BlockHeaderAPI
) -> dict[str, Any]:
    """A receipt as ``eth_getTransactionReceipt`` gives it."""
    transaction = decode_transaction(row.raw)
    price = min(transaction.max_fee_per_gas, transaction.max_priority_fee_per_gas)
    shape = {
        "transactionHash": hexed(row.hash),
        "transactionIndex": hexed(row.position),
        "blockHash": hexed(header.hash),
        "blockNumber": hexed(row.number),
        "from": hexed(row.sender),
        "to": hexed(transaction.to) if transaction.to else None,
        "cumulativeGasUsed": hexed(row.cumulative_gas),
        "gasUsed": hexed(row.gas_used),
        "effectiveGasPrice": hexed(price),
        "contractAddress": hexed(row.created) if row.created else None,
        "logs": [
            log_object(FoundLog(row.number, header.hash, row.hash, log), header.timestamp)
            for log in logs
        ],
        "logsBloom": hexed(bloom_of(logs).to_bytes(256, "big")),
        "type": hexed(row.kind),
        "status": hexed(int(row.succeeded)),
    }
    return shape if row.succeeded else shape | {"revertReason": hexed(row.output)}


def log_object(found: FoundLog, timestamp: int | None = None) -> dict[str, Any]:
    """An event as ``eth_getLogs`` gives it."""
    shape = {
        "address": hexed(found.row.address),
        "topics": [hexed(topic) for topic in found.row.topics],
        "data": hexed(found.row.data),
        "blockNumber": hexed(found.number),
        "blockHash": hexed(found.block_hash),
        "transactionHash": hexed(found.transaction_hash),
        "transactionIndex": hexed(found.row.position),
        "logIndex": hexed(found.row.log_index),
        "removed": False,
    }
    return shape if timestamp is None else shape | {"blockTimestamp": hexed(timestamp)}

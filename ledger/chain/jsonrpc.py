"""Any EVM chain behind JSON-RPC, as a :class:`~ledger.chain.interface.Chain`.

Nodes differ most in ``eth_getLogs``: Besu refuses more than 5,000 blocks, gateways refuse by the
number or size of results, and FISCO BCOS 3 answers a long range *silently* with the events of its
first ten blocks. So a range is trusted only as far as this node was seen to return an event at its
end: an answer counts up to its last event, or up to the span proven before, and what lies behind is
asked for again.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Mapping, Sequence
from typing import Any, Self

import msgspec
from eth_utils.crypto import keccak
from web3 import Web3
from web3.middleware import ExtraDataToPOAMiddleware
from web3.providers.base import JSONBaseProvider
from web3.types import RPCEndpoint, RPCError, RPCResponse

from ledger.chain.interface import (
    BlockRef,
    CallReverted,
    ChainError,
    RawLog,
    TransactionOutcome,
)
from ledger.chain.transport import (
    ChainTimeout,
    ChainUnavailable,
    Endpoint,
    NotAChain,
    RpcError,
)

FIRST_SPAN = 10
"""Blocks a node is trusted to scan before it has shown more (the default of FISCO BCOS 3)."""
WIDEST_SPAN = 5_000
"""Most blocks asked for at once (Besu's limit)."""
LOG_ANSWER_BYTES = 32 << 20
"""Size of a getLogs answer to aim for at most, in bytes of JSON."""
METHOD_UNKNOWN = -32601
REVERTED = 3
KNOWN_ALREADY = ("already known", "known transaction", "already imported", "alreadyknown")
NEVER_ACCEPTED = (
    "exceeds block gas limit",
    "exceeds the block gas limit",
    "gas limit is too high",
    "gas limit too high",
    "exceeds transaction gas",
    "transaction gas limit",
    "oversized data",
    "intrinsic gas too low",
    "max initcode size",
    "invalid chain id",
    "incompatible eip-155",
    "invalid sender",
)
"""What nodes say of a transaction that they will never take, however often it is sent."""


class TransactionRefused(ChainError):
    """The node will never take this transaction as it is; it was not sent."""


class _Block(msgspec.Struct, rename="camel"):
    number: str
    hash: str
    parent_hash: str
    timestamp: str
    base_fee_per_gas: str | None = None
    logs_bloom: str | None = None


class _Log(msgspec.Struct, rename="camel"):
    address: str
    topics: list[str]
    data: str
    block_number: str
    transaction_hash: str
    log_index: str
    block_hash: str | None = None
    blockhash: str | None = None
    removed: bool | None = None


class _Receipt(msgspec.Struct, rename="camel"):
    transaction_hash: str
    block_number: str | None
    block_hash: str | None
    gas_used: str
    status: str | None = None


_TEXT = msgspec.json.Decoder(str)
_BLOCK = msgspec.json.Decoder(_Block | None)
_LOGS = msgspec.json.Decoder(list[_Log] | None)
_RECEIPT = msgspec.json.Decoder(_Receipt | None)


class _Provider(JSONBaseProvider):
    """web3.py over the same endpoint, so that its calls are retried and named alike."""

    def __init__(self, endpoint: Endpoint) -> None:
        super().__init__()
        self._endpoint = endpoint

    def make_request(self, method: RPCEndpoint, params: Any) -> RPCResponse:  # noqa: ANN401
        try:
            result = self._endpoint.call(method, *params)
        except RpcError as problem:
            error = RPCError(code=problem.code, message=problem.reason)
            if problem.data is not None:
                error["data"] = "0x" + problem.data.hex()
            return RPCResponse(jsonrpc="2.0", id=0, error=error)
        return RPCResponse(jsonrpc="2.0", id=0, result=msgspec.json.decode(result))

    def is_connected(self, show_traceback: bool = False) -> bool:  # noqa: FBT001, FBT002
        try:
            self._endpoint.call("eth_chainId")
        except ChainError:
            if show_traceback:
                raise
            return False
        return True


class JsonRpcChain:
    """A node at ``url``; ``span`` is the getLogs range proven before, in blocks (see the probe).

    Opening asks for the chain id, so that a wrong address is found at once; raises ChainError.
    """

    def __init__(
        self,
        url: str,
        *,
        timeout: float = 30.0,
        tries: int = 5,
        pause: float = 0.1,
        span: int = FIRST_SPAN,
    ) -> None:
        self.endpoint = Endpoint(url, timeout=timeout, tries=tries, pause=pause)
        self._w3 = Web3(_Provider(self.endpoint))
        self._w3.middleware_onion.inject(ExtraDataToPOAMiddleware, layer=0)
        self._span = max(1, span)
        self._limit = WIDEST_SPAN
        self._step = 256
        self._lock = threading.Lock()
        try:
            self._chain_id = self._number("eth_chainId")
        except RpcError as problem:
            self.close()
            raise NotAChain(
                f"{self.name} does not tell its chain id ({problem.reason}): no Ethereum node"
            ) from problem
        except BaseException:
            self.close()
            raise

    @property
    def chain_id(self) -> int:
        return self._chain_id

    @property
    def name(self) -> str:
        return self.endpoint.name

    @property
    def w3(self) -> Web3:
        return self._w3

    @property
    def max_log_range(self) -> int:
        """Blocks in one getLogs range that this node was seen to scan to their end."""
        return self._span

    def trust_span(self, blocks: int) -> None:
        """Take a span as proven that an earlier probe of this very node has proven."""
        self._span = max(self._span, min(blocks, self._limit))

    @property
    def log_limit(self) -> int:
        """Blocks in one getLogs range beyond which the node failed, or the widest asked for."""
        return self._limit

    def close(self) -> None:
        self.endpoint.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # -- blocks --------------------------------------------------------------------------------

    def head(self) -> BlockRef:
        return self._reference(self._block("latest"))

    def blocks(self, numbers: Sequence[int]) -> list[BlockRef]:
        calls = [("eth_getBlockByNumber", [hex(number), False]) for number in numbers]
        found = []
        for number, raw in zip(numbers, self.endpoint.call_many(calls), strict=True):
            block = self._reference(self._decoded(_BLOCK, raw), str(number))
            if block.number != number:
                raise ChainError(f"{self.name} gives block {block.number} for block {number}")
            found.append(block)
        return found

    def blooms(self, numbers: Sequence[int]) -> list[bytes]:
        """The ``logsBloom`` of these blocks (256 bytes each), b"" where the node leaves it out."""
        calls = [("eth_getBlockByNumber", [hex(number), False]) for number in numbers]
        found = [self._decoded(_BLOCK, raw) for raw in self.endpoint.call_many(calls)]
        return [_bytes(block.logs_bloom or "") if block else b"" for block in found]

    def _block(self, tag: str) -> _Block | None:
        (raw,) = self.endpoint.call_many([("eth_getBlockByNumber", [tag, False])])
        found: _Block | None = self._decoded(_BLOCK, raw)
        return found

    def _reference(self, block: _Block | None, which: str = "latest") -> BlockRef:
        if block is None:
            raise ChainError(
                f"{self.name} has no block {which}; it is not synchronised, has dropped old "
                "blocks, or is another chain"
            )
        return BlockRef(
            number=int(block.number, 16),
            hash=_bytes(block.hash),
            parent_hash=_bytes(block.parent_hash),
            timestamp=int(block.timestamp, 16),
        )

    # -- events --------------------------------------------------------------------------------

    def logs(
        self, address: bytes, first: int, last: int, topics: Sequence[bytes | None] = ()
    ) -> list[RawLog]:
        """All events of ``address`` in blocks ``first..last``, in chain order; ``topics`` filter.

        Any range may be asked: it is split into what the node answers, and into what it can be
        trusted to have scanned (see above). Raises ChainError.
        """
        found: list[RawLog] = []
        at = first
        while at <= last:
            rows, end = self._answer(address, at, last, topics)
            reach = rows[-1].block_number if rows else at - 1
            if reach - at + 1 > self._span:
                self._span = min(reach - at + 1, self._limit)
            elif rows and not topics and self._may_reach_farther(reach):
                self.prove_span(address, rows[-1])
            until = min(end, max(reach, at + self._span - 1))
            found += rows
            at = until + 1
        return found

    def _may_reach_farther(self, block: int) -> bool:
        return self._span < min(self._limit, block + 1) and self._span * 2 <= block + 1

    def prove_span(self, address: bytes, canary: RawLog) -> int:
        """Find the widest range whose end this node scans, by an event known to stand there.

        Asks for ranges that end at the canary's block, narrower ones while the canary is missing or
        the node refuses. Returns the proven span in blocks; what the node fails at is remembered.
        """
        span = min(self._limit, canary.block_number + 1)
        while span > self._span:
            start = canary.block_number - span + 1
            try:
                rows = self._ask(address, start, canary.block_number, canary.topics[:2])[0]
                missing = all(row.block_number != canary.block_number for row in rows)
            except (RpcError, ChainTimeout):
                missing = True
            if not missing:
                self._span = span
                break
            self._limit = span - 1
            span //= 2
        return self._span

    def _answer(
        self, address: bytes, first: int, last: int, topics: Sequence[bytes | None]
    ) -> tuple[list[RawLog], int]:
        """Events from ``first`` to the returned block, as near to ``last`` as one answer goes."""
        while True:
            # twice the proven span: where the answer reaches farther than before, more is proven
            step = min(self._step, self._span * 2, max(self._limit, 1))
            end = min(last, first + step - 1)
            try:
                rows, size = self._ask(address, first, end, topics)
            except (RpcError, ChainTimeout) as problem:
                if end == first or getattr(problem, "code", 0) == METHOD_UNKNOWN:
                    raise
                # "range too wide", "more than 10000 results", "response too large", "timed out":
                # the wording differs by node, the way out is the same
                with self._lock:
                    self._step = max(1, (end - first + 1) // 2)
                continue
            with self._lock:
                if size > LOG_ANSWER_BYTES:
                    self._step = max(1, step * LOG_ANSWER_BYTES // (2 * size))
                elif size < LOG_ANSWER_BYTES // 4 and end - first + 1 == self._step:
                    self._step = min(WIDEST_SPAN, self._step * 2)
            return rows, end

    def _ask(
        self, address: bytes, first: int, last: int, topics: Sequence[bytes | None]
    ) -> tuple[list[RawLog], int]:
        """One getLogs call, its events in order and its size in bytes."""
        question = {
            "fromBlock": hex(first),
            "toBlock": hex(last),
            "address": "0x" + address.hex(),
            "topics": [None if topic is None else "0x" + topic.hex() for topic in topics],
        }
        raw = self.endpoint.call("eth_getLogs", question)
        rows = self._decoded(_LOGS, raw) or []
        return self._events(rows, address, first, last), len(memoryview(raw))

    def _events(self, rows: Sequence[_Log], address: bytes, first: int, last: int) -> list[RawLog]:
        sender = "0x" + address.hex()
        words: dict[str, bytes] = {}

        def word(text: str) -> bytes:
            # blocks, transactions and the first topic come again and again
            found = words.get(text)
            if found is None:
                found = words[text] = _bytes(text)
            return found

        events = []
        for row in rows:
            if row.removed:
                continue
            number = int(row.block_number, 16)
            if row.address.lower() != sender or not first <= number <= last:
                raise ChainError(
                    f"{self.name} answers eth_getLogs with an event that was not asked for "
                    f"({row.address} in block {number}); its events cannot be trusted"
                )
            block_hash = row.block_hash or row.blockhash
            if block_hash is None:
                raise ChainError(f"{self.name} leaves out the block hash of an event")
            events.append(
                RawLog(
                    topics=tuple([word(topic) for topic in row.topics]),
                    data=bytes.fromhex(row.data[2:]),
                    block_number=number,
                    block_hash=word(block_hash),
                    transaction_hash=word(row.transaction_hash),
                    log_index=int(row.log_index, 16),
                )
            )
        events.sort(key=lambda event: (event.block_number, event.log_index))
        return events

    # -- state ---------------------------------------------------------------------------------

    def call(self, to: bytes, data: bytes, block: int | None = None) -> bytes:
        question = {"to": "0x" + to.hex(), "data": "0x" + data.hex()}
        try:
            return self._octets("eth_call", question, "latest" if block is None else hex(block))
        except RpcError as problem:
            raise self._refusal(problem) from problem

    def code(self, address: bytes) -> bytes:
        return self._octets("eth_getCode", "0x" + address.hex(), "latest")

    def nonce(self, address: bytes) -> int:
        return self._number("eth_getTransactionCount", "0x" + address.hex(), "pending")

    # -- transactions --------------------------------------------------------------------------

    def fees(self) -> dict[str, int]:
        """``gasPrice`` where blocks have no base fee, otherwise the two members of EIP-1559.

        The tip is what the node's own ``eth_gasPrice`` adds to the base fee, so it is zero where
        gas is free; the base fee may double before the transaction is dropped.
        """
        block = self._block("latest")
        price = self._number("eth_gasPrice")
        if block is None or block.base_fee_per_gas is None:
            return {"gasPrice": price}
        base = int(block.base_fee_per_gas, 16)
        tip = max(0, price - base)
        return {"maxFeePerGas": 2 * base + tip, "maxPriorityFeePerGas": tip}

    def estimate_gas(self, sender: bytes, to: bytes | None, data: bytes) -> int:
        question = {"from": "0x" + sender.hex(), "data": "0x" + data.hex()}
        if to is not None:
            question["to"] = "0x" + to.hex()
        try:
            return self._number("eth_estimateGas", question)
        except RpcError as problem:
            raise self._refusal(problem) from problem

    def send_raw(self, raw: bytes) -> bytes:
        """Hand over a signed transaction; returns its hash.

        An error of the node does not mean that it was not taken: Hardhat and FISCO BCOS report a
        transaction that was mined and reverted as an error, and "nonce too low" may be this very
        transaction in a block. So after an error the node is asked for the transaction itself.
        Raises :class:`TransactionRefused` for what the node will never take, ChainError otherwise.
        """
        own = bytes(keccak(raw))
        try:
            self.endpoint.call("eth_sendRawTransaction", "0x" + raw.hex())
        except RpcError as problem:
            reason = problem.reason.lower()
            if any(words in reason for words in KNOWN_ALREADY) or self._has(own):
                return own
            if any(words in reason for words in NEVER_ACCEPTED):
                raise TransactionRefused(
                    f"{self.name} will not take the transaction: {problem.reason}; sign fewer or "
                    "smaller statements in one batch, or raise the node's limits"
                ) from problem
            raise
        return own

    def _has(self, transaction: bytes) -> bool:
        """Whether the node knows the transaction, in a block or waiting."""
        with contextlib.suppress(RpcError):
            raw = self.endpoint.call("eth_getTransactionByHash", "0x" + transaction.hex())
            return bytes(raw).strip() != b"null"
        return False

    def outcome(self, transaction_hash: bytes) -> TransactionOutcome | None:
        raw = self.endpoint.call("eth_getTransactionReceipt", "0x" + transaction_hash.hex())
        receipt = self._decoded(_RECEIPT, raw)
        if receipt is None or receipt.block_number is None or receipt.block_hash is None:
            return None
        return TransactionOutcome(
            transaction_hash=transaction_hash,
            succeeded=receipt.status is None or int(receipt.status, 16) == 1,
            block_number=int(receipt.block_number, 16),
            block_hash=_bytes(receipt.block_hash),
            gas_used=int(receipt.gas_used, 16),
        )

    # -- decoding ------------------------------------------------------------------------------

    def _refusal(self, problem: RpcError) -> ChainError:
        """A contract's refusal, told apart from the node's own errors."""
        reason = problem.reason.lower()
        if problem.data or problem.code == REVERTED or "revert" in reason:
            return CallReverted(f"the contract refuses: {problem.reason}", problem.data or b"")
        if "gas" in reason and any(words in reason for words in ("exceed", "limit", "out of")):
            return TransactionRefused(f"{self.name} cannot run the call: {problem.reason}")
        return problem

    def _number(self, method: str, *params: object) -> int:
        raw = self.endpoint.call(method, *params)
        try:
            return int(_TEXT.decode(raw), 16)
        except (msgspec.DecodeError, ValueError) as problem:
            raise self._strange(method, raw) from problem

    def _octets(self, method: str, *params: object) -> bytes:
        raw = self.endpoint.call(method, *params)
        try:
            return _bytes(_TEXT.decode(raw))
        except (msgspec.DecodeError, ValueError) as problem:
            raise self._strange(method, raw) from problem

    def _decoded(self, decoder: msgspec.json.Decoder[Any], raw: msgspec.Raw) -> Any:  # noqa: ANN401
        try:
            return decoder.decode(raw)
        except (msgspec.DecodeError, ValueError) as problem:
            raise NotAChain(f"{self.name} answers in a form unknown here ({problem})") from problem

    def _strange(self, method: str, raw: msgspec.Raw) -> ChainError:
        return NotAChain(f"{self.name} answers {method} with {bytes(raw)[:60]!r}")


def _bytes(text: str) -> bytes:
    return bytes.fromhex(text.removeprefix("0x"))


def filled(fees: Mapping[str, int]) -> int:
    """The most that one unit of gas may cost under these fee members, in wei."""
    return fees.get("gasPrice", fees.get("maxFeePerGas", 0))


__all__ = ["ChainUnavailable", "JsonRpcChain", "TransactionRefused", "filled"]

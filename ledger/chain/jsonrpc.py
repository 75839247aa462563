"""Any EVM chain behind JSON-RPC, as a :class:`~ledger.chain.interface.Chain`."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Self

import msgspec
from eth_utils.crypto import keccak

from ledger.chain.interface import (
    BlockRef,
    CallReverted,
    ChainError,
    RawLog,
    TransactionOutcome,
    TransactionRefused,
)
from ledger.chain.logranges import FIRST_SPAN, LogRanges
from ledger.chain.node_faults import NotAChain, RpcError
from ledger.chain.transport import Endpoint

if TYPE_CHECKING:
    from web3 import Web3

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


class _Block(msgspec.Struct, rename="camel"):
    number: str
    hash: str
    parent_hash: str
    timestamp: str
    gas_limit: str = "0x0"
    base_fee_per_gas: str | None = None
    logs_bloom: str | None = None


class _Receipt(msgspec.Struct, rename="camel"):
    transaction_hash: str
    block_number: str | None
    block_hash: str | None
    gas_used: str
    status: str | None = None


_TEXT = msgspec.json.Decoder(str)
_BLOCK = msgspec.json.Decoder(_Block | None)
_RECEIPT = msgspec.json.Decoder(_Receipt | None)


class JsonRpcChain:
    """A node at ``url``; ``span`` is the getLogs range proven before, in blocks (see the probe).

    Opening asks for the chain id, so that a wrong address is found at once; raises ChainError. Where
    ``chain_id`` is given, nothing is asked yet: see :meth:`Endpoint.greet_with`.
    """

    def __init__(
        self,
        url: str,
        *,
        timeout: float = 30.0,
        tries: int = 5,
        pause: float = 0.1,
        span: int = FIRST_SPAN,
        chain_id: int | None = None,
    ) -> None:
        self.endpoint = Endpoint(url, timeout=timeout, tries=tries, pause=pause)
        self._w3: Web3 | None = None
        self.ranges = LogRanges(self.endpoint, span)
        if chain_id is not None:
            self._chain_id = chain_id
            return
        try:
            self._chain_id = self.told_chain_id()
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

    def told_chain_id(self) -> int:
        """The chain id that the node tells now; raises ChainError."""
        return self._number("eth_chainId")

    @property
    def name(self) -> str:
        return self.endpoint.name

    @property
    def w3(self) -> Web3:
        if self._w3 is None:
            # half a second to import, and few commands need it
            from ledger.chain.web3_provider import web3_over  # noqa: PLC0415

            self._w3 = web3_over(self.endpoint)
        return self._w3

    @property
    def max_log_range(self) -> int:
        """Blocks in one getLogs range that this node was seen to scan to their end."""
        return self.ranges.span

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

    def block_gas_limit(self) -> int:
        """Gas that the newest block could hold."""
        block = self._block("latest")
        return 0 if block is None else int(block.gas_limit, 16)

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

        Any range may be asked; see :mod:`ledger.chain.logranges`.
        """
        return self.ranges.logs(address, first, last, topics)

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

    def mined_nonce(self, address: bytes) -> int:
        return self._number("eth_getTransactionCount", "0x" + address.hex(), "latest")

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
        (found,) = self.estimate_many(sender, [(to, data)])
        if isinstance(found, ChainError):
            raise found
        return found

    def estimate_many(
        self, sender: bytes, calls: Sequence[tuple[bytes | None, bytes]]
    ) -> list[int | ChainError]:
        """The gas that each of several calls would take, or why it would fail; in few round trips."""
        questions = [
            {"from": "0x" + sender.hex(), "data": "0x" + data.hex()}
            | ({} if to is None else {"to": "0x" + to.hex()})
            for to, data in calls
        ]
        found: list[int | ChainError] = []
        for answer in self.endpoint.call_each([("eth_estimateGas", [one]) for one in questions]):
            if isinstance(answer, RpcError):
                found.append(self._refusal(answer))
            else:
                found.append(self._integer("eth_estimateGas", answer))
        return found

    def send_raw(self, raw: bytes) -> bytes:
        """Hand over a signed transaction; returns its hash.

        An error of the node does not mean that it was not taken: Hardhat and FISCO BCOS report a
        transaction that was mined and reverted as an error, and "nonce too low" may be this very
        transaction in a block. So after an error the node is asked for the transaction itself.
        Raises :class:`TransactionRefused` for what the node will never take, ChainError otherwise.
        """
        (result,) = self.send_many([raw])
        if isinstance(result, ChainError):
            raise result
        return result

    def send_many(self, raws: Sequence[bytes]) -> list[bytes | ChainError]:
        """Hand over several, in order and few round trips; for each its hash, or its error."""
        calls = [("eth_sendRawTransaction", ["0x" + raw.hex()]) for raw in raws]
        answers = self.endpoint.call_each(calls)
        return [
            self._taken(bytes(keccak(raw)), answer)
            for raw, answer in zip(raws, answers, strict=True)
        ]

    def _taken(self, own: bytes, answer: msgspec.Raw | RpcError) -> bytes | ChainError:
        if not isinstance(answer, RpcError):
            return own
        reason = answer.reason.lower()
        if any(words in reason for words in KNOWN_ALREADY) or self._has(own):
            return own
        if any(words in reason for words in NEVER_ACCEPTED):
            return TransactionRefused(
                f"{self.name} will not take the transaction: {answer.reason}; sign fewer or "
                "smaller statements in one batch, or raise the node's limits"
            )
        return answer

    def _has(self, transaction: bytes) -> bool:
        """Whether the node knows the transaction, in a block or waiting."""
        with contextlib.suppress(RpcError):
            raw = self.endpoint.call("eth_getTransactionByHash", "0x" + transaction.hex())
            return bytes(raw).strip() != b"null"
        return False

    def outcome(self, transaction_hash: bytes) -> TransactionOutcome | None:
        return self.outcomes([transaction_hash])[0]

    def outcomes(self, hashes: Sequence[bytes]) -> list[TransactionOutcome | None]:
        """What became of several transactions, in few round trips."""
        calls = [("eth_getTransactionReceipt", ["0x" + one.hex()]) for one in hashes]
        answers = self.endpoint.call_many(calls)
        return [self._outcome(one, raw) for one, raw in zip(hashes, answers, strict=True)]

    def _outcome(self, transaction_hash: bytes, raw: msgspec.Raw) -> TransactionOutcome | None:
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
        return self._integer(method, self.endpoint.call(method, *params))

    def _integer(self, method: str, raw: msgspec.Raw) -> int:
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

"""A chain that takes transactions, replaces its blocks, and is asked through nodes that fail.

The log on it does what the contract does where an outbox can see it: it takes every version of a subject
once, and refuses the rest with the contract's own error. That is checked by nobody else here, so a batch
that an office sends twice is found in a block twice unless the office's own order prevents it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec
from eth_abi import encode
from eth_utils.crypto import keccak

from ledger.chain.interface import (
    BlockRef,
    CallReverted,
    ChainError,
    NonceRefused,
    RawLog,
    TransactionOutcome,
)
from ledger.chain.node_faults import ChainTimeout, ChainUnavailable
from ledger.chain.outbox import calldata_of
from ledger.statements import SignedBatch, kind_word, subject_of, text_hash
from tests.faults.simulation.acts import digest_of
from tests.faults.simulation.machine import Machine
from tests.simulator import SimulatedChain

STALE = bytes(keccak(text="StaleVersion(bytes32,bytes32,uint64,uint64)"))[:4]
ROOM = 8
"""Transactions in a block, at most."""


_calldata: dict[bytes, bytes] = {}


def calldata(signed: SignedBatch) -> bytes:
    """:func:`calldata_of`, worked out once."""
    digest = digest_of(signed)
    if digest not in _calldata:
        _calldata[digest] = calldata_of(signed)
    return _calldata[digest]


class Transaction(msgspec.Struct, frozen=True):
    """What the sender's key signed: as much of it as this chain looks at."""

    nonce: int
    to: str
    data: bytes

    @property
    def raw(self) -> bytes:
        return msgspec.msgpack.encode(self)

    @property
    def hash(self) -> bytes:
        return bytes(keccak(self.raw))


class Sender:
    """Stands in for the account that carries transactions; this chain believes what it is told."""

    address = "0x" + "5e" * 20

    def sign_transaction(self, fields: dict[str, Any]) -> Any:
        signed = Transaction(fields["nonce"], fields["to"], bytes(fields["data"]))

        class Signed:
            raw_transaction = signed.raw

        return Signed


@dataclass
class Network(SimulatedChain):
    """The chain itself; nodes (:class:`Node`) answer for it."""

    batches: dict[bytes, SignedBatch] = field(default_factory=dict)
    """Every batch that anybody could send, by its calldata."""
    pool: dict[bytes, Transaction] = field(default_factory=dict)
    mined: dict[bytes, TransactionOutcome] = field(default_factory=dict)
    carried: dict[bytes, Transaction] = field(default_factory=dict)
    past: dict[bytes, tuple[int, int, bytes]] = field(default_factory=dict)
    """Every block that ever was: hash -> number, size and root of the log after it."""
    highest: int = 0
    by_digest: dict[bytes, bytes] = field(default_factory=dict)

    def know(self, signed: SignedBatch) -> None:
        self.batches.setdefault(calldata(signed), signed)

    def _seal(self, events: Any, number: int | None = None) -> None:
        super()._seal(events, number)
        block = self.chain[-1]
        self.past[block.ref.hash] = (block.ref.number, block.size, block.root)
        self.highest = max(self.highest, block.ref.number)

    def _events(self, signed: SignedBatch, first: int, timestamp: int) -> Any:
        events, leaves = super()._events(signed, first, timestamp)
        carrier = self.by_digest.get(digest_of(signed))
        if carrier is not None:
            events = [(topics, data, carrier) for topics, data, _ in events]
        return events, leaves

    def seal_waiting(self) -> None:
        """A block of what waits, in the order of nonces."""
        taken: list[tuple[Transaction, SignedBatch | None]] = []
        good: list[SignedBatch] = []
        nonce = self.nonce_at(len(self.chain) - 1)
        by_nonce = {one.nonce: one for one in self.pool.values()}
        moved: dict[tuple[str, bytes], int] = {}
        while nonce in by_nonce and len(taken) < ROOM:
            transaction = by_nonce[nonce]
            signed = self.batches[transaction.data]
            if self.refusal(signed, moved) is None:
                digest = digest_of(signed)
                self.by_digest[digest] = transaction.hash
                self.move(signed, moved)
                good.append(signed)
                taken.append((transaction, signed))
            else:
                taken.append((transaction, None))
            del self.pool[transaction.hash]
            nonce += 1
        if good:
            self.record(*good)
        else:
            self.mine()
        self._note_outcomes(taken)

    def _note_outcomes(self, taken: Sequence[tuple[Transaction, SignedBatch | None]]) -> None:
        ref = self.chain[-1].ref
        for transaction, signed in taken:
            self.carried[transaction.hash] = transaction
            self.mined[transaction.hash] = TransactionOutcome(
                transaction.hash, signed is not None, ref.number, ref.hash, 21_000
            )

    def subjects(self, signed: SignedBatch) -> list[tuple[str, bytes, int]]:
        batch = signed.batch
        org = text_hash(batch.organisation)
        return [
            (batch.struct.kind, subject_of(batch.struct, values, org), int(str(values["version"])))
            for values in batch.values
        ]

    def move(self, signed: SignedBatch, moved: dict[tuple[str, bytes], int]) -> None:
        for kind, subject, version in self.subjects(signed):
            moved[kind, subject] = version

    def refusal(
        self, signed: SignedBatch, moved: dict[tuple[str, bytes], int] | None = None
    ) -> bytes | None:
        """Why the log refuses a batch now, after ``moved``; None where it takes it."""
        moved = dict(moved or {})
        for kind, subject, version in self.subjects(signed):
            at = moved.get((kind, subject), self.heads.get(kind, subject)[0])
            if version != at + 1:
                return STALE + encode(
                    ["bytes32", "bytes32", "uint64", "uint64"],
                    [kind_word(kind), subject, version, at + 1],
                )
            moved[kind, subject] = version
        return None

    def reorganise(self, after: int, salt: bytes, lost: set[bytes]) -> None:
        """Replace every block after ``after``; what stood in them waits again, but for ``lost``."""
        self.fork(after, salt)
        gone = [each for each in self.mined.values() if each.block_number > after]
        for outcome in gone:
            del self.mined[outcome.transaction_hash]
            if outcome.transaction_hash not in lost:
                transaction = self.carried[outcome.transaction_hash]
                self.pool[transaction.hash] = transaction

    def nonce_at(self, block: int) -> int:
        """The sender's next nonce after a block."""
        done = [one for one, outcome in self.mined.items() if outcome.block_number <= block]
        return max((self.carried[one].nonce + 1 for one in done), default=0)


class Node:
    """One node of the network, as an office reaches it: late, forgetful, or not at all."""

    def __init__(self, network: Network, machine: Machine) -> None:
        self.network = network
        self.machine = machine
        self.errors = 0.0
        """Share of questions without an answer."""
        self.behind = 0
        """Blocks that the node does not know yet, at most, differing from question to question."""
        self.drops = 0.0
        """Share of answers that lack one event."""
        self.repeats = 0.0
        self.prunes = False
        self.moves: list[Any] = []
        """What happens to the chain between two questions, one for each of the next questions."""

    chain_id = property(lambda self: self.network.chain_id)
    name = "simulator"
    max_log_range = property(lambda self: self.network.max_log_range)

    @property
    def w3(self) -> Any:
        raise ChainError("a simulated chain has no web3")

    def _ask(self, what: str) -> int:
        """The newest block that this answer will know of."""
        if self.moves and self.machine.happens(0.1):
            self.moves.pop()()
        self.machine.point(what)
        if self.machine.happens(self.errors):
            self.machine.note(f"    no answer to {what}")
            kind = self.machine.chance.choice([ChainUnavailable, ChainTimeout, ChainError])
            raise kind(f"simulator does not answer {what}")
        newest = len(self.network.chain) - 1
        if not self.behind:
            return newest
        return max(1, newest - self.machine.chance.randint(0, self.behind))

    def head(self) -> BlockRef:
        newest = self._ask("head")
        return self.network.chain[newest].ref

    def blocks(self, numbers: Sequence[int]) -> list[BlockRef]:
        newest = self._ask("blocks")
        for number in numbers:
            if number > newest:
                raise ChainError(f"simulator has no block {number}")
        return [self.network.chain[number].ref for number in numbers]

    def logs(
        self, address: bytes, first: int, last: int, topics: Sequence[bytes | None] = ()
    ) -> list[RawLog]:
        newest = self._ask(f"logs {first}..{last}")
        # What a node does not know yet it leaves out without a word.
        found = self.network.logs(address, first, min(last, newest))
        wanted = [topic for topic in enumerate(topics) if topic[1] is not None]
        found = [one for one in found if all(one.topics[at] == topic for at, topic in wanted)]
        if found and self.machine.happens(self.drops):
            lost = found.pop(self.machine.chance.randrange(len(found)))
            self.machine.note(f"    an event of block {lost.block_number} is left out")
        if found and self.machine.happens(self.repeats):
            again = self.machine.chance.choice(found)
            self.machine.note(f"    an event of block {again.block_number} comes twice")
            found.insert(found.index(again), again)
        return found

    def call(self, to: bytes, data: bytes, block: int | None = None) -> bytes:
        newest = self._ask("call")
        at = newest if block is None else block
        if at > newest or (self.prunes and at < newest - 2):
            raise ChainError(f"simulator keeps no state of block {at}")
        return self.network.call(to, data, at)

    def code(self, address: bytes) -> bytes:
        self._ask("code")
        return self.network.code(address)

    def nonce(self, address: bytes) -> int:  # noqa: ARG002 - one sender
        nonce = self.network.nonce_at(self._ask("nonce"))
        waiting = {one.nonce for one in self.network.pool.values()}
        while nonce in waiting:
            nonce += 1
        return nonce

    def mined_nonce(self, address: bytes) -> int:  # noqa: ARG002 - one sender
        return self.network.nonce_at(self._ask("mined nonce"))

    def fees(self) -> dict[str, int]:
        self._ask("fees")
        return {"gasPrice": 0}

    def estimate_gas(self, _sender: bytes, _to: bytes | None, data: bytes) -> int:
        self._ask("estimate")
        moved: dict[tuple[str, bytes], int] = {}
        problem = self.network.refusal(self.network.batches[data], moved)
        if problem is not None:
            raise CallReverted("the contract refuses", problem)
        return 100_000

    def send_raw(self, raw: bytes) -> bytes:
        (sent,) = self.send_many([raw])
        if isinstance(sent, ChainError):
            raise sent
        return sent

    def send_many(self, raws: Sequence[bytes]) -> list[bytes | ChainError]:
        return [self._send(raw) for raw in raws]

    def _send(self, raw: bytes) -> bytes | ChainError:
        transaction = msgspec.msgpack.decode(raw, type=Transaction)
        try:
            self._ask(f"send nonce {transaction.nonce}")
        except ChainError as problem:
            if self.machine.happens(0.5):
                self._take(transaction)  # taken all the same
            return problem
        problem = self._take(transaction)
        self.machine.point(f"sent nonce {transaction.nonce}")
        return problem or transaction.hash

    def _take(self, transaction: Transaction) -> ChainError | None:
        network = self.network
        if transaction.hash in network.mined or transaction.hash in network.pool:
            return None
        if transaction.nonce < network.nonce_at(len(network.chain) - 1):
            return NonceRefused("nonce too low")
        rivals = [one for one in network.pool.values() if one.nonce == transaction.nonce]
        if rivals:
            return ChainError("replacement transaction underpriced")
        network.pool[transaction.hash] = transaction
        return None

    def outcome(self, transaction_hash: bytes) -> TransactionOutcome | None:
        newest = self._ask("outcome")
        found = self.network.mined.get(transaction_hash)
        return None if found is None or found.block_number > newest else found

    def close(self) -> None:
        pass

"""A chain in memory that keeps one governance log: real signatures, real tree, real event bytes,
no EVM.

It does what the contracts do where a mirror can see it, and on request what no honest chain does:
it replaces blocks, loses or repeats events, lies about its root, forgets old state, or records
what nobody signed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from eth_abi import decode, encode
from eth_keys.datatypes import PrivateKey
from eth_utils.crypto import keccak
from msgspec import structs
from web3 import Web3

from ledger.chain.deployment import REGISTRIES
from ledger.chain.interface import BlockRef, CallReverted, ChainError, RawLog, TransactionOutcome
from ledger.merkle import Frontier
from ledger.mirror.origin import Origin
from ledger.mirror.projections import Decoded, Heads, Rulebook
from ledger.statements import (
    Authorisation,
    Batch,
    Domain,
    LogIdentity,
    SignedBatch,
    Statement,
    StructType,
    kind_name,
    kind_word,
    subject_of,
    text_hash,
)

RECORDED = keccak(
    text="Recorded(uint64,bytes32,bytes32,uint64,bytes32,address,bytes32,uint64,bytes,bytes32,bytes)"
)
AUTHORISED = keccak(
    text="Authorised(bytes32,address,address,bytes32,bytes,address,bytes,uint64,uint64,uint64)"
)
GENESIS_TIME = 1_770_000_000
BLOCK_SECONDS = 5
MAGIC = bytes.fromhex("1626ba7e")
NOBODY = bytes(20)


@dataclass(frozen=True)
class Key:
    """A department's key, made from a seed."""

    private: PrivateKey

    @classmethod
    def of(cls, seed: str) -> Key:
        return cls(PrivateKey(sha256(seed.encode()).digest()))

    @property
    def address(self) -> bytes:
        return bytes(self.private.public_key.to_canonical_address())

    @property
    def text(self) -> str:
        return str(self.private.public_key.to_checksum_address())

    def sign(self, digest: bytes) -> bytes:
        """``r || s || v`` with v 27 or 28, s in the lower half."""
        signature = self.private.sign_msg_hash(digest)
        return bytes(signature.to_bytes()[:64]) + bytes([signature.v + 27])


@dataclass(frozen=True)
class Block:
    """A block, its events, and what the log says of itself after it."""

    ref: BlockRef
    logs: tuple[RawLog, ...]
    size: int
    root: bytes


@dataclass
class Faults:
    """What this node does wrong; nothing, unless a test says so."""

    logs: Callable[[list[RawLog]], list[RawLog]] | None = None
    """What becomes of the events of one answer."""
    root: bytes | None = None
    """What ``root()`` answers instead of the truth."""
    oldest_state: int = 0
    """Calls at older blocks are refused, as by a node that prunes."""
    most_events: int | None = None
    """An answer with more events is refused."""
    unreachable: bool = False
    after_logs: Callable[[], None] | None = None
    """Called once after events were read: what happens between two questions."""


@dataclass
class SimulatedChain:
    """One chain, one log; blocks come only when something is said or mined."""

    genesis: Key
    chain_id: int = 31_337
    rulebooks: Sequence[Rulebook] = ()
    max_log_range: int = 5_000
    salt: bytes = b""
    contracts: dict[bytes, Callable[[bytes, bytes], bool]] = field(default_factory=dict)
    """Contract accounts: does this signature of this digest hold?"""
    faults: Faults = field(default_factory=Faults)
    questions: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.log_address = keccak(text="log")[12:]
        self.log = LogIdentity(self.chain_id, self.log_address)
        self.registries = {name: keccak(text=name)[12:] for name in REGISTRIES}
        self.frontier = Frontier()
        self.heads = Heads(self.log, self.genesis.address)
        self.slots: dict[tuple[bytes, bytes], list[tuple[int, int]]] = {}
        self.chain: list[Block] = []
        for _ in range(2):
            self.mine()

    # What a test asks of it.

    @property
    def origin(self) -> Origin:
        first = self.chain[1].ref
        return Origin(
            self.log,
            self.genesis.address,
            first.number,
            first.hash,
            frozenset(self.registries.values()),
        )

    @property
    def size(self) -> int:
        return self.chain[-1].size

    @property
    def root(self) -> bytes:
        return self.chain[-1].root

    def mine(self, blocks: int = 1) -> None:
        """Blocks without statements."""
        for _ in range(blocks):
            self._seal([])

    def say(self, batch: Batch, signer: Key, cosigner: Key | None = None) -> int:
        """A batch, properly signed, in a block of its own; returns the index of its first leaf."""
        digest = batch.digest(self.domain(batch.struct))
        return self.record(
            SignedBatch(
                batch,
                signer.text,
                signer.sign(digest),
                cosigner.text if cosigner else None,
                cosigner.sign(digest) if cosigner else b"",
            )
        )[0]

    def record(self, *signed: SignedBatch, recorded_at: int | None = None) -> list[int]:
        """Batches as they come, checked by nobody, in one block; returns their first leaves.

        ``recorded_at`` is what a contract that lies about the time writes.
        """
        number, timestamp = len(self.chain), recorded_at or self._next_time()
        events: list[tuple[tuple[bytes, ...], bytes, bytes]] = []
        firsts = []
        index = self.size
        for each in signed:
            firsts.append(index)
            fresh, leaves = self._events(each, index, timestamp)
            events += fresh
            self.frontier.extend(leaves)
            index += len(leaves)
        self._seal(events, number)
        return firsts

    def domain(self, struct: StructType) -> Domain:
        return Domain(struct.contract, self.chain_id, self.registries[struct.contract].hex())

    def fork(self, after: int, salt: bytes = b"fork") -> None:
        """Forget every block after ``after``; what is said next makes other blocks."""
        kept = self.chain[: after + 1]
        leaves = [leaf for block in kept for leaf in self._leaves(block)]
        self.frontier = Frontier()
        self.frontier.extend(leaves)
        size = len(leaves)
        for history in self.slots.values():
            history[:] = [entry for entry in history if entry[0] < size]
        self.heads = Heads(self.log, self.genesis.address)
        for (kind, subject), history in self.slots.items():
            if history:
                word = history[-1][1]
                self.heads.put(kind_name(kind), subject, word >> 192, word & (1 << 192) - 1)
        self.chain = kept
        self.salt = salt

    def _leaves(self, block: Block) -> list[bytes]:
        """The leaf hashes of a block, computed the slow way from its events."""
        return [
            statement_of(event).leaf_hash(self.log)
            for event in block.logs
            if event.topics[0] == RECORDED
        ]

    # How statements become events.

    def _events(
        self, signed: SignedBatch, first: int, timestamp: int
    ) -> tuple[list[tuple[tuple[bytes, ...], bytes, bytes]], list[bytes]]:
        batch = signed.batch
        struct, org = batch.struct, text_hash(batch.organisation)
        digest = batch.digest(self.domain(struct))
        signer = bytes.fromhex(signed.signer[2:])
        cosigner = bytes.fromhex(signed.cosigner[2:]) if signed.cosigner else NOBODY
        transaction = sha256(
            b"transaction" + digest + self.salt + first.to_bytes(8, "big")
        ).digest()
        registry = self.registries[struct.contract]
        authorisation = Authorisation(
            digest=digest,
            registry=registry,
            organisation=org,
            signer=signer,
            signature=signed.signature,
            cosigner=cosigner,
            cosignature=signed.cosignature,
            deadline=batch.deadline,
            first_index=first,
            count=len(batch.values),
        )
        events = [
            (
                (AUTHORISED, digest, registry.rjust(32, b"\0"), signer.rjust(32, b"\0")),
                encode(
                    ["bytes32", "bytes", "address", "bytes", "uint64", "uint64", "uint64"],
                    [
                        org,
                        signed.signature,
                        cosigner,
                        signed.cosignature,
                        batch.deadline,
                        first,
                        len(batch.values),
                    ],
                ),
                transaction,
            )
        ]
        leaves = []
        for index, values, payload, body in zip(
            range(first, first + len(batch.values)),
            batch.full_values(),
            batch.payloads(),
            batch.bodies,
            strict=True,
        ):
            version = values["version"]
            assert isinstance(version, int)
            statement = Statement(
                index=index,
                kind=struct.kind,
                subject=subject_of(struct, values, org),
                version=version,
                org=org,
                signer=signer,
                authorisation=digest,
                recorded_at=timestamp,
                payload=payload,
                body_digest=sha256(body).digest(),
                body=body,
            )
            self._move_head(struct, statement, authorisation)
            leaves.append(statement.leaf_hash(self.log))
            events.append((*_recorded(statement), transaction))
        return events, leaves

    def _move_head(
        self, struct: StructType, statement: Statement, authorisation: Authorisation
    ) -> None:
        state = 0
        for rulebook in self.rulebooks:
            if struct.kind in rulebook.kinds:
                decoded = Decoded(statement, struct, struct.decode(statement.payload), {})
                try:
                    state = rulebook.next_state(decoded, authorisation, self.heads)
                except Exception:  # noqa: BLE001  (this chain records what it is given)
                    state = 0
        self.heads.put(struct.kind, statement.subject, statement.version, state)
        self.slots.setdefault((kind_word(struct.kind), statement.subject), []).append(
            (statement.index, statement.version << 192 | state)
        )

    def _next_time(self) -> int:
        return GENESIS_TIME + BLOCK_SECONDS * len(self.chain)

    def _seal(
        self,
        events: Sequence[tuple[tuple[bytes, ...], bytes, bytes]],
        number: int | None = None,
    ) -> None:
        number = len(self.chain) if number is None else number
        parent = self.chain[-1].ref.hash if self.chain else bytes(32)
        timestamp = self._next_time()
        content = b"".join(sha256(data).digest() + b"".join(topics) for topics, data, _ in events)
        block_hash = keccak(parent + number.to_bytes(8, "big") + self.salt + content)
        logs = tuple(
            RawLog(topics, data, number, block_hash, transaction, position)
            for position, (topics, data, transaction) in enumerate(events)
        )
        self.chain.append(
            Block(
                BlockRef(number, block_hash, parent, timestamp),
                logs,
                self.frontier.size,
                self.frontier.root(),
            )
        )

    # ledger.chain.interface.Chain

    @property
    def name(self) -> str:
        return "simulator"

    @property
    def w3(self) -> Web3:
        raise ChainError("a simulated chain has no web3")

    def _answer(self, question: str) -> None:
        self.questions.append(question)
        if self.faults.unreachable:
            raise ChainError("simulator cannot be reached: start it")

    def head(self) -> BlockRef:
        self._answer("head")
        return self.chain[-1].ref

    def blocks(self, numbers: Sequence[int]) -> list[BlockRef]:
        self._answer("blocks")
        missing = [number for number in numbers if not 0 <= number < len(self.chain)]
        if missing:
            raise ChainError(f"simulator has no block {missing[0]}")
        return [self.chain[number].ref for number in numbers]

    def logs(self, address: bytes, first: int, last: int) -> list[RawLog]:
        self._answer(f"logs {first}..{last}")
        if address != self.log_address:
            return []
        found = [event for block in self.chain[first : last + 1] for event in block.logs]
        if self.faults.logs is not None:
            found = self.faults.logs(found)
        if self.faults.most_events is not None and len(found) > self.faults.most_events:
            raise ChainError(f"query returned more than {self.faults.most_events} results")
        if self.faults.after_logs is not None:
            happens, self.faults.after_logs = self.faults.after_logs, None
            happens()
        return found

    def call(self, to: bytes, data: bytes, block: int | None = None) -> bytes:
        self._answer("call")
        number = len(self.chain) - 1 if block is None else block
        if number < self.faults.oldest_state:
            raise ChainError(f"missing trie node: state of block {number} is not kept")
        if number >= len(self.chain):
            raise ChainError(f"simulator has no block {number}")
        at = self.chain[number]
        if to in self.contracts:
            return self._is_valid_signature(to, data)
        if to != self.log_address:
            return b""
        return self._ask_log(at, data)

    def _is_valid_signature(self, to: bytes, data: bytes) -> bytes:
        digest = data[4:36]
        length = int.from_bytes(data[68:100], "big")
        if self.contracts[to](digest, data[100 : 100 + length]):
            return MAGIC.ljust(32, b"\0")
        raise CallReverted("the wallet refuses", b"")

    def _ask_log(self, at: Block, data: bytes) -> bytes:
        selector = data[:4]
        if selector == keccak(text="size()")[:4]:
            return at.size.to_bytes(32, "big")
        if selector == keccak(text="root()")[:4]:
            return self.faults.root or at.root
        if selector == keccak(text="headsMany(bytes32,bytes32[])")[:4]:
            kind, count = data[4:36], int.from_bytes(data[68:100], "big")
            subjects = [data[100 + 32 * i : 132 + 32 * i] for i in range(count)]
            words = [self._word(kind, subject, at.size) for subject in subjects]
            return bytes(encode(["uint256[]"], [words]))
        raise CallReverted("no such method", b"")

    def _word(self, kind: bytes, subject: bytes, size: int) -> int:
        history = self.slots.get((kind, subject), [])
        return next((word for index, word in reversed(history) if index < size), 0)

    def code(self, address: bytes) -> bytes:
        self._answer("code")
        known = {self.log_address, *self.registries.values(), *self.contracts}
        return b"\x60" if address in known else b""

    def nonce(self, address: bytes) -> int:
        raise ChainError(f"simulator sends nothing for 0x{address.hex()}")

    def fees(self) -> dict[str, int]:
        return {"gasPrice": 0}

    def estimate_gas(self, sender: bytes, to: bytes | None, data: bytes) -> int:
        raise ChainError(f"simulator runs no code: {sender!r} {to!r} {len(data)}")

    def send_raw(self, raw: bytes) -> bytes:
        raise ChainError(f"simulator takes no transactions: {len(raw)} bytes")

    def outcome(self, transaction_hash: bytes) -> TransactionOutcome | None:
        raise ChainError(f"simulator takes no transactions: 0x{transaction_hash.hex()}")

    def close(self) -> None:
        self.questions.append("close")


def _recorded(statement: Statement) -> tuple[tuple[bytes, ...], bytes]:
    """Topics and data of a ``Recorded`` event, as Solidity encodes them."""
    topics = (
        RECORDED,
        statement.index.to_bytes(32, "big"),
        kind_word(statement.kind),
        statement.subject,
    )
    data = encode(
        ["uint64", "bytes32", "address", "bytes32", "uint64", "bytes", "bytes32", "bytes"],
        [
            statement.version,
            statement.org,
            statement.signer,
            statement.authorisation,
            statement.recorded_at,
            statement.payload,
            statement.body_digest,
            statement.body,
        ],
    )
    return topics, data


def statement_of(event: RawLog) -> Statement:
    """The statement in a ``Recorded`` event, decoded by eth_abi and not by the mirror's offsets."""
    version, org, signer, authorisation, recorded_at, payload, body_digest, body = decode(
        ["uint64", "bytes32", "address", "bytes32", "uint64", "bytes", "bytes32", "bytes"],
        event.data,
    )
    return Statement(
        index=int.from_bytes(event.topics[1], "big"),
        kind=kind_name(event.topics[2]),
        subject=event.topics[3],
        version=version,
        org=org,
        signer=bytes.fromhex(signer[2:]),
        authorisation=authorisation,
        recorded_at=recorded_at,
        payload=payload,
        body_digest=body_digest,
        body=body,
    )


def altered(event: RawLog, **changes: Any) -> RawLog:
    """A ``Recorded`` event that says something else."""
    topics, data = _recorded(structs.replace(statement_of(event), **changes))
    return RawLog(
        topics, data, event.block_number, event.block_hash, event.transaction_hash, event.log_index
    )


def recorded_index(event: RawLog) -> int | None:
    """The leaf of a ``Recorded`` event, None for another event."""
    return int.from_bytes(event.topics[1], "big") if event.topics[0] == RECORDED else None

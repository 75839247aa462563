"""Statements (声明): batches under one signature, and the leaf that each statement becomes.

A statement is one act of data governance, signed by a department and recorded as one leaf of the
log. With :mod:`ledger.typed_data` and :mod:`ledger.structs`, whose names it passes on, this module
is the single source, on the Python side, of what is signed and what is hashed:

* ``payload`` is the EIP-712 encoding of the typed struct (:mod:`ledger.typed_data`).
* ``authorisation`` is the EIP-712 digest of a batch:
  ``XBatch(string organisation,uint64 deadline,X[] statements)``.
* the leaf input is the ABI encoding of eleven fixed-length words (352 bytes), hashed as an RFC 9162
  section 2.1.1 leaf: ``SHA-256(0x00 || leaf input)``.

Nothing here reads files, the network or a clock.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec
from eth_hash.backends.pysha3 import keccak256 as keccak
from eth_utils.address import to_checksum_address

from ledger.structs import (
    BINDING,
    BY_NAME,
    BY_TYPE_HASH,
    CHECKPOINT,
    CORRECTION,
    DATASET_RULE,
    DECISION,
    DELIVERY,
    EXEMPTION,
    FILING,
    KEY,
    MANIFEST,
    OBJECTION,
    OBLIGATION,
    OPENING,
    ORGANISATION,
    REPORT,
    RESOURCE,
    SCORE,
    STEP,
    STRUCTS,
    key_subject,
    same_struct,
    score_subject,
    struct_of,
    subject_of,
)
from ledger.typed_data import (
    ADDRESS_LENGTH,
    WORD,
    StatementError,
    StructType,
    Value,
    address_bytes,
    kind_name,
    kind_word,
    text_hash,
)

__all__ = [
    "ADDRESS_LENGTH",
    "BINDING",
    "BY_NAME",
    "BY_TYPE_HASH",
    "CHECKPOINT",
    "CORRECTION",
    "DATASET_RULE",
    "DECISION",
    "DELIVERY",
    "DOMAIN_VERSION",
    "EIP712_DOMAIN_TYPE",
    "EXEMPTION",
    "FILING",
    "KEY",
    "LEAF_INPUT_LENGTH",
    "MANIFEST",
    "MAX_BATCH",
    "MAX_BODY_BYTES",
    "OBJECTION",
    "OBLIGATION",
    "OPENING",
    "ORGANISATION",
    "REPORT",
    "RESOURCE",
    "SCORE",
    "STEP",
    "STRUCTS",
    "WORD",
    "Authorisation",
    "Batch",
    "Domain",
    "LogIdentity",
    "Predecessor",
    "SignedBatch",
    "Statement",
    "StatementError",
    "StructType",
    "Value",
    "address_bytes",
    "authorisation_digest",
    "key_subject",
    "kind_name",
    "kind_word",
    "same_struct",
    "score_subject",
    "sha256",
    "struct_of",
    "subject_of",
    "text_hash",
]

LEAF_INPUT_LENGTH = 11 * WORD
MAX_BODY_BYTES = 131_072
"""Largest body that a registry accepts, in bytes (contracts/Statements.sol says the same)."""
MAX_BATCH = 100
"""Most statements under one signature that the tools of this package build."""
EIP712_DOMAIN_TYPE = (
    "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
)
DOMAIN_VERSION = "1"


def sha256(data: bytes) -> bytes:
    """SHA-256 of ``data``, 32 bytes."""
    return hashlib.sha256(data).digest()


@dataclass(frozen=True, slots=True)
class Domain:
    """The EIP-712 domain of one registry (ERC-5267); ``contract`` is e.g. ``Catalogue``."""

    contract: str
    chain_id: int
    registry: str

    @property
    def name(self) -> str:
        return f"GovLedger {self.contract}"

    def separator(self) -> bytes:
        """``domainSeparator`` of EIP-712, 32 bytes."""
        return bytes(
            keccak(
                bytes(keccak(EIP712_DOMAIN_TYPE.encode()))
                + text_hash(self.name)
                + text_hash(DOMAIN_VERSION)
                + self.chain_id.to_bytes(WORD, "big")
                + address_bytes(self.registry).rjust(WORD, b"\0")
            )
        )

    def as_dict(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "version": DOMAIN_VERSION,
            "chainId": self.chain_id,
            "verifyingContract": to_checksum_address(self.registry),
        }


def authorisation_digest(
    struct: StructType,
    payloads: Iterable[bytes],
    organisation: bytes,
    deadline: int,
    separator: bytes,
) -> bytes:
    """The EIP-712 digest that authorises a batch, rebuilt from its payloads (32 bytes)."""
    array_hash = bytes(keccak(b"".join(bytes(keccak(payload)) for payload in payloads)))
    batch = bytes(
        keccak(struct.batch_type_hash + organisation + deadline.to_bytes(WORD, "big") + array_hash)
    )
    return bytes(keccak(b"\x19\x01" + separator + batch))


@dataclass(frozen=True, slots=True)
class Batch:
    """What one signature covers: statements of one struct type, by one organisation.

    ``organisation`` is the speaker's code as text (its USCC); ``deadline`` is in Unix seconds, the
    last second at which the chain accepts the batch; ``values`` leave out ``bodyDigest``, which
    follows from ``bodies`` (one a statement, canonical JSON, may be empty).
    """

    struct: StructType
    organisation: str
    deadline: int
    values: tuple[Mapping[str, Value], ...]
    bodies: tuple[bytes, ...]

    def __post_init__(self) -> None:
        if not self.values or len(self.values) != len(self.bodies):
            raise StatementError("a batch has at least one statement, and one body for each")
        if not 0 <= self.deadline < 1 << 64:
            raise StatementError(f"a deadline is a Unix time in 0..2^64-1, not {self.deadline}")
        for position, body in enumerate(self.bodies):
            if len(body) > MAX_BODY_BYTES:
                raise StatementError(
                    f"statement {position}: the body has {len(body)} bytes, "
                    f"at most {MAX_BODY_BYTES} are taken"
                )

    def full_values(self) -> list[dict[str, Value]]:
        """The statements with their ``bodyDigest``."""
        return [
            {**values, "bodyDigest": sha256(body)}
            for values, body in zip(self.values, self.bodies, strict=True)
        ]

    def payloads(self) -> list[bytes]:
        return [self.struct.encode(values) for values in self.full_values()]

    def digest(self, domain: Domain) -> bytes:
        """The authorisation: what the signer, and the co-signer where one is needed, sign."""
        return authorisation_digest(
            self.struct,
            self.payloads(),
            text_hash(self.organisation),
            self.deadline,
            domain.separator(),
        )

    def typed_data(self, domain: Domain) -> dict[str, Any]:
        """The batch as EIP-712 JSON, for any wallet; text members must be given as text."""
        rows = []
        for values in self.full_values():
            row: dict[str, Any] = {}
            for name, kind in self.struct.members:
                value = values[name]
                if kind == "string" and not isinstance(value, str):
                    raise StatementError(f"{self.struct.name}.{name} must be text to be shown")
                row[name] = "0x" + value.hex() if isinstance(value, bytes) else value
            rows.append(row)
        return {
            "types": {
                "EIP712Domain": [
                    {"name": "name", "type": "string"},
                    {"name": "version", "type": "string"},
                    {"name": "chainId", "type": "uint256"},
                    {"name": "verifyingContract", "type": "address"},
                ],
                self.struct.batch: [
                    {"name": "organisation", "type": "string"},
                    {"name": "deadline", "type": "uint64"},
                    {"name": "statements", "type": f"{self.struct.name}[]"},
                ],
                self.struct.name: [
                    {"name": name, "type": kind} for name, kind in self.struct.members
                ],
            },
            "primaryType": self.struct.batch,
            "domain": domain.as_dict(),
            "message": {
                "organisation": self.organisation,
                "deadline": self.deadline,
                "statements": rows,
            },
        }


@dataclass(frozen=True, slots=True)
class SignedBatch:
    """A batch with the signature over its digest, and a second one where the rules ask for it.

    Signatures are 65 bytes ``r || s || v`` for key holders, any bytes for contract accounts
    (ERC-1271).
    """

    batch: Batch
    signer: str
    signature: bytes
    cosigner: str | None = None
    cosignature: bytes = b""

    def method_arguments(self) -> tuple[str, list[Any]]:
        """The registry method's ABI signature, and its arguments ``(X[], Mandate)``."""
        struct = self.batch.struct
        rows = [
            struct.calldata(values, body)
            for values, body in zip(self.batch.values, self.batch.bodies, strict=True)
        ]
        mandate = (
            text_hash(self.batch.organisation),
            self.batch.deadline,
            to_checksum_address(self.signer),
            self.signature,
            to_checksum_address(self.cosigner) if self.cosigner else "0x" + "00" * 20,
            self.cosignature,
        )
        mandate_type = "(bytes32,uint64,address,bytes,address,bytes)"
        return f"{struct.method}({struct.calldata_type}[],{mandate_type})", [rows, mandate]


@dataclass(frozen=True, slots=True)
class LogIdentity:
    """Which log: chain id and the address of its ``GovernanceLog`` (20 bytes).

    ``earlier`` are the logs that it carries on, oldest first: a leaf keeps the identity of the log that
    recorded it first, for ever. It is no part of what makes two logs the same.
    """

    chain_id: int
    address: bytes
    earlier: tuple[Predecessor, ...] = field(default=(), compare=False)

    def words(self) -> bytes:
        return self.chain_id.to_bytes(WORD, "big") + self.address.rjust(WORD, b"\0")

    @property
    def inherited(self) -> int:
        """How many leaves were carried over from earlier logs."""
        return self.earlier[-1].size if self.earlier else 0

    def at(self, index: int) -> LogIdentity:
        """The log that recorded leaf ``index`` first."""
        for one in self.earlier:
            if index < one.size:
                return one.log
        return self

    def alone(self) -> LogIdentity:
        """The same log without those that it carries on."""
        return LogIdentity(self.chain_id, self.address) if self.earlier else self


@dataclass(frozen=True, slots=True)
class Predecessor:
    """A log that another one carries on (前序日志): leaves before ``size`` were recorded in it, or before it.

    ``root`` is the RFC 9162 root over these leaves, ``genesis`` the hash of block 0 of its chain.
    ``accounts`` are the signers (20 bytes each) that are contracts on that chain (ERC-1271): no other
    signature of that time may fail to be a key's.
    """

    log: LogIdentity
    size: int
    root: bytes
    genesis: bytes
    accounts: frozenset[bytes] = field(default=frozenset(), compare=False)


class Statement(msgspec.Struct, frozen=True, gc=False):
    """One leaf of the log, as its ``Recorded`` event tells it, and all that rebuilds it."""

    index: int
    kind: str
    subject: bytes
    version: int
    org: bytes
    signer: bytes
    authorisation: bytes
    recorded_at: int
    payload: bytes
    body_digest: bytes
    body: bytes

    def leaf_input(self, log: LogIdentity) -> bytes:
        """The 352 bytes that are hashed into the tree of ``log``, whichever log recorded it first."""
        return b"".join(
            (
                log.at(self.index).words(),
                kind_word(self.kind),
                self.subject,
                self.version.to_bytes(WORD, "big"),
                self.org,
                self.signer.rjust(WORD, b"\0"),
                self.authorisation,
                self.recorded_at.to_bytes(WORD, "big"),
                sha256(self.payload),
                self.body_digest,
            )
        )

    def leaf_hash(self, log: LogIdentity) -> bytes:
        """RFC 9162 section 2.1.1: ``SHA-256(0x00 || leaf input)``."""
        return sha256(b"\0" + self.leaf_input(log))


@dataclass(frozen=True, slots=True)
class Authorisation:
    """Who vouched for statements ``first_index .. first_index + count - 1``, with evidence."""

    digest: bytes
    registry: bytes
    organisation: bytes
    signer: bytes
    signature: bytes
    cosigner: bytes
    cosignature: bytes
    deadline: int
    first_index: int
    count: int

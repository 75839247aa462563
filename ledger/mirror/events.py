"""The log's two events, read by fixed offsets (Solidity ABI, "Formal Specification of the
Encoding").

``Recorded`` data: words 0 version, 1 org, 2 signer, 3 authorisation, 4 recordedAt, 5 offset of
payload, 6 bodyDigest, 7 offset of body; then payload and body, each its length and its bytes
padded to words. Words 0 to 4 stand in the leaf input in this very order, so the leaf hash takes
them as they come.

``Authorised`` data: words 0 organisation, 1 offset of signature, 2 cosigner, 3 offset of
cosignature, 4 deadline, 5 firstIndex, 6 count; then the two signatures.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from struct import Struct
from typing import Any

from eth_utils.crypto import keccak

from ledger.chain.interface import RawLog
from ledger.mirror.errors import MismatchError
from ledger.statements import LogIdentity, StatementError, kind_name
from ledger.store.types import unsigned64

RECORDED = bytes(
    keccak(
        text="Recorded(uint64,bytes32,bytes32,uint64,bytes32,address,bytes32,uint64,bytes,bytes32,bytes)"
    )
)
AUTHORISED = bytes(
    keccak(
        text="Authorised(bytes32,address,address,bytes32,bytes,address,bytes,uint64,uint64,uint64)"
    )
)
_HEAD = 8 * 32
_AUTHORISED_HEAD = 7 * 32
_SHORTEST = _HEAD + 64
_HEAD_WORDS = Struct(">24xQ 32s 12x20s 32s 24xQ 24xQ 32s 24xQ 24xQ").unpack_from
"""The head and the payload's length: integers by their last eight bytes."""


def _unused_bits() -> int:
    """Those bits of the head that must be zero: integers have 63 bits here, addresses 160."""
    used = {1: 256, 2: 160, 3: 256, 6: 256}
    bits = 0
    for word in range(9):
        bits = bits << 256 | ((1 << 256) - 1 ^ (1 << used.get(word, 63)) - 1)
    return bits


_UNUSED_BITS = _unused_bits()
_NO_ADDRESS = bytes(12)
_LARGEST = 1 << 63


@dataclass(slots=True)
class LogRows:
    """Events as rows: ``statements`` and ``authorisations`` in the column order of their tables."""

    first_index: int
    statements: list[tuple[Any, ...]] = field(default_factory=list)
    leaf_hashes: list[bytes] = field(default_factory=list)
    authorisations: list[tuple[Any, ...]] = field(default_factory=list)
    sizes: dict[int, int] = field(default_factory=dict)
    """Size of the log after each block that holds statements, in block order."""

    @property
    def size(self) -> int:
        """Size of the log after these events."""
        return self.first_index + len(self.statements)


def decode(logs: Sequence[RawLog], log: LogIdentity, first_index: int) -> LogRows:
    """Rows and leaf hashes of ``logs``, which begin with leaf ``first_index``.

    A log given twice counts once. Raises :class:`MismatchError` naming the leaf where one is
    missing, out of order, not vouched for, unreadable, or where a body is not the one that its
    digest names.
    """
    decoded = LogRows(first_index)
    identity, era_end = _identity(log, first_index)
    kinds: dict[bytes, str] = {}
    expected = vouched_until = first_index
    authorisation, speaker = b"", (b"", b"")
    add_statement, add_leaf = decoded.statements.append, decoded.leaf_hashes.append
    for event in _each_once(logs):
        topics = event.topics
        if topics[0] == RECORDED:
            index = int.from_bytes(topics[1], "big")
            if index != expected:
                raise _missing(expected, f"the next event, in {_place(event)}, is leaf {index}")
            if index >= vouched_until or event.data[96:128] != authorisation:
                raise MismatchError(
                    f"leaf {index} in {_place(event)} was recorded without an authorisation", index
                )
            if index >= era_end:
                # the leaves of the log before end here
                identity, era_end = _identity(log, index)
            word = topics[2]
            kind = kinds.get(word) or kinds.setdefault(word, _kind(word, index, event))
            row, leaf = _statement(event, index, kind, identity)
            if row[4:6] != speaker:
                raise MismatchError(
                    f"leaf {index} in {_place(event)}: organisation or signer is not the one of "
                    "its authorisation",
                    index,
                )
            add_statement(row)
            add_leaf(leaf)
            expected += 1
            decoded.sizes[event.block_number] = expected
        elif topics[0] == AUTHORISED:
            if expected < vouched_until:
                raise _missing(expected, f"announced, but not in {_place(event)}")
            row = _authorisation(event, expected)
            decoded.authorisations.append(row)
            authorisation, vouched_until = topics[1], expected + row[1]
            speaker = row[4:6]
    if expected < vouched_until:
        raise _missing(expected, f"announced, but not in {_place(logs[-1])}")
    return decoded


def _identity(log: LogIdentity, index: int) -> tuple[bytes, int]:
    """How the leaf input of leaf ``index`` begins, and the first leaf after it that begins otherwise."""
    ends = (one.size for one in log.earlier if one.size > index)
    return b"\0" + log.at(index).words(), min(ends, default=_LARGEST)


def _statement(
    event: RawLog, index: int, kind: str, identity: bytes
) -> tuple[tuple[Any, ...], bytes]:
    """A row of ``statement``, and its leaf hash. Runs once a statement, so it counts its steps."""
    topics, data = event.topics, event.data
    if len(data) < _SHORTEST:
        raise _ill_encoded(index, event)
    (
        version,
        org,
        signer,
        authorisation,
        recorded_at,
        payload_at,
        body_digest,
        body_at,
        payload_length,
    ) = _HEAD_WORDS(data)
    payload_end = _HEAD + 32 + payload_length
    body_start = body_at + 32
    body_end = body_start + int.from_bytes(data[body_at:body_start], "big")
    if (
        payload_at != _HEAD
        or body_at != payload_end + -payload_end % 32
        or len(data) != body_end + -body_end % 32
        or int.from_bytes(data[: _HEAD + 32], "big") & _UNUSED_BITS
    ):
        raise _ill_encoded(index, event)
    payload, body = data[_HEAD + 32 : payload_end], data[body_start:body_end]
    if sha256(body).digest() != body_digest:
        raise MismatchError(
            f"leaf {index} in {_place(event)}: the body is not the one whose digest was recorded",
            index,
        )
    row = (
        index,
        kind,
        topics[3],
        version,
        org,
        signer,
        authorisation,
        recorded_at,
        payload,
        body_digest,
        body,
    )
    words = identity + topics[2] + topics[3] + data[:160] + sha256(payload).digest() + body_digest
    return row, sha256(words).digest()


def _ill_encoded(index: int, event: RawLog) -> MismatchError:
    return MismatchError(f"leaf {index} in {_place(event)} is not encoded as it must be", index)


def _each_once(logs: Sequence[RawLog]) -> Iterable[RawLog]:
    """The logs in chain order, each once; nodes have been seen to give them twice."""
    previous = (-1, -1)
    for event in logs:
        place = (event.block_number, event.log_index)
        if place <= previous:
            break
        previous = place
    else:
        return logs
    by_place = {(event.block_number, event.log_index): event for event in logs}
    return [by_place[place] for place in sorted(by_place)]


def _authorisation(event: RawLog, expected: int) -> tuple[Any, ...]:
    """A row of ``authorisation``; raises :class:`MismatchError` where it does not begin here."""
    data, topics = event.data, event.topics
    first = int.from_bytes(data[160:192], "big")
    count = int.from_bytes(data[192:224], "big")
    if first != expected:
        raise _missing(
            expected, f"the next authorisation, in {_place(event)}, begins with leaf {first}"
        )
    signature_end = _AUTHORISED_HEAD + 32 + int.from_bytes(data[224:256], "big")
    second = signature_end + -signature_end % 32
    cosignature_end = second + 32 + int.from_bytes(data[second : second + 32], "big")
    deadline = int.from_bytes(data[128:160], "big")
    if (
        len(topics) != 4  # noqa: PLR2004  (the event's signature and three indexed members)
        or len(data) != cosignature_end + -cosignature_end % 32
        or int.from_bytes(data[32:64], "big") != _AUTHORISED_HEAD
        or int.from_bytes(data[96:128], "big") != second
        or any(word[:12] != _NO_ADDRESS for word in (topics[2], topics[3], data[64:96]))
        or deadline >> 64
        or not 0 < count < _LARGEST
    ):
        raise MismatchError(
            f"the authorisation of leaf {expected} in {_place(event)} is not encoded as it must be",
            expected,
        )
    return (
        first,
        count,
        topics[1],
        topics[2][12:],
        data[0:32],
        topics[3][12:],
        data[_AUTHORISED_HEAD + 32 : signature_end],
        data[76:96],
        data[second + 32 : cosignature_end],
        unsigned64(deadline),
        event.block_number,
        event.transaction_hash,
    )


def _kind(word: bytes, index: int, event: RawLog) -> str:
    try:
        return kind_name(word)
    except StatementError as error:
        raise MismatchError(f"leaf {index} in {_place(event)}: {error}", index) from error


def _missing(leaf: int, found: str) -> MismatchError:
    return MismatchError(f"leaf {leaf} is missing: {found}", leaf)


def _place(event: RawLog) -> str:
    return f"block {event.block_number}, transaction 0x{event.transaction_hash.hex()}"

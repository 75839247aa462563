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
_HEAD_WORDS = Struct(">24xQ 64s 32x 24xQ 24xQ 32x 24xQ 24xQ").unpack_from
"""Of the head version, org and signer in one piece, recordedAt, both offsets, and the payload's length: integers by
their last eight bytes."""
_SHARED = 6 * 32
_LENGTHS = slice(7 * 32, 9 * 32)
"""What statements under one authorisation tend to share: all before the body's digest, and the words behind it."""


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
    taking = _Taking(log, LogRows(first_index))
    run: list[RawLog] = []
    for event in _each_once(logs):
        if event.topics[0] == RECORDED:
            run.append(event)
        elif event.topics[0] == AUTHORISED:
            taking.take(run)
            taking.authorise(event)
            run = []
    taking.take(run)
    if taking.expected < taking.vouched_until:
        raise _missing(taking.expected, f"announced, but not in {_place(logs[-1])}")
    return taking.decoded


class _Taking:
    """Takes the events of a log in order: an authorisation, and the statements under it."""

    def __init__(self, log: LogIdentity, decoded: LogRows) -> None:
        self.decoded = decoded
        self.expected = self.vouched_until = decoded.first_index
        self._log = log
        self._prefixes: dict[bytes, tuple[str, bytes]] = {}
        """By kind's word: the kind, and how the leaf input begins."""
        self._identity, self._era_end = _identity(log, decoded.first_index)
        self._authorisation = self._organisation = self._signer = self._speaker = b""

    def authorise(self, event: RawLog) -> None:
        """What comes next is vouched for by this."""
        if self.expected < self.vouched_until:
            raise _missing(self.expected, f"announced, but not in {_place(event)}")
        row = _authorisation(event, self.expected)
        self.decoded.authorisations.append(row)
        self.vouched_until = self.expected + row[1]
        self._authorisation, self._organisation, self._signer = row[2], row[4], row[5]
        self._speaker = self._organisation + event.topics[3]

    def take(self, run: Sequence[RawLog]) -> None:
        """The statements behind one authorisation. The loop runs once a statement, so it spells out what would be
        calls, and what is word for word as in the statement before is not checked again.
        """
        decoded, prefixes, vouched_until = self.decoded, self._prefixes, self.vouched_until
        authorisation, organisation, signer = self._authorisation, self._organisation, self._signer
        vouches = self._speaker
        add_statement, add_leaf = decoded.statements.append, decoded.leaf_hashes.append
        head_before = lengths_before = words = speaker = b""
        version = recorded_at = payload_end = body_at = 0
        for index, event in enumerate(run, self.expected):
            topics, data = event.topics, event.data
            if int.from_bytes(topics[1], "big") != index:
                given = int.from_bytes(topics[1], "big")
                raise _missing(index, f"the next event, in {_place(event)}, is leaf {given}")
            if index >= vouched_until or data[96:128] != authorisation:
                raise MismatchError(
                    f"leaf {index} in {_place(event)} was recorded without an authorisation", index
                )
            if index >= self._era_end:
                # the leaves of the log before end here
                self._identity, self._era_end = _identity(self._log, index)
                prefixes.clear()
            kind, prefix = prefixes.get(topics[2]) or self._begun(topics[2], index, event)
            head, lengths = data[:_SHARED], data[_LENGTHS]
            if head != head_before or lengths != lengths_before:
                version, speaker, recorded_at, payload_end = _head(data, index, event)
                body_at = payload_end + -payload_end % 32
                head_before, lengths_before, words = head, lengths, data[:160]
            body_end = body_at + 32 + int.from_bytes(data[body_at : body_at + 32], "big")
            if len(data) != body_end + -body_end % 32:
                raise _ill_encoded(index, event)
            body, body_digest = data[body_at + 32 : body_end], data[192:224]
            if sha256(body).digest() != body_digest:
                raise MismatchError(
                    f"leaf {index} in {_place(event)}: the body is not the one whose digest was "
                    "recorded",
                    index,
                )
            if speaker != vouches:
                raise MismatchError(
                    f"leaf {index} in {_place(event)}: organisation or signer is not the one of "
                    "its authorisation",
                    index,
                )
            payload = data[_HEAD + 32 : payload_end]
            leaf = (prefix, topics[3], words, sha256(payload).digest(), body_digest)
            add_leaf(sha256(b"".join(leaf)).digest())
            add_statement(
                (
                    index,
                    kind,
                    topics[3],
                    version,
                    organisation,
                    signer,
                    authorisation,
                    recorded_at,
                    payload,
                    body_digest,
                    body,
                )
            )
            decoded.sizes[event.block_number] = index + 1
        self.expected += len(run)

    def _begun(self, word: bytes, index: int, event: RawLog) -> tuple[str, bytes]:
        found = self._prefixes[word] = (_kind(word, index, event), self._identity + word)
        return found


def _head(data: bytes, index: int, event: RawLog) -> tuple[int, bytes, int, int]:
    """Version, org and signer in one, recordedAt, and where the payload ends."""
    if len(data) < _SHORTEST:
        raise _ill_encoded(index, event)
    version, speaker, recorded_at, payload_at, body_at, payload_length = _HEAD_WORDS(data)
    payload_end = _HEAD + 32 + payload_length
    if (
        payload_at != _HEAD
        or body_at != payload_end + -payload_end % 32
        or int.from_bytes(data[: _HEAD + 32], "big") & _UNUSED_BITS
    ):
        raise _ill_encoded(index, event)
    return version, speaker, recorded_at, payload_end


def _identity(log: LogIdentity, index: int) -> tuple[bytes, int]:
    """How the leaf input of leaf ``index`` begins, and the first leaf after it that begins otherwise."""
    ends = (one.size for one in log.earlier if one.size > index)
    return b"\0" + log.at(index).words(), min(ends, default=_LARGEST)


def _ill_encoded(index: int, event: RawLog) -> MismatchError:
    return MismatchError(f"leaf {index} in {_place(event)} is not encoded as it must be", index)


def _each_once(logs: Sequence[RawLog]) -> Iterable[RawLog]:
    """The logs in chain order, each once; nodes have been seen to give them twice."""
    block = at = -1
    for event in logs:
        number = event.block_number
        if number > block:
            block = number
        elif number < block or event.log_index <= at:
            break
        at = event.log_index
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

"""Typed data (类型化数据): how the members of a statement are encoded, and which subject it is about.

A payload is the EIP-712 ``encodeData`` of the typed struct, type hash first, so that
``structHash == keccak256(payload)`` (EIP-712, "Definition of hashStruct"). Text members are
present as the Keccak-256 of their UTF-8 bytes; the text itself stands in the body.

Nothing here reads files, the network or a clock.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from struct import Struct
from typing import Any, NamedTuple

from eth_hash.backends.pysha3 import keccak256 as keccak
from eth_utils.address import to_checksum_address

Value = str | int | bytes
WORD = 32
QUAD = 64
ADDRESS_LENGTH = 20
SPEAKER = "@"
MOST_ALIKE = 1024
_KIND = re.compile(rb"[\x21-\x7e]{1,32}")
_HEX = re.compile(r"(0x)?([0-9a-fA-F]{2})*")


class StatementError(ValueError):
    """A value that does not fit its typed struct, or a payload that is not one."""


def text_hash(text: str) -> bytes:
    """Keccak-256 of UTF-8 ``text``: how text stands in payloads, subjects and ``org``."""
    return bytes(keccak(text.encode("utf-8")))


def address_bytes(address: str | bytes) -> bytes:
    """The 20 bytes of an address given as hex text or bytes; raises :class:`StatementError`."""
    if isinstance(address, bytes):
        raw = address
    elif _HEX.fullmatch(address):
        raw = bytes.fromhex(address.removeprefix("0x"))
    else:
        raise StatementError(f"an address is 0x and {2 * ADDRESS_LENGTH} hex digits: {address!r}")
    if len(raw) != ADDRESS_LENGTH:
        raise StatementError(f"an address has {ADDRESS_LENGTH} bytes, this one has {len(raw)}")
    return raw


def kind_word(name: str) -> bytes:
    """A kind's name as the ``bytes32`` that stands on the chain: ASCII, padded with zeros.

    Raises :class:`StatementError` unless it has 1 to 32 printable characters without spaces.
    """
    raw = name.encode("ascii", "replace")
    if not name.isascii() or not _KIND.fullmatch(raw):
        raise StatementError(f"a kind's name has 1 to 32 printable ASCII characters: {name!r}")
    return raw.ljust(WORD, b"\0")


def kind_name(word: bytes) -> str:
    """The name in a ``bytes32`` kind; raises :class:`StatementError` unless it is one."""
    raw = word.rstrip(b"\0")
    if len(word) != WORD or not _KIND.fullmatch(raw):
        raise StatementError(f"not a kind: 0x{word.hex()}")
    return raw.decode("ascii")


class Layout(NamedTuple):
    """Reads all members of a payload at once, where none is an address or wider than 64 bits.

    What is filed by the hundred differs in its texts: where all integers stand side by side, from ``first`` to ``end``,
    those that were met before are not read again. ``words`` are the members of 32 bytes and where they stand.
    """

    names: tuple[str, ...]
    form: Struct
    unused: int
    """The bits of a payload that must be zero."""
    first: int
    end: int
    words: tuple[tuple[str, int, int], ...]
    known: dict[bytes, dict[str, Value]]
    """All members of a payload that had these integers."""

    def values(self, payload: bytes) -> dict[str, Value] | None:
        """The members, None where bits are set that no member has."""
        numbers = payload[self.first : self.end]
        before = self.known.get(numbers)
        if before is None:
            if int.from_bytes(payload, "big") & self.unused:
                return None
            values = dict(zip(self.names, self.form.unpack(payload), strict=True))
            if numbers and len(self.known) < MOST_ALIKE:
                self.known[numbers] = values.copy()
            return values
        values = before.copy()
        for name, start, end in self.words:
            values[name] = payload[start:end]
        return values


@dataclass(frozen=True, slots=True)
class StructType:
    """One EIP-712 struct: flat, its last member ``bytes32 bodyDigest`` (SHA-256 of the body).

    ``contract`` and ``method`` say which registry records it; ``batch`` names the primary type
    that is signed; ``kind`` is the kind under which the log keeps its subject.
    """

    name: str
    batch: str
    kind: str
    contract: str
    method: str
    members: tuple[tuple[str, str], ...]
    subject: tuple[str, ...] = ("code",)
    """Members whose words name the subject, see :meth:`subject_of`; ``@`` is the speaker."""
    type_hash: bytes = field(init=False)
    batch_type_hash: bytes = field(init=False)
    layout: tuple[tuple[str, str, int, int], ...] = field(init=False, repr=False)
    """Of each member: name, type, bits where it is an integer (else 0), offset in the payload."""
    names: tuple[str, ...] = field(init=False, repr=False, compare=False)
    naming: tuple[tuple[str, str, str], ...] = field(init=False, repr=False, compare=False)
    """Of the members that name the subject: name, type (``@``: the speaker's), and how errors call them."""
    compiled: Layout | None = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        layout = tuple(
            (name, kind, int(kind[4:]) if kind.startswith("uint") else 0, WORD * (place + 1))
            for place, (name, kind) in enumerate(self.members)
        )
        object.__setattr__(self, "layout", layout)
        object.__setattr__(self, "names", tuple(name for name, _ in self.members))
        kinds = dict(self.members)
        naming = tuple(
            (name, kinds.get(name, SPEAKER), f"{self.name}.{name}") for name in self.subject
        )
        object.__setattr__(self, "naming", naming)
        object.__setattr__(self, "compiled", _compiled(layout))
        object.__setattr__(self, "type_hash", bytes(keccak(self.encode_type().encode())))
        object.__setattr__(
            self, "batch_type_hash", bytes(keccak(self.encode_batch_type().encode()))
        )

    def encode_type(self) -> str:
        """``encodeType`` of EIP-712 for one statement."""
        return f"{self.name}({','.join(f'{kind} {name}' for name, kind in self.members)})"

    def encode_batch_type(self) -> str:
        """``encodeType`` of EIP-712 for the batch, referenced struct appended."""
        return (
            f"{self.batch}(string organisation,uint64 deadline,{self.name}[] statements)"
            f"{self.encode_type()}"
        )

    @property
    def calldata_type(self) -> str:
        """The ABI tuple that the registry takes: text as ``bytes32``, the body for its digest."""
        inner = ["bytes32" if kind == "string" else kind for _, kind in self.members[:-1]]
        return f"({','.join([*inner, 'bytes'])})"

    def calldata(self, values: Mapping[str, Value], body: bytes) -> tuple[Any, ...]:
        """``values`` in the order and form of :attr:`calldata_type`."""
        row: list[Any] = []
        for name, kind in self.members[:-1]:
            value = values[name]
            row.append(text_hash(value) if kind == "string" and isinstance(value, str) else value)
        return (*row, body)

    def encode(self, values: Mapping[str, Value]) -> bytes:
        """The payload: ``typeHash || encodeData``. A ``string`` member may be given as its hash.

        Raises :class:`StatementError` naming the member that is missing, unknown or out of range.
        """
        unknown = set(values) - {name for name, _ in self.members}
        if unknown:
            raise StatementError(f"{self.name} has no member {sorted(unknown)[0]!r}")
        words = [self.type_hash]
        for name, kind in self.members:
            if name not in values:
                raise StatementError(f"{self.name}.{name} is missing")
            words.append(_encode_word(f"{self.name}.{name}", kind, values[name]))
        return b"".join(words)

    def subject_of(self, values: Mapping[str, Value], organisation: bytes) -> bytes:
        """The subject under which the log keeps a statement; ``organisation`` is the speaker's hash.

        One naming member stands for itself: the hash of a text, or a padded address. Of several it is
        the Keccak-256 of their words.
        """
        if len(self.naming) == 1:
            # Every statement of a log comes through here, and what was decoded is a word already.
            name, kind, _ = self.naming[0]
            word = values[name]
            if kind == "string" and isinstance(word, bytes) and len(word) == WORD:
                return word
        words = [
            organisation if kind == SPEAKER else _encode_word(where, kind, values[name])
            for name, kind, where in self.naming
        ]
        return words[0] if len(words) == 1 else bytes(keccak(b"".join(words)))

    def decode(self, payload: bytes) -> dict[str, Value]:
        """The members of a payload; text members come back as their 32-byte hashes.

        Raises :class:`StatementError` where the payload is not exactly what :meth:`encode` gives.
        """
        if len(payload) != WORD * (len(self.members) + 1):
            raise StatementError(
                f"{self.name} has {WORD * (len(self.members) + 1)} bytes, "
                f"the payload has {len(payload)}"
            )
        if payload[:WORD] != self.type_hash:
            raise StatementError(f"payload is not a {self.name}: type hash 0x{payload[:4].hex()}…")
        # Every statement of a log comes through here, and nearly all in one step.
        if self.compiled is not None and (known := self.compiled.values(payload)) is not None:
            return known
        values: dict[str, Value] = {}
        for name, kind, bits, at in self.layout:
            word = payload[at : at + WORD]
            if bits:
                number = int.from_bytes(word, "big")
                if number >> bits:
                    raise StatementError(f"{self.name}.{name} does not fit {kind}")
                values[name] = number
            elif kind == "address":
                if any(word[:12]):
                    raise StatementError(f"{self.name}.{name} is not an address")
                values[name] = str(to_checksum_address(word[12:]))
            else:
                values[name] = word
        return values


def _compiled(layout: Sequence[tuple[str, str, int, int]]) -> Layout | None:
    if any(kind == "address" or bits > QUAD for _, kind, bits, _ in layout):
        return None
    form, unused = f">{WORD}x", 0
    for _, _, bits, _ in layout:
        form += "24xQ" if bits else f"{WORD}s"
        unused = unused << 8 * WORD | ((1 << 8 * WORD) - (1 << bits) if bits else 0)
    names = tuple(name for name, *_ in layout)
    words = tuple((name, at, at + WORD) for name, _, bits, at in layout if not bits)
    numbers = [at for _, _, bits, at in layout if bits]
    apart = not numbers or numbers[-1] - numbers[0] != WORD * (len(numbers) - 1)
    first, end = (0, 0) if apart else (numbers[0], numbers[-1] + WORD)
    return Layout(names, Struct(form), unused, first, end, words, {})


def _encode_word(where: str, kind: str, value: Value) -> bytes:
    if kind == "string":
        if isinstance(value, str):
            return text_hash(value)
        if isinstance(value, bytes) and len(value) == WORD:
            return value
        raise StatementError(f"{where} must be text, or the 32-byte hash of text")
    if kind == "address":
        if isinstance(value, int):
            raise StatementError(f"{where} must be an address")
        return address_bytes(value).rjust(WORD, b"\0")
    if kind == "bytes32":
        if isinstance(value, bytes) and len(value) == WORD:
            return value
        raise StatementError(f"{where} must be 32 bytes")
    bits = int(kind.removeprefix("uint"))
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 1 << bits:
        raise StatementError(f"{where} must be an integer in 0..2^{bits}-1, got {value!r}")
    return value.to_bytes(WORD, "big")


def integer(value: Value) -> int:
    """A member that is an integer; raises :class:`TypeError` for any other."""
    if not isinstance(value, int):
        raise TypeError(f"an integer member holds {value!r}")
    return value

"""Where things stand in a journal's directory, and how ``size`` and entries are written.

Names and tiles follow C2SP tlog-tiles; see :mod:`ledger.journal` for what differs.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from ledger.journal.errors import DamagedJournal
from ledger.merkle import HASH_LENGTH, TILE_HEIGHT, TILE_WIDTH

MAX_ENTRY_BYTES = (1 << 32) - 1
LENGTH = struct.Struct(">I")
"""An entry stands behind its length, 32 bits, big-endian."""
_SIZE_BYTES = 20 + 1 + 20 + 1 + 8 + 1
_GROUP = 1000


class Extent(NamedTuple):
    """How much of a journal is kept for good: entries, and bytes of the last bundle."""

    size: int
    tail_bytes: int

    def encode(self) -> bytes:
        """One line of fixed length, with a CRC-32, so that half a write is seen as such."""
        text = f"{self.size:020d} {self.tail_bytes:020d}"
        return f"{text} {zlib.crc32(text.encode()):08x}\n".encode()

    @classmethod
    def decode(cls, line: bytes) -> Extent | None:
        """None for anything that :meth:`encode` did not write."""
        if len(line) != _SIZE_BYTES:
            return None
        try:
            size, tail, check = line.decode("ascii").split()
            extent = cls(int(size), int(tail))
        except ValueError:
            return None
        return extent if extent.encode() == line and len(check) == 8 else None  # noqa: PLR2004


NOTHING = Extent(0, 0)


def tile_name(number: int) -> str:
    """``<N>`` of tlog-tiles: three digits a step, ``x`` before all but the last."""
    steps = [f"{number % _GROUP:03d}"]
    while number >= _GROUP:
        number //= _GROUP
        steps.append(f"x{number % _GROUP:03d}")
    return "/".join(reversed(steps))


def tile_path(root: Path, level: int, number: int) -> Path:
    """The file of hash tile ``number`` of a tile level (0: hashes of entries)."""
    return root / "tile" / str(level) / tile_name(number)


def bundle_path(root: Path, number: int) -> Path:
    """The file of the bundle with entries ``256 * number`` and following."""
    return root / "tile" / "entries" / tile_name(number)


def tile_count(level: int, size: int) -> int:
    """How many hashes stand at a tile level in a journal of ``size`` entries."""
    return size >> TILE_HEIGHT * level


def packed(entries: Iterable[bytes]) -> bytes:
    """Entries as they stand in a bundle."""
    return b"".join(part for entry in entries for part in (LENGTH.pack(len(entry)), entry))


def unpacked(bundle: bytes, place: str) -> Iterator[bytes]:
    """The entries of a bundle's bytes; raises :class:`DamagedJournal` where they do not fit."""
    at = 0
    while at < len(bundle):
        end = at + LENGTH.size
        if end <= len(bundle):
            end += LENGTH.unpack_from(bundle, at)[0]
        if end > len(bundle) or at + LENGTH.size > len(bundle):
            raise DamagedJournal(f"{place} ends in the middle of an entry, at byte {at}")
        yield bundle[at + LENGTH.size : end]
        at = end


def bundles_of(first: int, end: int) -> Iterator[tuple[int, int, int]]:
    """Entries ``first .. end - 1`` by bundle: ``(bundle, first in it, end in it)``."""
    while first < end:
        bundle, offset = divmod(first, TILE_WIDTH)
        stop = min(TILE_WIDTH, offset + end - first)
        yield bundle, offset, stop
        first += stop - offset


__all__ = [
    "HASH_LENGTH",
    "LENGTH",
    "MAX_ENTRY_BYTES",
    "NOTHING",
    "TILE_WIDTH",
    "Extent",
    "bundle_path",
    "bundles_of",
    "packed",
    "tile_count",
    "tile_name",
    "tile_path",
    "unpacked",
]

"""Where leaves stand: places, cells, buckets (``docs/row-encoding.md``).

A key's *place* is a public 64-bit number, the beginning of a hash of the key. Leaves are sorted by it. The
tree has a power of two of *cells*, and a leaf stands in the cell that its place begins with: so a key has one
cell in which alone it can be, and opening that cell shows that it is there, or that it is not, whatever the
rest of the tree looks like.

A cell is made of its entries' *marks*. A mark hides the place behind the salted leaf, so that whoever is shown
one row cannot guess at the keys of those that stand beside it.
"""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING

import numpy as np

from ledger.merkle import HASH_LENGTH
from ledger.records.encoding import BUCKET, MARK
from ledger.records.hashing import cut, digests, fixed

if TYPE_CHECKING:
    from numpy.typing import NDArray

ENTRY = 40
"""Bytes of an entry: place (8, big-endian), then leaf (32)."""
BUCKETS = 256
FINE = 1 << 16
"""Finer fingerprints that a store keeps beside the 256 that a manifest publishes."""
_MASK = (1 << 64) - 1


def cell_bits(rows: int) -> int:
    """How many first bits of a place name its cell, for so many rows: two to four rows a cell."""
    return max(0, (rows - 1).bit_length() - 2) if rows else 0


def places_of(entries: NDArray[np.uint8]) -> NDArray[np.uint64]:
    """The places of entries, shape (n, 40), as numbers."""
    found = np.ascontiguousarray(entries).view(">u8")[:, 0].astype(np.uint64)
    return found  # noqa: RET504 - mypy is told the type by the name


def cells_of(places: NDArray[np.uint64], bits: int) -> NDArray[np.int64]:
    """The cell of every place."""
    if not bits:
        return np.zeros(len(places), np.int64)
    return (places >> np.uint64(64 - bits)).astype(np.int64)


def marks_of(entries: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """``SHA-256(0x04 ‖ place ‖ leaf)`` of every entry; shape (n, 32)."""
    return digests(fixed(entries), MARK)


def cell_hashes(
    entries: NDArray[np.uint8],
    bits: int,
    first: int,
    end: int,
    places: NDArray[np.uint64] | None = None,
) -> NDArray[np.uint8]:
    """Leaf hashes (RFC 9162) of the cells ``first .. end - 1``, whose sorted entries these are.

    ``places``: those of the entries, where they are known already.
    """
    cells = cells_of(places_of(entries) if places is None else places, bits)
    sizes = np.bincount(cells - first, minlength=end - first)
    starts = np.concatenate([[0], np.cumsum(sizes, dtype=np.int64)]) * HASH_LENGTH
    return digests(cut(marks_of(entries).reshape(-1), starts), b"\0")


def fine_sums(
    entries: NDArray[np.uint8], places: NDArray[np.uint64] | None = None
) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
    """Sums (mod 2**64) of the first eight bytes of the leaves, and counts, by the places' first 16 bits.

    ``places``: those of the entries, where they are known already.
    """
    sums, counts = np.zeros(FINE, np.uint64), np.zeros(FINE, np.int64)
    if len(entries):
        known = places_of(entries) if places is None else places
        fine = (known >> np.uint64(48)).astype(np.int64)
        starts = np.flatnonzero(np.diff(fine, prepend=-1))
        marks = np.ascontiguousarray(entries).view(">u8")[:, 1].astype(np.uint64)
        sums[fine[starts]] = np.add.reduceat(marks, starts)
        counts[fine[starts]] = np.diff(starts, append=len(fine))
    return sums, counts


def bucket_offset(secret: bytes, bucket: int) -> int:
    """What is added to a bucket's sum, so that nobody without the secret can tell an empty bucket."""
    return int.from_bytes(sha256(BUCKET + secret + bytes([bucket])).digest()[:8], "big")


def buckets_of(fine: NDArray[np.uint64], secret: bytes) -> tuple[int, ...]:
    """The 256 bucket fingerprints out of the finer sums."""
    coarse = fine.reshape(BUCKETS, -1).sum(axis=1, dtype=np.uint64)
    return tuple(
        (int(total) + bucket_offset(secret, bucket)) & _MASK for bucket, total in enumerate(coarse)
    )

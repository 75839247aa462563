"""The Merkle tree of RFC 9162 section 2.1: roots, frontiers, proof paths, tiles.

A tree over n leaves is addressed by its *complete subtrees*: subtree ``(level, index)`` covers the
``2**level`` leaves that start at ``index << level``. A complete subtree never changes once its
leaves are there, so its hash may be kept for ever; whatever else a root or a path needs is put
together from them. Whoever keeps hashes offers them as a :data:`Subtree` callable, and nothing
here asks how they are kept.

Hashes are 32 bytes throughout. This module makes proofs; :mod:`ledger.merkle_verify` checks them
and shares nothing with this code beyond :func:`leaf_hash` and :func:`node_hash`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256

HASH_LENGTH = 32
EMPTY_ROOT = sha256(b"").digest()
"""Root of the tree without leaves (RFC 9162 section 2.1.1)."""
TILE_HEIGHT = 8
TILE_WIDTH = 1 << TILE_HEIGHT

Subtree = Callable[[int, int], bytes]
"""``subtree(level, index)``: the hash of a complete subtree."""


def leaf_hash(data: bytes) -> bytes:
    """``SHA-256(0x00 || data)``, RFC 9162 section 2.1.1."""
    return sha256(b"\0" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """``SHA-256(0x01 || left || right)``, RFC 9162 section 2.1.1."""
    return sha256(b"\1" + left + right).digest()


@dataclass(frozen=True, slots=True)
class Run:
    """Hashes of neighbouring complete subtrees of one level, the first at ``index`` ``first``."""

    level: int
    first: int
    hashes: list[bytes]


class Frontier:
    """A growing tree that keeps one hash per height: enough for its root and for the next append.

    ``peaks`` are the complete subtrees that make up the tree, widest first, one for each bit that
    is set in ``size``.
    """

    __slots__ = ("_peaks", "_size")

    def __init__(self, size: int = 0, peaks: Sequence[bytes] = ()) -> None:
        """Resume at ``size`` leaves with the ``peaks`` kept then; raises :class:`ValueError`."""
        if size < 0 or len(peaks) != size.bit_count():
            raise ValueError(f"a tree of {size} leaves has not {len(peaks)} peaks")
        if any(len(peak) != HASH_LENGTH for peak in peaks):
            raise ValueError(f"every peak has {HASH_LENGTH} bytes")
        levels = [level for level in reversed(range(size.bit_length())) if size >> level & 1]
        self._size = size
        self._peaks: dict[int, bytes] = dict(zip(levels, peaks, strict=True))

    @classmethod
    def resume(cls, size: int, subtree: Subtree) -> Frontier:
        """The frontier of the first ``size`` leaves of a tree whose subtrees are kept elsewhere."""
        return cls(size, [subtree(level, index) for level, index in complete_subtrees_of(0, size)])

    @property
    def size(self) -> int:
        return self._size

    @property
    def peaks(self) -> list[bytes]:
        return [self._peaks[level] for level in sorted(self._peaks, reverse=True)]

    def append(self, leaf: bytes) -> None:
        """Add one leaf hash."""
        self.extend([leaf])

    def extend(self, leaf_hashes: Sequence[bytes]) -> list[Run]:
        """Add leaf hashes and tell every complete subtree that came to be, lowest level first.

        Level 0 is ``leaf_hashes`` themselves. Work goes level by level, so that a long batch costs
        one SHA-256 a leaf and little else.
        """
        if set(map(len, leaf_hashes)) - {HASH_LENGTH}:
            raise ValueError(f"every leaf hash has {HASH_LENGTH} bytes")
        runs: list[Run] = []
        level, first, fresh = 0, self._size, list(leaf_hashes)
        while fresh:
            runs.append(Run(level, first, fresh))
            # An old peak of this level is the left sibling of the first new subtree.
            row = [self._peaks.pop(level), *fresh] if first & 1 else fresh
            if len(row) & 1:
                self._peaks[level] = row[-1]
            pairs = iter(row)
            fresh = [
                sha256(b"\1" + left + right).digest()
                for left, right in zip(pairs, pairs, strict=False)
            ]
            level, first = level + 1, first >> 1
        self._size += len(leaf_hashes)
        return runs

    def root(self) -> bytes:
        """The root over all leaves so far."""
        return _fold([self._peaks[level] for level in sorted(self._peaks)])


def _fold(rising: Iterable[bytes]) -> bytes:
    """The root over complete subtrees given narrowest (rightmost) first."""
    root: bytes | None = None
    for peak in rising:
        root = peak if root is None else node_hash(peak, root)
    return EMPTY_ROOT if root is None else root


def root_of(leaf_hashes: Sequence[bytes]) -> bytes:
    """The root over these leaf hashes (RFC 9162 section 2.1.1)."""
    frontier = Frontier()
    frontier.extend(leaf_hashes)
    return frontier.root()


def complete_levels(leaf_hashes: Sequence[bytes]) -> list[list[bytes]]:
    """All complete subtrees: ``levels[level][index]``; ``levels[0]`` are the leaf hashes."""
    return [run.hashes for run in Frontier().extend(leaf_hashes)]


def subtree_of(levels: Sequence[Sequence[bytes]]) -> Subtree:
    """The reader of what :func:`complete_levels` gave."""

    def subtree(level: int, index: int) -> bytes:
        return levels[level][index]

    return subtree


def complete_subtrees_of(first: int, end: int) -> Iterator[tuple[int, int]]:
    """The complete subtrees ``(level, index)`` that make up leaves ``first .. end - 1``, left to
    right.

    ``first`` is a multiple of the widest of them, as in every range that a path names.
    """
    while first < end:
        level = (end - first).bit_length() - 1
        yield level, first >> level
        first += 1 << level


def range_hash(first: int, end: int, subtree: Subtree) -> bytes:
    """Hash of the tree over leaves ``first .. end - 1``, with ``first`` as above."""
    parts = [subtree(level, index) for level, index in complete_subtrees_of(first, end)]
    return _fold(reversed(parts))


def root_at(size: int, subtree: Subtree) -> bytes:
    """The root over the first ``size`` leaves."""
    return range_hash(0, size, subtree)


def inclusion_ranges(index: int, size: int) -> list[tuple[int, int]]:
    """The leaf ranges ``(first, end)`` whose hashes are the inclusion path, lowest first.

    RFC 9162 section 2.1.3.1. Raises :class:`ValueError` unless ``0 <= index < size``.
    """
    if not 0 <= index < size:
        raise ValueError(f"leaf {index} is not in a tree of {size} leaves")
    ranges: list[tuple[int, int]] = []
    first, end = 0, size
    while end - first > 1:
        middle = first + _split(end - first)
        if index < middle:
            ranges.append((middle, end))
            end = middle
        else:
            ranges.append((first, middle))
            first = middle
    return ranges[::-1]


def inclusion_path(index: int, size: int, subtree: Subtree) -> list[bytes]:
    """The path that proves leaf ``index`` in the tree of ``size`` leaves (RFC 9162 2.1.3.1)."""
    return [range_hash(first, end, subtree) for first, end in inclusion_ranges(index, size)]


def consistency_ranges(old: int, new: int) -> list[tuple[int, int]]:
    """The leaf ranges whose hashes are the consistency path from ``old`` to ``new`` leaves.

    RFC 9162 section 2.1.4.1, which defines it for ``0 < old <= new``; anything else raises
    :class:`ValueError`. Nothing is proven from size 0: every log extends the empty one.
    """
    if not 0 < old <= new:
        raise ValueError(f"no consistency path from {old} to {new} leaves: need 0 < old <= new")
    ranges: list[tuple[int, int]] = []
    first, end, whole = 0, new, True
    while old != end:
        middle = first + _split(end - first)
        if old <= middle:
            ranges.append((middle, end))
            end = middle
        else:
            ranges.append((first, middle))
            first, whole = middle, False
    if not whole:
        ranges.append((first, end))
    return ranges[::-1]


def consistency_path(old: int, new: int, subtree: Subtree) -> list[bytes]:
    """The path that proves that the tree of ``new`` leaves extends the one of ``old`` leaves."""
    return [range_hash(first, end, subtree) for first, end in consistency_ranges(old, new)]


def _split(width: int) -> int:
    """The largest power of two smaller than ``width`` (the k of RFC 9162 section 2.1.1)."""
    return 1 << (width - 1).bit_length() - 1


# Tiles, in the shape of C2SP tlog-tiles: tile (L, i) holds up to 256 hashes of subtrees of height
# 8 * L, beginning with subtree (8 * L, 256 * i); hashes are concatenated.


def tile_of(level: int, index: int) -> tuple[int, int]:
    """The tile ``(tile level, tile index)`` from which subtree ``(level, index)`` can be had."""
    tile_level, rise = divmod(level, TILE_HEIGHT)
    return tile_level, index << rise >> TILE_HEIGHT


@lru_cache(maxsize=4096)
def subtree_from_tile(tile: bytes, level: int, index: int) -> bytes:
    """Hash of subtree ``(level, index)`` out of its tile's bytes.

    The newest answers are kept, by the tile's content: the upper tiles of a large tree are part of
    every path.

    Raises :class:`ValueError` where the tile does not reach that far yet.
    """
    rise = level % TILE_HEIGHT
    at = (index << rise) % TILE_WIDTH * HASH_LENGTH
    end = at + (HASH_LENGTH << rise)
    if end > len(tile):
        raise ValueError(
            f"subtree ({level}, {index}) needs {end // HASH_LENGTH} hashes of tile "
            f"{tile_of(level, index)}, which has {len(tile) // HASH_LENGTH}"
        )
    while end - at > HASH_LENGTH:
        pairs = range(at, end, 2 * HASH_LENGTH)
        # A list: joining takes one that is there as it is.
        hashes = [sha256(b"\1" + tile[place : place + 2 * HASH_LENGTH]).digest() for place in pairs]
        tile = b"".join(hashes)
        at, end = 0, len(tile)
    return tile[at:end]


def tiles_of_run(run: Run) -> Iterator[tuple[int, int, int, bytes]]:
    """Where a run goes: ``(tile level, tile index, offset in hashes, bytes)``; nothing between
    tile levels.

    The offset is above zero where the tile had hashes before: the bytes are to be appended.
    """
    if run.level % TILE_HEIGHT:
        return
    at, total = 0, len(run.hashes)
    while at < total:
        tile, offset = divmod(run.first + at, TILE_WIDTH)
        taken = run.hashes[at : at + TILE_WIDTH - offset]
        yield run.level // TILE_HEIGHT, tile, offset, b"".join(taken)
        at += len(taken)


def tiles_for(ranges: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """The tiles that hold whatever these leaf ranges need, in order, each once."""
    return sorted(
        {
            tile_of(level, index)
            for first, end in ranges
            for level, index in complete_subtrees_of(first, end)
        }
    )


def subtree_in_tiles(tile: Callable[[int, int], bytes]) -> Subtree:
    """A :data:`Subtree` over ``tile(tile level, tile index) -> bytes``."""

    def subtree(level: int, index: int) -> bytes:
        return subtree_from_tile(tile(*tile_of(level, index)), level, index)

    return subtree

"""Checking a whole journal: every entry against its hash, every hash against those below, every anchor."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from ledger.journal.errors import JournalError, UnknownEntry
from ledger.journal.journal import Checkpoint, Journal
from ledger.journal.layout import HASH_LENGTH, TILE_WIDTH, tile_count
from ledger.merkle import Frontier, leaf_hash, root_of

Progress = Callable[[int, int], None]
_STEP = 256


class Finding(NamedTuple):
    """What is wrong: at an entry, a tile or an anchored checkpoint; ``position`` an entry or a size."""

    what: str
    position: int
    detail: str


def check(
    journal: Journal, anchored: Iterable[Checkpoint] = (), progress: Progress | None = None
) -> Iterator[Finding]:
    """Everything that is wrong with a journal, in order of its entries.

    ``anchored`` are checkpoints of this journal that were kept elsewhere, on the ledger above all.
    """
    size = journal.size
    wanted = sorted(one for one in anchored if one.origin == journal.origin)
    beyond = [one for one in wanted if one.size > size]
    roots = {one.size: one.root for one in wanted}
    frontier = Frontier()
    entries = journal.entries(0, size)
    for first in range(0, size, _STEP):
        end = min(first + _STEP, size)
        try:
            some = [next(entries) for _ in range(first, end)]
        except (JournalError, StopIteration) as error:
            yield Finding("entry", first, str(error) or "the bundle ends early")
            return
        hashes = [leaf_hash(entry) for entry in some]
        yield from _against_tile(journal, first, hashes)
        yield from _anchors(frontier, first, hashes, roots)
        if progress is not None:
            progress(end, size)
    yield from _upper_tiles(journal, size)
    for one in beyond:
        yield Finding(
            "checkpoint", one.size, f"the journal ends at {size}: anchored entries are gone"
        )


def _against_tile(journal: Journal, first: int, hashes: list[bytes]) -> Iterator[Finding]:
    try:
        tile = journal.tile(0, first // TILE_WIDTH)
    except UnknownEntry as error:
        yield Finding("tile", first, str(error))
        return
    for offset, found in enumerate(hashes):
        if tile[offset * HASH_LENGTH : (offset + 1) * HASH_LENGTH] != found:
            yield Finding("entry", first + offset, "the entry is not the one that was hashed")


def _anchors(
    frontier: Frontier, first: int, hashes: list[bytes], roots: dict[int, bytes]
) -> Iterator[Finding]:
    """Extend the tree by ``hashes``, and compare roots wherever one was anchored."""
    done = 0
    for size in sorted(size for size in roots if first < size <= first + len(hashes)):
        frontier.extend(hashes[done : size - first])
        done = size - first
        if frontier.root() != roots[size]:
            yield Finding("checkpoint", size, "another root was anchored for this size")
    frontier.extend(hashes[done:])


def _upper_tiles(journal: Journal, size: int) -> Iterator[Finding]:
    level = 1
    while tile_count(level, size):
        for index in range(tile_count(level, size)):
            number, offset = divmod(index, TILE_WIDTH)
            try:
                below = journal.tile(level - 1, index)
                held = journal.tile(level, number)[offset * HASH_LENGTH :][:HASH_LENGTH]
            except UnknownEntry as error:
                yield Finding("tile", index * TILE_WIDTH**level, str(error))
                continue
            parts = [below[at : at + HASH_LENGTH] for at in range(0, len(below), HASH_LENGTH)]
            if len(parts) != TILE_WIDTH or root_of(parts) != held:
                yield Finding(
                    "tile",
                    index * TILE_WIDTH**level,
                    f"hash {index} of level {level} does not follow",
                )
        level += 1

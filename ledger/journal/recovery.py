"""Putting the end of a journal in order after a writer died, or another wrote on.

What ``size`` counts is durable and stays. Beyond it there may be entries that nobody acknowledged: whole
ones with their hash are taken over (a reader of another process may have seen them come, and whoever sent
them will send them again, which does no harm), and what follows the first that is not whole is cut.
"""

from __future__ import annotations

import os
from pathlib import Path

from ledger.journal.errors import DamagedJournal
from ledger.journal.layout import (
    HASH_LENGTH,
    LENGTH,
    TILE_WIDTH,
    Extent,
    bundle_path,
    tile_count,
    tile_path,
)
from ledger.merkle import leaf_hash, root_of

_PLACES = range(0, TILE_WIDTH * HASH_LENGTH, HASH_LENGTH)


def recover(place: Path, durable: Extent) -> Extent:
    """Cut and complete the files behind ``durable``; returns what is kept now, all of it on the disk.

    Raises :class:`DamagedJournal` where something that ``durable`` counts is not there.
    """
    number = durable.size // TILE_WIDTH
    while True:
        whole, length = _whole_entries(place, number)
        size = number * TILE_WIDTH + whole
        if whole < TILE_WIDTH:
            break
        number += 1
    if size < durable.size:
        raise DamagedJournal(
            f"{place} has {size} whole entries, {durable.size} were kept: files were lost or changed. "
            "Restore the journal's directory from a backup; `govledger journal fsck` names what is wrong"
        )
    for whole_one in range(durable.size // TILE_WIDTH, number):
        # Taken over as found, which may be in memory alone: its writer died before it synced.
        for path in (bundle_path(place, whole_one), tile_path(place, 0, whole_one)):
            _sync(path)
    _cut(bundle_path(place, number), length)
    _cut(tile_path(place, 0, number), whole * HASH_LENGTH)
    _remove_after(place, number)
    _complete_tiles(place, durable.size, size)
    return Extent(size, length)


def _whole_entries(place: Path, number: int) -> tuple[int, int]:
    """How many entries of a bundle are whole and have their hash, and where the last one ends."""
    try:
        hashes = tile_path(place, 0, number).read_bytes()
        stream = bundle_path(place, number).open("rb")
    except FileNotFoundError:
        return 0, 0
    with stream:
        for count in range(TILE_WIDTH):
            end = stream.tell()
            wanted = hashes[count * HASH_LENGTH : (count + 1) * HASH_LENGTH]
            head = stream.read(LENGTH.size)
            if len(wanted) < HASH_LENGTH or len(head) < LENGTH.size:
                return count, end
            length = LENGTH.unpack(head)[0]
            entry = stream.read(length)
            if len(entry) < length or leaf_hash(entry) != wanted:
                return count, end
        return TILE_WIDTH, stream.tell()


def _cut(path: Path, length: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        os.ftruncate(handle, length)
        os.fsync(handle)
    finally:
        os.close(handle)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _remove_after(place: Path, number: int) -> None:
    """Bundles and tiles of entries beyond the last one that is whole."""
    number += 1
    while True:
        found = [
            path
            for path in (bundle_path(place, number), tile_path(place, 0, number))
            if path.exists()
        ]
        if not found:
            return
        for path in found:
            path.unlink()
        number += 1


def _complete_tiles(place: Path, durable: int, size: int) -> None:
    """Make the upper levels fit ``size`` entries: what was durable stays, the rest is computed."""
    level = 1
    while (wanted := tile_count(level, size)) or (place / "tile" / str(level)).exists():
        held = min(tile_count(level, durable), wanted)
        while held and not _reaches(place, level, held):
            held -= 1
        for index in range(held, wanted):
            below = tile_path(place, level - 1, index).read_bytes()
            tile, offset = divmod(index, TILE_WIDTH)
            path = tile_path(place, level, tile)
            _cut(path, offset * HASH_LENGTH)
            with path.open("ab") as stream:
                stream.write(root_of([below[at : at + HASH_LENGTH] for at in _PLACES]))
                stream.flush()
                os.fsync(stream.fileno())
        last, offset = divmod(wanted, TILE_WIDTH)
        if offset or tile_path(place, level, last).exists():
            _cut(tile_path(place, level, last), offset * HASH_LENGTH)
        level += 1


def _reaches(place: Path, level: int, count: int) -> bool:
    """Whether the tile with the last of ``count`` hashes of a level is long enough to hold it."""
    tile, offset = divmod(count - 1, TILE_WIDTH)
    path = tile_path(place, level, tile)
    return path.exists() and path.stat().st_size >= (offset + 1) * HASH_LENGTH

"""The end of a journal, where entries are added: open files, their lengths, the growing tree."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path
from typing import TypeVar

from ledger.journal.layout import (
    HASH_LENGTH,
    TILE_WIDTH,
    Extent,
    bundle_path,
    bundles_of,
    packed,
    tile_path,
)
from ledger.merkle import Frontier, tiles_of_run

SYNCS = 4
"""Threads that wait for the disk beside the one that writes."""
_Of = TypeVar("_Of")
_FLAGS = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC


class _Growing:
    """One file that grows at its end, and how long it is by our own account."""

    def __init__(self, path: Path, length: int) -> None:
        self.names: list[Path] = []
        """Directories with names that are not on the disk yet: this one's, or those of directories above it."""
        if not path.exists():
            self.names = _make(path.parent)
        self.path = path
        self.handle = os.open(path, _FLAGS, 0o644)
        self.length = length

    def in_order(self) -> bool:
        return os.fstat(self.handle).st_size == self.length

    def write(self, data: bytes) -> None:
        """Add ``data``; a write may take part of it only, and says so."""
        view = memoryview(data)
        while view:
            taken = os.pwrite(self.handle, view, self.length)
            self.length += taken
            view = view[taken:]

    def close(self) -> None:
        """Let go of the file; once more does nothing."""
        if self.handle >= 0:
            os.close(self.handle)
            self.handle = -1


class Tail:
    """The last bundle and the last tile of each level, open for writing."""

    def __init__(
        self, place: Path, extent: Extent, frontier: Frontier, named: int | None = None
    ) -> None:
        """``named`` is a bundle whose name this process knows to be on the disk."""
        self.place = place
        self.extent = extent
        self._frontier = frontier
        self._syncing = ThreadPoolExecutor(SYNCS, "journal-sync")
        last, held = divmod(extent.size, TILE_WIDTH)
        self._number = last
        self._bundle = _Growing(bundle_path(place, last), extent.tail_bytes)
        self._hashes = _Growing(tile_path(place, 0, last), held * HASH_LENGTH)
        if last != named:
            # Whoever was here before may have died between making a directory and syncing its name.
            for file in (self._bundle, self._hashes):
                file.names = _between(file.path, place)

    @classmethod
    def at(
        cls, place: Path, extent: Extent, frontier: Frontier | None, named: int | None = None
    ) -> Tail | None:
        """The end at ``extent``; None where the files are not as it says, and must be put in order."""
        if frontier is None:
            return None
        tail = cls(place, extent, frontier, named)
        if tail.in_order():
            return tail
        tail.close()
        return None

    def in_order(self) -> bool:
        """Whether the files end where they should, and no other writer has begun a next one."""
        return (
            self._bundle.in_order()
            and self._hashes.in_order()
            and not bundle_path(self.place, self._number + 1).exists()
        )

    def append(self, entries: Sequence[bytes], hashes: Sequence[bytes]) -> None:
        """Write entries and hashes, and return once they are on the disk; moves :attr:`extent`.

        Raises :class:`OSError` with everything as it was before, as far as the disk lets it.
        """
        before = self.extent
        left: list[_Growing] = []
        try:
            done = 0
            for number, offset, stop in bundles_of(before.size, before.size + len(entries)):
                if number != self._number:
                    left += [self._bundle, self._hashes]
                    self._open(number)
                some = slice(done, done + stop - offset)
                self._bundle.write(packed(entries[some]))
                self._hashes.write(b"".join(hashes[some]))
                done = some.stop
            for run in self._frontier.extend(hashes):
                for level, tile, offset, data in tiles_of_run(run):
                    if level:
                        file = _Growing(tile_path(self.place, level, tile), offset * HASH_LENGTH)
                        left.append(file)
                        file.write(data)
            self._sync([self._bundle, self._hashes, *left])
        except OSError:
            self._undo(before)
            raise
        finally:
            for file in left:
                file.close()
        self.extent = Extent(before.size + len(entries), self._bundle.length)
        if not self.extent.size % TILE_WIDTH:
            for file in (self._bundle, self._hashes):
                file.close()
            self._open(self._number + 1)
            self.extent = Extent(self.extent.size, 0)

    def close(self) -> None:
        for file in (self._bundle, self._hashes):
            file.close()
        self._syncing.shutdown()

    def _sync(self, files: Sequence[_Growing]) -> None:
        """Return when all that was written is on the disk, and the names of what is new.

        All at once: the disk does them together, one after the other each would wait for a turn of its own.
        """
        first, *others = (file.handle for file in files)
        self._at_once(os.fdatasync, others, lambda: os.fdatasync(first))
        names = list(dict.fromkeys(name for file in files for name in file.names))
        if names:
            self._at_once(_sync_directory, names[1:], lambda: _sync_directory(names[0]))
            for file in files:
                file.names = []

    def _at_once(
        self, act: Callable[[_Of], None], others: Sequence[_Of], here: Callable[[], None]
    ) -> None:
        waiting = [self._syncing.submit(act, one) for one in others]
        try:
            here()
        finally:
            wait(waiting)
        for one in waiting:
            one.result()

    def _open(self, number: int) -> None:
        """Go over to the next bundle; the last one is the caller's to close."""
        self._number = number
        self._bundle = _Growing(bundle_path(self.place, number), 0)
        self._hashes = _Growing(tile_path(self.place, 0, number), 0)

    def _undo(self, before: Extent) -> None:
        """Cut off what was half written. Where even that fails, the next writer finds and cuts it."""
        last, held = divmod(before.size, TILE_WIDTH)
        try:
            for number in range(self._number, last, -1):
                bundle_path(self.place, number).unlink(missing_ok=True)
                tile_path(self.place, 0, number).unlink(missing_ok=True)
            os.truncate(bundle_path(self.place, last), before.tail_bytes)
            os.truncate(tile_path(self.place, 0, last), held * HASH_LENGTH)
        except OSError:
            return


def _make(directory: Path) -> list[Path]:
    """Make a directory where there is none; those whose names are to be synced for a new file in it."""
    changed = [directory]
    while not directory.exists():
        directory = directory.parent
        changed.append(directory)
    changed[0].mkdir(parents=True, exist_ok=True)
    return changed


def _between(path: Path, place: Path) -> list[Path]:
    """The directories from that of a file up to ``place``."""
    found = [path.parent]
    while found[-1] != place:
        found.append(found[-1].parent)
    return found


def _sync_directory(directory: Path) -> None:
    handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)

"""The end of a journal, where entries are added: open files, their lengths, the growing tree."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

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

_FLAGS = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC


class _Growing:
    """One file that grows at its end, and how long it is by our own account."""

    def __init__(self, path: Path, length: int) -> None:
        self.is_new = not path.exists()
        if self.is_new:
            path.parent.mkdir(parents=True, exist_ok=True)
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

    def sync(self) -> None:
        os.fdatasync(self.handle)
        if self.is_new:
            _sync_directories(self.path.parent)
            self.is_new = False

    def cut(self, length: int) -> None:
        os.ftruncate(self.handle, length)
        self.length = length

    def close(self) -> None:
        os.close(self.handle)


class Tail:
    """The last bundle and the last tile of each level, open for writing."""

    def __init__(self, place: Path, extent: Extent, frontier: Frontier) -> None:
        self.place = place
        self.extent = extent
        self._frontier = frontier
        last, held = divmod(extent.size, TILE_WIDTH)
        self._number = last
        self._bundle = _Growing(bundle_path(place, last), extent.tail_bytes)
        self._hashes = _Growing(tile_path(place, 0, last), held * HASH_LENGTH)

    @classmethod
    def at(cls, place: Path, extent: Extent, frontier: Frontier | None) -> Tail | None:
        """The end at ``extent``; None where the files are not as it says, and must be put in order."""
        if frontier is None:
            return None
        tail = cls(place, extent, frontier)
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
        touched: list[_Growing] = []
        try:
            done = 0
            for number, offset, stop in bundles_of(before.size, before.size + len(entries)):
                if number != self._number:
                    self._begin(number)
                some = slice(done, done + stop - offset)
                self._bundle.write(packed(entries[some]))
                self._hashes.write(b"".join(hashes[some]))
                for file in (self._bundle, self._hashes):
                    file.sync()
                done = some.stop
            for run in self._frontier.extend(hashes):
                for level, tile, offset, data in tiles_of_run(run):
                    if level:
                        file = _Growing(tile_path(self.place, level, tile), offset * HASH_LENGTH)
                        touched.append(file)
                        file.write(data)
                        file.sync()
        except OSError:
            self._undo(before)
            raise
        finally:
            for file in touched:
                file.close()
        self.extent = Extent(before.size + len(entries), self._bundle.length)
        if not self.extent.size % TILE_WIDTH:
            self._begin(self._number + 1)
            self.extent = Extent(self.extent.size, 0)

    def close(self) -> None:
        for file in (self._bundle, self._hashes):
            file.close()

    def _begin(self, number: int) -> None:
        """Go over to the next bundle."""
        self.close()
        self._number = number
        self._bundle = _Growing(bundle_path(self.place, number), 0)
        self._hashes = _Growing(tile_path(self.place, 0, number), 0)

    def _undo(self, before: Extent) -> None:
        """Cut off what was half written. Where even that fails, the next writer finds and cuts it."""
        last, held = divmod(before.size, TILE_WIDTH)
        try:
            if last == self._number:
                self._bundle.cut(before.tail_bytes)
                self._hashes.cut(held * HASH_LENGTH)
        except OSError:
            return


def _sync_directories(directory: Path) -> None:
    """Make new names durable, up to the directory ``tile``."""
    while True:
        handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
        if directory.name == "tile" or directory.parent == directory:
            return
        directory = directory.parent

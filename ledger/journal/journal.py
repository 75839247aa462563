"""One journal: read by anyone at any time, written by one at a time.

*Kept for good.* :meth:`Journal.append` returns after the entries and their hashes are on the disk. The
line in ``size`` is written after that, so whatever it counts is durable; whatever lies beyond it is not
acknowledged, and is cut or taken over by the next writer (:mod:`ledger.journal.recovery`).

*One writer.* A writer holds a lock on the file ``lock`` while it appends, and looks first whether another
process appended meanwhile; so commands and a server share a journal. Readers take no lock: they read
``size``, and nothing below it ever changes.
"""

from __future__ import annotations

import fcntl
import os
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple, Self

from ledger.journal.errors import DamagedJournal, JournalError, UnknownEntry, UnwritableJournal
from ledger.journal.layout import (
    HASH_LENGTH,
    LENGTH,
    MAX_ENTRY_BYTES,
    NOTHING,
    TILE_WIDTH,
    Extent,
    bundle_path,
    bundles_of,
    tile_path,
)
from ledger.journal.recovery import recover
from ledger.journal.writing import Tail
from ledger.merkle import (
    EMPTY_ROOT,
    Frontier,
    Subtree,
    consistency_path,
    inclusion_path,
    leaf_hash,
    root_at,
    subtree_in_tiles,
)

_READ_AHEAD = 1 << 18
_TRIES = 100


class Checkpoint(NamedTuple):
    """A journal at one size (检查点): what is anchored, and what proofs lead to."""

    origin: str
    size: int
    root: bytes


class Journal:
    """A journal's directory. Use as a context manager, or call :meth:`close`."""

    def __init__(self, place: Path) -> None:
        """Open what :meth:`create` made; raises :class:`JournalError`."""
        self.place = place
        try:
            self.origin = (place / "origin").read_text("utf-8").strip()
        except FileNotFoundError as error:
            raise JournalError(f"{place} holds no journal") from error
        self._size = os.open(place / "size", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        self._lock = os.open(place / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        self._one_at_a_time = threading.RLock()
        self._tail: Tail | None = None
        self._named: int | None = None

    @classmethod
    def create(cls, place: Path, origin: str) -> Journal:
        """An empty journal of this name, or the one that stands there already under it.

        ``origin`` is one line without blanks, in the manner of C2SP tlog-checkpoint a URL without
        scheme. Raises :class:`JournalError` for another name.
        """
        if not origin or len(origin.split()) != 1:
            raise JournalError(f"a journal's name is one line without blanks, not {origin!r}")
        place.mkdir(parents=True, exist_ok=True)
        file = place / "origin"
        if not file.exists():
            draft = place / f".origin.{os.getpid()}.part"
            with draft.open("w", encoding="utf-8") as stream:
                stream.write(origin + "\n")
                stream.flush()
                os.fsync(stream.fileno())
            try:
                # A link fails where the name is there already: of two makers one wins.
                os.link(draft, file)
            except FileExistsError:
                pass
            finally:
                draft.unlink()
        journal = cls(place)
        if journal.origin != origin:
            journal.close()
            raise JournalError(f"{place} holds the journal {journal.origin}, not {origin}")
        return journal

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the files. Nothing needs to be written: what was acknowledged is on the disk."""
        with self._one_at_a_time:
            if self._tail is not None:
                self._tail.close()
                self._tail = None
            for handle in (self._size, self._lock):
                if handle >= 0:
                    os.close(handle)
            self._size = self._lock = -1

    # Reading.

    @property
    def size(self) -> int:
        """How many entries are kept for good."""
        return self._extent().size

    def entries(self, first: int = 0, end: int | None = None) -> Iterator[bytes]:
        """Entries ``first .. end - 1`` (default: all there are now), in order, one at a time.

        Raises :class:`UnknownEntry` beyond the size, :class:`DamagedJournal` where files are missing
        or short.
        """
        size = self.size
        end = size if end is None else end
        if not 0 <= first <= end <= size:
            raise UnknownEntry(f"entries {first} to {end} are not in a journal of {size} entries")
        for bundle, offset, stop in bundles_of(first, end):
            yield from self._bundle(bundle, offset, stop)

    def entry(self, position: int) -> bytes:
        """One entry; raises :class:`UnknownEntry`."""
        if not 0 <= position < self.size:
            raise UnknownEntry(f"the journal has no entry {position}: it holds {self.size}")
        return next(self.entries(position, position + 1))

    def tile(self, level: int, number: int) -> bytes:
        """The bytes of a hash tile, as many hashes as there are; for :func:`subtree_in_tiles`."""
        try:
            return tile_path(self.place, level, number).read_bytes()
        except FileNotFoundError as error:
            raise UnknownEntry(f"the journal has no tile {level}/{number}") from error

    def subtree(self) -> Subtree:
        """A reader of the tree; tiles are kept while it lives."""
        kept: dict[tuple[int, int], bytes] = {}

        def tile(level: int, number: int) -> bytes:
            if (level, number) not in kept:
                kept[level, number] = self.tile(level, number)
            return kept[level, number]

        return subtree_in_tiles(tile)

    def root(self, size: int | None = None) -> bytes:
        """The RFC 9162 root over the first ``size`` entries (default: all)."""
        size = self._checked(size)
        return root_at(size, self.subtree()) if size else EMPTY_ROOT

    def checkpoint(self, size: int | None = None) -> Checkpoint:
        """Origin, size and root at ``size`` entries (default: all)."""
        size = self._checked(size)
        return Checkpoint(self.origin, size, self.root(size))

    def inclusion(self, position: int, size: int | None = None) -> list[bytes]:
        """The path that proves entry ``position`` among the first ``size`` (RFC 9162 2.1.3.1)."""
        size = self._checked(size)
        if not 0 <= position < size:
            raise UnknownEntry(f"entry {position} is not among the first {size}")
        return inclusion_path(position, size, self.subtree())

    def consistency(self, old: int, size: int | None = None) -> list[bytes]:
        """The path that proves that ``size`` entries begin with the ``old`` first ones (2.1.4.1)."""
        size = self._checked(size)
        if not 0 < old <= size:
            raise UnknownEntry(f"no consistency path from {old} to {size} entries")
        return consistency_path(old, size, self.subtree())

    # Writing.

    def append(self, entries: Sequence[bytes]) -> int:
        """Keep entries for good, all or none of them; returns the position of the first.

        Raises :class:`UnwritableJournal` where the disk does not take them: none is kept then.
        """
        if any(len(entry) > MAX_ENTRY_BYTES for entry in entries):
            raise JournalError(f"an entry has at most {MAX_ENTRY_BYTES} bytes")
        with self.writing() as tail:
            first = tail.extent.size
            if entries:
                try:
                    tail.append(entries, [leaf_hash(entry) for entry in entries])
                except OSError as error:
                    self._forget_tail()
                    raise UnwritableJournal(
                        f"{self.place} could not be written ({error.strerror}): nothing of this was kept; "
                        "see that the disk has space and works, and try again"
                    ) from error
                self._publish(tail.extent)
                self._named = (first + len(entries) - 1) // TILE_WIDTH
            return first

    def write_checkpoint(self, checkpoint: Checkpoint) -> None:
        """Write ``checkpoint`` down as the file of that name (C2SP tlog-checkpoint, unsigned)."""
        from base64 import b64encode  # noqa: PLC0415 - once in some minutes

        root = b64encode(checkpoint.root).decode()
        draft = self.place / f".checkpoint.{os.getpid()}.part"
        draft.write_text(f"{checkpoint.origin}\n{checkpoint.size}\n{root}\n", "utf-8")
        draft.replace(self.place / "checkpoint")

    @contextmanager
    def writing(self) -> Iterator[Tail]:
        """Alone with the journal's end, put in order where a writer died."""
        with self._one_at_a_time:
            if self._lock < 0:
                raise JournalError(f"the journal {self.origin} is closed")
            fcntl.flock(self._lock, fcntl.LOCK_EX)
            try:
                yield self._settled()
            finally:
                fcntl.flock(self._lock, fcntl.LOCK_UN)

    def _settled(self) -> Tail:
        """The end as it is on the disk now, which may be another process's work."""
        written = Extent.decode(os.pread(self._size, 1 << 10, 0)) or NOTHING
        if self._tail is not None and self._tail.extent == written and self._tail.in_order():
            return self._tail
        self._forget_tail()
        tail = Tail.at(self.place, written, self._frontier(written.size), self._named)
        if tail is None:
            found = recover(self.place, written)
            self._publish(found)
            tail = Tail.at(self.place, found, self._frontier(found.size))
        if tail is None:
            raise DamagedJournal(
                f"{self.place} cannot be put in order; run `govledger journal fsck`"
            )
        self._tail = tail
        return tail

    def _frontier(self, size: int) -> Frontier | None:
        """The tree's growing edge; None where tiles are missing or short."""
        try:
            return Frontier.resume(size, self.subtree())
        except (UnknownEntry, ValueError):
            return None

    def _forget_tail(self) -> None:
        if self._tail is not None:
            self._tail.close()
            self._tail = None

    def _publish(self, extent: Extent) -> None:
        os.pwrite(self._size, extent.encode(), 0)

    def _extent(self) -> Extent:
        """What ``size`` says; read again where a writer was half-way through the line."""
        for _ in range(_TRIES):
            line = os.pread(self._size, 1 << 10, 0)
            extent = Extent.decode(line)
            if extent is not None:
                return extent
            if not line:
                return NOTHING
        raise DamagedJournal(
            f"{self.place / 'size'} cannot be read; the next entry that is written mends it"
        )

    def _checked(self, size: int | None) -> int:
        held = self.size
        if size is None:
            return held
        if not 0 <= size <= held:
            raise UnknownEntry(f"the journal holds {held} entries, not {size}")
        return size

    def _bundle(self, bundle: int, offset: int, stop: int) -> Iterator[bytes]:
        path = bundle_path(self.place, bundle)
        try:
            with path.open("rb", buffering=_READ_AHEAD) as stream:
                for place in range(stop):
                    head = stream.read(LENGTH.size)
                    length = LENGTH.unpack(head)[0] if len(head) == LENGTH.size else -1
                    if place < offset:
                        stream.seek(length, os.SEEK_CUR)
                        continue
                    entry = stream.read(length) if length >= 0 else b""
                    if len(entry) != length:
                        position = bundle * TILE_WIDTH + place
                        raise DamagedJournal(f"{path} ends before entry {position} does")
                    yield entry
        except FileNotFoundError as error:
            raise DamagedJournal(f"{path} is missing") from error


__all__ = ["HASH_LENGTH", "Checkpoint", "Journal"]

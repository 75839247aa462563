"""Sorted runs: how leaves of any number are put in order in bounded memory.

A run is one batch, sorted by place. A part of the key space lies together in every run, so that it can be
read out of all of them and sorted alone. Runs stay in memory as long as there are few; all others go to disk.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from ledger.records.cells import BUCKETS, ENTRY, places_of
from ledger.records.hashing import cut

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

    Bytes = NDArray[np.uint8]

HELD = 3 << 29
"""Bytes of runs that stay in memory: ten million short rows need no disk."""


@dataclass(frozen=True, slots=True)
class _Held:
    """Bytes in memory."""

    data: Bytes

    def read(self, first: int, end: int) -> Bytes:
        return self.data[first:end]


@dataclass(frozen=True, slots=True)
class _Spilled:
    """Bytes of a file from ``at`` on; read without moving in it, so that threads read at once."""

    file: Any
    at: int

    def read(self, first: int, end: int) -> Bytes:
        return np.frombuffer(os.pread(self.file.fileno(), end - first, self.at + first), np.uint8)


@dataclass(frozen=True, slots=True)
class _Run:
    """Entries, rows and lengths of rows (four bytes each) of a run, and the row and the byte of its
    rows at which each 256th of its places begins.
    """

    entries: _Held | _Spilled
    data: _Held | _Spilled
    lengths: _Held | _Spilled
    rows: NDArray[np.int64]
    bytes: NDArray[np.int64]


class Runs:
    """Runs of entries and encoded rows; what exceeds ``held`` bytes goes to a file below a directory."""

    def __init__(self, place: Path, held: int = HELD) -> None:
        self.rows = 0
        self._free = held
        self._runs: list[_Run] = []
        self._file = (place / "runs").open("w+b")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Close the file; it goes with its directory."""
        self._file.close()

    def add(self, entries: Bytes, rows: pa.Array) -> None:
        """Add a batch: entries, shape (n, 40), and the encoded rows beside them."""
        places = places_of(entries)
        order = np.argsort(places)
        data, lengths = ordered(rows, order)
        edges = np.arange(BUCKETS, dtype=np.uint64) << np.uint64(56)
        starts = np.append(np.searchsorted(places[order], edges), len(places)).astype(np.int64)
        ends = np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)])
        kept = (
            self._kept(np.take(entries, order, axis=0).reshape(-1)),
            self._kept(data),
            self._kept(lengths.astype(np.uint32).view(np.uint8)),
        )
        self._runs.append(_Run(*kept, rows=starts, bytes=ends[starts]))
        self.rows += len(places)

    def _kept(self, data: Bytes) -> _Held | _Spilled:
        self._free -= len(data)
        if self._free >= 0:
            return _Held(data)
        at = self._file.tell()
        self._file.write(data.data)
        return _Spilled(self._file, at)

    def finish(self) -> None:
        """No more batches come: what is buffered goes to the file."""
        self._file.flush()

    def part(self, part: int, parts: int) -> tuple[Bytes, Bytes, NDArray[np.int64]]:
        """After :meth:`finish`: the sorted entries of one of ``parts`` (a divisor of 256) of the key
        space, their rows one after another, and the lengths of these.
        """
        wide = BUCKETS // parts
        spans = [(run, slice(part * wide, (part + 1) * wide + 1)) for run in self._runs]
        rows = [(run, *run.rows[span][[0, -1]].tolist()) for run, span in spans]
        entries = [run.entries.read(first * ENTRY, end * ENTRY) for run, first, end in rows]
        lengths = [run.lengths.read(first * 4, end * 4) for run, first, end in rows]
        data = [run.data.read(*run.bytes[span][[0, -1]].tolist()) for run, span in spans]
        found = np.concatenate(entries).reshape(-1, ENTRY)
        sizes = np.concatenate(lengths).view(np.uint32)
        order = _order(found)
        offsets = np.concatenate([[0], np.cumsum(sizes, dtype=np.int64)])
        bytes_, taken = ordered(cut(np.concatenate(data), offsets), order)
        return np.take(found, order, axis=0), bytes_, taken


def _order(entries: Bytes) -> NDArray[np.int64]:
    """The order by place, and by leaf where places are equal: the same for any order of reading."""
    places = places_of(entries)
    order = np.argsort(places)
    sorted_places = places[order]
    if np.any(sorted_places[1:] == sorted_places[:-1]):
        whole = np.ascontiguousarray(entries).view(f"S{ENTRY}").reshape(-1)
        # NumPy drops zero bytes at the end of text before it compares, which orders them the same.
        order = np.argsort(whole, kind="stable")
    return order.astype(np.int64)


def ordered(rows: pa.Array, order: NDArray[np.int64]) -> tuple[Bytes, NDArray[np.int64]]:
    """The bytes of a column of texts or bytes, taken in ``order``, and their lengths."""
    import pyarrow as pa  # noqa: PLC0415
    import pyarrow.compute as pc  # noqa: PLC0415

    taken = pc.take(rows, pa.array(order))
    if isinstance(taken, pa.ChunkedArray):
        taken = taken.combine_chunks()
    _, offsets, data = taken.buffers()
    wide = pa.types.is_large_binary(taken.type) or pa.types.is_large_string(taken.type)
    ends = np.frombuffer(offsets, np.int64 if wide else np.int32)
    ends = ends[taken.offset : taken.offset + len(taken) + 1].astype(np.int64)
    bytes_ = np.frombuffer(data, np.uint8) if data is not None else np.zeros(0, np.uint8)
    return bytes_[ends[0] : ends[-1]], np.diff(ends)

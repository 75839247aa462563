"""Sorted runs on disk: how leaves of any number are put in order in bounded memory.

A run is one batch, sorted by place. A part of the key space lies together in every run, so that it can be
read out of all of them and sorted alone.
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


@dataclass(frozen=True, slots=True)
class _Run:
    """Where a run begins in the files, and the row and byte at which each 256th of its places begins."""

    first_row: int
    first_byte: int
    rows: NDArray[np.int64]
    bytes: NDArray[np.int64]


class Runs:
    """Runs of entries and encoded rows below a directory."""

    def __init__(self, place: Path) -> None:
        self.rows = 0
        self._bytes = 0
        self._runs: list[_Run] = []
        self._entries = (place / "entries").open("w+b")
        self._data = (place / "rows").open("w+b")
        self._lengths = (place / "lengths").open("w+b")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Close the files; they go with their directory."""
        for file in (self._entries, self._data, self._lengths):
            file.close()

    def add(self, entries: NDArray[np.uint8], rows: pa.Array) -> None:
        """Add a batch: entries, shape (n, 40), and the encoded rows beside them."""
        places = places_of(entries)
        order = np.argsort(places)
        data, lengths = ordered(rows, order)
        edges = np.arange(BUCKETS, dtype=np.uint64) << np.uint64(56)
        starts = np.append(np.searchsorted(places[order], edges), len(places)).astype(np.int64)
        ends = np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)])
        self._runs.append(_Run(self.rows, self._bytes, starts, ends[starts]))
        self._entries.write(np.take(entries, order, axis=0).data)
        self._data.write(data.data)
        self._lengths.write(lengths.astype(np.uint32).data)
        self.rows += len(places)
        self._bytes += int(ends[-1])

    def finish(self) -> None:
        """No more batches come: what is buffered goes to the files."""
        for file in (self._entries, self._data, self._lengths):
            file.flush()

    def part(
        self, part: int, parts: int
    ) -> tuple[NDArray[np.uint8], NDArray[np.uint8], NDArray[np.int64]]:
        """After :meth:`finish`: the sorted entries of one of ``parts`` (a divisor of 256) of the key
        space, their rows one after another, and the lengths of these.
        """
        wide = BUCKETS // parts
        first, end = part * wide, (part + 1) * wide
        entries = [
            _read(self._entries, (run.first_row + int(run.rows[first])) * ENTRY,
                  int(run.rows[end] - run.rows[first]) * ENTRY)
            for run in self._runs
        ]  # fmt: skip
        data = [
            _read(self._data, run.first_byte + int(run.bytes[first]),
                  int(run.bytes[end] - run.bytes[first]))
            for run in self._runs
        ]  # fmt: skip
        lengths = [
            _read(self._lengths, (run.first_row + int(run.rows[first])) * 4,
                  int(run.rows[end] - run.rows[first]) * 4)
            for run in self._runs
        ]  # fmt: skip
        found = np.concatenate(entries).reshape(-1, ENTRY)
        sizes = np.concatenate(lengths).view(np.uint32)
        order = _order(found)
        offsets = np.concatenate([[0], np.cumsum(sizes, dtype=np.int64)])
        bytes_, taken = ordered(cut(np.concatenate(data), offsets), order)
        return np.take(found, order, axis=0), bytes_, taken


def _read(file: Any, at: int, size: int) -> NDArray[np.uint8]:  # noqa: ANN401
    """Bytes of a file, without moving in it: threads read at once."""
    return np.frombuffer(os.pread(file.fileno(), size, at), np.uint8)


def _order(entries: NDArray[np.uint8]) -> NDArray[np.int64]:
    """The order by place, and by leaf where places are equal: the same for any order of reading."""
    places = places_of(entries)
    order = np.argsort(places)
    sorted_places = places[order]
    if np.any(sorted_places[1:] == sorted_places[:-1]):
        whole = np.ascontiguousarray(entries).view(f"S{ENTRY}").reshape(-1)
        # NumPy drops zero bytes at the end of text before it compares, which orders them the same.
        order = np.argsort(whole, kind="stable")
    return order.astype(np.int64)


def ordered(
    rows: pa.Array, order: NDArray[np.int64]
) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
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

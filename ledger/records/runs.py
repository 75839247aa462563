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

LENGTH = 4
"""Bytes of the length of a row."""
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
class Run:
    """A batch, sorted by place: entries, lengths of rows (four bytes each), rows, one after another.

    ``rows`` and ``bytes``: the row, and the byte of its rows, at which each 256th of its places begins; and,
    last, how many of each there are.
    """

    data: Bytes
    rows: NDArray[np.int64]
    bytes: NDArray[np.int64]


def sorted_run(places: NDArray[np.uint64], leaves: Bytes, rows: pa.Array) -> Run:
    """A run of leaves, shape (n, 32), whose places these are, and of the encoded rows beside them."""
    count = len(places)
    order = np.argsort(places)
    placed = places[order]
    edges = np.arange(BUCKETS, dtype=np.uint64) << np.uint64(56)
    starts = np.append(np.searchsorted(placed, edges), count).astype(np.int64)
    found, lengths = ordered(rows, order)
    ends = np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)])
    # In one piece of just this size: what is held is most of the memory that committing takes.
    data = np.empty(count * (ENTRY + LENGTH) + len(found), np.uint8)
    middle, end = count * ENTRY, count * (ENTRY + LENGTH)
    entries = data[:middle].view(">u8").reshape(-1, ENTRY // 8)
    entries[:, 0] = placed
    entries.view(np.uint64)[:, 1:] = np.take(leaves.view(np.uint64), order, axis=0)
    data[middle:end].view(np.uint32)[:] = lengths
    data[end:] = found
    return Run(data, starts, ends[starts])


class Runs:
    """Runs of entries and encoded rows; what exceeds ``held`` bytes goes to a file below a directory."""

    def __init__(self, place: Path, held: int = HELD) -> None:
        self.rows = 0
        self._free = held
        self._kept: list[_Held | _Spilled] = []
        self._edges: list[tuple[NDArray[np.int64], NDArray[np.int64]]] = []
        self._file = (place / "runs").open("w+b")
        self._parts: list[tuple[list[int], ...]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Close the file; it goes with its directory."""
        self._file.close()

    def add(self, run: Run) -> None:
        """Add a run."""
        self._free -= len(run.data)
        if self._free >= 0:
            self._kept.append(_Held(run.data))
        else:
            self._kept.append(_Spilled(self._file, self._file.tell()))
            self._file.write(run.data.data)
        self._edges.append((run.rows, run.bytes))
        self.rows += int(run.rows[-1])

    def finish(self) -> None:
        """No more runs come: what is buffered goes to the file."""
        self._file.flush()
        rows, data = (
            np.array([edges[of] for edges in self._edges], np.int64).reshape(-1, BUCKETS + 1)
            for of in (0, 1)
        )
        lengths = rows * LENGTH + rows[:, -1:] * ENTRY
        places = (rows * ENTRY, lengths, data + rows[:, -1:] * (ENTRY + LENGTH))
        # Once for all parts: asking each run anew costs more than what is read from it.
        self._parts = [tuple(of[:, edge].tolist() for of in places) for edge in range(BUCKETS + 1)]

    def part(self, part: int, parts: int) -> Part:
        """After :meth:`finish`: one of ``parts`` (a divisor of 256) of the key space, in order."""
        wide = BUCKETS // parts
        edges = zip(self._parts[part * wide], self._parts[(part + 1) * wide], strict=True)
        entries, lengths, data = (
            np.concatenate(
                [run.read(*span) for run, *span in zip(self._kept, firsts, ends, strict=True)]
            )
            for firsts, ends in edges
        )
        found, sizes = entries.reshape(-1, ENTRY), lengths.view(np.uint32)
        places = places_of(found)
        order = _order(found, places)
        offsets = np.concatenate([[0], np.cumsum(sizes, dtype=np.int64)])
        bytes_, taken = ordered(cut(data, offsets), order)
        return Part(np.take(found, order, axis=0), places[order], bytes_, taken)


@dataclass(frozen=True, slots=True)
class Part:
    """Sorted entries, shape (n, 40), their places, their rows one after another, and the lengths of these."""

    entries: Bytes
    places: NDArray[np.uint64]
    rows: Bytes
    lengths: NDArray[np.int64]


def _order(entries: Bytes, places: NDArray[np.uint64]) -> NDArray[np.int64]:
    """The order by place, and by leaf where places are equal: the same for any order of reading."""
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

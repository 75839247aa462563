"""Comparing two states of the same records, row by row (比对).

Two levels: the trees of both sides tell which parts of the key space differ, and only the leaves of those are
compared. Both sides are stores of leaves made with one secret; a source becomes one first
(:func:`~ledger.records.workplace.store_of`), and stays one as long as it does not change, so that a comparison
that was interrupted goes on, and one that is repeated costs little. Nothing rests on sums: whoever knows the
secret could make two sums equal.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Literal

import numpy as np

from ledger.merkle import TILE_HEIGHT, TILE_WIDTH
from ledger.records.cells import BUCKETS, ENTRY, places_of
from ledger.records.commitment import Commitment, Progress
from ledger.records.encoding import decode_fields
from ledger.records.problems import SchemaChanged
from ledger.records.store import LeafStore

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Entries = NDArray[np.uint8]

Side = Literal["missing", "extra", "changed"]
AT_ONCE = 200_000
"""About so many leaves of each side are compared at a time."""
MOST_LISTED = 10_000
"""Differences that are listed unless asked otherwise; all of them are counted."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One key whose rows differ.

    ``place`` is the key's place, 16 hex digits: it names the key to whoever knows it. ``columns`` are those
    that differ (of a changed row, where both stores keep rows). ``left`` and ``right`` are the rows' canonical
    texts by column, where they were asked for and are there.
    """

    kind: Side
    place: str
    columns: tuple[str, ...] = ()
    left: dict[str, str | None] | None = None
    right: dict[str, str | None] | None = None


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """How ``right`` differs from ``left``: what of it is missing, extra, changed.

    Counts are of keys. ``listed`` are the first differences, by place; ``columns`` counts the listed
    changed rows by column. ``duplicates`` and ``null_keys`` count faulty rows of each side (left, right).
    ``unequal_buckets``: which of the 256 buckets differ.
    """

    left_rows: int
    right_rows: int
    missing: int
    extra: int
    changed: int
    duplicates: tuple[int, int]
    null_keys: tuple[int, int]
    columns: dict[str, int]
    listed: tuple[Difference, ...]
    unequal_buckets: tuple[int, ...]

    @property
    def equal(self) -> bool:
        """Whether both sides hold the same rows, each once."""
        return not (self.missing or self.extra or self.changed or any(self.duplicates))

    @property
    def differences(self) -> int:
        return self.missing + self.extra + self.changed

    def of(self, kind: Side) -> list[Difference]:
        """The listed differences of one kind."""
        return [one for one in self.listed if one.kind == kind]


@dataclass(frozen=True, slots=True)
class BucketComparison:
    """A copy held against what a manifest published: root, number of rows, 256 buckets.

    ``unequal`` are the buckets that differ, ``suspects`` the rows of the copy in them. Without the source
    nothing finer can be said: which rows they are, only the source's store tells.
    """

    equal: bool
    rows_published: int
    rows: int
    unequal: tuple[int, ...]
    suspects: int
    commitment: Commitment


def reconcile(
    left: LeafStore,
    right: LeafStore,
    *,
    values: bool = False,
    most: int = MOST_LISTED,
    progress: Progress | None = None,
) -> Reconciliation:
    """Compare two stores made with one schema and one secret.

    ``values``: list the rows' texts too; ``most``: list at most so many differences. Raises
    :class:`SchemaChanged` where the stores cannot be compared.
    """
    _check_comparable(left, right)
    unequal = unequal_ranges(left, right)
    tell = progress or (lambda _done, _total: None)
    counts: dict[Side, int] = {"missing": 0, "extra": 0, "changed": 0}
    columns: dict[str, int] = {}
    listed: list[Difference] = []
    tell(0, len(unequal))
    for done, spans in _spans(left, right, unequal):
        for kind, found in _differing(left, right, spans).items():
            counts[kind] += len(found)
            for at_left, at_right in found[: max(0, most - len(listed))]:
                one = _difference(kind, left, right, (at_left, at_right), values=values)
                listed.append(one)
                for name in one.columns:
                    columns[name] = columns.get(name, 0) + 1
        tell(done, len(unequal))
    return Reconciliation(
        left_rows=left.rows,
        right_rows=right.rows,
        missing=counts["missing"],
        extra=counts["extra"],
        changed=counts["changed"],
        duplicates=(left.duplicates, right.duplicates),
        null_keys=(left.null_keys, right.null_keys),
        columns={name: columns[name] for name in left.schema.names if name in columns},
        listed=tuple(sorted(listed, key=lambda one: (one.place, one.kind))),
        unequal_buckets=tuple(
            number
            for number, pair in enumerate(zip(left.buckets, right.buckets, strict=True))
            if pair[0] != pair[1]
        ),
    )


def changed_places(
    left: LeafStore, right: LeafStore
) -> tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]:
    """The places of all keys of ``left`` that are missing in ``right``, extra there, and changed, sorted.

    For stores that keep no rows; :func:`reconcile` tells more of those that do.
    """
    _check_comparable(left, right)
    places: dict[Side, list[int]] = {"missing": [], "extra": [], "changed": []}
    for _, spans in _spans(left, right, unequal_ranges(left, right)):
        for kind, found in _differing(left, right, spans).items():
            for ours, theirs in found:
                entry = left.entries[ours] if ours >= 0 else right.entries[theirs]
                places[kind].append(int.from_bytes(entry[:8].tobytes(), "big"))
    missing, extra, changed = (tuple(sorted(places[kind])) for kind in places)
    return missing, extra, changed


def compare_buckets(
    rows: int,
    root: bytes,
    buckets: Sequence[int],
    copy: LeafStore,
) -> BucketComparison:
    """Hold a copy, committed to with the manifest's secret, against the manifest's published figures."""
    unequal = tuple(
        number
        for number, (published, found) in enumerate(zip(buckets, copy.buckets, strict=True))
        if published != found
    )
    sizes = copy.fine[1].reshape(BUCKETS, -1).sum(axis=1)
    return BucketComparison(
        equal=copy.root == root and copy.rows == rows and not unequal,
        rows_published=rows,
        rows=copy.rows,
        unequal=unequal,
        suspects=sum(int(sizes[number]) for number in unequal),
        commitment=copy.commitment(),
    )


def _check_comparable(left: LeafStore, right: LeafStore) -> None:
    if left.schema.digest() != right.schema.digest():
        raise SchemaChanged(
            "the two sides were stored by different schemas",
            "两侧存档的表结构不同",
            where=f"{left.place} | {right.place}",
            hint="store both by the schema of the manifest",
            hint_zh="请按同一份清单的结构生成两侧存档",
        )
    known = {side.known_secret for side in (left, right)} - {None}
    if len(known) > 1:
        raise SchemaChanged(
            "the two sides were stored with different secrets",
            "两侧存档使用了不同的密钥",
            where=f"{left.place} | {right.place}",
            hint="store the second side with the secret of the first",
            hint_zh="请用第一侧的密钥生成第二侧存档",
        )


Range = tuple[int, int]
Span = tuple[Range, Range]
"""A range of indexes on the left, and the one of the same places on the right."""
FEW_TILES = 4_096
"""Up to so many unequal tiles are looked into cell by cell."""


def unequal_ranges(left: LeafStore, right: LeafStore) -> list[Range]:
    """Ranges of places ``first .. end - 1`` outside of which both sides hold the very same leaves.

    Of two trees of one size the tiles are compared, which is exact. Trees of different sizes have no hash
    in common: there sums are looked at first, and then the leaves themselves.
    """
    if left.bits != right.bits:
        return _joined(_unequal_fine(left, right), 64 - 16)
    if left.root == right.root:
        return []
    if left.bits <= TILE_HEIGHT:
        return [(0, 1 << 64)]
    level = left.bits - TILE_HEIGHT
    tiles = np.flatnonzero((left.hashes(1) != right.hashes(1)).any(axis=1))
    if len(tiles) > FEW_TILES:
        return _joined(tiles.tolist(), 64 - level)
    cells: list[int] = []
    for tile in tiles.tolist():
        first, end = tile * TILE_WIDTH, (tile + 1) * TILE_WIDTH
        differ = (left.hashes(0)[first:end] != right.hashes(0)[first:end]).any(axis=1)
        cells += (np.flatnonzero(differ) + first).tolist()
    return _joined(cells, 64 - left.bits)


def _unequal_fine(left: LeafStore, right: LeafStore) -> list[int]:
    """The 65,536ths of the key space whose leaves differ."""
    (sums, counts), (their_sums, their_counts) = left.fine, right.fine
    ends, their_ends = np.cumsum(counts), np.cumsum(their_counts)
    unequal = (sums != their_sums) | (counts != their_counts)
    for at in np.flatnonzero(~unequal & (counts > 0)).tolist():
        ours = left.entries[ends[at] - counts[at] : ends[at]]
        theirs = right.entries[their_ends[at] - counts[at] : their_ends[at]]
        unequal[at] = not np.array_equal(ours, theirs)
    return np.flatnonzero(unequal).tolist()


def _joined(parts: Sequence[int], width: int) -> list[Range]:
    """Parts of the key space, each ``2**width`` places wide, as ranges; neighbours become one."""
    ranges: list[Range] = []
    for part in parts:
        first, end = part << width, (part + 1) << width
        if ranges and ranges[-1][1] == first:
            ranges[-1] = (ranges[-1][0], end)
        else:
            ranges.append((first, end))
    return ranges


def _spans(
    left: LeafStore, right: LeafStore, ranges: Sequence[Range]
) -> Iterator[tuple[int, list[Span]]]:
    """The leaves of unequal ranges, as many at a time as :data:`AT_ONCE`, and how many ranges are done."""
    taken: list[Span] = []
    size = 0
    for done, (first, end) in enumerate(ranges, 1):
        span = (left.range_of(first, end), right.range_of(first, end))
        width = max(of[1] - of[0] for of in span)
        pieces = -(-width // AT_ONCE)
        if pieces > 1:
            edges = [first + (end - first) * piece // pieces for piece in range(pieces + 1)]
            for one, two in pairwise(edges):
                yield done - 1, [(left.range_of(one, two), right.range_of(one, two))]
            continue
        taken.append(span)
        size += width
        if size >= AT_ONCE:
            yield done, taken
            taken, size = [], 0
    if taken:
        yield len(ranges), taken


def _differing(
    left: LeafStore, right: LeafStore, spans: Sequence[Span]
) -> dict[Side, list[tuple[int, int]]]:
    """Indexes (left, right; -1 where there is none) of what differs, one pair for each key."""
    ours, our_index = _gathered(left, [span[0] for span in spans])
    theirs, their_index = _gathered(right, [span[1] for span in spans])
    # Equal lengths make comparing as text exact, though NumPy drops zero bytes at the end.
    one, two = ours.view(f"S{ENTRY}").reshape(-1), theirs.view(f"S{ENTRY}").reshape(-1)
    only_ours = _first_of_each(ours, np.flatnonzero(~np.isin(one, two)))
    only_theirs = _first_of_each(theirs, np.flatnonzero(~np.isin(two, one)))
    our_places, their_places = places_of(ours), places_of(theirs)
    found: dict[Side, list[tuple[int, int]]] = {"missing": [], "extra": [], "changed": []}
    for at in only_ours.tolist():
        there = int(np.searchsorted(their_places, our_places[at]))
        if there < len(their_places) and their_places[there] == our_places[at]:
            found["changed"].append((int(our_index[at]), int(their_index[there])))
        else:
            found["missing"].append((int(our_index[at]), -1))
    changed = {our for our, _ in found["changed"]}
    for at in only_theirs.tolist():
        there = int(np.searchsorted(our_places, their_places[at]))
        if there == len(our_places) or our_places[there] != their_places[at]:
            found["extra"].append((-1, int(their_index[at])))
        elif int(our_index[there]) not in changed:
            # Only the other side has a second row of this key.
            found["changed"].append((int(our_index[there]), int(their_index[at])))
    return found


def _gathered(
    store: LeafStore, ranges: Sequence[tuple[int, int]]
) -> tuple[Entries, NDArray[np.int64]]:
    entries = [store.entries[first:end] for first, end in ranges]
    index = [np.arange(first, end, dtype=np.int64) for first, end in ranges]
    return np.ascontiguousarray(np.concatenate(entries)), np.concatenate(index)


def _first_of_each(entries: Entries, chosen: NDArray[np.int64]) -> NDArray[np.int64]:
    """Of the chosen entries, the first at each place."""
    if not len(chosen):
        return chosen
    places = places_of(entries[chosen])
    first: NDArray[np.int64] = chosen[np.concatenate([[True], places[1:] != places[:-1]])]
    return first


def _difference(
    kind: Side, left: LeafStore, right: LeafStore, at: tuple[int, int], *, values: bool
) -> Difference:
    texts = [
        decode_fields(side.row(index)) if index >= 0 and not side.bare else None
        for side, index in zip((left, right), at, strict=True)
    ]
    names = left.schema.names
    place = left.entries[at[0], :8] if at[0] >= 0 else right.entries[at[1], :8]
    one, two = texts
    return Difference(
        kind,
        place.tobytes().hex(),
        tuple(name for name, ours, theirs in zip(names, one, two, strict=True) if ours != theirs)
        if one is not None and two is not None
        else (),
        dict(zip(names, one, strict=True)) if values and one is not None else None,
        dict(zip(names, two, strict=True)) if values and two is not None else None,
    )

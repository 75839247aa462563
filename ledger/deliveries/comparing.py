"""Comparing what arrived with what was signed (比对): by root, by buckets, and leaf by leaf where there are leaves.

The anchored manifest alone tells whether all is there, and which of 256 buckets differ. With the
manifest's leaves at hand (kept by whoever made it, or handed over with the secret) it is counted which rows are
missing, extra or changed, and with a source they are named by their keys.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from ledger.records.encoding import decode_fields
from ledger.records.schema import RecordSchema

if TYPE_CHECKING:
    from ledger.records.store import LeafStore


class Changes(NamedTuple):
    """Places (64-bit numbers that stand for keys) of rows that differ between two stores, sorted."""

    missing: tuple[int, ...]
    extra: tuple[int, ...]
    changed: tuple[int, ...]

    @property
    def none(self) -> bool:
        return not (self.missing or self.extra or self.changed)


def unequal(signed: Sequence[int], arrived: Sequence[int]) -> list[int]:
    """Numbers (0..255) of the buckets whose fingerprints differ."""
    return [
        number
        for number, (ours, theirs) in enumerate(zip(signed, arrived, strict=True))
        if ours != theirs
    ]


def changes_between(signed: LeafStore, arrived: LeafStore) -> Changes:
    """What is missing from, extra in, and changed in ``arrived``; both stores have one secret.

    Exact: only parts of the key space under equal hashes, or with equal leaves, are passed over.
    """
    from ledger.records.reconciliation import changed_places  # noqa: PLC0415

    return Changes(*changed_places(signed, arrived))


def keys_at(
    name: str, schema: RecordSchema, places: Iterable[int], offset: str | int | None = None
) -> dict[int, tuple[str | None, ...]]:
    """The keys, as canonical texts, of a source's rows that stand at these places.

    ``offset`` is that of times without a zone. One pass over the source. Raises
    :class:`~ledger.records.problems.RecordsError`.
    """
    import numpy as np  # noqa: PLC0415
    import pyarrow as pa  # noqa: PLC0415
    import pyarrow.compute as pc  # noqa: PLC0415

    from ledger.deliveries.computing import fitted, opened  # noqa: PLC0415
    from ledger.records import expressions  # noqa: PLC0415
    from ledger.records.encoding import PLACE  # noqa: PLC0415
    from ledger.records.hashing import digests  # noqa: PLC0415

    wanted = np.array(sorted(set(places)), np.uint64)
    found: dict[int, tuple[str | None, ...]] = {}
    if not len(wanted):
        return found
    with opened(name, schema) as source:
        encoded = expressions.encoded(source.table, fitted(source, schema, offset))
        for batch in source.batches(encoded.select("key")):
            keys = pc.cast(batch.column("key"), pa.binary())
            here = np.ascontiguousarray(digests(keys, PLACE)[:, :8]).view(">u8").reshape(-1)
            for at in np.flatnonzero(np.isin(here.astype(np.uint64), wanted)).tolist():
                found[int(here[at])] = tuple(decode_fields(keys[at].as_py()))
    return found


def whole(store: LeafStore) -> bool:
    """Whether leaves, tree, sums and root of a store belong together: one from elsewhere is checked so.

    Comparisons pass over what lies under equal hashes, so that a tree that was not made of the leaves
    could hide differences.
    """
    import numpy as np  # noqa: PLC0415

    from ledger.merkle import EMPTY_ROOT  # noqa: PLC0415
    from ledger.records.cells import cell_bits, cell_hashes, fine_sums, places_of  # noqa: PLC0415
    from ledger.records.hashing import tile_levels, top  # noqa: PLC0415

    if not store.rows:
        return store.root == EMPTY_ROOT
    entries = np.asarray(store.entries)
    places = places_of(entries)
    if bool((places[1:] < places[:-1]).any()):
        return False
    bits = cell_bits(store.rows)
    levels = tile_levels(cell_hashes(entries, bits, 0, 1 << bits))
    sums, counts = fine_sums(entries)
    return (
        top(levels[-1]) == store.root
        and all(np.array_equal(store.hashes(n), level) for n, level in enumerate(levels))
        and np.array_equal(store.fine[0], sums)
        and np.array_equal(store.fine[1].astype(np.int64), counts)
    )

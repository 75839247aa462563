"""Committing to records (记录承诺): from a source to a root, bucket fingerprints, and a store of leaves.

One pass over the source: its engine encodes rows, hashes are made of whole batches, and sorted runs go to
disk; a second pass over the runs puts each part of the key space together and makes the tree. Memory is
bounded by batches and by 1/256 of the leaves, whatever the number of rows.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import numpy as np

from ledger.merkle import HASH_LENGTH
from ledger.records import expressions
from ledger.records.ahead import drawn_ahead, made_ahead
from ledger.records.cells import (
    BUCKETS,
    FINE,
    buckets_of,
    cell_bits,
    cell_hashes,
    fine_sums,
)
from ledger.records.encoding import SECRET_LENGTH
from ledger.records.hashing import row_hashes, tile_levels, top
from ledger.records.problems import (
    DuplicateKeys,
    NullKeys,
    RecordsError,
    SourceChanged,
    UnsupportedType,
)
from ledger.records.runs import Part, Run, Runs, sorted_run
from ledger.records.schema import RecordSchema, conform
from ledger.records.sources import Source, telling
from ledger.records.store import StoreWriter

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

PART_ROWS = 1 << 16
"""A part of the key space holds so many rows at most, as long as 256 parts are enough for that."""
Progress = Callable[[int, int | None], None]
"""Told how many rows of how many are done."""


@dataclass(frozen=True, slots=True)
class Commitment:
    """What a manifest or a delivery says of its records.

    ``buckets``: 256 numbers of 64 bits. ``content_root``: SHA-256 over schema digest and rows in the order
    of their places, without any salt: equal contents have equal ones whatever the secret, so it is private.
    ``duplicates``: rows beyond the first of each key; ``null_keys``: rows whose key is not complete. Both
    are zero unless :func:`commit` was told to go on.
    """

    rows: int
    schema: RecordSchema
    schema_digest: bytes
    root: bytes
    buckets: tuple[int, ...]
    content_root: bytes
    duplicates: int
    null_keys: int

    def bucket_texts(self) -> list[str]:
        """The buckets as they stand in a body: 256 texts of 16 hex digits."""
        return [f"{bucket:016x}" for bucket in self.buckets]

    def bucket_digest(self) -> bytes:
        """SHA-256 of the buckets as 256 x 8 bytes, big-endian."""
        return sha256(b"".join(bucket.to_bytes(8, "big") for bucket in self.buckets)).digest()


def new_secret() -> bytes:
    """A fresh secret: 32 random bytes."""
    return secrets.token_bytes(SECRET_LENGTH)


@dataclass(frozen=True, slots=True)
class Survey:
    """What one look at the source tells before anything is hashed."""

    rows: int
    null_keys: int


def survey(source: Source, schema: RecordSchema) -> Survey:
    """Count rows and incomplete keys; raises :class:`UnsupportedType` for values without an encoding."""
    table = source.table
    checks = expressions.checks(table, schema)
    null_key = table[schema.key[0]].isnull()
    for name in schema.key[1:]:
        null_key |= table[name].isnull()
    counted = table.aggregate(
        rows=table.count(),
        null_keys=null_key.ifelse(1, 0).sum(),
        **{f"check_{at}": check.wrong.ifelse(1, 0).sum() for at, check in enumerate(checks)},
    )
    (found,) = source.rows(counted)
    for at, check in enumerate(checks):
        count = int(found[f"check_{at}"] or 0)
        if count:
            raise UnsupportedType(
                f"{count:,} values are {check.what}",
                f"有 {count:,} 个值{check.zh}",
                where=f"{source.label}, {check.column}",
                hint="correct them at the source, or leave the column out in a query",
                hint_zh="请在来源处更正，或用查询去掉该列",
            )
    return Survey(int(found["rows"]), int(found["null_keys"] or 0))


def commit(
    source: Source,
    schema: RecordSchema,
    secret: bytes,
    *,
    store: Path | None = None,
    progress: Progress | None = None,
    strict: bool = True,
    bare: bool = False,
) -> Commitment:
    """Encode, hash and commit to every row of ``source``.

    ``schema`` is held against the source (:func:`~ledger.records.schema.conform`). ``store``: a directory
    that must not exist yet, where leaves, tree and rows are kept for proofs and comparisons; it is there
    whole or not at all; ``bare``: with leaves and tree alone, without rows and secret. ``strict=False``
    counts duplicate and incomplete keys instead of refusing them.

    Raises :class:`DuplicateKeys`, :class:`NullKeys`, :class:`SourceChanged` and what :func:`conform` and
    :func:`survey` raise; nothing is kept then.
    """
    if len(secret) != SECRET_LENGTH:
        raise ValueError(f"a secret has {SECRET_LENGTH} bytes")
    tell = progress or (lambda _done, _total: None)
    schema = conform(source.table, schema)
    before = source.fingerprint()
    surveyed = survey(source, schema)
    if strict and surveyed.null_keys:
        raise NullKeys(
            f"{surveyed.null_keys:,} rows have no complete key ({', '.join(schema.key)})",
            f"有 {surveyed.null_keys:,} 行主键不完整（{'、'.join(schema.key)}）",
            where=source.label,
            hint="complete the key at the source, or name other key columns",
            hint_zh="请在来源处补全主键，或另行指定主键列",
        )
    tell(0, 2 * surveyed.rows)
    writer = StoreWriter(store, bare=bare) if store else None
    try:
        # Named for the store: whoever makes it anew after this process was killed removes these as well.
        beside, named = (
            (store.parent, f".{store.name}-runs-") if store else (None, "govledger-runs-")
        )
        with (
            TemporaryDirectory(prefix=named, dir=beside) as place,
            Runs(Path(place)) as runs,
        ):
            digest = schema.digest()
            encoded = source.batches(expressions.encoded(source.table, schema))
            hashed = made_ahead(
                lambda batch: run_of(batch, secret, digest), drawn_ahead(encoded, 6), workers=2
            )
            for run in hashed:
                runs.add(run)
                tell(runs.rows, 2 * surveyed.rows)
            runs.finish()
            _unchanged(source, before, runs.rows, surveyed.rows)
            return _assemble(
                runs,
                source,
                schema,
                secret,
                surveyed=surveyed,
                writer=writer,
                tell=tell,
                strict=strict,
            )
    finally:
        if writer is not None:
            writer.discard()


def run_of(batch: pa.RecordBatch, secret: bytes, schema_digest: bytes) -> Run:
    """The sorted run of a batch of encoded keys and rows."""
    import pyarrow as pa  # noqa: PLC0415
    import pyarrow.compute as pc  # noqa: PLC0415

    keys = pc.cast(batch.column("key"), pa.binary())
    rows = pc.cast(batch.column("row"), pa.binary())
    places, leaves = row_hashes(keys, rows, secret, schema_digest)
    return sorted_run(places.view(">u8")[:, 0].astype(np.uint64), leaves, rows)


def _unchanged(source: Source, before: str, read: int, counted: int) -> None:
    after = source.fingerprint()
    if after != before or read != counted:
        raise SourceChanged(
            f"it changed while it was read ({counted:,} rows at first, {read:,} read)",
            f"读取期间数据发生变化（先为 {counted:,} 行，读到 {read:,} 行）",
            where=source.label,
            hint="wait until nobody writes to it, or read a copy; nothing was kept",
            hint_zh="请待写入结束后重试，或读取副本；未保留任何内容",
        )


def _assemble(
    runs: Runs,
    source: Source,
    schema: RecordSchema,
    secret: bytes,
    *,
    surveyed: Survey,
    writer: StoreWriter | None,
    tell: Progress,
    strict: bool,
) -> Commitment:
    """Part by part of the key space: sorted entries, cells, sums; then the tree."""
    bits = cell_bits(runs.rows)
    parts = min(BUCKETS, 1 << bits, 1 << (runs.rows // PART_ROWS).bit_length())
    digest = schema.digest()
    content = sha256(digest)
    fine, counts = np.zeros(FINE, np.uint64), np.zeros(FINE, np.int64)
    bottom = np.empty((1 << bits if runs.rows else 0, HASH_LENGTH), np.uint8)
    each = len(bottom) // parts
    duplicates = done = 0
    for found in made_ahead(
        lambda number: _summed(runs, number, parts, bits),
        range(parts if runs.rows else 0),
        workers=2,
    ):
        part = found.part
        if found.surplus and strict:
            raise _duplicated(source, schema)
        content.update(part.rows.data)
        duplicates += found.surplus
        fine += found.sums
        counts += found.sizes
        bottom[found.number * each : (found.number + 1) * each] = found.cells
        if writer is not None:
            writer.add(part.entries, part.rows, part.lengths)
        done += len(part.entries)
        tell(runs.rows + done, 2 * runs.rows)
    levels = tile_levels(bottom) if runs.rows else []
    commitment = Commitment(
        rows=runs.rows,
        schema=schema,
        schema_digest=digest,
        root=top(levels[-1] if levels else bottom),
        buckets=buckets_of(fine, secret),
        content_root=content.digest(),
        duplicates=duplicates,
        null_keys=surveyed.null_keys,
    )
    if writer is not None:
        writer.finish(commitment, secret, levels, (fine, counts), source=source)
    return commitment


@dataclass(frozen=True, slots=True)
class _Summed:
    """A part of the key space, its cells' hashes, and what is summed up over the parts.

    ``surplus`` counts entries that share the place of the one before.
    """

    number: int
    part: Part
    cells: NDArray[np.uint8]
    sums: NDArray[np.uint64]
    sizes: NDArray[np.int64]
    surplus: int


def _summed(runs: Runs, number: int, parts: int, bits: int) -> _Summed:
    part = runs.part(number, parts)
    entries, places = part.entries, part.places
    each = (1 << bits) // parts
    return _Summed(
        number,
        part,
        cell_hashes(entries, bits, number * each, (number + 1) * each, places),
        *fine_sums(entries, places),
        surplus=int(np.count_nonzero(places[1:] == places[:-1])),
    )


def _duplicated(source: Source, schema: RecordSchema) -> RecordsError:
    """The refusal, with the number of keys that several rows have: keys as they are encoded, so that texts
    which differ only in how their characters are composed are one.
    """
    table = expressions.encoded(source.table, schema)
    grouped = table.group_by(table.key).aggregate(times=table.count())
    several = grouped.filter(grouped.times > 1)
    with telling(source.label):
        (found,) = source.rows(several.aggregate(keys=several.count(), rows=several.times.sum()))
    return DuplicateKeys(
        f"{found['keys']:,} keys ({', '.join(schema.key)}) stand in {found['rows'] or 0:,} rows",
        f"有 {found['keys']:,} 个主键（{'、'.join(schema.key)}）对应 {found['rows'] or 0:,} 行",
        where=source.label,
        hint="keep one row for each key, or name more key columns",
        hint_zh="每个主键只保留一行，或增加主键列",
    )

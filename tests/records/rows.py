"""Tables that tests commit to, and what their commitment is by the plainest means."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from ledger.merkle import leaf_hash, root_of
from ledger.records.encoding import encode_key, encode_row, leaf, place
from ledger.records.schema import RecordSchema

SECRET = bytes(range(32))
PEOPLE = pa.schema([("id", pa.int64()), ("name", pa.string()), ("paid", pa.decimal128(12, 2))])


def parquet(path: Path, rows: Sequence[Mapping[str, Any]], schema: pa.Schema = PEOPLE) -> Path:
    """The rows as a Parquet file."""
    pq.write_table(pa.Table.from_pylist([in_utc(row) for row in rows], schema=schema), path)
    return path


def in_utc(row: Mapping[str, Any]) -> dict[str, Any]:
    """The row with every zoned time in UTC.

    Arrow leaves zones out where the environment says PYARROW_IGNORE_TIMEZONE, which pandas on Spark sets for
    its whole process.
    """
    return {
        name: value.astimezone(UTC) if isinstance(value, datetime) and value.tzinfo else value
        for name, value in row.items()
    }


def people(count: int) -> list[dict[str, Any]]:
    """So many rows, the same every time."""
    return [{"id": n, "name": f"居民{n}", "paid": None} for n in range(count)]


def plain_root(schema: RecordSchema, rows: Sequence[Mapping[str, Any]], secret: bytes) -> bytes:
    """The root as docs/row-encoding.md says it, row by row in Python."""
    entries = sorted(
        place(encode_key(schema, row)).to_bytes(8, "big")
        + leaf(secret, schema.digest(), schema, row)
        for row in rows
    )
    if not entries:
        return root_of([])
    bits = max(0, (len(entries) - 1).bit_length() - 2)
    cells: list[list[bytes]] = [[] for _ in range(1 << bits)]
    for entry in entries:
        cells[int.from_bytes(entry[:8], "big") >> (64 - bits)].append(entry)
    marks = [[sha256(b"\x04" + entry).digest() for entry in cell] for cell in cells]
    return root_of([leaf_hash(b"".join(cell)) for cell in marks])


def plain_content(schema: RecordSchema, rows: Sequence[Mapping[str, Any]]) -> bytes:
    """The unsalted digest of the rows in the order of their places."""
    ordered = sorted(rows, key=lambda row: place(encode_key(schema, row)))
    return sha256(schema.digest() + b"".join(encode_row(schema, row) for row in ordered)).digest()

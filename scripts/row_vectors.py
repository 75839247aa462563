"""Write ``docs/row-vectors.json``: rows, their encodings, leaves, roots and proofs, for other implementations.

Run from the repository's root: ``python scripts/row_vectors.py``. The outcome depends on nothing but this
file and the ledger's records; ``tests/records/test_vectors.py`` reads it with code of its own.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import pyarrow as pa
import pyarrow.parquet as pq

from ledger.records.commitment import Commitment, commit
from ledger.records.encoding import encode_key, encode_row, leaf_of, place, salt
from ledger.records.row_proofs import prove_missing, prove_row
from ledger.records.schema import Column, RecordSchema, conform
from ledger.records.sources import open_source

PLACE = Path(__file__).resolve().parents[1] / "docs" / "row-vectors.json"
SECRET = bytes(range(32))
BEIJING = timezone(timedelta(hours=8))
EVERY_TYPE = RecordSchema(
    (
        Column("code", "string"),
        Column("households", "integer"),
        Column("paid", "decimal", 2),
        Column("rate", "float", 3),
        Column("active", "boolean"),
        Column("since", "date"),
        Column("updated", "timestamp"),
        Column("mark", "binary"),
    ),
    ("code", "since"),
)
ARROW = pa.schema(
    [
        ("code", pa.string()),
        ("households", pa.int64()),
        ("paid", pa.decimal128(38, 2)),
        ("rate", pa.float64()),
        ("active", pa.bool_()),
        ("since", pa.date32()),
        ("updated", pa.timestamp("us", "UTC")),
        ("mark", pa.binary()),
    ]
)
ROWS: list[dict[str, Any]] = [
    {
        "code": "用水户-0001", "households": 2**63 - 1, "paid": Decimal("12.50"), "rate": 0.0015,
        "active": True, "since": date(2026, 1, 31),
        "updated": datetime(2026, 1, 31, 8, 0, tzinfo=BEIJING), "mark": b"\x00\xff",
    },
    {
        "code": "e\u0301-🎉", "households": -(2**63), "paid": Decimal("-0.10"), "rate": -2.6755,
        "active": False, "since": date(1, 1, 1),
        "updated": datetime(9999, 12, 31, 23, 59, 59, 999999, UTC), "mark": b"",
    },
    {
        "code": "5:a,b,", "households": 0, "paid": Decimal("100.00"), "rate": -0.0, "active": None,
        "since": date(9999, 12, 31), "updated": datetime(1999, 12, 31, 16, 0, 0, 1, UTC), "mark": None,
    },
    {
        "code": "", "households": None, "paid": None, "rate": None, "active": None,
        "since": date(2024, 2, 29), "updated": None, "mark": None,
    },
]  # fmt: skip
COUNTED = RecordSchema((Column("no", "integer"), Column("name", "string")), ("no",))
COUNTED_ARROW = pa.schema([("no", pa.int64()), ("name", pa.string())])
SIZES = (0, 1, 4, 5, 8, 9, 100, 1025)


def given(value: object) -> object:
    """A value as it stands in JSON: numbers, days, moments and bytes as text."""
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, datetime | date):
        return value.isoformat()
    if value is None or isinstance(value, bool):
        return value
    return repr(value) if isinstance(value, float) else str(value)


def row_vector(schema: RecordSchema, row: Mapping[str, Any]) -> dict[str, object]:
    """One row and everything that is computed of it."""
    key, encoded = encode_key(schema, row), encode_row(schema, row)
    salted = salt(SECRET, key)
    return {
        "values": {name: given(value) for name, value in row.items()},
        "key": key.decode(),
        "row": encoded.decode(),
        "place": f"{place(key):016x}",
        "salt": salted.hex(),
        "leaf": leaf_of(salted, schema.digest(), encoded).hex(),
    }


def committed(
    schema: RecordSchema, arrow: pa.Schema, rows: Sequence[Mapping[str, Any]], place: Path
) -> Commitment:
    """The commitment to rows, with a store in ``place``."""
    file = place.with_suffix(".parquet")
    # In UTC, since Arrow can be told to leave other zones out.
    in_utc = [
        {
            name: value.astimezone(UTC) if isinstance(value, datetime) and value.tzinfo else value
            for name, value in row.items()
        }
        for row in rows
    ]
    pq.write_table(pa.Table.from_pylist(in_utc, schema=arrow), file)
    with open_source(str(file)) as source:
        return commit(source, conform(source.table, schema), SECRET, store=place)


def counted(size: int) -> list[dict[str, Any]]:
    """So many rows of :data:`COUNTED`."""
    return [{"no": number, "name": f"居民{number}"} for number in range(size)]


def figures(found: Commitment) -> dict[str, object]:
    """What a commitment publishes, and the private digest of the contents."""
    return {
        "rows": found.rows,
        "root": found.root.hex(),
        "bucket_digest": found.bucket_digest().hex(),
        "content_root": found.content_root.hex(),
    }


def document() -> dict[str, object]:
    """All vectors."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        every = committed(EVERY_TYPE, ARROW, ROWS, folder / "every")
        sizes = [
            figures(committed(COUNTED, COUNTED_ARROW, counted(size), folder / f"counted-{size}"))
            for size in SIZES
        ]
        there, gone = {"no": 42}, {"no": 1000}
        return {
            "encoding": "govledger-rows/1",
            "secret": SECRET.hex(),
            "every_type": {
                "schema": EVERY_TYPE.document(),
                "canonical_schema": EVERY_TYPE.canonical().decode(),
                "schema_digest": EVERY_TYPE.digest().hex(),
                "rows": [row_vector(EVERY_TYPE, row) for row in ROWS],
                **{name: value for name, value in figures(every).items() if name != "rows"},
                "buckets": every.bucket_texts(),
            },
            "counted": {
                "schema": COUNTED.document(),
                "schema_digest": COUNTED.digest().hex(),
                "rule": "no from 0; name is 居民 and the number",
                "trees": sizes,
            },
            "proofs": {
                "rows": 100,
                "row": prove_row(folder / "counted-100", there).document,
                "missing": prove_missing(folder / "counted-100", gone).document,
            },
        }


def render() -> str:
    """The document as it stands in the repository."""
    return json.dumps(document(), ensure_ascii=False, indent=1) + "\n"


if __name__ == "__main__":
    PLACE.write_text(render(), "utf-8")

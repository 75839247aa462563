"""The published vectors, recomputed here by the words of ``docs/row-encoding.md`` and nothing of the ledger's."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from ledger.records.verify_rows import verify_missing, verify_row
from scripts.row_vectors import PLACE, render

VECTORS = json.loads(PLACE.read_text("utf-8"))
SECRET = bytes.fromhex(VECTORS["secret"])
DOCUMENT = Path(PLACE).with_name("row-encoding.md").read_text("utf-8")


def number(text: str) -> str:
    """A decimal without trailing zeros, and without a sign on zero."""
    plain = f"{Decimal(text):f}"
    plain = plain.rstrip("0").rstrip(".") if "." in plain else plain
    return "0" if plain in ("-0", "") else plain


TEXTS = {
    "string": lambda value, _: unicodedata.normalize("NFC", value),
    "integer": lambda value, _: str(int(value)),
    "decimal": lambda value, _: number(value),
    "float": lambda value, scale: number(f"{round(float(value) * 10**scale)}E-{scale}"),
    "boolean": lambda value, _: str(value).lower(),
    "date": lambda value, _: str(date.fromisoformat(value)),
    "timestamp": lambda value, _: (
        f"{datetime.fromisoformat(value).astimezone(UTC):%Y-%m-%dT%H:%M:%S.%f}Z"
    ),
    "binary": lambda value, _: value.lower(),
}


def netstrings(texts: Sequence[str | None]) -> bytes:
    out = b""
    for one in texts:
        data = (one or "").encode()
        out += b"-," if one is None else str(len(data)).encode() + b":" + data + b","
    return out


def root_over(hashes: list[bytes]) -> bytes:
    if not hashes:
        return sha256(b"").digest()
    while len(hashes) > 1:
        hashes = [
            sha256(b"\1" + one + two).digest()
            for one, two in zip(hashes[::2], hashes[1::2], strict=True)
        ]
    return hashes[0]


def vector_of(schema: dict[str, Any], row: dict[str, Any]) -> dict[str, Any]:
    """What the vectors say of one row, from its values."""
    digest = sha256(
        json.dumps(schema, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()
    ).digest()
    texts = {
        column["name"]: None
        if row[column["name"]] is None
        else TEXTS[column["type"]](row[column["name"]], column.get("scale", 0))
        for column in schema["columns"]
    }
    key, whole = netstrings([texts[name] for name in schema["key"]]), netstrings([*texts.values()])
    salt = sha256(SECRET + key).digest()
    return {
        "values": row,
        "key": key.decode(),
        "row": whole.decode(),
        "place": sha256(b"\2" + key).hexdigest()[:16],
        "salt": salt.hex(),
        "leaf": sha256(b"\0" + salt + digest + whole).hexdigest(),
    }


def entries_of(schema: dict[str, Any], rows: list[dict[str, Any]]) -> list[bytes]:
    vectors = [vector_of(schema, row) for row in rows]
    return sorted(bytes.fromhex(vector["place"] + vector["leaf"]) for vector in vectors)


def tree(entries: list[bytes]) -> bytes:
    if not entries:
        return root_over([])
    bits = 0
    while len(entries) > 4 << bits:
        bits += 1
    cells = [b""] * (1 << bits)
    for entry in entries:
        cells[int.from_bytes(entry[:8], "big") >> 64 - bits] += sha256(b"\4" + entry).digest()
    return root_over([sha256(b"\0" + cell).digest() for cell in cells])


def buckets(entries: list[bytes]) -> list[int]:
    sums = [
        int.from_bytes(sha256(b"\3" + SECRET + bytes([bucket])).digest()[:8], "big")
        for bucket in range(256)
    ]
    for entry in entries:
        sums[entry[0]] += int.from_bytes(entry[8:16], "big")
    return [total % 2**64 for total in sums]


def test_the_vectors_are_what_the_ledger_makes() -> None:
    assert PLACE.read_text("utf-8") == render()


def test_every_type_is_encoded_as_the_document_says() -> None:
    given = VECTORS["every_type"]
    for vector in given["rows"]:
        assert vector_of(given["schema"], vector["values"]) == vector
    entries = entries_of(given["schema"], [vector["values"] for vector in given["rows"]])
    assert tree(entries).hex() == given["root"]
    assert [f"{bucket:016x}" for bucket in buckets(entries)] == given["buckets"]


@pytest.mark.parametrize("figures", VECTORS["counted"]["trees"], ids=lambda f: str(f["rows"]))
def test_trees_of_many_sizes_are_as_the_document_says(figures: dict[str, Any]) -> None:
    rows = [{"no": str(no), "name": f"居民{no}"} for no in range(figures["rows"])]
    entries = entries_of(VECTORS["counted"]["schema"], rows)
    assert tree(entries).hex() == figures["root"]
    packed = b"".join(bucket.to_bytes(8, "big") for bucket in buckets(entries))
    assert sha256(packed).hexdigest() == figures["bucket_digest"]


def test_the_published_proofs_hold() -> None:
    proofs = VECTORS["proofs"]
    (tree_,) = (one for one in VECTORS["counted"]["trees"] if one["rows"] == proofs["rows"])
    root = bytes.fromhex(tree_["root"])
    schema = bytes.fromhex(VECTORS["counted"]["schema_digest"])
    assert verify_row(proofs["row"], root) == {"no": "42", "name": "居民42"}
    assert verify_missing(proofs["missing"], root, schema) == {"no": "1000"}


def test_the_document_shows_the_first_vector() -> None:
    first = VECTORS["every_type"]["rows"][0]
    for shown in (first["row"], first["key"], first["place"], first["salt"], first["leaf"]):
        assert shown in DOCUMENT
    assert VECTORS["every_type"]["canonical_schema"] in DOCUMENT

"""Two sets of leaves side by side; leaves that travelled; keys looked up again."""

from __future__ import annotations

import json
import zipfile
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.deliveries.comparing import changes_between, keys_at, unequal, whole
from ledger.deliveries.computing import (
    Reading,
    columns_between,
    committed,
    leaves_in,
    scales_in,
    schema_in,
)
from ledger.deliveries.packing import pack, unpack
from ledger.deliveries.refusals import DeliveryRefused
from ledger.deliveries.rows import key_in, row_with
from ledger.records.problems import SchemaChanged, StoreDamaged
from ledger.records.row_proofs import prove_row
from ledger.records.schema import Column, RecordSchema
from ledger.records.verify_rows import verify_row
from tests.deliveries import tables

SECRET = bytes(range(32))
READING = Reading((tables.KEY,))


@pytest.fixture(scope="module")
def signed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str, RecordSchema]:
    """A place with the store of the pupils, their file, and its schema."""
    place = tmp_path_factory.mktemp("signed")
    source = tables.parquet(place / "signed.parquet", tables.pupils(60))
    schema = schema_in(source, READING)
    committed(source, schema, SECRET, place / "store")
    return place, source, schema


@settings(max_examples=12)
@given(
    gone=st.sets(st.integers(0, 59), max_size=5),
    altered=st.sets(st.integers(0, 59), max_size=5),
    added=st.sets(st.integers(700, 760), max_size=5),
)
def test_every_difference_is_found_and_named_and_nothing_else(
    signed: tuple[Path, str, RecordSchema],
    tmp_path_factory: pytest.TempPathFactory,
    gone: set[int],
    altered: set[int],
    added: set[int],
) -> None:
    place, source, schema = signed
    here = tmp_path_factory.mktemp("arrived")
    rows = tables.pupils(60)
    arrived = [
        {**row, "年级": 99} if n in altered else row for n, row in enumerate(rows) if n not in gone
    ]
    arrived += [{**rows[0], tables.KEY: tables.identity(n)} for n in added]
    file = tables.parquet(here / "arrived.parquet", arrived)
    committed(file, schema, SECRET, here / "store")
    changes = changes_between(leaves_in(place / "store"), leaves_in(here / "store"))
    names = keys_at(source, schema, changes.missing) | keys_at(file, schema, changes.extra)
    names |= keys_at(file, schema, changes.changed)
    for places, expected in (
        (changes.missing, gone),
        (changes.changed, altered - gone),
        (changes.extra, added),
    ):
        assert {names[one] for one in places} == {(tables.identity(n),) for n in expected}
    assert changes.none == (not (gone or altered - gone or added))


def test_leaves_that_travel_are_those_that_were_packed(
    signed: tuple[Path, str, RecordSchema], tmp_path: Path
) -> None:
    place, _, _ = signed
    store = leaves_in(place / "store")
    pack(place / "store", tmp_path / "x.leaves")
    unpack(tmp_path / "x.leaves", tmp_path / "out", store.root)
    for file in (place / "store").iterdir():
        if file.name != "store.json":
            assert (tmp_path / "out" / file.name).read_bytes() == file.read_bytes()
    assert b"signed.parquet" not in (tmp_path / "x.leaves").read_bytes()
    assert (tmp_path / "out").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    "touched", ["leaves", "fine", "tiles-0", "store.json", "size", "more", "deflated", "order"]
)
def test_leaves_that_were_touched_on_the_way_are_refused(
    signed: tuple[Path, str, RecordSchema], tmp_path: Path, touched: str
) -> None:
    place, _, _ = signed
    root = leaves_in(place / "store").root
    files = {one.name: bytearray(one.read_bytes()) for one in (place / "store").iterdir()}
    how = zipfile.ZIP_STORED
    if touched in ("leaves", "fine", "tiles-0"):
        files[touched][0] ^= 1
    elif touched == "store.json":
        files[touched] = bytearray(json.dumps({"format": "govledger-store/1"}).encode())
    elif touched == "size":
        files["leaves"] = files["leaves"][:-1]
    elif touched == "more":
        files["../more"] = bytearray(b"x")
    elif touched == "deflated":
        how = zipfile.ZIP_DEFLATED
    else:
        first, second = files["leaves"][:40], files["leaves"][40:80]
        files["leaves"][:80] = second + first
    with zipfile.ZipFile(tmp_path / "x.leaves", "w", how) as archive:
        for name, data in files.items():
            archive.writestr(name, bytes(data))
    with pytest.raises(StoreDamaged, match=r"not the manifest's leaves|store is damaged"):
        unpack(tmp_path / "x.leaves", tmp_path / "out", root)
    assert not (tmp_path / "more").exists()


def test_a_store_with_rows_is_not_packed(
    signed: tuple[Path, str, RecordSchema], tmp_path: Path
) -> None:
    from ledger.records.commitment import commit  # noqa: PLC0415 - only here
    from ledger.records.sources import open_source  # noqa: PLC0415

    _, source, schema = signed
    with open_source(source) as opened:
        commit(opened, schema, SECRET, store=tmp_path / "rows")
    with pytest.raises(StoreDamaged, match="it holds rows"):
        pack(tmp_path / "rows", tmp_path / "x.leaves")
    assert [one.name for one in tmp_path.iterdir()] == ["rows"]


def test_a_store_is_whole_as_it_was_made(signed: tuple[Path, str, RecordSchema]) -> None:
    assert whole(leaves_in(signed[0] / "store"))


def test_one_row_is_taken_by_its_key_and_by_nothing_else(
    signed: tuple[Path, str, RecordSchema],
) -> None:
    _, source, schema = signed
    (row,) = tables.pupils(1)
    key = key_in(schema, [row[tables.KEY]])
    assert key == key_in(schema, [f"{tables.KEY}={row[tables.KEY]}"])
    assert row_with(source, schema, key) == row
    assert row_with(source, schema, {tables.KEY: "none"}) is None
    with pytest.raises(DeliveryRefused, match="the key is made of 身份证号") as refused:
        key_in(schema, ["姓名=张伟"])
    assert "张伟" not in str(refused.value)


@pytest.mark.parametrize(
    ("column", "text", "value"),
    [
        (Column("c", "integer"), "12", 12),
        (Column("c", "boolean"), "TRUE", True),
        (Column("c", "binary"), "00ff", b"\x00\xff"),
        (Column("c", "string"), "a=b", "a=b"),
    ],
)
def test_a_key_is_read_as_its_column_s_type(column: Column, text: str, value: object) -> None:
    schema = RecordSchema((column,), ("c",))
    assert key_in(schema, [f"c={text}"]) == {"c": value}
    if column.type != "string":
        with pytest.raises(DeliveryRefused, match=f"no {column.type}"):
            key_in(schema, ["c=没有"])


def test_columns_taken_as_text_must_be_there(signed: tuple[Path, str, RecordSchema]) -> None:
    with pytest.raises(SchemaChanged, match="没有"):
        schema_in(signed[1], Reading((tables.KEY,), text=("没有",)))


def test_what_became_of_columns_is_told_by_name() -> None:
    before = RecordSchema((Column("a", "string"), Column("b", "integer")), ("a",))
    after = RecordSchema((Column("a", "integer"), Column("c", "decimal", 2)), ("a",))
    assert columns_between(before, after) == (["b"], ["c"], ["a"])
    assert columns_between(before, before) == ([], [], [])


@pytest.mark.parametrize("text", ["a", "=2", "a=", "a=x", "a=-1", "a=²"])
def test_a_scale_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not of the form COLUMN=2"):
        scales_in([text])
    assert scales_in(["a=2", "b=c=0"]) == {"a": 2, "b=c": 0}


def test_buckets_that_differ_are_named_by_number() -> None:
    assert unequal([1] * 256, [1] * 256) == []
    assert unequal([1] * 256, [1, 2] + [1] * 253 + [0]) == [1, 255]


def test_a_row_is_found_by_its_moment_with_a_zone_or_without(tmp_path: Path) -> None:
    china = timezone(timedelta(hours=8))
    moment = datetime(2026, 7, 1, 8, 30, tzinfo=china)
    local = pa.schema([("时间", pa.timestamp("us")), ("值", pa.int64())])
    zoned = pa.schema([("时间", pa.timestamp("us", "UTC")), ("值", pa.int64())])
    there = tables.parquet(
        tmp_path / "l.parquet", [{"时间": moment.replace(tzinfo=None), "值": 1}], local
    )
    here = tables.parquet(tmp_path / "z.parquet", [{"时间": moment, "值": 1}], zoned)
    schema = schema_in(there, Reading(("时间",), offset="+08:00"))
    found = committed(there, schema, SECRET, tmp_path / "store")
    store = leaves_in(tmp_path / "store", SECRET)
    assert store.offset == 480
    for source, text in ((there, "2026-07-01T08:30:00"), (here, "2026-07-01T00:30:00+00:00")):
        key = key_in(store.schema, [text], store.offset)
        row = row_with(source, store.schema, key, store.offset)
        proof = prove_row(store, key, row).document
        assert verify_row(proof, found.root) == {"时间": "2026-07-01T00:30:00.000000Z", "值": "1"}

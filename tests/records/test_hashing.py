"""Hashing whole columns gives what hashing one by one gives, and work that runs ahead stays in order."""

from __future__ import annotations

from hashlib import sha256

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.merkle import EMPTY_ROOT, root_of
from ledger.records.ahead import drawn_ahead, made_ahead
from ledger.records.cells import bucket_offset, buckets_of, cell_bits, fine_sums
from ledger.records.encoding import leaf_of, place, salt
from ledger.records.hashing import FEW, digests, fixed, row_hashes, tile_levels, top
from tests.records.rows import SECRET


@pytest.mark.parametrize("count", [0, 1, FEW, FEW + 1, 20_000])
def test_a_column_is_hashed_as_its_messages_are(count: int) -> None:
    messages = [bytes([n % 256]) * (n % 200) for n in range(count)]
    found = digests(pa.array(messages, pa.binary()), b"\7")
    assert [row.tobytes() for row in found] == [sha256(b"\7" + m).digest() for m in messages]


@pytest.mark.parametrize("count", [1, FEW + 1, 20_000])
def test_rows_are_hashed_as_the_document_says(count: int) -> None:
    keys = [f"1:{n % 10},".encode() for n in range(count)]
    rows = [key + "居民".encode() * (n % 5) for n, key in enumerate(keys)]
    places, leaves = row_hashes(pa.array(keys), pa.array(rows), SECRET, bytes(32))
    for at in range(0, count, 97):
        assert int.from_bytes(places[at].tobytes(), "big") == place(keys[at])
        assert leaves[at].tobytes() == leaf_of(salt(SECRET, keys[at]), bytes(32), rows[at])


@pytest.mark.parametrize("bits", [0, 1, 8, 9, 11])
def test_the_tree_over_cells_is_that_of_rfc_9162(bits: int) -> None:
    hashes = np.random.default_rng(bits).integers(0, 256, (1 << bits, 32), np.uint8)
    levels = tile_levels(hashes)
    assert top(levels[-1]) == root_of([row.tobytes() for row in hashes])
    assert [len(level) for level in levels] == [1 << bits - 8 * n for n in range(len(levels))]
    assert top(np.zeros((0, 32), np.uint8)) == EMPTY_ROOT


@given(st.integers(1, 10**9))
def test_there_are_two_to_four_rows_for_each_cell(rows: int) -> None:
    bits = cell_bits(rows)
    assert rows <= 4 << bits
    assert bits == 0 or rows > 2 << bits


@settings(max_examples=20)
@given(st.lists(st.binary(min_size=40, max_size=40), max_size=60))
def test_bucket_fingerprints_are_sums_behind_an_offset(entries: list[bytes]) -> None:
    packed = np.frombuffer(b"".join(sorted(entries)), np.uint8).reshape(-1, 40)
    sums, counts = fine_sums(packed)
    found = buckets_of(sums, SECRET)
    assert counts.sum() == len(entries)
    for bucket in range(256):
        total = sum(int.from_bytes(one[8:16], "big") for one in entries if one[0] == bucket)
        assert found[bucket] == (total + bucket_offset(SECRET, bucket)) % 2**64
    assert len(set(buckets_of(np.zeros(1 << 16, np.uint64), SECRET))) == 256


def test_rows_of_bytes_become_a_column_over_the_same_memory() -> None:
    data = np.arange(12, dtype=np.uint8).reshape(3, 4)
    assert fixed(data).to_pylist() == [bytes(row) for row in data]


def test_work_ahead_keeps_the_order_and_raises_where_it_is_needed() -> None:
    assert list(drawn_ahead(iter(range(20)), 3)) == list(range(20))
    assert list(drawn_ahead(iter(()), 3)) == []
    assert list(made_ahead(lambda n: n * n, range(20), workers=2)) == [n * n for n in range(20)]

    def failing():
        yield 1
        raise ValueError("no more")

    drawn = drawn_ahead(failing(), 2)
    assert next(drawn) == 1
    with pytest.raises(ValueError, match="no more"):
        next(drawn)
    with pytest.raises(ZeroDivisionError):
        list(made_ahead(lambda n: 1 // n, range(3), workers=2))


def test_work_ahead_stops_when_nobody_wants_more() -> None:
    drawn = []

    def endless():
        while True:
            drawn.append(len(drawn))
            yield drawn[-1]

    ahead = drawn_ahead(endless(), 3)
    assert next(ahead) == 0
    ahead.close()
    assert len(drawn) <= 6

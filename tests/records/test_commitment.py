"""A commitment is what the document says, for any number of rows, and nothing faulty is committed to."""

from __future__ import annotations

from pathlib import Path

import pytest

from ledger.merkle import EMPTY_ROOT
from ledger.records import runs
from ledger.records.commitment import commit
from ledger.records.problems import (
    DuplicateKeys,
    NullKeys,
    SourceChanged,
    SourceError,
    StoreDamaged,
)
from ledger.records.schema import schema_of
from ledger.records.sources import Source, open_source
from ledger.records.store import LeafStore
from tests.records.rows import SECRET, parquet, people, plain_content, plain_root


@pytest.mark.parametrize("count", [0, 1, 4, 5, 9, 1000, 5000])
def test_a_root_is_what_plain_python_makes_of_the_rows(tmp_path: Path, count: int) -> None:
    rows = people(count)
    with open_source(str(parquet(tmp_path / "people.parquet", rows))) as source:
        schema = schema_of(source.table, ["id"])
        found = commit(source, schema, SECRET, store=tmp_path / "store")
    assert found.rows == count
    assert found.root == plain_root(schema, rows, SECRET)
    assert found.content_root == plain_content(schema, rows)
    assert (found.root == EMPTY_ROOT) == (count == 0)


def test_memory_for_runs_is_bounded_and_the_root_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = people(5000)
    monkeypatch.setattr(runs.Runs.__init__, "__defaults__", (100_000,))
    with open_source(str(parquet(tmp_path / "people.parquet", rows))) as source:
        schema = schema_of(source.table, ["id"])
        batches = source.batches
        monkeypatch.setattr(source, "batches", lambda asked: batches(asked, 700))
        assert commit(source, schema, SECRET).root == plain_root(schema, rows, SECRET)


def test_the_order_of_rows_does_not_matter_and_the_secret_does(tmp_path: Path) -> None:
    rows = people(300)
    there, back = parquet(tmp_path / "a.parquet", rows), parquet(tmp_path / "b.parquet", rows[::-1])
    roots = []
    for file, secret in ((there, SECRET), (back, SECRET), (there, bytes(32))):
        with open_source(str(file)) as source:
            roots.append(commit(source, schema_of(source.table, ["id"]), secret))
    assert roots[0] == roots[1]
    assert roots[0].root != roots[2].root
    assert roots[0].content_root == roots[2].content_root
    assert not set(roots[0].buckets) & set(roots[2].buckets)


@pytest.mark.parametrize(
    ("fault", "refusal", "counts"),
    [
        ({"id": 3, "name": "x", "paid": None}, DuplicateKeys, (1, 0)),
        ({"id": 3, "name": "居民3", "paid": None}, DuplicateKeys, (1, 0)),
        ({"id": None, "name": "x", "paid": None}, NullKeys, (0, 1)),
    ],
)
def test_a_faulty_key_is_refused_or_counted(
    tmp_path: Path, fault: dict[str, object], refusal: type[Exception], counts: tuple[int, int]
) -> None:
    with open_source(str(parquet(tmp_path / "p.parquet", [*people(10), fault]))) as source:
        schema = schema_of(source.table, ["id"])
        with pytest.raises(refusal):
            commit(source, schema, SECRET, store=tmp_path / "store")
        assert sorted(path.name for path in tmp_path.iterdir()) == ["p.parquet"]
        found = commit(source, schema, SECRET, strict=False)
    assert (found.duplicates, found.null_keys) == counts
    assert found.rows == 11


def test_keys_that_differ_only_in_how_characters_are_composed_are_one_key(tmp_path: Path) -> None:
    names = ("caf\u00e9", "cafe\u0301", "cafe")
    rows = [{"id": number, "name": name, "paid": None} for number, name in enumerate(names)]
    with open_source(str(parquet(tmp_path / "p.parquet", rows))) as source:
        schema = schema_of(source.table, ["name"])
        with pytest.raises(DuplicateKeys, match=r"1 keys \(name\) stand in 2 rows$"):
            commit(source, schema, SECRET)


def test_a_source_that_changes_while_it_is_read_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = parquet(tmp_path / "p.parquet", people(10))
    batches = Source.batches

    def and_change(self, expression, size=1000):
        yield from batches(self, expression, size)
        file.touch()

    with open_source(str(file)) as source:
        schema = schema_of(source.table, ["id"])
        monkeypatch.setattr(Source, "batches", and_change)
        with pytest.raises(SourceChanged):
            commit(source, schema, SECRET, store=tmp_path / "store")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["p.parquet"]


def test_a_store_is_never_written_over(tmp_path: Path) -> None:
    file = parquet(tmp_path / "p.parquet", people(3))
    (tmp_path / "store").mkdir()
    with open_source(str(file)) as source, pytest.raises(SourceError, match="something is there"):
        commit(source, schema_of(source.table, ["id"]), SECRET, store=tmp_path / "store")
    assert list((tmp_path / "store").iterdir()) == []


def test_a_damaged_store_is_named(tmp_path: Path) -> None:
    file, place = parquet(tmp_path / "p.parquet", people(30)), tmp_path / "store"
    with open_source(str(file)) as source:
        commit(source, schema_of(source.table, ["id"]), SECRET, store=place)
    assert LeafStore.open(place).rows == 30
    assert place.stat().st_mode & 0o077 == 0
    for name, data in (("leaves", b"short"), ("store.json", b"{}"), ("store.json", b"not json")):
        whole = (place / name).read_bytes()
        (place / name).write_bytes(data)
        with pytest.raises(StoreDamaged, match="damaged"):
            LeafStore.open(place)
        (place / name).write_bytes(whole)
    with pytest.raises(SourceError, match="no store"):
        LeafStore.open(tmp_path / "nothing")


def test_progress_goes_from_nothing_to_all(tmp_path: Path) -> None:
    seen: list[tuple[int, int | None]] = []
    with open_source(str(parquet(tmp_path / "p.parquet", people(5000)))) as source:
        schema = schema_of(source.table, ["id"])
        commit(source, schema, SECRET, progress=lambda done, total: seen.append((done, total)))
    assert seen[0] == (0, 10_000)
    assert seen[-1] == (10_000, 10_000)
    assert seen == sorted(seen)


def test_a_secret_has_its_length(tmp_path: Path) -> None:
    with (
        open_source(str(parquet(tmp_path / "p.parquet", people(1)))) as source,
        pytest.raises(ValueError, match="32 bytes"),
    ):
        commit(source, schema_of(source.table, ["id"]), b"short")

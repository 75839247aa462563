"""A commitment is what the document says, for any number of rows, and nothing faulty is committed to."""

from __future__ import annotations

from pathlib import Path

import pytest

from ledger.merkle import EMPTY_ROOT
from ledger.records.commitment import commit
from ledger.records.problems import DuplicateKeys, NullKeys, SourceChanged
from ledger.records.schema import schema_of
from ledger.records.sources import Source, open_source
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

"""What differs between two states of the same records is found whole, whatever it is."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.records import reconciliation, workplace
from ledger.records.problems import DuplicateKeys, SchemaChanged
from ledger.records.reconciliation import compare_buckets, reconcile
from ledger.records.schema import schema_of
from ledger.records.sources import open_source
from ledger.records.store import LeafStore
from ledger.records.workplace import secret_in, store_of
from tests.records.rows import SECRET, parquet, people


def kept(
    place: Path, name: str, rows: list[dict[str, Any]], *, strict: bool = True, key: str = "id"
) -> LeafStore:
    with open_source(str(parquet(place / f"{name}.parquet", rows))) as source:
        schema = schema_of(source.table, [key])
        return store_of(source, schema, SECRET, place / "work", strict=strict)


def by_hand(
    left: list[dict[str, Any]], right: list[dict[str, Any]]
) -> tuple[set[int], set[int], dict[int, set[str]]]:
    ours, theirs = ({row["id"]: row for row in side} for side in (left, right))
    changed = {
        key: {name for name in ours[key] if ours[key][name] != theirs[key][name]}
        for key in ours.keys() & theirs.keys()
        if ours[key] != theirs[key]
    }
    return ours.keys() - theirs.keys(), theirs.keys() - ours.keys(), changed


@settings(max_examples=12)
@given(
    left=st.integers(0, 3000),
    removed=st.sets(st.integers(0, 3000), max_size=40),
    renamed=st.dictionaries(st.integers(0, 3000), st.sampled_from(["甲", "乙", None]), max_size=40),
    added=st.sets(st.integers(3000, 9000), max_size=1500),
)
def test_everything_that_differs_is_found(
    tmp_path_factory: pytest.TempPathFactory,
    left: int,
    removed: set[int],
    renamed: dict[int, str | None],
    added: set[int],
) -> None:
    place = tmp_path_factory.mktemp("both")
    ours = people(left)
    theirs = [
        row | ({"name": renamed[row["id"]]} if row["id"] in renamed else {})
        for row in people(left)
        if row["id"] not in removed
    ]
    theirs += [{"id": number, "name": "新", "paid": None} for number in sorted(added)]
    missing, extra, changed = by_hand(ours, theirs)
    found = reconcile(kept(place, "left", ours), kept(place, "right", theirs), values=True)
    assert {int(one.left["id"]) for one in found.of("missing")} == missing
    assert {int(one.right["id"]) for one in found.of("extra")} == extra
    assert {int(one.left["id"]): set(one.columns) for one in found.of("changed")} == changed
    assert (found.missing, found.extra, found.changed) == tuple(map(len, (missing, extra, changed)))
    assert found.equal == (not (missing or extra or changed))


def test_values_are_told_only_when_they_are_asked_for(tmp_path: Path) -> None:
    ours, theirs = people(50), people(49)
    theirs[7]["name"] = "改名"
    left, right = kept(tmp_path, "left", ours), kept(tmp_path, "right", theirs)
    found = reconcile(left, right)
    assert "居民" not in repr(found)
    assert found.columns == {"name": 1}
    assert all(one.left is None and one.right is None for one in found.listed)
    (shown,) = reconcile(left, right, values=True).of("changed")
    assert (shown.left["name"], shown.right["name"]) == ("居民7", "改名")


def test_more_is_counted_than_is_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reconciliation, "AT_ONCE", 100)
    left = kept(tmp_path, "left", people(3000))
    right = kept(tmp_path, "right", [row | {"name": "x"} for row in people(2990)])
    found = reconcile(left, right, most=5)
    assert (found.missing, found.extra, found.changed) == (10, 0, 2990)
    assert len(found.listed) == 5


def test_padding_is_counted_and_copies_of_a_key_are_told(tmp_path: Path) -> None:
    ours = people(100)
    padded = [*ours, ours[3], ours[4] | {"name": "又一个"}]
    with pytest.raises(DuplicateKeys):
        kept(tmp_path, "right", padded)
    left = kept(tmp_path, "left", ours)
    right = kept(tmp_path, "right", padded, strict=False)
    found = reconcile(left, right, values=True)
    assert found.duplicates == (0, 2)
    assert [one.left["id"] for one in found.of("changed")] == ["4"]
    assert not found.equal


def test_a_store_is_kept_until_its_source_changes(tmp_path: Path) -> None:
    first = kept(tmp_path, "left", people(20))
    made = (first.place / "store.json").stat().st_mtime_ns
    with open_source(str(tmp_path / "left.parquet")) as source:
        again = store_of(source, schema_of(source.table, ["id"]), SECRET, tmp_path / "work")
    assert (again.place / "store.json").stat().st_mtime_ns == made
    changed = kept(tmp_path, "left", people(21))
    assert changed.rows == 21
    assert [path.name for path in (tmp_path / "work").iterdir()] == [changed.place.name]


def test_an_interrupted_comparison_goes_on_from_what_is_stored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    left, right = (
        parquet(tmp_path / f"{name}.parquet", people(count))
        for name, count in (("left", 20), ("right", 21))
    )

    def store(file: Path) -> LeafStore:
        with open_source(str(file)) as source:
            return store_of(source, schema_of(source.table, ["id"]), SECRET, tmp_path / "work")

    made = (store(left).place / "store.json").stat()
    with monkeypatch.context() as patch:
        patch.setattr(workplace, "commit", _interrupted)
        with pytest.raises(KeyboardInterrupt):
            store(right)
    assert len(list((tmp_path / "work").iterdir())) == 2
    assert reconcile(store(left), store(right)).extra == 1
    assert len(list((tmp_path / "work").iterdir())) == 2
    again = (store(left).place / "store.json").stat()
    assert (again.st_ino, again.st_mtime_ns) == (made.st_ino, made.st_mtime_ns)


_KILLED = """
import os, signal, sys
from pathlib import Path
from ledger.records.workplace import store_of
from ledger.records.schema import schema_of
from ledger.records.sources import open_source

def die(done, of):
    if done:
        os.kill(os.getpid(), signal.SIGKILL)

place = Path(sys.argv[1])
for name, progress in (("left", None), ("right", die)):
    with open_source(str(place / f"{name}.parquet")) as source:
        schema = schema_of(source.table, ["id"])
        store_of(source, schema, bytes.fromhex(sys.argv[2]), place / "work", progress=progress)
"""


def test_a_killed_comparison_keeps_the_side_that_was_whole_and_leaves_nothing_of_the_other(
    tmp_path: Path,
) -> None:
    for name, count in (("left", 2_000), ("right", 2_001)):
        parquet(tmp_path / f"{name}.parquet", people(count))
    work = tmp_path / "work"
    command = [sys.executable, "-c", _KILLED, str(tmp_path), SECRET.hex()]
    killed = subprocess.run(command, check=False, timeout=120, cwd=Path(__file__).parents[2])
    assert killed.returncode == -signal.SIGKILL
    (whole,) = [one for one in work.iterdir() if not one.name.startswith(".")]
    made = (whole / "store.json").stat()
    assert [one for one in work.iterdir() if one.name.startswith(".")]
    stores = []
    for name in ("left", "right"):
        with open_source(str(tmp_path / f"{name}.parquet")) as source:
            stores.append(store_of(source, schema_of(source.table, ["id"]), SECRET, work))
    assert reconcile(*stores).extra == 1
    again = (whole / "store.json").stat()
    assert (again.st_ino, again.st_mtime_ns) == (made.st_ino, made.st_mtime_ns)
    assert {one.name for one in work.iterdir()} == {one.place.name for one in stores}


def _interrupted(*_: object, store: Path, **__: object) -> None:
    store.with_name(f".{store.name}.part").mkdir()
    raise KeyboardInterrupt


def test_a_copy_is_held_against_what_a_manifest_published(tmp_path: Path) -> None:
    published = kept(tmp_path, "left", people(1000)).commitment()
    same = kept(tmp_path, "copy", people(1000)[::-1])
    found = compare_buckets(published.rows, published.root, published.buckets, same)
    assert found.equal
    assert found.suspects == 0
    altered = people(999)
    altered[5]["name"] = "改名"
    found = compare_buckets(
        published.rows, published.root, published.buckets, kept(tmp_path, "copy", altered)
    )
    assert not found.equal
    assert len(found.unequal) == 2
    assert 2 <= found.suspects <= 40


def test_stores_of_different_schemas_or_secrets_are_not_compared(tmp_path: Path) -> None:
    left = kept(tmp_path, "left", people(5))
    with pytest.raises(SchemaChanged):
        reconcile(left, kept(tmp_path, "right", people(5), key="name"))
    with open_source(str(tmp_path / "left.parquet")) as source:
        schema = schema_of(source.table, ["id"])
        other = store_of(source, schema, secret_in(tmp_path / "work2"), tmp_path / "work2")
    assert secret_in(tmp_path / "work2") == other.secret
    with pytest.raises(SchemaChanged):
        reconcile(left, other)

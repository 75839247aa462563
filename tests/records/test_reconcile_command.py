"""``govledger reconcile`` tells a person and a machine what differs, and hides what it was not asked to show."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ledger.cli.app import main
from tests.records.rows import parquet, people


def run(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, *words: str
) -> tuple[int, str, str]:
    monkeypatch.setattr("sys.argv", ["govledger", "--language", "en", *words])
    monkeypatch.setenv("COLUMNS", "200")
    with pytest.raises(SystemExit) as ended:
        main()
    said = capsys.readouterr()
    return int(ended.value.code or 0), said.out, said.err


@pytest.fixture
def sides(tmp_path: Path) -> tuple[str, str]:
    theirs = [*people(40)[1:], {"id": 99, "name": "新来", "paid": None}]
    theirs[4]["name"] = "改名"
    left = parquet(tmp_path / "left.parquet", people(40))
    lines = ["id,name,paid", *(f"{row['id']},{row['name']}," for row in theirs)]
    right = tmp_path / "right.csv"
    right.write_text("\n".join(lines), "utf-8")
    return str(left), str(right)


def test_differences_are_counted_and_named_without_values(
    sides: tuple[str, str],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    words = ("reconcile", *sides, "--key", "id", "--work", str(tmp_path / "work"))
    code, said, _ = run(capsys, monkeypatch, *words)
    assert code == 5
    assert "改名" not in said
    assert "居民" not in said
    assert "name (1)" in said
    code, said, _ = run(capsys, monkeypatch, *words, "--json")
    told = json.loads(said)
    assert code == 5
    assert [told[kind] for kind in ("missing", "extra", "changed")] == [1, 1, 1]
    assert "改名" not in said
    code, said, _ = run(capsys, monkeypatch, *words, "--show-values")
    assert code == 5
    assert "居民5" in said
    assert "改名" in said


def test_equal_sides_end_with_success_and_a_store_may_be_a_side(
    sides: tuple[str, str],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    work = tmp_path / "work"
    code, said, _ = run(
        capsys, monkeypatch, "reconcile", sides[0], sides[0], "--key", "id", "--work", str(work)
    )
    assert code == 0
    assert "same 40 rows" in said
    (store,) = (work / "left").iterdir()
    code, said, _ = run(capsys, monkeypatch, "reconcile", str(store), sides[1], "--json")
    assert code == 5
    assert json.loads(said)["left"]["rows"] == 40


@pytest.mark.parametrize(
    "case",
    [
        ((), 2, "--key is missing"),
        (("--key", "nobody"), 3, "nobody"),
        (("--key", "id", "--scale", "name=x"), 2, "--scale"),
    ],
)
def test_what_cannot_be_compared_is_refused_with_a_way_out(
    sides: tuple[str, str],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    case: tuple[tuple[str, ...], int, str],
) -> None:
    words, code, told = case
    ended, _, said = run(capsys, monkeypatch, "reconcile", *sides, *words)
    assert ended == code
    assert told in said
    assert "→" in said

"""Where stores lie: whole in their place, or not there at all."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from ledger.deliveries.shelf import Shelf

DIGEST = b"\5" * 32


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    return Shelf(tmp_path)


def filled(place: Path, text: str = "leaves") -> Path:
    (place / "tile").write_text(text)
    return place


def test_a_draft_that_is_kept_stands_under_its_digest(shelf: Shelf) -> None:
    assert shelf.find("manifests", DIGEST) is None
    assert shelf.stores() == []
    with shelf.draft() as draft:
        place = shelf.keep(filled(draft), "manifests", DIGEST)
    assert shelf.find("manifests", DIGEST) == place
    assert shelf.find("deliveries", DIGEST) is None
    (store,) = shelf.stores()
    assert (store.kind, store.body_digest, store.place, store.size) == (
        "manifests",
        DIGEST,
        place,
        len("leaves"),
    )
    shelf.remove(store)
    assert shelf.stores() == []
    assert [*shelf.root.glob(".draft-*")] == []


def test_a_store_that_stands_is_never_overwritten(shelf: Shelf) -> None:
    for text in ("first", "second"):
        with shelf.draft() as draft:
            place = shelf.keep(filled(draft, text), "deliveries", DIGEST)
    assert (place / "tile").read_text() == "first"
    assert [one.name for one in shelf.root.iterdir()] == ["deliveries"]


def test_a_draft_goes_with_the_error_that_ended_it(shelf: Shelf) -> None:
    def fail() -> None:
        with shelf.draft() as draft:
            filled(draft)
            raise RuntimeError("half-way")

    with pytest.raises(RuntimeError, match="half-way"):
        fail()
    assert [*shelf.root.iterdir()] == []


def test_what_a_killed_process_left_is_swept_and_a_living_ones_stays(shelf: Shelf) -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait(timeout=60)
    left = shelf.root / f".draft-{ended.pid}-0a"
    left.mkdir(parents=True)
    with shelf.draft() as mine, shelf.draft():
        assert not left.exists()
        assert mine.is_dir()


def test_what_else_lies_there_is_left_alone(shelf: Shelf) -> None:
    (shelf.root / "manifests" / "notes").mkdir(parents=True)
    assert shelf.stores() == []

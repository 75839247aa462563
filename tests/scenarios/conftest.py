"""The synthetic district, built once for all workers, and the small ledger."""

from __future__ import annotations

import fcntl
from pathlib import Path

import pytest

from tests.person import Person


@pytest.fixture(scope="session")
def built_district(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """The demo's directory, built by the command itself; treat it as read-only.

    Workers that run tests at once share one: the first builds it, the others wait.
    """
    shared = tmp_path_factory.getbasetemp()
    place = (shared if worker_id == "master" else shared.parent) / "district" / "demo-data"
    place.parent.mkdir(exist_ok=True)
    with (place.parent / "building").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        tour = place.parent / "tour.txt"
        if not tour.exists():
            built = Person(place).spawn("demo", "--no-serve")
            tour.write_text(built.out, "utf-8")
    return place


@pytest.fixture
def district(built_district: Path, tmp_path: Path) -> Person:
    """A person in a copy of the district, free to change it."""
    return Person(built_district, passphrase="synthetic-district").copy(tmp_path / "district")

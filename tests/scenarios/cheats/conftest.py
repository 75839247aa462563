"""The town, founded once, and a copy of it for each cheat."""

from __future__ import annotations

import fcntl
from pathlib import Path

import pytest

from tests.scenarios.cheats.town import FOUNDED, Town, found_town


@pytest.fixture(scope="session")
def honest_town(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Town:
    """The town in which nobody has cheated yet; treat it as read-only.

    Workers that run tests at once share one: the first founds it, the others wait.
    """
    shared = tmp_path_factory.getbasetemp()
    place = (shared if worker_id == "master" else shared.parent) / "town"
    place.mkdir(exist_ok=True)
    with (place / "founding").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = place / "founded"
        if not done.exists():
            found_town(place / "ledger")
            done.touch()
    return Town(place / "ledger", now=FOUNDED)


@pytest.fixture
def town(honest_town: Town, tmp_path: Path) -> Town:
    """A copy of the town, free to cheat in."""
    return honest_town.copy(tmp_path / "ledger")

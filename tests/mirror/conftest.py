"""A simulated chain, a district on it, and a mirror."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from ledger.mirror.follower import Follower
from ledger.store.engine import open_database
from tests.mirror.world import District, Notes, with_notes
from tests.simulator import SimulatedChain


@pytest.fixture
def sim() -> SimulatedChain:
    return SimulatedChain(District.genesis)


@pytest.fixture
def district(sim: SimulatedChain) -> District:
    return District(sim).found()


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    """A mirror database, on SQLite and on PostgreSQL."""
    engine = with_notes(open_database(database_url, "mirror"))
    yield engine
    engine.dispose()


@pytest.fixture
def sqlite_engine(tmp_path: Path) -> Iterator[Engine]:
    engine = with_notes(open_database(f"sqlite:///{tmp_path / 'mirror.db'}", "mirror"))
    yield engine
    engine.dispose()


@pytest.fixture
def follower(engine: Engine, sim: SimulatedChain) -> Follower:
    return Follower(engine, sim, sim.origin, [Notes()])


@pytest.fixture
def no_pause(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Faults are met without waiting."""
    monkeypatch.setattr("ledger.mirror.follower.PAUSE_SECONDS", 0)
    return lambda: None

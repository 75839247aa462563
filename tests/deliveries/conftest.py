"""A mirror database with the projections that deliveries ask questions of, and a small office that collects."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ledger.catalogue.projection import PROJECTION as CATALOGUE
from ledger.deliveries.projection import PROJECTION as DELIVERIES
from ledger.organisations.projection import PROJECTION as ORGANISATIONS
from ledger.store.engine import open_database
from tests.deliveries.collecting import Collecting
from tests.organisations.scribe import Scribe
from tests.person import Person

PROJECTIONS = [ORGANISATIONS, CATALOGUE, DELIVERIES]


@pytest.fixture
def scribe(tmp_path: Path) -> Iterator[Scribe]:
    """On SQLite, with all that deliveries ask of others."""
    engine = open_database(f"sqlite:///{tmp_path / 'mirror.db'}", "mirror")
    yield Scribe(engine, PROJECTIONS)
    engine.dispose()


@pytest.fixture
def postgresql_scribe(postgresql_url: str) -> Iterator[Scribe]:
    """The same on PostgreSQL."""
    engine = open_database(postgresql_url, "mirror")
    yield Scribe(engine, PROJECTIONS)
    engine.dispose()


@pytest.fixture
def sqlite_scribe(tmp_path: Path) -> Iterator[Scribe]:
    """Deliveries alone."""
    engine = open_database(f"sqlite:///{tmp_path / 'mirror.db'}", "mirror")
    yield Scribe(engine, [DELIVERIES])
    engine.dispose()


@pytest.fixture(scope="session")
def collecting(built_office: Person, tmp_path_factory: pytest.TempPathFactory) -> Collecting:
    """One office for all tests that collect, each in a period of its own."""
    return Collecting(built_office.copy(tmp_path_factory.mktemp("collecting") / "ledger")).begun()

"""A mirror database with what corrections ask of, and a real ledger on a calendar."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ledger.catalogue.projection import PROJECTION as CATALOGUE
from ledger.corrections.projection import PROJECTION as CORRECTIONS
from ledger.organisations.projection import PROJECTION as ORGANISATIONS
from ledger.quality.projection import PROJECTION as QUALITY
from ledger.store.engine import open_database
from tests.corrections.ledger import built, calendar, person
from tests.corrections.told import Office
from tests.organisations.scribe import Scribe

__all__ = ["built", "calendar", "person"]


@pytest.fixture
def office(database_url: str) -> Iterator[Office]:
    """On SQLite and on PostgreSQL."""
    engine = open_database(database_url, "mirror")
    yield Office(Scribe(engine, [ORGANISATIONS, CATALOGUE, QUALITY, CORRECTIONS])).found()
    engine.dispose()


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Office]:
    """The same on SQLite alone."""
    engine = open_database(f"sqlite:///{tmp_path / 'mirror.db'}", "mirror")
    yield Office(Scribe(engine, [ORGANISATIONS, CATALOGUE, QUALITY, CORRECTIONS])).found()
    engine.dispose()

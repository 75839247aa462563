"""A mirror database with the projections that quality asks questions of."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ledger.catalogue.projection import PROJECTION as CATALOGUE
from ledger.organisations.projection import PROJECTION as ORGANISATIONS
from ledger.quality.projection import PROJECTION as QUALITY
from ledger.store.engine import open_database
from tests.organisations.scribe import Scribe


@pytest.fixture
def scribe(database_url: str) -> Iterator[Scribe]:
    """On SQLite and on PostgreSQL."""
    engine = open_database(database_url, "mirror")
    yield Scribe(engine, [ORGANISATIONS, CATALOGUE, QUALITY])
    engine.dispose()


@pytest.fixture
def sqlite_scribe(tmp_path: Path) -> Iterator[Scribe]:
    """Quality alone."""
    engine = open_database(f"sqlite:///{tmp_path / 'mirror.db'}", "mirror")
    yield Scribe(engine, [QUALITY])
    engine.dispose()

"""A mirror database with the organisations' projection."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Connection

from ledger.organisations.projection import PROJECTION
from ledger.store.engine import open_database
from tests.organisations.scribe import Scribe


@pytest.fixture
def scribe(database_url: str) -> Iterator[Scribe]:
    """On SQLite and on PostgreSQL."""
    engine = open_database(database_url, "mirror")
    yield Scribe(engine, [PROJECTION])
    engine.dispose()


@pytest.fixture
def sqlite_scribe(tmp_path: Path) -> Iterator[Scribe]:
    engine = open_database(f"sqlite:///{tmp_path / 'mirror.db'}", "mirror")
    yield Scribe(engine, [PROJECTION])
    engine.dispose()


@pytest.fixture
def mirror(scribe: Scribe) -> Iterator[Connection]:
    """A connection that reads; ask for it after the statements are in, or begin anew."""
    with scribe.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        yield connection

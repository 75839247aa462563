"""A mirror with every projection, on SQLite and on PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ledger.store.engine import open_database
from tests.audits.world import World, new_world


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    engine = open_database(f"sqlite:///{tmp_path / 'mirror.db'}", "mirror")
    yield new_world(engine)
    engine.dispose()


@pytest.fixture
def either_world(database_url: str) -> Iterator[World]:
    engine = open_database(database_url, "mirror")
    yield new_world(engine)
    engine.dispose()

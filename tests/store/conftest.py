"""Databases of these tests come from the migrations themselves."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.new_databases import Migrated


@pytest.fixture(autouse=True)
def _migrations_run(migrated: Migrated) -> Iterator[None]:
    with migrated.left_out():
        yield

"""A small ledger whose lineage was told, for reading only."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.lineage.traced import build_traced
from tests.once import built_once
from tests.person import Person


@pytest.fixture(scope="session")
def traced(built_office: Person, tmp_path_factory: pytest.TempPathFactory) -> Person:
    """The office of :mod:`tests.lineage.traced`; treat it as read-only."""

    def build(place: Path) -> None:
        build_traced(built_office.copy(place))

    place = built_once(tmp_path_factory, "traced", build)
    return Person(place, more={"GOVLEDGER_JOURNAL_KEY": "collector"})

"""The town, founded once, and a copy of it for each cheat."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.scenarios.cheats.town import Town, found_town


@pytest.fixture(scope="session")
def honest_town(tmp_path_factory: pytest.TempPathFactory) -> Town:
    """The town in which nobody has cheated yet; treat it as read-only."""
    return found_town(tmp_path_factory.mktemp("town") / "ledger")


@pytest.fixture
def town(honest_town: Town, tmp_path: Path) -> Town:
    """A copy of the town, free to cheat in."""
    return honest_town.copy(tmp_path / "ledger")

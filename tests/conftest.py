"""Fixtures that every test may use."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile(
    "default",
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The real inputs that stand beside the repository; the test is skipped where they are absent."""
    root = Path(__file__).resolve().parents[1]
    place = Path(os.environ.get("GOVLEDGER_TEST_DATA", root.parent / "shared" / "data"))
    if not place.is_dir():
        pytest.skip(f"real inputs are not here: {place} (set GOVLEDGER_TEST_DATA)")
    return place

"""The small ledger, made once and copied; and one whose lineage was told, for reading only."""

import pytest

from tests.lineage.traced import build_traced
from tests.person import Person
from tests.small_office import built_office, newcomer, office

__all__ = ["built_office", "newcomer", "office", "traced"]


@pytest.fixture(scope="session")
def traced(built_office: Person, tmp_path_factory: pytest.TempPathFactory) -> Person:
    """The office of :mod:`tests.lineage.traced`; treat it as read-only."""
    return build_traced(built_office.copy(tmp_path_factory.mktemp("traced") / "ledger"))

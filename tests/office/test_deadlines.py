"""A mandate's deadline goes by the time of blocks, which the contracts compare it with."""

from __future__ import annotations

import pytest

from ledger.office import MANDATE_SECONDS, Office
from ledger.settings import load_settings
from tests.person import PASSPHRASE, Person


@pytest.mark.parametrize("ahead", [-(10**8), -MANDATE_SECONDS, 10, 10**8])
def test_a_clock_that_is_behind_the_chain_is_not_followed_and_one_ahead_is(
    built_office: Person, ahead: int
) -> None:
    settings = load_settings({"data_dir": built_office.data_dir, "passphrase": PASSPHRASE}, env={})
    with Office(settings) as office:
        newest = office.chain.head().timestamp
    with Office(settings, clock=lambda: newest + ahead + 0.5) as office:
        assert office.now() == newest + max(ahead, 0)
        assert office.deadline() == office.now() + MANDATE_SECONDS

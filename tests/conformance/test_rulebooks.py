"""The rulebooks in Python say what the contracts do: same verdicts, same state words.

Random acts, most of them nearly legal, are put before both. What a search must have met to have
shown anything is asserted at its end; every single reason has its place in ``test_scenarios.py``.
"""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ledger.statements import (
    CHECKPOINT,
    CORRECTION,
    DATASET_RULE,
    DECISION,
    FILING,
    KEY,
    ORGANISATION,
    SCORE,
    STEP,
    StructType,
)
from tests.conformance.acts import Act, acts, foundings
from tests.conformance.judge import Court
from tests.contracts.world import deploy, settle

SEARCH = settings(deadline=None, suppress_health_check=list(HealthCheck), database=None)
FEWER = {"corrections": 25, "lineage and journals": 12}
"""Searches among few members, which meet everything in fewer examples."""
SEARCHES: dict[str, tuple[bool, tuple[StructType, ...]]] = {
    "an empty log": (False, (ORGANISATION, ORGANISATION, KEY)),
    "organisations and keys": (True, (ORGANISATION, KEY)),
    "the catalogue": (True, (FILING, FILING, DECISION, KEY)),
    "quality": (True, (FILING, SCORE, SCORE, SCORE)),
    "corrections": (True, (FILING, CORRECTION, CORRECTION, CORRECTION, CORRECTION)),
    "lineage and journals": (True, (DATASET_RULE, STEP, CHECKPOINT, ORGANISATION)),
    "everything": (True, (ORGANISATION, KEY, FILING, DECISION, SCORE)),
}
LENGTH = 20
LEAST_ACCEPTED = 30
LEAST_REASONS = 5


def search(*, settled: bool, structs: tuple[StructType, ...], examples: int) -> Counter[str]:
    """How often each verdict was met; fails at the first act on which they differ."""
    world = deploy()
    if settled:
        settle(world)
    start = world.evm.snapshot()
    statements, authorisations = list(world.statements), list(world.authorisations)
    met: Counter[str] = Counter()

    @settings(SEARCH, max_examples=examples)
    @given(
        st.lists(foundings(), min_size=0 if settled else 1, max_size=0 if settled else 3),
        st.lists(acts(structs), min_size=LENGTH // 2, max_size=LENGTH),
    )
    def run(first: list[Act], then: list[Act]) -> None:
        world.evm.revert(start)
        world.statements, world.authorisations = list(statements), list(authorisations)
        court = Court.of(world)
        for act in [*first, *then]:
            verdict = court.try_act(act)
            assert (verdict.contract is None) == (verdict.rulebook is None), (act, verdict)
            met[verdict.contract or "accepted"] += 1

    run()
    return met


@pytest.mark.parametrize("name", SEARCHES)
def test_a_rulebook_accepts_what_the_contract_accepts_and_leaves_the_same_word(name: str) -> None:
    settled, structs = SEARCHES[name]
    met = search(settled=settled, structs=structs, examples=FEWER.get(name, 40))
    assert met["accepted"] >= LEAST_ACCEPTED, met
    assert len(met) > LEAST_REASONS, met

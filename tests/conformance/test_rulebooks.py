"""The rulebooks in Python say what the contracts do: same verdicts, same state words.

Random acts, most of them nearly legal, are put before both. What a search must have met to have
shown anything is asserted at its end; every single reason has its place in ``test_scenarios.py``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ledger.statements import (
    BINDING,
    CHECKPOINT,
    CORRECTION,
    DATASET_RULE,
    DECISION,
    DELIVERY,
    EXEMPTION,
    FILING,
    KEY,
    MANIFEST,
    OBJECTION,
    OBLIGATION,
    ORGANISATION,
    REPORT,
    RESOURCE,
    SCORE,
    STEP,
    StructType,
)
from tests.conformance.acts import (
    ENTRIES,
    OBLIGATIONS,
    PARENT_OF,
    REQUESTS,
    TYPE_OF,
    Act,
    acts,
    foundings,
)
from tests.conformance.judge import Court
from tests.contracts.duties import obligation
from tests.contracts.world import (
    ROADS,
    WATER,
    World,
    account,
    correction,
    deploy,
    equip,
    filing,
    settle,
)

SEARCH = settings(deadline=None, suppress_health_check=list(HealthCheck), database=None)
FEWER = {
    "corrections": 20,
    "lineage and journals": 12,
    "obligations": 15,
    "deliveries": 15,
    "audits": 8,
}
"""Searches among few members, which meet everything in fewer examples."""


def nothing(_: World) -> None:
    """An empty log."""


def catalogued(world: World) -> None:
    """A district with entries that statements can be about."""
    settle(world)
    rows = [filing(code, state=1) for code in ENTRIES[:2]]
    world.say(FILING, rows, account("water steward"), WATER)


def collected(world: World) -> None:
    """A district with entries and obligations that statements can be about."""
    catalogued(world)
    equip(world)
    chain = [obligation(code, TYPE_OF[code], PARENT_OF[code]) for code in OBLIGATIONS[:3]]
    world.say(OBLIGATION, chain, account("publisher"))


def asked(world: World) -> None:
    """A district in which the roads bureau has filed some requests about an entry of the water bureau's."""
    collected(world)
    rows = [correction(code, entry=ENTRIES[0]) for code in REQUESTS[:4]]
    world.say(CORRECTION, rows, account("roads steward"), ROADS)


SEARCHES: dict[str, tuple[Callable[[World], None], tuple[StructType, ...]]] = {
    "an empty log": (nothing, (ORGANISATION, ORGANISATION, KEY)),
    "organisations and keys": (settle, (ORGANISATION, KEY)),
    "the catalogue": (settle, (FILING, FILING, DECISION, KEY)),
    "quality": (catalogued, (FILING, SCORE, SCORE, SCORE)),
    "corrections": (asked, (CORRECTION, CORRECTION, CORRECTION, CORRECTION, FILING)),
    "lineage and journals": (settle, (DATASET_RULE, STEP, CHECKPOINT, ORGANISATION)),
    "obligations": (collected, (OBLIGATION, BINDING, BINDING, OBJECTION, EXEMPTION)),
    "deliveries": (collected, (FILING, RESOURCE, MANIFEST, MANIFEST, DELIVERY, DELIVERY)),
    "audits": (collected, (REPORT, REPORT, REPORT, ORGANISATION)),
    "everything": (settle, (ORGANISATION, KEY, FILING, DECISION, SCORE)),
}
LENGTH = 20
LEAST_ACCEPTED = 30
LEAST_REASONS = 5


def search(
    begin: Callable[[World], None], structs: tuple[StructType, ...], examples: int
) -> Counter[str]:
    """How often each verdict was met; fails at the first act on which they differ."""
    world = deploy()
    begin(world)
    settled = begin is not nothing
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
    begin, structs = SEARCHES[name]
    met = search(begin, structs, FEWER.get(name, 40))
    assert met["accepted"] >= LEAST_ACCEPTED, met
    assert len(met) > LEAST_REASONS, met

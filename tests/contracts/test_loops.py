"""The loop that contract tests run on does what py-evm's own does, of everything the contracts do."""

from __future__ import annotations

from typing import Any

from eth.vm.forks.cancun import CancunVM

from ledger.statements import (
    BINDING,
    CHECKPOINT,
    CORRECTION,
    DATASET_RULE,
    DECISION,
    DELIVERY,
    EXEMPTION,
    FILING,
    MANIFEST,
    OBJECTION,
    OBLIGATION,
    REPORT,
    RESOURCE,
    SCORE,
    STEP,
    StructType,
    Value,
)
from tests.contracts.duties import (
    binding,
    delivery,
    exemption,
    manifest,
    objection,
    obligation,
    report,
    resource,
)
from tests.contracts.evm import Evm, FastVM, RefusedError
from tests.contracts.world import (
    DISTRICT,
    RECORDED,
    ROADS,
    WATER,
    account,
    checkpoint,
    correction,
    dataset_rule,
    decision,
    deploy,
    equip,
    filing,
    score,
    settle,
    step,
)

ENTRY = "307015/000001"
Said = tuple[StructType, dict[str, Value], str, str, str | None]
ACTS: list[Said] = [
    (FILING, filing(ENTRY), "water steward", WATER, "water head"),
    (FILING, filing(ENTRY), "water steward", WATER, "water head"),
    (DECISION, decision(ENTRY, 2, 4), "publisher", DISTRICT, None),
    (SCORE, score(ENTRY), "assessor", DISTRICT, None),
    (SCORE, score(ENTRY, version=2, total=10_001), "assessor", DISTRICT, None),
    (OBLIGATION, obligation("D"), "publisher", DISTRICT, None),
    (OBLIGATION, obligation("S", 2, "D"), "publisher", DISTRICT, None),
    (OBLIGATION, obligation("T", 3, "S"), "publisher", DISTRICT, None),
    (BINDING, binding("T", ENTRY), "water steward", WATER, None),
    (BINDING, binding("D", ENTRY), "water steward", WATER, None),
    (OBJECTION, objection("D"), "water steward", WATER, None),
    (EXEMPTION, exemption("E", "D"), "publisher", DISTRICT, None),
    (RESOURCE, resource("R", ENTRY), "water steward", WATER, None),
    (MANIFEST, manifest(ENTRY), "water steward", WATER, None),
    (DELIVERY, delivery(ENTRY, manifest=1), "collector", DISTRICT, None),
    (DELIVERY, delivery(ENTRY, version=2, predecessor=bytes(32)), "collector", DISTRICT, None),
    (CORRECTION, correction("C", entry=ENTRY), "roads steward", ROADS, None),
    (CORRECTION, correction("C", 2, 3, entry=ENTRY), "roads steward", ROADS, None),
    (REPORT, report("A"), "auditor", DISTRICT, None),
    (CHECKPOINT, checkpoint("journal", size=3), "collector", DISTRICT, None),
    (DATASET_RULE, dataset_rule("rule", holder=WATER), "water steward", WATER, None),
    (STEP, step("step"), "roads steward", ROADS, None),
]


def left_behind(loop: type[CancunVM]) -> list[Any]:
    """Gas, output and events of every act, or what it was refused with; last the state's root."""
    evm = Evm(loop=loop)
    world = deploy(evm)
    settle(world)
    equip(world)
    seen: list[Any] = []
    for struct, values, signer, organisation, cosigner in ACTS:
        head = account(cosigner) if cosigner else None
        try:
            seen.append(world.say(struct, values, account(signer), organisation, cosigner=head))
        except RefusedError as refusal:
            seen.append((refusal.name, refusal.arguments))
    return [*seen, evm.snapshot()]


def test_both_loops_leave_the_same_behind() -> None:
    fast = left_behind(FastVM)
    assert fast == left_behind(CancunVM)
    refused = [one[0] for one in fast[:-1] if isinstance(one, tuple)]
    assert len(refused) == 5, refused
    assert {struct for struct, *_ in ACTS} >= set(RECORDED[2:])

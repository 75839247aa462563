"""Gas a statement, by batch size and body length, as a Cancun chain charges it.

    python scripts/bench/gas.py

Everything is counted: calldata, the signature and the head's second one, state, event, tree. Bodies are
printable text, so that every byte of calldata costs the full price. The log holds 1,000 statements
already. Figures are the transaction's gas divided by its statements.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from ledger.statements import (
    BINDING,
    DECISION,
    DELIVERY,
    FILING,
    MANIFEST,
    OBLIGATION,
    SCORE,
    sha256,
)
from scripts.bench.measuring import Row, at_most, bench_main
from tests.contracts.duties import binding, delivery, manifest, obligation
from tests.contracts.world import (
    WATER,
    World,
    account,
    decision,
    deploy,
    equip,
    filing,
    score,
    settle,
)

TITLE = "Gas a statement"
BATCHES = (1, 20, 100)
BODIES = (100, 600)
STATEMENTS_BEFORE = 1000
BUDGETS = {"first version": 50_000, "revision": 32_000, "publication": 32_000}


@dataclass(frozen=True)
class Measurement:
    """Gas a statement of one act, for a batch of ``batch`` with bodies of ``body`` bytes."""

    act: str
    body: int
    batch: int
    gas: int


def grow(world: World, statements: int) -> None:
    """Fills the log, so that the tree has the height of one in use."""
    steward = account("water steward")
    while world.log.read("size") < statements:
        size = world.log.read("size")
        rows = [filing(f"before/{size + n:06d}", state=1) for n in range(100)]
        world.say(FILING, rows[: statements - size], steward, WATER)


def measure_batch(world: World, batch: int, body: int) -> list[Measurement]:
    """Files, publishes, revises and scores ``batch`` entries."""
    codes = [f"307{body:03d}/{batch:03d}{n:06d}" for n in range(batch)]
    bodies = [b"x" * body] * batch
    steward, head = account("water steward"), account("water head")
    publisher, assessor = account("publisher"), account("assessor")

    def file(version: int) -> int:
        rows = [filing(code, version) for code in codes]
        return world.say(FILING, rows, steward, WATER, cosigner=head, bodies=bodies).gas_used

    def publish() -> int:
        rows = [decision(code, 2, 4) for code in codes]
        return world.say(DECISION, rows, publisher, bodies=bodies).gas_used

    def give_scores() -> int:
        rows = [score(code, edition=2) for code in codes]
        return world.say(SCORE, rows, assessor, bodies=bodies).gas_used

    spent = {"first version": file(1), "publication": publish(), "revision": file(3)}
    spent["quality score"] = give_scores()
    spent |= collecting(world, codes, bodies)
    return [Measurement(act, body, batch, gas // batch) for act, gas in spent.items()]


def collecting(world: World, codes: Sequence[str], bodies: Sequence[bytes]) -> dict[str, int]:
    """Gas of one batch each: obligations below one another, bindings, manifests, deliveries."""
    steward, publisher, collector = map(account, ("water steward", "publisher", "collector"))
    rest = [f"table/{code}" for code in codes[1:]]
    chain = [
        obligation(f"duty/{codes[0]}"),
        *(obligation(code, 3, f"duty/{codes[0]}") for code in rest),
    ]
    tables = rest or [f"table/{codes[0]}"]
    spent = {
        "obligation": world.say(OBLIGATION, chain, publisher, bodies=bodies).gas_used,
        "manifest": world.say(
            MANIFEST, [manifest(code) for code in codes], steward, WATER, bodies=bodies
        ).gas_used,
        "first delivery": world.say(
            DELIVERY, [delivery(code, manifest=1) for code in codes], collector, bodies=bodies
        ).gas_used,
        "next delivery": world.say(
            DELIVERY,
            [delivery(code, version=2, predecessor=sha256(b"root")) for code in codes],
            collector,
            bodies=bodies,
        ).gas_used,
    }
    if not rest:
        world.say(OBLIGATION, obligation(tables[0], 3, f"duty/{codes[0]}"), publisher)
    bound = [binding(code, entry) for code, entry in zip(tables, codes, strict=False)]
    gas = world.say(BINDING, bound, steward, WATER, bodies=bodies[: len(bound)]).gas_used
    # One obligation of the chain is the duty that the others stand below: it is not bound.
    return {**spent, "binding": gas * len(codes) // len(bound)}


def measure(
    batches: Sequence[int] = BATCHES,
    bodies: Sequence[int] = BODIES,
    before: int = STATEMENTS_BEFORE,
) -> list[Measurement]:
    """Every act at every batch size and body length, each from the same state."""
    world = deploy()
    settle(world)
    equip(world)
    grow(world, before)
    start = world.evm.snapshot()
    found: list[Measurement] = []
    for body in bodies:
        for batch in batches:
            world.evm.revert(start)
            found += measure_batch(world, batch, body)
    return found


def rows(quick: bool) -> list[Row]:  # noqa: FBT001
    """One row an act, body length and batch size; only one of each when ``quick``."""
    found = measure((20,), BODIES[:1], 100) if quick else measure()
    return [_row(item) for item in found]


def _row(item: Measurement) -> Row:
    what = f"{item.act}, {item.body}-byte body, batch of {item.batch}"
    promised = (item.body, item.batch) == (BODIES[0], BATCHES[-1])
    return at_most(what, item.gas, "gas", BUDGETS.get(item.act, 0) if promised else 0)


if __name__ == "__main__":
    bench_main(TITLE, rows)

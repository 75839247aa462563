"""Whatever fails, in whatever order: in the end the mirror is the truth, and every batch is recorded once."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import Any
from unittest.mock import patch

import pytest
from sqlalchemy import Connection

from ledger.chain.interface import BlockRef
from ledger.chain.outbox import Outbox
from ledger.mirror.applying import cut
from ledger.mirror.fetching import Footing
from ledger.mirror.follower import Follower, Ground
from ledger.mirror.queries import Cursor
from tests.faults.simulation.kinds import KINDS, kinds_in
from tests.faults.simulation.regressions import SEEDS
from tests.faults.simulation.run import LONG, Failed, Run, Workshop, play, workshop

AT_ONCE = 500
FIRST = 20_000
HUNTED = 100
"""Seeds within which a planted bug must be found; most are found within ten."""


def wanted() -> int:
    """How many seeds are run; more with GOVLEDGER_TEST_FAULT_SEEDS."""
    return int(os.environ.get("GOVLEDGER_TEST_FAULT_SEEDS", "1000"))


@pytest.fixture(scope="module")
def shop() -> Iterator[Workshop]:
    with workshop() as made:
        yield made


@pytest.mark.parametrize("first", range(FIRST, FIRST + wanted(), AT_ONCE))
@pytest.mark.timeout(600)
def test_every_run_ends_in_the_truth(shop: Workshop, first: int) -> None:
    met: set[str] = set()
    seeds = range(first, min(first + AT_ONCE, FIRST + wanted()))
    for seed in seeds:
        run = Run(shop, seed)
        play(run)
        met |= kinds_in(run.machine.trace)
    assert len(seeds) < AT_ONCE or met == set(KINDS), "each kind of fault is met"


@pytest.mark.parametrize("seed", SEEDS)
def test_what_was_mended_stays_mended(shop: Workshop, seed: int) -> None:
    play(Run(shop, seed, pace=LONG))


def test_a_seed_means_one_run_and_no_other(shop: Workshop) -> None:
    runs = [Run(shop, 26_476, told=True, pace=LONG) for _ in range(2)]
    for run in runs:
        play(run)
    first, second = (run.machine.trace for run in runs)
    assert len(first) > 50
    assert first == second


def does_nothing(*_: object, **__: object) -> int:
    return 0


def sees_no_fork(_: Follower, cursor: Cursor | None, head: BlockRef, *, moved: bool) -> Any:  # noqa: ARG001
    if cursor is None:
        return Ground(Footing(1, None), 0)
    if head.number <= cursor.block_number:
        return None
    return Ground(Footing(cursor.block_number, None), cursor.size)


def cuts_the_log_alone(conn: Connection, size: int, block: int, _: object) -> None:
    cut(conn, size, block, ())


def only_counts(_: Outbox, rows: Any, *__: object, **___: object) -> int:
    return len(rows)


FOLLOWER = "ledger.mirror.follower"
Bug = tuple[str, Callable[..., Any], dict[Callable[[Run], None], int]]
PLANTED: dict[str, Bug] = {
    "a follower that looks for no fork": (f"{FOLLOWER}.Follower._ground", sees_no_fork, {}),
    "a follower that leaves projections uncut": (
        f"{FOLLOWER}.cut",
        cuts_the_log_alone,
        {Run.reorganise: 30, Run.mine: 20},
    ),
    "an outbox that trusts a mirror that was lost": (
        "ledger.chain.outbox.Outbox.not_verified_beyond",
        does_nothing,
        {Run.cut_power: 16, Run.reorganise: 20, Run.mine: 30, Run.kill_soon: 0},
    ),
    "an outbox that takes recorded for verified": (
        "ledger.chain.outbox_standing.Standings._compare",
        only_counts,
        {},
    ),
    "a lane that holds on to a nonce that is used": (
        "ledger.chain.lane.Lane._give_up",
        does_nothing,
        {Run.rival: 12, Run.reorganise: 12},
    ),
}
"""What is wrong, where it is planted, and what happens more often than usual while it is looked for."""


def hunt(shop: Workshop, more: dict[Callable[[Run], None], int]) -> None:
    for seed in range(HUNTED):
        play(Run(shop, seed, more=more, pace=LONG), steps=25)


@pytest.mark.parametrize("bug", PLANTED)
def test_a_planted_bug_is_found(shop: Workshop, bug: str) -> None:
    """Otherwise a run without findings would say nothing."""
    target, planted, more = PLANTED[bug]
    with patch(target, planted), pytest.raises(Failed, match=r"python -m tests\.faults \d+"):
        hunt(shop, more)

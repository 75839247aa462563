"""Whatever fails, in whatever order: in the end the mirror is the truth, and every batch is recorded once."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import Any
from unittest.mock import patch

import pytest
from sqlalchemy import Connection

from ledger.chain.interface import BlockRef
from ledger.chain.lane import NO_LIMIT
from ledger.chain.outbox import Outbox
from ledger.mirror.applying import cut
from ledger.mirror.fetching import Footing
from ledger.mirror.follower import Follower, Ground
from ledger.mirror.queries import Cursor
from tests.faults.simulation.regressions import SEEDS
from tests.faults.simulation.run import Failed, Run, Workshop, play, workshop

AT_ONCE = 50
FIRST = 20_000
HUNTED = 6
"""Seeds from the one at which a planted bug is looked for; what each does changes with the simulator."""


def wanted() -> int:
    """How many seeds are run; more with GOVLEDGER_TEST_FAULT_SEEDS."""
    return int(os.environ.get("GOVLEDGER_TEST_FAULT_SEEDS", "200"))


@pytest.fixture(scope="module")
def shop() -> Iterator[Workshop]:
    with workshop() as made:
        yield made


@pytest.mark.parametrize("first", range(FIRST, FIRST + wanted(), AT_ONCE))
@pytest.mark.timeout(600)
def test_every_run_ends_in_the_truth(shop: Workshop, first: int) -> None:
    for seed in range(first, min(first + AT_ONCE, FIRST + wanted())):
        play(Run(shop, seed))


@pytest.mark.parametrize("seed", SEEDS)
def test_what_was_mended_stays_mended(shop: Workshop, seed: int) -> None:
    play(Run(shop, seed))


def test_a_seed_means_one_run_and_no_other(shop: Workshop) -> None:
    runs = [Run(shop, 26_476, told=True) for _ in range(2)]
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
PLANTED: dict[str, tuple[str, Callable[..., Any], int]] = {
    "a follower that looks for no fork": (f"{FOLLOWER}.Follower._ground", sees_no_fork, 0),
    "a follower that believes any events": (f"{FOLLOWER}.compare", does_nothing, 200),
    "a follower that leaves projections uncut": (f"{FOLLOWER}.cut", cuts_the_log_alone, 45),
    "an outbox that trusts a mirror that was lost": (
        "ledger.chain.outbox.Outbox.not_verified_beyond",
        does_nothing,
        36,
    ),
    "an outbox that takes recorded for verified": (
        "ledger.chain.outbox_standing.Standings._compare",
        only_counts,
        0,
    ),
    "a lane that holds on to a nonce that is used": (
        "ledger.chain.lane.Lane._give_up",
        does_nothing,
        20,
    ),
    "a lane that leaves a hole among its nonces": (
        "ledger.chain.lane.Lane._free_nonce",
        lambda _: NO_LIMIT,
        1194,
    ),
}


def hunt(shop: Workshop, first: int) -> None:
    for seed in range(first, first + HUNTED):
        play(Run(shop, seed))


@pytest.mark.parametrize("bug", PLANTED)
def test_a_planted_bug_is_found(shop: Workshop, bug: str) -> None:
    """Otherwise a run without findings would say nothing."""
    target, planted, first = PLANTED[bug]
    with patch(target, planted), pytest.raises(Failed, match=r"python -m tests\.faults \d+"):
        hunt(shop, first)

"""The new chain must be past the time of the last statement before it takes what follows on it."""

from __future__ import annotations

from dataclasses import dataclass
from unittest.mock import patch

import pytest

from ledger.chain.interface import BlockRef
from ledger.succession import sending
from ledger.succession.sending import BLOCK_WAIT, LONGEST_WAIT, await_time

NEWEST = 1_770_000_000


@dataclass
class Clock:
    """Stands in for :mod:`time`, and for the newest block of a chain."""

    now: float
    behind: float | None
    """Seconds that the newest block is behind the clock; None where it was made long ago, and no other is."""

    def time(self) -> float:
        return self.now

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    def head(self) -> BlockRef:
        made = 0 if self.behind is None else int(self.now - self.behind)
        return BlockRef(1, b"", b"", made)


def waited(clock: Clock) -> float:
    said: list[str] = []
    begun = clock.now
    with patch.object(sending, "time", clock):
        await_time(clock, NEWEST, said.append)  # type: ignore[arg-type]
    assert said == ["clock"] * int(clock.now - begun)
    return clock.now - begun


@pytest.mark.parametrize(
    ("ahead", "behind", "expected"),
    [
        (0, 0, 0),
        (7, 0, 7),
        # the clock is there, the newest block is not: a transaction would be tried out too early
        (0, 3, 3),
        (0, 1, 1),
        (7, 2, 9),
        (-60, None, 0),
        (0, None, BLOCK_WAIT),
        (3600, 0, LONGEST_WAIT + 1),
    ],
)
def test_a_statement_waits_for_a_block_of_its_time(
    ahead: int, behind: float | None, expected: float
) -> None:
    assert waited(Clock(NEWEST - ahead, behind)) == expected

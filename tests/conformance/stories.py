"""Short stories: acts one after the other, and what the contract must say to each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from ledger.statements import StructType, Value
from tests.conformance.acts import Act
from tests.conformance.judge import Court
from tests.contracts.world import DISTRICT

IN_TIME = -3600
Row = dict[str, Value]
NOT_RULES = {
    # Of signatures and of the form of a call; a rulebook sees only what was recorded.
    "BadSignature",
    "BodyTooLarge",
    "EmptyBatch",
    # Of OpenZeppelin's EIP712 constructor.
    "InvalidShortString",
    "StringTooLong",
}


class Step(NamedTuple):
    """An act and what the contract must say to it; None is acceptance."""

    act: Act
    verdict: str | None = None


def act(  # noqa: PLR0917 - a table reads best by position
    struct: StructType,
    rows: Row | Sequence[Row],
    signer: str,
    organisation: str = DISTRICT,
    cosigner: str | None = None,
    slip: int = 0,
    body: bytes = b"{}",
    late: int = IN_TIME,
) -> Act:
    every = [rows] if isinstance(rows, dict) else list(rows)
    return Act(struct, organisation, signer, cosigner, tuple((r, slip, body) for r in every), late)


def play(court: Court, steps: Sequence[Step]) -> None:
    for place, step in enumerate(steps):
        verdict = court.try_act(step.act)
        assert verdict.contract == step.verdict, (place, verdict)
        assert (verdict.rulebook is None) == (step.verdict is None), (place, verdict)

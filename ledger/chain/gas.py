"""Gas and its price: how much a transaction may take, and what it offers for it."""

from __future__ import annotations

from collections.abc import Mapping

MARGIN = 1.25
EXTRA = 60_000
"""The frontier of the tree may have more to write by the time the batch is in a block."""
STEP = 1.5
MOST_STEPS = 3
FOR_BATCH, FOR_STATEMENT, FOR_BYTE = 500_000, 120_000, 100
"""Bounds for a chain where gas is free and that tries out: several times what is measured."""


def with_margin(estimate: int, tries: int) -> int:
    """The gas limit for an estimate; more with every try at which it was not enough."""
    return int((estimate * MARGIN + EXTRA) * STEP ** min(tries, MOST_STEPS))


def upper_bound(statements: int, calldata: int, tries: int) -> int:
    """More gas than the registries take for a batch with so many bytes of calldata."""
    bound = FOR_BATCH + FOR_STATEMENT * statements + FOR_BYTE * calldata
    return bound << min(tries, MOST_STEPS)


def price_of(fees: Mapping[str, int]) -> int:
    """The most that one unit of gas may cost under these fee members, in wei."""
    return fees.get("gasPrice", fees.get("maxFeePerGas", 0))


def raised(fees: Mapping[str, int], old: int) -> dict[str, int]:
    """Fee members that replace a transaction offering ``old`` wei: at least an eighth more.

    geth, Besu and anvil ask for 10 per cent more, in the tip as well.
    """
    least = old + old // 8 + 1
    if "gasPrice" in fees:
        return {"gasPrice": max(fees["gasPrice"], least)}
    most = max(fees["maxFeePerGas"], least)
    tip = fees["maxPriorityFeePerGas"]
    return {"maxFeePerGas": most, "maxPriorityFeePerGas": min(most, tip + tip // 8 + 1)}

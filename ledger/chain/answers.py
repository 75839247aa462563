"""What contracts answer to calls (合约应答), read; a node may answer anything."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from eth_abi.abi import decode
from eth_abi.exceptions import DecodingError

from ledger.chain.interface import Chain, ChainError


def decoded(chain: Chain, kinds: Sequence[str], answer: bytes) -> tuple[Any, ...]:
    """The values of ABI types ``kinds`` in a call's answer; raises :class:`ChainError` where it holds others."""
    try:
        values: tuple[Any, ...] = decode(kinds, answer)
    except (DecodingError, OverflowError) as error:
        raise ChainError(
            f"{chain.name} answered a call with what is no ({', '.join(kinds)}): {error}; see that the deployment "
            "belongs to this chain, or ask another node"
        ) from error
    return values

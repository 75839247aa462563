"""Whether a chain runs the opcodes that the contracts are compiled to (EVM level Cancun)."""

from __future__ import annotations

from typing import Any

from ledger.chain.interface import Chain

CODE = "0x602a5f5d5f5c5f5260205f60205e60206020f3"
"""Init code: TSTORE 42, TLOAD it, MSTORE, MCOPY the word, return the copy (EIP-1153, EIP-5656)."""
ANSWER = 42


def runs_cancun(chain: Chain) -> bool:
    """Run a few opcodes in an ``eth_call`` that creates nothing; raises ChainError."""
    answer = asked(chain, "eth_call", {"data": CODE, "gas": hex(1_000_000)}, "latest")
    try:
        return isinstance(answer, str) and int(answer, 16) == ANSWER
    except ValueError:
        return False


def asked(chain: Chain, method: str, *params: Any) -> Any:  # noqa: ANN401
    """The result of a call that the node may not know; None where it gives an error or null."""
    answer = chain.w3.provider.make_request(method, list(params))  # type: ignore[arg-type]
    return None if answer.get("error") else answer.get("result")

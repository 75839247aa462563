"""What goes wrong with a node that is asked over JSON-RPC, each kind as one kind of ChainError."""

from __future__ import annotations

from ledger.canonical import printable
from ledger.chain.interface import ChainError

SHOWN = 2_000
"""Characters of a node's own words that are passed on."""


class ChainUnavailable(ChainError):
    """The node does not answer now: down, busy or out of reach. Trying again later may help."""


class ChainTimeout(ChainUnavailable):
    """The node took the request and did not answer in time."""


class AnswerTooLong(ChainError):
    """The node has more to answer than is taken in at once; a narrower question may help."""


class NotAChain(ChainError):
    """Something answers at the address, but not as an Ethereum JSON-RPC node does."""


class RpcError(ChainError):
    """The node's own error: ``code`` and ``reason`` as given, ``data`` its revert data or None."""

    def __init__(self, node: str, method: str, code: int, reason: str, data: bytes | None) -> None:
        self.reason = printable(reason[:SHOWN])
        super().__init__(f"{node} refuses {method}: {self.reason} (code {code})")
        self.method = method
        self.code = code
        self.data = data


def revert_bytes(data: object) -> bytes | None:
    """Revert data from the ``data`` member of an error: hex text, or an object that holds it.

    None where there is none. geth, Besu and anvil give the hex, Hardhat an object with ``data``.
    """
    if isinstance(data, dict):
        return revert_bytes(data.get("data") or data.get("result"))
    if not isinstance(data, str):
        return None
    text = data.removeprefix("Reverted ")
    if not text.startswith("0x"):
        return None
    try:
        return bytes.fromhex(text[2:])
    except ValueError:
        return None

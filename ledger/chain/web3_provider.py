"""web3.py over our own endpoint, so that its calls are retried, and their errors named, alike."""

from __future__ import annotations

from typing import Any

import msgspec
from web3 import Web3
from web3.middleware import ExtraDataToPOAMiddleware
from web3.providers.base import JSONBaseProvider
from web3.types import RPCEndpoint, RPCError, RPCResponse

from ledger.chain.interface import ChainError
from ledger.chain.node_faults import RpcError as NodeError
from ledger.chain.transport import Endpoint


def web3_over(endpoint: Endpoint) -> Web3:
    """A Web3 that asks this node; blocks of QBFT and Clique chains included."""
    w3 = Web3(EndpointProvider(endpoint))
    w3.middleware_onion.inject(ExtraDataToPOAMiddleware, layer=0)
    return w3


class EndpointProvider(JSONBaseProvider):
    """Passes web3.py's calls to an endpoint; only the node's own errors come back as answers."""

    def __init__(self, endpoint: Endpoint) -> None:
        super().__init__()
        self._endpoint = endpoint

    def make_request(self, method: RPCEndpoint, params: Any) -> RPCResponse:  # noqa: ANN401
        try:
            result = self._endpoint.call(method, *params)
        except NodeError as problem:
            error = RPCError(code=problem.code, message=problem.reason)
            if problem.data is not None:
                error["data"] = "0x" + problem.data.hex()
            return RPCResponse(jsonrpc="2.0", id=0, error=error)
        return RPCResponse(jsonrpc="2.0", id=0, result=msgspec.json.decode(result))

    def is_connected(self, show_traceback: bool = False) -> bool:  # noqa: FBT001, FBT002
        try:
            self._endpoint.call("eth_chainId")
        except ChainError:
            if show_traceback:
                raise
            return False
        return True

"""web3.py over the embedded chain, without a socket."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import msgspec
from web3.providers.base import JSONBaseProvider
from web3.types import RPCEndpoint, RPCResponse

if TYPE_CHECKING:
    from ledger.chain.embedded.chain import EmbeddedChain


class EmbeddedProvider(JSONBaseProvider):
    """Answers web3's requests in the same process, passing them through JSON as HTTP would."""

    def __init__(self, chain: EmbeddedChain) -> None:
        super().__init__()
        self._chain = chain

    def make_request(self, method: RPCEndpoint, params: object) -> RPCResponse:
        request = msgspec.json.decode(self.encode_rpc_request(method, params))
        return cast("RPCResponse", self._chain.rpc.handle(request))

    def make_batch_request(
        self, requests: list[tuple[RPCEndpoint, Any]]
    ) -> list[RPCResponse] | RPCResponse:
        request = msgspec.json.decode(self.encode_batch_rpc_request(requests))
        return cast("list[RPCResponse]", self._chain.rpc.handle(request))

    def is_connected(self, show_traceback: bool = False) -> bool:  # noqa: ARG002, FBT001, FBT002
        return True

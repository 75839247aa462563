"""JSON-RPC 2.0 over the embedded chain: requests, batches and errors."""

from __future__ import annotations

import logging
from inspect import signature
from typing import TYPE_CHECKING, Any

from ledger.chain.embedded.errors import UnknownBlock
from ledger.chain.embedded.rpc_methods import Methods
from ledger.chain.embedded.rpc_values import (
    INTERNAL_ERROR,
    INVALID_REQUEST,
    PARSE_ERROR,
    REVERTED,
    SERVER_ERROR,
    UNKNOWN_METHOD,
    RpcError,
    data,
    hexed,
    invalid,
)
from ledger.chain.interface import CallReverted, ChainError

if TYPE_CHECKING:
    from ledger.chain.embedded.chain import EmbeddedChain

LOGGER = logging.getLogger(__name__)
MAX_BATCH = 1_000
"""Most calls in one JSON-RPC batch."""


class Rpc:
    """Answers parsed JSON-RPC requests; any thread may ask; what a client sends never raises."""

    def __init__(self, chain: EmbeddedChain) -> None:
        self._chain = chain
        self._methods = Methods(chain).table
        self._parameters = {name: signature(method) for name, method in self._methods.items()}

    @property
    def methods(self) -> tuple[str, ...]:
        """The names of all methods, sorted."""
        return tuple(sorted(self._methods))

    def handle(self, request: object) -> object:
        """One request or a batch; the answer, or None where none is due (notifications)."""
        if not isinstance(request, list):
            return self._one(request)
        if not request or len(request) > MAX_BATCH:
            what = "an empty batch" if not request else f"a batch of more than {MAX_BATCH} calls"
            return _error(None, RpcError(INVALID_REQUEST, f"invalid request: {what}"))
        answers = self._batch(request)
        return [answer for answer in answers if answer is not None] or None

    def _batch(self, requests: list[Any]) -> list[Any]:
        """Neighbouring transactions of a batch go into one block."""
        answers: list[Any] = [None] * len(requests)
        at = 0
        while at < len(requests):
            end = at
            while end < len(requests) and _sends(requests[end]):
                end += 1
            if end - at > 1:
                answers[at:end] = self._send_together(requests[at:end])
            else:
                end = at + 1
                answers[at] = self._one(requests[at])
            at = end
        return answers

    def _send_together(self, requests: list[dict[str, Any]]) -> list[Any]:
        raws = [bytes.fromhex(request["params"][0][2:]) for request in requests]
        answers: list[Any] = []
        for request, sent in zip(requests, self._chain.send_many(raws), strict=True):
            if isinstance(sent, ChainError):
                answers.append(_error(request["id"], RpcError(SERVER_ERROR, str(sent))))
            else:
                answers.append({"jsonrpc": "2.0", "id": request["id"], "result": hexed(sent)})
        return answers

    def _one(self, request: object) -> dict[str, Any] | None:
        if not isinstance(request, dict):
            return _error(None, RpcError(INVALID_REQUEST, "invalid request: not an object"))
        identity = request.get("id")
        if identity is not None and not isinstance(identity, (str, int, float)):
            return _error(None, RpcError(INVALID_REQUEST, "invalid request: id"))
        try:
            result = self._result(request)
        except RpcError as error:
            answer = _error(identity, error)
        else:
            answer = {"jsonrpc": "2.0", "id": identity, "result": result}
        return answer if "id" in request else None

    def _result(self, request: dict[str, Any]) -> object:
        name, params = request.get("method"), request.get("params", [])
        if request.get("jsonrpc") != "2.0" or not isinstance(name, str):
            raise RpcError(INVALID_REQUEST, 'invalid request: needs "jsonrpc": "2.0" and a method')
        method = self._methods.get(name)
        if method is None:
            raise RpcError(UNKNOWN_METHOD, f"the method {name} does not exist or is not available")
        if not isinstance(params, list):
            raise invalid("params must be a list")
        try:
            self._parameters[name].bind(*params)
        except TypeError as error:
            raise invalid(f"{name} does not take {len(params)}") from error
        try:
            return method(*params)
        except RpcError:
            raise
        except Exception as error:
            raise _as_rpc_error(name, error) from error


def _error(identity: object, error: RpcError) -> dict[str, Any]:
    body: dict[str, Any] = {"code": error.code, "message": str(error)}
    if error.data is not None:
        body["data"] = error.data
    return {"jsonrpc": "2.0", "id": identity, "error": body}


def _as_rpc_error(name: str, error: Exception) -> RpcError:
    if isinstance(error, CallReverted):
        return RpcError(REVERTED, str(error), hexed(error.data))
    if isinstance(error, UnknownBlock):
        return RpcError(SERVER_ERROR, f"header not found: {error}")
    if isinstance(error, ChainError):
        return RpcError(SERVER_ERROR, str(error))
    LOGGER.error("rpc.%s.failed", name, exc_info=error)
    return RpcError(INTERNAL_ERROR, f"internal error in {name}: {type(error).__name__}")


def _sends(request: object) -> bool:
    """Whether a call of a batch is a plain ``eth_sendRawTransaction`` that can go with others."""
    if not isinstance(request, dict) or request.get("jsonrpc") != "2.0":
        return False
    params = request.get("params")
    if request.get("method") != "eth_sendRawTransaction" or not isinstance(params, list):
        return False
    if len(params) != 1 or not isinstance(request.get("id"), (str, int)):
        return False
    try:
        data(params[0], "the transaction")
    except RpcError:
        return False
    return True


def parse_error(detail: str) -> dict[str, Any]:
    """The answer to what is no JSON."""
    return _error(None, RpcError(PARSE_ERROR, f"parse error: {detail}"))

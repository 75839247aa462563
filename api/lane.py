"""A lane for what comes by the thousand: answered before the router, which looks at every route in turn.

The routes stand in the router as well, which describes them and answers every other method; a POST without
query parameters takes the lane. Each answer is the same on either way.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from api.handlers import from_store
from ledger.store.errors import StoreError

Endpoint = Callable[[Request], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class _Route:
    """What the counters read of a route."""

    path: str


class Lane:
    """Answers ``POST`` on some paths itself; problems are left to whoever stands around it."""

    def __init__(self, app: ASGIApp, *, endpoints: Mapping[str, Endpoint]) -> None:
        self.app = app
        self._endpoints = {path: (endpoint, _Route(path)) for path, endpoint in endpoints.items()}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        found = self._endpoints.get(scope.get("path", "")) if scope["type"] == "http" else None
        if found is None or scope["method"] != "POST" or scope["query_string"]:
            await self.app(scope, receive, send)
            return
        endpoint, scope["route"] = found
        try:
            response = await endpoint(Request(scope, receive))
        except StoreError as error:
            raise from_store(error) from error
        except ClientDisconnect:
            return  # nobody is there to be answered
        await response(scope, receive, send)

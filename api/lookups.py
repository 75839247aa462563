"""The short way for what is looked up by the thousand: the page of an entry, and an inclusion proof.

Only what will be answered well goes this way: a plain GET of one of these addresses, its parameters as they are
usually written. The same endpoint answers, without the layers and the router's look at every route. Whatever it
refuses, and whatever fails, goes the plain way from the start, so that each refusal has one author.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from api.context import Context
from api.guard import SECURITY_HEADERS
from api.routes import catalogue, log
from api.server import host_is_loopback

_ENTRIES = f"{catalogue.router.prefix}/entries/"
_ENTRY_ROUTE = _ENTRIES + "{code:path}"
# The last part is that of another route where it is one of these.
_CODE = re.compile(
    r"[^/\x00-\x1f\x7f]{1,100}/(?!(?:versions|history|diff)$)[^/\x00-\x1f\x7f]{1,100}"
)
_PROOF = f"{log.router.prefix}/proofs/inclusion"
_NUMBER = rb"(0|[1-9][0-9]{0,17})"
_OF_PROOF = re.compile(rb"index=" + _NUMBER + rb"(?:&size=" + _NUMBER + rb")?")
_HEADERS = [(name.encode(), value.encode()) for name, value in SECURITY_HEADERS.items()]
_ELSEWHERE = frozenset({b"content-encoding", b"transfer-encoding", b"content-length"})
"""Headers of requests that bring something along."""

Observe = Callable[[str, str, int, float], None]


@dataclass(frozen=True, slots=True)
class _Found:
    """The template of a route, and what answers."""

    route: str
    endpoint: Callable[[Request], Response]


class Lookups:
    """Answers plain lookups itself and gives everything else to ``plain``."""

    def __init__(self, plain: ASGIApp, context: Context, observe: Observe) -> None:
        self._plain = plain
        self._context = context
        self._observe = observe

    @staticmethod
    def concerns(scope: Scope) -> bool:
        """Whether a request is one to look at; this is asked of every request."""
        if scope["type"] != "http" or scope["method"] != "GET":
            return False
        path = str(scope["path"])
        return path == _PROOF or path.startswith(_ENTRIES)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = time.perf_counter()
        found = self._endpoint(scope) if _is_plain(scope) else None
        if found is not None:
            try:
                response = await run_in_threadpool(found.endpoint, Request(scope, receive))
            except Exception:  # noqa: BLE001 - met again, and told of, on the plain way
                response = None
            if response is not None:
                headers = [pair for pair in _HEADERS if pair[0] not in dict(response.raw_headers)]
                response.raw_headers += headers
                try:
                    await response(scope, receive, send)
                finally:
                    seconds = time.perf_counter() - started
                    self._observe("GET", found.route, response.status_code, seconds)
                return
        await self._plain(scope, receive, send)

    def _endpoint(self, scope: Scope) -> _Found | None:
        context, path, query = self._context, str(scope["path"]), bytes(scope["query_string"])
        if path == _PROOF:
            asked = _OF_PROOF.fullmatch(query)
            if asked is None:
                return None
            index, size = int(asked[1]), None if asked[2] is None else int(asked[2])
            return _Found(_PROOF, lambda request: log.inclusion(request, context, index, size))
        code = path.removeprefix(_ENTRIES)
        if query or not _CODE.fullmatch(code):
            return None
        return _Found(_ENTRY_ROUTE, lambda request: catalogue.one_entry(request, context, code))


def _is_plain(scope: Scope) -> bool:
    """Whether a request brings nothing along and is addressed to this machine."""
    host = None
    for name, value in scope["headers"]:
        if name in _ELSEWHERE:
            return False
        if name == b"host" and host is None:
            host = value.decode("latin-1")
    return host is not None and host_is_loopback(host)

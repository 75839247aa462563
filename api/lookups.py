"""The short way for what is looked up by the thousand: the page of an entry, a leaf, a checkpoint, an inclusion proof.

Only what will be answered well goes this way: a plain GET of one of these addresses, its parameters as they are
usually written. The same endpoint answers, without the layers and the router's look at every route. Whatever it
refuses, and whatever fails, goes the plain way from the start, so that each refusal has one author.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from re import Match, Pattern

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from api.context import Context
from api.guard import SECURITY_HEADERS
from api.routes import catalogue, log
from api.server import host_is_loopback

_ENTRIES = f"{catalogue.router.prefix}/entries/"
_LOG = f"{log.router.prefix}/"
_NUMBER = "(0|[1-9][0-9]{0,17})"
_HEADERS = [(name.encode(), value.encode()) for name, value in SECURITY_HEADERS.items()]
_ELSEWHERE = frozenset({b"content-encoding", b"transfer-encoding", b"content-length"})
"""Headers of requests that bring something along."""

Observe = Callable[[str, str, int, float], None]


Endpoint = Callable[[Request, Context, Match[str], Match[str]], Response]


@dataclass(frozen=True, slots=True)
class _Way:
    """A route: its template, its usual paths (decoded) and query strings, and what answers."""

    route: str
    path: Pattern[str]
    query: Pattern[str]
    endpoint: Endpoint


_NOTHING = re.compile("")
_WAYS = (
    _Way(
        _LOG + "proofs/inclusion",
        re.compile(re.escape(_LOG) + "proofs/inclusion"),
        re.compile(f"index={_NUMBER}(?:&size={_NUMBER})?"),
        lambda request, context, _, asked: log.inclusion(
            request, context, int(asked[1]), None if asked[2] is None else int(asked[2])
        ),
    ),
    _Way(
        _LOG + "statements/{index}",
        re.compile(re.escape(_LOG) + f"statements/{_NUMBER}"),
        _NOTHING,
        lambda request, context, asked, _: log.statement(request, context, int(asked[1])),
    ),
    _Way(
        _LOG + "checkpoint",
        re.compile(re.escape(_LOG) + "checkpoint"),
        _NOTHING,
        lambda request, context, *_: log.checkpoint(request, context),
    ),
    _Way(
        _ENTRIES + "{code:path}",
        # The last part is that of another route where it is one of these.
        re.compile(
            re.escape(_ENTRIES)
            + r"([^/\x00-\x1f\x7f]{1,100}/(?!(?:versions|history|diff)$)[^/\x00-\x1f\x7f]{1,100})"
        ),
        _NOTHING,
        lambda request, context, asked, _: catalogue.one_entry(request, context, asked[1]),
    ),
)


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
        return path.startswith((_ENTRIES, _LOG))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = time.perf_counter()
        route, endpoint = _way(scope, self._context)
        if endpoint is not None:
            try:
                response = await run_in_threadpool(endpoint, Request(scope, receive))
            except Exception:  # noqa: BLE001 - met again, and told of, on the plain way
                response = None
            if response is not None:
                headers = [pair for pair in _HEADERS if pair[0] not in dict(response.raw_headers)]
                response.raw_headers += headers
                try:
                    await response(scope, receive, send)
                finally:
                    seconds = time.perf_counter() - started
                    self._observe("GET", route, response.status_code, seconds)
                return
        await self._plain(scope, receive, send)


def _way(scope: Scope, context: Context) -> tuple[str, Callable[[Request], Response] | None]:
    """The template of a route and what answers; None where the plain way is to."""
    if not _is_plain(scope):
        return "", None
    path, query = str(scope["path"]), scope["query_string"].decode("latin-1")
    for way in _WAYS:
        at = way.path.fullmatch(path)
        asked = way.query.fullmatch(query) if at else None
        if at and asked:
            return way.route, partial(_answer, way.endpoint, context, at, asked)
    return "", None


def _answer(
    endpoint: Endpoint, context: Context, at: Match[str], asked: Match[str], request: Request
) -> Response:
    return endpoint(request, context, at, asked)


def _is_plain(scope: Scope) -> bool:
    """Whether a request brings nothing along and is addressed to this machine."""
    host = None
    for name, value in scope["headers"]:
        if name in _ELSEWHERE:
            return False
        if name == b"host" and host is None:
            host = value.decode("latin-1")
    return host is not None and host_is_loopback(host)

"""What every request passes through, as plain ASGI: who it is addressed to, how large it is, how it ends.

The order is the order of the checks: the Host header (a web page elsewhere must not reach this server by
DNS rebinding), the size of the body (before anything parses it), then the application; whatever that does
not catch becomes an ``internal_error`` problem. Every answer gets the security headers and is counted.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from urllib.parse import quote

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.language import Language, Text
from api.problems import Problem, problem_response
from api.server import host_is_loopback
from api.validation import MAX_REQUEST_BYTES

log = logging.getLogger("govledger.api")

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
SECURITY_HEADERS = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "x-frame-options": "DENY",
    "cross-origin-resource-policy": "same-origin",
    "content-security-policy": CONTENT_SECURITY_POLICY,
}

Observer = Callable[[str, str, int, float], None]
"""Told of each answer: method, route (its template, so that codes make no new series), status, seconds."""


class _TooLarge(Exception):
    """The body grew beyond the limit while it was read."""


class Guard:
    """The outermost layer around the application."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        language: Language,
        observe: Observer,
        limit: int = MAX_REQUEST_BYTES,
        limits: Mapping[str, int] | None = None,
    ) -> None:
        self.app = app
        self.language = language
        self.observe = observe
        self.limit = limit
        self.limits = limits or {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        method = scope["method"]
        if method == "HEAD":  # answered as GET; the server drops the content
            scope = {**scope, "method": "GET"}
        started = time.perf_counter()
        outcome = _Outcome(send)
        limit = self.limits.get(scope["path"], self.limit)
        try:
            self._admit(scope, limit)
            await self.app(scope, _limited(receive, limit), outcome)
        except _TooLarge:
            await self._problem(_too_large(limit), scope, receive, outcome)
        except Problem as problem:
            await self._problem(problem, scope, receive, outcome)
        except Exception:
            log.exception("%s %s failed", method, scope["path"])
            if outcome.status:
                raise
            failure = Text("处理请求时发生意外错误", "the request failed unexpectedly")
            await self._problem(Problem("internal_error", failure), scope, receive, outcome)
        finally:
            route = getattr(scope.get("route"), "path", "(none)")
            self.observe(method, route, outcome.status, time.perf_counter() - started)

    @staticmethod
    def _admit(scope: Scope, limit: int) -> None:
        headers = Headers(scope=scope)
        if (
            "\0" in scope["path"]
            or b"%00" in scope["query_string"]
            or b"\0" in scope["query_string"]
        ):
            raise Problem(
                "malformed_request",
                Text("地址中含有空字符（U+0000）", "the address holds the character U+0000"),
            )
        host = headers.get("host", "")
        if not host_is_loopback(host):
            raise Problem(
                "misdirected_request",
                Text(
                    f"Host 头为 {host[:200]!r},本服务只以回环地址的名义应答",
                    f"the Host header says {host[:200]!r}; this server answers for loopback names only",
                ),
            )
        length = headers.get("content-length", "")
        if length.isdigit() and int(length) > limit:
            raise _too_large(limit)

    async def _problem(self, problem: Problem, scope: Scope, receive: Receive, send: Send) -> None:
        response = problem_response(problem, Headers(scope=scope), instance(scope), self.language)
        await response(scope, receive, send)


def _too_large(limit: int) -> Problem:
    return Problem(
        "body_too_large",
        Text(f"请求体超过 {limit} 字节", f"the body exceeds {limit} bytes"),
        members={"limit": limit},
        headers={"connection": "close"},
    )


def _limited(receive: Receive, limit: int) -> Receive:
    total = 0

    async def counted() -> Message:
        nonlocal total
        message = await receive()
        if message["type"] == "http.request":
            total += len(message.get("body", b""))
            if total > limit:
                raise _TooLarge
        return message

    return counted


def instance(scope: Scope) -> str:
    """The path of a request as it is named in problems: decoded once, encoded one way."""
    return quote(scope["path"], safe="/:@-._~!$&'()*+,;=")


class _Outcome:
    """Sends on, with the security headers, and remembers the status."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.status = 0

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = MutableHeaders(scope=message)
            for name, value in SECURITY_HEADERS.items():
                headers.setdefault(name, value)
        await self._send(message)

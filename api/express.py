"""The shortest way for what comes by the thousand: one ordinary lineage event, answered before everything else.

Only what will be answered well goes this way. Whatever is not ordinary (compressed, large, of unknown length,
with query parameters), whatever is refused and whatever fails goes the plain way through every layer, its body
from the start, so that each refusal has one author. Nothing was kept of what is handed on.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.context import Context
from api.guard import SECURITY_HEADERS
from api.problems import Problem
from api.routes import lineage
from api.server import host_is_loopback
from ledger.lineage.entries import entry_of
from ledger.lineage.validation import NotJson, check
from ledger.store.errors import StoreError

LONGEST = 1 << 16
"""Longest body in bytes that goes this way."""
_PATH = lineage.PATHS[0]
_READ = {
    b"host": "host",
    b"content-type": "content-type",
    b"authorization": "authorization",
    b"content-length": "content-length",
}
_ELSEWHERE = frozenset({b"content-encoding", b"transfer-encoding"})
_HEADERS = [
    (b"content-type", b"application/json"),
    *((name.encode(), value.encode()) for name, value in SECURITY_HEADERS.items()),
]
_STATUS = 201

Observe = Callable[[str, str, int, float], None]


class Express:
    """Answers ordinary events itself and gives everything else to ``plain``."""

    def __init__(self, plain: ASGIApp, context: Context, observe: Observe) -> None:
        self._plain = plain
        self._context = context
        self._observe = observe
        self._longest = min(LONGEST, context.office.settings.lineage_max_bytes)

    @staticmethod
    def concerns(scope: Scope) -> bool:
        """Whether a request is one to look at; this is asked of every request."""
        return (
            scope["type"] == "http"
            and scope["path"] == _PATH
            and scope["method"] == "POST"
            and not scope["query_string"]
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = time.perf_counter()
        headers = _ordinary(scope)
        length = 0 if headers is None else _length(headers, self._longest)
        if headers is None or not length or not host_is_loopback(headers.get("host", "")):
            await self._plain(scope, receive, send)
            return
        intake = self._context.intake
        if not intake.reserve(length):
            await self._plain(scope, receive, send)
            return
        read: list[Message] = []
        try:
            position = await self._keep(headers, receive, read)
        finally:
            intake.release(length)
        if position is None:
            await self._plain(scope, _again(read, receive), send)
            return
        body = b'{"position":%d}' % position
        try:
            sent = [(b"content-length", b"%d" % len(body)), *_HEADERS]
            await send({"type": "http.response.start", "status": _STATUS, "headers": sent})
            await send({"type": "http.response.body", "body": body})
        finally:
            self._observe("POST", _PATH, _STATUS, time.perf_counter() - started)

    async def _keep(
        self, headers: Mapping[str, str], receive: Receive, read: list[Message]
    ) -> int | None:
        """Where the event stands now, None where it is not kept; what was ``read`` of it either way."""
        try:
            coming = lineage.coming(headers, self._context)
            body = await _body(receive, read)
            if body is None or check(body):
                return None
            return await self._context.intake.keep([entry_of(coming, body)])
        except (Problem, NotJson, StoreError):
            return None


def _ordinary(scope: Scope) -> dict[str, str] | None:
    """The headers that are read, None where they are not plain to read."""
    found: dict[str, str] = {}
    for name, value in scope["headers"]:
        if name in _ELSEWHERE:
            return None
        read = _READ.get(name)
        if read is not None:
            if read in found:
                return None
            found[read] = value.decode("latin-1")
    return found


def _length(headers: Mapping[str, str], longest: int) -> int:
    """Length of the body, 0 where it is not told, or longer than goes this way."""
    told = headers.get("content-length", "")
    if not (told.isascii() and told.isdigit()):
        return 0
    length = int(told)
    return length if length <= longest else 0


async def _body(receive: Receive, read: list[Message]) -> bytes | None:
    """The whole body, None where whoever sent it went away."""
    while True:
        message = await receive()
        read.append(message)
        if message["type"] != "http.request":
            return None
        if not message.get("more_body", False):
            break
    if len(read) == 1:
        return bytes(message.get("body", b""))
    return b"".join(message.get("body", b"") for message in read)


def _again(read: list[Message], receive: Receive) -> Receive:
    """What was read already, from the start, and then what follows."""
    waiting = iter(read)

    async def next_one() -> Message:
        for message in waiting:
            return message
        return await receive()

    return next_one


__all__ = ["LONGEST", "Express"]

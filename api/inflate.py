"""Requests that come compressed (``Content-Encoding: gzip``), inflated on their way in, within bounds.

The framework hands compressed bodies on as they are. Here they are inflated slice by slice while they are
read, so that a small body that would become a huge one is refused when it passes the limit, and not after.
"""

from __future__ import annotations

import asyncio
import zlib
from collections import deque

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.language import Text
from api.problems import Problem

_GZIP = 16 + zlib.MAX_WBITS
_SLICE = 1 << 18
_NOTHING: frozenset[str] = frozenset({"", "identity"})


class Inflate:
    """Inflates gzip bodies; any other encoding is refused. ``limits`` are by path, in bytes."""

    def __init__(self, app: ASGIApp, *, limit: int, limits: dict[str, int]) -> None:
        self.app = app
        self.limit = limit
        self.limits = limits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        encoding = ""
        if scope["type"] == "http":
            encoding = Headers(scope=scope).get("content-encoding", "").strip().lower()
        if encoding in _NOTHING:
            await self.app(scope, receive, send)
            return
        if encoding != "gzip":
            raise Problem(
                "unsupported_media_type",
                Text(
                    f"不支持的 Content-Encoding:{encoding[:60]},可用 gzip",
                    f"the content encoding {encoding[:60]} is not supported, gzip is",
                ),
                headers={"accept-encoding": "gzip"},
            )
        limit = self.limits.get(scope["path"], self.limit)
        plain = [
            (name, value)
            for name, value in scope["headers"]
            if name not in {b"content-encoding", b"content-length"}
        ]
        await self.app({**scope, "headers": plain}, _Inflated(receive, limit), send)


class _Inflated:
    """Gives an inflated body, one slice a message."""

    def __init__(self, receive: Receive, limit: int) -> None:
        self._receive = receive
        self._limit = limit
        self._total = 0
        self._stream = zlib.decompressobj(_GZIP)
        self._waiting: deque[bytes] = deque()
        self._more = True
        self._began = False

    async def __call__(self) -> Message:
        while True:
            if self._waiting:
                piece = self._inflate(self._waiting.popleft())
                # Whoever else is served gets a turn between slices.
                await asyncio.sleep(0)
                if piece or not self._more:
                    return self._message(piece)
                continue
            if not self._more:
                return self._message(b"")
            message = await self._receive()
            if message["type"] != "http.request":
                return message
            self._more = message.get("more_body", False)
            if message.get("body"):
                self._waiting.append(message["body"])

    def _message(self, body: bytes) -> Message:
        more = self._more or bool(self._waiting)
        if not more and self._began and not self._stream.eof:
            raise _damaged("the gzip stream ends early", "gzip 数据不完整")
        return {"type": "http.request", "body": body, "more_body": more}

    def _inflate(self, data: bytes) -> bytes:
        if self._stream.eof:
            # RFC 1952 section 2.2: members may follow one another.
            self._stream = zlib.decompressobj(_GZIP)
        self._began = True
        try:
            piece = self._stream.decompress(data, _SLICE)
        except zlib.error as error:
            raise _damaged(
                f"the body is not gzip: {error}", "请求体不是有效的 gzip 数据"
            ) from error
        self._total += len(piece)
        if self._total > self._limit:
            raise Problem(
                "body_too_large",
                Text(
                    f"解压后的请求体超过 {self._limit} 字节",
                    f"the body exceeds {self._limit} bytes when it is inflated",
                ),
                members={"limit": self._limit},
                headers={"connection": "close"},
            )
        rest = self._stream.unconsumed_tail or (
            self._stream.unused_data if self._stream.eof else b""
        )
        if rest:
            self._waiting.appendleft(rest)
        return piece


def _damaged(en: str, zh: str) -> Problem:
    return Problem("malformed_request", Text(zh, en))

"""HTTP/1.1 for long answers: what httpx sends and what it makes of answers, over the standard library's sockets.

A first sync reads gigabytes of events. httpx takes an answer apart in pieces of 64 KiB, which costs four times as much
processor time as receiving it; here a body of known length is received into one piece of memory.
"""

from __future__ import annotations

import http.client
import os
import socket
import ssl
import struct
import threading
import urllib.request
from collections.abc import Iterator
from urllib.parse import urlsplit

import httpx

IDLE = 4
"""Connections kept open to a node; more are closed after their answer."""
LONG = 1 << 18
"""Bytes of a body from which on it is received in one call."""
MOST = 1 << 27
"""Bytes of a body, as sent and as unpacked, beyond which none is received: four times what is asked for at a time."""
PIECE = 1 << 16
"""Bytes of a compressed body that are unpacked at a time."""
BUFFERED = 8192
"""As much of a body as may have come along with the headers."""
BODY = "body"
"""The extension of a response that has a long body, which its ``content`` would be a copy of; see :func:`body_of`."""


def transport_for(url: str) -> Wire | None:
    """A :class:`Wire` for ``url``; None (httpx's own) where the environment names a proxy for it."""
    parts = urlsplit(url)
    proxies = urllib.request.getproxies()
    if {parts.scheme, "all"} & set(proxies) and not urllib.request.proxy_bypass(parts.netloc):
        return None
    return Wire()


Content = bytes | memoryview


class TooLong(httpx.TransportError):
    """An answer is longer than :data:`MOST`; ``said`` is the length that the node announces, None where it does not."""

    def __init__(self, said: int | None) -> None:
        super().__init__(f"an answer of {'unknown length' if said is None else f'{said} bytes'}")
        self.said = said


def body_of(response: httpx.Response) -> Content:
    """The body of an answer that was asked for as a stream; raises :class:`TooLong` and what httpx raises."""
    body: Content | None = response.extensions.get(BODY)
    if body is not None:
        return body
    pieces, size = [], 0
    for piece in response.iter_bytes():
        size += len(piece)
        if size > MOST:
            raise TooLong(None)
        pieces.append(piece)
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)


class Wire(httpx.BaseTransport):
    """A transport of httpx for one node; several threads may use it, each on a connection of its own.

    A request that meets a connection which the node has closed meanwhile is sent again on a fresh one: everything
    that goes this way may be carried out twice (see :class:`~ledger.chain.transport.Endpoint`).
    """

    def __init__(self) -> None:
        self._idle: list[http.client.HTTPConnection] = []
        self._lock = threading.Lock()
        self._context: ssl.SSLContext | None = None
        self._spare = threading.local()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        body = request.read()
        while True:
            with self._lock:
                used = self._idle.pop() if self._idle else None
            connection = used or self._connect(request)
            try:
                return self._exchange(connection, request, body)
            except (httpx.ReadError, httpx.WriteError, httpx.RemoteProtocolError):
                connection.close()
                if used is None:
                    raise
            except BaseException:
                connection.close()
                raise

    def _connect(self, request: httpx.Request) -> http.client.HTTPConnection:
        url, patience = request.url, request.extensions["timeout"]["connect"]
        if url.scheme == "https":
            if self._context is None:
                self._context = httpx.create_ssl_context()
            connection: http.client.HTTPConnection = http.client.HTTPSConnection(
                url.host, url.port, timeout=patience, context=self._context
            )
        else:
            connection = http.client.HTTPConnection(url.host, url.port, timeout=patience)
        try:
            connection.connect()
        except TimeoutError as error:
            raise httpx.ConnectTimeout(str(error)) from error
        except OSError as error:
            raise httpx.ConnectError(str(error)) from error
        return connection

    def _exchange(
        self, connection: http.client.HTTPConnection, request: httpx.Request, body: bytes
    ) -> httpx.Response:
        wire = connection.sock
        wire.settimeout(request.extensions["timeout"]["read"])
        headers = {name: text for name, text in request.headers.items() if name != "host"}
        target = request.url.raw_path.decode("ascii")
        try:
            connection.request(request.method, target, body, headers)
        except TimeoutError as error:
            raise httpx.WriteTimeout(str(error)) from error
        except OSError as error:
            raise httpx.WriteError(str(error)) from error
        try:
            with connection.getresponse() as answer:
                if (answer.length or 0) > MOST:
                    raise TooLong(answer.length)
                if _is_long(answer, wire):
                    kept, content = {BODY: self._received(wire, answer)}, b""
                else:
                    kept, content = {}, _read(answer)
        except TimeoutError as error:
            raise httpx.ReadTimeout(str(error)) from error
        except http.client.HTTPException as error:
            raise httpx.RemoteProtocolError(f"{type(error).__name__}: {error}") from error
        except OSError as error:
            raise httpx.ReadError(str(error)) from error
        if answer.will_close:
            connection.close()
        else:
            self._keep(connection)
        return httpx.Response(
            answer.status,
            headers=answer.getheaders(),
            stream=_Pieces(content) if _is_packed(answer) else httpx.ByteStream(content),
            extensions=kept,
        )

    def _received(self, connection: socket.socket, answer: http.client.HTTPResponse) -> memoryview:
        """The body of a long answer, asked of the system in one call: between one piece and the next this thread would
        wait for its turn among those that work, and the node would wait for this thread.

        Raises :class:`TimeoutError` where nothing comes for as long as the connection is patient.
        """
        length, patience = answer.length or 0, connection.gettimeout() or 0.0
        body = self._room(length)
        # What came along with the headers, and not a byte more, which would be kept where nobody looks for it.
        came_along = answer.read1(BUFFERED)
        at = len(came_along)
        body[:at] = came_along
        connection.settimeout(None)
        moment = struct.pack("ll", int(patience), int(patience % 1 * 1_000_000))
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, moment)
        while at < length:
            try:
                came = connection.recv_into(body[at:], 0, socket.MSG_WAITALL)
            except BlockingIOError as error:
                raise TimeoutError("timed out") from error
            if not came:
                raise http.client.IncompleteRead(bytes(body[:at]), length - at)
            at += came
        return body

    def give_back(self, body: Content) -> None:
        """Have the memory of a long body used for the next one that this thread receives: nothing of it is needed any
        more. Fresh memory costs more than what is received into it.
        """
        if isinstance(body, memoryview):
            self._spare.room = body.obj

    def _room(self, length: int) -> memoryview:
        room: bytearray = self._spare.__dict__.pop("room", bytearray())
        if len(room) < length:
            room = bytearray(length + length // 4)
        return memoryview(room)[:length]

    def _keep(self, connection: http.client.HTTPConnection) -> None:
        with self._lock:
            if len(self._idle) < IDLE:
                self._idle.append(connection)
                return
        connection.close()

    def close(self) -> None:
        with self._lock:
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()


class _Pieces(httpx.SyncByteStream):
    """A compressed body piece by piece: what it unpacks to is told by unpacking alone."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    def __iter__(self) -> Iterator[bytes]:
        for at in range(0, len(self._content), PIECE):
            yield self._content[at : at + PIECE]


def _read(answer: http.client.HTTPResponse) -> bytes:
    """A body of known length whole, one of unknown length as far as it may be long; raises :class:`TooLong`."""
    if answer.length is not None:
        return answer.read()
    content = answer.read(MOST + 1)
    if len(content) > MOST:
        raise TooLong(None)
    return content


def _is_packed(answer: http.client.HTTPResponse) -> bool:
    return answer.getheader("Content-Encoding") is not None


def _is_long(answer: http.client.HTTPResponse, connection: socket.socket) -> bool:
    """Whether the body is received in one call: it is long, of known length, and as it was sent."""
    return (
        (answer.length or 0) >= LONG
        and not answer.will_close
        and not _is_packed(answer)
        and connection.gettimeout() is not None
        and not isinstance(connection, ssl.SSLSocket)
        and os.name == "posix"
    )

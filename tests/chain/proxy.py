"""A proxy in front of a node that misbehaves as told: what networks and other nodes really do."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx

Answer = tuple[int, dict[str, str], bytes]
"""Status, headers, body."""
DROP: Answer = (0, {}, b"")
"""Close the connection without an answer."""


class Proxy:
    """``url`` to ask; ``before`` may answer instead of the node, ``after`` may alter its answer.

    Both get the decoded question; ``before`` may get a batch, a list. ``before`` returns an answer
    or None to pass the question on; ``after`` gets and returns the node's decoded answer, or an
    :data:`Answer`; in a batch it is asked for every call, and ``after_batch`` for the whole.
    ``asked`` holds the methods that were called.
    """

    def __init__(self, target: str) -> None:
        self.target = target
        self.url = ""
        self.before: Callable[[Any], Answer | None] = lambda _: None
        self.after: Callable[[Any, Any], Any] = lambda _, answer: answer
        self.after_batch: Callable[[list[Any]], Any] = lambda answers: answers
        self.asked: list[str] = []
        self.client = httpx.Client(timeout=60)

    def answer(self, body: bytes) -> Answer:
        question = json.loads(body)
        for call in question if isinstance(question, list) else [question]:
            self.asked.append(call["method"])
        early = self.before(question)
        if early is not None:
            return early
        headers = {"Content-Type": "application/json"}
        reply = self.client.post(self.target, content=body, headers=headers)
        late = reply.json()
        if isinstance(question, list) and isinstance(late, list):
            late = self.after_batch(
                [self.after(*pair) for pair in zip(question, late, strict=True)]
            )
        else:
            late = self.after(question, late)
        if isinstance(late, tuple):
            return late
        return reply.status_code, headers, json.dumps(late).encode()


@contextlib.contextmanager
def proxy_for(target: str) -> Iterator[Proxy]:
    """A proxy in front of ``target``, on a loopback port of its own."""
    proxy = Proxy(target)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            status, headers, body = proxy.answer(
                self.rfile.read(int(self.headers["Content-Length"]))
            )
            self.close_connection = True
            if status == 0:
                return
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Connection", "close")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = False
    proxy.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield proxy
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
        proxy.client.close()


def calls(question: Any, method: str) -> bool:
    """Whether the question is, or holds, a call of ``method``."""
    return any(
        call["method"] == method
        for call in (question if isinstance(question, list) else [question])
    )

"""HTTP over plain sockets: connections are kept, and what a node does to them is told in httpx's words."""

from __future__ import annotations

import gzip
import socket
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager

import httpx
import pytest

from ledger.chain.wire import TooLong, Wire, body_of, transport_for

BIG = b"x" * 3_000_000


@contextmanager
def node(*answers: bytes | None) -> Iterator[tuple[str, list[int]]]:
    """A server that gives these bytes to one request after another; None closes the connection first.

    Gives its address, and of each request the number of the connection that it came on.
    """
    came_on: list[int] = []
    left = list(answers)

    def serve(listener: socket.socket) -> None:
        connections = 0
        while left:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            connections += 1
            with connection:
                while left and _request(connection):
                    came_on.append(connections)
                    answer = left.pop(0)
                    if answer is None:
                        break
                    connection.sendall(answer)

    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        worker = threading.Thread(target=serve, args=(listener,))
        worker.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}/", came_on
        finally:
            left.clear()
            listener.shutdown(socket.SHUT_RDWR)
            worker.join(10)


def _request(connection: socket.socket) -> bool:
    """Read one request to its end; False where the client hung up."""
    seen = b""
    while not seen.endswith(b"{}"):
        data = connection.recv(65_536)
        if not data:
            return False
        seen += data
    return True


def answer(body: bytes, *headers: str) -> bytes:
    head = ["HTTP/1.1 200 OK", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join([*head, "", ""]).encode() + body


def client(seconds: float = 5) -> httpx.Client:
    return httpx.Client(transport=Wire(), timeout=seconds)


def ask(one: httpx.Client, url: str) -> bytes:
    with one.stream("POST", url, content=b"{}") as response:
        return bytes(body_of(response))


def test_one_connection_serves_many_requests_and_long_answers_come_whole() -> None:
    with node(answer(b"1"), answer(BIG), answer(b"3")) as (url, came_on):
        with client() as one:
            assert [ask(one, url) for _ in range(3)] == [b"1", BIG, b"3"]
        assert came_on == [1, 1, 1]


def test_a_connection_that_the_node_closed_meanwhile_is_replaced() -> None:
    with node(answer(b"1"), None, answer(b"2")) as (url, came_on):
        with client() as one:
            assert [ask(one, url), ask(one, url)] == [b"1", b"2"]
        assert came_on == [1, 1, 2]


def test_a_node_that_says_close_is_asked_on_a_fresh_connection() -> None:
    with node(answer(b"1", "Connection: close"), answer(b"2")) as (url, _), client() as one:
        assert ask(one, url) == b"1"


def test_a_fresh_connection_that_breaks_is_an_error() -> None:
    broken = pytest.raises(httpx.RemoteProtocolError, match="RemoteDisconnected")
    with node(None) as (url, _), client() as one, broken:
        ask(one, url)


def test_half_an_answer_is_an_error() -> None:
    whole = answer(b"0123456789", "Connection: close")
    broken = pytest.raises(httpx.RemoteProtocolError, match="IncompleteRead")
    with node(whole[:-4]) as (url, _), client() as one, broken:
        ask(one, url)


def test_half_a_long_answer_is_an_error() -> None:
    broken = pytest.raises(httpx.RemoteProtocolError, match="IncompleteRead")
    with node(answer(BIG)[:-4]) as (url, _), client() as one, broken:
        ask(one, url)


def test_patience_ends_where_a_node_falls_silent_within_a_long_answer() -> None:
    late = pytest.raises(httpx.ReadTimeout)
    # What would come next keeps the connection open.
    with node(answer(BIG)[:-4], b"never") as (url, _), client(0.2) as one, late:
        ask(one, url)


def test_a_connection_is_as_patient_after_a_long_answer_as_before() -> None:
    late = pytest.raises(httpx.ReadTimeout)
    with node(answer(BIG), b"HTTP/1.1 200 OK\r\n", b"never") as (url, _), client(0.2) as one:
        assert ask(one, url) == BIG
        with late:
            ask(one, url)


def test_a_compressed_answer_is_read() -> None:
    packed = gzip.compress(b"words " * 100)
    with node(answer(packed, "Content-Encoding: gzip")) as (url, _), client() as one:
        assert ask(one, url) == b"words " * 100


def test_an_answer_that_is_announced_as_endless_is_refused_before_memory_is_taken_for_it() -> None:
    huge = f"HTTP/1.1 200 OK\r\nContent-Length: {1 << 50}\r\n\r\n{{".encode()
    with node(huge) as (url, _), client() as one, pytest.raises(TooLong) as refused:
        ask(one, url)
    assert refused.value.said == 1 << 50


@pytest.mark.parametrize("headers", [(), ("Transfer-Encoding: chunked",)])
def test_an_answer_of_unknown_length_is_read_as_far_as_any_may_be_long(
    headers: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ledger.chain.wire.MOST", 1000)
    sent = ["HTTP/1.1 200 OK", "Connection: close", *headers, "", ""]
    body = b"x" * 4096
    body = b"1000\r\n" + body + b"\r\n0\r\n\r\n" if headers else body
    with (
        node("\r\n".join(sent).encode() + body) as (url, _),
        client() as one,
        pytest.raises(TooLong) as refused,
    ):
        ask(one, url)
    assert refused.value.said is None


def test_a_small_answer_that_unpacks_to_a_huge_one_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("ledger.chain.wire.MOST", 1 << 22)
    monkeypatch.setattr("ledger.chain.wire.PIECE", 1 << 10)
    packed = gzip.compress(b"x" * (1 << 24))
    assert len(packed) < 1 << 17
    with (
        node(answer(packed, "Content-Encoding: gzip")) as (url, _),
        client() as one,
        pytest.raises(TooLong),
    ):
        ask(one, url)


def test_patience_ends_where_a_node_says_nothing() -> None:
    # What would come next keeps the connection open.
    late = pytest.raises(httpx.ReadTimeout)
    with node(b"HTTP/1.1 200 OK\r\n", b"never") as (url, _), client(0.1) as one, late:
        ask(one, url)


def test_a_proxy_of_the_environment_is_left_to_httpx(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    assert isinstance(transport_for("http://node.example:8545"), Wire)
    monkeypatch.setenv("http_proxy", "http://proxy.example:3128")
    assert transport_for("http://node.example:8545") is None
    monkeypatch.setenv("no_proxy", "node.example")
    assert isinstance(transport_for("http://node.example:8545"), Wire)

"""The short way of plain lookups: the same bytes as on the plain one, and everything else left alone."""

from __future__ import annotations

import re
import socket
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from ledger.catalogue import queries
from tests.api.district import District

_DATE = re.compile(rb"(?m)^date: .*\r\n")
PROOF = "/api/v1/log/proofs/inclusion"
ENTRIES = "/api/v1/catalogue/entries"


def raw(url: str, path: str, *head: str, method: str = "GET", body: bytes = b"") -> bytes:
    """Everything that the server says to a request but the date; it closes the connection after that."""
    host, port = url.removeprefix("http://").split(":")
    told = head if any(line.startswith("host:") for line in head) else ("host: 127.0.0.1", *head)
    lines = [f"{method} {path} HTTP/1.1", *told, "connection: close", "", ""]
    with socket.create_connection((host, int(port)), timeout=30) as connection:
        connection.sendall("\r\n".join(lines).encode() + body)
        said = b""
        while more := connection.recv(1 << 16):
            said += more
    return _DATE.sub(b"", said)


class _Counted:
    """Counts what the short way hands on to the plain one."""

    def __init__(self, plain: Any) -> None:
        self._plain = plain
        self.asked = 0

    async def __call__(self, *asgi: Any) -> None:
        self.asked += 1
        await self._plain(*asgi)


@pytest.fixture
def handed_on(app: FastAPI, monkeypatch: pytest.MonkeyPatch) -> _Counted:
    lookups = app.lookups  # type: ignore[attr-defined]
    counted = _Counted(lookups._plain)
    monkeypatch.setattr(lookups, "_plain", counted)
    return counted


def both_ways(url: str, app: FastAPI, path: str, *head: str, **how: Any) -> tuple[bytes, bytes]:
    first = raw(url, path, *head, **how)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(app, "lookups", None)
        return first, raw(url, path, *head, **how)


@pytest.fixture(scope="module")
def code(client: httpx.Client) -> str:
    found = client.get(ENTRIES, params={"limit": 1}).json()["items"]
    return str(found[0]["code"])


def test_plain_lookups_are_answered_in_the_same_bytes(
    url: str, app: FastAPI, code: str, handed_on: _Counted
) -> None:
    for path in (
        f"{ENTRIES}/{code}",
        f"{ENTRIES}/{code.replace('/', '%2F')}",
        f"{PROOF}?index=0",
        f"{PROOF}?index=2&size=3",
        "/api/v1/log/checkpoint",
        "/api/v1/log/statements/2",
    ):
        short, plain = both_ways(url, app, path)
        assert handed_on.asked == 0
        assert short == plain
        assert short.startswith(b"HTTP/1.1 200 ")
        assert b"content-security-policy" in short
        tag = next(line for line in short.split(b"\r\n") if line.startswith(b"etag: "))
        short, plain = both_ways(url, app, path, f"if-none-match: {tag[6:].decode()}")
        assert short == plain
        assert short.startswith(b"HTTP/1.1 304 ")


UNUSUAL = (
    (f"{PROOF}?index=999999", 404),
    (f"{PROOF}?index=0&size=999999", 422),
    (f"{PROOF}?index=-1", 422),
    (f"{PROOF}?index=1&index=2", None),
    (f"{PROOF}?index=%31", 200),
    (f"{PROOF}?size=3&index=1", 200),
    (f"{PROOF}?index=1&colour=red", None),
    (PROOF, 422),
    ("/api/v1/log/checkpoint?as_of=3", 200),
    ("/api/v1/log/checkpoint/", 404),
    ("/api/v1/log/statements/999999", 404),
    ("/api/v1/log/statements/02", 200),
    ("/api/v1/log/statements/x", 422),
    ("/api/v1/log/statements/2?as_of=3", None),
    ("/api/v1/log/statements?limit=2", 200),
    ("/api/v1/log/nothing/1", 404),
    ("/api/v1/log/proofs/consistency?from=1", 200),
    (f"{ENTRIES}/399999/000001", 404),
    (f"{ENTRIES}/%00/1", None),
    (f"{ENTRIES}/", 404),
    (f"{ENTRIES}/CODE?as_of=4", None),
    (f"{ENTRIES}/CODE/history", 200),
    (f"{ENTRIES}/CODE/versions", 200),
    (f"{ENTRIES}/CODE/versions/1", 200),
    (f"{ENTRIES}/one/history", 404),
    (f"{ENTRIES}/one/diff", None),
)


@pytest.mark.parametrize(("path", "status"), UNUSUAL)
@pytest.mark.parametrize("language", ["zh", "en"])
def test_whatever_is_unusual_or_refused_is_answered_the_plain_way(
    *,
    url: str,
    app: FastAPI,
    code: str,
    handed_on: _Counted,
    path: str,
    status: int | None,
    language: str,
) -> None:
    asked = path.replace("CODE", code)
    short, plain = both_ways(url, app, asked, f"accept-language: {language}")
    assert handed_on.asked == 1
    assert short == plain
    assert status is None or short.startswith(b"HTTP/1.1 %d " % status)


def test_other_methods_hosts_and_bodies_go_the_plain_way(
    url: str, app: FastAPI, code: str, handed_on: _Counted
) -> None:
    path = f"{ENTRIES}/{code}"
    for head, how, status in (
        (("host: ledger.example",), {}, b"421"),
        (("content-length: 2",), {"body": b"{}"}, b"200"),
        (("content-encoding: br",), {}, b"415"),
        ((), {"method": "HEAD"}, b"200"),
        ((), {"method": "DELETE"}, b"405"),
    ):
        short, plain = both_ways(url, app, path, *head, **how)
        assert short == plain
        assert short.startswith(b"HTTP/1.1 " + status)
    # Methods other than GET are not even looked at.
    assert handed_on.asked == 3


def test_what_fails_unexpectedly_is_told_the_plain_way(
    url: str, app: FastAPI, code: str, handed_on: _Counted, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object, **__: object) -> None:
        raise RuntimeError("out of order")

    monkeypatch.setattr(queries, "show", fails)
    short, plain = both_ways(url, app, f"{ENTRIES}/{code}")
    assert (short, handed_on.asked) == (plain, 1)
    assert short.startswith(b"HTTP/1.1 500 ")
    assert b"internal_error" in short


def test_they_are_counted_by_route(
    url: str, district: District, client: httpx.Client, code: str, handed_on: _Counted
) -> None:
    assert district.office is not None
    line = re.compile(
        r'govledger_http_requests_total\{method="GET",'
        r'route="/api/v1/catalogue/entries/\{code:path\}",status="200"\} (\d+)'
    )

    def counted() -> int:
        found = line.search(client.get("/metrics").text)
        return int(found[1]) if found else 0

    before = counted()
    raw(url, f"{ENTRIES}/{code}")
    assert (handed_on.asked, counted()) == (0, before + 1)

"""The express way of ordinary events: what it answers, and that whatever it leaves alone comes out the same."""

from __future__ import annotations

import gzip
import json
import re
import socket
import time
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from hypothesis import given
from hypothesis import strategies as st

from api.express import LONGEST, Express
from api.intake import Intake
from ledger.access import tokens
from ledger.access.tokens import LINEAGE_WRITE
from ledger.canonical import canonical_json
from ledger.journal.committing import Committer
from ledger.journal.errors import UnwritableJournal
from ledger.lineage.entries import Coming, event_of
from tests.api.district import SCHOOLS, District
from tests.lineage.events import encoded, run_event

EVENT = encoded(run_event(1, inputs=("a",)))
_CHANGING = re.compile(rb"(?m)^date: .*\r\n|\"position\":\d+|content-length: \d+\r\n")


@pytest.fixture(scope="module")
def token(district: District) -> str:
    text, _ = tokens.create(
        district.office.desk_engine, [LINEAGE_WRITE], days=1, organisation=SCHOOLS
    )
    return text


class _Counted:
    """Counts what the express way hands on to the plain one."""

    def __init__(self, express: Express) -> None:
        self._plain = express._plain
        self.asked = 0

    async def __call__(self, *asgi: Any) -> None:
        self.asked += 1
        await self._plain(*asgi)


@pytest.fixture
def handed_on(app: FastAPI, monkeypatch: pytest.MonkeyPatch) -> _Counted:
    counted = _Counted(app.express)  # type: ignore[attr-defined]
    monkeypatch.setattr(app.express, "_plain", counted)  # type: ignore[attr-defined]
    return counted


def raw(url: str, head: list[str], *parts: bytes, path: str = "/api/v1/lineage") -> bytes:
    """Everything that the server says to a request, byte for byte; it closes the connection after that."""
    host, port = url.removeprefix("http://").split(":")
    lines = [f"POST {path} HTTP/1.1", *head, "connection: close", "", ""]
    with socket.create_connection((host, int(port)), timeout=30) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.sendall("\r\n".join(lines).encode("latin-1"))
        for part in parts:
            connection.sendall(part)
        said = b""
        while more := connection.recv(1 << 16):
            said += more
    return said


def headers(token: str, length: int | None, **others: str) -> list[str]:
    told = {
        "host": "127.0.0.1",
        "content-type": "application/json",
        "authorization": f"Bearer {token}",
        "accept-language": "en",
    } | {name.replace("_", "-"): value for name, value in others.items()}
    if length is not None:
        told.setdefault("content-length", str(length))
    return [f"{name}: {value}" for name, value in told.items() if value]


def both_ways(
    url: str, app: FastAPI, head: list[str], *parts: bytes, path: str = "/api/v1/lineage"
) -> tuple[bytes, bytes]:
    """What is said with the express way and without, but for what differs from moment to moment."""
    first = raw(url, head, *parts, path=path)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(app, "express", None)
        second = raw(url, head, *parts, path=path)
    return _CHANGING.sub(b"*", first), _CHANGING.sub(b"*", second)


def test_an_ordinary_event_is_answered_before_everything_else_in_the_same_bytes(
    url: str, app: FastAPI, token: str, district: District, handed_on: _Counted
) -> None:
    before = district.office.lineage.journal.size
    express, plain = both_ways(url, app, headers(token, len(EVENT)), EVENT)
    assert handed_on.asked == 0
    assert express == plain
    assert express.startswith(b"HTTP/1.1 201 ")
    journal = district.office.lineage.journal
    found = [event_of(entry) for entry in journal.entries(before)]
    assert [event for _, event in found] == [EVENT, EVENT]
    assert {(coming.by, coming.door, coming.token) for coming, _ in found} == {
        (SCHOOLS, "api", token.split("_")[1])
    }


def test_a_body_in_pieces_is_one_event(
    url: str, token: str, district: District, handed_on: _Counted
) -> None:
    pieces = [EVENT[:9], EVENT[9:200], EVENT[200:]]
    said = raw(url, headers(token, len(EVENT)), *pieces)
    assert said.startswith(b"HTTP/1.1 201 ")
    assert handed_on.asked == 0
    position = json.loads(said.rpartition(b"\r\n\r\n")[2])["position"]
    assert event_of(district.office.lineage.journal.entry(position))[1] == EVENT


BAD = encoded(run_event(1) | {"run": {"runId": 4}, "eventTime": "soon"})
REFUSALS: dict[str, tuple[bytes, dict[str, str], bytes]] = {
    "no event": (BAD, {}, b"422"),
    "no JSON": (b"{", {}, b"400"),
    "no UTF-8": (b"\xff\xfe", {}, b"400"),
    "empty": (b"", {}, b"400"),
    "another kind": (EVENT, {"content_type": "text/plain"}, b"415"),
    "another encoding": (EVENT, {"content_encoding": "br"}, b"415"),
    "no token": (EVENT, {"authorization": ""}, b"401"),
    "a bad token": (EVENT, {"authorization": f"Bearer glt_{'0' * 12}_{'A' * 43}"}, b"401"),
    "another host": (EVENT, {"host": "ledger.example"}, b"421"),
    "too long": (b"", {"content_length": "99999999999"}, b"413"),
    "in Chinese": (BAD, {"accept_language": "zh"}, b"422"),
}


@pytest.mark.parametrize("case", REFUSALS)
def test_every_refusal_is_the_same_bytes_on_either_way(
    url: str, app: FastAPI, token: str, district: District, case: str
) -> None:
    before = district.office.lineage.journal.size
    body, others, status = REFUSALS[case]
    express, plain = both_ways(url, app, headers(token, len(body), **others), body)
    assert express == plain
    assert express.startswith(b"HTTP/1.1 " + status)
    assert district.office.lineage.journal.size == before


def chunked(body: bytes) -> bytes:
    return b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)


def test_what_is_not_ordinary_goes_the_plain_way_and_is_taken_there(
    url: str, token: str, district: District, handed_on: _Counted
) -> None:
    long = encoded(run_event(1, inputs=tuple(f"t{number}" for number in range(2_000))))
    assert len(long) > LONGEST
    packed = gzip.compress(EVENT)
    journal = district.office.lineage.journal
    for head, sent, event in (
        (headers(token, len(long)), long, long),
        (headers(token, len(packed), content_encoding="gzip"), packed, EVENT),
        (headers(token, None, transfer_encoding="chunked"), chunked(EVENT), EVENT),
        ([*headers(token, len(EVENT)), "content-type: application/json"], EVENT, EVENT),
    ):
        before, asked = journal.size, handed_on.asked
        assert raw(url, head, sent).startswith(b"HTTP/1.1 201 ")
        assert handed_on.asked == asked + 1
        assert journal.size == before + 1
        assert event_of(journal.entry(before))[1] == event


def test_push_back_and_a_disk_that_refuses_are_told_as_on_the_plain_way(
    url: str, app: FastAPI, token: str, district: District, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = app.state.context
    journal = district.office.lineage.journal
    before = journal.size
    head = headers(token, len(EVENT))
    stuck = Committer(journal, most_waiting=10)
    stuck.submit([b"x" * 20], lambda *_: None)  # never started: it stays full
    full = Intake(lambda: stuck, most_in_hand=10)
    full._in_hand = 1
    for intake in (Intake(lambda: stuck), full):
        in_hand = intake._in_hand
        monkeypatch.setattr(context, "intake", intake)
        express, plain = both_ways(url, app, head, EVENT)
        assert express == plain
        assert express.startswith(b"HTTP/1.1 503 ")
        assert b"\r\nretry-after: 1\r\n" in express
        assert intake._in_hand == in_hand
    monkeypatch.undo()

    def refuses(_: object) -> int:
        raise UnwritableJournal("no space is left")

    monkeypatch.setattr(journal, "append", refuses)
    express, plain = both_ways(url, app, head, EVENT)
    assert express == plain
    assert b"storage_unavailable" in express
    monkeypatch.undo()
    assert journal.size == before


def test_who_goes_away_in_the_middle_leaves_nothing_behind(
    url: str, app: FastAPI, token: str, district: District, handed_on: _Counted
) -> None:
    before = district.office.lineage.journal.size
    host, port = url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=30) as connection:
        head = ["POST /api/v1/lineage HTTP/1.1", *headers(token, len(EVENT)), "", ""]
        connection.sendall("\r\n".join(head).encode() + EVENT[:50])
    ends = time.monotonic() + 20
    # The plain way is told last: until then the server may not even have begun with the request.
    intake = app.state.context.intake
    while (not handed_on.asked or intake._in_hand) and time.monotonic() < ends:
        time.sleep(0.01)
    assert handed_on.asked == 1
    assert intake._in_hand == 0
    assert district.office.lineage.journal.size == before


def test_answers_of_the_express_way_are_counted(
    url: str, token: str, client: httpx.Client, handed_on: _Counted
) -> None:
    counter = re.compile(
        r'govledger_http_requests_total\{method="POST",route="/api/v1/lineage",status="201"\} (\d+)'
    )

    def counted() -> int:
        found = counter.search(client.get("/metrics").text)
        return int(found[1]) if found else 0

    before = counted()
    raw(url, headers(token, len(EVENT)), EVENT)
    assert handed_on.asked == 0
    assert counted() == before + 1


@given(
    st.integers(0, (1 << 53) - 1),
    st.text(max_size=20),
    st.sampled_from(["api", "sql", "dbt"]),
    st.text(max_size=14),
)
def test_the_line_of_an_entry_is_canonical_json(at: int, by: str, door: Any, token: str) -> None:
    line = Coming(at, by, door, token).line()
    whole = canonical_json({"at": at, "by": by, "door": door, "token": token})
    assert line == whole + b"\n"

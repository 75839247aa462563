"""Who may ask, how much, and from where; health, metrics, the first page, the reference."""

from __future__ import annotations

import re
import socket
import time
from html import unescape
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from api.app import create_app
from api.guard import Guard
from api.server import BindRefused, check_bind, host_is_loopback
from ledger.chain.interface import ChainError
from ledger.store.errors import UnreachableStoreError
from tests.api.conftest import STARTING_SECONDS, serving
from tests.api.district import District

FOREIGN = re.compile(r"""(?:src|href|url)\s*[=:(]\s*["']?\s*(?:https?:)?//""", re.IGNORECASE)


@pytest.fixture(autouse=True)
def _well(client: httpx.Client) -> None:
    """The background work of the server goes well, whatever the test before did to it."""
    ends = time.monotonic() + 20
    while client.get("/readyz").status_code != 200:
        assert time.monotonic() < ends
        time.sleep(0.1)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "::1", "[::1]", "localhost"])
def test_the_server_binds_to_loopback(host: str) -> None:
    assert check_bind(host) in ("127.0.0.1", "127.8.8.8", "::1")


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.5", "192.168.1.2", "example.org", ""])  # noqa: S104
def test_the_server_refuses_any_other_address_with_a_reason(host: str) -> None:
    with pytest.raises(BindRefused, match=r"127\.0\.0\.1"):
        check_bind(host)


@pytest.mark.parametrize(
    ("host", "ours"),
    [
        ("127.0.0.1:8080", True),
        ("localhost", True),
        ("LOCALHOST:80", True),
        ("[::1]:8080", True),
        ("evil.example", False),
        ("127.0.0.1.evil.example", False),
        ("192.168.1.2:8080", False),
        ("", False),
    ],
)
def test_only_loopback_names_reach_the_server(
    client: httpx.Client, host: str, *, ours: bool
) -> None:
    assert host_is_loopback(host) is ours
    answer = client.get("/livez", headers={"host": host})
    assert answer.status_code == (200 if ours else 421)
    if not ours:
        assert answer.json()["code"] == "misdirected_request"


def test_a_body_that_says_it_is_too_large_is_refused_before_it_is_read(url: str) -> None:
    place = urlsplit(url)
    with socket.create_connection((place.hostname or "", place.port or 0), timeout=10) as line:
        line.sendall(
            b"POST /api/v1/statements HTTP/1.1\r\nhost: 127.0.0.1\r\n"
            b"content-type: application/json\r\ncontent-length: 99999999999\r\n\r\n"
        )
        answer = b"".join(iter(lambda: line.recv(65536), b""))
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b'"code":"body_too_large"' in answer


def test_a_body_that_grows_beyond_the_limit_is_cut_off(
    district: District,
) -> None:
    app = create_app(district.office)
    for layer in app.user_middleware:
        if layer.cls is Guard:
            layer.kwargs["limit"] = 1000
    with serving(app) as place, httpx.Client(base_url=place, trust_env=False) as small:
        chunks = (b" " * 100 for _ in range(11))
        answer = small.post(
            "/api/v1/statements", content=chunks, headers={"content-type": "application/json"}
        )
        assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")
        assert answer.json()["limit"] == 1000
        fits = small.post("/api/v1/statements", json={})
        assert fits.json()["code"] == "validation_failed"


def test_the_server_is_alive_and_ready(client: httpx.Client, district: District) -> None:
    assert client.get("/livez").json() == {"status": "alive"}
    ready = client.get("/readyz")
    found = ready.json()
    assert (ready.status_code, found["status"]) == (200, "ready")
    assert found["checks"]["chain"]["chain_id"] == district.office.deployment.chain_id
    assert found["checks"]["chain"]["capabilities"]["cancun"] is True
    assert found["checks"]["chain"]["obstacles"] == []
    assert found["checks"]["mirror"]["lag"] == 0
    assert found["checks"]["outbox"]["ok"] is True


def test_a_chain_that_is_gone_degrades_readiness_and_leaves_reading_alone(
    client: httpx.Client, district: District, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(*_: object) -> bytes:
        raise ChainError("the node at 127.0.0.1:1 does not answer; start it again")

    monkeypatch.setattr(district.office.chain, "call", gone)
    ready = client.get("/readyz")
    assert (ready.status_code, ready.json()["status"]) == (503, "degraded")
    assert "start it again" in ready.json()["checks"]["chain"]["error"]
    assert client.get("/api/v1/catalogue/entries").status_code == 200
    assert "govledger_mirror_size" in client.get("/metrics").text
    assert "govledger_log_size " not in client.get("/metrics").text


def test_a_database_that_is_gone_is_told_as_a_problem(
    client: httpx.Client, district: District, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Broken:
        def connect(self) -> None:
            raise UnreachableStoreError("mirror.db cannot be opened; see that its directory exists")

    monkeypatch.setitem(district.office.__dict__, "mirror_engine", Broken())
    answer = client.get("/api/v1/catalogue/entries")
    assert (answer.status_code, answer.json()["code"]) == (503, "storage_unavailable")
    assert answer.headers["retry-after"] == "5"
    assert client.get("/readyz").status_code == 503
    assert client.get("/livez").status_code == 200


def test_an_unexpected_failure_is_a_problem_that_tells_nothing_internal(
    client: httpx.Client, district: District, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Surprise:
        def connect(self) -> None:
            raise RuntimeError("secret detail")

    monkeypatch.setitem(district.office.__dict__, "mirror_engine", Surprise())
    answer = client.get("/api/v1/catalogue/entries")
    assert (answer.status_code, answer.json()["code"]) == (500, "internal_error")
    assert "secret detail" not in answer.text
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_metrics_count_requests_by_route_and_measure_the_ledger(client: httpx.Client) -> None:
    client.get("/api/v1/catalogue/entries/301001/000001")
    text = client.get("/metrics").text
    line = next(
        line
        for line in text.splitlines()
        if line.startswith("govledger_http_requests_total")
        and "/api/v1/catalogue/entries/{code:path}" in line
        and 'status="200"' in line
    )
    assert float(line.rsplit(" ", 1)[1]) >= 1
    assert "301001" not in text
    sizes = re.findall(r"^govledger_(?:log|mirror)_size (\S+)$", text, re.MULTILINE)
    assert len(sizes) == 2
    assert "govledger_duty_running 1.0" in text


def test_the_first_page_shows_a_newcomer_where_to_go(client: httpx.Client) -> None:
    page = client.get("/", headers={"accept": "text/html,application/xhtml+xml;q=0.9"})
    assert page.headers["content-type"].startswith("text/html")
    assert "公共数据治理账本" in page.text
    assert client.get("/api/v1/log/checkpoint").json()["root"] in page.text
    for href in re.findall(r'href="(/[^"]*)"', page.text):
        assert client.get(unescape(href)).status_code == 200, href
    told = client.get("/", headers={"accept": "application/json"}).json()
    assert told["counts"]["statements"] > 0
    assert set(told["links"]) >= {"/docs", "/api/v1/log/checkpoint"}


def test_the_reference_works_without_the_internet(client: httpx.Client) -> None:
    page = client.get("/docs")
    assert page.status_code == 200
    needed = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    for href in needed:
        assert href.startswith(("/", "data:,")), href
        if href.startswith("/"):
            assert client.get(href).status_code == 200, href
    assert not FOREIGN.search(page.text)
    script = client.get("/assets/docs.js").text
    assert not FOREIGN.search(script)
    assert "validatorUrl: null" in script
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "http" not in policy


def test_no_page_asks_for_anything_elsewhere() -> None:
    place = Path(__file__).resolve().parents[2] / "api" / "static"
    for file in place.iterdir():
        assert not FOREIGN.search(file.read_text("utf-8")), file.name


def test_every_problem_type_is_explained_at_its_address(client: httpx.Client) -> None:
    for kind in client.get("/problems").json()["problems"]:
        found = client.get(kind["type"]).json()
        assert found == kind
        assert found["hint"]["zh"]
        assert found["hint"]["en"]


def test_the_chain_speaks_json_rpc_beside_the_api(client: httpx.Client, district: District) -> None:
    question = {"jsonrpc": "2.0", "id": 1, "method": "eth_chainId", "params": []}
    answer = client.post("/rpc", json=question)
    assert answer.json()["result"] == hex(district.office.deployment.chain_id)


def test_a_server_with_an_address_is_found_by_other_commands(district: District) -> None:
    from ledger.chain.node import running  # noqa: PLC0415

    # The address is in the note, so the port is taken before the application is made, and kept.
    listener = socket.create_server(("127.0.0.1", 0))
    address = f"http://127.0.0.1:{listener.getsockname()[1]}"
    with serving(create_app(district.office, url=address), listener):
        ends = time.monotonic() + STARTING_SECONDS
        # A busy machine does not answer within the moment that one look waits; commands look again, too.
        while (found := running(district.office.data_dir)) is None:
            assert time.monotonic() < ends, "nobody is found"
        assert found.url == f"{address}/rpc"
    assert running(district.office.data_dir) is None

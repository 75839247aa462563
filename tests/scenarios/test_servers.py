"""Servers as processes: they answer at once, end cleanly, and leave nothing behind."""

from __future__ import annotations

import signal
import time

import httpx
import pytest

from tests.person import Person
from tests.small_office import PUBLISHED

ACKNOWLEDGEMENT_DELAY = 0.040
"""Seconds that Linux waits before it acknowledges a segment alone."""


def fastest(client: httpx.Client, method: str, path: str, **more: object) -> float:
    """The shortest time of twenty questions on one connection, in seconds."""
    times = []
    for _ in range(20):
        begun = time.perf_counter()
        assert client.request(method, path, **more).status_code == 200
        times.append(time.perf_counter() - begun)
    return min(times)


def test_answers_do_not_wait_for_an_acknowledgement(office: Person) -> None:
    """Nagle's algorithm and delayed acknowledgements would cost 40 ms an answer."""
    question = {"jsonrpc": "2.0", "id": 1, "method": "eth_chainId", "params": []}
    for command, path in (("serve", "/rpc"), ("node", "/")):
        with office.running(command, "--port", "0") as url, httpx.Client(base_url=url) as client:
            assert fastest(client, "POST", path, json=question) < ACKNOWLEDGEMENT_DELAY
            if command == "serve":
                assert fastest(client, "GET", "/livez") < ACKNOWLEDGEMENT_DELAY


@pytest.mark.parametrize("command", ["serve", "node"])
@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_a_server_that_is_told_to_stop_ends_well(
    office: Person, command: str, how: signal.Signals
) -> None:
    with office.started(command, "--port", "0") as process:
        process.address()
        assert (office.data_dir / "node.json").exists()
        assert process.end(how) == 0
    assert not (office.data_dir / "node.json").exists()
    # the chain is free at once, and whole
    office.run("chain", "fsck")


@pytest.mark.parametrize("command", ["serve", "node"])
def test_a_killed_server_stands_in_nobodys_way(office: Person, command: str) -> None:
    with office.started(command, "--port", "0") as process:
        process.address()
    office.run("catalogue", "suspend", PUBLISHED, "--key", "authority", "--reason", "系统升级")
    with office.running(command, "--port", "0"):
        office.run("catalogue", "resume", PUBLISHED, "--key", "authority")
    office.run("chain", "fsck")


def test_the_first_page_tells_where_to_go(office: Person) -> None:
    with office.running("serve", "--port", "0") as url, httpx.Client(base_url=url) as client:
        page = client.get("/", headers={"accept": "text/html"})
        assert page.status_code == 200
        for place in ("/docs", "/api/v1/catalogue/entries", "/api/v1/log/checkpoint"):
            assert place in page.text
        assert "http://cdn" not in client.get("/docs").text
        assert "https://cdn" not in client.get("/docs").text

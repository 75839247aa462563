"""One server of several processes: each answers alike, one is on duty, and whichever is killed comes back."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import httpx

from tests.person import Person
from tests.signing import STATEMENTS, account, prepared, submission
from tests.small_office import EDUCATION, entry

T = TypeVar("T")


def test_workers_share_the_work_and_outlive_one_another(office: Person) -> None:
    key = account(office, "education-steward")
    with office.started("serve", "--port", "0", "--workers", "2") as server:
        url = server.address()
        numbers = iter(range(400, 500))

        def file_some() -> None:
            """Each on a connection of its own, which any worker may get."""
            for number in (next(numbers), next(numbers)):
                with httpx.Client(base_url=url, timeout=60, trust_env=False) as client:
                    written = {"entry": entry(f"318001/{number:06}"), "state": "draft"}
                    ready = prepared(client, "Filing", EDUCATION, written)
                    receipt = client.post(STATEMENTS, json=submission(ready, key)).json()["receipt"]
                with httpx.Client(base_url=url, timeout=60, trust_env=False) as client:
                    told = client.get(
                        f"{STATEMENTS}/{receipt}", params={"wait": 30, "until": "verified"}
                    )
                    assert told.json()["state"] == "verified"

        file_some()
        workers = children_of(server.process.pid)
        assert len(workers) == 2
        told = until(lambda: readiness(url), lambda one: one.get("status") == "ready")
        on_duty = int(told["checks"]["duty"]["leader"]["process"].removeprefix("pid "))
        assert on_duty in workers

        # the other one is served by the one on duty, at an address that stays the same
        os.kill(on_duty, signal.SIGKILL)
        until(
            lambda: readiness(url),
            lambda one: (
                one.get("status") == "ready"
                and one["checks"]["duty"]["leader"]["process"] != f"pid {on_duty}"
            ),
        )
        assert len(children_of(server.process.pid)) == 2
        file_some()

        # whatever ends the parent ends them too, and another server may begin
        workers = children_of(server.process.pid)
        server.end(signal.SIGKILL)
        until(lambda: [one for one in workers if lives(one)], lambda left: not left)
    assert office.run("mirror", "verify", "--json").json()["findings"] == []


def readiness(url: str) -> dict[str, Any]:
    try:
        told: dict[str, Any] = httpx.get(f"{url}/readyz", timeout=30, trust_env=False).json()
    except httpx.TransportError:
        return {}
    return told


def until(ask: Callable[[], T], holds: Callable[[T], bool]) -> T:
    ends = time.monotonic() + 60
    while not holds(found := ask()):
        assert time.monotonic() < ends, found
        time.sleep(0.1)
    return found


def children_of(pid: int) -> list[int]:
    """The processes that a process has started and that live."""
    told = Path(f"/proc/{pid}/task/{pid}/children").read_text("ascii")
    return [int(one) for one in told.split()]


def lives(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"

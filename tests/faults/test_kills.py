"""kill -9: what was accepted is on the ledger once, whatever the process was about to do."""

from __future__ import annotations

import csv
import fcntl
import random
import signal
import sqlite3
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from tests.person import Person
from tests.signing import STATEMENTS, account, prepared, submission
from tests.small_office import CIVIL_AFFAIRS, EDUCATION, PUBLISHED, entry

WAIT = {"wait": 30, "until": "verified"}


def submit(client: httpx.Client, person: Person, number: int) -> str:
    """Hand in a draft of the education bureau; returns the receipt of a 202."""
    ready = prepared(
        client,
        "Filing",
        EDUCATION,
        {"entry": entry(f"318001/{number:06}"), "state": "draft"},
    )
    answer = client.post(STATEMENTS, json=submission(ready, account(person, "education-steward")))
    assert answer.status_code == 202, answer.text
    return str(answer.json()["receipt"])


def times_on_the_ledger(person: Person, code: str) -> int:
    return len(person.run("catalogue", "history", code, "--json").json()["acts"])


def test_a_server_killed_after_202_records_the_statement_once_when_it_is_back(
    office: Person,
) -> None:
    with (office.data_dir / "duty.lock").open("a+") as duty:
        # Whoever holds the duty lock is the one who sends: while the server runs, nobody does.
        fcntl.flock(duty, fcntl.LOCK_EX)
        with (
            office.started("serve", "--port", "0") as server,
            httpx.Client(base_url=server.address(), timeout=60) as client,
        ):
            receipt = submit(client, office, 100)
            server.end(signal.SIGKILL)
    assert office.run("catalogue", "show", "318001/000100", expect=4).out == ""
    with office.running("serve", "--port", "0") as url, httpx.Client(base_url=url) as client:
        found = client.get(f"{STATEMENTS}/{receipt}", params=WAIT, timeout=60).json()
        assert found["state"] == "verified", found
    assert times_on_the_ledger(office, "318001/000100") == 1


def test_servers_killed_at_any_moment_lose_nothing_and_record_nothing_twice(
    office: Person,
) -> None:
    moments = random.Random(20260501)  # noqa: S311 - moments, not secrets
    receipts: list[str] = []
    for round_ in range(3):
        with office.started("serve", "--port", "0") as server:
            with httpx.Client(base_url=server.address(), timeout=60) as client:
                receipts += [submit(client, office, 200 + 10 * round_ + n) for n in range(3)]
            time.sleep(moments.uniform(0, 0.4))
            server.end(signal.SIGKILL)
    with office.running("serve", "--port", "0") as url, httpx.Client(base_url=url) as client:
        for receipt in receipts:
            found = client.get(f"{STATEMENTS}/{receipt}", params=WAIT, timeout=60).json()
            assert found["state"] == "verified", found
    for round_ in range(3):
        for n in range(3):
            assert times_on_the_ledger(office, f"318001/{200 + 10 * round_ + n:06}") == 1
    assert office.run("mirror", "verify", "--json").json()["findings"] == []
    assert office.run("chain", "fsck").code == 0


def test_a_command_killed_after_signing_is_finished_by_the_next_one(office: Person) -> None:
    """The statement waits in the outbox; the next command that signs sends it first."""
    with (office.data_dir / "duty.lock").open("a+") as duty:
        fcntl.flock(duty, fcntl.LOCK_EX)
        with office.started(
            "catalogue", "suspend", PUBLISHED, "--key", "authority", "--reason", "系统升级"
        ) as command:
            wait_for(
                office, "desk.db", "SELECT count(*) FROM outbox_receipt WHERE state='accepted'"
            )
            command.end(signal.SIGKILL)
    assert times_on_the_ledger(office, PUBLISHED) == 2
    office.run("catalogue", "resume", PUBLISHED, "--key", "authority")
    acts = office.run("catalogue", "history", PUBLISHED, "--json").json()["acts"]
    assert [act["state"] for act in acts] == ["submitted", "published", "suspended", "published"]


def wait_for(person: Person, database: str, question: str, least: int = 1) -> None:
    """Until the answer to a SQL question in one of the person's databases is at least so much."""
    ends = time.monotonic() + 60
    while time.monotonic() < ends:
        with closing(sqlite3.connect(person.data_dir / database, timeout=10)) as connection:
            if connection.execute(question).fetchone()[0] >= least:
                return
        time.sleep(0.02)
    pytest.fail(f"never came true: {question} >= {least}")


MAPPING: dict[str, Any] = {
    "name": "sample",
    "title": "样例区公共数据开放平台",
    "identity": ["url"],
    "columns": {"name": "title", "provider_name": "publisher", "abstract": "about"},
    "constants": {"library": "department"},
    "code": {"category": "3", "item": "07", "section": "015"},
}
PUBLISHERS = ("示范区教育局", "示范区民政局", "示范区水务局")
ROWS = 60


def sample(place: Path) -> tuple[Path, Path, Path]:
    """A catalogue of three publishers, its mapping, and the table with the codes that are known."""
    mapping = place / "mapping.yaml"
    mapping.write_text(yaml.safe_dump(MAPPING, allow_unicode=True), "utf-8")
    catalogue = place / "catalogue.csv"
    with catalogue.open("w", encoding="utf-8", newline="") as stream:
        rows = csv.writer(stream)
        rows.writerow(["title", "publisher", "about", "url"])
        for publisher in PUBLISHERS:
            for n in range(ROWS):
                name = f"{publisher[3:]}第{n}类登记信息"
                rows.writerow(
                    [name, publisher, f"{name}的登记情况", f"https://data.example/{name}"]
                )
    publishers = place / "publishers.csv"
    publishers.write_text(
        f"name,code,parent,ordinal,entries,note\n示范区教育局,{EDUCATION},,1,,\n"
        f"示范区民政局,{CIVIL_AFFAIRS},,2,,\n",
        "utf-8",
    )
    return catalogue, mapping, publishers


def test_an_import_killed_half_way_goes_on_and_imports_nothing_twice(office: Person) -> None:
    catalogue, mapping, publishers = sample(office.place)
    words = (
        *("catalogue", "import", catalogue, "--mapping", mapping, "--publishers", publishers),
        *("--apply", "--authority", "authority"),
    )
    preview = office.run(*words[:-3], "--json").json()
    assert (preview["plan"]["new"], preview["recorded"]) == (len(PUBLISHERS) * ROWS, 0)

    filed = "SELECT count(*) FROM import_batch"
    for batches in (1, 2):
        with office.started(*words) as command:
            wait_for(office, "desk.db", filed, batches)
            command.end(signal.SIGKILL)
    finished = office.run(*words, "--json").json()
    assert finished["plan"]["refused"] == 0

    found = office.run("catalogue", "search", "登记信息", "--limit", "500", "--json").json()
    assert found["total"] == len(PUBLISHERS) * ROWS
    assert {one["version"] for one in found["entries"]} == {1}
    assert len({one["name"] for one in found["entries"]}) == len(PUBLISHERS) * ROWS
    again = office.run(*words, "--json").json()
    assert (again["plan"]["unchanged"], again["recorded"]) == (len(PUBLISHERS) * ROWS, 0)
    assert office.run("mirror", "verify", "--json").json()["findings"] == []

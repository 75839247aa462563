"""kill -9 while lineage events come in: what was acknowledged is in the journal, byte for byte."""

from __future__ import annotations

import random
import signal
import threading
import time

import httpx

from ledger.lineage import queries
from ledger.lineage.entries import event_of
from ledger.office import Office
from ledger.settings import load_settings
from tests.lineage.events import encoded, run_event
from tests.person import Person, Process

PATH = "/api/v1/lineage"


def hand_in(
    url: str, token: str, worker: int, kept: dict[int, bytes], stop: threading.Event
) -> None:
    """Send one event after the other until the server is gone; remember what it acknowledged."""
    with httpx.Client(
        base_url=url, headers={"authorization": f"Bearer {token}"}, timeout=10
    ) as client:
        number = 0
        while not stop.is_set():
            number += 1
            body = encoded(
                run_event(1 + number, job=f"{url}-{worker}-{number}", inputs=("a",) * (number % 40))
            )
            try:
                answer = client.post(PATH, content=body)
            except httpx.HTTPError:
                return
            assert answer.status_code == 201, answer.text
            kept[answer.json()["position"]] = body


def load_until_killed(server: Process, token: str, kept: dict[int, bytes], seconds: float) -> None:
    url, stop = server.address(), threading.Event()
    threads = [
        threading.Thread(target=hand_in, args=(url, token, worker, kept, stop))
        for worker in range(4)
    ]
    for thread in threads:
        thread.start()
    time.sleep(seconds)
    server.end(signal.SIGKILL)
    stop.set()
    for thread in threads:
        thread.join()


def test_servers_killed_under_load_keep_every_acknowledged_event(office: Person) -> None:
    office.more["GOVLEDGER_JOURNAL_KEY"] = "collector"
    office.more["GOVLEDGER_JOURNAL_SECONDS"] = "1"
    token = office.run("token", "create", "--scope", "lineage:write", "--json").json()["token"]
    moments = random.Random(20260501)  # noqa: S311 - moments, not secrets
    kept: dict[int, bytes] = {}
    for _ in range(2):
        before = len(kept)
        with office.started("serve", "--port", "0") as server:
            load_until_killed(server, token, kept, moments.uniform(0.4, 1.2))
        assert len(kept) > before
    assert "whole: " in office.run("journal", "fsck").out
    office.run("journal", "anchor")
    flags = {"passphrase": office.passphrase}
    with Office(load_settings(flags, {}, office.data_dir)) as opened:
        journal = opened.lineage.journal
        for position, body in kept.items():
            assert event_of(journal.entry(position))[1] == body
        opened.lineage.edges.catch_up()
        with opened.read() as connection:
            counts = queries.counts(connection)
            anchored = queries.newest_checkpoint(connection, journal.origin)
        assert counts.folded == journal.size
        assert counts.runs == journal.size
        assert anchored is not None
        assert anchored.size == journal.size
    assert "whole: " in office.run("journal", "fsck").out
    assert office.run("mirror", "verify", "--json").json()["findings"] == []

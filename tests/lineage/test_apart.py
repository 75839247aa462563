"""Edges made in a process of their own: the same edges, and nothing lost or left behind however it ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import msgspec
import pytest
from sqlalchemy import Engine

from ledger.lineage import apart, keeper
from ledger.lineage.apart import FoldingFailed, Order, fold_apart
from ledger.lineage.edges import Edges
from ledger.lineage.keeper import LineageKeeper
from ledger.store.engine import open_database
from tests.lineage.events import columns, dataset, encoded, entries, run_event
from tests.lineage.test_edges import Desk

SECONDS = 60.0
EVENTS = [
    run_event(
        number, minute=number, job=f"job-{number % 5}", inputs=(f"in-{number % 7}",), outputs=("o",)
    )
    for number in range(40)
]


def until(holds: Callable[[], bool]) -> None:
    ends = time.monotonic() + SECONDS
    while not holds() and time.monotonic() < ends:
        time.sleep(0.02)
    assert holds()


def order_for(desk: Desk, idle_seconds: float = SECONDS) -> Order:
    url = desk.engine.url.render_as_string(hide_password=False)
    return Order(str(desk.journal.place), url, shared=False, idle_seconds=idle_seconds)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(tmp_path)
    yield made
    made.close()


def test_another_process_makes_the_same_edges_and_ends_when_nothing_comes(
    desk: Desk, tmp_path: Path
) -> None:
    desk.journal.append(entries(*EVENTS))
    looks: list[None] = []
    fold_apart(order_for(desk, 0.0), threading.Event(), lambda: looks.append(None))
    assert looks
    assert desk.edges.folded() == len(EVENTS)
    apart_from_it = desk.everything()
    engine = open_database(f"sqlite:///{tmp_path / 'other.db'}", "mirror")
    try:
        Edges(engine, desk.journal).catch_up()
        desk.engine.dispose()
        desk.engine = engine
        assert desk.everything() == apart_from_it
    finally:
        engine.dispose()


def test_a_process_that_cannot_fold_says_why(desk: Desk, tmp_path: Path) -> None:
    order = msgspec.structs.replace(order_for(desk), journal=str(tmp_path / "nothing"))
    with pytest.raises(FoldingFailed, match=r"JournalError: .*nothing holds no journal"):
        fold_apart(order, threading.Event(), lambda: None)


def children() -> set[int]:
    """Processes that threads of this one started, and that make edges."""
    found: set[int] = set()
    for listed in Path("/proc/self/task").glob("*/children"):
        found.update(map(int, listed.read_text("ascii").split()))
    told = {pid: Path(f"/proc/{pid}/cmdline") for pid in found}
    return {pid for pid, line in told.items() if b"ledger.lineage.apart" in line.read_bytes()}


def test_a_server_under_load_has_them_made_apart_and_goes_on_where_that_process_is_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeper, "MUCH", 10)
    monkeypatch.setattr(keeper, "_AFTER_TROUBLE_SECONDS", 0.05)
    engine: Engine = open_database(f"sqlite:///{tmp_path / 'mirror.db'}", "mirror")
    kept = LineageKeeper(tmp_path, engine, "0x" + "11" * 20)
    stop = threading.Event()
    errors: list[Exception] = []
    thread = threading.Thread(target=kept.stand, args=(stop, errors.append))
    thread.start()
    try:
        some, more = [encoded(event) for event in EVENTS[:20]], list(map(encoded, EVENTS[20:]))
        kept.append(some, door="api", organisation="")
        until(lambda: bool(children()))
        (child,) = children()
        kept.append(more, door="api", organisation="")
        until(lambda: kept.edges.folded() == len(EVENTS))
        assert children() == {child}
        assert errors == []
        os.kill(child, signal.SIGKILL)
        until(lambda: bool(errors))
        assert "status -9" in str(errors[0])
        kept.append(some, door="api", organisation="")
        until(lambda: kept.edges.folded() == len(EVENTS) + len(some))
    finally:
        stop.set()
        thread.join(SECONDS)
        kept.close()
        engine.dispose()
    assert not thread.is_alive()
    assert children() == set()


def test_a_machine_without_room_for_another_process_folds_in_the_server(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeper, "MUCH", 10)
    monkeypatch.setattr(apart.sys, "executable", str(tmp_path / "no-such-program"))
    engine = open_database(f"sqlite:///{tmp_path / 'mirror.db'}", "mirror")
    kept = LineageKeeper(tmp_path, engine, "0x" + "11" * 20)
    stop = threading.Event()
    errors: list[Exception] = []
    thread = threading.Thread(target=kept.stand, args=(stop, errors.append))
    thread.start()
    try:
        for _ in range(3):
            kept.append([encoded(event) for event in EVENTS], door="api", organisation="")
            until(lambda: kept.edges.folded() == kept.journal.size)
    finally:
        stop.set()
        thread.join(SECONDS)
        kept.close()
        engine.dispose()
    assert errors == []


def test_whoever_keeps_edges_looks_ahead_so_that_no_event_waits_for_a_shared_mirror(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now, looks = [100.0], []
    monkeypatch.setattr(keeper, "time", SimpleNamespace(monotonic=lambda: now[0]))
    monkeypatch.setattr(keeper, "origin_followed", lambda _: looks.append(now[0]) or "another")
    engine = open_database(f"sqlite:///{tmp_path / 'mirror.db'}", "mirror")
    kept = LineageKeeper(tmp_path, engine, "0x" + "11" * 20, shared=True)
    try:
        assert kept.elsewhere() == "another"
        for now[0] in (100.3, 100.6, 101.2, 101.8):  # ahead of whoever asks, each half second
            kept._look_ahead()
            assert kept.elsewhere() == "another"
        assert looks == [100.0, 100.6, 101.2, 101.8]
        now[0] = 110.0  # nobody asked for a while: nobody looks
        kept._look_ahead()
        assert looks[-1] == 101.8
        kept.elsewhere()
        assert looks[-1] == 110.0
    finally:
        kept.close()
        engine.dispose()


def test_it_ends_with_whoever_started_it(desk: Desk) -> None:
    desk.journal.append(entries(*EVENTS))
    with subprocess.Popen(
        [sys.executable, "-m", "ledger.lineage.apart"],
        stdin=subprocess.PIPE,
        cwd=apart._ROOT,
    ) as process:
        assert process.stdin is not None
        process.stdin.write(msgspec.json.encode(order_for(desk)) + b"\n")
        process.stdin.flush()
        until(lambda: desk.edges.folded() == len(EVENTS))
        process.stdin.close()
        assert process.wait(SECONDS) == 0


def test_an_event_whose_data_sets_were_read_before_is_read_the_same(desk: Desk) -> None:
    named = dataset("t", schema={"fields": [{"name": "a"}]}, version={"datasetVersion": "7"})
    told = columns(x=[("t", "a")])
    event = run_event(1) | {
        "inputs": [named, named],
        "outputs": [dataset("t", schema={"fields": [{"name": "a"}]}, columnLineage=told)],
    }
    desk.tell(event, run_event(1, "START") | {"inputs": event["inputs"]})
    again = Desk(desk.place / "again")
    try:
        again.tell(event, run_event(1, "START") | {"inputs": event["inputs"]})
        assert again.everything().keys() == desk.everything().keys()
        for name, rows in desk.everything().items():
            if name != "lineage_cursor":
                assert again.everything()[name] == rows
        assert again.held() == {"load<t", "load>t"}
    finally:
        again.close()

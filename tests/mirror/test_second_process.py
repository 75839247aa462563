"""Work that a second process does beside the first one: the same rows, also where it is lost half-way."""

from __future__ import annotations

import gc
import os
import signal
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, select

from ledger.capabilities import PROJECTIONS, RULEBOOKS
from ledger.chain.interface import ChainError
from ledger.mirror import Mirror, examining, second_process, side_by_side, tables
from ledger.mirror.collecting import SELDOM, collecting_seldom
from ledger.mirror.examining import Examining
from ledger.mirror.second_process import LostError, SecondProcess
from ledger.mirror.side_by_side import derived_tables
from ledger.store.engine import open_database
from tests.mirror.here import in_this_process
from tests.mirror.world import District
from tests.simulator import SimulatedChain


@pytest.fixture(scope="module")
def world() -> District:
    """A little of everything, some of it malformed."""
    return District(SimulatedChain(District.genesis, rulebooks=RULEBOOKS)).found().live()


@pytest.fixture(scope="module")
def alone(world: District, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mirror]:
    """What one process made of it."""
    place = tmp_path_factory.mktemp("alone") / "mirror.db"
    mirror = mirror_of(world, open_database(f"sqlite:///{place}", "mirror"))
    mirror.catch_up()
    yield mirror
    mirror.engine.dispose()


@pytest.fixture
def beside(monkeypatch: pytest.MonkeyPatch) -> None:
    """Any work is long enough, on any machine."""
    monkeypatch.setattr(second_process, "LONG", 1)
    monkeypatch.setattr(second_process, "cores", lambda: 2)


def mirror_of(world: District, engine: Engine) -> Mirror:
    return Mirror(engine, world.sim, world.sim.origin, PROJECTIONS, RULEBOOKS)


def rows(engine: Engine) -> dict[str, list[tuple[Any, ...]]]:
    kept = (tables.statement, tables.cursor, *derived_tables(PROJECTIONS))
    with engine.connect() as conn:
        return {
            table.name: sorted(map(tuple, conn.execute(select(table))), key=repr) for table in kept
        }


@pytest.mark.usefixtures("beside")
def test_a_process_that_would_have_to_wait_examines_itself(
    alone: Mirror, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = rows(alone.engine)
    monkeypatch.setattr(side_by_side, "CHUNK", 3)
    here: list[int] = []
    examine = examining.examine

    def counted(*given: Any) -> Any:
        here.append(len(given[1]))
        return examine(*given)

    monkeypatch.setattr(examining, "examine", counted)
    for behind in (0, 1):
        monkeypatch.setattr(examining, "BEHIND", behind)
        here.clear()
        alone.rebuild()
        assert rows(alone.engine) == before
        report = alone.verify(use_chain=False)
        assert report.ok, report.findings
        assert report.counts["rules"] == report.counts["leaves"]
        if behind == 0:
            assert sum(here) == 2 * report.counts["leaves"]


@pytest.mark.usefixtures("beside")
def test_a_second_process_makes_the_rows_that_one_makes(
    world: District, alone: Mirror, database_url: str
) -> None:
    engine = open_database(database_url, "mirror")
    mirror = mirror_of(world, engine)
    mirror.catch_up()
    assert rows(engine) == rows(alone.engine)
    mirror.rebuild()
    assert rows(engine) == rows(alone.engine)
    report = mirror.verify(use_chain=False)
    assert report.ok, report.findings
    assert report.counts["rules"] == report.counts["leaves"] == world.sim.size
    engine.dispose()


@pytest.mark.usefixtures("beside")
def test_a_second_process_that_is_lost_is_done_without(
    world: District, alone: Mirror, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = open_database(f"sqlite:///{tmp_path / 'mirror.db'}", "mirror")
    asked: list[int] = []
    ask = SecondProcess.ask

    def killing(process: SecondProcess, message: Any) -> Any:
        asked.append(len(message))
        if len(asked) == 3:
            os.kill(process.pid, signal.SIGKILL)
        return ask(process, message)

    monkeypatch.setattr(SecondProcess, "ask", killing)
    world.sim.max_log_range = 3
    mirror_of(world, engine).catch_up()
    assert len(asked) >= 3
    assert rows(engine) == rows(alone.engine)
    engine.dispose()


@pytest.mark.usefixtures("beside")
def test_a_chain_that_fails_ahead_loses_nothing_of_the_part_before(
    world: District, alone: Mirror, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = open_database(f"sqlite:///{tmp_path / 'mirror.db'}", "mirror")
    world.sim.max_log_range = 3
    logs = world.sim.logs

    def gone_later(address: bytes, first: int, last: int, *rest: Any) -> Any:
        if last > 12:
            raise ChainError("the node is gone")
        return logs(address, first, last, *rest)

    sizes: list[int] = []
    with monkeypatch.context() as patched:
        patched.setattr(world.sim, "logs", gone_later)
        with pytest.raises(ChainError, match="gone"):
            mirror_of(world, engine).catch_up(lambda cursor: sizes.append(cursor.block_number))
    assert sizes[-1] + world.sim.max_log_range > 12
    mirror_of(world, engine).catch_up()
    assert rows(engine) == rows(alone.engine)
    engine.dispose()


def test_short_work_is_done_by_one_process() -> None:
    with Examining(PROJECTIONS, second_process.LONG - 1) as examined:
        assert not examined.is_beside


def test_circles_are_looked_for_as_before_once_long_work_is_done() -> None:
    before = gc.get_threshold()
    with Examining(PROJECTIONS, second_process.LONG - 1):
        assert gc.get_threshold() == before
    with collecting_seldom():
        with collecting_seldom():
            assert gc.get_threshold()[0] == SELDOM
        assert gc.get_threshold()[0] == SELDOM
    assert gc.get_threshold() == before


@pytest.mark.usefixtures("beside")
def test_threads_take_turns_as_before_once_the_last_second_process_is_done() -> None:
    before = sys.getswitchinterval()
    with Examining(PROJECTIONS, second_process.LONG):
        with Examining(PROJECTIONS, second_process.LONG):
            assert sys.getswitchinterval() <= second_process.TURN_SECONDS
        assert sys.getswitchinterval() <= second_process.TURN_SECONDS < before
    assert sys.getswitchinterval() == before


@pytest.mark.usefixtures("beside")
def test_one_process_does_it_where_no_second_one_can_be_started(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "gone"))
    with Examining(PROJECTIONS, second_process.LONG) as examined:
        assert not examined.is_beside


def test_what_a_second_process_cannot_do_is_told() -> None:
    process = SecondProcess(abs)
    try:
        assert process.ask(-3).result() == 3
        asked = [process.ask("three"), process.ask(-4)]
    finally:
        process.close()
    for each in asked:
        with pytest.raises(LostError):
            each.result()


@pytest.fixture
def tampered(alone: Mirror, tmp_path: Path) -> Iterator[Mirror]:
    """A mirror like the one that one process made, to be altered."""
    place = tmp_path / "tampered.db"
    with closing(sqlite3.connect(str(alone.engine.url.database))) as conn:
        conn.execute("VACUUM INTO ?", (str(place),))
    engine = open_database(f"sqlite:///{place}", "mirror")
    yield Mirror(engine, alone.chain, alone.origin, PROJECTIONS, RULEBOOKS)
    engine.dispose()


@pytest.mark.usefixtures("beside")
@pytest.mark.parametrize(
    "change",
    [
        "UPDATE authorisation SET signature = zeroblob(65) WHERE first_index = 3",
        "UPDATE authorisation SET count = count + 1 WHERE first_index = 3",
        "UPDATE authorisation SET count = 'many' WHERE first_index = 3",
        "DELETE FROM authorisation WHERE first_index = 3",
        "UPDATE authorisation SET first_index = 1000 WHERE first_index = 3",
        "UPDATE authorisation SET registry = zeroblob(20) WHERE first_index = 3",
        "UPDATE statement SET version = 2 WHERE index_ = 4",
        "UPDATE catalogue_item_names SET item_count = 99",
    ],
)
def test_what_two_processes_find_is_what_one_finds(
    tampered: Mirror, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    with tampered.engine.begin() as conn:
        conn.exec_driver_sql(change)
    with monkeypatch.context() as short:
        short.setattr(second_process, "cores", lambda: 1)
        told = tampered.verify(use_chain=False)
    assert not (told.ok and told.complete)
    asked = in_this_process(monkeypatch)
    assert tampered.verify(use_chain=False) == told
    assert asked

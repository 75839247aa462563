"""Work that a second process does beside the first one: the same rows, also where it is lost half-way."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, select

from ledger.capabilities import PROJECTIONS, RULEBOOKS
from ledger.chain.interface import ChainError
from ledger.mirror import Mirror, second_process, tables
from ledger.mirror.examining import Examining
from ledger.mirror.second_process import LostError, SecondProcess
from ledger.mirror.side_by_side import derived_tables
from ledger.store.engine import open_database
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
def test_a_second_process_makes_the_rows_that_one_makes(
    world: District, alone: Mirror, database_url: str
) -> None:
    engine = open_database(database_url, "mirror")
    mirror = mirror_of(world, engine)
    mirror.catch_up()
    assert rows(engine) == rows(alone.engine)
    mirror.rebuild()
    assert rows(engine) == rows(alone.engine)
    report = mirror.verify()
    assert report.ok, report.findings
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
    world: District, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
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
    assert mirror_of(world, engine).verify().ok
    engine.dispose()


def test_short_work_is_done_by_one_process() -> None:
    with Examining(PROJECTIONS, second_process.LONG - 1) as examining:
        assert not examining.is_beside


def test_what_a_second_process_cannot_do_is_told() -> None:
    process = SecondProcess(abs)
    try:
        assert process.ask(-3).result() == 3
        with pytest.raises(LostError):
            process.ask("three").result()
    finally:
        process.close()

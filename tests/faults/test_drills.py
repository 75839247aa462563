"""Drills are done when they are due, give way, are remembered, and raise an alarm that has a page."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, delete, func, insert, select, update

from api.alarms import ALARMS, alarms_of
from api.app import create_app
from api.context import Context
from api.state import measurements, readiness
from ledger.drilling import NAMES
from ledger.drills.drills import HOUR_MS, KEPT, Drill, Drills, Found, Rest, Unavailable
from ledger.drills.models import DRILL_RUN, Outcome
from ledger.lineage.checking import check_folded
from ledger.lineage.keeper import LineageKeeper
from ledger.lineage.models import EDGES, JOBS
from ledger.mirror.verification.report import Report
from ledger.office import Office
from ledger.settings import load_settings
from ledger.store.engine import open_database, writing
from tests.person import Person

ROOT = Path(__file__).resolve().parents[2]
HOUR = HOUR_MS / 1000


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Engine]:
    engine = open_database(f"sqlite:///{tmp_path / 'desk.db'}", "desk")
    yield engine
    engine.dispose()


class Clock:
    now = 1_770_000_000.0

    def __call__(self) -> float:
        return self.now


def sound(rest: Rest) -> Found:
    rest()
    return Found(7)


def drills_at(desk: Engine, clock: Clock, *drills: Drill, hours: int = 24) -> Drills:
    return Drills(desk, drills or [Drill("mirror", sound)], hours=hours, share=100, clock=clock)


def test_a_drill_is_due_once_an_interval(desk: Engine) -> None:
    clock = Clock()
    drills = drills_at(desk, clock, Drill("mirror", sound), Drill("replay", sound, 7))
    assert drills.due() == "mirror"
    run = drills.run("mirror")
    assert (run.outcome, run.checked, run.said) == (Outcome.PASSED, 7, ())
    assert drills.due() == "replay"
    drills.run("replay")
    assert drills.due() is None
    clock.now += 25 * HOUR
    assert drills.due() == "mirror"
    drills.run("mirror")
    assert drills.due() is None
    clock.now += 6 * 24 * HOUR
    drills.run("mirror")
    assert drills.due() == "replay"
    assert drills_at(desk, clock, hours=0).due() is None


def test_what_another_process_does_is_not_begun_and_what_died_with_it_is(desk: Engine) -> None:
    clock = Clock()
    drills = drills_at(desk, clock)
    drills._begin("mirror")
    assert drills.due() is None
    assert drills.newest()["mirror"].outcome is Outcome.RUNNING
    clock.now += 0.5 * HOUR
    assert drills.due() == "mirror"


def test_a_drill_that_finds_something_is_remembered_in_both_languages(desk: Engine) -> None:
    drills = drills_at(desk, Clock(), Drill("fsck", lambda _: Found(3, [("坏", "bad")])))
    assert drills.run("fsck").outcome is Outcome.FAILED
    assert drills.failed() == ["fsck"]
    assert drills.newest()["fsck"].said == (("坏", "bad"),)


def test_a_drill_that_cannot_be_done_is_no_failure_and_hides_none(desk: Engine) -> None:
    clock, answers = Clock(), iter([True, False])

    def work(_: Rest) -> Found:
        if next(answers):
            return Found(1, [("坏", "bad")])
        raise Unavailable("链无法访问", "the chain is away")

    drills = drills_at(desk, clock, Drill("mirror", work))
    drills.run("mirror")
    assert drills.run("mirror").outcome is Outcome.UNFINISHED
    assert drills.failed() == ["mirror"]
    assert drills.due() is None
    clock.now += 0.5 * HOUR
    assert drills.due() == "mirror"


def test_a_drill_that_breaks_is_told_and_remembered(desk: Engine) -> None:
    def work(_: Rest) -> Found:
        raise ValueError("nobody thought of this")

    drills = drills_at(desk, Clock(), Drill("mirror", work))
    with pytest.raises(ValueError, match="nobody"):
        drills.run("mirror")
    assert drills.newest()["mirror"].outcome is Outcome.UNFINISHED
    assert "nobody" in drills.newest()["mirror"].said[0][1]


def test_a_run_dated_ahead_by_a_clock_that_was_wrong_puts_no_drill_off(desk: Engine) -> None:
    clock = Clock()
    drills = drills_at(desk, clock)
    clock.now += 400 * 24 * HOUR
    drills.run("mirror")
    assert drills.due() is None
    clock.now -= 400 * 24 * HOUR
    assert drills.due() == "mirror"


def test_a_drill_ends_with_the_server_and_is_no_success(desk: Engine) -> None:
    stop, steps = threading.Event(), []

    def work(rest: Rest) -> Found:
        for step in range(100):
            steps.append(step)
            if step == 3:
                stop.set()
            rest()
        return Found(100)

    drills = drills_at(desk, Clock(), Drill("mirror", work))
    errors: list[Exception] = []
    drills.stand(stop, errors.append, first=0, look=0)
    assert (len(steps), errors) == (4, [])
    assert drills.newest()["mirror"].outcome is Outcome.UNFINISHED
    assert "stopped" in drills.newest()["mirror"].said[0][1]


def test_only_so_many_runs_are_kept(desk: Engine) -> None:
    drills = drills_at(desk, Clock())
    for _ in range(KEPT + 3):
        drills.run("mirror")
    with desk.connect() as connection:
        assert connection.execute(select(func.count()).select_from(DRILL_RUN)).scalar_one() == KEPT


def test_a_drill_that_does_not_get_done_is_overdue(desk: Engine) -> None:
    clock = Clock()
    drills = drills_at(desk, clock)
    started = clock.now
    assert drills.overdue(started) == []
    clock.now += 73 * HOUR
    assert drills.overdue() == []
    assert drills.overdue(started) == ["mirror"]
    drills.run("mirror")
    assert drills.overdue(started) == []
    clock.now += 73 * HOUR
    assert drills.overdue() == ["mirror"]
    assert drills_at(desk, clock, hours=0).overdue() == []


def test_every_alarm_has_a_page_and_every_page_an_alarm() -> None:
    text = (ROOT / "docs" / "runbook.md").read_text("utf-8")
    assert re.findall(r"^## (\S+)$", text, re.MULTILINE) == list(ALARMS)
    pages = re.split(r"^## ", text, flags=re.MULTILINE)[1:]
    for page in pages:
        assert "**Means**" in page
        assert re.search(r"[一-鿿]{4}", page)
        assert "**Check" in page
        assert "do** " in page.lower()


def test_every_part_that_is_not_well_raises_its_alarm() -> None:
    well: dict[str, dict[str, Any]] = {
        name: {"ok": True}
        for name in ("chain", "mirror", "outbox", "duty", "lineage", "drills", "disk")
    }
    assert alarms_of(well) == []
    for name in well.keys() - {"disk"}:
        (alarm,) = alarms_of(well | {name: {"ok": False}})
        assert alarm in ALARMS
    for name in NAMES:
        (alarm,) = alarms_of(well | {"drills": {"ok": False, "failed": [name]}})
        assert alarm == f"drill_{name}_failed"
        assert alarm in ALARMS
    assert alarms_of(well | {"drills": {"ok": True, "overdue": ["fsck"]}}) == ["drill_overdue"]
    assert alarms_of(well | {"mirror": {"ok": True, "ahead": 0}}) == []
    assert alarms_of(well | {"mirror": {"ok": True, "ahead": 2}}) == ["node_behind"]
    assert alarms_of(well | {"disk": {"ok": True, "low": False}}) == []
    assert alarms_of(well | {"disk": {"ok": True, "low": True}}) == ["disk_low"]


def drill_alarms(context: Context) -> list[str]:
    """What is wrong by the drills; that nobody is on duty is true of an application that is not served."""
    return [one for one in readiness(context)[1]["alarms"] if one != "duty_trouble"]


def test_a_mirror_that_was_altered_raises_an_alarm_until_it_is_mended(office: Person) -> None:
    with Office(load_settings(env={}, data_dir=office.data_dir)) as opened:
        context = create_app(opened).state.context
        for name in ("mirror", "fsck", "replay"):
            assert opened.drills.run(name, share=100).outcome is Outcome.PASSED
        assert drill_alarms(context) == []
        with writing(opened.mirror_engine) as connection:
            connection.exec_driver_sql("UPDATE catalogue_entry SET name = '改过的名称'")
        assert opened.drills.run("mirror", share=100).outcome is Outcome.FAILED
        ready, document = readiness(context)
        assert (ready, drill_alarms(context)) == (False, ["drill_mirror_failed"])
        assert document["checks"]["drills"]["failed"] == ["mirror"]
        assert measurements(context)["drill_mirror_failed"] == 1
        assert measurements(context)["drill_fsck_failed"] == 0
    ran = office.run("drills", expect=5)
    assert "drills failed: mirror" in ran.err
    assert "runbook" in ran.err
    office.run("mirror", "rebuild")
    told = office.run("drills", "--run", "mirror", "--json").json()
    assert told["newest"]["mirror"]["outcome"] == "passed"
    office.language = "zh"
    assert "通过" in office.run("drills").out
    assert "没有名为" in office.run("drills", "--run", "teeth", expect=2).err


@pytest.fixture
def keeper(tmp_path: Path) -> Iterator[tuple[LineageKeeper, Engine]]:
    """A journal of three runs, folded."""
    engine = open_database(f"sqlite:///{tmp_path / 'mirror.db'}", "mirror")
    made = LineageKeeper(tmp_path, engine, "0x" + "11" * 20)
    events = [
        json.dumps(
            {
                "eventType": "COMPLETE",
                "eventTime": f"2026-05-0{day}T00:00:00Z",
                "producer": "https://example.org/test",
                "schemaURL": "https://openlineage.io/spec/2-0-2/OpenLineage.json",
                "run": {"runId": f"0f0e0d0c-0000-4000-8000-00000000000{day}"},
                "job": {"namespace": "n", "name": f"j{day}"},
                "inputs": [{"namespace": "n", "name": f"a{day}"}],
                "outputs": [{"namespace": "n", "name": "b"}],
            }
        ).encode()
        for day in (1, 2, 3)
    ]
    made.append(events, door="api", organisation="TMP-HEALTH")
    made.edges.catch_up()
    yield made, engine
    made.close()
    engine.dispose()


def folded(keeper: LineageKeeper, engine: Engine) -> Report:
    report = Report()
    check_folded(engine, keeper.journal, report)
    return report


def test_tables_of_lineage_are_held_against_a_second_fold(
    keeper: tuple[LineageKeeper, Engine],
) -> None:
    made, engine = keeper
    report = folded(made, engine)
    assert report.ok
    assert report.counts["journal_entries"] == 3
    assert report.counts["folded_rows"] > 12
    made.append([b"{}"], door="api", organisation="TMP-HEALTH")
    assert folded(made, engine).ok  # what came since is for the next time


def test_a_row_of_lineage_that_was_altered_taken_or_added_is_named(
    keeper: tuple[LineageKeeper, Engine],
) -> None:
    made, engine = keeper
    with writing(engine) as conn:
        conn.execute(update(JOBS).where(JOBS.c.name == "j1").values(name="other"))
    (finding,) = folded(made, engine).findings
    assert (finding.kind, finding.table, finding.column) == ("lineage", "lineage_job", "name")
    assert "'j1'" in finding.en
    assert "应为" in finding.zh
    with writing(engine) as conn:
        conn.execute(update(JOBS).where(JOBS.c.name == "other").values(name="j1"))
        kept = conn.execute(select(EDGES)).mappings().first()
        conn.execute(delete(EDGES).where(EDGES.c.pos_from == 1))
        assert kept is not None
        conn.execute(insert(EDGES).values({**kept, "dataset_id": 1}))
    said = [one.en for one in folded(made, engine).findings]
    assert sum("is missing" in one for one in said) == 2
    assert sum("follows from no entry" in one for one in said) == 1


def test_tables_of_another_journal_are_told(
    keeper: tuple[LineageKeeper, Engine], tmp_path: Path
) -> None:
    _, engine = keeper
    other = LineageKeeper(tmp_path / "other", engine, "0x" + "22" * 20)
    (finding,) = folded(other, engine).findings
    assert "entries of govledger/1111" in finding.en
    other.close()

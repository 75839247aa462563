"""Data sets in use that nobody catalogued, as the audit counts them: from the chain, and with a journal."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ledger.audits.audit import AuditError
from ledger.audits.report import dataset_line, measures, report_bytes, report_head
from ledger.audits.scope import Scope
from ledger.codes import EntryState, Library
from ledger.journal.journal import Journal
from ledger.lineage.edges import Edges
from tests.audits.world import DATA, PARKS, ROADS, WATER
from tests.lineage.events import NAMESPACE, dataset, run_event
from tests.lineage.finding_world import Pipelines, hand_in
from tests.person import Person
from tests.small_office import EDUCATION, PUBLISHED

PEOPLE, STREETS = "307015/000001", "307015/000002"


@pytest.fixture
def either(tmp_path: Path, database_url: str) -> Iterator[Pipelines]:
    made = Pipelines(tmp_path, database_url)
    yield made
    made.close()


def states(pipelines: Pipelines, size: int | None = None, **options: Any) -> dict[str, str]:
    """Name -> state of each data set counted."""
    with pipelines.world.audit(size, **options) as found:
        told = [dataset_line(found, row) for row in found.datasets()]
    return {one["code"].removeprefix(f"{NAMESPACE}:"): one["state"] for one in told}


def test_steps_count_from_the_chain_alone_and_the_journal_where_it_is_asked_for(
    either: Pipelines,
) -> None:
    either.table(PEOPLE, "ods.people")
    either.table(STREETS, "dm.streets", owner=ROADS)
    either.step("S-1", ["ods.people", "ods.tmp_x"], ["dm.streets", "dm.more"], by=PARKS)
    either.job("sum", ["ods.people"], ["dm.dark"], by=WATER)
    bare = either.world.size
    counted = {
        "ods.people": "met",
        "dm.streets": "met",
        "dm.more": "unmet",
        "ods.tmp_x": "not_applicable",
    }
    assert states(either) == counted
    with pytest.raises(AuditError, match="no checkpoint"):
        states(either, journal=True)

    anchored = either.anchor()
    either.job("later", ["ods.later"], [])
    either.world.decide(EntryState.REVOKED, STREETS)

    assert states(either, anchored, journal=True) == counted | {"dm.dark": "unmet"}
    assert states(either, anchored) == counted
    assert states(either, bare) == counted
    now = states(either, journal=True)
    assert now == counted | {"dm.dark": "unmet", "dm.streets": "unmet"}, "not what came later"
    with either.world.audit(journal=True) as found:
        (measure,) = [one for one in measures(found) if one["id"] == "data_in_use"]
        head = report_head(found)
    assert (measure["numerator"], measure["denominator"]) == (1, 4)
    whose = {one["organisation"]: one["denominator"] for one in measure["organisations"]}
    assert {code: count for code, count in whose.items() if count} == {WATER: 2, ROADS: 1, PARKS: 1}
    assert head["journal"]["size"] == 1
    assert head["journal"]["leaf"] == anchored - 1


def test_a_scope_counts_its_own_and_a_library_only_what_is_in_it(either: Pipelines) -> None:
    either.table(PEOPLE, "ods.people", library="theme")
    either.step("S-1", ["ods.people"], ["dm.more"], by=PARKS)
    assert states(either, scope=Scope(organisation=PARKS)) == {"dm.more": "unmet"}
    assert states(either, scope=Scope(library=Library.THEME)) == {"ods.people": "met"}
    assert states(either, scope=Scope(organisation=DATA)) == {}


def test_edges_that_lag_behind_the_anchor_are_not_counted_half(tmp_path: Path) -> None:
    made = Pipelines(tmp_path)
    made.job("a", ["ods.a"], ["ods.b"])
    made.edges = Edges(made.engine, made.journal)
    made.journal.append([made.journal.entry(0)])
    made.anchor()
    with pytest.raises(AuditError, match="reach entry 1 of the journal, and 2 are anchored"):
        states(made, journal=True)
    made.close()


def test_what_comes_after_the_anchor_alters_no_byte_of_the_report(tmp_path: Path) -> None:
    made = Pipelines(tmp_path)
    made.job("a", ["ods.a"], ["ods.b"], minute=1)
    size = made.anchor()

    def written() -> bytes:
        with made.world.audit(size, journal=True) as found:
            return b"".join(report_bytes(found))

    before = written()
    made.job("a", ["ods.c"], ["ods.b"], minute=2)
    made.anchor()
    assert written() == before
    made.close()


def test_a_report_with_a_journal_is_verified_with_a_copy_of_it_and_not_without(
    office: Person, tmp_path: Path
) -> None:
    words = ("lineage", "rule", "add", "--key", "education-steward", "--namespace", NAMESPACE)
    office.run(*words, "--code", "R-1", "--entry", PUBLISHED, "--name", "ods.schools")
    hand_in(office, run_event(1, job="load", inputs=("ods.schools",), outputs=(dataset("ods.x"),)))
    office.more["GOVLEDGER_JOURNAL_KEY"] = "collector"
    office.run("journal", "anchor")
    report, bare = office.place / "report.json", office.place / "bare.json"
    office.run("audit", "publish", "--key", "auditor", "--journal", "-o", report)
    office.run("audit", "completeness", "-o", bare)

    told = json.loads(report.read_text("utf-8"))
    (measure,) = [one for one in told["metrics"] if one["id"] == "data_in_use"]
    assert (measure["numerator"], measure["denominator"]) == (1, 2)
    assert [one["organisation"] for one in told["datasets"] if one["state"] == "unmet"] == [
        EDUCATION
    ]
    assert json.loads(bare.read_text("utf-8"))["journal"] is None

    refused = office.run("audit", "verify", report, expect=2)
    assert "--journal" in refused.err
    copy = office.data_dir / "journals" / "lineage"
    assert "✗" not in office.run("audit", "verify", report, "--journal", copy).out
    assert "✗" not in office.run("audit", "verify", bare, "--journal", copy).out
    office.run("audit", "verify", bare)
    office.run("audit", "verify", "completeness", "--journal", copy)

    other = tmp_path / "another"
    with Journal.create(other, told["journal"]["origin"]) as forged:
        forged.append([b"{}\n{}"])
    wrong = office.run("audit", "verify", report, "--journal", other, expect=5)
    assert "are not those that were anchored" in wrong.out

"""Cheats with the catalogue: entries that answer for nothing, for too much, or no longer."""

from __future__ import annotations

import pytest

from ledger.obligations.statements import BindingDraft, bind
from tests.scenarios.cheats.town import (
    DUTY,
    OTHER_TABLE,
    SOURCE,
    SYSTEM,
    TABLE,
    Town,
    counted,
    finding_in,
    findings_in,
    gap_in,
    line_in,
    metric_in,
    owed,
)
from tests.small_office import (
    CIVIL_AFFAIRS,
    EDUCATION,
    PUBLISHED,
    entry,
    file_entry,
    score,
)

MORE = ("318001/000002", "318001/000003")
CIVIL_ENTRY = "318002/000001"


def publish(town: Town, code: str) -> None:
    """File an entry of the education bureau, and publish it."""
    file_entry(town, entry(code))
    town.run("catalogue", "publish", code, "--key", "authority")


def civil_entry(town: Town, **changes: object) -> None:
    """An entry of the civil affairs bureau, published."""
    provider = {"provider": CIVIL_AFFAIRS, "provider_name": "示范区民政局"}
    file_entry(town, entry(CIVIL_ENTRY, **provider, **changes), "civil")
    town.run("catalogue", "publish", CIVIL_ENTRY, "--key", "authority")


def test_an_entry_that_is_catalogued_and_never_delivered_stays_a_gap_with_a_day(
    town: Town,
) -> None:
    civil_entry(town)
    town.run("obligation", "bind", OTHER_TABLE, CIVIL_ENTRY, "--key", "civil-steward")
    words = ("deliver", "mount", "records", "--entry", CIVIL_ENTRY, "--name", "表")
    town.run(*words, "--key", "civil-steward")
    # on 16 April the first quarter is overdue
    town.on(4, 16).run("obligation", "object", TABLE, "--reason", "核", "--key", "education-head")
    report = town.audit()
    assert gap_in(report, OTHER_TABLE) == ("manifested", "no_manifest")
    (gap,) = [one for one in report["gaps"] if one["obligation"] == OTHER_TABLE]
    assert (gap["acts"], gap["due"], gap["overdue"]) == (CIVIL_AFFAIRS, "2026-04-15", True)
    assert counted(report, "cataloguing") == (2, 2)
    assert counted(report, "collection") == (1, 2)


def test_an_entry_that_is_revoked_does_not_take_its_obligation_along(town: Town) -> None:
    words = ("catalogue", "revoke", PUBLISHED, "--key", "authority", "--reason", "系统下线")
    town.run(*words)
    report = town.audit()
    assert gap_in(report) == ("catalogued", "revoked")
    (gap,) = [one for one in report["gaps"] if one["obligation"] == TABLE]
    assert (gap["article"], gap["acts"]) == ("39(1)", EDUCATION)
    assert counted(report) == (0, 2)
    assert finding_in(report, "revoked_while_bound")["subject"] == TABLE


def test_a_release_from_an_obligation_is_a_gap_too(town: Town) -> None:
    words = ("obligation", "release", TABLE, "--reason", "目录合并", "--key", "education-steward")
    town.run(*words)
    report = town.audit()
    assert gap_in(report) == ("catalogued", "released")
    assert finding_in(report, "binding_released")["subject"] == TABLE


def test_a_table_split_into_many_entries_counts_once(town: Town) -> None:
    for code in MORE:
        publish(town, code)
    report = town.audit()
    assert counted(report) == (1, 2)
    assert counted(report, "cataloguing") == (1, 2)
    # even where the authority expects the parts one by one: a table is whole, or it is not
    parts = [f"{TABLE}-E{number}" for number in (1, 2)]
    town.oblige(*(owed(code) for code in parts))
    for part, code in zip(parts, MORE, strict=True):
        town.run("obligation", "bind", part, code, "--key", "education-steward")
    report = town.audit()
    assert counted(report, "cataloguing") == (1, 2)
    assert counted(report) == (0, 2)
    assert {line_in(report, part)["part_of"] for part in parts} == {TABLE}
    found = finding_in(report, "split_table")
    assert (found["subject"], found["number"]) == (TABLE, 2)


def test_two_departments_that_claim_one_source_are_both_named(town: Town) -> None:
    assert findings_in(town.audit(), "two_sources") == []
    civil_entry(town)
    words = ("deliver", "mount", "children", "--entry", CIVIL_ENTRY, "--name", "儿童表")
    town.run(*words, "--location", SOURCE, "--key", "civil-steward")
    found = findings_in(town.audit(), "two_sources")
    assert [(one["subject"], one["organisation"]) for one in found] == [
        ("children", CIVIL_AFFAIRS),
        ("pupils", EDUCATION),
    ]
    assert {(one["number"], one["detail"], one["article"]) for one in found} == {
        (2, SOURCE, "41(1)")
    }


def test_one_entry_does_not_answer_two_obligations(town: Town) -> None:
    second = f"{SYSTEM}-T2"
    town.oblige(owed(second))
    town.run("obligation", "bind", second, PUBLISHED, "--key", "education-steward")
    report = town.audit()
    assert gap_in(report, second) == ("catalogued", "answers_another")
    assert gap_in(report) is None
    assert counted(report) == (1, 3)
    assert finding_in(report, "entry_shared")["subject"] == second


def test_an_edition_that_takes_items_back_is_named(town: Town) -> None:
    whole = entry()
    less = {"items": whole["items"][:1], "update_cycle": "on_demand"}
    file_entry(town, entry(**less))
    assert findings_in(town.audit(), "entry_weakened") == []
    town.run("catalogue", "publish", PUBLISHED, "--key", "authority")
    found = finding_in(town.audit(), "entry_weakened")
    gone = whole["items"][1]["name"]
    assert (found["subject"], found["detail"]) == (PUBLISHED, f"-{gone}; yearly → on_demand")


def test_an_entry_exchanged_for_the_audit_and_back_is_seen(town: Town) -> None:
    other = MORE[0]
    publish(town, other)
    assert findings_in(town.audit(), "entry_rebound") == []
    for code in (other, PUBLISHED):
        town.run("obligation", "bind", TABLE, code, "--key", "education-steward")
    found = finding_in(town.audit(), "entry_rebound")
    assert found["subject"] == TABLE
    told = town.run("obligation", "history", TABLE).out
    assert other in told


@pytest.mark.parametrize(
    ("obligation", "code", "who", "refusal"),
    [
        (TABLE, CIVIL_ENTRY, "education", "EntryMismatch"),
        (TABLE, CIVIL_ENTRY, "civil", "NotOwner"),
        (OTHER_TABLE, "318009/000009", "civil", "UnknownEntry"),
        (DUTY, PUBLISHED, "education", "OutOfRange"),
    ],
)
def test_another_department_s_entry_answers_nothing(
    town: Town, obligation: str, code: str, who: str, refusal: str
) -> None:
    if code == CIVIL_ENTRY:
        civil_entry(town)
    speaker = EDUCATION if who == "education" else CIVIL_AFFAIRS
    version = 2 if obligation == TABLE else 1
    draft = BindingDraft(obligation=obligation, entry=code, version=version)
    name, _ = town.refused(lambda at: bind([draft], speaker=speaker, deadline=at), f"{who}-steward")
    assert name == refusal


def test_an_owner_s_own_score_is_marked_as_his(town: Town) -> None:
    own = town.write("score.yaml", score(scores={"accuracy": 10_000}))
    words = ("key", "grant", "education-head", "--key", "authority", "--holder", EDUCATION)
    town.run(*words, "--roles", "head,assessor")
    town.run("quality", "score", own, "--key", "education-head")
    report = town.audit()
    assert line_in(report)["self_assessed"] is True
    assert finding_in(report, "self_assessed")["subject"] == TABLE
    town.run("quality", "score", town.write("score.yaml", score()), "--key", "assessor")
    report = town.audit()
    assert line_in(report)["self_assessed"] is False
    assert findings_in(report, "self_assessed") == []
    assert metric_in(report, "quality_pass")["met"] == 1

"""Cheats on the denominator: obligations that should vanish, and whose they should seem to be."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ledger.codes import Level, OrganisationStatus
from ledger.obligations.statements import ObligationDraft, oblige
from ledger.organisations.statements import OrganisationDraft, register
from ledger.statements import Batch
from tests.scenarios.cheats.town import (
    OTHER_TABLE,
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
from tests.small_office import CIVIL_AFFAIRS, EDUCATION, ROOT_ORGANISATION

HIDING = "TMP-HIDING"


def signers(town: Town) -> dict[str, str]:
    """Name of each key -> its address as the ledger writes it."""
    keys = town.run("key", "list", "--json").json()["keys"]
    return {key["name"]: key["address"].lower() for key in keys}


def test_an_obligation_that_is_dropped_shows_who_dropped_it_and_what_it_moved(town: Town) -> None:
    before = town.size()
    assert counted(town.audit()) == (1, 2)
    words = ("obligation", "withdraw", OTHER_TABLE, "--key", "authority")
    town.run(*words, "--reason", "系统改造")
    # the rate is better for it …
    assert counted(town.audit()) == (1, 1)
    # … and everybody sees why, and by whose signature
    (change,) = town.moved(before, "--shrinking")
    assert (change["act"], change["code"], change["leaf"]) == ("withdrawn", OTHER_TABLE, before)
    assert (change["signer"], change["reasons"]) == (signers(town)["authority"], ["系统改造"])
    assert all(effect["change"] == -1 for effect in change["effects"])
    assert {effect["organisation"] for effect in change["effects"]} == {CIVIL_AFFAIRS}
    report = town.audit()
    assert line_in(report, OTHER_TABLE)["standing"] == "withdrawn"
    assert finding_in(report, "obligation_withdrawn")["leaves"] == [before]


@pytest.mark.parametrize(
    ("key", "speaker", "changes", "refusal"),
    [
        ("civil-head", CIVIL_AFFAIRS, {"reasons": ["不归集"]}, "RoleMissing"),
        ("authority", ROOT_ORGANISATION, {"version": 1, "reasons": ["不归集"]}, "StaleVersion"),
    ],
)
def test_an_obligation_cannot_be_dropped_by_its_department_nor_by_writing_history_anew(
    town: Town, key: str, speaker: str, changes: dict[str, Any], refusal: str
) -> None:
    gone = {"version": 2, "status": "withdrawn", **changes}
    draft = ObligationDraft.model_validate(owed(OTHER_TABLE, **gone))
    name, _ = town.refused(lambda at: oblige([draft], speaker=speaker, deadline=at), key)
    assert name == refusal
    assert counted(town.audit()) == (1, 2)


@pytest.mark.parametrize(
    ("changes", "member", "finding"),
    [
        ({"valid_until": "2026-03-31"}, "valid_until", "obligation_ended"),
        ({"valid_from": "2027-01-01"}, "valid_from", "obligation_amended"),
        ({"produces_data": False}, "produces_data", "obligation_amended"),
        ({"update_cycle": "other"}, "update_cycle", "obligation_amended"),
    ],
)
def test_an_obligation_that_is_amended_to_owe_less_shows_what_it_said_before(
    town: Town, changes: dict[str, Any], member: str, finding: str
) -> None:
    before = town.size()
    town.oblige(owed(OTHER_TABLE, **changes), act="amend")
    (change,) = town.moved(before)
    assert (change["act"], change["code"]) == ("amended", OTHER_TABLE)
    assert list(change["members"]) == [member]
    assert change["members"][member][0] != change["members"][member][1]
    found = finding_in(town.audit(), finding)
    assert (found["subject"], found["leaves"]) == (OTHER_TABLE, [before])


def test_an_authority_that_lightens_its_own_duty_is_named(town: Town) -> None:
    town.oblige(owed("R1", responsible=ROOT_ORGANISATION))
    assert findings_in(town.audit(), "self_amended") == []
    words = ("obligation", "withdraw", "R1", "--reason", "事项已取消", "--key", "authority")
    leaf = town.size()
    town.run(*words)
    found = finding_in(town.audit(), "self_amended")
    assert (found["subject"], found["organisation"]) == ("R1", ROOT_ORGANISATION)
    assert found["leaves"] == [leaf, leaf - 1]


def test_an_obligation_moved_to_another_department_stays_a_gap_and_shows_the_move(
    town: Town,
) -> None:
    before = town.size()
    town.oblige(owed(OTHER_TABLE, responsible=EDUCATION), act="amend")
    report = town.audit()
    assert counted(report) == (1, 2)
    assert line_in(report, OTHER_TABLE)["organisation"] == EDUCATION
    assert finding_in(report, "obligation_amended")["subject"] == OTHER_TABLE
    (change,) = town.moved(before)
    assert change["members"] == {"responsible": [CIVIL_AFFAIRS, EDUCATION]}
    moved = {one["organisation"]: one["change"] for one in change["effects"]}
    assert moved == {CIVIL_AFFAIRS: -1, EDUCATION: 1}


def test_a_provisional_organisation_does_not_hide_a_department(town: Town) -> None:
    words = ("org", "register", "--key", "authority", "--code", HIDING, "--name", "筹备组")
    town.run(*words, "--parent", ROOT_ORGANISATION, "--level", "district")
    before = town.size()
    town.oblige(owed(OTHER_TABLE, responsible=HIDING), act="amend")
    report = town.audit()
    assert counted(report) == (1, 2)
    ranked = [
        (one["organisation"], one["rate_basis_points"])
        for one in metric_in(report, "collection")["organisations"]
    ]
    assert ranked[:2] == [(HIDING, 0), (EDUCATION, 10_000)]
    assert (CIVIL_AFFAIRS, None) in ranked
    assert gap_in(report, OTHER_TABLE) == ("catalogued", "not_bound")
    assert finding_in(report, "obligation_amended")["organisation"] == HIDING
    (change,) = town.moved(before)
    assert change["members"]["responsible"] == [CIVIL_AFFAIRS, HIDING]


def test_a_department_that_is_dissolved_keeps_its_place_and_its_gaps(town: Town) -> None:
    gone = OrganisationDraft(
        code=CIVIL_AFFAIRS, name="示范区民政局", parent=ROOT_ORGANISATION,
        level=Level.DISTRICT, version=2, status=OrganisationStatus.DISSOLVED,
    )  # fmt: skip
    done = town.send(
        lambda at: register([gone], speaker=ROOT_ORGANISATION, deadline=at), "authority"
    )
    assert done.error is None
    report = town.audit()
    assert counted(report) == (1, 2)
    first = metric_in(report, "collection")["organisations"][0]
    assert (first["organisation"], first["rate_basis_points"]) == (CIVIL_AFFAIRS, 0)
    assert gap_in(report, OTHER_TABLE) == ("catalogued", "not_bound")


@pytest.mark.parametrize(
    ("code", "named"),
    [
        ("Ｅ1-S1-T1", "full-width"),
        ("\u04151-S1-T1", "CYRILLIC"),
        ("E1-S1\u2010T1", "dash"),
        ("E1-S1-T1\u200b", "U+200B"),
        ("E1-S1-T1e\u0301", "composed of parts"),
    ],
)
def test_a_code_that_looks_like_another_is_refused_at_the_desk(
    honest_town: Town, tmp_path: Path, code: str, named: str
) -> None:
    file = tmp_path / "alike.json"
    file.write_text(json.dumps(owed(TABLE) | {"code": code}, ensure_ascii=False), "utf-8")
    refused = honest_town.run("obligation", "register", file, "--key", "authority", expect=3)
    assert "/code" in refused.err
    assert named in refused.err


def test_a_code_that_looks_like_another_counts_for_nothing_on_the_chain_either(town: Town) -> None:
    before = town.size()
    draft = ObligationDraft.model_validate(owed(TABLE))
    alike = TABLE.replace("E", "\u0415")

    def doctored(deadline: int) -> Batch:
        batch = oblige([draft], speaker=ROOT_ORGANISATION, deadline=deadline)
        (values,), (body,) = batch.values, batch.bodies
        return batch.__class__(
            struct=batch.struct,
            organisation=batch.organisation,
            deadline=batch.deadline,
            values=({**values, "code": alike},),
            bodies=(body.replace(f'"code":"{TABLE}"'.encode(), f'"code":"{alike}"'.encode()),),
        )

    assert town.send(doctored, "authority").error is None
    report = town.audit()
    assert counted(report) == (1, 2)
    assert finding_in(report, "unreadable_statement")["leaves"] == [before]


def test_a_department_at_zero_leads_the_ranking_of_every_metric(town: Town) -> None:
    report = town.audit()
    everybody = {CIVIL_AFFAIRS, EDUCATION, ROOT_ORGANISATION}
    for metric in report["metrics"]:
        assert {one["organisation"] for one in metric["organisations"]} == everybody
    for name in ("duty_coverage", "cataloguing", "collection"):
        first = metric_in(report, name)["organisations"][0]
        assert (first["organisation"], first["rate_basis_points"]) == (CIVIL_AFFAIRS, 0)
    table = town.run("audit", "completeness").out.partition("By organisation")[2]
    assert table.index("民政局") < table.index("教育局")


def test_a_statement_that_reads_one_thing_and_signs_another_changes_nothing(town: Town) -> None:
    before = town.size()
    draft = ObligationDraft.model_validate(owed(TABLE, version=2))

    def doctored(deadline: int) -> Any:
        batch = oblige([draft], speaker=ROOT_ORGANISATION, deadline=deadline)
        (values,) = batch.values
        return batch.__class__(
            struct=batch.struct,
            organisation=batch.organisation,
            deadline=batch.deadline,
            values=({**values, "validUntil": 20260131},),
            bodies=batch.bodies,
        )

    assert town.send(doctored, "authority").error is None
    unread = town.run("audit", "denominator", "--from", before, "--json").json()["unread"]
    assert [one["leaf"] for one in unread] == [before]
    report = town.audit()
    assert line_in(report)["standing"] == "in_force"
    assert finding_in(report, "unreadable_statement")["leaves"] == [before]

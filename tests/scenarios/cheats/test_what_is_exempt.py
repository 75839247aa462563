"""Cheats with exemptions: approved by who profits, run out, prolonged, turned to another target."""

from __future__ import annotations

from typing import Any

import pytest

from ledger.obligations.statements import ExemptionDraft, exempt
from tests.scenarios.cheats.town import (
    OTHER_DUTY,
    OTHER_SYSTEM,
    OTHER_TABLE,
    TABLE,
    Town,
    counted,
    finding_in,
    findings_in,
    gap_in,
    line_in,
    owed,
)
from tests.small_office import CIVIL_AFFAIRS, ROOT_ORGANISATION


@pytest.fixture
def exempt_town(town: Town) -> Town:
    """The civil affairs bureau's table need not be catalogued until the end of June."""
    town.run("exemption", "grant", town.exempt(), "--key", "authority")
    return town


def draft(**changes: Any) -> ExemptionDraft:
    return ExemptionDraft.model_validate(
        {
            "code": "NEG-1",
            "target": OTHER_TABLE,
            "target_type": "obligation",
            "scope": ["catalogue"],
            "law": "数据条例 第三十八条",
            "valid_from": "2026-01-01",
            "expires": "2026-06-30",
            **changes,
        }
    )


def test_an_exemption_is_not_approved_by_the_organisation_that_profits(town: Town) -> None:
    town.oblige(owed("R1", responsible=ROOT_ORGANISATION))
    own = draft(target="R1")
    name, told = town.refused(
        lambda at: exempt([own], speaker=ROOT_ORGANISATION, deadline=at), "authority"
    )
    assert name == "SelfApproved"
    assert "NEG-1" in str(told)
    refused = town.run(
        "exemption", "grant", town.exempt(target="R1"), "--key", "authority", expect=3
    )
    assert "profits" in refused.err


def test_a_department_cannot_exempt_itself_with_the_keys_that_it_has(town: Town) -> None:
    name, _ = town.refused(
        lambda at: exempt([draft()], speaker=CIVIL_AFFAIRS, deadline=at), "civil-steward"
    )
    assert name == "RoleMissing"


def test_an_expired_exemption_stops_counting_by_itself(exempt_town: Town) -> None:
    town = exempt_town
    assert counted(town.audit(), "cataloguing") == (1, 1)
    before = town.size()
    # nobody says a word about it, and the last day passes
    town.on(7, 1).run("obligation", "object", TABLE, "--reason", "核对", "--key", "education-head")
    report = town.audit()
    assert counted(report, "cataloguing") == (1, 2)
    assert gap_in(report, OTHER_TABLE) == ("catalogued", "not_bound")
    assert report["exemptions"] == []
    found = finding_in(report, "exemption_expired")
    assert (found["subject"], found["number"]) == ("NEG-1", "2026-06-30")
    (change,) = town.moved(before)
    assert (change["act"], change["by_day"], change["day"]) == ("ends", True, "2026-07-01")


def test_an_exemption_that_is_prolonged_shows_both_days_and_who_signed(exempt_town: Town) -> None:
    town = exempt_town.on(6, 29)
    before = town.size()
    town.run("exemption", "grant", town.exempt(expires="2029-12-31"), "--key", "authority")
    (change,) = town.moved(before)
    assert (change["act"], change["code"]) == ("amended", "NEG-1")
    assert change["members"] == {"expires": ["2026-06-30", "2029-12-31"]}
    assert change["law"] == "数据条例 第三十八条"
    report = town.audit()
    assert finding_in(report, "exemption_relied_on")["number"] == "2029-12-31"
    (relied,) = report["exemptions"]
    assert (relied["target"], relied["expires"], relied["leaf"]) == (
        OTHER_TABLE,
        "2029-12-31",
        before,
    )


def test_an_exemption_that_is_written_down_afterwards_is_named(town: Town) -> None:
    before = town.size()
    town.run("exemption", "grant", town.exempt(valid_from="2026-04-07"), "--key", "authority")
    assert findings_in(town.audit(), "exemption_backdated") == []
    # from January on, it says in April
    town.run("exemption", "grant", town.exempt(), "--key", "authority")
    found = finding_in(town.audit(), "exemption_backdated")
    assert (found["subject"], found["number"]) == ("NEG-1", "2026-01-01")
    assert town.moved(before)[-1]["members"] == {"valid_from": ["2026-04-07", "2026-01-01"]}


def test_an_exemption_whose_approver_took_the_duty_over_counts_no_more(exempt_town: Town) -> None:
    town = exempt_town
    before = town.size()
    town.oblige(owed(OTHER_TABLE, responsible=ROOT_ORGANISATION), act="amend")
    report = town.audit()
    assert report["exemptions"] == []
    assert finding_in(report, "exemption_self_approved")["subject"] == "NEG-1"
    assert line_in(report, OTHER_TABLE)["states"]["cataloguing"] == "unmet"
    (change,) = town.moved(before)
    assert change["members"] == {"responsible": [CIVIL_AFFAIRS, ROOT_ORGANISATION]}


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"target": TABLE, "version": 2}, "MemberFixed"),
        ({"target": "NOTHING", "version": 2}, "UnknownObligation"),
        ({"version": 1}, "StaleVersion"),
    ],
)
def test_an_exemption_is_not_turned_to_another_target_nor_written_over(
    exempt_town: Town, changes: dict[str, Any], refusal: str
) -> None:
    turned = draft(**changes)
    name, _ = exempt_town.refused(
        lambda at: exempt([turned], speaker=ROOT_ORGANISATION, deadline=at), "authority"
    )
    assert name == refusal


def test_an_exemption_of_what_stands_above_frees_nothing_below(town: Town) -> None:
    everything = ["catalogue", "collect", "update", "quality", "share"]
    for number, code in enumerate((OTHER_DUTY, OTHER_SYSTEM), 2):
        file = town.exempt(code=f"NEG-{number}", target=code, scope=everything)
        town.run("exemption", "grant", file, "--key", "authority")
    report = town.audit()
    assert gap_in(report, OTHER_TABLE) == ("catalogued", "not_bound")
    assert counted(report) == (1, 2)

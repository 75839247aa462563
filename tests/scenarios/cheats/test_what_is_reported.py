"""Cheats with reports: edited after publication, of another size than they say, with a rate that nothing bears out."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from ledger.audits.statements import ReportDraft, publish
from tests.scenarios.cheats.town import OTHER_TABLE, Town
from tests.small_office import CIVIL_AFFAIRS, ROOT_ORGANISATION

NOT_PROVEN = 5


@pytest.fixture
def published(town: Town) -> Town:
    """A report was published, ``report.json``; then an obligation was withdrawn, and the rate rose."""
    town.run("audit", "publish", "--key", "auditor", "-o", town.place / "report.json")
    words = ("obligation", "withdraw", OTHER_TABLE, "--key", "authority", "--reason", "改造")
    town.run(*words)
    return town


def report(town: Town) -> dict[str, Any]:
    told: dict[str, Any] = json.loads((town.place / "report.json").read_text("utf-8"))
    return told


def edited(town: Town, *changes: tuple[str, str]) -> Path:
    """The report with some of its text replaced."""
    whole = (town.place / "report.json").read_text("utf-8")
    for old, new in changes:
        assert old in whole
        whole = whole.replace(old, new)
    place = town.place / "edited.json"
    place.write_text(whole, "utf-8")
    return place


def verified(town: Town, what: object, *, holds: bool) -> dict[str, Any]:
    """What `audit verify` says of a file, a digest or a code, worked out from the chain alone."""
    told = town.run("audit", "verify", what, "--json", expect=0 if holds else NOT_PROVEN).json()
    assert told["ok"] is holds
    return dict(told)


def claim(town: Town, **changes: Any) -> ReportDraft:
    """The statement with which the report was published, as a second code's; ``changes`` make it a lie."""
    told = report(town)
    digest = hashlib.sha256((town.place / "report.json").read_bytes()).hexdigest()
    honest = {"code": "second", "size": told["size"], "root": told["root"], "report": digest}
    rate = {"metric": "collection", "numerator": 1, "denominator": 2}
    return ReportDraft.model_validate({**honest, **rate, **changes})


def test_a_report_is_the_same_for_ever_whatever_came_after(published: Town) -> None:
    told = verified(published, published.place / "report.json", holds=True)
    assert [one["code"] for one in told["anchored"]] == ["completeness"]
    # an edited mirror changes nothing about it: the chain is asked, not the mirror
    published.alter("UPDATE obligation SET status = 'withdrawn'")
    verified(published, published.place / "report.json", holds=True)


def test_a_report_that_was_edited_after_publication_is_named_at_the_place(published: Town) -> None:
    place = edited(published, ('"reason":"not_bound"', '"reason":"awaiting_publication"'))
    told = verified(published, place, holds=False)
    assert told["anchored"] == []
    assert [one["pointer"] for one in told["differences"]] == [
        f"/gaps/catalogued:{OTHER_TABLE}/reason"
    ]


def test_a_department_taken_out_of_a_report_is_missed(published: Town) -> None:
    told = report(published)
    told["organisations"] = [one for one in told["organisations"] if one["code"] != CIVIL_AFFAIRS]
    for metric in told["metrics"]:
        metric["organisations"] = [
            one for one in metric["organisations"] if one["organisation"] != CIVIL_AFFAIRS
        ]
    place = published.place / "edited.json"
    place.write_text(json.dumps(told, ensure_ascii=False), "utf-8")
    assert CIVIL_AFFAIRS in json.dumps(verified(published, place, holds=False)["differences"])


def test_a_rate_of_another_size_than_the_report_says_is_named(published: Town) -> None:
    told = report(published)
    now = published.size()
    place = edited(published, (f'"size":{told["size"]}', f'"size":{now}'))
    found = verified(published, place, holds=False)
    checks = {one["en"]: one["ok"] for one in found["checks"]}
    assert any("root at size" in text and not ok for text, ok in checks.items())
    assert any(one["pointer"].startswith("/metrics/") for one in found["differences"])


@pytest.mark.parametrize(
    ("lie", "words"),
    [
        ({"size": 3}, "another size"),
        ({"root": "ab" * 32}, "another size, root"),
        ({"scope": {"organisation": CIVIL_AFFAIRS}}, "another size, root or scope"),
        ({"numerator": 2}, "should be 1/2"),
        ({"metric": "cataloguing", "denominator": 1}, "should be 1/2"),
    ],
)
def test_a_statement_that_tells_other_figures_than_its_report_is_named(
    published: Town, lie: dict[str, Any], words: str
) -> None:
    draft = claim(published, **lie)
    made = published.send(
        lambda at: publish([draft], speaker=ROOT_ORGANISATION, deadline=at), "auditor"
    )
    assert made.error is None
    told = verified(published, published.place / "report.json", holds=False)
    assert any(words in one["en"] for one in told["checks"] if not one["ok"])


def test_a_report_under_a_lax_policy_says_so(town: Town) -> None:
    lax = {"format": "govledger-audit-policy/1", "name": "lax", "timeliness_pass": 0}
    file = town.place / "lax.json"
    file.write_text(json.dumps(lax), "utf-8")
    town.run("audit", "publish", "--key", "auditor", "--policy", file, "-o", "lax-report.json")
    told = town.run("audit", "verify", "lax-report.json").out
    assert "· the report was made under the policy lax" in told
    assert "timeliness_pass 0 (default 8000)" in told
    assert (
        "timeliness_pass 0 (default 8000)"
        in town.run("audit", "completeness", "--policy", file).out
    )


@pytest.mark.parametrize(
    ("changes", "key", "speaker", "refusal"),
    [
        ({"size": 10_000}, "auditor", ROOT_ORGANISATION, "OutOfRange"),
        ({}, "civil-head", CIVIL_AFFAIRS, "RoleMissing"),
        ({"code": "completeness"}, "auditor", ROOT_ORGANISATION, "StaleVersion"),
    ],
)
def test_a_report_of_leaves_to_come_by_nobody_or_written_over_is_refused(
    published: Town, changes: dict[str, Any], key: str, speaker: str, refusal: str
) -> None:
    draft = claim(published, **changes)
    name, _ = published.refused(lambda at: publish([draft], speaker=speaker, deadline=at), key)
    assert name == refusal

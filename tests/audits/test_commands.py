"""The auditor at the terminal: publish, verify from the chain alone, tamper, explain, compare."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import openpyxl
import pytest

from ledger.audits.metrics import METRICS
from tests.person import Person
from tests.small_office import CIVIL_AFFAIRS, EDUCATION, PUBLISHED


def obligation(code: str, name: str, responsible: str, law: str) -> dict[str, object]:
    kind, parent = ("table", code.removesuffix("-T1")) if code.endswith("-T1") else ("duty", None)
    told = {"code": code, "name": name, "type": kind, "responsible": responsible}
    more = {"parent": parent, "update_cycle": "yearly"} if parent else {}
    return told | more | {"legal_basis": [law], "valid_from": "2026-01-01"}


OBLIGATIONS = [
    obligation("QP-1", "民办学校设立", EDUCATION, "民办教育促进法 第十二条"),
    obligation("QP-1-T1", "学校名录", EDUCATION, "民办教育促进法 第十二条"),
    obligation("QP-2", "婚姻登记", CIVIL_AFFAIRS, "婚姻登记条例 第四条"),
    obligation("QP-2-T1", "登记信息表", CIVIL_AFFAIRS, "婚姻登记条例 第四条"),
]


@pytest.fixture(scope="module")
def audited(built_office: Person, tmp_path_factory: pytest.TempPathFactory) -> Person:
    """Two duties, one of them answered by the published entry; a report of that, published. Read-only."""
    person = built_office.copy(tmp_path_factory.mktemp("audited") / "ledger")
    person.run("obligation", "register", person.write("o.yaml", OBLIGATIONS), "--key", "authority")
    person.run("audit", "publish", "--key", "auditor", "-o", "first.json")
    person.run("obligation", "bind", "QP-1-T1", PUBLISHED, "--key", "education-steward")
    person.run("audit", "publish", "--key", "auditor", "-o", "report.json", "--note", "年度")
    return person


def rates(told: dict[str, object]) -> dict[str, tuple[int, int]]:
    return {one["id"]: (one["numerator"], one["denominator"]) for one in told["metrics"]}  # type: ignore[attr-defined]


def test_completeness_shows_every_organisation(audited: Person) -> None:
    told = audited.run("audit", "completeness", "--json").json()
    assert rates(told)["cataloguing"] == (1, 2)
    cataloguing = next(one for one in told["metrics"] if one["id"] == "cataloguing")
    assert [one["organisation"] for one in cataloguing["organisations"]][:2] == [
        CIVIL_AFFAIRS,
        EDUCATION,
    ]
    assert len(cataloguing["organisations"]) == 3
    said = audited.run("audit", "completeness").out
    assert "示范区民政局" in said
    scoped = audited.run("audit", "completeness", "--org", CIVIL_AFFAIRS, "--json").json()
    assert rates(scoped)["cataloguing"] == (0, 1)
    assert scoped["scope"] == {"organisation": CIVIL_AFFAIRS}
    assert rates(audited.run("audit", "completeness", "--library", "theme", "--json").json())[
        "cataloguing"
    ] == (0, 0)
    assert rates(audited.run("audit", "completeness", "--level", "city", "--json").json())[
        "cataloguing"
    ] == (0, 0)


def test_a_report_goes_into_a_workbook_and_into_markdown(audited: Person) -> None:
    replace(audited, language="zh").run("audit", "completeness", "-o", "report.xlsx")
    book = openpyxl.load_workbook(audited.place / "report.xlsx", read_only=True)
    assert book.sheetnames[:4] == ["概览", "指标", "各机构", "职责覆盖率"]
    assert len(book.sheetnames) == 3 + len(METRICS) + 4
    rows = [[cell.value for cell in row] for row in book["编目率"].rows]
    assert rows[0] == ["代码", "机构", "结果", "缺口环节", "声明位置"]
    assert [row[:4] for row in rows[1:]] == [
        ["QP-1-T1", "示范区教育局", "达标", "挂接"],
        ["QP-2-T1", "示范区民政局", "未达标", "编目"],
    ]
    book.close()
    audited.run("audit", "completeness", "-o", "report.md")
    text = (audited.place / "report.md").read_text("utf-8")
    assert "# Completeness audit" in text
    assert "QP-2-T1" in text
    assert "report.txt" in audited.run("audit", "completeness", "-o", "report.txt", expect=2).err


def test_gaps_findings_and_one_explained(audited: Person) -> None:
    gaps = audited.run("audit", "gaps", "--json").json()["gaps"]
    assert [(one["id"], one["reason"], one["article"]) for one in gaps] == [
        ("mounted:QP-1-T1", "not_mounted", None),
        ("catalogued:QP-2-T1", "not_bound", "39(1)"),
    ]
    assert [
        one["id"]
        for one in audited.run("audit", "gaps", "--rung", "mounted", "--json").json()["gaps"]
    ] == ["mounted:QP-1-T1"]
    assert "mounted" in audited.run("audit", "gaps", "--rung", "lost", expect=2).err
    assert audited.run("audit", "findings", "--json").json() == {"total": 0, "findings": []}
    assert "audits.md" in audited.run("audit", "findings", "--name", "lost", expect=2).err
    told = audited.run("audit", "explain", "catalogued:QP-2-T1", "--json").json()
    assert told["gap"]["acts"] == CIVIL_AFFAIRS
    assert [rung["state"] for rung in told["ladder"]][:2] == ["broken", "not_reached"]
    assert "婚姻登记条例" in audited.run("audit", "explain", "QP-2-T1").out
    duty = audited.run("audit", "explain", "QP-2", "--json").json()
    assert (duty["line"]["state"], duty["obligation"]["below"]) == ("unmet", ["QP-2-T1"])
    assert "lost" in audited.run("audit", "explain", "lost", expect=4).err


def test_an_official_reads_names_and_words_where_the_ledger_has_codes(audited: Person) -> None:
    official = replace(audited, language="zh")
    told = official.run("audit", "explain", "QP-2-T1").out
    assert told.count(f"示范区民政局 {CIVIL_AFFAIRS}") == 2  # who is responsible, and who must act
    duty = official.run("audit", "explain", "QP-2").out
    assert "未达标" in duty
    assert "有效" in duty
    assert "unmet" not in duty
    assert "in_force" not in duty
    wrong = official.run("audit", "completeness", "--as-of", 99999, expect=2).err
    assert "日志在此只有" in wrong
    assert "leaves" not in wrong
    assert "没有机构" in official.run("audit", "completeness", "--level", "city").err


def test_two_sizes_compared(audited: Person) -> None:
    reports = audited.run("audit", "reports", "--json").json()["reports"]
    assert [one["version"] for one in reports] == [2]
    first = json.loads((audited.place / "first.json").read_text("utf-8"))["size"]
    told = audited.run("audit", "compare", first, reports[0]["size"], "--json").json()
    cataloguing = next(one for one in told["metrics"] if one["id"] == "cataloguing")
    assert (
        cataloguing["before"]["rate_basis_points"],
        cataloguing["after"]["rate_basis_points"],
    ) == (0, 5000)
    assert [(one["obligation"], one["moved"]) for one in told["gaps"]] == [("QP-1-T1", "changed")]
    sizes = (first, reports[0]["size"])
    said = audited.run("audit", "compare", *sizes).out
    assert "示范区教育局" in said
    assert "catalogued: no entry answers it" in said
    assert "mounted: no resource is mounted" in said
    cut = audited.run("audit", "compare", *sizes, "--limit", 0)
    assert "0 / 1" in cut.out
    assert "--limit" in cut.err
    assert "no gap moved" in audited.run("audit", "compare", sizes[1], sizes[1]).out
    assert "denominator" in audited.run("audit", "compare", first, reports[0]["size"]).out


def test_a_report_is_verified_from_the_chain_alone(audited: Person) -> None:
    for what in ("report.json", "completeness"):
        told = audited.run("audit", "verify", what, "--json").json()
        assert told["ok"]
        assert [one["code"] for one in told["anchored"]] == ["completeness"]
    assert "✓" in audited.run("audit", "verify", "first.json").out


def altered(audited: Person, name: str, change: tuple[str, str]) -> Path:
    whole = (audited.place / "report.json").read_text("utf-8")
    assert change[0] in whole
    place = audited.place / name
    place.write_text(whole.replace(*change, 1), "utf-8")
    return place


def test_a_report_edited_after_publication_is_named(audited: Person) -> None:
    place = altered(audited, "edited.json", ('"reason":"not_bound"', '"reason":"returned"'))
    told = audited.run("audit", "verify", place, "--json", expect=5).json()
    assert not told["ok"]
    assert [one["pointer"] for one in told["differences"]] == ["/gaps/catalogued:QP-2-T1/reason"]
    assert told["anchored"] == []
    said = audited.run("audit", "verify", place, expect=5)
    assert "/gaps/catalogued:QP-2-T1/reason" in said.out
    # that nobody anchored it speaks neither for nor against a file
    assert "· these bytes are not anchored" in said.out


def test_a_report_that_claims_another_size_is_named(audited: Person) -> None:
    size = json.loads((audited.place / "report.json").read_text("utf-8"))["size"]
    for other in (size - 1, size + 100):
        place = altered(audited, f"size-{other}.json", (f'"size":{size}', f'"size":{other}'))
        told = audited.run("audit", "verify", place, "--json", expect=5).json()
        assert not all(check["ok"] for check in told["checks"])


def test_what_is_no_report_is_refused(audited: Person) -> None:
    place = audited.place / "other.json"
    place.write_text("{}", "utf-8")
    assert "no completeness report" in audited.run("audit", "verify", place, expect=2).err
    assert "lost" in audited.run("audit", "verify", "lost", expect=4).err


def test_a_policy_may_be_stricter_than_the_law_and_never_laxer(audited: Person) -> None:
    place = audited.place / "policy.json"
    place.write_text('{"name":"strict","clocks":{"publish":1}}', "utf-8")
    told = audited.run("audit", "completeness", "--policy", place, "--json").json()
    assert (told["policy"]["name"], told["policy"]["clocks"]["publish"]) == ("strict", 1)
    place.write_text('{"clocks":{"correct":11}}', "utf-8")
    refused = audited.run("audit", "completeness", "--policy", place, expect=2).err
    assert "clocks.correct" in refused
    assert "Art. 26" in refused
    place.write_text('{"clocks":{"correct":"ten"}}', "utf-8")
    assert (
        "$.clocks.correct" in audited.run("audit", "completeness", "--policy", place, expect=2).err
    )


def test_an_unknown_organisation_is_refused(audited: Person) -> None:
    assert "TMP-LOST" in audited.run("audit", "gaps", "--org", "TMP-LOST", expect=4).err


def test_only_an_auditor_publishes(audited: Person, tmp_path: Path) -> None:
    other = audited.copy(tmp_path / "ledger")
    assert other.run("audit", "publish", "--key", "education-steward", expect=3).err

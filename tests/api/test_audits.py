"""Audits over HTTP: rates, gaps in pages, findings, and the reports that were anchored."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from ledger.audits.metrics import METRICS
from ledger.audits.queries import digest_of_bytes
from tests.api.district import BUREAU, HEALTH, OTHER_REPORT, ROOT, SCHOOLS, TABLE
from tests.api.test_shape import check_problem


def got(client: httpx.Client, path: str, **asked: object) -> dict[str, Any]:
    answer = client.get(f"/api/v1/audits{path}", params=asked)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def test_every_metric_names_every_organisation(client: httpx.Client) -> None:
    told = got(client, "/completeness")
    assert [one["metric"]["code"] for one in told["metrics"]] == [metric.id for metric in METRICS]
    cataloguing = next(one for one in told["metrics"] if one["metric"]["code"] == "cataloguing")
    assert (cataloguing["numerator"], cataloguing["denominator"]) == (1, 1)
    codes = [one["organisation"]["code"] for one in cataloguing["organisations"]]
    assert sorted(codes) == sorted([BUREAU, HEALTH, ROOT, SCHOOLS])
    assert codes[0] == SCHOOLS
    duties = next(one for one in told["metrics"] if one["metric"]["code"] == "duty_coverage")
    assert (duties["numerator"], duties["denominator"], duties["rate_basis_points"]) == (1, 2, 5000)


def test_a_scope_narrows_and_a_size_is_kept(client: httpx.Client) -> None:
    health = got(client, "/completeness", organisation=HEALTH)
    assert health["scope"] == {"organisation": HEALTH}
    assert [one["organisation"]["code"] for one in health["metrics"][0]["organisations"]] == [
        HEALTH
    ]
    assert got(client, "/completeness", level="town")["metrics"][2]["denominator"] == 0
    assert got(client, "/completeness", library="theme")["metrics"][2]["denominator"] == 1
    earlier = got(client, "/completeness", as_of=20)
    assert (earlier["as_of"], earlier["metrics"][0]["denominator"]) == (20, 0)
    answer = client.get("/api/v1/audits/completeness", params={"organisation": "TMP-LOST"})
    assert check_problem(answer)["code"] == "unknown_organisation"
    answer = client.get("/api/v1/audits/completeness", params={"as_of": 0})
    assert check_problem(answer)["code"] == "nothing_to_audit"


def test_gaps_and_findings_are_read_in_pages(client: httpx.Client) -> None:
    unbound = {"as_of": got(client, f"/gaps/{TABLE}")["obligation"]["leaf"] + 1}
    gaps = got(client, "/gaps", limit=1, **unbound)
    assert [one["obligation"] for one in gaps["items"]] == [TABLE]
    assert gaps["next"] is None
    gap = gaps["items"][0]
    assert (gap["organisation"]["code"], gap["rung"]["zh"]) == (SCHOOLS, "编目")
    assert (gap["reason"]["code"], gap["article"]) == ("not_bound", "39(1)")
    assert got(client, "/gaps", rung="mounted", **unbound)["items"] == []
    assert got(client, "/gaps", overdue="true", **unbound)["items"] == []
    whole = got(client, "/findings")["items"]
    paged: list[dict[str, Any]] = []
    cursor: dict[str, str] = {}
    while True:
        page = got(client, "/findings", limit=1, **cursor)
        paged += page["items"]
        if page["next"] is None:
            break
        cursor = {"cursor": page["next"]}
    assert paged == whole
    assert {one["name"]["code"] for one in whole} >= {"exemption_relied_on", "objection_open"}
    for path, asked in (("gaps", {"rung": "lost"}), ("findings", {"name": "lost"})):
        answer = client.get(f"/api/v1/audits/{path}", params=asked)
        assert check_problem(answer)["code"] == "validation_failed"


def test_one_obligation_is_explained(client: httpx.Client) -> None:
    told = got(client, f"/gaps/{TABLE}")
    assert told["obligation"]["organisation"]["code"] == SCHOOLS
    assert [one["scope"] for one in told["exemptions"]] == ["update"]
    assert told["ladder"][0]["state"] == "passed"
    assert got(client, f"/gaps/catalogued:{TABLE}")["ladder"] == told["ladder"]
    assert got(client, "/gaps/EDU-2")["line"]["state"] == "unmet"
    assert check_problem(client.get("/api/v1/audits/gaps/none"))["code"] == "unknown_obligation"


def test_an_anchored_report_is_given_byte_for_byte(client: httpx.Client) -> None:
    other, honest = got(client, "/reports")["items"]
    assert (other["code"], honest["code"]) == ("AUDIT-2", "AUDIT-1")
    assert got(client, "/reports", type="quality")["items"] == []
    told = got(client, f"/reports/{honest['report']}")
    assert [one["leaf_from"] for one in told["statements"]] == [honest["leaf_from"]]
    answer = client.get(f"/api/v1/audits/reports/{honest['report']}/document")
    assert digest_of_bytes(answer.content) == honest["report"]
    tag = {"if-none-match": answer.headers["etag"]}
    assert client.get(str(answer.url), headers=tag).status_code == 304


@pytest.mark.parametrize(
    ("digest", "code"), [(OTHER_REPORT, "report_not_reproduced"), ("ab" * 32, "unknown_report")]
)
def test_a_report_that_nobody_can_give(client: httpx.Client, digest: str, code: str) -> None:
    answer = client.get(f"/api/v1/audits/reports/{digest}/document")
    assert check_problem(answer)["code"] == code

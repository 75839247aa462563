"""Quality over HTTP: a score whole, as linked data, over time, and the rules that find most."""

from __future__ import annotations

import httpx
import pytest
import rdflib

from tests.api.district import SCHOOLS, SCORE_LEAF

PATH = "/api/v1/quality"
ENTRY = "301001/000001"


def test_a_score_tells_where_it_comes_from_and_what_each_rule_counted(client: httpx.Client) -> None:
    found = client.get(f"{PATH}/scores/{SCORE_LEAF}").json()
    assert found["entry"] == ENTRY
    assert (found["rows"], found["stated_grade"], found["profile"]) == (200, "良", "本区权重")
    assert found["result_digest"] == "0x" + "ef" * 32
    told = {one["rule"]: (one["rate"], one["state"]["code"]) for one in found["outcomes"]}
    assert told == {
        "kind-listed": (None, "not_assessable"),
        "name-given": (9000, "assessed"),
        "phone-form": (5000, "assessed"),
    }
    missing = next(one for one in found["outcomes"] if one["rule"] == "kind-listed")
    assert missing["reason"]["zh"] == "未提供参照表"


@pytest.mark.parametrize("leaf", [0, 10_000])
def test_a_leaf_that_is_no_score_is_a_problem(client: httpx.Client, leaf: int) -> None:
    answer = client.get(f"{PATH}/scores/{leaf}")
    assert (answer.status_code, answer.json()["code"]) == (404, "unknown_score")


def test_a_score_is_not_there_before_it_was_recorded(client: httpx.Client) -> None:
    answer = client.get(f"{PATH}/scores/{SCORE_LEAF}", params={"as_of": SCORE_LEAF})
    assert answer.status_code == 404


@pytest.mark.parametrize(
    "asked", [{"params": {"form": "jsonld"}}, {"headers": {"accept": "application/ld+json"}}]
)
@pytest.mark.filterwarnings("ignore:.* is deprecated, use Dataset:DeprecationWarning")
def test_a_score_is_linked_data_with_dqv_terms(
    client: httpx.Client, asked: dict[str, dict[str, str]]
) -> None:
    answer = client.get(f"{PATH}/scores/{SCORE_LEAF}", **asked)  # type: ignore[arg-type]
    assert answer.headers["content-type"].startswith("application/ld+json")
    graph = rdflib.Dataset(default_union=True)
    graph.parse(data=answer.text, format="json-ld")
    measured = {
        str(row.metric).rpartition(":")[2]: (row.value.toPython(), str(row.dataset))
        for row in graph.query(
            """PREFIX dqv: <http://www.w3.org/ns/dqv#>
            SELECT ?metric ?value ?dataset WHERE {
              ?dataset dqv:hasQualityMeasurement ?one .
              ?one a dqv:QualityMeasurement ; dqv:isMeasurementOf ?metric ; dqv:value ?value ;
                   dqv:computedOn ?dataset }"""
        )
    }
    shares = {metric: str(value) for metric, (value, _) in measured.items()}
    assert shares["metric-02"] == "0.9000"
    assert shares["metric-03"] == "0.8000"
    assert set(shares) == {"metric-02", "metric-03", "metric-total", "metric-coverage"}
    assert {dataset for _, dataset in measured.values()} == {f"urn:govledger:entry:{ENTRY}"}
    in_dimension = set(graph.subject_objects(rdflib.URIRef("http://www.w3.org/ns/dqv#inDimension")))
    assert len(in_dimension) == 2


def test_history_and_trend_of_an_entry(client: httpx.Client) -> None:
    scores = client.get(f"{PATH}/entries/{ENTRY}/history").json()["items"]
    assert [one["leaf_from"] for one in scores] == [SCORE_LEAF]
    (point,) = client.get(f"{PATH}/entries/{ENTRY}/trend").json()["items"]
    assert (point["period_end"], point["mean"], point["change"]) == (
        "2026-06-30",
        scores[0]["total"],
        None,
    )
    assert client.get(f"{PATH}/entries/301001/999999/trend").json()["code"] == "unknown_entry"
    whole = client.get(f"{PATH}/trend", params={"organisation": SCHOOLS}).json()["items"]
    assert [one["entries"] for one in whole] == [one["entries"] for one in whole if one["mean"]]


def test_the_worst_rules_come_first_and_can_be_narrowed(client: httpx.Client) -> None:
    found = client.get(f"{PATH}/rules/worst").json()["items"]
    assert [one["rule"] for one in found][:1] == ["phone-form"]
    assert [one["rate"] for one in found] == sorted(one["rate"] for one in found)
    only = client.get(f"{PATH}/rules/worst", params={"indicator": "02", "entry": ENTRY}).json()
    assert [one["rule"] for one in only["items"]] == ["name-given"]
    assert client.get(f"{PATH}/rules/worst", params={"as_of": SCORE_LEAF}).json()["items"] == []


def test_the_league_goes_by_one_dimension(client: httpx.Client) -> None:
    found = client.get(f"{PATH}/league", params={"dimension": "timeliness"}).json()["items"]
    assert {one["mean"] for one in found} == {None}
    found = client.get(f"{PATH}/league", params={"dimension": "accuracy"}).json()["items"]
    assert found[0]["mean"] == 8000


def test_the_tree_of_indicators_is_told_with_our_weights(client: httpx.Client) -> None:
    found = client.get(f"{PATH}/indicators").json()
    assert [one["level"] for one in found["items"]].count(2) == 23
    assert found["default_profile"]["origin"] == "project"


SODA = {
    "scanStartTimestamp": "2026-01-01T00:00:00+00:00",
    "metrics": [
        {"identity": "metric-s-d-people-row_count", "metricName": "row_count", "value": 200},
        {
            "identity": "metric-s-d-people-phone-missing_count",
            "metricName": "missing_count",
            "value": 7,
        },
    ],
    "checks": [
        {
            "name": "missing_count(phone) < 10",
            "table": "people",
            "column": "phone",
            "metrics": ["metric-s-d-people-phone-missing_count"],
            "outcome": "pass",
        }
    ],
}


def test_another_tools_result_is_scored_and_can_be_signed(client: httpx.Client) -> None:
    period = {"period_start": "2026-01-01", "period_end": "2026-03-31"}
    answer = client.post(f"{PATH}/results", json=SODA, params={"entry": ENTRY, **period})
    assert answer.status_code == 200, answer.text
    found = answer.json()
    assert (found["tool"], found["total"]) == ("soda", 9650)
    assert found["draft"]["result_digest"] == found["digest"].removeprefix("0x")
    assert found["draft"]["scores"]["completeness"] == 9650


def test_what_no_tool_wrote_is_a_problem(client: httpx.Client) -> None:
    answer = client.post(f"{PATH}/results", json={"hello": 1})
    assert (answer.status_code, answer.json()["code"]) == (422, "validation_failed")
    assert "great_expectations" in answer.json()["detail"]


def test_results_of_an_entry_that_is_not_there_are_a_problem(client: httpx.Client) -> None:
    period = {"period_start": "2026-01-01", "period_end": "2026-03-31"}
    answer = client.post(f"{PATH}/results", json=SODA, params={"entry": "999999/000001", **period})
    assert (answer.status_code, answer.json()["code"]) == (404, "unknown_entry")

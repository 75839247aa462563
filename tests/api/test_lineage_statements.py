"""Rules, declared steps and checkpoints over HTTP: read as of any size, prepared and handed in."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.api.district import BUREAU, RULE, SCHOOLS, STEP, District
from tests.api.district import account as key
from tests.api.test_shape import check_problem
from tests.signing import STATEMENTS, prepared, submission

LINEAGE = "/api/v1/lineage"


def test_rules_come_in_pages_and_one_by_one(client: httpx.Client) -> None:
    first = client.get(f"{LINEAGE}/rules", params={"limit": 1, "holder": SCHOOLS}).json()
    assert [one["code"] for one in first["items"]] == [RULE]
    rest = {"limit": 1, "holder": SCHOOLS, "cursor": first["next"]}
    assert client.get(f"{LINEAGE}/rules", params=rest).json()["items"][0]["code"] == "R-2"
    one = client.get(f"{LINEAGE}/rules/{RULE}")
    assert one.json()["system"] == "办学许可系统"
    assert client.get(f"{LINEAGE}/rules", params={"entry": "none"}).json()["items"] == []
    before = {"as_of": one.json()["leaf_from"]}
    assert (
        check_problem(client.get(f"{LINEAGE}/rules/{RULE}", params=before))["code"]
        == "unknown_rule"
    )


def test_a_step_is_shown_by_the_names_of_its_ends(client: httpx.Client) -> None:
    step = client.get(f"{LINEAGE}/steps/{STEP}").json()
    assert step["inputs"] == [
        {"namespace": "postgres://edu:5432", "name": "ods.licences", "entry": None}
    ]
    assert step["outputs"] == [{"namespace": None, "name": None, "entry": "301001/000001"}]
    assert [one["output"]["field"] for one in step["columns"]] == ["姓名", None]
    assert (step["type"]["zh"], step["organisation"]) == ("加工", SCHOOLS)
    assert step["deidentification"] == {"grade_after": 2, "grade_before": 3, "method": "掩码"}
    assert client.get(f"{LINEAGE}/steps").json()["items"][0] == step
    assert check_problem(client.get(f"{LINEAGE}/steps/S-9"))["code"] == "unknown_step"


def test_checkpoints_are_the_newest_first(client: httpx.Client) -> None:
    asked = {"origin": "elsewhere/lineage", "limit": 1}
    page = client.get(f"{LINEAGE}/checkpoints", params=asked).json()
    assert [(one["size"], one["organisation"]) for one in page["items"]] == [(7, BUREAU)]
    assert client.get(f"{LINEAGE}/checkpoints", params={"origin": "none"}).json()["items"] == []


def said(struct: str) -> tuple[str, str, dict[str, Any]]:
    """Who says what, and signs with which key."""
    rule = {
        "code": "R-HTTP",
        "holder": SCHOOLS,
        "entry": "301001/000002",
        "namespace": "n*",
        "name": "t",
    }
    step = {
        "code": "S-HTTP",
        "name": "汇聚",
        "type": "merge",
        "inputs": [{"entry": "301001/000001"}],
        "outputs": [{"entry": "301001/000002"}],
    }
    checkpoint = {"origin": "http/lineage", "size": 5, "root": "cd" * 32}
    return {
        "DatasetRule": (SCHOOLS, "schools steward", rule),
        "Step": (SCHOOLS, "schools steward", step),
        "Checkpoint": (BUREAU, "collector", checkpoint),
    }[struct]


@pytest.mark.parametrize("struct", ["DatasetRule", "Step", "Checkpoint"])
def test_what_is_prepared_can_be_signed_and_handed_in(client: httpx.Client, struct: str) -> None:
    speaker, signer, draft = said(struct)
    ready = prepared(client, struct, speaker, draft)
    answer = client.post(STATEMENTS, json=submission(ready, key(signer)))
    assert answer.status_code == 202, answer.text
    asked = {"wait": 60, "until": "verified"}
    receipt = client.get(f"{STATEMENTS}/{answer.json()['receipt']}", params=asked).json()
    assert receipt["state"] == "verified", receipt
    again = prepared(
        client, struct, speaker, draft | ({"size": 6} if struct == "Checkpoint" else {})
    )
    assert again["typed_data"]["message"]["statements"][0]["version"] == 2


def test_what_cannot_be_said_is_told_by_its_place(client: httpx.Client, district: District) -> None:
    assert district.office.is_initialised
    _, _, draft = said("Step")
    wanted = {
        "struct": "Step",
        "organisation": SCHOOLS,
        "statements": [draft | {"inputs": [{"entry": "a", "name": "b"}]}],
    }
    problem = check_problem(client.post(f"{STATEMENTS}/prepare", json=wanted))
    assert problem["errors"][0]["pointer"] == "/statements/0/inputs/0"

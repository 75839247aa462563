"""Obligations, objections and exemptions over HTTP; what moved the denominator; drafts to sign."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.api.district import BUREAU, EXEMPTION, HEALTH, SCHOOLS, TABLE

ENTRY = "301001/000001"
DUTY = {
    "code": "HEA-1",
    "name": "卫生许可",
    "type": "duty",
    "responsible": HEALTH,
    "legal_basis": ["某法 第一条"],
    "valid_from": "2026-01-01",
}


def got(client: httpx.Client, path: str, **asked: object) -> dict[str, Any]:
    names = {name.rstrip("_"): str(one) for name, one in asked.items()}
    answer = client.get(f"/api/v1{path}", params=names)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def codes(client: httpx.Client, path: str, **asked: object) -> list[str]:
    return [one["code"] for one in got(client, path, **asked)["items"]]


def test_obligations_are_listed_with_what_answers_them(client: httpx.Client) -> None:
    found = got(client, "/obligations", type="table")
    assert found["total"] == 1
    [one] = found["items"]
    assert (one["code"], one["entry"], one["parent"]) == (TABLE, ENTRY, "EDU-1-S1")
    assert one["responsible"] == {"code": SCHOOLS, "zh": "某某区教育局", "en": "Education Bureau"}
    assert one["library"] == {"code": "theme", "zh": "主题库", "en": "theme"}
    assert one["organisation"]["code"] == BUREAU


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({"bound": "true"}, [TABLE]),
        ({"library": "theme"}, [TABLE]),
        ({"parent": "EDU-1"}, ["EDU-1-S1"]),
        ({"organisation": HEALTH}, []),
        ({"status": "withdrawn"}, []),
        ({"expiring_before": "2999-01-01"}, []),
        ({"q": "办学 EDU-2"}, ["EDU-2"]),
        ({"as_of": 1}, []),
    ],
)
def test_obligations_are_found_by_what_is_asked(
    client: httpx.Client, asked: dict[str, object], expected: list[str]
) -> None:
    assert codes(client, "/obligations", **asked) == expected


def test_a_list_goes_on_where_its_page_ended(client: httpx.Client) -> None:
    first = got(client, "/obligations", limit=3)
    rest = got(client, "/obligations", limit=3, cursor=first["next"])
    assert rest["next"] is None
    assert [one["code"] for one in first["items"] + rest["items"]] == [
        "EDU-1",
        "EDU-1-S1",
        TABLE,
        "EDU-2",
    ]


def test_one_obligation_shows_its_chain_and_what_frees_it(client: httpx.Client) -> None:
    one = got(client, f"/obligations/{TABLE}")
    assert [(link["type"]["code"], link["code"]) for link in one["chain"]] == [
        ("duty", "EDU-1"),
        ("system", "EDU-1-S1"),
        ("table", TABLE),
    ]
    assert one["binding"]["organisation"]["code"] == SCHOOLS
    assert [(freed["code"], freed["effect"]) for freed in one["exemptions"]] == [
        (EXEMPTION, "counting"),
        ("EX-2", "expired"),
    ]
    objected = got(client, "/obligations/EDU-2")["objection"]
    assert (objected["state"]["zh"], objected["reasons"]) == ("已提出", ["职责已划转"])
    acts = got(client, f"/obligations/{TABLE}/history")["items"]
    assert [(act["act"], act["state"]["code"], act["entry"]) for act in acts] == [
        ("obligation", "in_force", None),
        ("binding", "bound", ENTRY),
    ]


def test_open_objections_are_listed(client: httpx.Client) -> None:
    [one] = got(client, "/objections", state="raised", organisation=SCHOOLS)["items"]
    assert one["obligation"] == "EDU-2"
    assert got(client, "/objections", state="dismissed")["items"] == []


def test_exemptions_say_whether_they_count(client: httpx.Client) -> None:
    found = got(client, "/exemptions")
    assert found["day"]
    assert [(one["code"], one["effect"]) for one in found["items"]] == [
        (EXEMPTION, "counting"),
        ("EX-2", "expired"),
    ]
    assert codes(client, "/exemptions", counting="true") == [EXEMPTION]
    assert codes(client, "/exemptions", type="entry", scope="share") == ["EX-2"]
    assert codes(client, "/exemptions", organisation=SCHOOLS) == [EXEMPTION, "EX-2"]
    assert codes(client, "/exemptions", organisation=BUREAU) == []
    assert codes(client, "/exemptions", approver=BUREAU, target=TABLE) == [EXEMPTION]
    assert codes(client, "/exemptions", expiring_before="2021-01-01") == ["EX-2"]
    one = got(client, f"/exemptions/{EXEMPTION}")
    assert one["scope"] == [{"code": "update", "zh": "更新", "en": "update"}]
    assert got(client, f"/exemptions/{EXEMPTION}/history")["items"] == [one]


def test_the_denominator_explains_itself(client: httpx.Client) -> None:
    found = got(client, "/audits/denominator")
    assert (found["before"]["owed"], found["after"]["owed"]) == (0, 4)
    assert found["after"]["update"] == 3
    assert [change["code"] for change in found["changes"]][-2:] == [EXEMPTION, "EX-2"]
    freed = found["changes"][-2]
    assert (freed["act"], freed["about"], freed["organisation"]["code"]) == (
        "granted",
        TABLE,
        BUREAU,
    )
    assert [(one["purpose"], one["change"]) for one in freed["effects"]] == [("update", -1)]
    assert got(client, "/audits/denominator", organisation=HEALTH)["changes"] == []
    before = got(client, "/audits/denominator", to=freed["leaf"])
    assert (before["after"]["update"], before["to_size"]) == (4, freed["leaf"])
    wrong = client.get("/api/v1/audits/denominator", params={"from": "5", "to": "3"})
    assert (wrong.status_code, wrong.json()["code"]) == (400, "invalid_as_of")


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/obligations/none", "unknown_obligation"),
        (f"/obligations/{TABLE}?as_of=2", "unknown_obligation"),
        ("/obligations/none/history", "unknown_obligation"),
        ("/exemptions/none", "unknown_exemption"),
        ("/exemptions/none/history", "unknown_exemption"),
    ],
)
def test_what_is_not_there_is_named(client: httpx.Client, path: str, code: str) -> None:
    answer = client.get(f"/api/v1{path}")
    assert (answer.status_code, answer.json()["code"]) == (404, code)


@pytest.mark.parametrize(
    ("struct", "speaker", "statement", "who"),
    [
        ("Obligation", BUREAU, DUTY, (1, "authority")),
        ("Binding", SCHOOLS, {"obligation": TABLE, "entry": ENTRY}, (2, "steward, authority")),
        (
            "Objection",
            SCHOOLS,
            {"obligation": "EDU-1", "state": "raised", "reasons": ["错"]},
            (1, "steward, head"),
        ),
        (
            "Objection",
            BUREAU,
            {"obligation": "EDU-2", "state": "upheld", "reasons": ["对"]},
            (2, "authority"),
        ),
        (
            "Exemption",
            BUREAU,
            {
                "code": EXEMPTION,
                "target": TABLE,
                "target_type": "obligation",
                "scope": ["update"],
                "law": "某法 第十条",
                "valid_from": "2026-01-01",
                "expires": "2027-01-01",
            },
            (2, "authority"),
        ),
    ],
)
def test_a_draft_is_prepared_for_who_may_sign_it(
    client: httpx.Client,
    struct: str,
    speaker: str,
    statement: dict[str, Any],
    who: tuple[int, str],
) -> None:
    wanted = {"struct": struct, "organisation": speaker, "statements": [statement]}
    answer = client.post("/api/v1/statements/prepare", json=wanted)
    assert answer.status_code == 200, answer.text
    prepared = answer.json()
    [said] = prepared["typed_data"]["message"]["statements"]
    assert (int(said["version"]), prepared["signer_role"]["en"]) == who


def test_a_draft_that_cannot_stand_is_refused_in_the_readers_language(
    client: httpx.Client,
) -> None:
    wanted = {
        "struct": "Obligation",
        "organisation": BUREAU,
        "statements": [{**DUTY, "parent": "EDU-1"}, {**DUTY, "code": "a b"}],
    }
    answer = client.post(
        "/api/v1/statements/prepare", json=wanted, headers={"accept-language": "zh"}
    )
    assert answer.status_code == 422
    told = {fault["pointer"]: fault["detail"] for fault in answer.json()["errors"]}
    assert told == {
        "/statements/0": "parent：职责事项没有上级，请去掉此项",
        "/statements/1/code": "第 2 个字符是空格，代码中不能有空格",
    }

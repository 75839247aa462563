"""Organisations, keys and scores over HTTP."""

from __future__ import annotations

import httpx

from tests.api.district import BUREAU, ROOT, SCHOOLS, account

PATH = "/api/v1/organisations"


def test_organisations_are_listed_page_by_page(client: httpx.Client) -> None:
    whole = client.get(PATH).json()
    assert whole["total"] == len(whole["items"]) >= 4
    seen, cursor = [], None
    while True:
        page = client.get(
            PATH, params={"limit": 1, **({"cursor": cursor} if cursor else {})}
        ).json()
        seen += page["items"]
        cursor = page["next"]
        if cursor is None:
            break
    assert seen == whole["items"]


def test_organisations_are_found_by_name_parent_and_level(client: httpx.Client) -> None:
    by_name = client.get(PATH, params={"q": "教育"}).json()["items"]
    assert [one["code"] for one in by_name] == [SCHOOLS]
    below = client.get(PATH, params={"parent": ROOT, "level": "district"}).json()["items"]
    assert {BUREAU, SCHOOLS} <= {one["code"] for one in below}
    assert client.get(PATH, params={"level": "town"}).json()["items"] == []


def test_one_organisation_has_names_and_a_tag_of_its_version(client: httpx.Client) -> None:
    answer = client.get(f"{PATH}/{SCHOOLS}")
    assert answer.json()["name"] == "某某区教育局"
    assert answer.json()["level"] == {"code": "district", "zh": "区级", "en": "district"}
    assert answer.headers["etag"].startswith('"v1-')
    history = client.get(f"{PATH}/{SCHOOLS}/history").json()["items"]
    assert [one["version"] for one in history] == [1]


def test_keys_show_roles_and_revocation(client: httpx.Client) -> None:
    keys = client.get(f"{PATH}/{SCHOOLS}/keys").json()["items"]
    standing = {key["address"]: key for key in keys}
    assert standing[account("schools old").address]["status"]["code"] == "revoked"
    assert standing[account("schools old").address]["reason"] == "岗位调整"
    heads = client.get(f"{PATH}/{SCHOOLS}/keys", params={"role": "head"}).json()["items"]
    assert [key["address"] for key in heads] == [account("schools head").address]
    active = client.get(f"{PATH}/{SCHOOLS}/keys", params={"status": "active"}).json()["items"]
    assert account("schools old").address not in [key["address"] for key in active]


def test_before_its_revocation_a_key_was_active(client: httpx.Client) -> None:
    old = account("schools old").address
    keys = client.get(f"{PATH}/{SCHOOLS}/keys").json()["items"]
    revoked_at = next(key["leaf_from"] for key in keys if key["address"] == old)
    before = client.get(f"{PATH}/{SCHOOLS}/keys", params={"as_of": revoked_at}).json()["items"]
    status = next(key["status"]["code"] for key in before if key["address"] == old)
    assert status == "active"


def test_an_unknown_organisation_is_a_problem(client: httpx.Client) -> None:
    for path in (f"{PATH}/TMP-NOBODY", f"{PATH}/TMP-NOBODY/keys", f"{PATH}/TMP-NOBODY/history"):
        answer = client.get(path)
        assert (answer.status_code, answer.json()["code"]) == (404, "unknown_organisation")


def test_scores_come_newest_first_and_page_by_page(client: httpx.Client) -> None:
    whole = client.get("/api/v1/quality/scores").json()["items"]
    leaves = [score["leaf_from"] for score in whole]
    assert leaves == sorted(leaves, reverse=True)
    seen, cursor = [], None
    while True:
        wanted = {"limit": 2, **({"cursor": cursor} if cursor else {})}
        page = client.get("/api/v1/quality/scores", params=wanted).json()
        seen += page["items"]
        cursor = page["next"]
        if cursor is None:
            break
    assert seen == whole


def test_a_score_tells_what_was_not_assessed(client: httpx.Client) -> None:
    wanted = {"entry": "301001/000001", "assessor": BUREAU, "period": "2026-05-01"}
    (score,) = client.get("/api/v1/quality/scores", params=wanted).json()["items"]
    told = {one["code"]: one["score"] for one in score["dimensions"]}
    assert told["completeness"] == 9000
    assert told["timeliness"] is None
    assert score["assessor"]["zh"] == "某某区数据局"
    assert 0 < score["coverage"] < 10_000
    other = client.get("/api/v1/quality/scores", params={"period": "2025-01-01"}).json()
    assert other["items"] == []


def test_the_league_loses_nobody(client: httpx.Client) -> None:
    found = client.get("/api/v1/quality/league").json()["items"]
    assert {ROOT, BUREAU, SCHOOLS} <= {one["organisation"]["code"] for one in found}
    assert found[0]["mean"] is not None
    assert found[-1]["mean"] is None

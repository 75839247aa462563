"""The catalogue over HTTP: search, one entry, its editions, its life, what changed."""

from __future__ import annotations

from urllib.parse import quote

import httpx
import pytest

from tests.api.district import ENTRIES, HEALTH, SCHOOLS, SECRET_WORDS

ENTRIES_PATH = "/api/v1/catalogue/entries"
RESTRICTED = "301001/000003"


def codes(client: httpx.Client, **wanted: object) -> list[str]:
    answer = client.get(ENTRIES_PATH, params={"limit": 500, **wanted})
    assert answer.status_code == 200, answer.text
    return [item["code"] for item in answer.json()["items"]]


def test_all_entries_are_listed_by_code(client: httpx.Client) -> None:
    found = codes(client)
    assert found == sorted(found)
    assert len(found) >= ENTRIES


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ({"q": "学籍"}, ["301001/000002"]),
        ({"q": "许可 医疗"}, ["301002/000001"]),
        ({"q": "301002/000004"}, ["301002/000004"]),
        ({"organisation": SCHOOLS, "library": "theme"}, ["301001/000002"]),
        ({"organisation": HEALTH, "share_type": "conditional"}, ["301002/000001"]),
        ({"organisation": HEALTH, "state": "returned"}, ["301002/000002"]),
        ({"organisation": HEALTH, "state": "draft"}, ["301002/000003", "301002/000004"]),
        ({"organisation": HEALTH, "incomplete": "true"}, ["301002/000003", "301002/000004"]),
        ({"organisation": SCHOOLS, "grade": 4}, [RESTRICTED]),
        ({"organisation": SCHOOLS, "restricted": "true"}, [RESTRICTED]),
        ({"q": "没有这样的目录"}, []),
    ],
)
def test_a_search_finds_what_matches_everything_asked(
    client: httpx.Client, wanted: dict[str, object], expected: list[str]
) -> None:
    assert codes(client, **wanted) == expected


def test_pages_hold_every_entry_once(client: httpx.Client) -> None:
    whole = codes(client, organisation=HEALTH)
    seen: list[str] = []
    cursor: str | None = None
    while True:
        wanted = {"organisation": HEALTH, "limit": 1, **({"cursor": cursor} if cursor else {})}
        page = client.get(ENTRIES_PATH, params=wanted).json()
        seen += [item["code"] for item in page["items"]]
        assert page["total"] == len(whole)
        cursor = page["next"]
        if cursor is None:
            break
    assert seen == whole


def test_coded_values_have_names_in_both_languages(client: httpx.Client) -> None:
    entry = client.get(f"{ENTRIES_PATH}/301001/000002").json()
    assert entry["share_type"] == {
        "code": "unconditional",
        "zh": "无条件共享",
        "en": "unconditional",
    }
    assert entry["provider"] == {"code": SCHOOLS, "zh": "某某区教育局", "en": "Education Bureau"}
    assert entry["state"]["zh"] == "已发布"


@pytest.mark.parametrize("code", ["301001/000001", "301001%2F000001", "301001%2f000001"])
def test_a_code_works_raw_and_percent_encoded(client: httpx.Client, code: str) -> None:
    answer = client.get(f"{ENTRIES_PATH}/{code}")
    assert answer.status_code == 200
    assert answer.json()["code"] == "301001/000001"
    assert client.get(f"{ENTRIES_PATH}/{code}/versions/1").json()["edition"] == 1
    assert len(client.get(f"{ENTRIES_PATH}/{code}/history").json()["items"]) >= 3


def test_a_revised_entry_shows_what_is_in_force_and_what_is_pending(client: httpx.Client) -> None:
    entry = client.get(f"{ENTRIES_PATH}/301001/000001").json()
    assert entry["published"]["document"]["name"] == "民办学校许可"
    assert entry["pending"]["document"]["name"] == "民办学校办学许可"
    assert entry["pending"]["edition"] == 2


def test_versions_are_the_editions_that_were_filed(client: httpx.Client) -> None:
    found = client.get(f"{ENTRIES_PATH}/301001/000001/versions").json()
    assert [one["edition"] for one in found["items"]] == [1, 2]
    one = client.get(f"{ENTRIES_PATH}/301001/000001/versions/2").json()
    assert one == found["items"][1]


def test_a_history_tells_filings_and_decisions_with_reasons(client: httpx.Client) -> None:
    found = client.get(f"{ENTRIES_PATH}/301002/000002/history").json()["items"]
    assert [(act["act"], act["state"]["code"]) for act in found] == [
        ("filed", "submitted"),
        ("decided", "returned"),
    ]
    assert found[1]["reasons"] == ["缺少数据来源说明"]
    assert found[0]["organisation"]["zh"] == "某某区卫生健康委员会"


def test_a_diff_names_the_fields_that_changed(client: httpx.Client) -> None:
    wanted = {"from": 1, "to": 2}
    found = client.get(f"{ENTRIES_PATH}/301001/000001/diff", params=wanted).json()
    assert {change["pointer"]: change["after"] for change in found["changes"]} == {
        "/abstract": "民办学校办学许可的基本情况",
        "/name": "民办学校办学许可",
        "/update_cycle": "weekly",
    }


def test_as_of_an_earlier_size_the_entry_stood_otherwise(client: httpx.Client) -> None:
    acts = client.get(f"{ENTRIES_PATH}/301001/000001/history").json()["items"]
    filed, published = acts[0]["leaf"], acts[1]["leaf"]

    def state(as_of: int) -> tuple[int, str | None]:
        answer = client.get(f"{ENTRIES_PATH}/301001/000001", params={"as_of": as_of})
        found = answer.json()
        if answer.status_code == 200:
            assert found["as_of"] == as_of
            assert answer.headers["govledger-as-of"] == str(as_of)
        return answer.status_code, found.get("state", {}).get("code")

    assert state(filed) == (404, None)
    assert state(filed + 1) == (200, "submitted")
    assert state(published + 1) == (200, "published")
    listed = client.get(ENTRIES_PATH, params={"as_of": filed, "limit": 500}).json()
    assert listed["as_of"] == filed
    assert "301001/000001" not in [item["code"] for item in listed["items"]]


def test_a_page_after_the_first_stays_in_the_snapshot_of_the_first(client: httpx.Client) -> None:
    leaf = client.get(f"{ENTRIES_PATH}/301002/000004/history").json()["items"][0]["leaf"]
    first = client.get(
        ENTRIES_PATH, params={"organisation": HEALTH, "limit": 1, "as_of": leaf}
    ).json()
    rest = client.get(
        ENTRIES_PATH,
        params={"organisation": HEALTH, "limit": 1, "as_of": leaf, "cursor": first["next"]},
    ).json()
    assert rest["as_of"] == leaf
    assert rest["total"] == 3


@pytest.mark.parametrize(
    "path",
    [
        ENTRIES_PATH + "?limit=500",
        ENTRIES_PATH + f"?q={quote(SECRET_WORDS)}",
        ENTRIES_PATH + f"/{RESTRICTED}",
        ENTRIES_PATH + f"/{RESTRICTED}/versions",
        ENTRIES_PATH + f"/{RESTRICTED}/versions/1",
        ENTRIES_PATH + f"/{RESTRICTED}/history",
        "/api/v1/log/statements?limit=500",
        "/metrics",
        "/readyz",
        "/",
    ],
)
def test_the_text_of_a_restricted_entry_is_told_nowhere(client: httpx.Client, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 200
    assert SECRET_WORDS not in answer.text
    assert "某某区单位" not in answer.text or RESTRICTED not in path


def test_a_restricted_entry_shows_its_commitment(client: httpx.Client) -> None:
    found = client.get(f"{ENTRIES_PATH}/{RESTRICTED}").json()
    assert found["restricted"] is True
    assert found["name"] is None
    document = found["pending"]["document"]
    assert set(document) == {"code", "commitment", "provider", "restricted"}


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        (f"{ENTRIES_PATH}/999999/000001", 404, "unknown_entry"),
        (f"{ENTRIES_PATH}/999999/000001/versions", 404, "unknown_entry"),
        (f"{ENTRIES_PATH}/999999/000001/history", 404, "unknown_entry"),
        (f"{ENTRIES_PATH}/301001/000001/versions/9", 404, "unknown_edition"),
        (f"{ENTRIES_PATH}/301001/000001/versions/0", 422, "validation_failed"),
        (f"{ENTRIES_PATH}/301001/000001/diff?from=1&to=9", 404, "unknown_edition"),
        (f"{ENTRIES_PATH}/301001/000001/diff?from=1", 422, "validation_failed"),
        (f"{ENTRIES_PATH}?limit=0", 422, "validation_failed"),
        (f"{ENTRIES_PATH}?limit=501", 422, "validation_failed"),
        (f"{ENTRIES_PATH}?share_type=free", 422, "validation_failed"),
        (f"{ENTRIES_PATH}?grade=5", 422, "validation_failed"),
        (f"{ENTRIES_PATH}?libary=theme", 400, "unknown_parameter"),
        (f"{ENTRIES_PATH}?state=draft&state=published", 400, "unknown_parameter"),
        (f"{ENTRIES_PATH}?cursor=abc", 400, "invalid_cursor"),
        (f"{ENTRIES_PATH}?q={'长' * 201}", 422, "validation_failed"),
    ],
)
def test_a_question_that_cannot_be_answered_is_a_problem(
    client: httpx.Client, path: str, status: int, code: str
) -> None:
    answer = client.get(path)
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text


def test_a_misspelt_filter_is_told_its_likely_name(client: httpx.Client) -> None:
    problem = client.get(ENTRIES_PATH, params={"libary": "theme"}).json()
    assert "library" in problem["detail"]
    assert problem["errors"][0]["pointer"] == "?libary"


def test_a_cursor_of_another_query_is_refused(client: httpx.Client) -> None:
    first = client.get(ENTRIES_PATH, params={"limit": 1}).json()
    for wanted in ({"state": "published"}, {"as_of": "5"}):
        answer = client.get(ENTRIES_PATH, params={"cursor": first["next"], **wanted})
        assert answer.json()["code"] == "invalid_cursor"
    other = client.get("/api/v1/organisations", params={"cursor": first["next"]})
    assert other.json()["code"] == "invalid_cursor"
    # The page size may change between pages: it is no part of the question.
    assert client.get(ENTRIES_PATH, params={"cursor": first["next"], "limit": 3}).status_code == 200


def test_a_tampered_cursor_is_refused_at_every_character(client: httpx.Client) -> None:
    cursor = client.get(ENTRIES_PATH, params={"limit": 1}).json()["next"]
    for at in range(len(cursor)):
        other = "A" if cursor[at] != "A" else "B"
        tampered = cursor[:at] + other + cursor[at + 1 :]
        answer = client.get(ENTRIES_PATH, params={"cursor": tampered})
        assert answer.status_code == 400, tampered


def test_an_unchanged_entry_is_not_sent_again(client: httpx.Client) -> None:
    first = client.get(f"{ENTRIES_PATH}/301001/000002")
    tag = first.headers["etag"]
    again = client.get(f"{ENTRIES_PATH}/301001/000002", headers={"if-none-match": f'"x", W/{tag}'})
    assert again.status_code == 304
    assert again.content == b""
    assert again.headers["etag"] == tag
    other = client.get(f"{ENTRIES_PATH}/301001/000001")
    assert other.headers["etag"] != tag


def test_chinese_is_sent_as_chinese(client: httpx.Client) -> None:
    answer = client.get(ENTRIES_PATH, params={"q": "学籍"})
    assert "学籍基本信息" in answer.content.decode("utf-8")
    assert b"\\u" not in answer.content

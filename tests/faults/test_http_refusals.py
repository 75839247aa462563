"""Statements handed in over HTTP that cannot be: each answer is a problem that says what to do."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from ledger.demo.district import synthetic_uscc
from tests.person import Person
from tests.signing import STATEMENTS, account, prepared, submission
from tests.small_office import (
    CIVIL_AFFAIRS,
    EDUCATION,
    PUBLISHED,
    REGION,
    ROOT_ORGANISATION,
    entry,
    score,
)

NOBODY = synthetic_uscc(REGION, 9)


@pytest.fixture(scope="module")
def served(built_office: Person, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Person]:
    """A server over a copy of the small ledger; its address is in ``more['URL']``."""
    person = built_office.copy(tmp_path_factory.mktemp("served") / "ledger")
    person.run("key", "create", "old-steward")
    person.run(
        *("key", "grant", "old-steward", "--key", "authority"),
        *("--holder", EDUCATION, "--roles", "steward"),
    )
    person.run("key", "revoke", "old-steward", "--key", "authority", "--reason", "人员调动")
    with person.running("serve", "--port", "0") as url:
        person.more["URL"] = url
        yield person


@pytest.fixture
def client(served: Person) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=served.more["URL"], timeout=60) as client:
        yield client


def size(client: httpx.Client) -> int:
    return int(client.get("/api/v1/log/checkpoint").json()["size"])


def refused(client: httpx.Client, body: object, status: int, code: str) -> dict[str, Any]:
    """The problem, in English; it must be there in Chinese too, and nothing may be recorded."""
    before = size(client)
    texts = {}
    for language in ("en", "zh"):
        answer = client.post(STATEMENTS, json=body, headers={"accept-language": language})
        problem = answer.json()
        assert (answer.status_code, problem["code"]) == (status, code), answer.text
        assert answer.headers["content-type"] == "application/problem+json"
        assert problem["detail"]
        assert problem["hint"]
        texts[language] = problem
    assert any("\u4e00" <= character <= "\u9fff" for character in texts["zh"]["title"])
    assert size(client) == before
    return texts["en"]


def draft(client: httpx.Client, number: int, **more: Any) -> Any:
    said = {"entry": entry(f"318001/{number:06}"), "state": "draft"}
    return prepared(client, "Filing", EDUCATION, said, **more)


def test_an_unknown_organisation(served: Person, client: httpx.Client) -> None:
    ready = prepared(
        client,
        "Key",
        ROOT_ORGANISATION,
        {"address": "0x" + "12" * 20, "holder": NOBODY, "roles": ["steward"]},
    )
    body = submission(ready, account(served, "authority"))
    problem = refused(client, body, 422, "unknown_organisation")
    assert NOBODY in problem["detail"]


def test_a_wrong_role_and_a_key_of_another_organisation(
    served: Person, client: httpx.Client
) -> None:
    ready = draft(client, 301)
    for name in ("education-head", "civil-steward", "assessor"):
        problem = refused(client, submission(ready, account(served, name)), 403, "role_missing")
        assert "STEWARD" in problem["detail"]


def test_a_revoked_key(served: Person, client: httpx.Client) -> None:
    body = submission(draft(client, 302), account(served, "old-steward"))
    problem = refused(client, body, 403, "role_missing")
    assert account(served, "old-steward").address in problem["detail"]


def test_an_expired_deadline(served: Person, client: httpx.Client) -> None:
    ready = draft(client, 303, deadline=int(time.time()) - 60)
    body = submission(ready, account(served, "education-steward"))
    refused(client, body, 422, "deadline_passed")


def test_a_signature_over_other_data(served: Person, client: httpx.Client) -> None:
    steward = account(served, "education-steward")
    body = submission(draft(client, 304), steward)
    other = submission(draft(client, 305), steward)
    refused(client, body | {"signature": other["signature"]}, 403, "bad_signature")
    refused(client, body | {"signature": "0x" + "11" * 65}, 403, "bad_signature")
    refused(
        client, body | {"signer": account(served, "civil-steward").address}, 403, "bad_signature"
    )


def test_a_body_that_is_not_the_one_signed(served: Person, client: httpx.Client) -> None:
    body = submission(draft(client, 306), account(served, "education-steward"))
    altered = body | {"bodies": [body["bodies"][0].replace("学校", "学院", 1)]}
    problem = refused(client, altered, 403, "bad_signature")
    assert problem["errors"][0]["pointer"] == "/bodies/0"


def test_a_cosignature_of_somebody_who_is_not_the_head(
    served: Person, client: httpx.Client
) -> None:
    ready = prepared(client, "Filing", EDUCATION, {"entry": entry("318001/000307")})
    steward = account(served, "education-steward")
    refused(client, submission(ready, steward), 422, "cosignature_missing")
    refused(client, submission(ready, steward, steward), 422, "cosignature_missing")
    refused(client, submission(ready, steward, account(served, "civil-head")), 403, "role_missing")


def test_a_stale_version_is_answered_with_the_one_expected(
    served: Person, client: httpx.Client
) -> None:
    said = {"entry": entry(abstract="迟到的修订"), "state": "draft", "version": 1}
    ready = prepared(client, "Filing", EDUCATION, said)
    body = submission(ready, account(served, "education-steward"))
    problem = refused(client, body, 409, "stale_version")
    assert problem["expected_version"] == 3


def test_a_code_that_another_organisation_owns(served: Person, client: httpx.Client) -> None:
    taken = {"entry": entry(provider=CIVIL_AFFAIRS), "state": "draft"}
    ready = prepared(client, "Filing", CIVIL_AFFAIRS, taken)
    body = submission(ready, account(served, "civil-steward"))
    problem = refused(client, body, 403, "not_owner")
    assert PUBLISHED in problem["detail"]


def test_a_state_that_cannot_follow(served: Person, client: httpx.Client) -> None:
    ready = prepared(
        client,
        "Decision",
        ROOT_ORGANISATION,
        {"code": PUBLISHED, "decision": "returned", "reasons": ["缺少信息项"]},
    )
    refused(client, submission(ready, account(served, "authority")), 409, "illegal_transition")


def test_a_score_of_an_edition_that_is_not_there(served: Person, client: httpx.Client) -> None:
    ready = prepared(client, "Score", ROOT_ORGANISATION, score(edition=9))
    refused(client, submission(ready, account(served, "assessor")), 422, "unknown_edition")


def test_typed_data_of_another_ledger(served: Person, client: httpx.Client) -> None:
    ready = copy.deepcopy(draft(client, 308))
    ready["typed_data"]["domain"]["chainId"] = 1
    body = submission(ready, account(served, "education-steward"))
    refused(client, body, 422, "wrong_ledger")


def _pointer_to(**change: Any) -> Callable[[dict[str, Any]], dict[str, Any]]:
    return lambda body: body | change


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        (_pointer_to(signer="0x12"), "/signer"),
        (_pointer_to(signature="none"), "/signature"),
        (_pointer_to(bodies=[]), "/bodies"),
        (_pointer_to(bodies=["{}", "{}"]), "/bodies"),
        (_pointer_to(colour="red"), "/colour"),
        (_pointer_to(typed_data={}), "/typed_data"),
        (_pointer_to(cosigner="0x" + "12" * 20), "/cosignature"),
    ],
)
def test_a_malformed_submission_is_told_where(
    served: Person,
    client: httpx.Client,
    change: Callable[[dict[str, Any]], dict[str, Any]],
    pointer: str,
) -> None:
    body = change(submission(draft(client, 309), account(served, "education-steward")))
    problem = refused(client, body, 422, "validation_failed")
    assert any(fault["pointer"].startswith(pointer) for fault in problem["errors"]), problem


def test_bodies_that_cannot_be_read_at_all(client: httpx.Client) -> None:
    headers = {"content-type": "application/json"}
    for raw in (b"", b"{", b"\xff\xfe", b'{"a": 1, "a": 2}', b"[" * 5000):
        answer = client.post(STATEMENTS, content=raw, headers=headers)
        assert answer.status_code in (400, 422), (raw[:20], answer.text)
        assert answer.json()["hint"]
    answer = client.post(STATEMENTS, content=b"a=1", headers={"content-type": "text/plain"})
    assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_media_type")


def test_an_oversized_body(served: Person, client: httpx.Client) -> None:
    answer = client.post(
        STATEMENTS, content=b" " * (40 << 20), headers={"content-type": "application/json"}
    )
    assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")
    body = submission(draft(client, 310), account(served, "education-steward"))
    large = body | {"bodies": ['{"a":"' + "x" * 131_072 + '"}']}
    problem = refused(client, large, 422, "validation_failed")
    assert "131072" in str(problem["errors"])


def test_a_signature_is_made_anew_for_the_version_expected(
    served: Person, client: httpx.Client
) -> None:
    """The way out that the stale answer names: prepare again, sign, hand in."""
    ready = prepared(client, "Filing", EDUCATION, {"entry": entry(abstract="按时的修订")})
    steward, head = account(served, "education-steward"), account(served, "education-head")
    answer = client.post(STATEMENTS, json=submission(ready, steward, head))
    assert answer.status_code == 202, answer.text
    found = client.get(answer.headers["location"], params={"wait": 30, "until": "verified"}).json()
    assert found["state"] == "verified"

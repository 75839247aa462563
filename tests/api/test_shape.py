"""Conventions that hold for every route: one shape of errors, documented answers, few queries."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import jsonschema
import pytest
from sqlalchemy import event

from api.app import assemble
from api.openapi import describe
from api.problems import PROBLEMS
from tests.api.district import (
    CORRECTION,
    DARK,
    EXEMPTION,
    MANIFEST_LEAF,
    OTHER_REPORT,
    RULE,
    SCHOOLS,
    SCORE_LEAF,
    STEP,
    TABLE,
    District,
)

DOCUMENT = describe(assemble())
ROUTES = [
    (path, method)
    for path, operations in sorted(DOCUMENT["paths"].items())
    for method in sorted(operations)
]
PLACES = {
    "code": "301001/000001",
    "number": "1",
    "index": "0",
    "receipt": "0x" + "0" * 64,
    "name": "catalogue-entry",
    "leaf": str(MANIFEST_LEAF),
    "statement": str(SCORE_LEAF),
    "gap": TABLE,
    "digest": OTHER_REPORT,
}
MEMBERS = {"type", "title", "status", "detail", "instance", "code", "hint"}


def filled(path: str) -> str:
    place = dict(PLACES)
    if path.startswith("/api/v1/organisations"):
        place["code"] = SCHOOLS
    if path.startswith("/api/v1/obligations"):
        place["code"] = TABLE
    if path.startswith("/api/v1/exemptions"):
        place["code"] = EXEMPTION
    if path.startswith("/api/v1/corrections"):
        place["code"] = CORRECTION
    if path.startswith("/api/v1/lineage"):
        place["code"] = RULE if "rules" in path else STEP
    return re.sub(r"\{(\w+)\}", lambda found: place[found[1]], path)


def check_problem(answer: httpx.Response) -> dict[str, Any]:
    """The one shape: RFC 9457 with our members, a known type, pointers and codes."""
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    problem = dict(answer.json())
    assert set(problem) >= MEMBERS
    assert problem["status"] == answer.status_code
    assert problem["type"] == f"/problems/{problem['code']}"
    assert problem["code"] in PROBLEMS
    assert problem["instance"].startswith("/")
    assert answer.headers["content-language"] in ("zh", "en")
    assert "Accept-Language" in answer.headers["vary"]
    assert all(isinstance(problem[name], str) and problem[name] for name in MEMBERS - {"status"})
    for fault in problem.get("errors", []):
        assert set(fault) == {"pointer", "detail", "code"}
        assert fault["pointer"][:1] in ("/", "?", "") or ":" in fault["pointer"]
    shape = {"$ref": "#/components/schemas/ProblemShape", "components": DOCUMENT["components"]}
    jsonschema.validate(problem, shape)
    return problem


@pytest.mark.parametrize(("path", "method"), ROUTES)
def test_a_wrong_method_is_a_problem_on_every_route(
    client: httpx.Client, path: str, method: str
) -> None:
    for wrong in {"delete", "patch", "put"} - {method}:
        answer = client.request(wrong, filled(path))
        assert answer.status_code == 405
        assert check_problem(answer)["code"] == "method_not_allowed"
        assert method.upper() in answer.headers["allow"]


@pytest.mark.parametrize(("path", "method"), ROUTES)
def test_bad_input_is_a_problem_on_every_route(
    client: httpx.Client, path: str, method: str
) -> None:
    where = filled(path)
    if method == "post":
        for content, kind, code in (
            (b"{", "application/json", "malformed_request"),
            (b'{"a":1,"a":2}', "application/json", "malformed_request"),
            (b"\xff", "application/json", "malformed_request"),
            (b"[" * 100_000, "application/json", "malformed_request"),
            (b"{}", "text/plain", "unsupported_media_type"),
            (b'{"surprise":1}', "application/json", "validation_failed"),
            (b"[]", "application/json", "validation_failed"),
            (b"", "application/json", "malformed_request"),
        ):
            answer = client.post(where, content=content, headers={"content-type": kind})
            # Nobody without a token learns what is wrong with what was sent.
            needs_token = "security" in DOCUMENT["paths"][path][method]
            expected = "token_missing" if needs_token and kind == "application/json" else code
            assert check_problem(answer)["code"] == expected, (content[:20], answer.text)
    elif path.startswith("/api/v1"):
        answer = client.get(where, params={"surprise": "1"})
        assert check_problem(answer)["code"] == "unknown_parameter"


@pytest.mark.parametrize(
    "path",
    [
        "/nothing",
        "/api",
        "/api/v1",
        "/api/v2/organisations",
        "/api/v1/organisations/",
        "/assets/../app.py",
        "/assets/app.py",
        "/problems/none",
        "/api/v1/schemas/none",
        "/api/v1/catalogue/entries/%ff%fe",
        "/api/v1/catalogue/entries/" + "9" * 300,
    ],
)
def test_an_address_that_leads_nowhere_is_a_problem(client: httpx.Client, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code in (404, 422)
    check_problem(answer)


NEEDED = {
    "/diff": {"from": "1", "to": "2"},
    "/v1/lineage": {"nodeId": f"dataset:{DARK[0]}:{DARK[1]}"},
    "/column-lineage": {"nodeId": f"dataset:{DARK[0]}:{DARK[1]}"},
    "/lineage/draft": {"namespace": DARK[0], "name": DARK[1]},
    "/certificate": {"delivery": "1"},
    "/proofs/inclusion": {"index": "3"},
    "/proofs/consistency": {"from": "3"},
    # a day that every calendar knows
    "/overdue": {"day": "2026-03-31"},
    "/corrections/findings": {"day": "2026-03-31"},
    "/corrections/rate": {"day": "2026-03-31", "from": "2026-03-01", "to": "2026-03-31"},
}
"""What a route must be asked with, by the end of its path."""


def answers(client: httpx.Client) -> Iterator[tuple[str, httpx.Response]]:
    for path, method in ROUTES:
        # what depends on the moment of the test has tests of its own
        if (
            method != "get"
            or path == "/metrics"
            or path.endswith(("{receipt}", "{digest}/document"))
        ):
            continue
        wanted: dict[str, str] = {}
        for ending, needed in NEEDED.items():
            if path.endswith(ending):
                wanted |= needed
        yield path, client.get(filled(path), params=wanted)


@pytest.mark.parametrize(
    "path",
    [
        "/%00",
        "/api/v1/catalogue/entries?q=%00",
        "/api/v1/catalogue/entries/31%00",
        "/api/v1/organisations?q=a%00b",
    ],
)
def test_a_character_that_no_database_can_hold_is_refused(client: httpx.Client, path: str) -> None:
    assert check_problem(client.get(path))["code"] == "malformed_request"


def test_every_answer_has_the_shape_that_the_document_promises(client: httpx.Client) -> None:
    for path, answer in answers(client):
        assert answer.status_code == 200, (path, answer.text)
        promised = DOCUMENT["paths"][path]["get"]["responses"]["200"]
        schema = promised["content"]["application/json"]["schema"]
        jsonschema.validate(answer.json(), {**schema, "components": DOCUMENT["components"]})


def test_every_answer_about_the_ledger_tells_its_size_and_has_a_tag(client: httpx.Client) -> None:
    for path, answer in answers(client):
        if not path.startswith("/api/v1") or "/schemas" in path:
            continue
        assert answer.headers["govledger-as-of"].isdigit(), path
        assert answer.headers["etag"].startswith('"'), path
        again = client.get(answer.url, headers={"if-none-match": answer.headers["etag"]})
        assert again.status_code == 304, path


def test_every_answer_carries_the_security_headers(client: httpx.Client) -> None:
    for path, answer in [*answers(client), ("/nothing", client.get("/nothing"))]:
        assert answer.headers["x-content-type-options"] == "nosniff", path
        assert answer.headers["x-frame-options"] == "DENY", path
        assert "default-src 'none'" in answer.headers["content-security-policy"], path
        assert "access-control-allow-origin" not in answer.headers, path


def test_head_is_answered_like_get_without_content(client: httpx.Client) -> None:
    for path, answer in answers(client):
        head = client.head(answer.url)
        assert head.status_code == 200, path
        assert head.content == b""


@contextmanager
def counted(district: District) -> Iterator[list[str]]:
    """What the mirror's database is asked while the block runs, but for the background work."""
    asked: list[str] = []

    def note(*arguments: Any) -> None:
        if not threading.current_thread().name.startswith("govledger-"):
            asked.append(str(arguments[2]))

    engine = district.office.mirror_engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        yield asked
    finally:
        event.remove(engine, "before_cursor_execute", note)


@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/catalogue/entries",
        "/api/v1/organisations",
        "/api/v1/quality/scores",
        "/api/v1/obligations",
        "/api/v1/objections",
        "/api/v1/exemptions",
        "/api/v1/resources",
        "/api/v1/manifests",
        "/api/v1/deliveries",
        "/api/v1/corrections",
        "/api/v1/log/statements",
        f"/api/v1/organisations/{SCHOOLS}/keys",
    ],
)
def test_a_list_costs_as_many_queries_for_one_row_as_for_all(
    client: httpx.Client, district: District, path: str
) -> None:
    costs = []
    for limit in (1, 500):
        wanted = {} if path.endswith("/keys") else {"limit": limit}
        with counted(district) as asked:
            answer = client.get(path, params=wanted)
        assert answer.status_code == 200
        costs.append(len([one for one in asked if one.lstrip().upper().startswith("SELECT")]))
    assert costs[0] == costs[1] <= 6, costs

"""Corrections over HTTP: read with their clocks, written as signed statements, refused with pointers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from eth_account import Account
from starlette.testclient import TestClient

from api.app import create_app
from ledger.office import Office
from ledger.settings import load_settings
from tests.corrections.ledger import (
    CIVIL,
    SCHOOLS,
    Calendar,
    filed,
)
from tests.corrections.told import MONDAY
from tests.person import PASSPHRASE, WORK, Person
from tests.small_office import CIVIL_AFFAIRS, EDUCATION, PUBLISHED, ROOT_ORGANISATION

DUE = MONDAY + timedelta(days=14)
CODE = f"JH-{CIVIL_AFFAIRS}-0001"
ROOT = "/api/v1/corrections"


@contextmanager
def served(person: Person, **more: object) -> Iterator[tuple[Office, TestClient]]:
    """The person's ledger behind the API."""
    overrides: dict[str, Any] = {"data_dir": person.data_dir, "passphrase": PASSPHRASE, **more}
    with Office(load_settings(overrides, env={}), **WORK) as office:
        client = TestClient(
            create_app(office), base_url="http://127.0.0.1", headers={"accept-language": "en"}
        )
        with client:
            yield office, client


@pytest.fixture
def told(person: Person, calendar: Calendar) -> Person:
    """A request that was answered late, and one that nobody answered."""
    filed(person, "--item", "学校名称")
    filed(person, title="地址有误", reason="wrong_values")
    calendar.turn(DUE + timedelta(days=1))
    answer = ("--outcome", "corrected", "--answer", "已补录。", "--edition", 1)
    person.run("correction", "answer", CODE, *answer, *SCHOOLS)
    return person


def got(client: TestClient, path: str = "", status: int = 200, **asked: object) -> dict[str, Any]:
    answer = client.get(ROOT + path, params={name: str(one) for name, one in asked.items()})
    assert answer.status_code == status, answer.text
    return dict(answer.json())


def test_requests_are_read_with_names_steps_and_clocks(told: Person) -> None:
    with served(told) as (_, client):
        listed = got(client, day=DUE + timedelta(days=4))["items"]
        assert [one["clock"]["standing"]["code"] for one in listed] == ["overdue", "late"]
        assert [one["clock"]["days_late"] for one in listed] == [4, 1]
        assert listed[1]["provider"] == {
            "code": EDUCATION,
            "zh": "示范区教育局",
            "en": "Education Bureau",
        }
        assert listed[1]["reasons"] == [
            {"code": "missing_rows", "zh": "缺少记录", "en": "rows are missing"}
        ]
        one = got(client, f"/{CODE}")
        assert one["clock"]["due_on"] == DUE.isoformat()
        assert one["clock"]["standing"] is None
        assert [step["state"]["code"] for step in one["steps"]] == ["filed", "handled"]
        assert one["steps"][1]["organisation"]["code"] == EDUCATION
        assert one["steps"][1]["edition"] == 1
        dated = got(client, f"/{CODE}", day=DUE)
        assert dated["clock"]["standing"]["code"] == "running"
        assert [item["code"] for item in got(client, open="true")["items"]] == [listed[0]["code"]]
        assert got(client, reason="outdated")["items"] == []
        page = got(client, limit=1)
        again = got(client, limit=1, cursor=page["next"])
        assert [page["items"][0]["code"], again["items"][0]["code"]] == [
            one["code"] for one in listed
        ]
        then = got(client, f"/{CODE}", as_of=one["filed_leaf"] + 1)
        assert (then["state"]["code"], len(then["steps"])) == ("filed", 1)
        assert then["as_of"] == one["filed_leaf"] + 1


def test_overdue_findings_rate_and_reasons(told: Person) -> None:
    later = DUE + timedelta(days=7)
    with served(told) as (_, client):
        (late,) = got(client, "/overdue", day=later)["items"]
        assert (late["title"], late["clock"]["days_late"]) == ("地址有误", 5)
        assert got(client, "/overdue", day=later, provider=CIVIL_AFFAIRS)["items"] == []
        found = got(client, "/findings", day=later)["items"]
        assert [(one["finding"], one["until"], one["standing"]["code"]) for one in found] == [
            ("39(6)", (DUE + timedelta(days=1)).isoformat(), "late"),
            ("39(6)", None, "overdue"),
        ]
        assert got(client, "/findings", day=later, since=later)["items"] == []
        window = {"from": MONDAY, "to": DUE, "day": later}
        rate = got(client, "/rate", **window)
        assert (rate["all"]["numerator"], rate["all"]["denominator"]) == (0, 2)
        assert rate["all"]["rate"] == 0
        assert {one["provider"]["code"]: one["rate"] for one in rate["items"]} == {
            EDUCATION: 0,
            CIVIL_AFFAIRS: None,
            ROOT_ORGANISATION: None,
        }
        backwards = got(client, "/rate", status=422, **{"from": DUE, "to": MONDAY})
        assert backwards["errors"][0]["pointer"] == "?to"
        counts = {one["code"]: one["count"] for one in got(client, "/reasons")["items"]}
        assert (counts["missing_rows"], counts["wrong_values"], counts["format"]) == (1, 1, 0)


def test_what_is_not_known_is_a_problem_that_says_what_to_do(told: Person) -> None:
    with served(told) as (_, client):
        assert got(client, "/JH-9", status=404)["code"] == "unknown_correction"
        far = got(client, "/overdue", status=422, day="2099-01-01")
        assert far["code"] == "unknown_calendar"
        assert "working days are known for" in far["detail"]
        clock = got(client, day="2099-01-01")["items"][0]["clock"]
        assert (clock["standing"]["code"], clock["days_late"]) == ("overdue", None)
        assert "working days are known for" in clock["problem"]
    broken = told.place / "reasons.yaml"
    broken.write_text("reasons: []", "utf-8")
    with served(told, correction_reasons=broken) as (_, client):
        assert got(client, "/reasons", status=500)["code"] == "misconfigured"


def prepared(
    client: TestClient, organisation: str, *drafts: dict[str, Any], status: int = 200
) -> dict[str, Any]:
    wanted = {"struct": "Correction", "organisation": organisation, "statements": list(drafts)}
    answer = client.post("/api/v1/statements/prepare", json=wanted)
    assert answer.status_code == status, answer.text
    return dict(answer.json())


def hand_in(office: Office, client: TestClient, ready: dict[str, Any], key: str) -> None:
    """Sign what was prepared with a key of the keystore, hand it in, and wait until it is recorded."""
    account = office.unlock(key)
    signed = Account.sign_typed_data(account.key, full_message=ready["typed_data"])
    submission = {
        "typed_data": ready["typed_data"],
        "bodies": ready["bodies"],
        "signer": account.address,
        "signature": "0x" + signed.signature.hex(),
    }
    receipt = client.post("/api/v1/statements", json=submission)
    assert receipt.status_code == 202, receipt.text
    where = receipt.headers["location"]
    done = client.get(where, params={"wait": "30", "until": "verified"}).json()
    assert done["state"] == "verified", done


def test_a_life_is_written_through_prepared_statements(person: Person) -> None:
    filing = {
        "entry": PUBLISHED,
        "type": "use",
        "title": "缺少新建学校",
        "description": "较年报少 3 所学校。",
        "reasons": ["missing_rows"],
    }
    with served(person) as (office, client):
        ready = prepared(client, CIVIL_AFFAIRS, filing)
        assert ready["typed_data"]["message"]["statements"][0]["code"] == CODE
        assert ready["signer_role"]["en"] == "steward, assessor"
        hand_in(office, client, ready, CIVIL[1])
        answer = {"code": CODE, "state": "handled", "outcome": "confirmed", "answer": "核实无误。"}
        ready = prepared(client, EDUCATION, answer)
        assert ready["signer_role"]["en"] == "steward"
        hand_in(office, client, ready, SCHOOLS[1])
        end = {"code": CODE, "state": "evaluated", "score": 1, "solved": False}
        hand_in(office, client, prepared(client, CIVIL_AFFAIRS, end), CIVIL[1])
        one = got(client, f"/{CODE}")
        assert (one["state"]["code"], one["outcome"]["code"], one["score"]) == (
            "evaluated",
            "confirmed",
            1,
        )
        again = prepared(client, CIVIL_AFFAIRS, {**filing, "follows": CODE}, filing)
        statements = again["typed_data"]["message"]["statements"]
        assert [said["code"][-4:] for said in statements] == ["0002", "0003"]


@pytest.mark.parametrize(
    ("organisation", "draft", "pointer", "code"),
    [
        (CIVIL_AFFAIRS, {"entry": "x/1"}, "/statements/0/entry", "unknown_entry"),
        (EDUCATION, {}, "/statements/0/entry", "own_entry"),
        (CIVIL_AFFAIRS, {"reasons": ["joy"]}, "/statements/0/reasons", "unknown_reason"),
        (CIVIL_AFFAIRS, {"follows": "JH-9"}, "/statements/0/follows", "unknown_request"),
        (CIVIL_AFFAIRS, {"title": ""}, "/statements/0/title", "string_too_short"),
        (CIVIL_AFFAIRS, {"colour": 1}, "/statements/0/colour", "extra_forbidden"),
        (CIVIL_AFFAIRS, {"state": "asleep"}, "/statements/0", "union_tag_invalid"),
        (EDUCATION, {"state": "handling", "code": "JH-9"}, "/statements/0/entry", "missing"),
    ],
)
def test_what_cannot_be_said_is_refused_at_its_pointer(
    shared_api: TestClient, organisation: str, draft: dict[str, Any], pointer: str, code: str
) -> None:
    whole = {
        "entry": PUBLISHED,
        "type": "use",
        "title": "t",
        "description": "d",
        "reasons": ["other"],
    }
    given = draft if draft.get("state") == "handling" else {**whole, **draft}
    problem = prepared(shared_api, organisation, given, status=422)
    assert problem["code"] == "validation_failed"
    assert (pointer, code) in [(one["pointer"], one["code"]) for one in problem["errors"]]


@pytest.fixture(scope="module")
def shared_api(built: Person, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """One served copy of the small ledger, to ask only."""
    place: Path = tmp_path_factory.mktemp("asked") / "ledger"
    with served(built.copy(place)) as (_, client):
        yield client

"""Data in use as the API's audit counts them, with the lineage journal and without: as the command does."""

from __future__ import annotations

import json
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from api.app import create_app
from ledger.office import Office
from ledger.settings import load_settings
from tests.person import Person

WHERE = "/api/v1/audits/completeness"


@pytest.fixture
def person(traced: Person, tmp_path: Path) -> Person:
    return traced.copy(tmp_path / "ledger")


@pytest.fixture
def client(person: Person) -> Iterator[TestClient]:
    settings = load_settings({"passphrase": person.passphrase}, {}, person.data_dir)
    with Office(settings) as office:
        yield TestClient(
            create_app(office), base_url="http://127.0.0.1", headers={"accept-language": "en"}
        )


def in_use(metrics: list[dict[str, Any]]) -> tuple[int, int, dict[str, tuple[int, int]]]:
    """Met, counted, and the same by organisation."""
    (one,) = [
        each for each in metrics if "data_in_use" in (each.get("id"), _code(each.get("metric")))
    ]
    whose = {
        _code(each["organisation"]): (each["numerator"], each["denominator"])
        for each in one["organisations"]
    }
    return one["numerator"], one["denominator"], whose


def _code(told: Any) -> str:
    return str(told["code"] if isinstance(told, dict) else told)


def first_anchor(person: Person) -> int:
    """The leaf of the journal's first checkpoint."""
    told = person.run("journal", "anchors", "--json").json()["checkpoints"]
    return int(min(one["leaf_from"] for one in told))


def test_the_api_counts_the_journal_as_the_command_does(person: Person, client: TestClient) -> None:
    first = first_anchor(person)
    found = []
    for as_of in (None, first + 1):
        at = () if as_of is None else ("--as-of", as_of)
        told = person.run("audit", "completeness", "--journal", "--json", *at).json()
        asked: dict[str, Any] = {"journal": "true"} | ({} if as_of is None else {"as_of": as_of})
        answer = client.get(WHERE, params=asked)
        assert answer.status_code == 200, answer.text
        got = answer.json()
        assert in_use(got["metrics"]) == in_use(told["metrics"])
        assert got["journal"]["root"] == "0x" + told["journal"]["root"]
        assert got["journal"]["size"] == told["journal"]["size"]
        found.append(got)
        again = client.get(WHERE, params=asked, headers={"if-none-match": answer.headers["etag"]})
        assert again.status_code == 304
    assert found[0]["journal"]["size"] > found[1]["journal"]["size"], "of its own moment"
    bare = client.get(WHERE)
    assert bare.json()["journal"] is None
    assert in_use(bare.json()["metrics"])[1] < in_use(found[0]["metrics"])[1]
    assert bare.headers["etag"] != client.get(WHERE, params={"journal": "true"}).headers["etag"]


def test_a_size_without_an_anchor_is_refused_by_name(person: Person, client: TestClient) -> None:
    first = first_anchor(person)
    answer = client.get(WHERE, params={"journal": "true", "as_of": first})
    assert answer.status_code == 409
    told = answer.json()
    assert told["code"] == "journal_not_counted"
    assert "anchored at size" in json.dumps(told)


def test_a_report_that_counts_the_journal_is_given_byte_for_byte(
    person: Person, client: TestClient
) -> None:
    file = person.place / "report.json"
    person.run("audit", "publish", "--key", "auditor", "--journal", "-o", file)
    digest = sha256(file.read_bytes()).hexdigest()
    answer = client.get(f"/api/v1/audits/reports/{digest}/document")
    assert answer.status_code == 200, answer.text
    assert answer.content == file.read_bytes()
    assert json.loads(answer.content)["journal"]["size"] > 0

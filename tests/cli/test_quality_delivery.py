"""Assessing what was delivered: the root must be the delivery's, and no pupil's number turns up anywhere."""

from __future__ import annotations

from typing import Any

import pytest

from tests.deliveries import tables
from tests.deliveries.collecting import Collecting
from tests.person import Person
from tests.small_office import PUBLISHED

RULES: dict[str, Any] = {
    "key": [tables.KEY],
    "rules": [
        {"id": "id", "indicator": "030200", "check": "citizen_id", "column": tables.KEY},
        {"id": "key", "indicator": "030400", "check": "unique", "column": tables.KEY},
        {"id": "grant", "indicator": "020100", "check": "not_null", "column": "补助"},
        {
            "id": "grade",
            "indicator": "030100",
            "check": "range",
            "column": "年级",
            "min": 1,
            "max": 8,
        },
    ],
}
ASSESS = ("quality", "assess", "pupils.parquet", "--entry", PUBLISHED, "--rules", "rules.yaml")


@pytest.fixture(scope="module")
def delivered(built_office: Person, tmp_path_factory: pytest.TempPathFactory) -> Person:
    """The small ledger with one complete delivery of pupils."""
    person = built_office.copy(tmp_path_factory.mktemp("delivered") / "ledger")
    collecting = Collecting(person).begun()
    collecting.manifest("1950-Q3")
    collecting.receive("1950-Q3", collecting.source, "--handover", collecting.handover("1950-Q3"))
    person.write("rules.yaml", RULES)
    return person


def test_a_delivery_is_assessed_under_its_own_root(delivered: Person) -> None:
    told = delivered.run(*ASSESS, "--delivery", "1", "--key", "assessor", "--json").json()
    delivery = delivered.run("deliver", "list", "--json").json()["deliveries"][0]
    leaf = told["receipts"][0]["first_index"]
    score = delivered.run("quality", "show", leaf, "--json").json()["score"]
    assert score["data_root"] == delivery["root"]
    assert (score["delivery"], score["rows"]) == (1, 300)
    assert (score["period_start"], score["period_end"]) == ("1950-07-01", "1950-09-30")
    again = delivered.run("quality", "reproduce", leaf, "pupils.parquet", "--json").json()
    assert again["equal"] is True
    assert "data" in again["compared"]


def test_other_data_than_were_delivered_are_refused(delivered: Person) -> None:
    rows = tables.pupils()
    rows[7]["年级"] = 1 + rows[7]["年级"] % 8
    tables.parquet(delivered.place / "altered.parquet", rows)
    words = [word if word != "pupils.parquet" else "altered.parquet" for word in ASSESS]
    before = delivered.run("mirror", "status", "--json").json()["size"]
    ran = delivered.run(*words, "--delivery", "1", "--key", "assessor", expect=5)
    assert "not those of delivery 1" in ran.err
    assert delivered.run("mirror", "status", "--json").json()["size"] == before


def test_no_pupils_number_or_name_turns_up(delivered: Person) -> None:
    ran = delivered.run(
        *ASSESS,
        "--period",
        "1951",
        "--key",
        "assessor",
        "--examples",
        "5",
        "--result",
        "result.json",
    )
    assert "grade" in ran.out
    said = (ran.out + ran.err).encode()
    written = [file.read_bytes() for file in delivered.data_dir.rglob("*") if file.is_file()]
    for content in [said, (delivered.place / "result.json").read_bytes(), *written]:
        for word in tables.secrets_of(tables.pupils()):
            assert word.encode() not in content


def test_a_secret_that_is_none_is_refused(delivered: Person) -> None:
    (delivered.place / "secret.txt").write_text("abc")
    ran = delivered.run(*ASSESS, "--delivery", "1", "--secret-file", "secret.txt", expect=2)
    assert "64" in ran.err

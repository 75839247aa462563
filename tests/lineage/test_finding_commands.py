"""At the terminal: findings, drafts of entries that register, and what libraries are made of."""

from __future__ import annotations

import pytest
import yaml

from ledger.catalogue.documents import load_entries
from ledger.lineage.findings.drafting import item_type
from tests.lineage.events import dataset, run_event
from tests.lineage.finding_world import hand_in
from tests.person import Person
from tests.small_office import EDUCATION, PUBLISHED

WAREHOUSE = "postgres://db.qingpu:5432"
CAMERAS = dataset(
    "ods.cameras",
    schema={
        "fields": [
            {"name": "编号", "type": "VARCHAR(32)", "description": "点位编号"},
            {"name": "经度", "type": "decimal(9, 6)"},
            {"name": "启用", "type": "boolean"},
        ]
    },
    documentation={"description": "公共视频点位台账"},
)


def test_dark_data_is_told_drafted_and_once_registered_no_more_dark(office: Person) -> None:
    words = ("lineage", "rule", "add", "--key", "education-steward", "--namespace", WAREHOUSE)
    office.run(*words, "--code", "R-1", "--entry", PUBLISHED, "--name", "ods.schools")
    hand_in(office, run_event(1, job="load", inputs=("ods.schools",), outputs=(CAMERAS,)))

    ran = office.run("lineage", "findings", "--kind", "dark_data")
    assert "ods.cameras" in ran.out
    assert "1 job, 1 run," in ran.out
    told = office.run("lineage", "findings", "--org", EDUCATION, "--json").json()
    assert told["counts"]["dark_data"] == 1
    assert told["findings"][0]["owner"]["by"] == "namespace"

    file = office.place / "cameras.yaml"
    office.run("lineage", "draft", f"{WAREHOUSE}:ods.cameras", "--out", file)
    (entry,) = load_entries(file)
    assert (entry.code, entry.provider, entry.name) == ("318001/000002", EDUCATION, "cameras")
    assert entry.abstract == "公共视频点位台账"
    assert [item.model_dump(exclude_none=True, mode="json") for item in entry.items] == [
        {"name": "编号", "data_type": "char", "length": 32, "description": "点位编号"},
        {"name": "经度", "data_type": "decimal", "length": 9, "precision": 6},
        {"name": "启用", "data_type": "logical"},
    ]
    office.run("catalogue", "register", file, "--draft", "--key", "education-steward")
    office.run(*words, "--code", "R-2", "--entry", entry.code, "--name", "ods.cameras")
    assert office.run("lineage", "findings", "--json").json()["findings"] == []
    refused = office.run("lineage", "draft", f"{WAREHOUSE}:ods.cameras", expect=3)
    assert f"belongs to entry {entry.code}" in refused.err


def test_a_draft_is_as_strict_as_what_flows_in(office: Person) -> None:
    words = ("lineage", "rule", "add", "--key", "education-steward", "--namespace", WAREHOUSE)
    office.run(*words, "--code", "R-1", "--entry", "318001/000009", "--name", "ods.pupils")
    entry = {
        "code": "318001/000009",
        "name": "学生名册",
        "provider": EDUCATION,
        "items": [{"name": "姓名", "data_type": "char", "length": 50, "grade": 2}],
        "share_type": "conditional",
    }
    file = office.write("pupils.yaml", entry)
    office.run("catalogue", "register", file, "--draft", "--key", "education-steward")
    hand_in(office, run_event(1, job="load", inputs=("ods.pupils",), outputs=("ods.classes",)))
    told = office.run("lineage", "draft", f"{WAREHOUSE}:ods.classes", "--json").json()
    assert (told["entry"]["grade"], told["entry"]["share_type"]) == (2, "conditional")
    written = yaml.safe_load(office.run("lineage", "draft", f"{WAREHOUSE}:ods.classes").out)
    assert written == told["entry"]


def test_libraries_are_told_with_their_sources(office: Person) -> None:
    told = office.run("lineage", "composition", "--json").json()
    assert told["entries"] == []
    assert told["libraries"]["theme"] == {"entries": 0, "sourced": 0}
    assert (
        "theme: 0 entries, 0 with a registered source"
        in office.run("lineage", "composition", "--library", "theme").out
    )


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("findings", "--kind", "dust"), 2, "no kind of finding dust"),
        (("composition", "--library", "attic"), 2, "no library attic"),
        (("draft", "nowhere"), 2, "no NAMESPACE:NAME"),
        (("draft", "postgres://a:1:b"), 4, "no job reads or writes postgres://a:1:b"),
    ],
)
def test_what_is_not_there_is_told(
    office: Person, words: tuple[str, ...], code: int, said: str
) -> None:
    assert said in office.run("lineage", *words, expect=code).err


@pytest.mark.parametrize(
    ("told", "found"),
    [
        ("bigint", {"data_type": "integer"}),
        ("NUMERIC(12,2)", {"data_type": "decimal", "length": 12, "precision": 2}),
        ("character varying(18)", {"data_type": "char", "length": 18}),
        ("timestamp with time zone", {"data_type": "datetime"}),
        ("date", {"data_type": "date"}),
        ("double precision", {"data_type": "double"}),
        ("jsonb", {"data_type": "memo"}),
        ("bytea", {"data_type": "general"}),
        ("struct<a:int>", {"data_type": "other"}),
        ("geometry", {"data_type": "other"}),
        (None, {}),
    ],
)
def test_a_column_s_type_becomes_an_item_s(told: str | None, found: dict[str, object]) -> None:
    assert item_type(told) == found

"""At the terminal: SQL, dbt, declared steps and rules."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.person import Person
from tests.small_office import CIVIL_AFFAIRS, EDUCATION, PUBLISHED

STEP = {
    "code": "S-1",
    "name": "汇总学校",
    "type": "derive",
    "inputs": [{"namespace": "postgres://edu:5432", "name": "ods.schools"}],
    "outputs": [{"entry": PUBLISHED}],
    "columns": [
        {
            "output": {"entry": PUBLISHED, "field": "学校名称"},
            "inputs": [
                {"namespace": "postgres://edu:5432", "name": "ods.schools", "field": "name"}
            ],
        }
    ],
    "deidentification": {"method": "汇总", "grade_before": 2, "grade_after": 1},
}
VIEW = "CREATE VIEW 学校 AS SELECT 名称 FROM 汇总;"
RULE = (
    "--code",
    "R-1",
    "--entry",
    PUBLISHED,
    "--namespace",
    "postgres://edu*",
    "--name",
    "ods.school*",
)


def test_sql_becomes_edges_at_once_and_trouble_is_told(office: Person) -> None:
    etl = office.place / "etl"
    etl.mkdir()
    (etl / "load.sql").write_text(
        "INSERT INTO dw.schools (name) SELECT n FROM ods.schools WHERE live; CALL refresh();",
        "utf-8",
    )
    words = ("lineage", "sql", etl, "--dialect", "postgres", "--namespace", "postgres://edu:5432")
    dry = office.run(*words, "--dry-run")
    assert json.loads(dry.out)["job"]["name"] == "load.sql#dw.schools"
    assert office.run("journal", "status", "--json").json()["size"] == 0
    ran = office.run(*words, "--organisation", EDUCATION)
    assert "load.sql:1: CALL refresh()" in ran.err
    assert "1 event kept (journal 0–0); there are now 2 data sets, 1 job and 2 edges" in ran.out
    again = office.run(*words, "--json").json()
    assert (again["first_position"], again["counts"]["edges"], len(again["troubles"])) == (1, 2, 1)
    assert EDUCATION in office.run("journal", "entry", "0").out


def test_files_of_older_systems_are_read_in_their_own_encoding(office: Person) -> None:
    place = office.place / "etl"
    place.mkdir()
    (place / "old.sql").write_text(VIEW, "gb18030")
    (place / "new.sql").write_text("CREATE VIEW b AS SELECT 名称 FROM c;", "utf-8")
    words = ("lineage", "sql", place, "--dialect", "duckdb", "--namespace", "n", "--dry-run")
    said = office.run(*words)
    assert "! old.sql:1: not UTF-8 (byte " in said.err
    assert [json.loads(line)["job"]["name"] for line in said.out.splitlines()] == ["new.sql#b"]
    said = office.run(*words[:2], place / "old.sql", *words[3:], "--encoding", "GBK")
    (event,) = map(json.loads, said.out.splitlines())
    assert event["job"]["name"] == "old.sql#学校"


def test_a_dbt_project_becomes_edges(office: Person, shared_data: Path) -> None:
    place = shared_data / "quality_results" / "dbt_jaffle_shop"
    told = office.run(
        "lineage", "dbt", place / "manifest.json", place / "catalog.json", "--json"
    ).json()
    assert told["events"] == 8
    assert (told["counts"]["jobs"], told["counts"]["datasets"]) == (5, 8)


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("sql", "nowhere", "--dialect", "duckdb", "--namespace", "n"), 2, "no such file"),
        (("sql", "empty.sql", "--dialect", "duckdb", "--namespace", "n"), 2, "nothing was read"),
        (("sql", "empty.sql", "--dialect", "klingon", "--namespace", "n"), 2, "no SQL dialect"),
        (("dbt", "empty.sql"), 2, "no JSON"),
        (
            ("rule", "withdraw", "R-9", "--reason", "x", "--key", "education-steward"),
            4,
            "no rule R-9",
        ),
        (("sql", "empty.sql", "--dialect", "duckdb", "--namespace", ""), 2, "--namespace is empty"),
        (
            ("sql", "view.sql", "--dialect", "duckdb", "--namespace", "n"),
            2,
            ": save it so, or give --encoding gb18030",
        ),
        (
            (
                *("sql", "view.sql", "--dialect", "duckdb", "--namespace", "n"),
                *("--encoding", "big5"),
            ),
            2,
            "give utf-8 or gb18030",
        ),
        (("rule", "match", "n", "t"), 4, "no rule matches"),
        (("rule", "add", "--code", "R 1", "--key", "education-steward"), 2, "no spaces"),
    ],
)
def test_refusals_say_what_is_wrong(
    office: Person, words: tuple[str, ...], code: int, said: str
) -> None:
    (office.place / "empty.sql").write_text("", "utf-8")
    (office.place / "view.sql").write_text(VIEW, "gb18030")
    placed = [office.place / word if word.endswith(".sql") else word for word in words]
    assert said in office.run("lineage", *placed, expect=code).err


def test_a_declared_step_stands_on_the_ledger_and_its_next_version_too(office: Person) -> None:
    file = office.write("step.yaml", STEP)
    office.run("lineage", "declare", file, "--key", "education-steward")
    (step,) = office.run("lineage", "steps", "--json").json()["steps"]
    assert (step["organisation"], step["deidentification"]["method"]) == (EDUCATION, "汇总")
    office.write("step.yaml", [{**STEP, "status": "withdrawn", "reasons": ["停用"]}])
    office.run("lineage", "declare", file, "--key", "education-steward")
    assert office.run("lineage", "steps", "--json").json()["steps"] == []
    shown = office.run("lineage", "steps", "--withdrawn").out
    assert "S-1" in shown
    assert "withdrawn" in shown
    assert office.run("mirror", "verify").code == 0
    other = office.run("lineage", "declare", file, "--key", "civil-steward", expect=3)
    assert "S-1" in other.err or "belongs" in other.err


def test_a_fault_in_a_step_is_told_with_its_line(office: Person) -> None:
    second = {**json.loads(json.dumps(STEP)), "code": "S-2", "type": "guess"}
    file = office.write("steps.yaml", [STEP, second])
    ran = office.run("lineage", "declare", file, "--key", "education-steward", expect=3)
    assert "steps.yaml:" in ran.err
    assert "/1/type" in ran.err
    broken = office.write("steps.yaml", [4])
    assert (
        "an object"
        in office.run("lineage", "declare", broken, "--key", "education-steward", expect=3).err
    )


def test_rules_are_added_changed_matched_and_withdrawn(office: Person) -> None:
    key = ("--key", "education-steward")
    assert office.run("lineage", "rule", "add", *RULE, *key).err == ""
    unfiled = [word.replace("R-1", "R-2").replace(PUBLISHED, "999999/000009") for word in RULE]
    warned = office.run("lineage", "rule", "add", *unfiled, *key).err
    assert "! there is no entry 999999/000009 on the ledger yet" in warned
    office.run("lineage", "rule", "withdraw", "R-2", "--reason", "代码有误", *key)
    office.run("lineage", "rule", "add", *RULE, *key, "--priority", "3", "--system", "学籍系统")
    (rule,) = office.run("lineage", "rule", "list", "--json").json()["rules"]
    assert (rule["version"], rule["priority"], rule["holder"]) == (2, 3, EDUCATION)
    assert (
        PUBLISHED in office.run("lineage", "rule", "match", "postgres://edu:1", "ods.schools").out
    )
    office.run("lineage", "rule", "withdraw", "R-1", "--reason", "改库", *key)
    assert office.run("lineage", "rule", "list", "--json").json()["rules"] == []
    assert "withdrawn" in office.run("lineage", "rule", "list", "--withdrawn").out
    size = office.run("mirror", "status", "--json").json()
    assert size
    rules = [
        {"code": f"R-{n}", "entry": PUBLISHED, "namespace": "n", "name": f"t{n}"} for n in (2, 3)
    ]
    office.run("lineage", "rule", "add", "--file", office.write("rules.yaml", rules), *key)
    assert len(office.run("lineage", "rule", "list", "--json").json()["rules"]) == 2
    other = ("--code", "R-7", *RULE[2:], "--holder", CIVIL_AFFAIRS, *key)
    office.run("lineage", "rule", "add", *other, expect=3)
    office.run("lineage", "rule", "add", *other[:-2], "--key", "authority")

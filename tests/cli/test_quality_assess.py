"""An assessment as a person makes it: rules, score, proof that it can be done again, and what it keeps to itself."""

from __future__ import annotations

import json
import shutil
import sqlite3
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.person import Person
from tests.small_office import EDUCATION, PUBLISHED, entry, file_entry

CITIZEN = "11010519491231002X"
OTHER = "440524188001010014"
SCHOOLS = [
    ("S1", "示范区第一小学", "和平路1号", "a", CITIZEN, "2026-02-01", "2026-03-20"),
    ("S2", "示范区第二小学", "", "b", OTHER, "2026-02-01", "2026-03-21"),
    ("S3", "None", "和平路3号", "z", "440524188001010015", "2026-03-01", "2026-02-01"),
    ("S4", "示范区第四小学", "和平路4号", "a", "", "2026-01-05", "2026-03-28"),
    ("S4", "示范区第四小学", "和平路4号", "a", "", "2026-01-05", "2026-03-28"),
]
RULES: dict[str, Any] = {
    "entry": PUBLISHED,
    "key": ["id", "head"],
    "references": {"streets": {"source": "streets.csv"}, "lost": {"source": "nowhere.csv"}},
    "rules": [
        {"id": "given", "indicator": "020100", "check": "not_null", "columns": ["学校名称", "学校地址"]},
        {"id": "head-id", "indicator": "030200", "check": "citizen_id", "column": "head", "severity": "critical"},
        {"id": "dirty", "indicator": "030500", "check": "dirty", "column": "学校名称", "severity": "minor"},
        {"id": "key", "indicator": "030400", "check": "unique", "column": "id"},
        {"id": "order", "indicator": "050300", "check": "order", "columns": ["opened", "updated"]},
        {"id": "fresh", "indicator": "050200", "check": "fresh", "column": "updated"},
        {"id": "street", "indicator": "040204", "check": "refers", "columns": ["street"], "reference": "streets"},
        {"id": "lost", "indicator": "030600", "check": "refers", "columns": ["street"], "reference": "lost"},
        {"id": "items", "indicator": "040300", "check": "metadata"},
    ],
}  # fmt: skip


def write_schools(place: Path, rows: list[tuple[str, ...]] = SCHOOLS) -> Path:
    file = place / "schools.csv"
    lines = ["id,学校名称,学校地址,street,head,opened,updated", *(",".join(row) for row in rows)]
    file.write_text("\n".join(lines) + "\n", "utf-8")
    return file


@pytest.fixture(scope="module")
def desk(built_office: Person, tmp_path_factory: pytest.TempPathFactory) -> Person:
    """The small ledger beside a table with planted defects, its rules, and one score of it."""
    person = built_office.copy(tmp_path_factory.mktemp("assess") / "ledger")
    write_schools(person.place)
    (person.place / "streets.csv").write_text("street\na\nb\n", "utf-8")
    person.write("rules.yaml", RULES)
    told = person.run(
        *("quality", "assess", "schools.csv", "--entry", PUBLISHED, "--rules", "rules.yaml"),
        *("--period", "2026-Q1", "--key", "assessor", "--result", "result.json", "--json"),
    )
    (person.place / "told.json").write_text(told.out, "utf-8")
    return person


@pytest.fixture
def person(desk: Person, tmp_path: Path) -> Person:
    """A copy that a test may change."""
    copy = desk.copy(tmp_path / "ledger")
    for name in ("schools.csv", "streets.csv", "rules.yaml", "result.json"):
        shutil.copy(desk.place / name, copy.place / name)
    return copy


def told_of(desk: Person) -> Any:
    return json.loads((desk.place / "told.json").read_text("utf-8"))


def leaf_of(desk: Person) -> int:
    return int(told_of(desk)["receipts"][0]["first_index"])


def test_every_planted_defect_is_counted(desk: Person) -> None:
    counts = {
        one["rule"]: (one["state"], one["evaluated"], one["failing"])
        for one in told_of(desk)["outcomes"]
    }
    assert counts == {
        "given": ("assessed", 10, 1),
        "head-id": ("assessed", 3, 1),
        "dirty": ("assessed", 5, 1),
        "key": ("assessed", 5, 2),
        "order": ("assessed", 5, 1),
        "fresh": ("assessed", 1, 0),
        "street": ("assessed", 5, 1),
        "lost": ("not_assessable", 0, 0),
        "items": ("assessed", 2, 0),
    }


def test_the_ledger_has_scores_digests_and_outcomes(desk: Person) -> None:
    shown = desk.run("quality", "show", leaf_of(desk), "--json").json()
    score, told = shown["score"], told_of(desk)
    assert score["result_digest"] == "0x" + told["result_digest"]
    assert score["self_assessment"] is False
    assert score["rows"] == 5
    assert score["data_root"] is not None
    assert score["dimensions"]["completeness"] == 9000
    # 格式 2/3, 唯一 3/5, 脏数据 4/5: three of the six leaves of 03, the others not assessable.
    assert score["dimensions"]["accuracy"] == round(10_000 * (2 / 3 + 3 / 5 + 4 / 5) / 3)
    assert {one["rule"] for one in shown["outcomes"]} == {rule["id"] for rule in RULES["rules"]}
    assert "streets" in json.dumps(told["score"], ensure_ascii=False) or score["coverage"] < 10_000


@pytest.mark.parametrize(
    "needle", [CITIZEN, OTHER, "和平路", "示范区第二小学", "440524188001010015"]
)
def test_no_value_of_the_data_is_on_the_ledger_or_in_a_document(desk: Person, needle: str) -> None:
    kept = [file for file in desk.data_dir.rglob("*") if file.is_file()]
    assert {file.name for file in kept} >= {"chain.db", "mirror.db", "desk.db"}
    for file in [*kept, desk.place / "result.json", desk.place / "told.json"]:
        assert needle.encode() not in file.read_bytes(), file
    with sqlite3.connect(desk.data_dir / "mirror.db") as connection:
        texts = "\n".join(connection.iterdump())
    connection.close()
    assert needle not in texts


def test_result_documents_are_readable_by_their_owner_alone(desk: Person) -> None:
    kept = list((desk.data_dir / "quality").iterdir())
    assert [file.stat().st_mode & 0o777 for file in [*kept, desk.place / "result.json"]] == [
        0o600,
        0o600,
    ]


def test_the_same_data_give_the_same_score(desk: Person) -> None:
    told = desk.run("quality", "reproduce", leaf_of(desk), "schools.csv", "--json").json()
    assert told["equal"] is True
    assert set(told["compared"]) == {"data", "rows", "reference", "rule", "score", "document"}


def test_the_document_and_the_data_are_enough_elsewhere(desk: Person, person: Person) -> None:
    shutil.rmtree(person.data_dir / "quality")
    told = person.run(
        *(
            "quality",
            "reproduce",
            leaf_of(desk),
            "schools.csv",
            "--result",
            "result.json",
            "--json",
        ),
        *("--reference", "streets=streets.csv"),
    ).json()
    assert told["equal"] is True


def test_without_the_document_rules_and_counts_are_compared(desk: Person, person: Person) -> None:
    shutil.rmtree(person.data_dir / "quality")
    refused = person.run("quality", "reproduce", leaf_of(desk), "schools.csv", expect=5)
    assert "--result FILE" in refused.err
    told = person.run(
        *("quality", "reproduce", leaf_of(desk), "schools.csv", "--rules", "rules.yaml", "--json"),
        *("--weights", person.write("weights.json", _weights(person))),
    ).json()
    assert told["equal"] is True
    assert "rule" in told["compared"]
    assert "data" not in told["compared"]


def _weights(person: Person) -> Any:
    found = person.run("quality", "weights", "--json").json()
    found.pop("digest")
    return found


def test_altered_data_are_told_and_so_is_the_rule_that_notices(
    desk: Person, person: Person
) -> None:
    rows = [*SCHOOLS]
    rows[1] = (*rows[1][:2], "补写的地址", *rows[1][3:])
    write_schools(person.place, rows)
    ran = person.run("quality", "reproduce", leaf_of(desk), "schools.csv", "--json", expect=5)
    told = ran.json()
    assert told["equal"] is False
    assert {(one["what"], one["name"]) for one in told["differences"]} == {
        ("data", "root"),
        ("rule", "given"),
        ("score", "completeness"),
        ("score", "total"),
    }
    assert "补写的地址" not in ran.out + ran.err


def test_another_reference_is_named(desk: Person, person: Person) -> None:
    (person.place / "streets.csv").write_text("street\na\nb\nz\n", "utf-8")
    told = person.run(
        *("quality", "reproduce", leaf_of(desk), "schools.csv", "--json"),
        *("--reference", "streets=streets.csv"),
        expect=5,
    ).json()
    assert ("reference", "streets") in {(one["what"], one["name"]) for one in told["differences"]}


def test_an_altered_document_is_refused(desk: Person, person: Person) -> None:
    document = json.loads((person.place / "result.json").read_text("utf-8"))
    document["total"] += 1
    from ledger.canonical import canonical_json  # noqa: PLC0415

    (person.place / "result.json").write_bytes(canonical_json(document))
    ran = person.run(
        *("quality", "reproduce", leaf_of(desk), "schools.csv", "--result", "result.json"), expect=5
    )
    assert "is not the one of the score" in ran.err


def test_rules_of_another_score_are_refused(desk: Person, person: Person) -> None:
    other = {**RULES, "rules": RULES["rules"][:1]}
    ran = person.run(
        *("quality", "reproduce", leaf_of(desk), "schools.csv"),
        *("--rules", person.write("other.yaml", other)),
        expect=5,
    )
    assert "rule set" in ran.err


def test_a_score_that_the_statement_did_not_make_is_caught(person: Person) -> None:
    """Somebody records better scores than the rules give: doing it again shows it."""
    better = person.run(
        *("quality", "assess", "schools.csv", "--entry", PUBLISHED, "--rules", "rules.yaml"),
        *("--period", "2026-Q2", "--day", "2026-03-31", "--json"),
    ).json()["score"]
    flattered = {**better, "scores": dict.fromkeys(better["scores"], 9999), "total": 9999}
    flattered = {name: value for name, value in flattered.items() if value is not None}
    person.run("quality", "score", person.write("score.json", flattered), "--key", "assessor")
    leaf = person.run("quality", "list", "--json").json()["scores"][0]["leaf_from"]
    told = person.run("quality", "reproduce", leaf, "schools.csv", "--json", expect=5).json()
    assert {one["what"] for one in told["differences"]} == {"score"}


def test_a_self_assessment_is_marked(person: Person) -> None:
    ran = person.run(
        *("quality", "assess", "schools.csv", "--entry", PUBLISHED, "--rules", "rules.yaml"),
        *("--period", "2026-03", "--key", "education-steward"),
    )
    assert "marked" in ran.err
    found = person.run("quality", "list", "--json").json()["scores"][0]
    assert found["self_assessment"] is True
    assert "self-assessment" in person.run("quality", "show", found["leaf_from"]).out


def test_without_a_key_nothing_is_recorded(person: Person) -> None:
    before = person.run("mirror", "status", "--json").json()["size"]
    ran = person.run(
        *(
            "quality",
            "assess",
            "schools.csv",
            "--entry",
            PUBLISHED,
            "--rules",
            "rules.yaml",
            "--period",
            "2026",
        ),
    )
    assert "not recorded" in ran.err
    assert person.run("mirror", "status", "--json").json()["size"] == before


def test_examples_are_masked_by_grade(person: Person) -> None:
    """An ungraded column counts as grade 4; nothing that looks like a person's number is shown."""
    ran = person.run(
        *("quality", "assess", "schools.csv", "--entry", PUBLISHED, "--rules", "rules.yaml"),
        *("--period", "2026-Q1", "--examples", "3", "--json"),
    )
    found = {one["rule"]: one["keys"] for one in ran.json()["examples"]}
    assert set(found) == {"given", "head-id", "dirty", "key", "order", "street"}
    assert [set(key) for key in found["given"]] == [{"id", "head"}]
    assert all(
        value is None or value.startswith("#") for key in found["given"] for value in key.values()
    )
    assert OTHER not in ran.out


def test_a_restricted_entry_shows_no_rules(person: Person) -> None:
    written = entry("318001/000002", restricted=True)
    file_entry(person, written)
    person.run("catalogue", "publish", "318001/000002", "--key", "authority")
    person.run(
        *("quality", "assess", "schools.csv", "--entry", "318001/000002", "--period", "2026-Q1"),
        *("--rules", person.write("rules2.yaml", {**RULES, "entry": None}), "--key", "assessor"),
    )
    found = person.run("quality", "list", "--entry", "318001/000002", "--json").json()["scores"][0]
    assert person.run("quality", "show", found["leaf_from"], "--json").json()["outcomes"] == []
    assert found["total"] is not None


def test_rules_are_checked_against_a_table(person: Person) -> None:
    assert (
        "9 rules"
        in person.run("quality", "rules", "check", "rules.yaml", "--source", "schools.csv").out
    )
    wrong = {**RULES, "rules": [{**RULES["rules"][0], "columns": ["nowhere"]}]}
    ran = person.run(
        *(
            "quality",
            "rules",
            "check",
            person.write("wrong.yaml", wrong),
            "--source",
            "schools.csv",
        ),
        expect=3,
    )
    assert "no such column" in ran.err


def test_suggested_rules_can_be_used_as_they_are(person: Person) -> None:
    person.run(
        "quality", "rules", "suggest", "schools.csv", "--entry", PUBLISHED, "-o", "draft.yaml"
    )
    text = (person.place / "draft.yaml").read_text("utf-8")
    assert CITIZEN not in text
    drafted = yaml.safe_load(text)
    assert {rule["check"] for rule in drafted["rules"]} >= {
        "metadata",
        "not_null",
        "length",
        "dirty",
        "duplicate_rows",
    }
    person.run("quality", "rules", "check", "draft.yaml", "--source", "schools.csv")
    made = person.run(
        *("quality", "assess", "schools.csv", "--entry", PUBLISHED, "--rules", "draft.yaml"),
        *("--period", "2026-Q1", "--no-root", "--json"),
    ).json()
    assert made["score"]["total"] is not None


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--period", "2026-Q5"), "is no period"),
        (("--period", "2026-02-01..2026-01-01"), "before it starts"),
        ((), "no period"),
        (("--period", "2026-Q1", "--day", "31.3.2026"), "--day"),
        (("--period", "2026-Q1", "--reference", "other=x.csv"), "no such reference"),
        (("--period", "2026-Q1", "--delivery", "7"), "no delivery 7"),
    ],
)
def test_what_cannot_be_understood_is_refused(
    desk: Person, words: tuple[str, ...], said: str
) -> None:
    ran = desk.run(
        *(
            "quality",
            "assess",
            "schools.csv",
            "--entry",
            PUBLISHED,
            "--rules",
            "rules.yaml",
            *words,
        ),
        expect=None,
    )
    assert ran.code in (2, 4)
    assert said in ran.err


@pytest.mark.parametrize(
    "words",
    [
        ("trend", "--entry", PUBLISHED),
        ("trend", "--org", EDUCATION),
        ("worst",),
        ("worst", "--indicator", "03"),
        ("league", "--dimension", "accuracy"),
        ("indicators",),
        ("weights",),
    ],
)
@pytest.mark.parametrize("language", ["zh", "en"])
def test_readers_get_a_table_in_their_language(
    desk: Person, words: tuple[str, ...], language: str
) -> None:
    desk.language = language
    assert desk.run("quality", *words).out.strip()
    desk.language = "en"
    assert desk.run("quality", *words, "--json").json()


def test_the_worst_rule_comes_first(desk: Person) -> None:
    found = desk.run("quality", "worst", "--json").json()["rules"]
    assert [one["rule"] for one in found][:2] == ["key", "head-id"]
    assert [one["rate"] for one in found] == sorted(one["rate"] for one in found)


def test_without_a_key_a_score_says_that_it_commits_to_no_rows(person: Person) -> None:
    rules = {**RULES, "key": []}
    ran = person.run(
        *("quality", "assess", "schools.csv", "--entry", PUBLISHED, "--period", "2026-Q1"),
        *("--rules", person.write("keyless.yaml", rules), "--json"),
    )
    assert "commits to no rows" in ran.err
    assert ran.json()["score"]["data_root"] is None


def test_codes_with_leading_zeros_stay_text_where_the_rules_say_so(person: Person) -> None:
    (person.place / "codes.csv").write_text("code,name\n007,a\n042,b\n", "utf-8")
    rules = {
        "key": ["code"],
        "text": ["code"],
        "rules": [{"id": "three", "indicator": "010103", "check": "length", "column": "code", "min": 3, "max": 3}],
    }  # fmt: skip
    words = (
        "quality",
        "assess",
        "codes.csv",
        "--entry",
        PUBLISHED,
        "--period",
        "2026-Q1",
        "--json",
    )
    told = person.run(*words, "--rules", person.write("text.yaml", rules)).json()
    assert [(one["evaluated"], one["failing"]) for one in told["outcomes"]] == [(2, 0)]

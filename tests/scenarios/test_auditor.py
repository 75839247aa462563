"""An auditor who trusts neither operator nor mirror, and texts that must not become public."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.person import Person
from tests.small_office import PUBLISHED, build, entry, file_entry, score

NOT_PROVEN = 5
SECRET = "318001/000077"


def alter(person: Person, statement: str, *values: object) -> None:
    with closing(sqlite3.connect(person.data_dir / "mirror.db")) as mirror, mirror:
        changed = mirror.execute(statement, values).rowcount
    assert changed == 1


@pytest.fixture
def scored(office: Person) -> Person:
    office.run("quality", "score", office.write("score.yaml", score()), "--key", "assessor")
    return office


def test_a_score_that_somebody_bettered_in_the_mirror_is_named_and_mended(scored: Person) -> None:
    (before,) = scored.run("quality", "list", "--json").json()["scores"]
    alter(scored, "UPDATE quality_score SET total = 9999")
    assert scored.run("quality", "list", "--json").json()["scores"][0]["total"] == 9999

    ran = scored.run("mirror", "verify", expect=NOT_PROVEN)
    assert f"leaf {before['leaf_from']}" in ran.out + ran.err
    report = scored.run("mirror", "verify", "--json", expect=NOT_PROVEN).json()
    assert report["findings"]
    scored.language = "zh"
    assert "未通过核验" in scored.run("mirror", "verify", expect=NOT_PROVEN).err
    scored.language = "en"

    scored.run("mirror", "rebuild")
    scored.run("mirror", "verify")
    assert scored.run("quality", "list", "--json").json()["scores"] == [before]


def test_a_statement_that_somebody_rewrote_in_the_mirror_is_named_by_its_leaf(
    scored: Person,
) -> None:
    body = json.dumps({"code": PUBLISHED, "decision": "revoked", "reasons": ["x"]}).encode()
    alter(scored, "UPDATE statement SET body = ? WHERE index_ = 10", body)
    for more in ((), ("--offline",)):
        ran = scored.run("mirror", "verify", *more, expect=NOT_PROVEN)
        assert "leaf 10" in ran.out + ran.err
    proof = scored.run("log", "prove", "10", expect=None)
    if proof.code == 0:
        file = scored.place / "proof.json"
        file.write_text(proof.out, "utf-8")
        scored.run("log", "verify", file, expect=NOT_PROVEN)
    for file in scored.data_dir.glob("mirror.db*"):
        file.unlink()
    scored.run("mirror", "verify")


def test_a_history_begun_anew_does_not_stand_up_to_a_checkpoint_kept(
    office: Person, tmp_path: Path
) -> None:
    kept = office.place / "kept.json"
    office.run("log", "checkpoint", "-o", kept)
    office.run("mirror", "verify", "--since", kept)
    # the operator deploys the same acts anew, under the same keys' names, and serves that
    anew = build(Person(tmp_path / "anew" / "ledger"))
    ran = anew.run("mirror", "verify", "--since", kept, expect=NOT_PROVEN)
    assert "checkpoint" in (ran.out + ran.err).lower()


def test_a_log_that_was_cut_short_does_not_stand_up_to_a_checkpoint_kept(
    office: Person, tmp_path: Path
) -> None:
    before = office.copy(tmp_path / "before" / "ledger")
    office.run("catalogue", "suspend", PUBLISHED, "--key", "authority", "--reason", "系统升级")
    kept = office.place / "kept.json"
    office.run("log", "checkpoint", "-o", kept)
    # the operator puts an old copy of the chain back, and the suspension never was
    ran = before.run("mirror", "verify", "--since", kept, expect=NOT_PROVEN)
    assert "checkpoint" in (ran.out + ran.err).lower()


def test_the_text_of_a_restricted_entry_is_in_no_file_that_others_may_read(office: Person) -> None:
    phrase = "特殊教育学生个人档案"
    whole = entry(
        SECRET,
        name=phrase,
        items=[
            {
                "name": "学生身份证号",
                "data_type": "char",
                "length": 18,
                "grade": 3,
                "sensitive": True,
            }
        ],
        share_type="conditional",
        share_scope="区教育局",
        share_purpose="学籍管理",
        open_type="not_open",
    )
    file_entry(office, whole)
    office.run("catalogue", "publish", SECRET, "--key", "authority")

    (line,) = [
        line for line in office.run("catalogue", "search").out.splitlines() if SECRET in line
    ]
    assert "(restricted)" in line
    assert "示范区教育局" in line
    shown = office.run("catalogue", "show", SECRET).out
    assert phrase not in shown
    assert "--unseal" in shown
    assert phrase in office.run("catalogue", "show", SECRET, "--unseal").out
    for file in office.data_dir.rglob("*"):
        if file.is_file():
            content = file.read_bytes()
            assert phrase.encode() not in content, file
            assert "学生身份证号".encode() not in content, file
    proof = office.place / "proof.json"
    office.run("log", "prove", "--entry", SECRET, "-o", proof)
    office.run("log", "verify", proof)
    assert phrase not in proof.read_text("utf-8")

    # the mirror can be thrown away, the desk cannot
    for file in office.data_dir.glob("mirror.db*"):
        file.unlink()
    assert phrase in office.run("catalogue", "show", SECRET, "--unseal").out
    for file in office.data_dir.glob("desk.db*"):
        file.unlink()
    ran = office.run("catalogue", "show", SECRET, "--unseal", expect=3)
    assert "no text is kept here" in ran.err
    assert office.run("mirror", "verify", "--json").json()["findings"] == []

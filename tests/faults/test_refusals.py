"""What the contracts refuse, as the person at the keyboard reads it; and that nothing is recorded."""

from __future__ import annotations

import json
from pathlib import Path
from unittest import mock

import pytest

from ledger.demo.district import synthetic_uscc
from ledger.office import Office
from ledger.office import office as offices
from tests.person import Person, Ran
from tests.small_office import (
    CIVIL_AFFAIRS,
    EDUCATION,
    PUBLISHED,
    REGION,
    ROOT_ORGANISATION,
    entry,
    file_entry,
    score,
)

NOBODY = synthetic_uscc(REGION, 9)
REFUSED, NOT_FOUND, USAGE = 3, 4, 2


def size(person: Person) -> int:
    return int(person.run("mirror", "status", "--json").json()["size"])


def refusal(person: Person, *words: object, code: int = REFUSED) -> str:
    """What is said in the two languages when a command is refused; the log must not grow."""
    before = size(person)
    said = []
    for language in ("en", "zh"):
        person.language = language
        ran = person.run(*words, expect=code)
        assert ran.out == ""
        assert "→" in ran.err, ran
        said.append(ran.err)
    person.language = "en"
    assert any("\u4e00" <= character <= "\u9fff" for character in said[1]), said[1]
    assert size(person) == before
    return "\n".join(said)


def test_an_unknown_organisation_gets_no_key(office: Person) -> None:
    office.run("key", "create", "stranger")
    said = refusal(
        office,
        *("key", "grant", "stranger", "--key", "authority"),
        *("--holder", NOBODY, "--roles", "steward"),
    )
    assert f"The organisation {NOBODY} is not registered" in said
    assert f"机构 {NOBODY} 尚未登记" in said


def test_an_organisation_under_an_unknown_parent_is_refused(office: Person) -> None:
    said = refusal(
        office,
        *("org", "register", "--key", "authority", "--code", synthetic_uscc(REGION, 5)),
        *("--name", "示范区文化馆", "--parent", NOBODY),
    )
    assert f"The organisation {NOBODY} is not registered" in said


def test_a_steward_does_not_publish(office: Person) -> None:
    file_entry(office, entry("318001/000002"))
    said = refusal(office, "catalogue", "publish", "318001/000002", "--key", "education-steward")
    assert "AUTHORITY" in said
    assert EDUCATION in said


def test_an_assessor_does_not_file(office: Person) -> None:
    file = office.write("entry.yaml", entry("318001/000002", provider=ROOT_ORGANISATION))
    said = refusal(office, "catalogue", "register", file, "--key", "assessor", "--draft")
    assert "STEWARD" in said


def test_a_submission_needs_the_head_and_another_key_than_the_stewards(office: Person) -> None:
    file = office.write("entry.yaml", entry("318001/000002"))
    said = refusal(office, "catalogue", "register", file, "--key", "education-steward", code=USAGE)
    assert "--draft" in said
    said = refusal(
        office,
        *("catalogue", "register", file),
        *("--key", "education-steward", "--head", "education-steward"),
    )
    assert "same key" in said
    said = refusal(
        office,
        *("catalogue", "register", file, "--key", "education-steward", "--head", "civil-head"),
    )
    assert "HEAD" in said


def test_a_code_that_another_organisation_owns_is_refused(office: Person) -> None:
    file = office.write("entry.yaml", entry(PUBLISHED, provider=CIVIL_AFFAIRS))
    said = refusal(
        office,
        *("catalogue", "register", file, "--key", "civil-steward", "--head", "civil-head"),
    )
    assert f"{PUBLISHED} does not belong to {CIVIL_AFFAIRS}" in said


def test_an_entry_is_filed_by_its_provider_only(office: Person) -> None:
    file = office.write("entry.yaml", entry("318001/000002"))
    said = refusal(
        office,
        *("catalogue", "register", file, "--key", "civil-steward", "--head", "civil-head"),
    )
    assert "/provider" in said


def test_a_revoked_key_signs_nothing_more_and_what_it_signed_stays(office: Person) -> None:
    office.run("key", "revoke", "education-steward", "--key", "authority", "--reason", "人员调动")
    file = office.write("entry.yaml", entry(abstract="另一版"))
    said = refusal(
        office,
        *("catalogue", "register", file, "--key", "education-steward"),
        *("--head", "education-head"),
    )
    assert "revoked" in said
    assert "吊销" in said
    again = refusal(office, "key", "revoke", "education-steward", "--key", "authority")
    assert "revoked already" in again

    shown = office.run("catalogue", "show", PUBLISHED, "--json").json()["entry"]
    assert shown["state"] == "published"
    proof = office.place / "proof.json"
    office.run("log", "prove", "--entry", PUBLISHED, "-o", proof)
    assert "✗" not in office.run("log", "verify", proof).out


def test_a_state_that_cannot_follow_is_named(office: Person) -> None:
    said = refusal(office, "catalogue", "resume", PUBLISHED, "--key", "authority")
    assert "published" in said
    assert "已发布" in said
    said = refusal(
        office, "catalogue", "return", PUBLISHED, "--key", "authority", "--reason", "缺少信息项"
    )
    assert "returned" in said
    office.run("catalogue", "revoke", PUBLISHED, "--key", "authority", "--reason", "事项取消")
    said = refusal(office, "catalogue", "publish", PUBLISHED, "--key", "authority")
    assert "revoked" in said


def test_reasons_are_asked_for_before_anything_is_signed(office: Person) -> None:
    ran = office.run("catalogue", "suspend", PUBLISHED, "--key", "authority", expect=USAGE)
    assert "--reason" in ran.err
    refusal(office, "catalogue", "suspend", PUBLISHED, "--key", "authority", "--reason", " ")


def test_a_score_of_what_is_not_on_the_ledger_is_refused(office: Person) -> None:
    file = office.write("score.yaml", score(edition=7))
    said = refusal(office, "quality", "score", file, "--key", "assessor")
    assert "no edition 7" in said
    file = office.write("score.yaml", score(entry="318001/999999"))
    said = refusal(office, "quality", "score", file, "--key", "assessor")
    assert "318001/999999" in said
    file = office.write("score.yaml", score(scores={"accuracy": 10_001}))
    said = refusal(office, "quality", "score", file, "--key", "assessor")
    assert "score.yaml:" in said
    assert "10000" in said


def test_an_entry_that_nobody_filed_is_not_decided_on(office: Person) -> None:
    said = refusal(
        office, "catalogue", "publish", "318001/000099", "--key", "authority", code=NOT_FOUND
    )
    assert "318001/000099" in said


def test_mistakes_in_an_entry_are_told_with_their_lines(office: Person) -> None:
    wrong = entry("318001/000002", share_modes=["file"], update_cycle="sometimes", colour="red")
    file = office.write("entry.yaml", wrong)
    said = refusal(
        office,
        *("catalogue", "register", file),
        *("--key", "education-steward", "--head", "education-head"),
    )
    lines = file.read_text("utf-8").splitlines()
    cycle = 1 + next(n for n, line in enumerate(lines) if line.startswith("update_cycle"))
    assert f"line {cycle}, /update_cycle" in said
    assert f"第{cycle}行 /update_cycle" in said
    assert "/colour" in said


def test_a_body_that_is_too_large_is_refused_before_it_is_sent(office: Person) -> None:
    items = [
        {
            "name": f"{word}校信息",
            "data_type": "char",
            "length": 9,
            "grade": 1,
            "description": word * 999,
        }
        for word in "甲乙丙丁戊己庚辛壬癸子丑寅卯辰巳午未申酉戌亥天地玄黄宇宙洪荒日月盈昃列张寒来暑往秋收冬藏"
    ]
    file = office.write("entry.yaml", entry("318001/000002", items=items))
    said = refusal(
        office,
        *("catalogue", "register", file),
        *("--key", "education-steward", "--head", "education-head"),
    )
    assert "131072" in said


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "empty"),
        (b"code: [1, 2", "line"),
        (b"\xff\xfe\x00", "UTF-8"),
        (b"- just text\n", "not an entry"),
        (b"code: a\ncode: b\n", "twice"),
        (b"a: &x 1\nb: *x\n", "aliases"),
    ],
)
def test_a_file_that_cannot_be_read_is_named(office: Person, content: bytes, says: str) -> None:
    file = office.place / "broken.yaml"
    file.write_bytes(content)
    said = refusal(
        office,
        *("catalogue", "register", file),
        *("--key", "education-steward", "--head", "education-head"),
    )
    assert "broken.yaml" in said
    assert says in said


def test_a_stale_version_is_answered_with_the_one_expected(office: Person, tmp_path: Path) -> None:
    """Two stewards revise the same edition; the second holds a mirror that does not know it yet."""
    file_entry(office, entry(abstract="第一位的修订"))
    behind = office.copy(tmp_path / "behind" / "ledger")
    ran = sign_an_old_version(behind)
    assert ran.code == REFUSED
    assert "version 4 comes next" in ran.err


def sign_an_old_version(person: Person) -> Ran:
    """File version 3 of the published entry, as somebody would who has not seen it."""
    with mock.patch.object(Office, "next_version", return_value=3):
        file = person.write("entry.yaml", entry(abstract="第二位的修订"))
        return person.run(
            *("catalogue", "register", file),
            *("--key", "education-steward", "--head", "education-head"),
            expect=None,
        )


def test_a_mandate_that_ran_out_before_it_was_recorded_is_refused(
    office: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(offices, "MANDATE_SECONDS", -600)
    said = refusal(office, "catalogue", "suspend", PUBLISHED, "--key", "authority", "--reason", "x")
    assert "The signature was valid until" in said
    assert "签名有效期至" in said
    monkeypatch.undo()
    office.run("catalogue", "suspend", PUBLISHED, "--key", "authority", "--reason", "x")


def test_receipts_of_a_refusal_are_one_json_document(office: Person) -> None:
    ran = office.run(
        "catalogue", "publish", PUBLISHED, "--key", "education-steward", "--json", expect=REFUSED
    )
    (receipt,) = json.loads(ran.out)["receipts"]
    assert receipt["state"] == "refused"
    assert receipt["error"]["name"] == "RoleMissing"
    assert "AUTHORITY" in ran.err

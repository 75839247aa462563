"""Obligations and exemptions at a terminal: filed, answered, objected to, exempted, read, and refused."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.obligations.lists import row, save_mapping, write_list
from tests.person import Person
from tests.small_office import (
    CIVIL_AFFAIRS,
    EDUCATION,
    PUBLISHED,
    ROOT_ORGANISATION,
)

LAW, OTHER_LAW = "教育法 第十五条", "民办教育促进法 第十二条"


def owed(code: str, **changes: Any) -> dict[str, Any]:
    """An obligation of the education bureau as its file says it."""
    above = code.rpartition("-")[0] or None
    return {
        "code": code,
        "name": f"学校管理 {code}",
        "type": ("duty", "system", "table", "entry")[code.count("-")],
        **({"parent": above} if above else {}),
        "responsible": EDUCATION,
        "legal_basis": [LAW],
        "update_cycle": "yearly",
        "valid_from": "2026-01-01",
        **changes,
    }


def freed(code: str, target: str, **changes: Any) -> dict[str, Any]:
    return {
        "code": code,
        "target": target,
        "target_type": "obligation",
        "scope": ["collect"],
        "law": "数据条例 第三十八条",
        "valid_from": "2026-01-01",
        "expires": "2999-12-31",
        **changes,
    }


def by(name: str) -> tuple[str, str]:
    return ("--key", name)


@pytest.fixture(scope="module")
def story(built_office: Person, tmp_path_factory: pytest.TempPathFactory) -> Person:
    """A chain of duty that is answered, amended, objected to and partly exempt."""
    person = built_office.copy(tmp_path_factory.mktemp("story") / "ledger")
    # children first, to show that the order in the file does not matter
    file = person.write("owed.yaml", [owed("E1-S1-T1"), owed("E1-S1"), owed("E1"), owed("E2")])
    person.run("obligation", "register", file, *by("authority"))
    person.run("obligation", "bind", "E1-S1-T1", PUBLISHED, *by("education-steward"))
    person.run("obligation", "object", "E2", "--reason", "已划转", *by("education-head"))
    more = {"update_cycle": "monthly", "legal_basis": [LAW, OTHER_LAW]}
    file = person.write("owed.yaml", owed("E1", name="学校设立许可", **more))
    person.run("obligation", "amend", file, *by("authority"))
    exempt = [
        freed("NEG-1", "E1-S1-T1"),
        freed(
            "NEG-0", PUBLISHED, target_type="entry", scope=["share", "update"], expires="2026-01-02"
        ),
    ]
    person.run("exemption", "grant", person.write("exempt.yaml", exempt), *by("authority"))
    return person


def test_a_chain_of_duty_is_read_from_the_top_to_the_entry_that_answers(story: Person) -> None:
    shown = story.run("obligation", "show", "E1-S1-T1", "--json").json()
    assert shown["chain"] == ["E1", "E1-S1", "E1-S1-T1"]
    assert shown["binding"]["entry"] == PUBLISHED
    assert [one["code"] for one in shown["exemptions"]] == ["NEG-0", "NEG-1"]
    told = story.run("obligation", "tree", "E1").out
    assert told.splitlines()[2] == f"    business table E1-S1-T1 学校管理 E1-S1-T1 → {PUBLISHED}"
    [top] = story.run("obligation", "tree", "E1", "--json").json()
    assert top["below"][0]["below"][0]["entry"] == PUBLISHED
    page = story.run("obligation", "show", "E1-S1-T1").out
    for words in (LAW, "教育局", "NEG-1", "expired", PUBLISHED):
        assert words in page


def test_an_auditor_derives_all_of_it_again_from_the_log(story: Person) -> None:
    size = story.run("mirror", "status", "--json").json()["size"]
    report = story.run("mirror", "verify", "--json").json()
    assert (report["size"], report["findings"]) == (size, [])


def test_lists_are_narrowed_and_go_on_where_a_page_ended(story: Person) -> None:
    first = story.run("obligation", "list", "--limit", 3, "--json").json()
    rest = story.run("obligation", "list", "--limit", 3, "--cursor", first["next"], "--json").json()
    assert (first["total"], len(first["obligations"]), rest["next"]) == (4, 3, None)
    assert [one["code"] for one in rest["obligations"]] == ["E2"]
    unbound = story.run("obligation", "list", "--type", "table", "--unbound", "--json").json()
    assert unbound["total"] == 0
    told = story.run("obligation", "list", "设立", "--organisation", EDUCATION).out
    assert "学校设立许可" in told
    assert "E2" not in told


def test_a_history_tells_every_act_and_who_signed(story: Person) -> None:
    acts = story.run("obligation", "history", "E1-S1-T1", "--json").json()["statements"]
    assert [act["act"] for act in acts] == ["obligation", "binding"]
    told = story.run("obligation", "history", "E1").out
    assert "学校设立许可" in told
    assert "示范区人民政府" in told


def test_objections_stay_open_until_they_are_answered(story: Person, office: Person) -> None:
    [one] = story.run("obligation", "objections", "--json").json()["objections"]
    assert (one["obligation"], one["state"], one["reasons"]) == ("E2", "raised", ["已划转"])
    assert "已划转" in story.run("obligation", "objections", "--organisation", EDUCATION).out
    mine = story.copy(office.place / "answered" / "ledger")
    mine.run(
        "obligation", "answer", "E2", "--dismissed", "--reason", "仍在三定方案内", *by("authority")
    )
    assert mine.run("obligation", "objections", "--json").json()["objections"] == []
    [every] = mine.run("obligation", "objections", "--all", "--json").json()["objections"]
    assert every["state"] == "dismissed"
    again = mine.run(
        "obligation", "answer", "E2", "--upheld", "--reason", "x", *by("authority"), expect=3
    )
    assert "cannot" in again.err or "follows" in again.err


def test_exemptions_say_whether_they_count(story: Person) -> None:
    listed = story.run("exemption", "list", "--json").json()
    assert [one["code"] for one in listed["exemptions"]] == ["NEG-0", "NEG-1"]
    counting = story.run("exemption", "list", "--counting", "--json").json()["exemptions"]
    assert [one["code"] for one in counting] == ["NEG-1"]
    theirs = story.run("exemption", "list", "--organisation", CIVIL_AFFAIRS, "--json").json()
    assert theirs["exemptions"] == []
    assert "expired" in story.run("exemption", "list").out
    shown = story.run("exemption", "show", "NEG-0", "--json").json()
    assert (shown["effect"], len(shown["history"])) == ("expired", 1)
    assert "数据条例" in story.run("exemption", "show", "NEG-0").out


def test_what_is_withdrawn_and_released_needs_reasons_and_stays_visible(office: Person) -> None:
    file = office.write("owed.yaml", [owed("E1"), owed("E1-S1"), owed("E1-S1-T1")])
    office.run("obligation", "register", file, *by("authority"))
    office.run("obligation", "bind", "E1-S1-T1", PUBLISHED, *by("authority"))
    office.run("obligation", "release", "E1-S1-T1", "--reason", "误绑", *by("education-steward"))
    office.run("obligation", "withdraw", "E1-S1-T1", "--reason", "系统停用", *by("authority"))
    shown = office.run("obligation", "show", "E1-S1-T1", "--json").json()
    assert (shown["obligation"]["status"], shown["obligation"]["reasons"]) == (
        "withdrawn",
        ["系统停用"],
    )
    assert shown["binding"]["status"] == "released"
    nothing = office.run(
        "obligation", "release", "E1-S1-T1", "--reason", "x", *by("authority"), expect=4
    )
    assert "no entry is bound" in nothing.err
    file = office.write("exempt.yaml", freed("NEG-1", "E1-S1"))
    office.run("exemption", "grant", file, *by("authority"))
    office.run("exemption", "withdraw", "NEG-1", "--reason", "已可归集", *by("authority"))
    assert office.run("exemption", "show", "NEG-1", "--json").json()["effect"] == "withdrawn"


def test_nobody_approves_an_exemption_that_it_profits_from(office: Person) -> None:
    file = office.write("owed.yaml", owed("GOV", responsible=ROOT_ORGANISATION))
    office.run("obligation", "register", file, *by("authority"))
    file = office.write("exempt.yaml", freed("SELF", "GOV"))
    said = office.run("exemption", "grant", file, *by("authority"), expect=3)
    assert "profits from the exemption SELF and cannot approve it" in said.err
    office.language = "zh"
    said = office.run("exemption", "grant", file, *by("authority"), expect=3)
    assert "不能自行批准" in said.err
    assert office.run("exemption", "list", "--json").json()["exemptions"] == []


def test_more_than_a_batch_is_filed_with_its_parents_first(office: Person) -> None:
    every = [owed(f"D{number:03d}", name="职责") for number in range(104)]
    below = [owed(f"D{number:03d}-S", name="系统") for number in range(4)]
    file = office.write("owed.yaml", [*below, *every])
    office.run("obligation", "register", file, *by("authority"))
    assert office.run("obligation", "list", "--limit", 1, "--json").json()["total"] == 108


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ([owed("A B")], "owed.yaml:1 /0/code: character 2 is a space"),
        ({"code": "X"}, "owed.yaml:1 /name: Field required"),
        ([owed("X", parent="Y"), owed("Z", valid_from="soon")], "/1/valid_from: Input should"),
        ([owed("X"), owed("X")], "X stands in the file twice"),
        ([owed("X-S")], "its parent X is neither on the ledger nor in the file"),
        ([owed("X"), owed("X-S"), owed("X-T", parent="X-S")], "X-S does not stand above a"),
        ([owed("X", responsible="TMP-NOBODY")], "organisation TMP-NOBODY is not registered"),
        (["X"], "/0: a set of 'field: value' is meant"),
    ],
)
def test_a_file_that_cannot_be_filed_is_refused_with_its_place(
    built_office: Person, tmp_path_factory: pytest.TempPathFactory, written: Any, words: str
) -> None:
    place = tmp_path_factory.mktemp("refused")
    person = Person(built_office.data_dir, built_office.passphrase)
    file = place / "owed.yaml"
    person.write(str(file), written)
    said = person.run("obligation", "register", file, *by("authority"), expect=3)
    assert words in said.err


def test_what_is_known_is_amended_and_what_is_not_is_registered(story: Person) -> None:
    file = story.write("again.yaml", owed("E1"))
    said = story.run("obligation", "register", file, *by("authority"), expect=3)
    assert "obligation E1 is registered already" in said.err
    file = story.write("again.yaml", owed("E9"))
    said = story.run("obligation", "amend", file, *by("authority"), expect=4)
    assert "no obligation E9" in said.err
    for words in (("show", "E9"), ("history", "E9"), ("tree", "E9")):
        assert "no obligation E9" in story.run("obligation", *words, expect=4).err
    assert "no exemption E9" in story.run("exemption", "show", "E9", expect=4).err
    said = story.run("exemption", "list", "--scope", "beauty", expect=2)
    assert "'beauty' is no scope" in said.err


def test_only_who_may_speak_is_heard(story: Person) -> None:
    file = story.write("again.yaml", owed("E9"))
    said = story.run("obligation", "register", file, *by("education-steward"), expect=3)
    assert "authority" in said.err.lower()
    said = story.run("obligation", "object", "E1", "--reason", "x", *by("civil-head"), expect=3)
    assert said.err.strip()


def test_a_list_is_previewed_then_imported_once_and_what_is_published_is_bound(
    office: Person,
) -> None:
    listed = write_list(
        office.place / "list.csv",
        row("1", "学校设立许可", dept="示范区教育局"),
        row("2", "办学系统", kind="系统", above="1", dept="示范区教育局"),
        row("3", "学校表", kind="业务表", above="2", dept="示范区教育局", remark="已公布"),
        row("4", "养老机构备案", dept="示范区养老中心", dept_code="00877868-5", full_code="X"),
        row("5", " ", dept="示范区教育局"),
    )
    published = {"column": "remark", "values": ["已公布"], "name": "id"}
    mapping = office.place / "mapping.yaml"
    save_mapping(office.place, published=published)
    words = ("obligation", "import", listed, "--mapping", mapping)
    told = office.run(*words).out
    assert "A preview: nothing was written" in told
    seen = office.run(*words, "--json").json()
    assert seen["plan"]["reasons"] == {"required /name": 1, "required /valid_from": 4}
    words = (*words, "--valid-from", "2026-01-01")
    tables = ("--departments-out", "departments.csv", "--published-out", "published.csv")
    preview = office.run(*words, *tables)
    assert "organisation of this name on the ledger" in preview.out
    assert "no repair can be proven" in preview.out
    assert "line 6 ''" in preview.err
    assert office.run("obligation", "list", "--json").json()["total"] == 0
    assert "示范区养老中心" in (office.place / "departments.csv").read_text("utf-8-sig")

    usage = office.run(*words, "--apply", expect=2)
    assert "needs --authority" in usage.err
    done = office.run(*words, "--apply", "--authority", "authority", "--json").json()
    assert done["recorded"] == 4
    again = office.run(*words, "--apply", "--authority", "authority", "--json").json()
    assert (again["recorded"], again["plan"]["unchanged"]) == (0, 4)
    registered = office.run("org", "list", "养老", "--json").json()
    [centre] = registered["organisations"] if isinstance(registered, dict) else registered
    assert centre["code"].startswith("TMP-SAMPLE-")
    assert "00877868-5" in centre["evidence"]

    table = office.place / "published.csv"
    rows = table.read_text("utf-8-sig").splitlines()
    assert rows[1].startswith("S-3,,学校表,3")
    empty = office.run("obligation", "bind", "--file", table, *by("authority"), expect=2)
    assert "names an entry" in empty.err
    table.write_text("\n".join([rows[0], rows[1].replace("S-3,,", f"S-3,{PUBLISHED},")]), "utf-8")
    office.run("obligation", "bind", "--file", table, *by("authority"))
    shown = office.run("obligation", "show", "S-3", "--json").json()
    assert (shown["chain"], shown["binding"]["entry"]) == (["S-1", "S-2", "S-3"], PUBLISHED)
    for wrong in (("S-3",), ("S-3", PUBLISHED, "--file", table), ("--file", listed)):
        assert office.run("obligation", "bind", *wrong, *by("authority"), expect=2).err


def test_what_moved_the_denominator_is_listed_with_who_signed(story: Person) -> None:
    found = story.run("audit", "denominator", "--json").json()
    assert (found["before"]["owed"], found["after"]["owed"], found["after"]["collect"]) == (0, 4, 3)
    acts = [(one["act"], one["code"]) for one in found["changes"]]
    assert acts[-3:] == [("amended", "E1"), ("granted", "NEG-1"), ("granted", "NEG-0")]
    assert {one["organisation_name"] for one in found["changes"]} == {
        "示范区人民政府",
        "示范区教育局",
    }
    told = story.run("audit", "denominator", "--shrinking").out
    assert "NEG-1 → E1-S1-T1" in told
    assert "E2" not in told
    assert "collect −1" in told
    later = story.run("audit", "denominator", "--from", found["to"]["size"])
    assert "nothing changed" in later.out
    theirs = story.run("audit", "denominator", "--organisation", CIVIL_AFFAIRS, "--json").json()
    assert theirs["changes"] == []
    story.language = "zh"
    try:
        assert "学校设立许可" in story.run("audit", "denominator").out
    finally:
        story.language = "en"
    wrong = story.run("audit", "denominator", "--from", 9, "--to", 3, expect=2)
    assert "size 9 comes after size 3" in wrong.err
    assert story.run("audit", "denominator", "--from", "x", expect=2).err


def test_a_reader_sees_what_each_version_changed_in_his_own_words(story: Person) -> None:
    reader = replace(story, language="zh", columns=400)
    for words in (("obligation", "history", "E1"), ("audit", "denominator")):
        told = reader.run(*words).out
        assert "更新周期：每年 → 每月" in told
        assert f"依据：{LAW} → {LAW}、{OTHER_LAW}" in told
        assert "update cycle: yearly → monthly" in story.run(*words).out


@pytest.mark.parametrize(
    "words",
    [
        ("obligation", "list"),
        ("obligation", "tree"),
        ("obligation", "objections"),
        ("exemption", "list"),
        ("audit", "denominator"),
        ("deliver", "list"),
    ],
)
def test_an_organisation_that_nobody_knows_is_no_empty_list(
    story: Person, words: tuple[str, ...]
) -> None:
    unknown = story.run(*words, "--organisation", "TMP-NOBODY", expect=4).err
    assert "TMP-NOBODY" in unknown
    assert "org list" in unknown

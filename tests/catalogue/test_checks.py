"""The filing mistakes: each is found where it is made, and not where it is not."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ledger.canonical import canonical_json
from ledger.catalogue.checks import check_entry, check_together, provider_check
from ledger.catalogue.completeness import ELEMENTS, missing_elements, missing_fields
from ledger.catalogue.dictionaries import (
    FORMAT_TYPES,
    SHARE_MODES_OF,
    FormatCategory,
    ProviderCheck,
)
from ledger.catalogue.entry import Entry
from ledger.catalogue.names import bare, folded
from ledger.catalogue.problems import RULES, EntryRefused

from .conftest import OWNER, whole_entry

TABLE = [{"category": "spreadsheet", "type": "xlsx"}]


def found(**changes: Any) -> set[tuple[str, str]]:
    return {(one.code, one.pointer) for one in check_entry(Entry.parse(whole_entry(**changes)))}


def lacking(**changes: Any) -> list[str]:
    return missing_fields(Entry.parse(whole_entry(**changes)))


def refused(**changes: Any) -> set[tuple[str, str]]:
    with pytest.raises(EntryRefused) as caught:
        Entry.parse(whole_entry(**changes))
    return {(one.code, one.pointer) for one in caught.value.problems}


def item(**members: Any) -> dict[str, Any]:
    return {"name": "面积", "data_type": "numeric", "length": 10, **members}


def test_a_whole_entry_has_no_problem_and_lacks_nothing() -> None:
    assert found() == set()
    assert lacking() == []


MISTAKES: list[tuple[dict[str, Any], tuple[str, str], dict[str, Any]]] = [
    # (changes that make the mistake, what is found, nearest changes that do not make it)
    ({"name": "人口管理系统"}, ("named_after_system", "/name"), {"name": "人口管理系统用户名录"}),
    (
        {"name": "一窗 受理", "systems": ["一窗受理"]},
        ("named_after_system", "/name"),
        {"name": "一窗受理事项", "systems": ["一窗受理"]},
    ),
    ({"code": "307015/00001"}, ("code_too_short", "/code"), {"code": "307015/000001"}),
    ({"code": "3070/000001"}, ("code_too_short", "/code"), {"code": "307015AB/000001"}),
    ({"code": "407015/000001"}, ("code_shape", "/code"), {"code": "107015/000001"}),
    (
        {"formats": [{"category": "spreadsheet", "type": "mysql"}], "share_modes": ["file"]},
        ("format_type_mismatch", "/formats/0/type"),
        {"formats": TABLE, "share_modes": ["file"]},
    ),
    (
        {"formats": TABLE, "share_modes": ["api"]},
        ("format_share_mismatch", "/share_modes/0"),
        {"formats": TABLE, "share_modes": ["file"]},
    ),
    (
        {"share_modes": ["api", "file"]},
        ("format_share_mismatch", "/share_modes/1"),
        {"share_modes": ["api", "batch"]},
    ),
    (
        {"formats": [*TABLE, {"category": "database", "type": "mysql"}], "share_modes": ["api"]},
        ("format_share_mismatch", "/formats/0"),
        {
            "formats": [*TABLE, {"category": "database", "type": "mysql"}],
            "share_modes": ["api", "file"],
        },
    ),
    (
        {"items": [item(value_range="0-100平方米")]},
        ("unit_in_numeric", "/items/0/value_range"),
        {"items": [item(value_range="0-100", unit="平方米")]},
    ),
    (
        {"items": [item(value_range="50%")]},
        ("unit_in_numeric", "/items/0/value_range"),
        {"items": [item(data_type="char", value_range="50%")]},
    ),
    (
        {"items": [item(length=4, precision=4)]},
        ("precision_exceeds_length", "/items/0/precision"),
        {"items": [item(length=5, precision=4)]},
    ),
    (
        {"items": [item(), item(name="面 积。")]},
        ("duplicate_item", "/items/1/name"),
        {"items": [item(), item(name="建筑面积")]},
    ),
    (
        {"items": [item(name=f"字段{n}") for n in (1, 2, 3)]},
        ("dragged_names", "/items/2/name"),
        {"items": [item(name=f"字段{n}") for n in (1, 2)]},
    ),
    (
        {"items": [item(name=f"字段{n}") for n in (7, 8, 9)]},
        ("dragged_names", "/items/1/name"),
        {"items": [item(name=f"字段{n}", length=n) for n in (7, 8, 9)]},
    ),
    ({"secret": True}, ("state_secret", "/secret"), {"secret": False}),
    (
        {"items": [item(secret=True)]},
        ("state_secret", "/items/0/secret"),
        {"items": [item(secret=False)]},
    ),
    (
        {"grade": 1, "items": [item(grade=2)]},
        ("grade_below_items", "/grade"),
        {"grade": 2, "items": [item(grade=1)]},
    ),
    (
        {
            "share_type": "unconditional",
            "share_scope": None,
            "share_purpose": None,
            "items": [item(share_type="not_shared")],
        },
        ("share_below_items", "/items/0/share_type"),
        {"share_type": "unconditional", "share_scope": None, "share_purpose": None},
    ),
    (
        {"items": [item(share_type="not_shared")]},
        ("item_not_shared", "/items/0/share_type"),
        {"items": [item(share_type="conditional", share_condition="申请")]},
    ),
    (
        {"share_type": "unconditional", "share_purpose": None},
        ("own_condition", "/share_scope"),
        {"share_type": "conditional"},
    ),
    (
        {"not_shared_reason": "无"},
        ("own_condition", "/not_shared_reason"),
        {"not_shared_reason": " "},
    ),
    (
        {"items": [item(share_type="unconditional", share_condition="申请")]},
        ("own_condition", "/items/0/share_condition"),
        {"items": [item(share_type="unconditional")]},
    ),
    (
        {"share_type": "not_shared", "open_type": "unconditional"},
        ("open_without_share", "/open_type"),
        {"share_type": "not_shared", "open_type": "not_open"},
    ),
    (
        {"published_on": "2025-03-01", "revised_on": "2025-02-01"},
        ("dates_reversed", "/revised_on"),
        {"published_on": "2025-03-01", "revised_on": "2025-03-01"},
    ),
    (
        {"provider": "TMP-001"},
        ("provider_code_provisional", "/provider"),
        {"provider": OWNER},
    ),
    (
        {"provider": "91350211M0000XUF46"},
        ("provider_code_unchecked", "/provider"),
        {"provider": "91350211M0000XUF46", "provider_evidence": "登记机关核发的证书"},
    ),
]


@pytest.mark.parametrize(("wrong", "expected", "right"), MISTAKES)
def test_a_mistake_is_found_at_its_field_and_not_beside_it(
    wrong: dict[str, Any], expected: tuple[str, str], right: dict[str, Any]
) -> None:
    assert expected in found(**wrong)
    assert expected not in found(**right)


MALFORMED: list[tuple[dict[str, Any], tuple[str, str]]] = [
    ({"name": "  "}, ("required", "/name")),
    ({"name": "名" * 129}, ("invalid", "/name")),
    ({"provider": ""}, ("required", "/provider")),
    ({"abstract": "文" * 1001}, ("invalid", "/abstract")),
    ({"abstract": "退格\b"}, ("invalid", "/abstract")),
    ({"update_cycle": "每年"}, ("not_in_dictionary", "/update_cycle")),
    ({"update_cycle": 1}, ("not_in_dictionary", "/update_cycle")),
    ({"items": [{"name": "x", "data_type": "C"}]}, ("not_in_dictionary", "/items/0/data_type")),
    ({"items": [{"data_type": "char"}]}, ("required", "/items/0/name")),
    ({"items": [{"name": "x", "grade": 5}]}, ("invalid", "/items/0/grade")),
    ({"colour": "red"}, ("unknown_field", "/colour")),
    ({"items": [{"name": "x", "typ": "char"}]}, ("unknown_field", "/items/0/typ")),
    ({"published_on": "2025-02-30"}, ("invalid", "/published_on")),
    ({"industry": "U"}, ("invalid", "/industry")),
    (
        {"not_shared_basis": {"category": "policy_document", "document": "某通知"}},
        ("not_in_dictionary", "/not_shared_basis/category"),
    ),
]


@pytest.mark.parametrize(("changes", "expected"), MALFORMED)
def test_a_bad_value_is_refused_at_its_field(
    changes: dict[str, Any], expected: tuple[str, str]
) -> None:
    assert expected in refused(**changes)


def test_every_mistake_is_told_in_both_languages_with_a_way_out() -> None:
    for one in check_entry(Entry.parse(whole_entry(name="人口系统", code="3/1"))):
        assert one.pointer in one.message("zh")
        assert one.pointer in one.message("en")
    for code, rule in RULES.items():
        assert all((rule.zh, rule.en, rule.hint_zh, rule.hint_en)), code
        assert rule.severity in ("error", "missing", "warning")


LACKING: list[tuple[dict[str, Any], str]] = [
    ({"provider_name": None}, "/provider_name"),
    ({"abstract": None}, "/abstract"),
    ({"abstract": "   "}, "/abstract"),
    ({"formats": None}, "/formats"),
    ({"formats": [{"category": "database"}]}, "/formats/0/type"),
    ({"items": []}, "/items"),
    ({"items": [{"name": "姓名"}]}, "/items/0/data_type"),
    ({"items": [{"name": "姓名", "data_type": "char"}]}, "/items/0/length"),
    ({"update_cycle": None}, "/update_cycle"),
    ({"share_type": None}, "/share_type"),
    ({"share_modes": None}, "/share_modes"),
    ({"use_conditions": None}, "/use_conditions"),
    ({"share_scope": None}, "/share_scope"),
    ({"share_purpose": None}, "/share_purpose"),
    ({"share_type": "not_shared"}, "/not_shared_reason"),
    ({"share_type": "not_shared", "not_shared_reason": "涉及侦查"}, "/not_shared_basis"),
    ({"open_type": None}, "/open_type"),
    ({"open_type": "conditional"}, "/open_condition"),
    ({"library": None}, "/library"),
    ({"level": None}, "/level"),
    ({"origin": None}, "/origin"),
    ({"items": [{"name": "姓名", "data_type": "date"}]}, "/grade"),
    ({"secrecy_assessment": None}, "/secrecy_assessment"),
    ({"secrecy_assessment": {"done": False}}, "/secrecy_assessment"),
    ({"personal_information_assessment": None}, "/personal_information_assessment"),
]


@pytest.mark.parametrize(("changes", "pointer"), LACKING)
def test_a_missing_legal_element_is_named(changes: dict[str, Any], pointer: str) -> None:
    assert pointer in lacking(**changes)
    assert pointer not in lacking()


def test_every_legal_element_has_a_case_that_lacks_it() -> None:
    pointers = {pointer for _, pointer in LACKING}
    named = {
        one.zh
        for changes, _ in LACKING
        for one in missing_elements(Entry.parse(whole_entry(**changes)))
    }
    assert len(pointers) == len(ELEMENTS)
    assert {f"缺少{zh}（{law}）" for zh, _, law in ELEMENTS.values()} == named


def test_an_entry_that_is_not_shared_needs_reason_and_law_but_no_mode() -> None:
    changes: dict[str, Any] = {
        "share_type": "not_shared",
        "share_scope": None,
        "share_purpose": None,
        "use_conditions": None,
        "share_modes": None,
        "not_shared_reason": "法律规定不得提供",
        "not_shared_basis": {
            "category": "law",
            "document": "中华人民共和国反洗钱法",
            "article": "第五条",
        },
    }
    assert lacking(**changes) == []
    assert found(**changes) == set()


def test_an_entry_without_structured_formats_needs_no_items() -> None:
    files = [{"category": "electronic_file", "type": "pdf"}]
    assert lacking(formats=files, items=[], share_modes=["file"], grade=1) == []


def test_the_highest_item_grade_is_the_entrys_unless_a_higher_one_is_stated() -> None:
    grades = [item(grade=1), item(name="住址", grade=3)]
    assert Entry.parse(whole_entry(items=grades)).effective_grade == 3
    assert Entry.parse(whole_entry(items=grades, grade=4)).effective_grade == 4
    assert Entry.parse(whole_entry(items=grades)).document()["grade"] == 3
    assert Entry.parse(whole_entry(items=[item()])).effective_grade is None


def test_grade_three_and_four_and_marked_entries_are_restricted() -> None:
    verdicts = [Entry.parse(whole_entry(items=[item(grade=g)])).is_restricted for g in (1, 2, 3, 4)]
    assert verdicts == [False, False, True, True]
    assert Entry.parse(whole_entry(restricted=True)).is_restricted


def test_a_providers_code_is_judged_and_evidence_overrides() -> None:
    assert provider_check(OWNER, None) is ProviderCheck.VALID
    assert provider_check("TMP-1", "任何依据") is ProviderCheck.MISSING
    assert provider_check("91350100M0001TGQXM", None) is ProviderCheck.UNCHECKED
    assert provider_check("91350100M0001TGQXM", "营业执照") is ProviderCheck.OVERRIDDEN


def test_an_entry_survives_its_own_document() -> None:
    entry = Entry.parse(whole_entry(published_on="2025-01-02", keywords=["人口", "户籍"]))
    document = json.loads(canonical_json(entry.document()))
    assert Entry.parse(document).document() == entry.document()
    assert document["published_on"] == "2025-01-02"
    assert "related" not in document


def together(*changes: dict[str, Any], known: Any = None) -> dict[int, set[tuple[str, str]]]:
    entries = [Entry.parse(whole_entry(**one)) for one in changes]
    found = check_together(entries, known)
    return {at: {(one.code, one.pointer) for one in problems} for at, problems in found.items()}


def test_names_that_differ_in_spaces_and_punctuation_alone_are_duplicates() -> None:
    first = {"code": "307015/000001", "name": "学校名单（2024）"}
    second = {"code": "307015/000002", "name": "学校 名单(2024)。"}
    other = {"code": "307015/000003", "name": "学校名单（2025）"}
    assert together(first, second, other) == {1: {("duplicate_name", "/name")}}
    elsewhere = {**second, "provider": "TMP-OTHER"}
    assert together(first, elsewhere) == {}


def test_one_name_with_two_codes_and_one_code_with_two_names_are_refused() -> None:
    first = {"code": "307015/000001", "name": "学校名单"}
    again = {"code": "307015/000009", "name": "学校名单"}
    assert together(first, again) == {1: {("several_codes", "/code")}}
    stolen = {"code": "307015/000001", "name": "医院名单"}
    assert together(first, stolen) == {1: {("duplicate_code", "/code")}}


def test_an_entry_is_compared_with_the_ledger_but_not_with_itself() -> None:
    known = {(OWNER, bare("学校名单")): ("307015/000001", "学校名单")}
    same = {"code": "307015/000001", "name": "学校名单"}
    other = {"code": "307015/000002", "name": "学校名单"}
    assert together(same, known=known) == {}
    assert together(other, known=known) == {0: {("several_codes", "/code")}}


def test_a_dragged_name_is_found_and_tables_of_successive_years_are_not() -> None:
    def named(*names: str) -> list[dict[str, Any]]:
        return [
            {"code": f"307015/{at:06d}", "name": name} for at, name in enumerate(names, start=1)
        ]

    assert together(*named("企业名单1", "企业名单2", "企业名单3")) == {
        1: {("dragged_names", "/name")},
        2: {("dragged_names", "/name")},
    }
    assert together(*named("企业名单2021", "企业名单2022", "企业名单2023")) == {}
    assert together(*named("企业名单1", "企业名单2")) == {}
    assert together(*named("企业名单1", "学校名单2", "企业名单3")) == {}


def test_every_format_category_can_be_shared_somehow() -> None:
    assert set(FORMAT_TYPES) == set(SHARE_MODES_OF) == set(FormatCategory)
    assert all(SHARE_MODES_OF.values())


@pytest.mark.parametrize(
    ("text", "expected"),
    [("ＡＢＣ  年报", "abc 年报"), ("①期", "1期"), (" \n\t", "")],
)
def test_search_text_is_folded(text: str, expected: str) -> None:
    assert folded(text) == expected


def test_a_name_of_punctuation_alone_equals_only_itself() -> None:
    assert bare("——") == bare("——")
    assert bare("——") != bare("……")
    assert bare("年报（2024）") == bare("年报 2024")

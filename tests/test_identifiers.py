"""Codes of organisations, resources and divisions: published cases, and damage of every kind."""

from __future__ import annotations

import csv
from datetime import date
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from ledger.identifiers import (
    USCC_ALPHABET,
    DivisionLevel,
    IdentifierError,
    UsccProblem,
    check_organisation_code,
    check_uscc,
    compose_resource_code,
    division_level,
    is_citizen_id,
    is_provisional,
    next_resource_code,
    normalise_code,
    organisation_check_character,
    parse_resource_code,
    provisional_code,
    uscc_check_character,
)

VALID = ["91350100M000100Y43", "11320000MB151840XJ", "91512081MA62K0260E", "9131000063159284XQ"]


@st.composite
def usccs(draw: st.DrawFn) -> str:
    """Any valid USCC, built from its parts."""
    kind = draw(st.sampled_from(["11", "12", "13", "19", "51", "52", "91", "92", "Y1", "N1"]))
    division = draw(st.from_regex(r"[1-9][0-9]{5}", fullmatch=True))
    body = draw(st.text(USCC_ALPHABET, min_size=8, max_size=8))
    inner = body + organisation_check_character(body)
    return kind + division + inner + uscc_check_character(kind + division + inner)


def test_the_collected_cases_get_their_verdicts(shared_data: Path) -> None:
    with (shared_data / "codes" / "uscc_cases.csv").open(encoding="utf-8") as file:
        cases = list(csv.DictReader(file))
    assert len(cases) == 122
    for case in cases:
        verdict = check_uscc(case["value"])
        assert verdict.valid == (case["expected"] == "valid"), case
        if case["expected"] == "invalid_checksum":
            assert verdict.problem is UsccProblem.CHECKSUM
        if case["expected"] == "invalid_format":
            assert verdict.problem is UsccProblem.STRUCTURE


@pytest.mark.parametrize("code", VALID)
def test_known_codes_are_valid(code: str) -> None:
    assert check_uscc(code).valid
    assert check_organisation_code(code) == check_uscc(code)


@pytest.mark.parametrize(
    "code", ["91350100M000100Y4Z", "91350100M000100Y44", "91350211M0000XUF46", "91350100M0001TGQXM"]
)
def test_a_wrong_checksum_is_a_warning_that_evidence_may_outweigh(code: str) -> None:
    verdict = check_uscc(code)
    assert not verdict.valid
    if code.endswith("Z"):
        assert verdict.problem is UsccProblem.ALPHABET
        assert not verdict.overridable
    else:
        assert verdict.problem is UsccProblem.CHECKSUM
        assert verdict.overridable
        assert f"should be {uscc_check_character(code[:17])!r}" in verdict.message
        assert check_organisation_code(code) == verdict


@given(usccs())
def test_any_code_with_right_check_characters_is_valid(code: str) -> None:
    assert check_uscc(code).valid


@given(usccs(), st.integers(min_value=0, max_value=17), st.sampled_from(USCC_ALPHABET))
def test_one_wrong_character_is_always_noticed(code: str, place: int, character: str) -> None:
    assume(code[place] != character)
    assert not check_uscc(code[:place] + character + code[place + 1 :]).valid


@given(usccs(), st.integers(min_value=0, max_value=16))
def test_two_neighbours_swapped_are_always_noticed(code: str, place: int) -> None:
    assume(code[place] != code[place + 1])
    swapped = code[:place] + code[place + 1] + code[place] + code[place + 2 :]
    assert not check_uscc(swapped).valid


@pytest.mark.parametrize(
    ("code", "problem", "words"),
    [
        ("", UsccProblem.LENGTH, "has 0"),
        (VALID[0][:-1], UsccProblem.LENGTH, "has 17"),
        (VALID[0] + "0", UsccProblem.LENGTH, "has 19"),
        ("91350100m000100Y43", UsccProblem.ALPHABET, "character 9 is 'm'"),
        ("9135010OM000100Y43", UsccProblem.ALPHABET, "character 8 is 'O'"),
        ("91350100M000100Y4３", UsccProblem.ALPHABET, "character 18 is '３'"),
        ("0" + VALID[0][1:], UsccProblem.STRUCTURE, "'0' stands for no registering department"),
        ("9135A100M000100Y43", UsccProblem.STRUCTURE, "not '35A100'"),
        ("91350100M000100Y53", UsccProblem.CHECKSUM, "character 17 should be '4'"),
        ("91350100M000100Y44", UsccProblem.CHECKSUM, "character 18 should be '3'"),
    ],
)
def test_the_first_thing_wrong_is_named_with_its_place(
    code: str, problem: UsccProblem, words: str
) -> None:
    verdict = check_uscc(code)
    assert verdict.problem is problem
    assert words in verdict.message
    assert verdict.message_zh
    assert verdict.overridable == (problem is UsccProblem.CHECKSUM)


def test_repairs_that_lose_nothing_are_offered() -> None:
    assert normalise_code(" ９１350100 m000100y43\n") == VALID[0]


def test_provisional_codes_are_organisation_codes_without_a_verdict() -> None:
    code = provisional_code("DEYANG-017")
    assert code == "TMP-DEYANG-017"
    assert is_provisional(code)
    assert check_organisation_code(code) is None
    for suffix in ("", "a", "公安局", "X" * 29, "A B"):
        with pytest.raises(IdentifierError, match="TMP- and 1 to 28"):
            provisional_code(suffix)


@pytest.mark.parametrize(
    "code", ["", "083372204", "TMP-", "tmp-1", "1151130108778239R", VALID[0].lower()]
)
def test_what_is_no_organisation_code_is_refused_with_a_way_out(code: str) -> None:
    with pytest.raises(IdentifierError, match="use a provisional code"):
        check_organisation_code(code)


@given(
    st.from_regex(r"[123][0-9]{5}[0-9A-Z]{0,24}", fullmatch=True),
    st.integers(min_value=1, max_value=10**18 - 1),
)
def test_resource_codes_come_apart_and_together_again(prefix: str, sequence: int) -> None:
    code = compose_resource_code(prefix, sequence)
    parts = parse_resource_code(code)
    assert (parts.prefix, parts.sequence, str(parts)) == (prefix, sequence, code)
    assert len(code.partition("/")[2]) >= 6


def test_a_resource_code_has_its_parts() -> None:
    parts = parse_resource_code("307015050030AB/0000123")
    assert (parts.category, parts.item, parts.section, parts.detail) == (
        "3",
        "07",
        "015",
        "050030AB",
    )
    assert parts.sequence == 123
    assert str(parts) == "307015050030AB/0000123"


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("307015", "a '/' between"),
        ("407015/000001", "the class (类) 1, 2 or 3"),
        ("/000001", "the class (类) 1, 2 or 3"),
        ("30701/000001", "five digits"),
        ("3070A5/000001", "five digits"),
        ("307015a/000001", "at most 24"),
        ("307015" + "A" * 25 + "/000001", "at most 24"),
        ("307015/00001", "6 to 18 digits"),
        ("307015/00000１", "6 to 18 digits"),
        ("307015/000001\n", "6 to 18 digits"),
        ("307015/000001/2", "6 to 18 digits"),
    ],
)
def test_the_part_of_a_resource_code_that_is_wrong_is_named(code: str, words: str) -> None:
    with pytest.raises(IdentifierError) as refusal:
        parse_resource_code(code)
    assert words in str(refusal.value)


def test_every_prefix_counts_for_itself() -> None:
    used = ["307015/000001", "307015/000009", "307015A/000044", "not a code", "307015/x"]
    assert next_resource_code("307015", used) == "307015/000010"
    assert next_resource_code("307016", used) == "307016/000001"
    with pytest.raises(IdentifierError, match="front code"):
        next_resource_code("9", used)
    with pytest.raises(IdentifierError, match="sequence"):
        compose_resource_code("307015", 0)


@pytest.mark.parametrize(
    ("code", "level"),
    [
        ("310000", DivisionLevel.PROVINCE),
        ("510600", DivisionLevel.CITY),
        ("310118", DivisionLevel.COUNTY),
    ],
)
def test_a_division_code_tells_its_level(code: str, level: DivisionLevel) -> None:
    assert division_level(code) is level


@pytest.mark.parametrize("code", ["", "31011", "3101180", "010118", "31011A", "31011８"])
def test_what_is_no_division_code_is_refused(code: str) -> None:
    with pytest.raises(IdentifierError, match="six digits"):
        division_level(code)


def test_every_real_county_has_a_division_code(shared_data: Path) -> None:
    with (shared_data / "codes" / "cn_areas.csv").open(encoding="utf-8") as file:
        levels = [division_level(row["code"]) for row in csv.DictReader(file)]
    assert len(levels) == 2978
    assert DivisionLevel.COUNTY in levels


@pytest.mark.parametrize("body", ["", "1234567", "1234567a", "123456789"])
def test_check_characters_are_only_made_for_bodies_of_the_right_form(body: str) -> None:
    with pytest.raises(IdentifierError):
        organisation_check_character(body)
    with pytest.raises(IdentifierError):
        uscc_check_character(body)


CITIZENS = ["11010519491231002X", "440524188001010014"]
"""The examples of GB 11643-1999."""


@pytest.mark.parametrize("number", [*CITIZENS, CITIZENS[0].lower()])
def test_the_standard_s_own_identity_numbers_are_recognised(number: str) -> None:
    assert is_citizen_id(number)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "110105194912310021",
        "11010519491331002X",
        "11010519491232002X",
        "01010519491231002X",
        "中",
    ],
)
def test_what_is_no_identity_number_is_not_taken_for_one(text: str) -> None:
    assert not is_citizen_id(text)


@given(
    st.from_regex(r"[1-9][0-9]{5}", fullmatch=True),
    st.dates(min_value=date(1900, 1, 1), max_value=date(2099, 12, 31)),
    st.integers(0, 999),
)
def test_one_check_digit_of_eleven_completes_an_identity_number(
    division: str, born: date, sequence: int
) -> None:
    body = f"{division}{born:%Y%m%d}{sequence:03d}"
    assert sum(is_citizen_id(body + check) for check in "0123456789X") == 1

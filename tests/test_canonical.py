"""Canonical JSON against the RFC's vectors, and a parser that two readers cannot disagree about."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from ledger.canonical import (
    MAX_DEPTH,
    MAX_INTEGER,
    CanonicalError,
    canonical_json,
    canonical_plain,
    is_canonical,
    parse_canonical,
    parse_json,
)

TEXT = st.text(st.characters(exclude_categories=["Cs"]))
PLAIN = (
    st.none() | st.booleans() | st.integers(min_value=-MAX_INTEGER, max_value=MAX_INTEGER) | TEXT
)
SCALARS = (
    PLAIN
    # A float beyond 2**53 that is whole is written as digits (RFC 8785), which no reader trusts.
    | st.floats(allow_nan=False, allow_infinity=False).filter(
        lambda number: abs(number) <= MAX_INTEGER or abs(number) >= 1e21
    )
)


def documents(scalars: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.recursive(
        scalars, lambda inner: st.lists(inner) | st.dictionaries(TEXT, inner), max_leaves=20
    )


DOCUMENTS = documents(SCALARS)


@pytest.mark.parametrize("name", ["arrays", "french", "structures", "unicode", "values", "weird"])
def test_the_published_cases_come_out_byte_for_byte(shared_data: Path, name: str) -> None:
    place = shared_data / "jcs"
    value = parse_json((place / "input" / f"{name}.json").read_bytes())
    expected = bytes.fromhex((place / "outhex" / f"{name}.txt").read_text())
    assert canonical_json(value) == expected
    assert is_canonical(expected)


def test_the_published_numbers_come_out(shared_data: Path) -> None:
    lines = (shared_data / "jcs" / "es6numbers_1k.txt").read_text().split()
    for line in lines:
        bits, expected = line.split(",")
        number = struct.unpack(">d", bytes.fromhex(bits.rjust(16, "0")))[0]
        assert canonical_json(number).decode() == expected
    assert len(lines) == 1000


@given(documents(PLAIN))
def test_a_plain_value_is_written_the_same_without_being_looked_at(value: Any) -> None:
    assert canonical_plain(value) == canonical_json(value)


@pytest.mark.parametrize("value", [{"\ud800": 1}, ["\udfff"], {"a": 1 << 60}])
def test_a_plain_value_without_a_canonical_form_is_refused(value: Any) -> None:
    with pytest.raises(CanonicalError):
        canonical_plain(value)


@given(DOCUMENTS)
def test_what_is_written_reads_back_the_same(value: Any) -> None:
    written = canonical_json(value)
    assert canonical_json(parse_json(written)) == written
    assert is_canonical(written)


@given(DOCUMENTS, st.integers(min_value=0, max_value=3))
def test_any_other_form_of_a_document_is_not_canonical(value: Any, indent: int) -> None:
    written = canonical_json(value)
    for form in (
        json.dumps(value, indent=indent).encode(),
        json.dumps(value, ensure_ascii=False).encode(),
        b" " + written,
        written + b"\n",
    ):
        assert is_canonical(form) == (form == written)


@given(st.binary(max_size=40) | TEXT.map(str.encode))
def test_the_compiled_path_and_the_long_way_agree(data: bytes) -> None:
    try:
        by_the_long_way = rfc8785.dumps(parse_json(data)) == data
    except CanonicalError:
        by_the_long_way = False
    assert is_canonical(data) == by_the_long_way


@given(DOCUMENTS, st.data())
def test_the_compiled_path_and_the_long_way_agree_on_damaged_documents(
    value: Any, data: st.DataObject
) -> None:
    written = bytearray(canonical_json(value))
    place = data.draw(st.integers(min_value=0, max_value=len(written) - 1))
    written[place] = data.draw(st.sampled_from(b'"\\{}[]:,0129-.eE ntu\x00\xf0\xff'))
    try:
        by_the_long_way = rfc8785.dumps(parse_json(bytes(written))) == written
    except CanonicalError:
        by_the_long_way = False
    assert is_canonical(bytes(written)) == by_the_long_way


@given(st.dictionaries(st.sampled_from(["a", "é", "\ufb33", "\U0001f600", "ｆ"]), st.just(1)))
def test_names_stand_in_the_order_of_their_utf_16_units(value: dict[str, int]) -> None:
    names = list(json.loads(canonical_json(value)))
    assert names == sorted(value, key=lambda name: name.encode("utf-16-be"))


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        (b'{"a":1,"a":2}', "/a: the name 'a' appears twice"),
        (b'[{"x":{"k":1,"k":1}}]', "/0/x/k: the name 'k' appears twice"),
        (b'{"a/b":{"c~d":[1e999]}}', "/a~1b/c~0d/0: the number is too large"),
        (b'{"n":9007199254740992}', "/n: integers beyond 2^53-1"),
        (b'{"n":-9007199254740992}', "/n: integers beyond 2^53-1"),
        (b'{"n":' + b"9" * 5000 + b"}", "/n: integers beyond 2^53-1"),
        (b'{"n":NaN}', "/n: NaN is no JSON number"),
        (b"-Infinity", "-Infinity is no JSON number"),
        (b'{"t":"\\ud800"}', "/t: half of a surrogate pair"),
        (b'{"t":["x","\\udc00\\ud800"]}', "/t/1: half of a surrogate pair"),
        (b'{"\\ud800":1}', "half of a surrogate pair"),
        (b'{"t":"\xff"}', "not UTF-8 at byte 6"),
        (b'{"t":"\xed\xa0\x80"}', "not UTF-8 at byte 6"),
        (b"\xef\xbb\xbf{}", "byte order mark"),
        (b'{"t":1', "not JSON at line 1, column 7"),
        (b'{"t":"a\nb"}', "not JSON at line 1, column 8"),
        (b'{"a":1}\n{"b":2}', "not JSON at line 2, column 1"),
        (b"{'a':1}", "not JSON at line 1, column 2"),
        (b"[01]", "not JSON"),
        (b"", "not JSON at line 1, column 1"),
        (b"[" * 65 + b"]" * 65, "nested deeper than 64"),
        (b"[" * 100_000 + b"]" * 100_000, "nested deeper than 64"),
        (b'{"a":' * 100_000, "nested deeper than 64"),
    ],
)
def test_what_two_readers_might_read_differently_is_refused_with_its_place(
    document: bytes, reason: str
) -> None:
    with pytest.raises(CanonicalError) as refusal:
        parse_json(document)
    assert reason in str(refusal.value)
    assert not is_canonical(document)


def test_a_surrogate_pair_in_escapes_is_one_character() -> None:
    assert parse_json(b'"\\ud83d\\ude00"') == "\U0001f600"


def test_a_whole_float_too_large_for_other_readers_is_written_but_not_read() -> None:
    assert canonical_json(2.0**53) == b"9007199254740992"
    assert not is_canonical(b"9007199254740992")


def test_limits_are_inclusive() -> None:
    assert parse_json(b"[" * MAX_DEPTH + b"]" * MAX_DEPTH) is not None
    assert parse_json(b'"12345"', limit=7) == "12345"
    with pytest.raises(CanonicalError, match="has 7 bytes, at most 6 are taken"):
        parse_json(b'"12345"', limit=6)
    with pytest.raises(CanonicalError, match="has 7 bytes, at most 6 are taken"):
        parse_canonical(b'"12345"', limit=6)
    assert parse_json(str(MAX_INTEGER).encode()) == MAX_INTEGER
    assert canonical_json(-MAX_INTEGER) == str(-MAX_INTEGER).encode()


def test_a_wide_document_may_have_many_objects() -> None:
    written = canonical_json([{"n": number} for number in range(1000)])
    assert len(parse_canonical(written)) == 1000


def test_the_first_byte_that_is_not_canonical_is_named() -> None:
    with pytest.raises(CanonicalError, match="from byte 2 on"):
        parse_canonical(b'{"b":1,"a":2}')
    with pytest.raises(CanonicalError, match="from byte 7 on"):
        parse_canonical(b'{"a":1}\n')


@pytest.mark.parametrize(
    "value",
    [float("nan"), float("inf"), MAX_INTEGER + 1, {1: "a"}, {"a": {1, 2}}, b"bytes", "\ud800"],
)
def test_what_has_no_canonical_form_is_refused(value: Any) -> None:
    with pytest.raises(CanonicalError, match="no canonical form"):
        canonical_json(value)


def test_a_value_nested_without_end_is_refused() -> None:
    endless: list[Any] = []
    endless.append(endless)
    with pytest.raises(CanonicalError, match="nested deeper"):
        canonical_json(endless)


def test_half_a_surrogate_pair_in_a_name_has_no_canonical_form() -> None:
    with pytest.raises(CanonicalError, match="surrogate"):
        canonical_json({"\ud800": 1})


def test_a_pointer_can_be_printed_whatever_the_names_hold() -> None:
    with pytest.raises(CanonicalError) as refusal:
        parse_json(b'{"a\\u0000\\u001b[2J": 1e999}')
    assert refusal.value.pointer == "/a\\u0000\\u001b[2J"

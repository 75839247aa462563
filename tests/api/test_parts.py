"""The small parts on their own: languages, cursors, tags, strict reading, keys of requests."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.answers import encode, matches
from api.cursors import Query, read_cursor, write_cursor
from api.idempotency import KEPT_MS, KEYS, claim, known
from api.language import negotiate
from api.problems import PROBLEMS, Problem, Text
from api.validation import json_pointer
from ledger.store.engine import open_database, writing

POSITIONS = st.one_of(st.text(max_size=40), st.integers(0, 2**53 - 1))
SIZES = st.integers(0, 2**53 - 1)
PARAMETERS = st.dictionaries(
    st.sampled_from(["q", "state", "as_of"]), st.one_of(st.none(), st.text(max_size=8)), max_size=3
)


@pytest.mark.parametrize(
    ("header", "language"),
    [
        (None, "zh"),
        ("", "zh"),
        ("en", "en"),
        ("en-GB,en;q=0.9", "en"),
        ("zh-CN,zh;q=0.9,en;q=0.8", "zh"),
        ("en;q=0.5, zh;q=0.8", "zh"),
        ("fr, en;q=0.3", "en"),
        ("fr", "zh"),
        ("*", "zh"),
        ("en;q=0", "zh"),
        ("en;q=x, zh;q=0.1", "zh"),
        (";;;,,,", "zh"),
    ],
)
def test_the_reader_is_answered_in_the_language_asked_for(
    header: str | None, language: str
) -> None:
    assert negotiate(header, "zh") == language


@given(st.text(max_size=200))
def test_no_preference_is_unreadable(header: str) -> None:
    assert negotiate(header, "en") in ("zh", "en")


@given(PARAMETERS, SIZES, POSITIONS)
def test_a_cursor_comes_back_as_it_was(
    parameters: dict[str, str | None], as_of: int, position: str | int
) -> None:
    query = Query("/list", parameters)
    assert read_cursor(query, write_cursor(query, as_of, position)) == (as_of, position)


@given(PARAMETERS, PARAMETERS, SIZES, POSITIONS)
def test_a_cursor_fits_its_own_query_only(
    asked: dict[str, str | None], other: dict[str, str | None], as_of: int, position: str | int
) -> None:
    cursor = write_cursor(Query("/list", asked), as_of, position)

    def said(parameters: dict[str, str | None]) -> dict[str, str]:
        return {name: value for name, value in parameters.items() if value is not None}

    if said(asked) != said(other):
        with pytest.raises(Problem):
            read_cursor(Query("/list", other), cursor)
    with pytest.raises(Problem):
        read_cursor(Query("/other", asked), cursor)


@given(st.text(max_size=60))
def test_no_text_that_we_did_not_write_is_a_cursor(text: str) -> None:
    with pytest.raises(Problem) as refused:
        read_cursor(Query("/list", {}), text)
    assert refused.value.code == "invalid_cursor"


def test_tags_are_compared_strongly_or_weakly() -> None:
    assert matches('"a", W/"b"', '"b"')
    assert not matches('"a", W/"b"', '"b"', strong=True)
    assert matches('"a","b"', '"b"', strong=True)
    assert matches("*", '"b"', strong=True)
    assert not matches(None, '"b"')


def test_bytes_are_hex_and_chinese_is_chinese() -> None:
    assert encode({"根": b"\x01\xff", "列": [b""]}) == '{"根":"0x01ff","列":["0x"]}'.encode()


def test_pointers_escape_what_json_pointer_reserves() -> None:
    assert json_pointer(["a/b", 0, "c~d"]) == "/a~1b/0/c~0d"


def test_a_key_is_bound_to_its_request_and_forgotten_after_a_week(tmp_path: Path) -> None:
    desk = open_database(f"sqlite:///{tmp_path / 'desk.db'}", "desk")
    try:
        assert known(desk, "k", b"one") is None
        assert claim(desk, "k", b"one", "0xaa") == "0xaa"
        assert claim(desk, "k", b"one", "0xbb") == "0xaa"
        assert known(desk, "k", b"one") == "0xaa"
        for again in (known, lambda *given: claim(*given, "0xcc")):
            with pytest.raises(Problem) as refused:
                again(desk, "k", b"two")
            assert refused.value.code == "idempotency_key_reused"
        with writing(desk) as connection:
            connection.execute(KEYS.update().values(used_at=KEYS.c.used_at - KEPT_MS - 1))
        assert claim(desk, "other", b"x", "0xdd") == "0xdd"
        assert known(desk, "k", b"two") is None
    finally:
        desk.dispose()


def test_every_problem_says_what_to_do_in_both_languages() -> None:
    for code, kind in PROBLEMS.items():
        assert 400 <= kind.status < 600, code
        for text in (kind.title, kind.hint):
            assert isinstance(text, Text)
            assert text.zh, code
            assert text.en, code
            assert text.en.isascii() or "…" in text.en, code

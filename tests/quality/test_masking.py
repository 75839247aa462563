"""Keys of failing records: shown by grade, never a person's number, and found again by their owner."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.quality.masking import grades_of, masked

SECRET = bytes(range(32))


@pytest.mark.parametrize(
    ("value", "grade", "shown"),
    [
        ("S01", 1, "S01"),
        (7, 1, "7"),
        (None, 1, None),
        ("第一小学", 2, "第**学"),
        ("李四", 2, "**"),
    ],
)
def test_a_value_is_shown_as_its_grade_allows(value: object, grade: int, shown: str | None) -> None:
    assert masked(value, grade, SECRET, "name") == shown


@pytest.mark.parametrize(
    "value",
    [
        "11010519491231002X",
        110105194912310021,
        "电话13800138000",
        "6222020200112233445",
        "ID:11010519491231002x",
    ],
)
@pytest.mark.parametrize("grade", [1, 2, 3, 4])
def test_what_looks_like_a_persons_number_is_never_shown(value: object, grade: int) -> None:
    shown = masked(value, grade, SECRET, "note")
    assert shown is not None
    assert shown.startswith("#")
    assert len(shown) == 17


@given(st.text(min_size=1), st.integers(3, 4))
def test_a_closed_value_is_a_digest_that_needs_the_secret(value: str, grade: int) -> None:
    shown = masked(value, grade, SECRET, "a")
    assert shown == masked(value, grade, SECRET, "a")
    assert shown != masked(value, grade, bytes(32), "a")
    assert shown != masked(value, grade, SECRET, "b")


def test_a_column_that_no_item_names_counts_as_grade_four() -> None:
    items = [{"name": "名称", "name_en": "Name", "grade": 1}, {"name": "备注"}]
    assert grades_of(items, ["name", "备注", "id"], 2) == {"name": 1, "备注": 2, "id": 4}
    assert grades_of(None, ["id"], 1) == {"id": 4}

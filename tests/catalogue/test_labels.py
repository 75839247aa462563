"""Every field of an entry has a name in both languages, and every code a word."""

from __future__ import annotations

from typing import Any

import pytest

from ledger.catalogue import dictionaries
from ledger.catalogue.entry import Assessment, Entry, Format, Item, NotSharedBasis
from ledger.catalogue.labels import FIELDS, in_order, label, spoken
from tests.catalogue.conftest import whole_entry


@pytest.mark.parametrize("part", [Entry, Item, Format, NotSharedBasis, Assessment])
def test_every_field_has_a_name_in_both_languages(part: Any) -> None:
    for field in part.model_fields:
        zh, en = FIELDS[field]
        assert zh
        assert en
        assert (label(field, "zh"), label(field, "en")) == (zh, en)


@pytest.mark.parametrize(
    ("field", "value", "zh", "en"),
    [
        ("share_type", "not_shared", "不予共享", "not shared"),
        ("share_modes", ["api", "file"], "服务接口、文件下载", "service API, file download"),
        ("grade", 3, "3级", "level 3, restricted"),
        ("formats", [{"category": "database"}], "数据库", "database"),
        (
            "formats",
            [{"category": "spreadsheet", "type": "xlsx"}],
            "电子表格 (xlsx)",
            "spreadsheet (xlsx)",
        ),
        ("secrecy_assessment", {"done": False}, "未完成", "not done"),
        (
            "not_shared_basis",
            {"category": "law", "document": "《统计法》", "article": "第九条"},
            "法律：《统计法》 第九条",
            "law: 《统计法》 第九条",
        ),
        ("industry", "P", "P 教育", "P 教育"),
        ("certificate", True, "是", "yes"),
        ("length", 18, "18", "18"),
        ("abstract", None, "", ""),
        ("share_type", "a code of a later release", "a code of a later release", None),
        ("unheard_of", {"b": 1, "a": [True]}, "a：是；b：1", "a: yes; b: 1"),
    ],
)
def test_values_are_words(field: str, value: object, zh: str, en: str | None) -> None:
    assert spoken(field, value, "zh") == zh
    assert spoken(field, value, "en") == (zh if en is None else en)


def test_an_entry_is_read_in_one_order_whatever_order_it_was_written_in() -> None:
    document = Entry.parse(whole_entry()).document()
    backwards = dict(reversed(document.items()))
    assert in_order(document) == in_order(backwards)
    assert in_order({"zzz": 1, "name": 1, "code": 1}) == ["code", "name", "zzz"]


def test_the_dictionaries_are_all_spoken() -> None:
    for mode in dictionaries.ShareMode:
        assert spoken("share_modes", [mode.value], "zh") == mode.zh

"""Entries from YAML and JSON files, and what is said, with its line, when a file is not right."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ledger.catalogue.documents import line_problems, load_entries, read_document
from ledger.catalogue.entry import Entry
from ledger.catalogue.problems import EntryRefused

from .conftest import OWNER, whole_entry

YAML = f"""\
# 两个条目
- code: 307015/000001
  name: 否
  provider: {OWNER}
  published_on: 2025-01-02
  abstract: no
- code: "307015/000002"
  name: 学校名单
  provider: {OWNER}
  items:
    - {{name: 编号, data_type: char, length: 10, primary_key: true}}
"""


def write(tmp_path: Path, text: str, name: str = "entry.yaml") -> Path:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return path


def told(path: Path) -> list[tuple[int | None, str, str]]:
    with pytest.raises(EntryRefused) as caught:
        load_entries(path)
    return [(one.line, one.pointer, one.code) for one in caught.value.problems]


def test_a_list_of_entries_is_read_and_text_stays_text(tmp_path: Path) -> None:
    first, second = load_entries(write(tmp_path, YAML))
    assert (first.code, first.abstract) == ("307015/000001", "no")
    assert str(first.published_on) == "2025-01-02"
    assert second.items[0].primary_key is True
    assert second.items[0].length == 10


def test_one_entry_and_an_entries_list_are_read_too(tmp_path: Path) -> None:
    one = write(tmp_path, json.dumps(whole_entry(), indent="\t"), "one.json")
    many = write(tmp_path, json.dumps({"entries": [whole_entry()]}, ensure_ascii=False), "m.json")
    marked = tmp_path / "bom.yaml"
    marked.write_bytes(b"\xef\xbb\xbf" + json.dumps(whole_entry()).encode())
    expected = [Entry.parse(whole_entry())]
    assert load_entries(one) == load_entries(many) == load_entries(marked) == expected


def test_escapes_of_json_are_read_as_json_reads_them(tmp_path: Path) -> None:
    text = json.dumps(whole_entry(name="表情😀名录"))
    assert "\\ud83d" in text
    (entry,) = load_entries(write(tmp_path, text, "escaped.json"))
    assert entry.name == "表情😀名录"


def test_every_mistake_of_every_entry_has_its_line(tmp_path: Path) -> None:
    text = YAML.replace("name: 学校名单", "nome: 学校名单").replace("char", "C")
    assert told(write(tmp_path, text)) == [
        (11, "/1/items/0/data_type", "not_in_dictionary"),
        (7, "/1/name", "required"),
        (8, "/1/nome", "unknown_field"),
    ]


def test_messages_come_in_file_order_and_both_languages(tmp_path: Path) -> None:
    text = YAML.replace("name: 学校名单", "nome: 学校名单").replace("char", "C")
    with pytest.raises(EntryRefused) as caught:
        load_entries(write(tmp_path, text))
    chinese = line_problems(caught.value.problems, "zh")
    assert [line.split()[0] for line in chinese] == ["第7行", "第8行", "第11行"]
    assert line_problems(caught.value.problems, "en")[0].startswith("line 7, /1/name: ")


UNREADABLE = [
    ("code: a\nname: b\ncode: c\n", 3, "appears twice"),
    ("code: &x a\nname: *x\n", 2, "aliases"),
    ("code: [a\n", 2, "expected"),
    ("!!python/object/apply:os.system [ls]\n", 1, "tags"),
    ("a: 1\n\tb: 2\n", 2, "cannot start any token"),
    ("", None, "empty"),
    ("just text\n", None, "field: value"),
    ("[]\n", None, "field: value"),
    ("[1, 2]\n", None, "/0 is not an entry"),
    ("entries: [x]\n", None, "/entries/0 is not an entry"),
    ("[" * 5000, 1, "nested too deep"),
    ("a:" + "".join(f"\n{' ' * depth}a:" for depth in range(1, 150)), 65, "nested too deep"),
    ("name: a\x00b", None, "special characters"),
]


@pytest.mark.parametrize(("text", "line", "words"), UNREADABLE)
def test_a_file_that_cannot_be_read_says_where(
    tmp_path: Path, text: str, line: int | None, words: str
) -> None:
    with pytest.raises(EntryRefused, match=words) as caught:
        load_entries(write(tmp_path, text))
    assert caught.value.problems[0].line == line


def test_a_file_in_another_encoding_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "gbk.yaml"
    path.write_bytes("name: 人口".encode("gbk"))
    with pytest.raises(EntryRefused, match="not UTF-8 at byte 6"):
        load_entries(path)


def test_a_file_that_is_too_large_is_refused_unread(tmp_path: Path) -> None:
    path = tmp_path / "large.yaml"
    with path.open("wb") as file:
        file.truncate(16 * 1024 * 1024 + 1)
    with pytest.raises(EntryRefused, match="16 MiB"):
        load_entries(path)


def test_scalars_are_text_but_for_whole_numbers_booleans_and_null(tmp_path: Path) -> None:
    text = "[yes, no, on, 0x10, 010, 1_000, 1.5, 12, -3, true, false, null, ~, 2025-01-02, 12:30]"
    value, _ = read_document(write(tmp_path, text))
    assert value == [
        "yes", "no", "on", "0x10", "010", "1_000", "1.5", 12, -3, True, False, None, None,
        "2025-01-02", "12:30",
    ]  # fmt: skip


@pytest.mark.parametrize("value", ["!!binary MzA3", "!!timestamp 2024-01-01", "!!str 12", "! x"])
def test_tags_are_refused_with_their_line(tmp_path: Path, value: str) -> None:
    path = tmp_path / "entry.yaml"
    path.write_text(f"name: x\ncode: {value}\n", encoding="utf-8")
    with pytest.raises(EntryRefused, match=r"line 2.*tags"):
        read_document(path)

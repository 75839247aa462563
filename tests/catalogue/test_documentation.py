"""What the documentation of the catalogue says is what the program does."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from ledger.catalogue import dictionaries
from ledger.catalogue.checks import check_entry
from ledger.catalogue.completeness import ELEMENTS, missing_fields
from ledger.catalogue.documents import load_entries
from ledger.catalogue.entry import Assessment, Entry, Format, Item, NotSharedBasis, Source
from ledger.catalogue.mapping import load_mapping, mappings
from ledger.catalogue.problems import RULES, errors
from ledger.catalogue.vocabulary import names
from ledger.codes import (
    Code,
    Level,
    Library,
    NationalClass,
    OpenType,
    Origin,
    ShareType,
    UpdateCycle,
)

PAGE = Path(__file__).resolve().parents[2] / "docs" / "catalogue.md"
TABLES: list[type[Code]] = [
    ShareType, OpenType, UpdateCycle, Library, Level, Origin, NationalClass,
    *(one for one in vars(dictionaries).values()
      if isinstance(one, type) and issubclass(one, Code) and one is not Code),
]  # fmt: skip


@pytest.fixture(scope="module")
def page() -> str:
    return PAGE.read_text(encoding="utf-8")


def block(page: str, first_word: str) -> str:
    """The fenced YAML block that begins with ``first_word``."""
    blocks = re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)
    (found,) = [one for one in blocks if one.startswith(first_word)]
    return str(found)


def test_the_example_entry_lacks_nothing_and_has_no_mistake(page: str, tmp_path: Path) -> None:
    path = tmp_path / "entry.yaml"
    path.write_text(block(page, "code:"), encoding="utf-8")
    (entry,) = load_entries(path)
    assert check_entry(entry) == []
    assert missing_fields(entry) == []


def test_the_example_mapping_loads(page: str, tmp_path: Path) -> None:
    path = tmp_path / "mapping.yaml"
    path.write_text(block(page, "name: sample"), encoding="utf-8")
    assert load_mapping(path).name == "sample"
    assert yaml.safe_load(path.read_text(encoding="utf-8"))["identity"] == ["url"]


@pytest.mark.parametrize("model", [Entry, Item, Format, NotSharedBasis, Assessment, Source])
def test_every_field_is_documented(page: str, model: Any) -> None:
    for name in model.model_fields:
        assert f"`{name}`" in page, name


@pytest.mark.parametrize("table", TABLES)
def test_every_code_of_every_table_is_documented(page: str, table: type[Code]) -> None:
    for code in table:
        assert f"`{code.value}`" in page, code


def test_every_filing_mistake_is_documented_with_its_messages(page: str) -> None:
    documented = set(re.findall(r"^\| `(\w+)` \| (?:error|missing|warning) \|", page, re.MULTILINE))
    assert documented == set(RULES)
    for code, rule in RULES.items():
        line = f"| `{code}` | {rule.severity} | {rule.zh}。{rule.hint_zh} | {rule.en}. {rule.hint_en} |"
        assert line.replace("||", "|") in page, code


def test_every_legal_element_mapping_and_vocabulary_is_documented(page: str) -> None:
    for element, (zh, en, law) in ELEMENTS.items():
        assert f"| `{element}` | {zh} | {en} | {law} |" in page
    for name in (*names(), *mappings()):
        assert f"`{name}`" in page


def test_only_errors_refuse(page: str) -> None:
    assert "An *error* refuses an entry" in page
    warned = Entry.parse({"code": "307015/000001", "name": "名单", "provider": "TMP-1"})
    assert check_entry(warned)
    assert errors(check_entry(warned)) == []

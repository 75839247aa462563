"""The table of cheats in the README names tests that exist, shows what they show, and leaves none out."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import NamedTuple

import pytest

from ledger.audits.findings import SIGNALS
from ledger.audits.ladder import REASONS
from tests.person import ROOT, Person

HERE = Path(__file__).parent
HEADINGS = {"README.md": "## What cheats run into", "README.zh-CN.md": "## 作弊的下场"}
LINK = re.compile(r'\[\d+\]\(tests/scenarios/cheats/(\w+\.py) "(\w+)"\)')
UNLISTED = {"test_nobody_cheats.py", Path(__file__).name}


class Row(NamedTuple):
    """A row of the table: the names in code style of where it shows, and the tests."""

    shows: tuple[str, ...]
    tests: tuple[tuple[str, str], ...]


def rows(readme: str) -> list[Row]:
    """The rows of the table of cheats."""
    page = (ROOT / readme).read_text("utf-8")
    section = page.partition(HEADINGS[readme])[2].partition("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("| ")][1:]
    cells = [line.strip("| ").split(" | ") for line in lines]
    assert all(len(one) == 4 for one in cells)
    return [Row(tuple(re.findall(r"`([^`]+)`", c[2])), tuple(LINK.findall(c[3]))) for c in cells]


def played() -> dict[tuple[str, str], str]:
    """(file, name) of every test of a cheat -> its source, decorators included."""
    found = {}
    for file in HERE.glob("test_*.py"):
        text = file.read_text("utf-8")
        for node in ast.parse(text).body:
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                first = min([node.lineno, *(one.lineno for one in node.decorator_list)])
                source = "\n".join(text.splitlines()[first - 1 : node.end_lineno])
                found[file.name, node.name] = source
    return found


@pytest.fixture(scope="module")
def errors() -> set[str]:
    """Every error with which a contract refuses."""
    sources = (file.read_text("utf-8") for file in (ROOT / "contracts").glob("*.sol"))
    return {name for text in sources for name in re.findall(r"^\s*error (\w+)\(", text, re.M)}


def test_every_row_names_tests_that_exist_and_every_test_stands_in_a_row() -> None:
    there = {name for name in played() if name[0] not in UNLISTED}
    named = [test for row in rows("README.md") for test in row.tests]
    assert len(named) == len(set(named))
    assert set(named) == there


def test_both_languages_have_the_same_rows() -> None:
    english, chinese = rows("README.md"), rows("README.zh-CN.md")
    assert english == chinese


def test_what_a_row_says_is_what_its_tests_look_for(errors: set[str], newcomer: Person) -> None:
    sources = played()
    for row in rows("README.md"):
        assert row.shows
        looked_for = "\n".join(sources[test] for test in row.tests)
        for name in row.shows:
            if " " in name:
                newcomer.run(*name.split(), "--help")
            else:
                assert name in errors | SIGNALS.keys() | REASONS.keys(), name
                assert f'"{name}"' in looked_for, name

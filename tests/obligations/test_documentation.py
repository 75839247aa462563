"""The guide for officials says what is there, and its examples work."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml

from ledger.catalogue.documents import read_document
from ledger.cli.app import app
from ledger.codes import EXEMPTION_SCOPES, Library, ObligationType, UpdateCycle
from ledger.obligations.mapping import load_mapping
from ledger.obligations.problems import RULES
from ledger.obligations.statements import ExemptionDraft, ObligationDraft

DOCS = Path(__file__).resolve().parents[2] / "docs"
GUIDE = (DOCS / "obligations.md").read_text("utf-8")
EXAMPLES = re.findall(r"```yaml\n(.*?)```", GUIDE, re.DOTALL)


def fields_in(heading: str) -> set[str]:
    """The names in the first column of the table of fields below a heading."""
    section = GUIDE.partition(f"\n## {heading}")[2].partition("\n## ")[0]
    table = section.partition("| field |")[2]
    rows = re.findall(r"^\| (`[^|]*) \|", table, re.MULTILINE)
    return {name for row in rows for name in re.findall(r"`(\w+)`", row)}


def read(tmp_path: Path, text: str) -> Any:
    file = tmp_path / "example.yaml"
    file.write_text(text, "utf-8")
    return read_document(file)[0]


def test_the_examples_are_taken(tmp_path: Path) -> None:
    obligation, exemption, mapping = EXAMPLES
    owed = ObligationDraft.model_validate(read(tmp_path, obligation))
    freed = ExemptionDraft.model_validate(read(tmp_path, exemption))
    assert (owed.code, freed.target) == ("WATER-07-S1-T1", "WATER-07-S1-T1")
    file = tmp_path / "mapping.yaml"
    file.write_text(mapping, "utf-8")
    taken = load_mapping(file)
    assert taken.above is not None
    assert taken.published is not None


def test_every_field_is_described() -> None:
    assert fields_in("An obligation") == set(ObligationDraft.model_fields)
    assert fields_in("Exemptions") == set(ExemptionDraft.model_fields)
    for words in (ObligationType, UpdateCycle, Library):
        assert all(f"`{one.value}`" in GUIDE for one in words)
    assert all(f"`{str(scope.name).lower()}`" in GUIDE for scope in EXEMPTION_SCOPES)


def test_every_reason_for_refusing_a_row_is_listed() -> None:
    table = GUIDE.partition("| reason |")[2].partition("\n\n")[0]
    assert set(re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)) == set(RULES)


def test_the_template_has_the_columns_that_the_guide_names() -> None:
    told = GUIDE.partition("`template` is for lists")[2].partition("`guangan`")[0]
    named = set(re.findall(r"`(\w+)`", told)) - {"template"}
    assert named == load_mapping("template").wanted()


def test_every_key_of_a_mapping_is_in_the_example() -> None:
    shown = set(yaml.safe_load(EXAMPLES[2]))
    assert shown == set(load_mapping("template").__class__.model_fields) - {"sheet"}


@pytest.mark.parametrize("group", ["obligation", "exemption"])
def test_every_command_is_listed(group: str) -> None:
    root: Any = typer.main.get_command(app)
    section = GUIDE.partition("## Commands")[2].partition("\n## ")[0]
    rows = [row for row in section.splitlines() if row.startswith(f"| `{group} ")]
    for name in root.get_command(None, group).commands:
        assert any(re.search(rf"[` ]{name}\b", row) for row in rows), name

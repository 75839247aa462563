"""What docs/lineage.md says of findings is what is found."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from ledger.lineage.findings.listing import KINDS
from ledger.lineage.findings.noise import LAST_NAMES
from ledger.lineage.statements import StepDraft

TEXT = (Path(__file__).parents[2] / "docs" / "lineage.md").read_text("utf-8")


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_every_kind_is_explained_as_it_is_told(kind) -> None:
    assert f"| `{kind.name}` | {kind.zh} | {kind.en} |" in TEXT


def test_names_that_the_guide_gives_as_noise_are() -> None:
    told = TEXT.partition("names whose last part is like")[2].partition("and those below")[0]
    named = set(told.split("`")[1::2])
    assert len(named) > 8
    assert named <= set(LAST_NAMES)


def test_the_step_that_the_guide_declares_is_one() -> None:
    (block,) = re.findall(r"```yaml\n(code: S-.*?)```", TEXT, re.DOTALL)
    step = StepDraft.model_validate(yaml.safe_load(block))
    assert step.values()["code"]

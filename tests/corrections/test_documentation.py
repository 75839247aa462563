"""What docs/corrections.md says is so: commands and options, the life of a request, clocks, words."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path
from typing import Any

import typer
import yaml

from api.app import assemble
from api.openapi import describe
from ledger.cli.app import app
from ledger.codes import CORRECTION_TRANSITIONS, CorrectionState, CorrectionType
from ledger.corrections.clock import due_day
from ledger.corrections.from_score import DEFAULT_RULE, REASONS, ScoreRule
from ledger.corrections.vocabulary import load_vocabulary
from ledger.corrections.words import Category, Outcome, Standing
from ledger.settings import SETTINGS

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "corrections.md").read_text("utf-8")


def commands() -> dict[str, Any]:
    root: Any = typer.main.get_command(app)
    found: dict[str, Any] = root.get_command(None, "correction").commands
    return found


def test_every_command_and_option_exists_and_none_is_left_out() -> None:
    named = set(re.findall(r"(?:`|govledger )correction ([a-z-]+)", PAGE))
    assert named == set(commands())
    options = {
        option
        for command in commands().values()
        for parameter in command.params
        for option in (*parameter.opts, *parameter.secondary_opts)
    }
    assert set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", PAGE)) <= options


def test_the_life_of_a_request_is_the_one_that_the_contract_keeps() -> None:
    table = PAGE.split("| From | To |", 1)[1].split("\n\n", 1)[0]
    told = {
        start: set(to.replace(",", " ").split())
        for start, to in re.findall(r"^\| (\S+) \| ([^|]*)\|$", table, re.MULTILINE)
    }
    assert told == {
        str(state.value) if state else "(none)": {str(one.value) for one in ways}
        for state, ways in CORRECTION_TRANSITIONS.items()
    }
    states = re.findall(r"^\| `([a-z]+)` \| (\S+) \|", PAGE, re.MULTILINE)
    assert states == [(str(one.value), one.zh) for one in _in_order_of_the_page()]


def _in_order_of_the_page() -> list[CorrectionState]:
    order = ("filed", "handling", "rejected", "handled", "evaluated", "cancelled")
    return [CorrectionState.of(word) for word in order]


def test_every_word_of_the_code_tables_is_explained() -> None:
    for table in (CorrectionType, Category, Outcome, Standing):
        for member in table:
            if member is not Standing.RUNNING:
                assert f"`{member.value}`" in PAGE, member


def test_the_examples_of_due_days_are_right() -> None:
    text = " ".join(PAGE.split())
    assert "2 March 2026, a request is due on Monday, 16 March 2026" in text
    assert due_day(date(2026, 3, 2)) == date(2026, 3, 16)
    assert "10 February 2026, it is due on Monday, 2 March 2026" in text
    assert due_day(date(2026, 2, 10)) == date(2026, 3, 2)


def test_routes_settings_and_rules_that_are_named_exist() -> None:
    paths = set(describe(assemble())["paths"])
    assert {path for path in paths if path.startswith("/api/v1/corrections")} == set(
        re.findall(r"`(/api/v1/corrections[^`]*)`", PAGE)
    )
    settings = {setting.name for setting in SETTINGS}
    assert set(re.findall(r"`(correction_[a-z]+)`", PAGE)) == {
        name for name in settings if name.startswith("correction_")
    }
    (example,) = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    rule = ScoreRule.model_validate(yaml.safe_load(example))
    load_vocabulary().check(CorrectionState.FILED, [*rule.reasons.values(), *REASONS.values()])
    assert f"below {DEFAULT_RULE.total}" in " ".join(PAGE.split()).replace(
        "below 6000,", "below 6000"
    )

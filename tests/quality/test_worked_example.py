"""The example of docs/quality.md, done by the program: every number on the page is the one that comes out."""

from __future__ import annotations

import re
from datetime import date
from fractions import Fraction
from pathlib import Path

import pytest
import yaml

from ledger.quality.assessing import Inputs, assess
from ledger.quality.results import Result, Subject
from ledger.quality.ruleset import RuleSet, load_rules, read_model
from ledger.quality.weights import WeightProfile
from ledger.records.sources import open_source

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "quality.md").read_text("utf-8")
EXAMPLE = PAGE.partition("## One example by hand")[2].partition("\n## ")[0]


def block(language: str, number: int = 0) -> str:
    return re.findall(rf"```{language}\n(.*?)```", EXAMPLE, re.DOTALL)[number]


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> Result:
    place = tmp_path_factory.mktemp("example")
    for name, text in (
        ("schools.csv", block("csv")),
        ("rules.yaml", block("yaml")),
        ("weights.yaml", block("yaml", 1)),
    ):
        (place / name).write_text(text, "utf-8")
    subject = Subject(
        entry="318001/000001",
        edition=1,
        period_start=date(2026, 1, 1),
        period_end=date(2026, 3, 31),
        day=date(2026, 3, 31),
    )
    with open_source(str(place / "schools.csv")) as source:
        rules = load_rules(place / "rules.yaml")
        profile = read_model(place / "weights.yaml", WeightProfile)
        return assess(Inputs(source, {}, rules, profile, subject, bytes(range(32))))


def points(text: str) -> int:
    return int(text.replace(".", ""))


def test_every_rule_counts_what_the_page_says(result: Result) -> None:
    told = re.findall(r"^\| (\w+) \| (\d{6}) \| (\d+) \| (\d+) \| (.+) \|$", EXAMPLE, re.MULTILINE)
    assert len(told) == len(yaml.safe_load(block("yaml"))["rules"])
    found = {one.rule: one for one in result.outcomes}
    for rule, indicator, evaluated, failing, share in told:
        one = found[rule]
        assert (one.indicator, one.evaluated, one.failing) == (
            indicator,
            int(evaluated),
            int(failing),
        )
        if share == "not assessable":
            assert (one.state, one.reason) == ("not_assessable", "missing_reference")
        else:
            assert Fraction(one.evaluated - one.failing, one.evaluated) == Fraction(share)


def test_every_dimension_scores_what_the_page_says(result: Result) -> None:
    told = re.findall(r"^\| (0\d) \| .+ \| ([\d.]+) \| ([\d.]+) \|$", EXAMPLE, re.MULTILINE)
    assert {code for code, *_ in told} == {
        one.code for one in result.marks if len(one.code) == 2 and one.points
    }
    for code, score, coverage in told:
        mark = result.mark(code)
        assert (mark.points, mark.coverage_points) == (points(score), points(coverage))


def test_the_total_is_what_the_page_says(result: Result) -> None:
    found = dict(
        re.findall(r"^\| (total|grade|coverage)[^|]* \| ([\w.]+) \|$", EXAMPLE, re.MULTILINE)
    )
    assert result.total == points(found["total"])
    assert result.coverage == points(found["coverage"])
    assert result.grade == found["grade"]
    exact = re.search(r"= (\d+/\d+) = 0\.", EXAMPLE)
    assert exact is not None
    assert result.mark("").score == exact[1]


def test_the_page_tells_every_check() -> None:
    listed = set(
        re.findall(
            r"`([a-z_]+)`", PAGE.partition("| `check` |")[2].partition("\nChecks of values")[0]
        )
    )
    schema = RuleSet.model_json_schema()["properties"]["rules"]["items"]["discriminator"]["mapping"]
    assert set(schema) <= listed

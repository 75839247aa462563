"""Rule files: read strictly, told by line, with a digest of what they mean."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from ledger.quality.checks import AnyRule, Rule
from ledger.quality.patterns import DATE_FORMATS, PatternError, portable_pattern
from ledger.quality.ruleset import RuleFileError, RuleSet, load_rules, rules_schema
from tests.quality.sample_table import RULES

ROOT = Path(__file__).resolve().parents[2]
SCHEMA = ROOT / "docs" / "quality-rules.schema.json"


def written(tmp_path: Path, text: str) -> Path:
    place = tmp_path / "rules.yaml"
    place.write_text(text, "utf-8")
    return place


def test_the_published_schema_is_the_one_that_files_are_read_by() -> None:
    assert json.loads(SCHEMA.read_text("utf-8")) == rules_schema()


def test_every_rule_of_the_sample_satisfies_the_published_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(rules_schema())
    jsonschema.Draft202012Validator(rules_schema()).validate(RULES.document())


def test_the_sample_has_a_rule_of_every_kind_but_addresses() -> None:
    kinds = {model.model_fields["check"].annotation.__args__[0] for model in _models()}  # type: ignore[union-attr]
    assert kinds - {rule.check for rule in RULES.rules} == {"reachable"}  # type: ignore[attr-defined]


def _models() -> tuple[type[Rule], ...]:
    return AnyRule.__origin__.__args__  # type: ignore[attr-defined,no-any-return]


def test_a_set_written_out_reads_as_itself(tmp_path: Path) -> None:
    again = load_rules(written(tmp_path, yaml.safe_dump(RULES.document(), allow_unicode=True)))
    assert again == RULES
    assert again.digest() == RULES.digest()


def test_defaults_and_order_of_fields_leave_the_digest_alone(tmp_path: Path) -> None:
    short = 'rules:\n  - {id: a, indicator: "020100", check: not_null, column: x}\n'
    long = (
        "format: govledger-rules/1\nrules:\n  - check: not_null\n    columns: [x]\n"
        '    severity: major\n    blank: true\n    indicator: "020100"\n    id: a\n'
    )
    one = load_rules(written(tmp_path, short)).digest()
    assert load_rules(written(tmp_path, long)).digest() == one
    assert load_rules(written(tmp_path, long.replace("true", "false"))).digest() != one


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ('{id: a, indicator: "010100", check: uscc, column: x}', "010100 is the mean of other"),
        ("{id: a, indicator: 10400, check: uscc, column: x}", 'write it in quotes, "010400"'),
        ('{id: a, indicator: "990000", check: uscc, column: x}', "no indicator"),
        ('{id: A, indicator: "030200", check: uscc, column: x}', "/rules/0/uscc/id"),
        ('{id: a, indicator: "030200", check: uscc, column: x, colour: red}', "Extra inputs"),
        ('{id: a, indicator: "030200", check: uscc, column: x, columns: [y]}', "not both"),
        ('{id: a, indicator: "030200", check: uscc, columns: [y, y]}', "twice"),
        ('{id: a, indicator: "030200", check: magic, column: x}', "magic"),
        ('{id: a, indicator: "030100", check: range, column: x}', "min, max or both"),
        ('{id: a, indicator: "030100", check: range, column: x, min: 3, max: 2.5}', "above max"),
        (
            '{id: a, indicator: "030100", check: range, column: x, min: 1, max: "2026-01-01"}',
            "both",
        ),
        ('{id: a, indicator: "030100", check: range, column: x, min: "2026-02-30"}', "min"),
        ('{id: a, indicator: "010103", check: length, column: x, min: 3, max: 2}', "above max"),
        ('{id: a, indicator: "010500", check: one_of, column: x}', "give values"),
        ('{id: a, indicator: "040204", check: refers, columns: [x], reference: no}', "not listed"),
        ('{id: a, indicator: "030200", check: pattern, column: x, pattern: "(?=a)"}', "is taken"),
        ('{id: a, indicator: "040202", check: expression, sql: "x >"}', "a, sql: not an SQL"),
        ('{id: a, indicator: "040202", check: expression, sql: "read_csv(\'x\')"}', "READCSV"),
        (
            '{id: a, indicator: "040202", check: expression, sql: "(select 1) = x"}',
            "SUBQUERY|SELECT",
        ),
        ('{id: a, indicator: "040202", check: expression, sql: "getenv(x) = 1"}', "getenv|GETENV"),
        (
            '{id: a, indicator: "020100", check: not_null, column: x, when: "1; drop table y"}',
            "one exp",
        ),
    ],
)
def test_a_mistake_is_told_with_its_line(tmp_path: Path, rule: str, words: str) -> None:
    with pytest.raises(RuleFileError) as caught:
        load_rules(written(tmp_path, f"title: 某表\nrules:\n  - {rule}\n"))
    assert re.search(words, str(caught.value)), caught.value
    assert "rules.yaml" in str(caught.value)
    assert caught.value.hint
    assert caught.value.zh


def test_every_mistake_of_a_file_is_told_at_once(tmp_path: Path) -> None:
    text = (
        'rules:\n  - {id: a, indicator: "010100", check: uscc, column: x}\n'
        '  - {id: b, indicator: "030200", check: magic}\n'
    )
    with pytest.raises(RuleFileError) as caught:
        load_rules(written(tmp_path, text))
    assert [problem.split(" ")[0] for problem in caught.value.problems] == [
        "rules.yaml:2",
        "rules.yaml:3",
    ]


def test_an_id_stands_once(tmp_path: Path) -> None:
    rule = '  - {id: a, indicator: "030200", check: uscc, column: x}\n'
    with pytest.raises(RuleFileError, match="the id 'a' stands there twice"):
        load_rules(written(tmp_path, f"rules:\n{rule}{rule}"))


@pytest.mark.parametrize(
    ("pattern", "good", "bad"),
    [
        (r"^\d{3}-\w+$", "123-ab_1", "123-"),
        (r"(a|b)+c?", "abab", "abd"),
        ("[\\u4e00-\\u9fa5]{2,4}", "青浦区", "青"),
        (r"[^\s\-]+\.x", "ab.x", "a-b.x"),
        (r"a\$b", "a$b", "ab"),
    ],
)
def test_portable_patterns_mean_what_they_say(pattern: str, good: str, bad: str) -> None:
    compiled = re.compile(portable_pattern(pattern))
    assert compiled.fullmatch(good)
    assert not compiled.fullmatch(bad)


@pytest.mark.parametrize(
    "pattern",
    [r"(?i)a", r"(?<=a)b", r"(a)\1", r"\bword", r"\p{Han}", "a*?", "a++", "a^b", "[a", "[]", "a{", "a{2000}",
     "[[:alpha:]]", "[a&&b]", r"\u12", "(a"],
)  # fmt: skip
def test_patterns_that_engines_read_differently_are_refused(pattern: str) -> None:
    with pytest.raises(PatternError, match="pattern"):
        portable_pattern(pattern)


@pytest.mark.parametrize(
    ("form", "good", "bad"),
    [
        ("YYYY-MM-DD", ["2024-02-29", "2000-02-29", "2026-12-31"], ["2026-02-29", "1900-02-29", "2026-04-31"]),
        ("YYYYMMDD", ["20240229"], ["20230229", "20241301", "2024-02-29"]),
        ("YYYY/MM/DD", ["2026/01/31"], ["2026/1/31", "2026/00/10"]),
        ("YYYY-MM", ["2026-12"], ["2026-13", "2026-1"]),
        ("YYYY-MM-DD hh:mm:ss", ["2026-01-01 23:59:59"], ["2026-01-01 24:00:00", "2026-01-01"]),
        ("YYYYMMDDhhmmss", ["20260101235959"], ["20260101235960"]),
    ],
)  # fmt: skip
def test_date_forms_take_real_days_alone(form: str, good: list[str], bad: list[str]) -> None:
    compiled = re.compile(DATE_FORMATS[form])
    assert all(compiled.fullmatch(one) for one in good)
    assert not any(compiled.fullmatch(one) for one in bad)


def _set(**more: Any) -> RuleSet:
    rule = {"id": "a", "indicator": "030100", "check": "range", "column": "x", **more}
    return RuleSet.model_validate({"rules": [rule]})


def test_bounds_are_exact_numbers_whatever_form_they_are_written_in() -> None:
    assert _set(min=1.50, max="2.0").digest() == _set(min="1.5", max=2).digest()
    assert _set(min="-0").digest() == _set(min=0).digest()

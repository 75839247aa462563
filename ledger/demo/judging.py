"""Quality of the synthetic tables (合成质量评估): one rule set, real assessments."""

from __future__ import annotations

import secrets
from datetime import date
from pathlib import Path
from typing import Any

import yaml

from ledger.demo.tables import KEY, RESULTS
from ledger.quality.assessing import Inputs, assess
from ledger.quality.queries import Outcome, Score
from ledger.quality.reproducing import Reproduction, compare, evidence_of, observed_before
from ledger.quality.results import Result, Subject, load_result
from ledger.quality.ruleset import load_rules
from ledger.quality.weights import DEFAULT_PROFILE
from ledger.records.schema import RecordSchema
from ledger.records.sources import open_source

KEPT = "quality"
RULES_FILE = "tables/rules.yaml"
RULES: dict[str, Any] = {
    "key": [KEY],
    "rules": [
        {"id": "given", "indicator": "020100", "check": "not_null", "columns": ["申请人名称", "统一社会信用代码"]},
        {"id": "code", "indicator": "030200", "check": "uscc", "column": "统一社会信用代码", "severity": "critical"},
        {"id": "case", "indicator": "030400", "check": "unique", "column": KEY},
        {"id": "order", "indicator": "050300", "check": "order", "columns": ["受理日期", "办结日期"]},
        {"id": "result", "indicator": "010500", "check": "one_of", "column": "办理结果", "values": list(RESULTS)},
        {"id": "length", "indicator": "010103", "check": "length", "column": "统一社会信用代码", "min": 18, "max": 18},
    ],
}  # fmt: skip


def write_rules(place: Path) -> Path:
    """The rule set, as a file that `quality assess` takes."""
    file = place / RULES_FILE
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(yaml.safe_dump(RULES, allow_unicode=True, sort_keys=False), "utf-8")
    return file


def assessed(
    place: Path, source: Path, entry: str, edition: int, period: tuple[date, date]
) -> Result:
    """An assessment of a table, whose document is kept in the data directory by its digest."""
    subject = Subject(
        entry=entry,
        edition=edition,
        period_start=period[0],
        period_end=period[1],
        day=period[1],
        cycle="quarterly",
    )
    with open_source(str(source), None) as opened:
        made = assess(
            Inputs(
                source=opened,
                references={},
                rules=load_rules(place / RULES_FILE),
                profile=DEFAULT_PROFILE,
                subject=subject,
                secret=secrets.token_bytes(32),
            )
        )
    kept = place / KEPT
    kept.mkdir(mode=0o700, parents=True, exist_ok=True)
    made.save(kept / f"{made.digest().hex()}.json")
    return made


def reproduced(place: Path, score: Score, outcomes: list[Outcome], source: Path) -> Reproduction:
    """The assessment of a recorded score done again on a file."""
    digest = str(score.result_digest).removeprefix("0x")
    then = load_result(place / KEPT / f"{digest}.json")
    evidence = evidence_of(score, outcomes, result=then, rules=None, profile=None)
    schema = None
    if then.data.row_schema is not None:
        schema = RecordSchema.from_document(then.data.row_schema)
    with open_source(str(source), schema) as opened:
        again = assess(
            Inputs(
                source=opened,
                references={},
                rules=evidence.rules,
                profile=evidence.profile,
                subject=then.subject,
                secret=bytes.fromhex(then.data.secret),
                schema=schema,
                observed=observed_before(evidence),
            )
        )
    return compare(score, then, evidence, again)

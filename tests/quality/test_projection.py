"""From scores to rows: what disagrees is kept out, and rows depend on nothing but the log."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ledger.canonical import canonical_json
from ledger.quality.projection import PROJECTION
from ledger.quality.statements import ScoreDraft, score
from ledger.statements import SCORE, Batch, Statement
from tests.organisations.scribe import FAR, Scribe, decoded, in_steps_of, recorded

ENTRY = "307015/000001"


def draft(**changes: object) -> ScoreDraft:
    return ScoreDraft.model_validate(
        {
            "entry": ENTRY,
            "edition": 1,
            "period_start": "2025-01-01",
            "period_end": "2025-03-31",
            "scores": {"accuracy": 9000, "completeness": 8000},
            "rule_set": "ab" * 32,
            **changes,
        }
    )


def said(body: dict[str, Any], **values: Any) -> Statement:
    one = draft()
    text = canonical_json({**json.loads(one.body()), **body})
    batch = Batch(SCORE, "TMP-D", FAR, ({**one.values(), **values},), (text,))
    return recorded(batch, 0)[0]


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        (said({"entry": "other"}), "body/entry: other is not the entry"),
        (said({"entry": 1}), "body/entry: .*string"),
        (said({"edition": 2}), "body/edition: 2 is not the edition"),
        (said({}, edition=2), "body/edition: 1 is not the edition"),
        (said({"total": 1}), "body/total: 1 is not the total"),
        (said({"weights": [10_000, 0, 0, 0, 0, 0]}), "body/weights: .* 0, 8500 was signed"),
        (said({"weights": [1]}), "body/weights: .*add up"),
        (said({}, total=8501), "body/weights: .* 8500, 8501 was signed"),
        (said({"notes": "\u0001"}), r"body/notes: .*U\+0001"),
        (said({}, total=10_001), r"total: 10001 is not in 0\.\.10000"),
        (said({}, accuracy=60_000), "accuracy: 60000"),
        (said({}, coverage=10_001), "coverage: 10001"),
        (said({}, assessed=64), "assessed: 64"),
        (said({}, periodStart=20250230), "period: day"),
        (said({}, periodEnd=0), "period: year"),
        (said({"edition": 2**32 - 1}, edition=2**32 - 1, assessed=255), "assessed: 255"),
    ],
)
def test_a_body_that_disagrees_with_what_was_signed_is_named(
    statement: Statement, words: str
) -> None:
    why = PROJECTION.malformed(decoded(statement))
    assert why is not None
    assert re.search(words, why), why


@pytest.mark.parametrize(
    "statement",
    [
        said({}),
        said({"total": 8500, "extra": [1]}),
        said({"edition": 2**32 - 1}, edition=2**32 - 1),
    ],
)
def test_what_agrees_is_projected(scribe: Scribe, statement: Statement) -> None:
    scribe.take([statement])
    assert scribe.flags == {}
    assert len(scribe.rows()["quality_score"]) == 1


@st.composite
def logs(draw: st.DrawFn) -> list[Statement]:
    """Rescored periods of few entries by few assessors, some malformed."""
    versions: dict[tuple[str, str, str], int] = {}
    statements: list[Statement] = []
    for index in range(draw(st.integers(1, 10))):
        subject = (
            draw(st.sampled_from(("A", "B"))),
            draw(st.sampled_from(("2025-03-31", "2025-06-30"))),
            draw(st.sampled_from(("TMP-D", "TMP-W"))),
        )
        versions[subject] = versions.get(subject, 0) + 1
        one = draft(
            entry=subject[0],
            period_end=subject[1],
            scores={"accuracy": draw(st.one_of(st.none(), st.integers(0, 10_000)))},
            version=versions[subject],
        )
        batch = score([one], speaker=subject[2], deadline=FAR)
        if draw(st.integers(0, 5)) == 0:
            batch = replace(batch, bodies=(b"{}",))
        statements += recorded(batch, index)
    return statements


law = settings(suppress_health_check=list(HealthCheck), max_examples=60)


@law
@given(logs(), st.integers(1, 4))
def test_rows_do_not_depend_on_how_the_log_was_cut_into_steps(
    sqlite_scribe: Scribe, statements: list[Statement], size: int
) -> None:
    sqlite_scribe.check_steps(statements, in_steps_of(size, statements))


@law
@given(logs(), st.integers(0, 10))
def test_a_rollback_leaves_what_the_shorter_log_gives(
    sqlite_scribe: Scribe, statements: list[Statement], size: int
) -> None:
    sqlite_scribe.check_rollback(statements, size)

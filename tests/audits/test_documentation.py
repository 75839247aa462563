"""What docs/audits.md says is what the audit does."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from ledger import workdays
from ledger.audits.findings import SIGNALS
from ledger.audits.ladder import REASONS
from ledger.audits.metrics import METRICS
from ledger.audits.policy import DEFAULT_POLICY, LEGAL_CEILINGS

TEXT = (Path(__file__).parents[2] / "docs" / "audits.md").read_text("utf-8")


@pytest.mark.parametrize(
    "line",
    [
        *(f"| `{one.id}` {one.en} | {one.zh} | {one.formula_en}" for one in METRICS),
        *(f"| `{one.code}` | {one.zh} | {one.en} |" for one in REASONS.values()),
        *(f"| `{one.name}` | {one.zh} | {one.en} |" for one in SIGNALS.values()),
        *(f"| `{clock}` | {days} | {source} |" for clock, (days, source) in LEGAL_CEILINGS.items()),
    ],
)
def test_every_name_is_explained_as_it_is_told(line: str) -> None:
    assert line in TEXT


def test_the_example_by_hand_is_what_the_calendar_says() -> None:
    grace = DEFAULT_POLICY.grace.quarterly
    assert workdays.add_workdays(date(2026, 9, 30), grace) == date(2026, 10, 20)

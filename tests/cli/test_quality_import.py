"""Results of another tool, taken over by a person at the terminal."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.person import Person
from tests.small_office import PUBLISHED

SODA = {
    "scanStartTimestamp": "2026-01-01T00:00:00+00:00",
    "metrics": [
        {"identity": "metric-s-d-people-row_count", "metricName": "row_count", "value": 200},
        {
            "identity": "metric-s-d-people-phone-missing_count",
            "metricName": "missing_count",
            "value": 7,
        },
        {"identity": "metric-s-d-people-odd", "metricName": "odd_metric", "value": 1},
    ],
    "checks": [
        {
            "name": "missing_count(phone) < 10",
            "table": "people",
            "column": "phone",
            "metrics": ["metric-s-d-people-phone-missing_count"],
            "outcome": "pass",
        },
        {"name": "odd", "table": "people", "metrics": ["metric-s-d-people-odd"], "outcome": "pass"},
    ],
}


@pytest.fixture
def results(tmp_path: Path) -> Path:
    place = tmp_path / "scan.json"
    place.write_text(json.dumps(SODA), "utf-8")
    return place


def test_a_preview_shows_every_check_and_records_nothing(office: Person, results: Path) -> None:
    before = office.run("log", "checkpoint").json()["size"]
    shown = str(office.run("quality", "import", results))
    assert "missing_count" in shown
    assert "96.50" in shown
    assert "odd_metric" in shown
    assert office.run("log", "checkpoint").json()["size"] == before


def test_a_score_is_recorded_with_the_digest_of_what_it_follows_from(
    office: Person, results: Path, tmp_path: Path
) -> None:
    kept = tmp_path / "kept.json"
    wanted = ("--entry", PUBLISHED, "--period", "2026-Q1", "--key", "assessor", "-o", str(kept))
    office.run("quality", "import", results, *wanted)
    (score,) = office.run("quality", "list", "--entry", PUBLISHED, "--json").json()["scores"][:1]
    assert score["total"] == 9650
    assert kept.exists()


def test_to_record_a_score_it_must_be_said_of_what(office: Person, results: Path) -> None:
    done = office.run("quality", "import", results, "--key", "assessor", expect=2)
    assert "--entry" in str(done)

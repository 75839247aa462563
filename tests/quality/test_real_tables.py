"""Real tables with natural defects, opened as people open them."""

from __future__ import annotations

import csv
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from ledger.quality.ruleset import RuleSet
from ledger.quality.running import Found, Job, run
from ledger.quality.terms import Terms
from ledger.quality.wholes import Bench
from ledger.records.sources import open_source

DAY = date(2026, 1, 1)


def found_in(
    place: Path, rules: list[dict[str, Any]], references: dict[str, Path] | None = None
) -> Found:
    given = references or {}
    rule_set = RuleSet.model_validate({"references": {name: {} for name in given}, "rules": rules})
    with open_source(str(place)) as source:
        opened = {name: open_source(str(other)) for name, other in given.items()}
        try:
            tables = {name: one.table for name, one in opened.items()}
            return run(Job(source.table, rule_set, Terms(DAY), Bench(source.con, tables)))
        finally:
            for one in opened.values():
                one.close()


def counts(found: Found) -> dict[str, tuple[int, int]]:
    return {one.rule: (one.evaluated, one.failing) for one in found.outcomes}


def test_villages_have_unique_codes_and_no_orphan(shared_data: Path) -> None:
    table = shared_data / "tables" / "cn_villages_2023.parquet"
    with open_source(str(table)) as source:
        names = source.table.columns
    street = next(name for name in names if name.lower().replace("_", "") == "streetcode")
    found = found_in(
        table,
        [
            {"id": "given", "indicator": "020100", "check": "not_null", "columns": list(names)},
            {"id": "unique", "indicator": "030400", "check": "unique", "column": "code"},
            {"id": "twelve", "indicator": "010103", "check": "length", "column": "code", "min": 12, "max": 12},
            {"id": "within", "indicator": "040202", "check": "expression",
             "sql": f"starts_with(cast(code as text), cast({street} as text))"},
        ],
    )  # fmt: skip
    assert found.rows == 620_573
    assert counts(found) == {
        "given": (620_573 * len(names), 0),
        "unique": (620_573, 0),
        "twelve": (620_573, 0),
        "within": (620_573, 0),
    }


def test_villages_of_shanghai_refer_to_its_streets(shared_data: Path) -> None:
    codes = shared_data / "codes"
    refers = {
        "check": "refers",
        "columns": ["streetCode"],
        "reference_columns": ["code"],
        "reference": "streets",
    }
    found = found_in(
        codes / "shanghai_villages.csv",
        [
            {"id": "streets", "indicator": "040204", **refers},
            {"id": "areas", "indicator": "010500", "check": "division", "column": "areaCode",
             "reference": "areas", "reference_column": "code"},
            {"id": "all-streets", "indicator": "020200", **refers, "check": "covers"},
        ],
        {"streets": codes / "shanghai_streets.csv", "areas": codes / "shanghai_areas.csv"},
    )  # fmt: skip
    assert {name: one[1] for name, one in counts(found).items() if name != "all-streets"} == {
        "streets": 0,
        "areas": 0,
    }
    assert counts(found)["streets"][0] == 6509
    assert counts(found)["all-streets"][0] == 234


def test_flights_have_their_duplicates_and_the_outlier(shared_data: Path) -> None:
    found = found_in(
        shared_data / "tables" / "us_flights_3m.parquet",
        [
            {"id": "duplicates", "indicator": "030300", "check": "duplicate_rows"},
            {
                "id": "delay",
                "indicator": "030100",
                "check": "range",
                "column": "delay",
                "min": -1000,
            },
        ],
    )
    assert found.rows == 3_000_000
    assert counts(found)["duplicates"] == (3_000_000, 191)
    assert counts(found)["delay"] == (3_000_000, 1)


def test_birdstrikes_have_blanks_and_the_text_none(shared_data: Path) -> None:
    table = shared_data / "tables" / "birdstrikes.csv"
    with open_source(str(table)) as source:
        names = list(source.table.columns)
    speed = next(name for name in names if "speed" in name.lower())
    damage = next(name for name in names if "amount of damage" in name.lower())
    found = found_in(
        table,
        [
            {"id": "speed", "indicator": "020100", "check": "not_null", "column": speed},
            {"id": "damage", "indicator": "030500", "check": "dirty", "column": damage},
            {"id": "damage-given", "indicator": "020100", "check": "not_null", "column": damage},
            {"id": "duplicates", "indicator": "030300", "check": "duplicate_rows"},
        ],
    )
    assert counts(found) == {
        "speed": (10_000, 2_836),
        "damage": (10_000, 8_939),
        "damage-given": (10_000, 0),
        "duplicates": (10_000, 24),
    }


@pytest.mark.parametrize("engine", ["duckdb", "postgresql"])
def test_every_collected_credit_code_gets_its_verdict(
    shared_data: Path, tmp_path: Path, engine: str, request: pytest.FixtureRequest
) -> None:
    with (shared_data / "codes" / "uscc_cases.csv").open(encoding="utf-8") as file:
        cases = [(row["value"], row["expected"] == "valid") for row in csv.DictReader(file)]
    assert len(cases) == 122
    rules = [
        {"id": "valid", "indicator": "030200", "check": "uscc", "column": "code", "when": "good"},
        {
            "id": "invalid",
            "indicator": "030200",
            "check": "uscc",
            "column": "code",
            "when": "not good",
        },
    ]
    if engine == "duckdb":
        place = tmp_path / "codes.csv"
        lines = "".join(f"{code},{str(good).lower()}\n" for code, good in cases)
        place.write_text(f"code,good\n{lines}", "utf-8")
        found = found_in(place, rules)
    else:
        found = _in_postgresql(cases, rules, request.getfixturevalue("postgresql_url"))
    good = sum(verdict for _, verdict in cases)
    assert counts(found) == {"valid": (good, 0), "invalid": (122 - good, 122 - good)}


def _in_postgresql(cases: list[tuple[str, bool]], rules: list[dict[str, Any]], url: str) -> Found:
    import psycopg  # noqa: PLC0415

    plain = url.replace("postgresql+psycopg://", "postgresql://")
    with psycopg.connect(plain) as connection, connection.cursor() as cursor:
        cursor.execute("CREATE TABLE codes (code text, good boolean)")
        cursor.executemany("INSERT INTO codes VALUES (%s, %s)", cases)
    rule_set = RuleSet.model_validate({"rules": rules})
    with open_source(f"{plain}#codes") as source:
        return run(Job(source.table, rule_set, Terms(DAY), Bench(source.con, {})))

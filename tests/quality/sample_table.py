"""One small table with every kind of defect, the rules that find them, and what they must count.

The same expectations hold on every engine.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

import pyarrow as pa

from ledger.quality.ruleset import RuleSet

DAY = dt.date(2026, 4, 10)
QUARTER = (dt.date(2026, 1, 1), dt.date(2026, 3, 31))


def _days(*texts: str | None) -> pa.Array:
    return pa.array([None if one is None else dt.date.fromisoformat(one) for one in texts])


TABLE = pa.table(
    {
        "id": pa.array([1, 2, 3, 4, 4, None, 6, 7], pa.int64()),
        "name": ["甲校", "乙校", "", "　", None, "己校 ", "None", "坏\ufffd字"],
        "uscc": [
            "91350100M000100Y43",
            "91350100M000100Y44",
            "9131000063159284XQ",
            "91350211M0000XUF46",
            "11320000MB151840XJ",
            None,
            "short",
            "91350100M000100Y4Z",
        ],
        "person": [
            "11010519491231002X",
            "11010519491231002x",
            "110105194912310021",
            "110105194902300021",
            None,
            "",
            "440524188001010014",
            "11010519491231002X",
        ],
        "phone": [
            "13800138000",
            "021-59729110",
            "12345",
            "400-820-8820",
            None,
            "+86 138",
            "59729110",
            "",
        ],
        "area": pa.array([1.5, -1.0, 1000.0, None, 0.0, 1000.5, float("nan"), 7.25]),
        "count_text": ["1", "-2", "三", "1.5", "", None, "0007", "99999999999999999999"],
        "kind": ["公办", "民办", "公办", "其他", None, "公办", "民办", "公办"],
        "opened": _days(
            "2026-01-01",
            "2026-02-28",
            "2025-12-31",
            None,
            "2026-03-31",
            "2026-04-01",
            "2026-02-01",
            "2020-02-29",
        ),
        "closed": _days(
            "2026-01-01",
            "2026-02-27",
            None,
            None,
            "2026-05-01",
            "2026-04-01",
            "2026-01-31",
            "2021-01-01",
        ),
        "written": [
            "2026-02-28",
            "2026-02-29",
            "2024-02-29",
            "2026/01/01",
            "20260101",
            None,
            "2026-1-1",
            "1900-02-29",
        ],
        "area_code": ["310118", "310118", "999999", "31011", None, "310118001", "310101", "310118"],
        "street": ["a", "b", "c", "a", None, "z", "a", "b"],
        "head": ["王", "李", "李", "王", "张", "赵", "错", "李"],
    }
)
AREAS = pa.table({"code": ["310118", "310101", "310118001"], "label": ["青浦", "黄浦", "某街道"]})
STREETS = pa.table({"street": ["a", "b", "c", "d"], "head": ["王", "李", "周", "钱"]})
ITEMS = [
    {"name": "校名", "name_en": "Name", "data_type": "char"},
    {"name": "id", "data_type": "integer"},
    {"name": "opened", "data_type": "integer"},
    {"name": "absent", "data_type": "char"},
]

_RULES: list[tuple[dict[str, Any], tuple[int, int] | str]] = [
    ({"check": "not_null", "column": "name", "indicator": "020100"}, (8, 3)),
    ({"check": "not_null", "column": "name", "indicator": "020100", "blank": False}, (8, 1)),
    (
        {"check": "not_null", "column": "closed", "indicator": "020100", "when": "kind = '公办'"},
        (4, 1),
    ),
    ({"check": "not_null", "columns": ["id", "kind"], "indicator": "020100"}, (16, 2)),
    (
        {
            "check": "not_null",
            "columns": ["id", "kind"],
            "element": "record",
            "indicator": "020100",
        },
        (8, 2),
    ),
    ({"check": "not_null", "column": "nowhere", "indicator": "020100"}, "missing_column"),
    ({"check": "type", "column": "count_text", "type": "integer", "indicator": "010101"}, (6, 3)),
    ({"check": "type", "column": "count_text", "type": "decimal", "indicator": "010101"}, (6, 2)),
    ({"check": "type", "column": "written", "type": "date", "indicator": "010101"}, (7, 5)),
    ({"check": "type", "column": "id", "type": "string", "indicator": "010101"}, (7, 7)),
    ({"check": "type", "column": "opened", "type": "date", "indicator": "010101"}, (7, 0)),
    ({"check": "length", "column": "name", "max": 2, "indicator": "010103"}, (5, 3)),
    (
        {
            "check": "length",
            "column": "uscc",
            "min": 18,
            "max": 18,
            "nulls": "fail",
            "indicator": "010103",
        },
        (8, 2),
    ),
    ({"check": "range", "column": "area", "min": 0, "max": 1000, "indicator": "030100"}, (6, 2)),
    ({"check": "range", "column": "count_text", "min": 0, "indicator": "030100"}, (6, 3)),
    ({"check": "range", "column": "opened", "min": "2026-01-01", "indicator": "030100"}, (7, 2)),
    ({"check": "range", "column": "written", "max": "2025-01-01", "indicator": "030100"}, (7, 6)),
    (
        {"check": "one_of", "column": "kind", "values": ["公办", "民办"], "indicator": "010500"},
        (7, 1),
    ),
    ({"check": "one_of", "column": "id", "values": [1, 2, "x"], "indicator": "010500"}, (7, 5)),
    (
        {
            "check": "one_of",
            "column": "street",
            "reference": "streets",
            "reference_column": "street",
            "indicator": "010500",
        },
        (7, 1),
    ),
    ({"check": "pattern", "column": "phone", "pattern": r"\d{11}", "indicator": "030200"}, (6, 5)),
    (
        {
            "check": "pattern",
            "column": "name",
            "pattern": "[\\u4e00-\\u9fa5]+",
            "indicator": "030200",
        },
        (5, 3),
    ),
    ({"check": "uscc", "column": "uscc", "indicator": "030200"}, (7, 4)),
    ({"check": "citizen_id", "column": "person", "indicator": "030200"}, (6, 3)),
    ({"check": "phone", "column": "phone", "indicator": "030200"}, (6, 2)),
    ({"check": "phone", "column": "phone", "kind": "mobile", "indicator": "030200"}, (6, 5)),
    ({"check": "date_format", "column": "written", "indicator": "010102"}, (7, 5)),
    (
        {
            "check": "date_format",
            "column": "written",
            "format": "YYYY/MM/DD",
            "indicator": "010102",
        },
        (7, 6),
    ),
    (
        {
            "check": "division",
            "column": "area_code",
            "reference": "areas",
            "reference_column": "code",
            "indicator": "010500",
        },
        (7, 2),
    ),
    (
        {
            "check": "division",
            "column": "area_code",
            "reference": "unread",
            "reference_column": "code",
            "indicator": "010500",
        },
        "missing_reference",
    ),
    ({"check": "dirty", "column": "name", "indicator": "030500"}, (5, 2)),
    ({"check": "dirty", "column": "name", "stray_blanks": True, "indicator": "030500"}, (5, 3)),
    (
        {"check": "dirty", "column": "area", "numbers": [-1, "1000.5"], "indicator": "030500"},
        (6, 2),
    ),
    ({"check": "unique", "column": "id", "indicator": "030400"}, (7, 2)),
    ({"check": "unique", "column": "id", "counting": "surplus", "indicator": "030400"}, (7, 1)),
    ({"check": "unique", "columns": ["street", "head"], "indicator": "030400"}, (7, 4)),
    (
        {"check": "unique", "column": "street", "indicator": "030400", "when": "kind = '公办'"},
        (4, 0),
    ),
    ({"check": "duplicate_rows", "columns": ["kind", "street"], "indicator": "030300"}, (8, 0)),
    ({"check": "duplicate_rows", "columns": ["street", "head"], "indicator": "030300"}, (8, 2)),
    ({"check": "duplicate_rows", "indicator": "030300"}, (8, 0)),
    ({"check": "order", "columns": ["opened", "closed"], "indicator": "050300"}, (6, 2)),
    (
        {"check": "order", "columns": ["opened", "closed"], "strict": True, "indicator": "050300"},
        (6, 4),
    ),
    ({"check": "order", "columns": ["written", "closed"], "indicator": "050300"}, (5, 5)),
    ({"check": "in_period", "column": "opened", "indicator": "050100"}, (7, 3)),
    ({"check": "fresh", "column": "opened", "cycle": "monthly", "indicator": "050200"}, (1, 0)),
    ({"check": "fresh", "column": "opened", "cycle": "weekly", "indicator": "050200"}, (1, 1)),
    (
        {
            "check": "fresh",
            "column": "opened",
            "cycle": "weekly",
            "grace_days": 2,
            "indicator": "050200",
        },
        (1, 0),
    ),
    (
        {"check": "fresh", "column": "opened", "cycle": "on_demand", "indicator": "050200"},
        "no_fixed_cycle",
    ),
    ({"check": "fresh", "column": "opened", "indicator": "050200"}, "no_cycle"),
    ({"check": "expression", "sql": "area / id >= 0", "indicator": "040202"}, (6, 1)),
    (
        {
            "check": "expression",
            "sql": "area >= 0",
            "nulls": "fail",
            "when": "id < 5",
            "indicator": "040202",
        },
        (5, 2),
    ),
    (
        {"check": "expression", "sql": "cast(count_text as integer) > 0", "indicator": "040202"},
        (3, 1),
    ),
    ({"check": "expression", "sql": "nothing > 0", "indicator": "040202"}, "bad_expression"),
    (
        {"check": "refers", "column": "street", "reference": "streets", "indicator": "040204"},
        (7, 1),
    ),
    (
        {
            "check": "refers",
            "columns": ["street", "head"],
            "reference": "streets",
            "indicator": "040204",
        },
        (7, 3),
    ),
    (
        {
            "check": "refers",
            "columns": ["area_code"],
            "reference_columns": ["code"],
            "reference": "areas",
            "indicator": "040204",
        },
        (7, 2),
    ),
    (
        {"check": "refers", "columns": ["area_code"], "reference": "areas", "indicator": "040204"},
        "reference_column",
    ),
    (
        {
            "check": "agrees",
            "columns": ["street"],
            "values": ["head"],
            "reference": "streets",
            "indicator": "030600",
        },
        (6, 2),
    ),
    (
        {
            "check": "agrees",
            "columns": ["street"],
            "values": ["head"],
            "missing": "fail",
            "reference": "streets",
            "indicator": "030600",
        },
        (7, 3),
    ),
    (
        {"check": "covers", "columns": ["street"], "reference": "streets", "indicator": "020200"},
        (4, 1),
    ),
    ({"check": "row_count", "expected": 10, "indicator": "020200"}, (10, 2)),
    ({"check": "row_count", "expected": 5, "indicator": "020200"}, (5, 0)),
    ({"check": "metadata", "indicator": "040300"}, (4, 2)),
]


def _columns(rule: dict[str, Any]) -> dict[str, Any]:
    """Rules about references have no short form for one column."""
    if rule["check"] != "refers" or "column" not in rule:
        return rule
    return {"columns": [rule["column"]], **{k: v for k, v in rule.items() if k != "column"}}


RULES = RuleSet.model_validate(
    {
        "key": ["id"],
        "references": {"streets": {}, "areas": {}, "unread": {}},
        "rules": [
            {"id": f"r{place:02}-{rule['check']}", **_columns(rule)}
            for place, (rule, _) in enumerate(_RULES)
        ],
    }
)
EXPECTED: dict[str, tuple[int, int] | str] = {
    rule.id: expected for rule, (_, expected) in zip(RULES.rules, _RULES, strict=True)
}
"""By rule: elements evaluated and failing, or the reason why there are none."""

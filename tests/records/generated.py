"""Tables with everything in them that encodings get wrong."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pyarrow as pa
from hypothesis import strategies as st

from ledger.records.schema import Column, RecordSchema
from tests.records.rows import in_utc

BEIJING = 480
SCHEMA = RecordSchema(
    (
        Column("no", "integer"),
        Column("text", "string"),
        Column("whole", "integer"),
        Column("money", "decimal", 2),
        Column("fine", "decimal", 10),
        Column("units", "decimal", 0),
        Column("measured", "float", 2),
        Column("counted", "float", 0),
        Column("flag", "boolean"),
        Column("day", "date"),
        Column("moment", "timestamp"),
        Column("clock", "timestamp", offset=BEIJING),
        Column("bytes", "binary"),
    ),
    ("no", "text"),
)
ARROW = pa.schema(
    [
        ("no", pa.int64()),
        ("text", pa.string()),
        ("whole", pa.int64()),
        ("money", pa.decimal128(18, 2)),
        ("fine", pa.decimal128(38, 10)),
        ("units", pa.decimal128(20, 0)),
        ("measured", pa.float64()),
        ("counted", pa.float64()),
        ("flag", pa.bool_()),
        ("day", pa.date32()),
        ("moment", pa.timestamp("us", "UTC")),
        ("clock", pa.timestamp("us")),
        ("bytes", pa.binary()),
    ]
)
LIMITS = [0, 1, -1, 2**63 - 1, -(2**63), 2**53, -(2**53) - 1, 10**18]
TEXTS = [
    "", "-,", "5:abc,", "0:,", "a\nb\r\n", "ASCII only", "居民用水户，一号。", "“引号”—破折号…",
    "e\u0301", "é", "\u1112\u1161\u11ab", "한", "\u0928\u093c", "ا\u0653", "\u2126", "\u212b", "ﬁ",
    "\u0344", "q\u0323\u0307", "q\u0307\u0323", "👩‍👩‍👧‍👦", "🇨🇳", "𠮷野家", "\ufeffbom", "\u3099か", "か\u3099",
    "﨑", "\U0001d15e", "Ｆｕｌｌ", "\u200d", "'; DROP TABLE rows; --", "\\", "\t", "\u0301",
    "a" * 63, "b" * 64, "居" * 21 + "cd", "e\u0301" * 33,
]  # fmt: skip


def _decimals(digits: int, scale: int) -> st.SearchStrategy[Decimal]:
    most = 10**digits - 1
    whole = st.integers(-most, most) | st.sampled_from([0, most, -most, 10**scale, -5, 100])
    # Arithmetic would round to 28 digits; text does not.
    return whole.map(lambda number: Decimal(f"{number}E-{scale}"))


def _floats(scale: int) -> st.SearchStrategy[float]:
    most = (10**15 - 1) / 10**scale
    halves = st.integers(-(10**6), 10**6).map(lambda number: (number + 0.5) / 10**scale)
    return st.floats(-most, most).filter(lambda x: abs(x * 10**scale) < 10**15 - 1) | halves


_ZONES = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
_FIRST, _LAST = datetime(1, 1, 2), datetime(9999, 12, 30)  # noqa: DTZ001 - a zone is added
TEXT = (
    st.sampled_from(TEXTS)
    | st.text(st.characters(exclude_categories=("Cs", "Cn"), exclude_characters="\0"), max_size=12)
    | st.lists(st.sampled_from(TEXTS), max_size=3).map("".join)
)
_VALUES: dict[str, st.SearchStrategy[Any]] = {
    "text": TEXT,
    "whole": st.sampled_from(LIMITS) | st.integers(-(2**63), 2**63 - 1),
    "money": _decimals(18, 2),
    "fine": _decimals(38, 10),
    "units": _decimals(20, 0),
    "measured": _floats(2),
    "counted": _floats(0),
    "flag": st.booleans(),
    "day": st.dates() | st.sampled_from([date(1, 1, 1), date(9999, 12, 31), date(1582, 10, 10)]),
    "moment": st.datetimes(_FIRST, _LAST, timezones=_ZONES)
    | st.datetimes(datetime(2020, 1, 1), datetime(2027, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
    "clock": st.datetimes(_FIRST, _LAST),
    "bytes": st.binary(max_size=9),
}


@st.composite
def tables(draw: st.DrawFn, *, least: int = 1, most: int = 20) -> list[dict[str, Any]]:
    """Rows of :data:`SCHEMA`; ``no`` counts them, so that keys differ, and everything else may be NULL."""
    count = draw(st.integers(least, most))
    return [
        {"no": number, "text": draw(_VALUES["text"])}
        | {name: draw(st.none() | of) for name, of in _VALUES.items() if name != "text"}
        for number in range(count)
    ]


def specimens() -> list[dict[str, Any]]:
    """A table in which every awkward value stands at least once; the same in every run."""
    columns: dict[str, list[Any]] = {
        "text": TEXTS,
        "whole": [*LIMITS, None],
        "money": [Decimal(text) for text in ("0", "-0.01", "1.10", "100", "9999999999999999.99")],
        "fine": [Decimal(text) for text in ("1E-10", "-0.5", f"{10**28 - 1}.9999999999", "20")],
        "units": [Decimal(text) for text in ("0", "100", "-99999999999999999990")],
        "measured": [0.0, -0.0, 0.005, 0.015, 1.005, -2.675, 1e12, 123456.785, -0.004, None],
        "counted": [0.5, 1.5, -2.5, 999999999999998.0, None],
        "flag": [True, False, None],
        "day": [date(1, 1, 1), date(1582, 10, 10), date(2024, 2, 29), date(9999, 12, 31), None],
        "moment": [
            datetime(1, 1, 2, tzinfo=UTC),
            datetime(1900, 1, 1, 0, 0, 0, 1, timezone(timedelta(hours=8))),
            datetime(2026, 1, 1, 7, 59, 59, 999999, timezone(timedelta(hours=8))),
            datetime(9999, 12, 30, 23, 0, tzinfo=timezone(timedelta(hours=-5))),
            None,
        ],
        "clock": [datetime(1, 1, 2), datetime(2026, 1, 1, 7), datetime(9999, 12, 30), None],  # noqa: DTZ001
        "bytes": [b"", b"\0", b"\xff\x00\x7f", "居".encode(), None],
    }
    return [
        {"no": 1000 + number}
        | {name: values[number % len(values)] for name, values in columns.items()}
        for number in range(2 * len(TEXTS) + 3)
    ]


def arrow_table(rows: list[dict[str, Any]]) -> pa.Table:
    """The rows in Arrow, as a Parquet file or a database holds them."""
    return pa.Table.from_pylist([in_utc(row) for row in rows], schema=ARROW)

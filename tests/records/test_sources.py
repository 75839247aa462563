"""The same rows have the same root, wherever they lie; what cannot be read is refused by name."""

from __future__ import annotations

import sqlite3
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import psycopg
import pyarrow as pa
import pytest
from openpyxl import Workbook

from ledger.records.commitment import commit
from ledger.records.locations import locate
from ledger.records.schema import Column, RecordSchema, schema_of
from ledger.records.sources import open_source
from tests.records.rows import SECRET, parquet, plain_root

BEIJING = timezone(timedelta(hours=8))
SCHEMA = RecordSchema(
    (
        Column("code", "string"),
        Column("name", "string"),
        Column("paid", "decimal", 2),
        Column("households", "integer"),
        Column("active", "boolean"),
        Column("since", "date"),
        Column("updated", "timestamp"),
    ),
    ("code",),
)
ROWS: list[dict[str, Any]] = [
    {
        "code": f"{n:05}",
        "name": ["水厂，一\n号", 'say "é"', "e\u0301 🎉", None, ""][n % 5],
        "paid": None if n % 7 == 0 else Decimal(n * 25 - 300).scaleb(-2),
        "households": None if n % 11 == 0 else n - 20,
        "active": [True, False, None][n % 3],
        "since": None if n % 13 == 0 else date(2020, 2, 29) + timedelta(days=n),
        "updated": None if n % 17 == 0 else datetime(2026, 1, 1, 8, n, 5, n, BEIJING),
    }
    for n in range(60)
]
ARROW = pa.schema(
    [
        ("code", pa.string()),
        ("name", pa.string()),
        ("paid", pa.decimal128(12, 2)),
        ("households", pa.int64()),
        ("active", pa.bool_()),
        ("since", pa.date32()),
        ("updated", pa.timestamp("us", "UTC")),
    ]
)


def naive(moment: datetime | None) -> datetime | None:
    """The time as clocks in Beijing show it, without saying so."""
    return moment and moment.replace(tzinfo=None)


def as_in_a_book(row: dict[str, Any]) -> dict[str, Any]:
    moment = row["updated"]
    return row | {
        "name": row["name"] or None,
        "updated": moment and moment.replace(microsecond=round(moment.microsecond, -3)),
    }


def csv_text() -> str:
    def cell(value: object) -> str:
        if value is None:
            return ""
        if isinstance(value, bool):
            return "true" if value else "false"
        if isinstance(value, str):
            return '"' + value.replace('"', '""') + '"'
        return str(value)

    lines = [",".join(ROWS[0])]
    lines += [",".join(cell(value) for value in row.values()) for row in ROWS]
    return "\n".join(lines) + "\n"


@pytest.fixture
def places(tmp_path: Path, postgresql_url: str) -> dict[str, tuple[str, bool]]:
    """Name -> (source, whether its times are without a zone)."""
    parquet(tmp_path / "p.parquet", ROWS, ARROW)
    (tmp_path / "p.csv").write_text(csv_text(), "utf-8")
    (tmp_path / "gb.csv").write_text(csv_text(), "gb18030")
    with duckdb.connect(str(tmp_path / "d.duckdb")) as con:
        con.execute("SET TimeZone = 'UTC'")
        con.execute(f"CREATE TABLE 用水户 AS SELECT * FROM '{tmp_path / 'p.parquet'}'")  # noqa: S608
    with sqlite3.connect(tmp_path / "s.db") as lite:
        lite.execute(
            "CREATE TABLE people (code TEXT, name TEXT, paid DECIMAL(12,2), households INTEGER,"
            " active BOOLEAN, since DATE, updated TIMESTAMP)"
        )
        lite.executemany(
            "INSERT INTO people VALUES (?, ?, ?, ?, ?, ?, ?)",
            [
                (
                    row["code"], row["name"], row["paid"] if row["paid"] is None else str(row["paid"]),
                    row["households"], row["active"], row["since"] and row["since"].isoformat(),
                    row["updated"] and row["updated"].isoformat(" "),
                )
                for row in ROWS
            ],
        )  # fmt: skip
    lite.close()
    with psycopg.connect(postgresql_url) as pg:
        pg.execute(
            "CREATE TABLE people (code varchar(9), name text, paid numeric(12,2), households bigint,"
            " active boolean, since date, updated timestamptz)"
        )
        with pg.cursor() as cursor:
            cursor.executemany(
                "INSERT INTO people VALUES (%s, %s, %s, %s, %s, %s, %s)",
                [tuple(row.values()) for row in ROWS],
            )
    book = Workbook()
    book.active.append(["nothing"])
    sheet = book.create_sheet("用水户")
    sheet.append(list(ROWS[0]))
    for row in ROWS:
        values = {**row, "updated": naive(row["updated"])}
        values["name"] = values["name"] or None
        sheet.append(list(values.values()))
    book.save(tmp_path / "x.xlsx")
    return {
        "parquet": (f"{tmp_path}/p.parquet", False),
        "csv": (f"{tmp_path}/p.csv", False),
        "gb18030": (f"{tmp_path}/gb.csv?encoding=gb18030", False),
        "duckdb": (f"duckdb:///{tmp_path}/d.duckdb#用水户", False),
        "duckdb query": (f"duckdb:///{tmp_path}/d.duckdb?query=SELECT * FROM 用水户", False),  # noqa: S608
        "sqlite": (f"sqlite:///{tmp_path}/s.db#people", False),
        "sqlite query": (f"sqlite:///{tmp_path}/s.db?query=SELECT * FROM people", False),  # noqa: S608
        "postgresql": (f"{postgresql_url}#people", False),
        "postgresql schema": (f"{postgresql_url}#public.people", False),
        "postgresql query": (f"{postgresql_url}?query=SELECT * FROM people", False),  # noqa: S608
        "xlsx": (f"{tmp_path}/x.xlsx#用水户", True),
    }


@pytest.mark.parametrize("ignored", ["", "1"], ids=["", "a process with pandas on Spark"])
def test_the_same_rows_have_the_same_root_wherever_they_lie(
    places: dict[str, tuple[str, bool]], ignored: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYARROW_IGNORE_TIMEZONE", ignored)
    root = plain_root(SCHEMA, ROWS, SECRET)
    # A spreadsheet cannot tell empty text from nothing, and its times have milliseconds.
    in_a_book = plain_root(SCHEMA, [as_in_a_book(row) for row in ROWS], SECRET)
    for name, (text, local) in places.items():
        with open_source(text, SCHEMA) as source:
            schema = SCHEMA.at_offset("+08:00" if local else None)
            found = commit(source, schema, SECRET)
            assert found.rows == 60
            assert found.root == (root if name != "xlsx" else in_a_book), name
            assert found.schema_digest == SCHEMA.digest()
            assert "password" not in str(source.describe())


def test_postgresql_is_read_as_it_was_when_it_was_opened(postgresql_url: str) -> None:
    with psycopg.connect(postgresql_url, autocommit=True) as server:
        server.execute("CREATE TABLE t AS SELECT n AS id FROM generate_series(1, 100) AS n")
        with open_source(f"{postgresql_url}#t") as source:
            assert source.rows(source.table.count()) == [{"CountStar(t)": 100}]
            server.execute("DELETE FROM t WHERE id > 50")
            found = commit(source, schema_of(source.table, ["id"]), SECRET)
        assert found.rows == 100
        with open_source(f"{postgresql_url}#t") as source, pytest.raises(psycopg.Error):
            source.con.con.execute("DELETE FROM t")


def test_a_source_is_named_without_credentials_and_never_as_another() -> None:
    server = "postgresql://me:secret@host:5432/db?sslmode=disable&password=secret"
    labels = [locate(f"{server}{rest}").label for rest in ("#a", "#b", "&query=SELECT 1")]
    assert labels == [
        "postgresql://host:5432/db?sslmode=disable#a",
        "postgresql://host:5432/db?sslmode=disable#b",
        "postgresql://host:5432/db?sslmode=disable?query=SELECT 1",
    ]
    assert locate(f"{server}#a").text == server

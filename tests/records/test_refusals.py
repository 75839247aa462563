"""What cannot be read or encoded faithfully is refused by name: what, where, and what to do, in two languages."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from openpyxl import Workbook

from ledger.records.commitment import commit
from ledger.records.problems import (
    FloatWithoutScale,
    RecordsError,
    SchemaChanged,
    SourceError,
    TimeZoneDrift,
    TypesChanged,
    UnsupportedType,
)
from ledger.records.schema import Column, RecordSchema, schema_of
from ledger.records.sources import open_source
from tests.records.rows import SECRET

BY_SCHEMA = RecordSchema(
    (
        Column("id", "integer"),
        Column("n", "decimal", 2),
        Column("at", "timestamp"),
        Column("day", "date"),
    ),
    ("id",),
)
GOOD = "id,n,at,day\n1,2.50,2026-01-01T08:00:00+08:00,2026-01-01\n"


def refused(act: Callable[[], object], kind: type[RecordsError], *told: str) -> RecordsError:
    """That ``act`` is refused in this way, in both languages and with a way out."""
    with pytest.raises(kind) as caught:
        act()
    error = caught.value
    assert type(error) is kind
    for word in told:
        assert word in str(error)
    assert error.hint
    assert error.hint_zh
    assert any("\u4e00" <= letter <= "\u9fff" for letter in error.zh)
    return error


def opening(text: str, schema: RecordSchema | None = None) -> Callable[[], object]:
    def act() -> None:
        with open_source(text, schema):
            pass

    return act


def written(path: Path, text: str, encoding: str = "utf-8") -> str:
    path.write_text(text, encoding)
    return str(path)


def types_in(text: str, schema: RecordSchema | None = None) -> dict[str, str]:
    with open_source(text, schema) as source:
        return {name: str(kind) for name, kind in source.table.schema().items()}


def rows_in(text: str, schema: RecordSchema | None = None) -> list[dict[str, Any]]:
    with open_source(text, schema) as source:
        return source.rows(source.table)


def table(tmp_path: Path, **columns: pa.Array) -> str:
    """A Parquet file of these columns, with a key ``id``."""
    count = len(next(iter(columns.values())))
    whole = pa.table({"id": pa.array(range(count), pa.int64()), **columns})
    pq.write_table(whole, tmp_path / "t.parquet")
    return str(tmp_path / "t.parquet")


# Names of sources


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("nothing.csv", "no such file"),
        ("nothing.docx", ".docx"),
        ("nothing", "without an ending"),
        ("mysql://root:secret@host/db#t", "mysql://"),
        ("duckdb:///nothing.duckdb#t", "no such file"),
        ("postgresql://me:secret@127.0.0.1:1/db", "one table or one query"),
        ("postgresql://me:secret@127.0.0.1:1/db#t", "127.0.0.1"),
    ],
)
def test_a_name_that_means_nothing_is_refused_and_no_password_is_told(text: str, told: str) -> None:
    error = refused(opening(text), SourceError, told)
    assert "secret" not in str(error) + error.zh + error.hint


def test_a_table_or_query_that_is_not_there_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "d.duckdb"
    duckdb.connect(str(file)).close()
    refused(opening(f"duckdb:///{file}#people"), SourceError, "people")
    refused(opening(f"duckdb:///{file}?query=SELECT * FROM people"), SourceError, "people")  # noqa: S608
    lite = tmp_path / "s.db"
    sqlite3.connect(lite).close()
    refused(opening(f"sqlite:///{lite}#people"), SourceError, "people")
    refused(opening(f"sqlite:///{lite}?query=SELECT * FROM people"), SourceError, "people")  # noqa: S608


def test_a_source_cannot_be_written_to(tmp_path: Path) -> None:
    file = tmp_path / "d.duckdb"
    with duckdb.connect(str(file)) as con:
        con.execute("CREATE TABLE t AS SELECT 1 AS id")
    with (
        open_source(f"duckdb:///{file}#t") as source,
        pytest.raises(duckdb.Error, match="read-only"),
    ):
        source.con.con.execute("DELETE FROM source.t")


def test_what_is_no_file_of_its_kind_is_refused(tmp_path: Path) -> None:
    for name in ("x.parquet", "x.xlsx"):
        refused(opening(written(tmp_path / name, "not at all")), SourceError, name)
    refused(opening(f"sqlite:///{written(tmp_path / 'x.db', 'not at all')}#t"), SourceError, "x.db")
    refused(opening(f"duckdb:///{written(tmp_path / 'x.ddb', 'no')}#t"), SourceError, "x.ddb")


# CSV


def test_a_csv_column_is_typed_only_if_every_value_has_the_plain_form(tmp_path: Path) -> None:
    file = written(
        tmp_path / "t.csv",
        "code,plain,long,id_card,money,exp,flag,day,clock,moment,odd_day,none,quoted\n"
        "007,7,12345678901234567890,310101199001011234,1.50,1e5,true,2026-01-31,"
        '2026-01-31 08:00:00,2026-01-31T08:00:00Z,2026-1-5,,""\n'
        "012,-12,1,31010119900101123X,2,2,false,2024-02-29,"
        "2026-01-31 08:00:00.5,2026-01-31 08:00:00+08,2026-01-05,,a\n",
    )
    assert types_in(file) == {
        "code": "string", "plain": "int64", "long": "string", "id_card": "string", "money": "float64", "exp": "string",
        "flag": "boolean", "day": "date", "clock": "timestamp(6)", "moment": "timestamp('UTC', 6)",
        "odd_day": "string", "none": "string", "quoted": "string",
    }  # fmt: skip
    first, second = rows_in(file)
    assert (first["code"], first["none"], first["quoted"]) == ("007", None, "")
    assert second["moment"] == datetime(2026, 1, 31, tzinfo=UTC)


def test_a_late_value_changes_the_type_of_its_column(tmp_path: Path) -> None:
    lines = ["id,code", *(f"{n},{n}" for n in range(30_000)), "30000,007"]
    assert types_in(written(tmp_path / "t.csv", "\n".join(lines)))["code"] == "string"


def test_a_csv_file_is_read_by_the_schema_where_there_is_one(tmp_path: Path) -> None:
    (row,) = rows_in(written(tmp_path / "t.csv", GOOD), BY_SCHEMA)
    assert row == {
        "id": 1,
        "n": Decimal("2.50"),
        "at": datetime(2026, 1, 1, tzinfo=UTC),
        "day": date(2026, 1, 1),
    }


@pytest.mark.parametrize(
    ("line", "kind", "told"),
    [
        ("x,2.50,2026-01-01 08:00:00Z,2026-01-01", TypesChanged, "id: 1"),
        ("2,2.505,2026-01-01 08:00:00Z,2026-01-01", TypesChanged, "n: 1"),
        ("2,2.5,2026-01-01 08:00:00Z,2026-02-30", TypesChanged, "day: 1"),
        ("2,2.5,yesterday,2026-01-01", TypesChanged, "at: 1"),
        ("2,2.5,2026-01-01 08:00:00,2026-01-01", TimeZoneDrift, "at"),
        ("2,2.5", SourceError, "t.csv"),
    ],
)
def test_a_csv_file_that_departs_from_the_schema_is_refused(
    tmp_path: Path, line: str, kind: type[RecordsError], told: str
) -> None:
    file = written(tmp_path / "t.csv", GOOD + line + "\n")
    error = refused(lambda: rows_in(file, BY_SCHEMA), kind, told)
    assert "yesterday" not in str(error)


def test_csv_files_without_names_or_in_another_encoding_are_refused(tmp_path: Path) -> None:
    refused(opening(written(tmp_path / "n.csv", "1,2\n3,4\n")), SourceError, "first line")
    refused(opening(written(tmp_path / "d.csv", "a,a\n3,4\n")), SourceError, "first line")
    gb = written(tmp_path / "gb.csv", "代码,名称\n1,居民\n2,用水户\n", "gb18030")
    refused(lambda: rows_in(gb), SourceError, "gb.csv")
    assert rows_in(f"{gb}?encoding=gb18030")[0] == {"代码": 1, "名称": "居民"}
    utf = written(tmp_path / "u.csv", "代码,名称\n1,居民é\n")
    refused(opening(f"{utf}?encoding=latin1"), SourceError, "latin1")
    refused(opening(f"{utf}?sheet=1"), SourceError, "sheet")


# Spreadsheets and SQLite


def book(path: Path, *rows: tuple[object, ...]) -> str:
    made = Workbook()
    for row in rows:
        made.active.append(row)
    made.save(path)
    return str(path)


def test_a_spreadsheet_is_typed_by_all_its_values(tmp_path: Path) -> None:
    clock = datetime(2026, 1, 1, 8, 30)  # noqa: DTZ001 - as a spreadsheet has it
    file = book(
        tmp_path / "b.xlsx",
        ("id", "name", "area", "day", "clock", "flag", "nothing"),
        (1, "甲", 2, datetime(2026, 1, 1), clock, True, None),  # noqa: DTZ001
        (None, None, None, None, None, None, None),
        (2, None, 2.5, None, None, False, None),
    )
    assert list(types_in(file).values()) == [
        "int64", "string", "float64", "date", "timestamp(6)", "boolean", "string",
    ]  # fmt: skip
    first, second = rows_in(file)
    assert (first["day"], first["clock"], second["area"]) == (date(2026, 1, 1), clock, 2.5)


def test_spreadsheets_that_leave_doubt_are_refused(tmp_path: Path) -> None:
    mixed = book(tmp_path / "m.xlsx", ("id", "area"), (1, 2), (2, "两亩"))
    refused(opening(mixed), UnsupportedType, "area", "row 2", "row 3")
    refused(opening(f"{mixed}#居民"), SourceError, "居民")
    refused(opening(book(tmp_path / "d.xlsx", ("id", "id"), (1, 2))), SourceError, "first row")
    refused(opening(book(tmp_path / "e.xlsx", (None, "id"), (1, 2))), SourceError, "first row")
    by_schema = RecordSchema((Column("id", "integer"), Column("area", "integer")), ("id",))
    refused(opening(mixed, by_schema), TypesChanged, "row 3", "area")


def test_sqlite_values_that_are_not_of_the_declared_type_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "s.db"
    with sqlite3.connect(file) as con:
        con.execute("CREATE TABLE t (id INTEGER, n DECIMAL(8,2), day DATE, at TIMESTAMP, any)")
        con.execute("INSERT INTO t VALUES (1, 2.5, '2026-01-01', '2026-01-01 08:00:00', 1)")
    assert [*types_in(f"sqlite:///{file}#t").values()] == [
        "int64", "decimal(38, 2)", "date", "timestamp(6)", "int64",
    ]  # fmt: skip
    for values, told in (
        ("'x', 1, NULL, NULL, 1", "id"),
        ("2, 1.005, NULL, NULL, 1", "n"),
        ("2, 1, '2026-13-01', NULL, 1", "day"),
    ):
        con.execute(f"INSERT INTO t VALUES ({values})")  # noqa: S608
        con.commit()
        refused(opening(f"sqlite:///{file}#t"), TypesChanged, told, "row 2")
        con.execute("DELETE FROM t WHERE rowid = (SELECT max(rowid) FROM t)")
        con.commit()
    con.execute("INSERT INTO t VALUES (2, 1, NULL, '2026-01-01T08:00:00+08:00', 1)")
    con.commit()
    refused(opening(f"sqlite:///{file}#t"), TimeZoneDrift, "row 2", "row 1")
    con.execute("UPDATE t SET at = NULL, any = 'x' WHERE id = 2")
    con.commit()
    refused(opening(f"sqlite:///{file}#t"), UnsupportedType, "any", "row 2")
    con.close()


# Types and schemas


def schema_in(text: str, **how: Any) -> RecordSchema:
    with open_source(text) as source:
        return schema_of(source.table, ["id"], **how)


def test_floats_times_and_types_without_a_form_are_refused_column_by_column(
    tmp_path: Path,
) -> None:
    floats = table(tmp_path, a=pa.array([1.5]), b=pa.array([2.5]))
    refused(lambda: schema_in(floats), FloatWithoutScale, "a, b")
    refused(lambda: schema_in(floats, scales={"a": 1}), FloatWithoutScale, "b")
    refused(lambda: schema_in(floats, scales={"a": 1, "b": 1, "c": 1}), SchemaChanged, "c")
    refused(lambda: schema_in(floats, scales={"a": 16, "b": 1}), UnsupportedType, "a")
    clock = table(tmp_path, at=pa.array([datetime(2026, 1, 1)], pa.timestamp("us")))  # noqa: DTZ001
    refused(lambda: schema_in(clock), TimeZoneDrift, "at")
    refused(lambda: schema_in(clock, offset="Beijing"), TimeZoneDrift, "Beijing")
    odd = table(tmp_path, tags=pa.array([["a"]]), at=pa.array([1], pa.time64("us")))
    refused(lambda: schema_in(odd), UnsupportedType, "tags", "at")


def test_changed_columns_types_and_zones_are_told_apart(tmp_path: Path) -> None:
    moment = pa.array([datetime(2026, 1, 1, tzinfo=UTC)], pa.timestamp("us", "UTC"))
    first = schema_in(table(tmp_path, n=pa.array([1]), at=moment))

    def committed(**columns: pa.Array) -> Callable[[], object]:
        file = table(tmp_path, **columns)

        def act(schema: RecordSchema = first) -> None:
            with open_source(file) as source:
                commit(source, schema, SECRET)

        return act

    committed(at=moment, n=pa.array([1]))()  # another order of columns is no change
    refused(committed(at=moment), SchemaChanged, "n")
    refused(committed(at=moment, n=pa.array([1]), extra=pa.array([1])), SchemaChanged, "extra")
    refused(committed(at=moment, n=pa.array(["1"])), TypesChanged, "n (schema: integer")
    refused(committed(at=moment.cast(pa.timestamp("us")), n=pa.array([1])), TimeZoneDrift, "at")
    zoned = committed(at=moment, n=pa.array([1]))
    refused(lambda: zoned(first.at_offset("+08:00")), TimeZoneDrift, "at")


@pytest.mark.parametrize(
    ("column", "told"),
    [
        (pa.array([float("nan")]), "not a number"),
        (pa.array([float("inf")]), "infinite"),
        (pa.array([1e15]), "15 digits"),
        (pa.array([1], pa.timestamp("ns", "UTC")), "finer than a microsecond"),
        (pa.array([1], pa.timestamp("ns")), "finer"),
        (pa.array([10_000 * 366], pa.date32()), "years 1 to 9999"),
    ],
)
def test_values_without_a_form_are_counted_and_refused(
    tmp_path: Path, column: pa.Array, told: str
) -> None:
    file = table(tmp_path, x=column)
    scales = {"x": 0} if column.type == pa.float64() else None

    def act() -> None:
        with open_source(file) as source:
            schema = schema_of(source.table, ["id"], scales, "+00:00" if told == "finer" else None)
            commit(source, schema, SECRET)

    refused(act, UnsupportedType, told, "x", "1 ")


def test_a_key_that_is_made_of_no_columns_is_refused(tmp_path: Path) -> None:
    file = table(tmp_path, a=pa.array([1]))

    def keyed(*key: str) -> Callable[[], object]:
        def act() -> None:
            with open_source(file) as source:
                schema_of(source.table, key)

        return act

    for key in ((), ("b",), ("a", "a")):
        refused(keyed(*key), SchemaChanged, "key")
    refused(lambda: RecordSchema.from_document({"columns": []}), SchemaChanged, "no schema")
    other = BY_SCHEMA.document() | {"encoding": "govledger-rows/2"}
    refused(lambda: RecordSchema.from_document(other), SchemaChanged, "govledger-rows/2")

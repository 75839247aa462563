"""The encoding in plain Python and in SQL is one and the same, on every engine."""

from __future__ import annotations

import os
import shutil
import warnings
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import ibis
import psycopg
import pyarrow.parquet as pq
import pytest
from hypothesis import Phase, example, given, settings

from ledger.records import expressions
from ledger.records.dialects import prepare_spark
from ledger.records.encoding import (
    decode_fields,
    encode_key,
    encode_row,
    key_from_texts,
    leaf,
    place,
    texts_of,
)
from ledger.records.schema import RecordSchema, conform
from ledger.records.sources import open_source
from tests.records.generated import ARROW, SCHEMA, arrow_table, specimens, tables
from tests.records.rows import SECRET

Rows = list[dict[str, Any]]
Said = list[dict[str, str]]


def check(rows: Rows, encoded: Said, leaves: Said) -> None:
    """What an engine says is what plain Python says; rows may come in any order."""
    digest = SCHEMA.digest()
    wanted = {encode_key(SCHEMA, row).decode(): encode_row(SCHEMA, row).decode() for row in rows}
    assert {one["key"]: one["row"] for one in encoded} == wanted
    hashes = {
        f"{place(encode_key(SCHEMA, row)):016x}": leaf(SECRET, digest, SCHEMA, row).hex()
        for row in rows
    }
    assert {one["place"]: one["leaf"] for one in leaves} == hashes
    assert len(encoded) == len(leaves) == len(rows)


@pytest.fixture(scope="module")
def duckdb_says() -> Iterator[Callable[[Rows], tuple[Said, Said]]]:
    con = ibis.duckdb.connect(threads=1)
    con.con.execute("SET TimeZone = 'UTC'")

    def say(rows: Rows) -> tuple[Said, Said]:
        con.con.register("rows", arrow_table(rows))
        table = con.table("rows")
        schema = conform(table, SCHEMA)
        return tuple(
            con.con.sql(str(con.compile(asked))).to_arrow_table().to_pylist()
            for asked in (
                expressions.encoded(table, schema),
                expressions.leaves(table, schema, SECRET),
            )
        )

    yield say
    con.disconnect()


@settings(max_examples=20)
@given(rows=tables())
@example(rows=specimens())
def test_duckdb_encodes_as_python_does(
    duckdb_says: Callable[[Rows], tuple[Said, Said]], rows: Rows
) -> None:
    check(rows, *duckdb_says(rows))


@pytest.mark.parametrize(
    "key", [("no",), ("text", "day"), ("no", "whole"), ("bytes",), SCHEMA.names], ids=" ".join
)
def test_any_columns_may_be_the_key(key: tuple[str, ...]) -> None:
    rows, schema = specimens(), replace(SCHEMA, key=key)
    con = ibis.duckdb.connect(threads=1)
    con.con.execute("SET TimeZone = 'UTC'")
    con.con.register("rows", arrow_table(rows))
    asked = expressions.encoded(con.table("rows"), conform(con.table("rows"), schema))
    found = con.con.sql(str(con.compile(asked))).fetchall()
    con.disconnect()
    assert sorted(found) == sorted(
        (encode_key(schema, row).decode(), encode_row(schema, row).decode()) for row in rows
    )


def test_postgresql_encodes_as_python_does(postgresql_url: str) -> None:
    types = {
        "no": "bigint", "text": "text", "whole": "bigint", "money": "numeric(18,2)",
        "fine": "numeric", "units": "numeric(20,0)", "measured": "double precision",
        "counted": "double precision", "flag": "boolean", "day": "date", "moment": "timestamptz",
        "clock": "timestamp", "bytes": "bytea",
    }  # fmt: skip
    assert list(types) == ARROW.names
    columns = ", ".join(f"{name} {kind}" for name, kind in types.items())

    @settings(max_examples=4, phases=[Phase.explicit, Phase.generate])
    @given(rows=tables(least=30, most=60))
    @example(rows=specimens())
    def agree(rows: Rows) -> None:
        with psycopg.connect(postgresql_url, autocommit=True) as server:
            server.execute(f"DROP TABLE IF EXISTS rows; CREATE TABLE rows ({columns})")
            with server.cursor() as cursor:
                cursor.executemany(
                    f"INSERT INTO rows VALUES ({', '.join(['%s'] * len(types))})",  # noqa: S608
                    [tuple(row.values()) for row in rows],
                )
        with open_source(f"{postgresql_url}#rows") as source:
            schema = conform(source.table, SCHEMA)
            check(
                rows,
                source.rows(expressions.encoded(source.table, schema)),
                source.rows(expressions.leaves(source.table, schema, SECRET)),
            )

    agree()


@pytest.fixture(scope="session")
def spark() -> Iterator[Any]:
    """A Spark session on one core; skipped where Spark or Java is not here."""
    pyspark = pytest.importorskip("pyspark.sql", reason="the extra `spark` is not installed")
    if not (os.environ.get("JAVA_HOME") or shutil.which("java")):
        pytest.skip("Spark needs Java, and there is none here")
    builder = pyspark.SparkSession.builder.master("local[1]").appName("govledger-tests")
    for name, value in {
        "spark.ui.enabled": "false",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.host": "127.0.0.1",
        "spark.sql.shuffle.partitions": "1",
        "spark.driver.memory": "512m",
        # Nothing here runs for long enough to be compiled twice.
        "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
    }.items():
        builder = builder.config(name, value)
    with warnings.catch_warnings():
        # Of pandas' version, which nothing here uses, and of what closing leaves to the collector.
        warnings.simplefilter("ignore")
        session = builder.getOrCreate()
        session.sparkContext.setLogLevel("ERROR")
        prepare_spark(session)
        yield session
        session.stop()


def test_spark_encodes_as_python_does(spark: Any, tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        con = ibis.pyspark.connect(spark)
    # Ibis sees both of Spark's types of time alike; the session's zone is UTC.
    schema = RecordSchema(
        tuple(
            replace(column, offset=column.offset or 0) if column.type == "timestamp" else column
            for column in SCHEMA.columns
        ),
        SCHEMA.key,
    )

    @settings(max_examples=2, phases=[Phase.generate])
    @given(drawn=tables(least=60, most=80))
    def agree(drawn: Rows) -> None:
        rows = specimens() + drawn
        pq.write_table(arrow_table(rows), tmp_path / "rows.parquet")
        spark.read.parquet(str(tmp_path / "rows.parquet")).createOrReplaceTempView("rows")
        table = con.table("rows")
        said = [
            [row.asDict() for row in spark.sql(str(con.compile(asked))).collect()]
            for asked in (
                expressions.encoded(table, conform(table, schema)),
                expressions.leaves(table, conform(table, schema), SECRET),
            )
        ]
        check(rows, *said)

    agree()


@given(rows=tables(most=3))
def test_an_encoding_can_be_read_back(rows: Rows) -> None:
    for row in rows:
        texts = decode_fields(encode_row(SCHEMA, row))
        assert texts == texts_of(SCHEMA, row)
        assert key_from_texts(SCHEMA, texts) == encode_key(SCHEMA, row)

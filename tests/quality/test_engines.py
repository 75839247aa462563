"""Every predicate counts the same on every engine."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import ibis
import psycopg
import pytest
import sqlalchemy
from pyarrow import parquet

from ledger.quality.ruleset import RuleSet
from ledger.quality.running import Job, run
from ledger.quality.scoring import Outcome, State
from ledger.quality.terms import Terms
from ledger.quality.wholes import Bench
from tests.quality.sample_table import AREAS, DAY, EXPECTED, ITEMS, QUARTER, RULES, STREETS, TABLE


@pytest.fixture(scope="module")
def bench() -> Bench:
    connection = ibis.duckdb.connect()
    references = {
        "areas": connection.create_table("areas", AREAS),
        "streets": connection.create_table("streets", STREETS),
    }
    return Bench(connection, references)


def told(outcome: Outcome) -> tuple[int, int] | str | None:
    if outcome.state is State.ASSESSED:
        return (outcome.evaluated, outcome.failing)
    return outcome.reason


def counted(table: Any, bench: Bench, rules: RuleSet = RULES) -> dict[str, Any]:
    found = run(Job(table, rules, Terms(DAY, QUARTER), bench, ITEMS))
    assert found.rows == 8
    return {outcome.rule: told(outcome) for outcome in found.outcomes}


def test_every_predicate_counts_what_was_planted_in_duckdb(bench: Bench) -> None:
    assert counted(bench.connection.create_table("sample", TABLE), bench) == EXPECTED


def test_every_predicate_counts_the_same_in_postgresql(bench: Bench, postgresql_url: str) -> None:
    connection = ibis.postgres.connect(**_address(postgresql_url))
    try:
        with psycopg.connect(**_address(postgresql_url, database="dbname")) as native:
            columns = ", ".join(
                f'"{name}" {_POSTGRESQL[str(kind)]}'
                for name, kind in zip(TABLE.column_names, TABLE.schema.types, strict=True)
            )
            native.execute(f"CREATE TABLE sample ({columns})")
            marks = ", ".join("%s" for _ in TABLE.column_names)
            with native.cursor() as cursor:
                rows = [tuple(row.values()) for row in TABLE.to_pylist()]
                cursor.executemany(f"INSERT INTO sample VALUES ({marks})", rows)  # noqa: S608
        assert counted(connection.table("sample"), bench) == EXPECTED
    finally:
        connection.disconnect()


@pytest.fixture(scope="module")
def spark() -> Iterator[Any]:
    """A Spark session in this process, which interprets its plans: compiling them takes longer here."""
    sql = pytest.importorskip("pyspark.sql", reason="Spark is not installed: pip install .[spark]")
    settings = {
        "spark.ui.enabled": "false",
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.shuffle.partitions": "1",
        "spark.sql.codegen.wholeStage": "false",
        "spark.sql.codegen.factoryMode": "NO_CODEGEN",
        # Nothing here runs for long enough to be compiled twice.
        "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
    }
    builder = sql.SparkSession.builder.master("local[1]")
    for name, value in settings.items():
        builder = builder.config(name, value)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        session = builder.getOrCreate()
    yield session
    session.stop()


def test_every_predicate_counts_the_same_in_spark(bench: Bench, spark: Any, tmp_path: Path) -> None:
    parquet.write_table(TABLE, tmp_path / "sample.parquet")
    first_of_each = {rule.check: rule for rule in reversed(RULES.rules)}.values()  # type: ignore[attr-defined]
    rules = RULES.model_copy(update={"rules": tuple(reversed(list(first_of_each)))})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        connection = ibis.pyspark.connect(spark)
        found = counted(connection.read_parquet(str(tmp_path / "sample.parquet")), bench, rules)
    assert len(found) > 20
    assert found == {rule: EXPECTED[rule] for rule in found}


_POSTGRESQL = {
    "int64": "bigint",
    "string": "text",
    "double": "double precision",
    "date32[day]": "date",
}


def _address(url: str, database: str = "database") -> dict[str, Any]:
    found = sqlalchemy.make_url(url)
    return {
        "host": found.query.get("host", found.host),
        "port": found.port,
        "user": found.username,
        "password": found.password,
        database: found.database,
    }

"""SQL files and dbt artefacts become events that the API itself would take."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from ledger.lineage.doors.dbt import DbtError, read_dbt
from ledger.lineage.doors.fillings import Options
from ledger.lineage.doors.scripts import Reading, SqlError, read_scripts, read_texts
from ledger.lineage.doors.tracing import Origin
from ledger.lineage.validation import check

NOW = datetime(2026, 5, 1, tzinfo=UTC)
POSTGRES = Options("postgres", "postgres://db:5432", schema="public")


def events(read: Any) -> list[dict[str, Any]]:
    told = read.events(NOW)
    assert [check(event) for event in told] == [[]] * len(told)
    return [json.loads(event) for event in told]


def read(sql: str, **options: Any) -> Reading:
    return read_texts(
        {"etl/load.sql": sql}, Options(**({"dialect": "postgres", "namespace": "db"} | options))
    )


def shown(origins: list[Origin]) -> set[str]:
    return {f"{one.table[2]}.{one.column}:{one.kind[0]}:{one.subtype}" for one in origins}


def only(reading: Reading) -> dict[str, set[str]]:
    """The columns of the one table that is filled; "" is what decides about all."""
    (traced,) = reading.filled.values()
    found = {name: shown(origins) for name, origins in traced.columns.items()}
    return found | ({"": shown(traced.influence)} if traced.influence else {})


def test_views_that_others_wrote_are_traced_to_their_columns(shared_data: Path) -> None:
    place = shared_data / "sql" / "sakila" / "postgres-sakila-schema.sql"
    reading = read_scripts(place, POSTGRES)
    assert len(reading.definitions) == 21
    views = {name[2] for _, name in reading.filled}
    assert views == {
        "actor_info",
        "customer_list",
        "film_list",
        "nicer_but_slower_film_list",
        "sales_by_film_category",
        "sales_by_store",
        "staff_list",
    }
    told = {
        event["job"]["name"].split("#")[-1]: event for event in events(reading) if "job" in event
    }
    film_list = told["public.film_list"]
    assert {one["name"] for one in film_list["inputs"]} == {
        f"public.{name}" for name in ("actor", "category", "film", "film_actor", "film_category")
    }
    fields = film_list["outputs"][0]["facets"]["columnLineage"]["fields"]
    assert fields["price"]["inputFields"][0]["field"] == "rental_rate"
    assert fields["actors"]["inputFields"][0]["transformations"][0]["subtype"] == "AGGREGATION"
    joined = film_list["outputs"][0]["facets"]["columnLineage"]["dataset"]
    assert {"JOIN", "GROUP_BY"} == {
        way["subtype"] for one in joined for way in one["transformations"]
    }
    told_of = {trouble.what.split(" …")[0] for trouble in reading.troubles}
    assert {"CREATE RULE", "CREATE FUNCTION"} <= told_of


def test_the_same_views_one_by_one_and_for_sqlite(shared_data: Path) -> None:
    views = read_scripts(shared_data / "sql" / "sakila" / "views_postgres", POSTGRES)
    assert (len(views.filled), views.troubles) == (7, [])
    sqlite = read_scripts(
        shared_data / "sql" / "sakila" / "sqlite-sakila-schema.sql", Options("sqlite", "sqlite://s")
    )
    assert len(sqlite.definitions) == 14
    assert {"staff_list", "sales_by_store"} <= {name[2] for _, name in sqlite.filled}


def test_compiled_models_are_followed_through_stars_to_the_raw_tables(shared_data: Path) -> None:
    options = Options("duckdb", "duckdb://", catalog="jaffle_shop", schema="main", models=True)
    reading = read_scripts(shared_data / "sql" / "jaffle_shop_compiled", options)
    assert reading.troubles == []
    tables = {name[2]: traced for (_, name), traced in reading.filled.items()}
    assert shown(tables["stg_customers"].columns["customer_id"]) == {"raw_customers.id:D:IDENTITY"}
    assert shown(tables["customers"].columns["customer_lifetime_value"]) == {
        "stg_payments.amount:D:AGGREGATION"
    }
    assert len(events(reading)) == 5


MERGE = """MERGE INTO t USING s ON t.id = s.id
WHEN MATCHED THEN UPDATE SET a = s.x
WHEN NOT MATCHED THEN INSERT (id, a) VALUES (s.id, s.y)"""
RECURSIVE = """WITH RECURSIVE r AS (
    SELECT id, parent FROM s UNION ALL SELECT s.id, s.parent FROM s JOIN r ON s.parent = r.id
) SELECT id INTO t FROM r"""


@pytest.mark.parametrize(
    ("sql", "wanted"),
    [
        (
            "INSERT INTO t (a, b) SELECT x, y + 1 FROM s WHERE z > 0",
            {"a": {"s.x:D:IDENTITY"}, "b": {"s.y:D:TRANSFORMATION"}, "": {"s.z:I:FILTER"}},
        ),
        (
            "CREATE VIEW v (p, q) AS SELECT a.x, md5(b.y) FROM a JOIN b ON a.id = b.id",
            {
                "p": {"a.x:D:IDENTITY"},
                "q": {"b.y:D:TRANSFORMATION"},
                "": {"a.id:I:JOIN", "b.id:I:JOIN"},
            },
        ),
        (
            "CREATE TABLE t AS WITH c AS (SELECT x AS y FROM s WHERE k = 1) SELECT y FROM c UNION ALL SELECT z FROM r",
            {"y": {"s.x:D:IDENTITY", "r.z:D:IDENTITY"}, "": {"s.k:I:FILTER"}},
        ),
        (
            "CREATE TABLE t AS SELECT CASE WHEN s.a > 1 THEN s.b ELSE s.c END AS d FROM s",
            {"d": {"s.a:I:CONDITIONAL", "s.b:D:TRANSFORMATION", "s.c:D:TRANSFORMATION"}},
        ),
        (
            "CREATE TABLE t AS SELECT row_number() OVER (PARTITION BY s.a ORDER BY s.b) AS n FROM s",
            {"n": {"s.a:I:WINDOW", "s.b:I:WINDOW"}},
        ),
        (
            "CREATE TABLE t AS SELECT s.a FROM s WHERE EXISTS (SELECT 1 FROM r WHERE r.id = s.id)",
            {"a": {"s.a:D:IDENTITY"}, "": {"r.id:I:FILTER", "s.id:I:FILTER"}},
        ),
        (
            "UPDATE t SET a = s.x FROM s WHERE s.id = t.id",
            {"a": {"s.x:D:IDENTITY"}, "": {"s.id:I:FILTER", "t.id:I:FILTER"}},
        ),
        (
            MERGE,
            {
                "a": {"s.x:D:IDENTITY", "s.y:D:IDENTITY"},
                "id": {"s.id:D:IDENTITY"},
                "": {"t.id:I:JOIN", "s.id:I:JOIN"},
            },
        ),
        (
            "DELETE FROM t USING s WHERE s.id = t.id",
            {"deleted": set(), "": {"s.id:I:FILTER", "t.id:I:FILTER"}},
        ),
        (
            "CREATE TEMP TABLE tmp AS SELECT x AS y FROM s WHERE k = 1; INSERT INTO t (a) SELECT y FROM tmp",
            {"a": {"s.x:D:IDENTITY"}, "": {"s.k:I:FILTER"}},
        ),
        (
            "CREATE TABLE s (x int, y int); CREATE VIEW v AS SELECT * FROM s",
            {"x": {"s.x:D:IDENTITY"}, "y": {"s.y:D:IDENTITY"}},
        ),
        ("CREATE VIEW w AS SELECT b FROM v; CREATE VIEW v AS SELECT a AS b FROM s", None),
        (
            RECURSIVE,
            {"id": {"s.id:D:IDENTITY"}, "": {"s.parent:I:JOIN", "s.id:I:JOIN"}},
        ),
        ("INSERT INTO t WITH c AS (SELECT x FROM s) SELECT x FROM c", {"x": {"s.x:D:IDENTITY"}}),
        (
            "CREATE TABLE t AS SELECT (SELECT max(r.v) FROM r WHERE r.id = s.id) AS m FROM s ORDER BY m",
            {
                "m": {"r.v:D:AGGREGATION", "r.id:I:FILTER", "s.id:I:FILTER"},
                "": {"r.v:I:SORT", "r.id:I:SORT", "s.id:I:SORT"},
            },
        ),
    ],
)
def test_statements_are_traced_column_by_column(
    sql: str, wanted: dict[str, set[str]] | None
) -> None:
    reading = read(sql)
    assert reading.troubles == []
    if wanted is None:
        assert {name[2] for _, name in reading.filled} == {"w", "v"}
        return
    assert only(reading) == wanted


def test_hashing_is_told_as_masking() -> None:
    (traced,) = read("CREATE TABLE t AS SELECT md5(lower(s.id)) AS h, s.a FROM s").filled.values()
    assert [traced.columns[name][0].masking for name in ("h", "a")] == [True, False]


def test_what_is_only_read_is_told_without_an_output() -> None:
    (event,) = events(read("SELECT a FROM s; SELECT b FROM r"))
    assert [one["name"] for one in event["inputs"]] == ["r", "s"]
    assert (event["outputs"], event["job"]["name"]) == ([], "etl/load.sql")


def test_what_cannot_be_told_is_named_by_file_and_line_and_the_rest_counts() -> None:
    reading = read(
        "SELECT FROM WHERE;\nCREATE VIEW v AS SELECT a FROM s, r;\n\nCALL fill();\nGRANT ALL ON s TO x;"
    )
    assert [(one.line, one.what[:7]) for one in reading.troubles] == [
        (1, "Expecti"),
        (4, "CALL fi"),
        (2, "a: no d"),
    ] or {one.line for one in reading.troubles} == {1, 2, 4}
    assert [name[2] for _, name in reading.filled] == ["v"]


def test_names_are_those_of_openlineage() -> None:
    reading = read(
        "INSERT INTO dw.Sales SELECT * FROM other.raw.orders", catalog="main", schema="public"
    )
    (event,) = events(reading)
    assert event["inputs"][0] == {"namespace": "db", "name": "other.raw.orders", "facets": {}}
    assert event["outputs"][0]["name"] == "main.dw.Sales"
    assert event["job"]["facets"]["sql"]["dialect"] == "postgres"


def test_wide_tables_are_read_in_time() -> None:
    columns = ", ".join(f"c{number}" for number in range(1_500))
    types = ", ".join(f"c{number} int" for number in range(1_500))
    reading = read(
        f"CREATE TABLE s ({types}); CREATE TABLE t AS SELECT {columns} FROM s"  # noqa: S608
    )
    (traced,) = reading.filled.values()
    assert len(traced.columns) == 1_500


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (Path.exists, "holds none"),
        (lambda place: (place / "a.sql").write_bytes(b"\xff"), "not UTF-8"),
    ],
)
def test_files_that_are_none_are_refused(tmp_path: Path, make: Any, why: str) -> None:
    make(tmp_path)
    with pytest.raises(SqlError, match=why):
        read_scripts(tmp_path, POSTGRES)
    with pytest.raises(SqlError, match="no SQL dialect"):
        read("SELECT 1", dialect="klingon")


def test_a_real_dbt_project_is_told_down_to_its_columns(shared_data: Path) -> None:
    place = shared_data / "quality_results" / "dbt_jaffle_shop"
    project = read_dbt(place / "manifest.json", place / "catalog.json", namespace="duckdb://jaffle")
    assert project.troubles == []
    told = events(project)
    jobs = {event["job"]["name"]: event for event in told if "job" in event}
    assert set(jobs) == {
        f"jaffle_shop.main.jaffle_shop.{name}"
        for name in ("customers", "orders", "stg_customers", "stg_orders", "stg_payments")
    }
    customers = jobs["jaffle_shop.main.jaffle_shop.customers"]
    assert [one["name"] for one in customers["inputs"]] == [
        f"jaffle_shop.main.stg_{name}" for name in ("customers", "orders", "payments")
    ]
    facets = customers["outputs"][0]["facets"]
    assert facets["schema"]["fields"][0]["type"] == "INTEGER"
    assert facets["documentation"]["description"].startswith("This table")
    value = facets["columnLineage"]["fields"]["customer_lifetime_value"]["inputFields"]
    assert [(one["name"], one["field"]) for one in value] == [
        ("jaffle_shop.main.stg_payments", "amount")
    ]
    assert sum("dataset" in event for event in told) == 3


def manifest(**nodes: dict[str, Any]) -> dict[str, Any]:
    told = {
        "dbt_schema_version": "https://schemas.getdbt.com/dbt/manifest/v12.json",
        "adapter_type": "postgres",
    }
    whole = {
        f"model.p.{name}": {
            "resource_type": "model",
            "database": "d",
            "schema": "s",
            "alias": name,
            "name": name,
            "package_name": "p",
            **node,
        }
        for name, node in nodes.items()
    }
    return {"metadata": told, "nodes": whole}


def test_ephemeral_models_are_passed_through_and_exposures_only_read(tmp_path: Path) -> None:
    told = manifest(
        base={
            "compiled_code": "select id, name from d.s.raw",
            "depends_on": {"nodes": ["source.p.raw"]},
        },
        mid={"config": {"materialized": "ephemeral"}, "depends_on": {"nodes": ["model.p.base"]}},
        top={
            "compiled_code": 'with __dbt__cte__mid as (select * from "d"."s"."base") select * from __dbt__cte__mid',
            "depends_on": {"nodes": ["model.p.mid"]},
        },
        odd={"compiled_code": "select from", "language": "sql"},
        python={"compiled_code": "def model(): ...", "language": "python"},
    )
    told["sources"] = {
        "source.p.raw": {
            "resource_type": "source",
            "database": "d",
            "schema": "s",
            "identifier": "raw",
            "name": "raw",
            "columns": {"id": {"data_type": "int"}, "name": {}},
        }
    }
    told["exposures"] = {
        "exposure.p.board": {"name": "board", "depends_on": {"nodes": ["model.p.top"]}}
    }
    file = tmp_path / "manifest.json"
    file.write_text(json.dumps(told), "utf-8")
    project = read_dbt(file, None)
    jobs = {event["job"]["name"]: event for event in events(project) if "job" in event}
    assert set(jobs) == {"d.s.p.base", "d.s.p.top", "d.s.p.odd", "d.s.p.python", "exposure.p.board"}
    assert [one["name"] for one in jobs["d.s.p.top"]["inputs"]] == ["d.s.base"]
    assert [one["name"] for one in jobs["exposure.p.board"]["inputs"]] == ["d.s.top"]
    fields = jobs["d.s.p.top"]["outputs"][0]["facets"]["columnLineage"]["fields"]
    assert fields["name"]["inputFields"][0]["field"] == "name"
    assert jobs["d.s.p.top"]["outputs"][0]["namespace"] == "postgres://"
    assert [trouble.file for trouble in project.troubles] == ["model.p.odd"]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("{", "no JSON"),
        ("[]", "no dbt manifest"),
        ('{"metadata": {"dbt_schema_version": "x/catalog/v1"}}', "no dbt manifest"),
    ],
)
def test_files_that_are_no_artefact_are_refused(tmp_path: Path, text: str, why: str) -> None:
    file = tmp_path / "manifest.json"
    file.write_text(text, "utf-8")
    with pytest.raises(DbtError, match=why):
        read_dbt(file, None)
    file.write_text(json.dumps(manifest()), "utf-8")
    with pytest.raises(DbtError, match="no SQL dialect"):
        read_dbt(file, None, dialect="klingon")

"""What other tools find, as they write it: read whole, scored, and nothing of the data kept."""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.quality.foreign.found import Found, Reading, ResultsError
from ledger.quality.foreign.mapping import CheckMapping, default_mapping
from ledger.quality.foreign.reading import parsed, read_results
from ledger.quality.foreign.scoring import Imported, imported
from ledger.quality.scoring import State
from ledger.quality.weights import DEFAULT_PROFILE

CITIZENS = ["11010519491231002X", "440524188001010014", "310118198001010019"]
TABLE = pd.DataFrame(
    {
        "id": ["1", "2", "2", "4"],
        "citizen": [*CITIZENS, None],
        "age": [30, 41, 230, 12],
    }
)


def read(*places: Path, rows: int | None = None) -> Imported:
    files = [(place.name, place.read_bytes()) for place in places]
    reading = read_results([(name, parsed(data, name)) for name, data in files], rows=rows)
    return imported(reading, files, default_mapping(), DEFAULT_PROFILE)


def read_document(document: Any, rows: int | None = None) -> Reading:
    return read_results([("document", document)], rows=rows)


def by_check(reading: Reading) -> dict[tuple[str, str | None], tuple[str, int, int]]:
    return {
        (one.check, one.column): (one.state.value, one.evaluated, one.failing)
        for one in reading.checks
    }


# -- Great Expectations -----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["basic", "complete"])
def test_a_suite_result_counts_elements_and_an_exception_never_passes(
    shared_data: Path, name: str
) -> None:
    folder = shared_data / "quality_results" / "great_expectations"
    made = read(folder / f"v1_runs__guangan_items_{name}.json")
    assert (made.reading.tool, made.reading.version) == ("great_expectations", "1.24.1")
    assert len(made.reading.checks) == 7
    found = by_check(made.reading)
    assert found["expect_column_values_to_match_regex", "dept_code"] == ("assessed", 1135, 884)
    assert found["expect_column_values_to_not_be_null", "qrcode"] == ("assessed", 1135, 1135)
    broken = "expect_column_values_to_not_be_null", "no_such_column"
    assert found[broken] == ("not_assessable", 0, 0)
    assert made.total is not None
    assert made.total < 10_000


def test_nothing_of_the_data_is_taken_over(shared_data: Path) -> None:
    """``partial_unexpected_list`` and its kin hold values; 083372204 is one of them."""
    place = shared_data / "quality_results/great_expectations/v1_runs__guangan_items_complete.json"
    assert b"083372204" in place.read_bytes()
    made = read(place)
    draft = made.draft(entry="318001/000001", edition=1, period=PERIOD)
    for kept in (made.canonical(), draft.body()):
        assert b"083372204" not in kept
        assert b"Traceback" not in kept


def test_what_a_checkpoint_describes_has_the_same_counts(shared_data: Path) -> None:
    folder = shared_data / "quality_results" / "great_expectations"
    suite = read(folder / "v1_runs__guangan_items_basic.json").reading
    described = read(folder / "v1_runs__guangan_items_checkpoint_describe.json").reading
    assert by_check(described) == by_check(suite)


def test_results_of_version_0_are_read(shared_data: Path) -> None:
    folder = shared_data / "quality_results" / "great_expectations"
    made = read(folder / "v0_repo_fixtures__titanic_expected_data_asset_validate_results.json")
    found = by_check(made.reading)
    # `mostly` let it succeed; three names fail all the same.
    assert found["expect_column_values_to_match_regex", "Name"] == ("assessed", 1313, 3)
    # Nulls are not what a range is about: 557 of 1313 ages are missing.
    assert found["expect_column_values_to_be_between", "Age"] == ("assessed", 756, 0)
    profiled = read(
        folder
        / "v0_repo_fixtures__expected_evrs_BasicSuiteBuilderProfiler_on_titanic_demo_mode.json"
    )
    assert len(profiled.reading.checks) == 32
    assert {one.found.check for one in profiled.unmapped} == {
        "expect_column_kl_divergence_to_be_less_than"
    }


def test_a_boolean_result_is_one_element() -> None:
    told = {"expectation_config": {"type": "expect_column_values_to_be_unique", "kwargs": {}}}
    reading = read_document(
        {"success": False, "results": [{**told, "success": False, "result": {}}]}
    )
    assert (reading.checks[0].evaluated, reading.checks[0].failing) == (1, 1)


# -- dbt --------------------------------------------------------------------------------------------------


def test_tests_that_dbt_only_compiled_are_no_passes(shared_data: Path) -> None:
    """``dbt docs generate`` writes "success" for 20 tests that it never ran."""
    folder = shared_data / "quality_results" / "dbt_jaffle_shop"
    made = read(folder / "run_results.json", folder / "manifest.json")
    assert len(made.reading.checks) == 20
    assert {one.reason for one in made.reading.checks} == {"not_run"}
    assert made.total is None


def test_tests_that_dbt_ran_are_answers(shared_data: Path) -> None:
    folder = shared_data / "quality_results" / "dbt_jaffle_shop"
    results = json.loads((folder / "run_results.json").read_bytes())
    manifest = json.loads((folder / "manifest.json").read_bytes())
    tests = [one for one in results["results"] if one["unique_id"].startswith("test.")]
    for one, status in zip(
        tests, ["fail", "warn", "error", "skipped"] + ["pass"] * 16, strict=True
    ):
        one["status"] = status
    reading = read_results([("run_results.json", results), ("manifest.json", manifest)])
    states = [(one.state, one.failing, one.reason) for one in reading.checks[:5]]
    assert states == [
        (State.ASSESSED, 1, None),
        (State.ASSESSED, 1, None),
        (State.NOT_ASSESSABLE, 0, "tool_error"),
        (State.NOT_ASSESSABLE, 0, "tool_skipped"),
        (State.ASSESSED, 0, None),
    ]
    assert {one.check for one in reading.checks} >= {"not_null", "unique", "relationships"}


def test_run_results_without_their_manifest_are_refused(shared_data: Path) -> None:
    folder = shared_data / "quality_results" / "dbt_jaffle_shop"
    results = json.loads((folder / "run_results.json").read_bytes())
    with pytest.raises(ResultsError, match=r"manifest\.json"):
        read_document(results)
    other = {"metadata": {"dbt_schema_version": "https://x/dbt/manifest/v12.json"}, "nodes": {}}
    with pytest.raises(ResultsError, match="another run"):
        read_results([("run_results.json", results), ("manifest.json", other)])


# -- Frictionless -----------------------------------------------------------------------------------------


def test_a_report_counts_the_rows_of_each_error(shared_data: Path) -> None:
    folder = shared_data / "quality_results" / "frictionless"
    found = by_check(read(folder / "fixture_invalid.json").reading)
    assert found["missing-cell", None] == ("assessed", 4, 2)
    assert found["blank-label", "field3"] == ("assessed", 1, 1)
    valid = read(folder / "sf_dataset_inventory.json").reading
    assert by_check(valid) == {("valid", None): ("assessed", 1129, 0)}


def test_a_report_made_now_is_read(tmp_path: Path) -> None:
    frictionless = pytest.importorskip("frictionless")
    place = tmp_path / "people.csv"
    place.write_text("id,age\n1,30\n2,old\n3,41\n", "utf-8")
    schema = frictionless.Schema.from_descriptor(
        {"fields": [{"name": "id", "type": "integer"}, {"name": "age", "type": "integer"}]}
    )
    with frictionless.system.use_context(trusted=True):
        report = frictionless.validate(frictionless.Resource(path=str(place), schema=schema))
    found = by_check(read_document(json.loads(report.to_json())))
    assert found == {("type-error", None): ("assessed", 3, 1)}


def test_a_table_that_could_not_be_read_is_not_assessable() -> None:
    task = {"name": "t", "errors": [{"type": "source-error"}], "stats": {"rows": 0}, "warnings": []}
    reading = read_document({"valid": False, "errors": [], "tasks": [task]})
    assert [one.state for one in reading.checks] == [State.NOT_ASSESSABLE]


# -- Pointblank and Pandera, run here ---------------------------------------------------------------------


def test_steps_of_pointblank_made_now_are_read() -> None:
    pointblank = pytest.importorskip("pointblank")
    steps = (
        pointblank.Validate(TABLE)
        .col_vals_not_null("citizen")
        .rows_distinct(["id"])
        .col_vals_between("age", 0, 130)
        .col_vals_gt("no_such_column", 1)
        .col_vals_gt("age", 1, active=False)
        .interrogate()
    )
    reading = read_document(json.loads(steps.get_json_report()))
    found = by_check(reading)
    assert found["col_vals_not_null", "citizen"] == ("assessed", 4, 1)
    assert found["rows_distinct", "id"] == ("assessed", 4, 2)
    assert found["col_vals_between", "age"] == ("assessed", 4, 1)
    assert found["col_vals_gt", "no_such_column"][0] == "not_assessable"
    assert found["col_vals_gt", "age"][0] == "not_assessable"


def failure_cases() -> pd.DataFrame:
    pandera = pytest.importorskip("pandera.pandas")
    schema = pandera.DataFrameSchema(
        {
            "citizen": pandera.Column(str, pandera.Check.str_matches(r"^\d{17}[\dX]$")),
            "age": pandera.Column(int, pandera.Check.in_range(0, 130)),
            "id": pandera.Column(str, unique=True),
        }
    )
    with pytest.raises(pandera.errors.SchemaErrors) as caught:
        schema.validate(TABLE, lazy=True)
    return caught.value.failure_cases


def test_failure_cases_of_pandera_made_now_are_read() -> None:
    with warnings.catch_warnings():  # pandera looks at PySpark, which warns of pandas
        warnings.simplefilter("ignore", FutureWarning)
        cases = failure_cases()
    for written in (cases.to_json(orient="records"), cases.to_json()):
        reading = read_document(json.loads(written), rows=len(TABLE))
        found = by_check(reading)
        assert found["not_nullable", "citizen"] == ("assessed", 4, 1)
        assert found["in_range", "age"] == ("assessed", 4, 1)
        assert found["field_uniqueness", "id"] == ("assessed", 4, 2)
        made = imported(reading, [], default_mapping(), DEFAULT_PROFILE)
        assert not made.unmapped
        assert not any(citizen.encode() in made.canonical() for citizen in CITIZENS)


# -- Soda and OpenLineage ---------------------------------------------------------------------------------

SODA = {
    "scanStartTimestamp": "2026-01-01T00:00:00+00:00",
    "hasErrors": True,
    "metrics": [
        {"identity": "metric-s-d-people-row_count", "metricName": "row_count", "value": 200},
        {
            "identity": "metric-s-d-people-phone-missing_count",
            "metricName": "missing_count",
            "value": 7,
        },
    ],
    "checks": [
        {
            "name": "missing_count(phone) < 10",
            "table": "people",
            "column": "phone",
            "metrics": ["metric-s-d-people-phone-missing_count"],
            "outcome": "pass",
        },
        {
            "name": "row_count > 1000",
            "table": "people",
            "metrics": ["metric-s-d-people-row_count"],
            "outcome": "warn",
        },
        {"name": "freshness(updated) < 1d", "table": "people", "metrics": [], "outcome": None},
    ],
}


def test_a_scan_of_soda_counts_rows_where_it_tells_them() -> None:
    found = by_check(read_document(SODA))
    assert found["missing_count", "phone"] == ("assessed", 200, 7)
    assert found["row_count", None] == ("assessed", 1, 1), "a warning is no pass"
    assert found["freshness", None][0] == "not_assessable"
    assert found["scan", None][0] == "not_assessable", "the scan had errors"


def test_quality_facets_of_an_event_are_read() -> None:
    event = {
        "producer": "https://example.org",
        "inputs": [
            {
                "namespace": "n",
                "name": "people",
                "inputFacets": {
                    "dataQualityAssertions": {
                        "assertions": [
                            {"assertion": "not_null", "success": True, "column": "id"},
                            {"assertion": "unique", "success": False, "column": "id"},
                        ]
                    },
                    "dataQualityMetrics": {
                        "rowCount": 10,
                        "columnMetrics": {"phone": {"nullCount": 3, "min": 1.5}},
                    },
                },
            }
        ],
    }
    assert by_check(read_document(event)) == {
        ("not_null", "id"): ("assessed", 1, 0),
        ("unique", "id"): ("assessed", 1, 1),
        ("nullCount", "phone"): ("assessed", 10, 3),
    }


# -- mapping and scoring ----------------------------------------------------------------------------------

PERIOD = (pd.Timestamp("2026-01-01").date(), pd.Timestamp("2026-03-31").date())


def test_a_mapping_of_ones_own_comes_first_and_may_leave_checks_out() -> None:
    lines = [
        {"check": "missing_count", "column": "phone", "indicator": "020200"},
        {"check": "row_count", "indicator": "none", "reason": "以另一规则核对"},
    ]
    own = CheckMapping.model_validate({"format": "govledger-quality-mapping/1", "checks": lines})
    both = own.model_copy(update={"checks": own.checks + default_mapping().checks})
    made = imported(read_document(SODA), [], both, DEFAULT_PROFILE)
    placed = {one.found.check: (one.indicator, one.reason) for one in made.placed}
    assert placed["missing_count"] == ("020200", None)
    assert placed["row_count"] == (None, "以另一规则核对")
    assert [one.found.check for one in made.unmapped] == ["scan"]


def test_no_answer_at_all_is_no_score() -> None:
    reading = read_document({**SODA, "checks": []})
    made = imported(reading, [], default_mapping(), DEFAULT_PROFILE)
    with pytest.raises(ValueError, match="no score"):
        made.draft(entry="318001/000001", edition=1, period=PERIOD)


@pytest.mark.parametrize("data", [b"", b"\xff", b"[]", b"{}", b"3", b"[" * 100_000, b'{"a": NaN}'])
def test_what_no_tool_wrote_is_refused(data: bytes) -> None:
    with pytest.raises(ResultsError):
        read_results([("x.json", parsed(data, "x.json"))])


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(st.sampled_from(["results", "tasks", "checks", "inputs", "validation_results"]), json_values)
def test_any_document_is_read_or_refused(member: str, value: Any) -> None:
    """Garbage where a tool's lists should be never breaks a reader, and never passes."""
    document = {
        "producer": "p",
        "valid": True,
        "scanStartTimestamp": "t",
        "expectation_config": {},
        member: value,
    }
    try:
        reading = read_document(document)
    except ResultsError:
        return
    for one in reading.checks:
        assert isinstance(one, Found)
        assert 0 <= one.failing <= one.evaluated

"""What a run does when there is nothing to count, when an engine refuses, and when addresses are slow."""

from __future__ import annotations

import http.server
import socket
import threading
import time
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import ibis
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.identifiers import check_uscc, uscc_check_character
from ledger.quality.columns import ROWS, Columns, Scan
from ledger.quality.ruleset import RuleSet
from ledger.quality.running import Found, Job, plan_of, run
from ledger.quality.scanning import Measure
from ledger.quality.scoring import ROOT, State, marks_of
from ledger.quality.terms import CYCLE_DAYS, Counts, Terms
from ledger.quality.weights import DEFAULT_PROFILE
from ledger.quality.wholes import Bench
from ledger.records.sources import open_source
from tests.quality.sample_table import AREAS, DAY, ITEMS, QUARTER, RULES, STREETS, TABLE


@pytest.fixture(scope="module")
def connection() -> Any:
    return ibis.duckdb.connect()


def rule_set(*rules: dict[str, Any], **more: Any) -> RuleSet:
    named = [{"id": f"r{place}", **rule} for place, rule in enumerate(rules)]
    return RuleSet.model_validate({"rules": named, **more})


def counted(connection: Any, table: pa.Table, rules: RuleSet, **job: Any) -> Found:
    name = ibis.util.gen_name("table")
    loaded = connection.create_table(name, table)
    return run(Job(loaded, rules, Terms(DAY, QUARTER), Bench(connection, {}), **job))


def test_an_empty_table_is_never_perfect(connection: Any) -> None:
    """DB31/T 1523: B = 0 is not applicable. Whatever a table without rows passes earns it nothing."""
    bench = Bench(
        connection,
        {
            "streets": connection.create_table("streets_e", STREETS),
            "areas": connection.create_table("areas_e", AREAS),
        },
    )
    empty = connection.create_table("empty", TABLE.slice(0, 0))
    found = run(Job(empty, RULES, Terms(DAY, QUARTER), bench, ITEMS))
    assert found.rows == 0
    assessed = {one.rule.partition("-")[2] for one in found.outcomes if one.state is State.ASSESSED}
    assert assessed == {"covers", "row_count", "fresh"}
    assert all(one.failing == one.evaluated for one in found.outcomes)
    total = marks_of(found.outcomes, DEFAULT_PROFILE)[ROOT]
    assert total.score == 0


def test_a_table_without_anything_to_evaluate_has_no_total(connection: Any) -> None:
    rules = rule_set({"indicator": "030200", "check": "uscc", "column": "code"})
    found = counted(connection, pa.table({"code": pa.array([None, ""], pa.string())}), rules)
    assert [(one.state, one.reason) for one in found.outcomes] == [
        (State.NOT_APPLICABLE, "nothing_given")
    ]
    assert marks_of(found.outcomes, DEFAULT_PROFILE)[ROOT].score is None


def test_all_rules_of_a_table_stand_in_one_aggregate(connection: Any) -> None:
    bench = Bench(connection, {})
    job = Job(connection.create_table("one_scan", TABLE), RULES, Terms(DAY, QUARTER), bench, ITEMS)
    plan = plan_of(job)
    scanned = [part for part in plan.parts.values() if isinstance(part, Measure)]
    assert len(scanned) > 40
    sql = ibis.to_sql(plan.scan.columns.table.aggregate(**plan.scan.values), dialect="duckdb")
    assert sql.upper().count('FROM "MEMORY"."MAIN"."ONE_SCAN"') == 1


def test_equal_counts_are_asked_for_once(connection: Any) -> None:
    rule = {"indicator": "030200", "check": "pattern", "column": "a", "pattern": "x+"}
    job = Job(
        connection.create_table("twice", pa.table({"a": ["x", "y"]})),
        rule_set(rule, {**rule, "pattern": "y"}, rule),
        Terms(DAY),
        Bench(connection, {}),
    )
    values = plan_of(job).scan.values
    assert len(values) == 1 + 1 + 2  # rows, given, and two different failures
    assert ROWS in values


def test_a_rule_that_the_engine_refuses_takes_no_other_with_it(connection: Any) -> None:
    """An error while the table is read: rules are tried in halves, and the one that fails stands alone."""
    rules = rule_set(
        {"indicator": "020100", "check": "not_null", "column": "a"},
        {"indicator": "040202", "check": "expression", "sql": "a * 4611686018427387904 * 4 > 0"},
        {"indicator": "030400", "check": "unique", "column": "a"},
    )
    found = counted(connection, pa.table({"a": [1, 2, 2, None]}), rules)
    assert [
        (one.state.value, one.evaluated, one.failing, one.reason) for one in found.outcomes
    ] == [
        ("assessed", 4, 1, None),
        ("not_assessable", 0, 0, "engine_error"),
        ("assessed", 3, 2, None),
    ]


def test_the_same_in_postgresql_within_its_snapshot(postgresql_url: str) -> None:
    import psycopg  # noqa: PLC0415

    url = postgresql_url.replace("postgresql+psycopg://", "postgresql://")
    with psycopg.connect(url) as native:
        native.execute(
            "CREATE TABLE numbers AS SELECT * FROM (VALUES (1::bigint), (2), (2), (NULL)) v(a)"
        )
    rules = rule_set(
        {"indicator": "020100", "check": "not_null", "column": "a"},
        {"indicator": "040202", "check": "expression", "sql": "a * 4611686018427387904 * 4 > 0"},
        {"indicator": "030400", "check": "unique", "column": "a"},
    )
    with open_source(f"{url}#numbers") as source:
        found = run(Job(source.table, rules, Terms(DAY), Bench(ibis.duckdb.connect(), {})))
    assert [(one.evaluated, one.failing, one.reason) for one in found.outcomes] == [
        (4, 1, None),
        (0, 0, "engine_error"),
        (3, 2, None),
    ]


def test_hashes_that_collide_make_no_duplicate(
    connection: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ledger.quality import wholes  # noqa: PLC0415

    monkeypatch.setattr(wholes, "_hash_of", lambda table, names: table[names[0]].length())
    rules = rule_set({"indicator": "030400", "check": "unique", "column": "a"})
    found = counted(connection, pa.table({"a": ["aa", "bb", "cc", "aa"]}), rules)
    assert found.outcomes[0][3:5] == (4, 2)


few = settings(max_examples=4)
# Every example is a query, which costs the same for one value as for a hundred.
integers = st.lists(st.one_of(st.none(), st.integers(-50, 50)), min_size=1, max_size=150)


@few
@given(integers)
def test_uniqueness_is_what_counting_in_python_says(values: list[int | None]) -> None:
    present = [value for value in values if value is not None]
    repeated = [value for value in present if present.count(value) > 1]
    rules = rule_set(
        {"indicator": "030400", "check": "unique", "column": "a"},
        {"indicator": "030400", "check": "unique", "column": "a", "counting": "surplus"},
        {"indicator": "030400", "check": "unique", "column": "t"},
    )
    texts = [None if value is None else f"v{value}" for value in values]
    found = counted(
        SHARED,
        pa.table({"a": pa.array(values, pa.int64()), "t": pa.array(texts, pa.string())}),
        rules,
    )
    assert [one.failing for one in found.outcomes] == [
        len(repeated),
        len(present) - len(set(present)),
        len(repeated),
    ]


SHARED = ibis.duckdb.connect()
alphabet = "0123456789ABCDEFGHJKLMNPQRTUWXY"


@few
@given(st.lists(st.text(alphabet + "IOZ-", min_size=17, max_size=18), min_size=50, max_size=200))
def test_credit_codes_get_the_verdict_of_the_identifiers_module(texts: list[str]) -> None:
    codes = list(texts)
    for text in texts:
        body = f"91310118{text[:8]}"
        if set(body) <= set(alphabet):
            from ledger.identifiers import organisation_check_character  # noqa: PLC0415

            body += organisation_check_character(text[:8])
            codes.append(body + uscc_check_character(body))
    rules = rule_set({"indicator": "030200", "check": "uscc", "column": "code"})
    found = counted(SHARED, pa.table({"code": codes}), rules)
    assert found.outcomes[0].failing == sum(not check_uscc(code).valid for code in codes)


@few
@given(
    st.lists(
        st.from_regex(
            r"[1-9][0-9]{5}(19|20)[0-9]{2}(0[1-9]|1[0-2])(0[1-9]|[12][0-9]|3[01])[0-9]{3}[0-9X]",
            fullmatch=True,
        ),
        min_size=50,
        max_size=150,
    )
)
def test_citizen_numbers_get_the_verdict_of_the_standard(numbers: list[str]) -> None:
    weights = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2]

    def valid(number: str) -> bool:
        try:
            date(int(number[6:10]), int(number[10:12]), int(number[12:14]))
        except ValueError:
            return False
        total = sum(int(digit) * weight for digit, weight in zip(number[:17], weights, strict=True))
        return "10X98765432"[total % 11] == number[17]

    fixed = [
        n[:17] + "10X98765432"[sum(int(d) * w for d, w in zip(n[:17], weights, strict=True)) % 11]
        for n in numbers
    ]
    rules = rule_set({"indicator": "030200", "check": "citizen_id", "column": "n"})
    found = counted(SHARED, pa.table({"n": numbers + fixed}), rules)
    assert found.outcomes[0].failing == sum(not valid(number) for number in numbers + fixed)


class Addresses(http.server.BaseHTTPRequestHandler):
    """``/good`` answers, ``/gone`` does not, ``/slow`` takes its time, ``/moved`` points elsewhere."""

    def do_GET(self) -> None:
        if self.path == "/slow":
            time.sleep(2.5)
        self.send_response({"/gone": 404, "/moved": 302, "/error": 500}.get(self.path, 200))
        self.send_header("location", "/good")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Nothing on the screen."""


@pytest.fixture
def server() -> Iterator[str]:
    made = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Addresses)
    thread = threading.Thread(target=made.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{made.server_port}"
    made.shutdown()
    made.server_close()
    thread.join()


def test_addresses_answer_in_time_or_fail(connection: Any, server: str, tmp_path: Path) -> None:
    (tmp_path / "there.csv").write_text("a\n")
    (tmp_path / "empty.csv").write_text("")
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        closed = f"http://127.0.0.1:{unused.getsockname()[1]}/"
        addresses = [
            *(f"{server}/{name}" for name in ("good", "moved", "gone", "error", "slow")),
            *(str(tmp_path / name) for name in ("there.csv", "empty.csv", "missing.csv")),
            closed,
            "http://[bad",
        ]
        rules = rule_set(
            {"indicator": "060100", "check": "reachable", "addresses": addresses, "seconds": 1}
        )
        found = counted(connection, pa.table({"a": [1]}), rules)
    assert found.outcomes[0][3:5] == (len(addresses), 7)


def test_what_was_observed_once_is_taken_as_it_was_seen(connection: Any) -> None:
    rules = rule_set(
        {"indicator": "060100", "check": "reachable", "addresses": ["http://127.0.0.1:9/"]}
    )
    table = pa.table({"a": [1]})
    seen = counted(connection, table, rules, observed={"r0": Counts(1, 0)}).outcomes[0]
    assert (seen.state, seen.failing) == (State.ASSESSED, 0)
    missing = counted(connection, table, rules, observed={}).outcomes[0]
    assert (missing.state, missing.reason) == (State.NOT_ASSESSABLE, "not_observed")


@pytest.mark.parametrize(
    ("cycle", "days"), [(cycle.value, days) for cycle, days in CYCLE_DAYS.items()]
)
def test_freshness_is_reckoned_from_the_day_that_is_given(
    connection: Any, cycle: str, days: int
) -> None:
    for age, failing in ((days, 0), (days + 1, 1)):
        newest = date.fromordinal(DAY.toordinal() - age)
        rules = rule_set({"indicator": "050200", "check": "fresh", "column": "d", "cycle": cycle})
        found = counted(connection, pa.table({"d": pa.array([None, newest])}), rules)
        assert found.outcomes[0][3:5] == (1, failing)


def test_a_scan_knows_the_count_of_rows(connection: Any) -> None:
    from ledger.quality.values import Engine  # noqa: PLC0415

    scan = Scan(Columns(connection.create_table("rows", pa.table({"a": [1]})), Engine("duckdb")))
    assert scan.count(None) == ROWS

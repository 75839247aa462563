"""Two real lists: a district's items with their broken department codes, and a city's inventory."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from ledger.identifiers import check_uscc
from ledger.obligations import queries
from ledger.obligations.mapping import load_mapping
from ledger.obligations.projection import PROJECTION
from ledger.obligations.queries import ObligationFilters
from ledger.store.engine import open_database
from tests.obligations.lists import Office
from tests.organisations.scribe import Scribe


def opened(tmp_path: Path, mapping: str) -> Iterator[Office]:
    mirror = open_database(f"sqlite:///{tmp_path / 'mirror.db'}", "mirror")
    desk = open_database(f"sqlite:///{tmp_path / 'desk.db'}", "desk")
    yield Office(Scribe(mirror, [PROJECTION]), desk, load_mapping(mapping))
    mirror.dispose()
    desk.dispose()


@pytest.fixture
def guangan(tmp_path: Path) -> Iterator[Office]:
    yield from opened(tmp_path, "guangan")


@pytest.fixture
def francisco(tmp_path: Path) -> Iterator[Office]:
    yield from opened(tmp_path, "sf_inventory")


def read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def test_a_districts_items_become_duties_of_departments_whose_codes_are_decided(
    guangan: Office, shared_data: Path
) -> None:
    path = shared_data / "duties" / "guangan_items.csv"
    rows = read(path)
    given = {one["dept_code"] for one in rows}
    assert (len(rows), len({one["department"] for one in rows}), len(given)) == (1135, 34, 39)
    assert sum(check_uscc(code).valid for code in given) == 9
    assert sum(check_uscc(code.upper()).valid for code in given) == 10

    plan = guangan.plan(path)
    told = plan.summary()
    assert (told["rows"], told["new"], told["refused"], told["departments"]) == (1135, 1133, 2, 34)
    assert told["reasons"] == {"duplicate_row /name": 2}
    assert [(one.line, one.problems[0].en.partition("(")[0].strip()) for one in plan.refused] == [
        (539, "same provider and name as line 492"),
        (932, "same provider and name as line 931"),
    ]
    assert told["decided"] == {"completed": 12, "given": 9, "provisional": 12, "tidied": 1}
    codes = {one["department"]: one for one in told["codes"]}
    assert len({one["code"] for one in codes.values()}) == 34
    assert sum(one["rows"] for one in codes.values()) == 1133
    for department, how, code in (
        ("区民政局", "given", "11511301008778298W"),
        ("区残联", "tidied", "11511301452259996U"),
        ("区司法局", "completed", "115113010087786859"),
        ("区人社局", "completed", "11511301008778239R"),
        ("区公安分局", "completed", "11511300008778693M"),
    ):
        assert (codes[department]["how"], codes[department]["code"]) == (how, code)
    # A number of some system, however often another column names one body: likely, not proven.
    insurance = codes["区医疗保障局"]
    assert insurance["how"] == "provisional"
    assert "evidence 11511301MB15537661 ×33" in insurance["told"]
    # Two codes of one department: the valid one, and a number of some system.
    assert (codes["区交通运输局"]["code"], codes["区交通运输局"]["rows"]) == (
        "11511301008778386B",
        107,
    )

    assert guangan.apply(plan).entries == 1133
    again = guangan.plan(path)
    assert (again.unchanged, again.planned, again.gone) == (1133, [], [])
    with guangan.scribe.engine.connect() as connection:
        everything = queries.count(connection)
        theirs = queries.count(connection, ObligationFilters(organisation="11511301008778239R"))
    assert (everything, theirs, guangan.scribe.flags) == (1133, 143, {})


def test_a_citys_inventory_becomes_expected_entries_below_a_duty_of_each_department(
    francisco: Office, shared_data: Path
) -> None:
    path = shared_data / "inventory" / "sf_dataset_inventory.csv"
    rows = read(path)
    status = Counter(one["Publishing Status"] for one in rows)
    assert (len(rows), len({one["Department or Division"] for one in rows})) == (1129, 64)
    assert (status["Published"], status["Not Published"], status["Internal"]) == (618, 446, 41)
    public = [one for one in rows if one["Data Classification"] == "Level 1 - Public"]
    published = [one for one in rows if one["Publishing Status"] == "Published"]
    assert len(public) == 823
    assert sum(one["Publishing Status"] == "Published" for one in public) == 537
    assert sum(one["Data Classification"] != "Level 1 - Public" for one in published) == 81
    assert sum(bool(one["days_overdue"]) for one in rows) == 132

    plan = francisco.plan(path)
    told = plan.summary()
    assert (told["rows"], told["above"], told["departments"]) == (1129, 64, 64)
    assert told["new"] + told["refused"] == 1129
    # Repeated names within a department: each is named with the line that it repeats.
    assert told["reasons"] == {"duplicate_row /name": 15}
    assert told["decided"] == {"provisional": 64}
    refused = {one.line for one in plan.refused}
    of_lines = _by_line(path)
    hidden = sum(of_lines[line]["Publishing Status"] == "Published" for line in refused)
    assert told["published"] + hidden == 618
    assert {row["spelling"] for row in told["not_turned"]} == {
        "Bi-annually",
        "Hourly",
        "Multiple times per hour",
        "Not updated (historical only)",
    }

    assert francisco.apply(plan).entries == told["new"] + 64
    again = francisco.plan(path)
    assert (again.unchanged, again.planned) == (told["new"], [])
    with francisco.scribe.engine.connect() as connection:
        chain = queries.chain_of(connection, "SF-CPC-0140")
        unpublished = queries.count(connection, ObligationFilters(bound=False))
    assert chain is not None
    duty, entry = chain.links
    assert (duty.type, duty.name) == ("duty", "Planning: inventory and publish data sets")
    assert (entry.type, entry.parent) == ("entry", duty.code)
    assert "Dataset ID: 8iri-b2sz" in (entry.note or "")
    assert entry.valid_from.isoformat() == "2016-05-26"
    assert unpublished == told["new"] + 64


def _by_line(path: Path) -> dict[int, dict[str, str]]:
    from ledger.catalogue.rows import read_rows  # noqa: PLC0415

    return {row.line: row.cells for row in read_rows(path)}

"""Who is hit if a table changes: entries, owners, those who run jobs, and those who are known to use it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ledger.catalogue.queries import EntrySummary
from ledger.lineage.identity import ENTRY_NAMESPACE
from ledger.lineage.impact import Impact, impact_of
from ledger.lineage.walks import Edge, Node, Walk
from tests.lineage.traced import ORACLE, THEME
from tests.person import Person
from tests.small_office import CIVIL_AFFAIRS, PUBLISHED

NAMES = {"WATER": "水务局", "ROADS": "交通局"}


def summary(code: str, provider: str, **more: Any) -> EntrySummary:
    plain: dict[str, Any] = dict.fromkeys(EntrySummary.__slots__)
    return EntrySummary(**plain | {"code": code, "name": f"表 {code}", "provider": provider} | more)


def dataset(
    number: int, entry: str | None = None, whose: str | None = None, depth: int = 0
) -> Node:
    return Node(number, "dataset", "db", f"t{number}", entry, whose, depth)


def job(number: int, whose: str | None, depth: int) -> Node:
    return Node(number, "job", "airflow", f"j{number}", None, whose, depth)


def walked(*nodes: Node, edges: tuple[tuple[int, int], ...] = ()) -> Walk:
    told = tuple(Edge(a, b, "run", 1, None, "r") for a, b in edges)
    return Walk((1,), "downstream", None, 9, nodes, told, (), truncated=False, continuation=None)


def test_what_lies_downstream_is_grouped_by_its_owner_the_nearest_first() -> None:
    walk = walked(
        dataset(1, "A", "WATER"),
        dataset(2, "A", "WATER"),
        job(3, "ROADS", 1),
        dataset(4, "B", "ROADS", 1),
        Node(5, "dataset", ENTRY_NAMESPACE, "B", "B", "ROADS", 1),
        dataset(6, None, None, 1),
        job(7, None, 2),
        dataset(8, "C", "WATER", 2),
        edges=((1, 3), (3, 4), (3, 6), (4, 7), (7, 8)),
    )
    standing = {
        "A": summary("A", "WATER", library="department"),
        "B": summary("B", "ROADS", library="theme", share_type="conditional", grade=2),
        "C": summary("C", "WATER", library="special"),
    }
    hit = impact_of(walk, standing, NAMES)
    assert [(one.code, one.depth, one.data_sets) for one in hit.entries] == [
        ("B", 1, ("db t4",)),
        ("C", 2, ("db t8",)),
    ]
    assert (hit.entries[0].owner, hit.entries[0].share_type, hit.entries[0].grade) == (
        "ROADS",
        "conditional",
        2,
    )
    assert [
        (one.code, one.name, one.entries, one.jobs, one.depth) for one in hit.organisations
    ] == [
        ("ROADS", "交通局", ("B",), ("airflow j3",), 1),
        ("WATER", "水务局", ("C",), (), 2),
        (None, None, (), ("airflow j7",), 1),
    ]
    assert hit.organisations[2].data_sets == ("db t6",)
    assert hit.libraries == {"special": ("C",), "theme": ("B",)}
    assert [(one.organisation, one.entry, one.why, one.what) for one in hit.users] == [
        ("ROADS", "A", "run", "airflow j3")
    ]


def test_an_entry_that_is_not_on_the_ledger_is_hit_all_the_same() -> None:
    walk = walked(
        dataset(1), job(2, "WATER", 1), dataset(3, "X", "ROADS", 1), edges=((1, 2), (2, 3))
    )
    hit = impact_of(walk, {}, NAMES, [("X", "WATER", "JH-1"), ("X", "WATER", "JH-2")])
    assert (hit.entries[0].name, hit.entries[0].owner) == (None, "ROADS")
    assert hit.libraries == {"": ("X",)}
    assert [(one.organisation, one.name, one.why, one.what) for one in hit.users] == [
        ("WATER", "水务局", "correction", "JH-1")
    ]


def test_nothing_downstream_is_no_impact() -> None:
    hit = impact_of(walked(dataset(1, "A", "WATER")), {"A": summary("A", "WATER")}, NAMES)
    assert hit == Impact((), (), (), {}, truncated=False)


def test_who_asked_for_a_correction_is_known_to_use_the_data(
    traced: Person, tmp_path: Path
) -> None:
    person = traced.copy(tmp_path / "ledger")
    what = ("--title", "缺少一所学校", "--description", "较年报少一所", "--reason", "missing_rows")
    person.run("correction", "file", "--entry", PUBLISHED, *what, "--key", "civil-steward")
    (user,) = person.run("lineage", "impact", f"{ORACLE}:SCHOOL", "--json").json()["impact"][
        "users"
    ]
    assert (user["organisation"], user["name"], user["entry"]) == (
        CIVIL_AFFAIRS,
        "Civil Affairs Bureau",
        PUBLISHED,
    )
    said = person.run("lineage", "impact", PUBLISHED).out
    assert "asked for a correction" in said
    assert THEME in said

"""From the journal to edges: what holds, since which entry, and until which."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import permutations
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, select

from ledger.journal.journal import Journal
from ledger.lineage import edges as keeping
from ledger.lineage.certificate.events import event_in
from ledger.lineage.certificate.naming import Naming
from ledger.lineage.edges import Edges
from ledger.lineage.identity import dataset_number
from ledger.lineage.models import (
    COLUMN_EDGES,
    COLUMN_SETS,
    CURSORS,
    DATASETS,
    EDGES,
    FACET_VALUES,
    FACETS,
    FLAGS,
    FOLDED,
    INPUT,
    JOBS,
    RUN_IO,
    RUNS,
)
from ledger.store.engine import open_database
from tests.lineage.events import (
    columns,
    dataset,
    encoded,
    entries,
    job_event,
    real_events,
    run_event,
)


class Desk:
    """A journal, a mirror, and the edges between them."""

    def __init__(self, place: Path, url: str | None = None) -> None:
        self.place = place
        self.journal = Journal.create(place / "journal", "test/lineage")
        self.engine: Engine = open_database(url or f"sqlite:///{place / 'mirror.db'}", "mirror")
        self.edges = Edges(self.engine, self.journal)

    def close(self) -> None:
        self.journal.close()
        self.engine.dispose()

    def tell(self, *events: dict[str, Any]) -> None:
        self.journal.append(entries(*events))
        self.edges.catch_up()

    def rows(self, table: Any) -> list[tuple[Any, ...]]:
        order = list(table.primary_key.columns)
        with self.engine.connect() as conn:
            return [tuple(row) for row in conn.execute(select(table).order_by(*order))]

    def everything(self) -> dict[str, list[tuple[Any, ...]]]:
        return {table.name: self.rows(table) for table in FOLDED}

    def held(self, size: int | None = None) -> set[str]:
        """Edges that hold, as ``job<table`` (reads) and ``job>table`` (writes)."""
        until = EDGES.c.pos_until
        holds = (
            until.is_(None)
            if size is None
            else (EDGES.c.pos_from < size) & (until.is_(None) | (until >= size))
        )
        asked = (
            select(JOBS.c.name, EDGES.c.direction, DATASETS.c.name)
            .join(JOBS, JOBS.c.id == EDGES.c.job_id)
            .join(DATASETS, DATASETS.c.id == EDGES.c.dataset_id)
            .where(holds)
        )
        with self.engine.connect() as conn:
            return {
                f"{job}{'<' if way == INPUT else '>'}{name}"
                for job, way, name in conn.execute(asked)
            }


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(tmp_path)
    yield made
    made.close()


def test_a_completed_run_makes_edges_and_the_next_one_ends_what_it_no_longer_names(
    desk: Desk,
) -> None:
    desk.tell(run_event(1, inputs=("a", "b"), outputs=("c",)))
    desk.tell(run_event(2, minute=5, inputs=("a",), outputs=("c", "d")))
    assert desk.held() == {"load<a", "load>c", "load>d"}
    assert desk.held(1) == {"load<a", "load<b", "load>c"}
    assert desk.held(0) == set()


def test_what_start_and_complete_name_is_taken_together(desk: Desk) -> None:
    desk.tell(
        run_event(1, "START", 0, inputs=("a",)),
        run_event(1, "RUNNING", 1, inputs=("b",)),
        run_event(1, "COMPLETE", 2, outputs=("c",)),
    )
    assert desk.held() == {"load<a", "load<b", "load>c"}
    (run,) = desk.rows(RUNS)
    assert run[RUNS.c.keys().index("state")] == "COMPLETE"


def test_a_run_under_way_counts_until_a_later_one_completes(desk: Desk) -> None:
    desk.tell(run_event(1, "COMPLETE", 0, inputs=("a",)), run_event(2, "START", 5, inputs=("x",)))
    assert desk.held() == {"load<a", "load<x"}
    desk.tell(run_event(2, "FAIL", 6), run_event(3, "COMPLETE", 9, inputs=("a",)))
    assert desk.held() == {"load<a"}


def test_an_old_event_that_comes_late_brings_nothing_back(desk: Desk) -> None:
    desk.tell(run_event(2, minute=5, inputs=("a",)), run_event(1, minute=0, inputs=("old",)))
    assert desk.held() == {"load<a"}
    assert len(desk.rows(RUN_IO)) == 2


def test_the_newest_design_holds_by_direction_and_beside_the_runs(desk: Desk) -> None:
    desk.tell(job_event(1, inputs=("a", "b"), outputs=("c",)), job_event(2, inputs=("b",)))
    assert desk.held() == {"load<b", "load>c"}
    desk.tell(job_event(0, inputs=("late",)), run_event(1, inputs=("r",)))
    assert desk.held() == {"load<b", "load>c", "load<r"}


def test_a_data_set_alone_has_a_row_and_its_schema(desk: Desk) -> None:
    event = run_event(1, None)
    del event["run"], event["job"]
    schema = {"fields": [{"name": "code", "type": "text"}]}
    desk.tell(event | {"dataset": dataset("alone", schema=schema)})
    assert [row[2] for row in desk.rows(DATASETS)] == ["alone"]
    assert '"code"' in desk.rows(FACET_VALUES)[0][1]
    assert desk.held() == set()


def test_facets_hold_until_another_is_said_and_the_same_again_adds_nothing(desk: Desk) -> None:
    one, two = ({"fields": [{"name": name}]} for name in ("a", "b"))
    desk.tell(
        run_event(
            1, minute=1, outputs=(dataset("t", schema=one, dataQualityMetrics={"rowCount": 7}),)
        ),
        run_event(
            2, minute=2, outputs=(dataset("t", schema=one, dataQualityMetrics={"rowCount": 8}),)
        ),
        run_event(3, minute=3, outputs=(dataset("t", schema=two),)),
        run_event(4, minute=0, outputs=(dataset("t", schema=one),)),
        run_event(5, minute=5, outputs=(dataset("t", schema={"_deleted": True}),)),
    )
    names = FACETS.c.keys()
    found = [dict(zip(names, row, strict=True)) for row in desk.rows(FACETS)]
    assert [(row["pos_from"], row["pos_until"]) for row in found] == [(0, 2), (2, 4), (4, None)]
    assert found[-1]["value"] is None


def test_columns_are_kept_once_for_all_who_say_the_same(desk: Desk) -> None:
    said = columns(name=[("people", "xm")], area=[("people", "dz"), ("streets", "mc")])
    said["dataset"] = [
        {
            "namespace": "n",
            "name": "people",
            "field": "id",
            "transformations": [{"type": "INDIRECT", "subtype": "FILTER"}],
        }
    ]
    old = {"fields": {"name": {"inputFields": [], "transformationType": "IDENTITY"}}}
    for minute in range(3):
        desk.tell(run_event(minute + 1, minute=minute, outputs=(dataset("t", columnLineage=said),)))
    assert len(desk.rows(COLUMN_SETS)) == 1
    edges = desk.rows(COLUMN_EDGES)
    assert [(row[2], row[4], row[5], row[6]) for row in edges] == [
        ("name", "xm", "DIRECT", "IDENTITY"),
        ("area", "dz", "DIRECT", "IDENTITY"),
        ("area", "mc", "DIRECT", "IDENTITY"),
        ("", "id", "INDIRECT", "FILTER"),
    ]
    assert {"people", "streets", "t"} == {row[2] for row in desk.rows(DATASETS)}
    desk.tell(run_event(9, minute=9, outputs=(dataset("t", columnLineage=old),)))
    assert [row[4] for row in desk.rows(COLUMN_SETS)] == [3, None]


def test_an_old_kind_of_column_facet_is_read_too(desk: Desk) -> None:
    one = {"namespace": "n", "name": "p", "field": "id"}
    said = {
        "fields": {
            "a": {"inputFields": [one], "transformationType": "MASKED"},
            "b": {"inputFields": [one, "?", {"name": 3}], "transformationType": "INDIRECT"},
            "c": {"inputFields": [one]},
            "d": 4,
        }
    }
    desk.tell(run_event(1, outputs=(dataset("t", columnLineage=said),)))
    assert [(row[2], row[5], row[6], bool(row[7])) for row in desk.rows(COLUMN_EDGES)] == [
        ("a", "DIRECT", "MASKED", True),
        ("b", "INDIRECT", "", False),
        ("c", "", "", False),
    ]


def test_the_newer_facet_for_lineage_is_read_as_well(desk: Desk) -> None:
    one = {"namespace": "n", "name": "p", "type": "DATASET"}
    way = [{"type": "INDIRECT", "subtype": "FILTER"}]
    said = {
        "inputs": [one, one | {"field": "day", "transformations": way}],
        "fields": {
            "a": {"inputs": [one | {"field": "id", "transformations": [{"type": "DIRECT"}]}]}
        },
    }
    desk.tell(run_event(1, outputs=(dataset("t", lineage=said),)))
    assert [(row[2], row[4], row[5], row[6]) for row in desk.rows(COLUMN_EDGES)] == [
        ("a", "id", "DIRECT", ""),
        ("", "day", "INDIRECT", "FILTER"),
    ]


def test_parents_and_times_of_runs_are_kept(desk: Desk) -> None:
    facets = {
        "parent": {"run": {"runId": "p"}, "job": {"namespace": "n", "name": "dag"}},
        "nominalTime": {"nominalStartTime": "2026-05-01T00:00:00Z"},
        "odd": 4,
    }
    desk.tell(run_event(1, "START", 1, run_facets=facets), run_event(1, "FAIL", 3))
    row = dict(zip(RUNS.c.keys(), desk.rows(RUNS)[0], strict=True))
    assert (row["parent_run"], row["parent_name"], row["state"]) == ("p", "dag", "FAIL")
    assert row["ended_at"] - row["started_at"] == 120_000_000
    assert (row["first_pos"], row["last_pos"], row["ended_pos"]) == (0, 1, 1)


def test_what_cannot_be_read_is_flagged_and_the_rest_goes_on(desk: Desk) -> None:
    desk.journal.append(
        [b"no line", b'{"at":1,"by":"","door":"api","token":""}\n{"eventTime":"never"}']
    )
    desk.tell(run_event(1, inputs=("a\0b" + "长" * 700,)))
    assert [row[0] for row in desk.rows(FLAGS)] == [0, 1]
    (row,) = desk.rows(DATASETS)
    assert row[2].startswith("a\ufffdb长")
    assert len(row[2]) == 640


def test_the_reason_of_a_flag_names_the_place_in_the_whole_event(desk: Desk) -> None:
    event = run_event(1, inputs=("a", "b"))
    event["inputs"][1]["facets"] = 4
    desk.tell(event)
    ((_, reason),) = desk.rows(FLAGS)
    assert reason == "Expected `object`, got `int` - at `$.inputs[1].facets`"


EVENT = st.builds(
    lambda run, state, tables, outputs, design: (run, state, tables, outputs, design),
    st.integers(1, 3),
    st.sampled_from(["START", "RUNNING", "COMPLETE", "FAIL", "OTHER", None]),
    st.lists(st.sampled_from("abc"), unique=True, max_size=3),
    st.none() | st.lists(st.sampled_from("xy"), unique=True, max_size=2),
    st.booleans(),
)


def story(told: list[Any]) -> list[dict[str, Any]]:
    """Events, each a minute after the one before."""
    found = []
    for minute, (run, state, inputs, outputs, design) in enumerate(told):
        named: dict[str, Any] = {
            "inputs": tuple(
                dataset(name, schema={"fields": [{"name": str(minute % 2)}]}) for name in inputs
            )
        }
        if outputs is not None:
            said = columns(k=[(name, "k") for name in inputs])
            named["outputs"] = tuple(dataset(name, columnLineage=said) for name in outputs)
        found.append(
            job_event(minute, **named) if design else run_event(run, state, minute, **named)
        )
    return found


@given(st.lists(EVENT, max_size=8), st.randoms(use_true_random=False))
@settings(max_examples=25)
def test_what_holds_does_not_depend_on_order_or_repetition(
    tmp_path_factory: pytest.TempPathFactory, told: list[Any], chance: Random
) -> None:
    events = story(told)
    mixed = events + events[::2]
    chance.shuffle(mixed)
    found = []
    for name, heard in (("straight", events), ("mixed", mixed)):
        desk = Desk(tmp_path_factory.mktemp(name))
        desk.tell(*heard)
        facets = {(row[0], row[1], row[4]) for row in desk.rows(FACETS) if row[3] is None}
        sets = {
            (row[0], row[1], row[2], row[5]) for row in desk.rows(COLUMN_SETS) if row[4] is None
        }
        runs = [row[:13] for row in desk.rows(RUNS)]
        found.append((desk.held(), facets, sets, runs))
        desk.close()
    assert found[0] == found[1]


@given(st.lists(EVENT, max_size=10), st.integers(1, 4))
@settings(max_examples=25)
def test_rows_do_not_depend_on_how_many_entries_are_folded_at_once(
    tmp_path_factory: pytest.TempPathFactory, told: list[Any], chunk: int
) -> None:
    events = entries(*story(told))
    found = []
    for size in (chunk, 1000):
        desk = Desk(tmp_path_factory.mktemp("chunk"))
        desk.journal.append(events)
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(keeping, "CHUNK", size)
            desk.edges.catch_up()
        found.append(desk.everything())
        desk.edges.rebuild()
        assert desk.everything() == found[-1]
        desk.close()
    assert found[0] == found[1]


@given(st.lists(EVENT, max_size=10), st.randoms(use_true_random=False))
@settings(max_examples=25)
def test_behind_every_edge_stand_events_that_say_so(
    tmp_path_factory: pytest.TempPathFactory, told: list[Any], chance: Random
) -> None:
    """What a certificate asks: the entry at which an edge begins names the data set, or ends the run that does."""
    events = story(told)
    chance.shuffle(events)
    desk = Desk(tmp_path_factory.mktemp("behind"))
    desk.tell(*events)
    with desk.engine.connect() as conn:
        naming = Naming(conn, desk.journal)
        for row in conn.execute(select(EDGES)).all():
            reads = row.direction == INPUT
            named = naming.behind(row.pos_from, row.job_id, row.dataset_id, reads=reads)
            event = event_in(desk.journal.entry(row.pos_from))
            assert (event.run is None) == (row.source == "design")
            if named is not None:
                earlier = event_in(desk.journal.entry(named))
                assert event.state == "COMPLETE"
                assert earlier.run == event.run
                event = earlier
            ends = event.inputs if reads else event.outputs
            assert row.dataset_id in {dataset_number(*one) for one in ends}
    desk.close()


def test_every_permutation_of_a_run_and_its_successor_ends_alike(tmp_path: Path) -> None:
    events = [
        run_event(1, "START", 0, inputs=("a", "b")),
        run_event(1, "COMPLETE", 2, outputs=("x",)),
        run_event(2, "START", 1, inputs=("c",)),
        run_event(2, "COMPLETE", 3, inputs=("a",)),
    ]
    desk = Desk(tmp_path)
    for order in permutations(events):
        renamed = [event | {"job": event["job"] | {"name": str(id(order))}} for event in order]
        desk.tell(*renamed)
    held: dict[str, set[str]] = {}
    for edge in desk.held():
        job, way, name = edge.partition("<") if "<" in edge else edge.partition(">")
        held.setdefault(job, set()).add(way + name)
    assert set(map(frozenset, held.values())) == {frozenset({"<a", "<c"})}
    desk.close()


def test_another_journal_or_another_fold_begins_afresh(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.tell(run_event(1, inputs=("a",)))
    monkeypatch.setattr(keeping, "VERSION", 99)
    assert desk.edges.catch_up() == 1
    assert desk.rows(CURSORS)[0][1] == 99
    with Journal.create(tmp_path / "other", "test/lineage") as other:
        other.append(entries(run_event(1, inputs=("b",)), run_event(2, minute=1, inputs=("c",))))
        Edges(desk.engine, other).catch_up()
    assert desk.held() == {"load<c"}


def test_two_processes_do_not_fold_at_once(desk: Desk) -> None:
    desk.journal.append(entries(run_event(1, inputs=("a",))))
    with Journal(desk.journal.place) as same:
        other = Edges(desk.engine, same)
        with other._alone() as alone:
            assert alone
            assert desk.edges.catch_up() == 0
    assert desk.edges.catch_up() == 1
    assert desk.edges.folded() == 1


def test_real_events_make_the_same_rows_on_both_databases(
    shared_data: Path, tmp_path: Path, postgresql_url: str
) -> None:
    events = real_events(shared_data)
    found = []
    for name, url in (("sqlite", None), ("postgresql", postgresql_url)):
        place = tmp_path / name
        place.mkdir()
        desk = Desk(place, url)
        desk.tell(*events)
        found.append(desk.everything())
        desk.close()
    assert found[0]["lineage_flag"] == []
    assert len(found[0]["lineage_edge"]) > 50
    plain = [
        {
            name: [tuple(int(v) if isinstance(v, bool) else v for v in row) for row in rows]
            for name, rows in each.items()
        }
        for each in found
    ]
    assert plain[0] == plain[1]


def test_a_whole_event_stays_byte_for_byte(desk: Desk) -> None:
    event = run_event(1, inputs=(dataset("a", strange={"任意": [1.50, None]}),))
    desk.tell(event)
    assert desk.journal.entry(0).partition(b"\n")[2] == encoded(event)

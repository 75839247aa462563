"""Walking the graph: what is found, in which order, on which page; held against plain Python."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, NullPool, create_engine, delete, make_url

from ledger.lineage import ahead, graph
from ledger.lineage.graph import LineageQueryError
from ledger.lineage.identity import dataset_number
from ledger.lineage.models import RULES, STEP_COLUMNS, STEP_EDGES, STEPS
from ledger.lineage.projection import PROJECTION
from ledger.lineage.statements import anchor
from ledger.lineage.walks import Direction, Walk
from ledger.mirror.tables import cursor
from ledger.organisations.projection import PROJECTION as ORGANISATIONS
from ledger.statements import Statement, sha256
from ledger.store.bulk import insert_rows
from ledger.store.engine import open_database, writing
from ledger.store.types import unsigned64
from tests.lineage.drawn import Drawing, arrows, is_closed_walk, leads, shown
from tests.lineage.events import NAMESPACE, run_event
from tests.lineage.test_edges import Desk
from tests.lineage.test_projection import WATER, attributed, checkpoint, declared, rule, step
from tests.organisations.scribe import FAR, Scribe

WAYS: tuple[Direction, ...] = ("upstream", "downstream")


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    place = tmp_path_factory.mktemp("graph") / "mirror.db"
    made = open_database(f"sqlite:///{place}", "mirror")
    yield made
    made.dispose()


CHAIN = Drawing(
    jobs={"load": (["raw"], ["ods"]), "clean": (["ods", "codes"], ["std"])},
    steps={"merge": (["E-std"], ["E-theme"])},
    rules={"std": "E-std", "ods": "E-std", "theme": "E-theme"},
)


def test_upstream_and_downstream_by_depth_and_across_entries(engine: Engine) -> None:
    with writing(engine) as conn:
        CHAIN.put(conn)
    theme, raw = CHAIN.number("E-theme"), CHAIN.number("raw")
    with engine.connect() as conn:
        near = graph.walk(conn, [theme], direction="upstream", depth=1)
        far = graph.walk(conn, [theme], direction="upstream", depth=20)
        down = graph.walk(conn, [raw], direction="downstream", depth=20)
        nothing = graph.walk(conn, [raw], direction="upstream", depth=20)
    # Both tables of the entry are the entry that the step reads; crossing to them is no step of its own.
    assert shown(CHAIN, near) == {"E-theme": 0, "merge": 1, "E-std": 1, "ods": 1, "std": 1}
    assert shown(CHAIN, far) == {
        **shown(CHAIN, near),
        "load": 2,
        "clean": 2,
        "raw": 2,
        "codes": 2,
    }
    assert shown(CHAIN, down) == {
        "raw": 0,
        "load": 1,
        "ods": 1,
        "E-std": 1,
        "clean": 2,
        "merge": 2,
        "std": 2,
        "E-theme": 2,
    }
    assert shown(CHAIN, nothing) == {"raw": 0}
    ties = {edge.leaf for edge in far.edges if edge.origin == "rule"}
    assert ties == {200, 201}
    assert {edge.leaf for edge in far.edges if edge.origin == "step"} == {100}
    assert all(edge.pos is not None for edge in far.edges if edge.origin == "run")


def test_nodes_say_to_which_entry_they_belong_and_whose_they_are(engine: Engine) -> None:
    with writing(engine) as conn:
        CHAIN.put(conn)
    with engine.connect() as conn:
        found = graph.walk(conn, [CHAIN.number("std")], direction="both", depth=1)
    by_name = {node.name: node for node in found.nodes}
    std, entry, codes = by_name["std"], by_name["E-std"], by_name["codes"]
    assert (std.entry, std.organisation, std.rule, std.leaf) == (
        "E-std",
        "TMP-WATER",
        "R-std",
        200,
    )
    assert (entry.namespace, entry.entry) == ("govledger:entry", "E-std")
    assert (codes.entry, codes.organisation) == (None, None)
    assert (by_name["merge"].kind, by_name["merge"].leaf) == ("job", 100)


def test_two_tables_of_one_entry_do_not_lead_to_each_other(engine: Engine) -> None:
    drawing = Drawing(
        jobs={"one": (["x"], ["a"]), "two": (["y"], ["b"])},
        steps={"step": (["E1"], ["E2"])},
        rules={"a": "E1", "b": "E1"},
    )
    with writing(engine) as conn:
        drawing.put(conn)
    with engine.connect() as conn:
        above = graph.walk(conn, [drawing.number("a")], direction="upstream", depth=9)
        below = graph.walk(conn, [drawing.number("x")], direction="downstream", depth=9)
        assert graph.path(conn, [drawing.number("x")], [drawing.number("b")]) is None
    assert set(shown(drawing, above)) == {"a", "one", "x"}
    assert set(shown(drawing, below)) == {"x", "one", "a", "E1", "step", "E2"}


def test_siblings_are_found_around_a_node(engine: Engine) -> None:
    with writing(engine) as conn:
        CHAIN.put(conn)
    with engine.connect() as conn:
        found = graph.walk(conn, [CHAIN.number("codes")], direction="around", depth=1)
        wide = graph.walk(conn, [CHAIN.number("codes")], direction="around", depth=9)
    assert set(shown(CHAIN, found)) == {"codes", "clean", "ods", "std"}
    assert set(shown(CHAIN, wide)) == set(CHAIN.places.values())
    assert arrows(CHAIN, wide) == CHAIN.flows()


def test_kinds_of_edges_can_be_left_out(engine: Engine) -> None:
    with writing(engine) as conn:
        CHAIN.put(conn)
    with engine.connect() as conn:

        def found(*kinds: str) -> set[str]:
            walked = graph.walk(
                conn, [CHAIN.number("E-theme")], direction="upstream", depth=9, kinds=kinds
            )
            return set(shown(CHAIN, walked))

        assert found("step") == found("derive") == {"E-theme", "merge", "E-std"}
        assert found("run", "rule") == found("merge") == {"E-theme"}
        assert "raw" in found("run", "step", "rule")
        with pytest.raises(LineageQueryError, match="'steps' is no kind"):
            found("steps")


def test_a_cycle_is_told_and_not_followed(engine: Engine) -> None:
    drawing = Drawing(
        jobs={"one": (["a"], ["b"]), "two": (["b"], ["c", "a"]), "self": (["c"], ["c"])},
        steps={"back": (["E1"], ["E2"])},
        rules={"c": "E1", "a": "E2"},
    )
    with writing(engine) as conn:
        drawing.put(conn)
    with engine.connect() as conn:
        for way in WAYS:
            found = graph.walk(conn, [drawing.number("b")], direction=way, depth=50)
            assert all(is_closed_walk(drawing, closed) for closed in found.cycles)
            assert len(found.cycles) == 1
            assert arrows(drawing, found) == drawing.flows()
        plain = graph.walk(conn, [drawing.number("c")], direction="upstream", depth=0)
        assert plain.cycles == ()


def test_a_pipeline_within_one_entry_is_no_cycle(engine: Engine) -> None:
    with writing(engine) as conn:
        CHAIN.put(conn)
    with engine.connect() as conn:
        for way in (*WAYS, "around"):
            assert graph.walk(conn, [CHAIN.number("ods")], direction=way, depth=9).cycles == ()


def test_what_cannot_be_asked_is_refused_with_a_way_out(engine: Engine) -> None:
    with writing(engine) as conn:
        CHAIN.put(conn)
    std = CHAIN.number("std")
    with engine.connect() as conn:
        first = graph.walk(conn, [std], direction="upstream", depth=9, cap=2)
        assert first.truncated
        assert first.continuation is not None
        for roots, changed, why in (
            ([4], {}, "no data set or job with number 4"),
            ([std], {"cap": 0}, "0 nodes cannot be"),
            ([std], {"depth": -1}, "depth of -1"),
            ([std], {"continuation": "x" + first.continuation}, "continuation is damaged"),
            ([std], {"continuation": "é"}, "continuation is damaged"),
            ([std], {"continuation": "Z" * 300}, "continuation is damaged"),
            ([std], {"continuation": first.continuation, "depth": 8}, "another question"),
            ([CHAIN.number("ods")], {"continuation": first.continuation}, "another question"),
        ):
            with pytest.raises(LineageQueryError, match=why) as refusal:
                graph.walk(conn, roots, **{"direction": "upstream", "depth": 9, **changed})  # type: ignore[arg-type]
            assert refusal.value.hint
            assert refusal.value.zh
            assert refusal.value.hint_zh


def test_no_letter_of_a_continuation_can_be_changed(engine: Engine) -> None:
    with writing(engine) as conn:
        CHAIN.put(conn)
    std = CHAIN.number("std")
    with engine.connect() as conn:
        text = graph.walk(conn, [std], direction="upstream", depth=9, cap=2).continuation
        assert text is not None
        for place, letter in enumerate(text):
            changed = text[:place] + ("A" if letter != "A" else "B") + text[place + 1 :]
            with pytest.raises(LineageQueryError, match="continuation"):
                graph.walk(conn, [std], direction="upstream", depth=9, continuation=changed)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("E-std", {"E-std", "std", "ods"}),
        ("E-theme", {"E-theme"}),
        ("postgres://db:std", {"std"}),
        ("dataset:postgres://db:std", {"std"}),
        ("dataset:govledger:entry:E-std", {"E-std"}),
        ("job:airflow:load", {"load"}),
        ("airflow:load", {"load"}),
        ("job:govledger:step:merge", {"merge"}),
    ],
)
def test_nodes_are_found_by_name(engine: Engine, text: str, names: set[str]) -> None:
    with writing(engine) as conn:
        CHAIN.put(conn)
    with engine.connect() as conn:
        assert {CHAIN.places[number] for number in graph.resolve(conn, text)} == names
        with pytest.raises(LineageQueryError, match="nothing in the lineage"):
            graph.resolve(conn, f"job:{text}:x")


def test_a_hub_gives_its_first_page_and_the_others(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    readers = {f"j{at}": (["codes", f"d{at}"], [f"o{at}"]) for at in range(60)}
    drawing = Drawing(jobs=readers)
    with writing(engine) as conn:
        drawing.put(conn)
    monkeypatch.setattr("ledger.lineage.search._FEWEST", 7)
    with engine.connect() as conn:
        pages, text = [], None
        while not pages or text is not None:
            page = graph.walk(
                conn,
                [drawing.number("codes")],
                direction="downstream",
                depth=3,
                cap=9,
                continuation=text,
            )
            pages.append(page)
            text = page.continuation
    assert [len(page.nodes) for page in pages] == [9] * 13 + [4]
    assert len({node.id for page in pages for node in page.nodes}) == 121
    assert sum(len(page.edges) for page in pages) == 120


DATASETS = [f"d{number}" for number in range(5)]
ENDS = [*DATASETS, "E0", "E1"]


@st.composite
def drawings(draw: st.DrawFn) -> Drawing:
    def acts(prefix: str, ends: list[str], most: int) -> dict[str, tuple[list[str], list[str]]]:
        some = st.lists(st.sampled_from(ends), max_size=2, unique=True)
        told = draw(st.lists(st.tuples(some, some), max_size=most))
        return {f"{prefix}{place}": one for place, one in enumerate(told)}

    return Drawing(
        jobs=acts("j", DATASETS, 4),
        steps={
            step: (reads, writes)
            for step, (reads, writes) in acts("s", ENDS, 3).items()
            if reads or writes
        },
        rules=draw(st.dictionaries(st.sampled_from(DATASETS), st.sampled_from(["E0", "E1"]))),
    )


@given(drawings(), st.data())
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_walks_find_what_plain_python_finds(
    engine: Engine, drawing: Drawing, data: st.DataObject
) -> None:
    places = drawing.places
    if not places:
        return
    roots = data.draw(
        st.lists(st.sampled_from(sorted(places)), min_size=1, max_size=2, unique=True)
    )
    way = data.draw(st.sampled_from(WAYS))
    depth = data.draw(st.integers(0, 5))
    cap = data.draw(st.integers(2, 6))
    with writing(engine) as conn:
        drawing.put(conn)
    with engine.connect() as conn:
        whole = graph.walk(conn, roots, direction=way, depth=depth)
        pages, text = [], None
        while not pages or text is not None:
            page = graph.walk(conn, roots, direction=way, depth=depth, cap=cap, continuation=text)
            pages.append(page)
            text = page.continuation
    names = [places[number] for number in roots]
    found = shown(drawing, whole)
    assert found == drawing.reached(names, way, depth)
    # Every flow of a node that had its turn is told, each once; ties join what belongs together.
    near, far = (1, 0) if way == "upstream" else (0, 1)
    acts = {*drawing.jobs, *drawing.steps}
    turned = {
        name
        for name, level in found.items()
        if level < depth or (name in acts and (depth or name not in names))
    }
    told = arrows(drawing, whole)
    assert told == {flow for flow in drawing.flows() if flow[near] in turned}
    assert len(set(whole.edges)) == len(whole.edges)
    assert all(flow[far] in found for flow in told)
    for ends in arrows(drawing, whole, ties=True):
        dataset, entry = sorted(ends, key=lambda name: name.startswith("E"))
        assert drawing.rules[dataset] == entry
    assert leads(whole, places) == set(found)
    assert all(is_closed_walk(drawing, closed) for closed in whole.cycles)
    # Pages are the whole, cut.
    assert [node for page in pages for node in page.nodes] == list(whole.nodes)
    assert [edge for page in pages for edge in page.edges] == list(whole.edges)
    assert all(len(page.nodes) == cap for page in pages[:-1])
    on_pages = [closed for page in pages for closed in page.cycles]
    assert bool(on_pages) == bool(whole.cycles)
    assert all(is_closed_walk(drawing, closed) for closed in on_pages)


@given(drawings(), st.data())
@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_paths_are_shortest_and_there_where_a_walk_leads(
    engine: Engine, drawing: Drawing, data: st.DataObject
) -> None:
    places = drawing.places
    if not places:
        return
    start, end = (data.draw(st.sampled_from(sorted(places))) for _ in range(2))
    with writing(engine) as conn:
        drawing.put(conn)
    with engine.connect() as conn:
        found = graph.path(conn, [start], [end])
        walked = graph.walk(conn, [start], direction="downstream", depth=50)
    levels = {node.id: node.depth for node in walked.nodes}
    if found is None:
        assert end not in levels
        return
    nodes = [node.id for node in found.nodes]
    assert (nodes[0], nodes[-1]) == (start, end)
    assert len(nodes) == len(found.edges) + 1
    for edge, pair in zip(found.edges, pairwise(nodes), strict=True):
        assert (edge.source, edge.target) == pair
        assert (
            edge.origin == "rule" or (places[edge.source], places[edge.target]) in drawing.flows()
        )
    if end in levels:
        assert found.nodes[-1].depth == levels[end]


@pytest.fixture(scope="module")
def server(postgresql_server: str) -> Iterator[Engine]:
    """A mirror on PostgreSQL."""
    name = f"graph_{uuid4().hex}"
    place = make_url(postgresql_server).set(drivername="postgresql+psycopg")
    root = create_engine(place, isolation_level="AUTOCOMMIT", poolclass=NullPool)
    with root.connect() as conn:
        conn.exec_driver_sql(f"CREATE DATABASE {name}")
    made = open_database(place.set(database=name).render_as_string(hide_password=False), "mirror")
    yield made
    made.dispose()
    with root.connect() as conn:
        conn.exec_driver_sql(f"DROP DATABASE {name} WITH (FORCE)")


@given(drawings(), st.data())
@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_what_is_read_ahead_on_a_server_changes_no_page(
    engine: Engine, server: Engine, drawing: Drawing, data: st.DataObject
) -> None:
    places = sorted(drawing.places)
    if not places:
        return
    roots = data.draw(st.lists(st.sampled_from(places), min_size=1, max_size=2, unique=True))
    way = data.draw(st.sampled_from((*WAYS, "both", "around")))
    depth = data.draw(st.integers(2, 6))
    kinds = data.draw(st.sampled_from([None, None, ["run"], ["derive", "rule"], ["rule"]]))
    most, many = data.draw(st.sampled_from([1, 3, 2_048])), data.draw(st.sampled_from([1, 2, 64]))
    found: list[list[Walk]] = []
    for each in (engine, server):
        with writing(each) as conn:
            drawing.put(conn)
        with each.connect() as conn, pytest.MonkeyPatch.context() as patch:
            patch.setattr(ahead, "_MOST", most)
            patch.setattr(ahead, "MANY", many)
            found.append([graph.walk(conn, roots, direction=way, depth=depth, kinds=kinds)])
            text, pages = None, found[-1]
            while len(pages) == 1 or text is not None:
                page = graph.walk(
                    conn,
                    roots,
                    direction=way,
                    depth=depth,
                    kinds=kinds,
                    cap=3,
                    continuation=text,
                )
                pages.append(page)
                text = page.continuation
    assert found[0] == found[1]


def test_a_node_of_many_edges_is_paged_alike_on_a_server(engine: Engine, server: Engine) -> None:
    jobs = {f"reads{at:03d}": (["codes", "raw"], [f"out{at:03d}"]) for at in range(700)}
    drawing = Drawing(jobs={"collect": (["wild"], ["raw"]), "fill": (["raw"], ["codes"]), **jobs})
    found: list[list[Walk]] = []
    for each in (engine, server):
        with writing(each) as conn:
            drawing.put(conn)
        with each.connect() as conn:
            found.append(
                [
                    graph.walk(
                        conn, [drawing.number("wild")], direction="downstream", depth=9, cap=cap
                    )
                    for cap in (20, 600, 10_000)
                ]
            )
    assert found[0] == found[1]
    assert [len(walk.nodes) for walk in found[1]] == [20, 600, 1_405]


def test_both_databases_answer_alike(engine: Engine, postgresql_url: str) -> None:
    other = open_database(postgresql_url, "mirror")
    drawing = Drawing(
        jobs=CHAIN.jobs | {"back": (["E-theme"], ["raw"])},
        steps=CHAIN.steps | {"load2": (["x", "ods_2026"], ["E-std"])},
        rules={"std": "E-std", "ods*": "E-std", "theme": "E-theme"},
    )
    mappings = {"merge": [("E-std", "name", "E-theme", "people")]}
    found = []
    for each in (engine, other):
        with writing(each) as conn:
            drawing.put(conn)
            conn.execute(delete(STEP_COLUMNS))
            conn.execute(delete(STEPS))
            conn.execute(delete(STEP_EDGES))
            conn.execute(delete(RULES))
            drawing.put_statements(conn, mappings)
        with each.connect() as conn:
            theme, raw = drawing.number("E-theme"), drawing.number("raw")
            found.append(
                [
                    graph.nodes_of_entry(conn, "E-std"),
                    graph.walk(conn, [theme], direction="around", depth=9),
                    graph.walk(conn, [theme], direction="both", depth=2, kinds=["run", "derive"]),
                    graph.walk(conn, [raw], direction="downstream", depth=9, cap=3),
                    graph.path(conn, [raw], [theme]),
                    graph.columns(conn, [(theme, "people")], direction="upstream", depth=2),
                    graph.columns(conn, [(theme, "")], direction="both", depth=2),
                ]
            )
    other.dispose()
    assert found[0] == found[1]
    assert drawing.places[found[0][0][0]] == "E-std"
    assert {drawing.places[number] for number in found[0][0]} == {"E-std", "std", "ods", "ods_2026"}
    assert found[0][1].cycles
    assert found[0][5].columns


class Office(Scribe):
    """A scribe whose mirror knows its size."""

    def take(self, fresh: Sequence[Statement]) -> None:
        super().take(fresh)
        root = sha256(b"%d" % self.size)
        with writing(self.engine) as conn:
            conn.execute(delete(cursor))
            row = (1, unsigned64(1), "0x" + "0" * 40, self.size, root, 1, root, None)
            insert_rows(conn, cursor, [row])


def test_a_walk_is_of_the_moment_that_it_is_asked_for(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    scribe = Office(desk.engine, [ORGANISATIONS, PROJECTION])
    people = {"namespace": NAMESPACE, "name": "std"}
    desk.tell(run_event(1, inputs=("raw",), outputs=("std",)))
    anchored = checkpoint(1, origin="test/lineage")
    scribe.write(anchor([anchored], speaker=WATER, deadline=FAR))
    desk.tell(run_event(2, minute=1, inputs=("other",), outputs=("std",)))
    scribe.write(attributed(rule(entry="E-1", namespace="*", name="std")))
    scribe.write(declared(step(inputs=[people], outputs=[{"entry": "E-2"}], columns=[])))
    std = dataset_number(NAMESPACE, "std")
    with desk.engine.connect() as conn:

        def names(way: Direction, as_of: int | None) -> set[str]:
            found = graph.walk(conn, [std], direction=way, depth=5, as_of=as_of)
            assert found.as_of == as_of
            return {node.name for node in found.nodes if node.id != std}

        assert names("upstream", None) == {"load", "other"}
        # Of the journal, what was anchored by then counts.
        assert names("upstream", 1) == names("upstream", 3) == {"load", "raw"}
        assert names("downstream", 2) == set()
        assert names("downstream", 3) == names("downstream", None) == {"S-1", "E-2"}
        assert graph.nodes_of_entry(conn, "E-1", 1) == []
        assert graph.nodes_of_entry(conn, "E-1", 2) == [std]
        (node,) = graph.walk(conn, [std], direction="upstream", depth=0, as_of=1).nodes
        assert node.entry is None
        (node,) = graph.walk(conn, [std], direction="upstream", depth=0, as_of=2).nodes
        assert (node.entry, node.leaf) == ("E-1", 1)
        with pytest.raises(LineageQueryError, match="at this moment"):
            graph.walk(conn, [std], direction="upstream", depth=1, as_of=0)
        first = graph.walk(conn, [std], direction="both", depth=5, cap=1)
    # What comes in between does not change the following pages.
    desk.tell(run_event(3, minute=2, inputs=("late",), outputs=("std",)))
    scribe.write(attributed(rule("R-2", entry="E-3", namespace="*", name="std", priority=9)))
    with desk.engine.connect() as conn:
        rest = graph.walk(
            conn, [std], direction="both", depth=5, cap=99, continuation=first.continuation
        )
        assert {node.name for node in rest.nodes} == {"load", "other", "S-1", "E-2"}
        assert rest.journal == first.journal == 2
        assert graph.nodes_of_entry(conn, "E-1", continuation=first.continuation) == [std]
        assert graph.nodes_of_entry(conn, "E-1") == []
    desk.close()

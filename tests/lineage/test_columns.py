"""Walking from column to column: through events, steps, filters, and across entries."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ledger.lineage import graph
from ledger.lineage.graph import ColumnWalk
from ledger.lineage.identity import dataset_number
from ledger.store.engine import writing
from tests.lineage.drawn import Drawing
from tests.lineage.events import NAMESPACE, columns, dataset, run_event
from tests.lineage.test_edges import Desk


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(tmp_path)
    yield made
    made.close()


def number(name: str) -> int:
    return dataset_number(NAMESPACE, name)


def told(found: ColumnWalk) -> set[str]:
    """Columns of a walk with their depths, as ``table.column@depth``."""
    names = {node.id: node.name for node in found.nodes}
    return {f"{names[one.dataset]}.{one.field}@{one.depth}" for one in found.columns}


def filtered(name: str, field: str) -> list[dict[str, object]]:
    way = [{"type": "INDIRECT", "subtype": "FILTER"}]
    return [{"namespace": NAMESPACE, "name": name, "field": field, "transformations": way}]


def pipeline(desk: Desk) -> None:
    first = columns(xm=[("raw", "name")], dz=[("raw", "addr")]) | {
        "dataset": filtered("codes", "ok")
    }
    second = columns(person=[("ods", "xm")], area=[("ods", "dz"), ("streets", "mc")])
    desk.tell(
        run_event(
            1,
            job="load",
            inputs=("raw", "codes"),
            outputs=(dataset("ods", columnLineage=first),),
        ),
        run_event(
            2,
            minute=1,
            job="merge",
            inputs=("ods", "streets"),
            outputs=(dataset("theme", columnLineage=second),),
        ),
    )


def test_a_column_is_traced_to_its_sources_and_to_what_decides_over_them(desk: Desk) -> None:
    pipeline(desk)
    with desk.engine.connect() as conn:
        start = [(number("theme"), "person")]
        found = graph.columns(conn, start, direction="upstream", depth=9)
        near = graph.columns(conn, start, direction="upstream", depth=1)
        area = graph.columns(conn, [(number("theme"), "area")], direction="upstream", depth=1)
    assert told(found) == {"theme.person@0", "ods.xm@1", "raw.name@2", "codes.ok@2"}
    assert told(near) == {"theme.person@0", "ods.xm@1"}
    assert told(area) == {"theme.area@0", "ods.dz@1", "streets.mc@1"}
    by_kind = {(edge.kind, edge.subtype, edge.output_field) for edge in found.edges}
    assert ("INDIRECT", "FILTER", "") in by_kind
    assert {node.name for node in found.nodes if node.kind == "job"} == {"load", "merge"}
    assert {edge.pos for edge in found.edges} == {0, 1}
    assert found.cycles == ()


def test_what_filters_a_table_reaches_all_that_is_made_of_it(desk: Desk) -> None:
    pipeline(desk)
    with desk.engine.connect() as conn:
        found = graph.columns(conn, [(number("codes"), "ok")], direction="downstream", depth=9)
        name = graph.columns(conn, [(number("raw"), "name")], direction="downstream", depth=9)
        whole = graph.columns(conn, [(number("theme"), "")], direction="upstream", depth=1)
    assert told(found) == {"codes.ok@0", "ods.@1", "theme.person@2", "theme.area@2"}
    assert told(name) == {"raw.name@0", "ods.xm@1", "theme.person@2"}
    assert told(whole) == {"theme.@0", "ods.xm@1", "ods.dz@1", "streets.mc@1"}


def test_columns_hold_as_long_as_the_edge_that_they_belong_to(desk: Desk) -> None:
    pipeline(desk)
    desk.tell(run_event(3, minute=9, job="merge", inputs=("ods",), outputs=("other",)))
    with desk.engine.connect() as conn:
        start = [(number("theme"), "person")]
        now = graph.columns(conn, start, direction="upstream", depth=9)
    assert told(now) == {"theme.person@0"}


def test_pages_of_columns_are_the_whole_cut(desk: Desk) -> None:
    pipeline(desk)
    start = [(number("theme"), "person"), (number("theme"), "area")]
    with desk.engine.connect() as conn:
        whole = graph.columns(conn, start, direction="both", depth=9)
        pages, text = [], None
        while not pages or text is not None:
            page = graph.columns(conn, start, direction="both", depth=9, cap=2, continuation=text)
            pages.append(page)
            text = page.continuation
    assert len(pages) == 4
    assert [one for page in pages for one in page.columns] == list(whole.columns)
    assert [one for page in pages for one in page.edges] == list(whole.edges)


def test_a_cycle_of_columns_is_told_and_columns_side_by_side_are_none(desk: Desk) -> None:
    desk.tell(
        run_event(1, job="swap", outputs=(dataset("t", columnLineage=columns(a=[("t", "b")])),)),
    )
    with desk.engine.connect() as conn:
        found = graph.columns(conn, [(number("t"), "a")], direction="upstream", depth=9)
    assert told(found) == {"t.a@0", "t.b@1"}
    assert found.cycles == ()
    both = columns(a=[("t", "b")], b=[("t", "a")])
    desk.tell(run_event(2, minute=1, job="swap", outputs=(dataset("t", columnLineage=both),)))
    with desk.engine.connect() as conn:
        found = graph.columns(conn, [(number("t"), "a")], direction="upstream", depth=9)
    assert {len(closed) for closed in found.cycles} == {3}


def test_columns_cross_between_an_entry_and_its_data_sets(desk: Desk) -> None:
    pipeline(desk)
    drawing = Drawing(steps={"derive": (["E1"], ["E2"])}, rules={"theme": "E1"})
    with writing(desk.engine) as conn:
        drawing.put_statements(conn, {"derive": [("E1", "person", "E2", "people")]})
    with desk.engine.connect() as conn:
        end = (drawing.number("E2"), "people")
        found = graph.columns(conn, [end], direction="upstream", depth=9)
        back = graph.columns(conn, [(number("ods"), "xm")], direction="downstream", depth=9)
    assert told(found) == {
        "E2.people@0",
        "E1.person@1",
        "theme.person@1",
        "ods.xm@2",
        "raw.name@3",
        "codes.ok@3",
    }
    assert told(back) == {"ods.xm@0", "theme.person@1", "E1.person@1", "E2.people@2"}
    tie = next(edge for edge in found.edges if edge.kind == "RULE")
    assert (tie.job, tie.leaf, tie.input_field, tie.output_field) == (0, 200, "person", "person")

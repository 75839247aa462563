"""Pictures of lineage: every box and arrow is there, nothing is drawn twice, and hostile names do no harm."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections import Counter
from itertools import combinations, pairwise

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.lineage.pictures import Arrow, Box, Names, Picture, of_columns, of_walk
from ledger.lineage.pictures.layout import BOX_HEIGHT, BOX_WIDTH, lay_out
from ledger.lineage.pictures.mermaid import mermaid
from ledger.lineage.pictures.picture import components
from ledger.lineage.pictures.svg import svg
from ledger.lineage.pictures.tree import tree
from ledger.lineage.walks import Column, ColumnEdge, ColumnWalk, Edge, Node, Walk

SVG = "{http://www.w3.org/2000/svg}"
HOSTILE = 'a"<b>&]]>`|#\x1b[31m\ud800'.encode("utf-8", "replace").decode() + "\0\ufffe人口"


def box(title: str, *, root: bool = False, kind: str = "dataset") -> Box:
    return Box(kind, title, f"db {title}", "db", root=root)  # type: ignore[arg-type]


def picture(*ways: tuple[str, str], root: str) -> Picture:
    """Boxes by name, in the order in which they are met; arrows between them."""
    names = list(dict.fromkeys([root, *(end for way in ways for end in way)]))
    arrows = [Arrow(names.index(a), names.index(b), "run") for a, b in ways]
    return Picture(tuple(box(name, root=name == root) for name in names), tuple(arrows))


def lines(drawn: Picture) -> list[str]:
    return list(tree(drawn, lambda one: one.title))


def walk(*edges: tuple[int, int], jobs: set[int], cycles: tuple[tuple[int, ...], ...] = ()) -> Walk:
    numbers = dict.fromkeys(end for edge in edges for end in edge)
    nodes = [
        Node(n, "job" if n in jobs else "dataset", "db", f"n{n}", "E" if n == 1 else None, "O", n)
        for n in numbers
    ]
    return Walk(
        (1,),
        "upstream",
        None,
        9,
        tuple(nodes),
        tuple(Edge(a, b, "run", 3, None, "r") for a, b in edges),
        cycles,
        truncated=False,
        continuation=None,
    )


def test_a_tree_shows_shared_boxes_once_and_refers_to_them() -> None:
    drawn = picture(("b", "a"), ("c", "a"), ("d", "b"), ("d", "c"), ("e", "d"), root="a")
    assert lines(drawn) == [
        "a",
        "├─ b  (run)",
        "│  └─ [1] d  (run)",
        "│     └─ e  (run)",
        "└─ c  (run)",
        "   └─ ↑1  (run)",
    ]


def test_a_tree_marks_cycles_and_does_not_follow_them() -> None:
    drawn = picture(("b", "a"), ("a", "b"), ("a", "a"), root="a")
    assert lines(drawn) == ["[1] a", "├─ ↺1  (run)", "└─ b  (run)", "   └─ ↺1  (run)"]


def test_a_tree_reads_the_other_way_when_turned() -> None:
    drawn = picture(("b", "a"), ("a", "c"), root="a")
    assert lines(drawn) == ["a", "└─ b  (run)"]
    assert lines(drawn.turned()) == ["a", "└─ c  (run)"]


def test_a_chain_longer_than_the_stack_is_drawn() -> None:
    names = [str(n) for n in range(1_500)]
    drawn = picture(*((b, a) for a, b in pairwise(names)), root="0")
    assert len(lines(drawn)) == 1_500
    assert drawn.boxes[-1].title in svg(drawn)


def test_a_walk_is_named_by_entry_and_organisation() -> None:
    drawn = of_walk(
        walk((3, 2), (2, 1), (2, 2), jobs={2}, cycles=((2, 2),)),
        Names({"E": "人口主题库"}, {"O": "大数据中心"}),
        "标题",
    )
    assert [one.title for one in drawn.boxes] == ["人口主题库", "n2", "n3"]
    assert drawn.boxes[0].under == "E · db n1"
    assert drawn.boxes[1].under == "db"
    assert drawn.boxes[0].organisation == "大数据中心"
    assert [one.root for one in drawn.boxes] == [True, False, False]
    assert [(one.source, one.target, one.closing) for one in drawn.arrows] == [
        (1, 0, False),
        (1, 1, True),
        (2, 1, False),
    ]
    assert drawn.arrows[0].said("zh") == "运行，日志 3"
    assert drawn.arrows[0].said("en") == "run, journal 3"


def test_columns_are_boxes_of_their_own_and_a_filter_is_of_the_whole() -> None:
    nodes = walk((2, 1), jobs=set()).nodes
    edges = (
        ColumnEdge(2, "id", 1, "人数", 0, "DIRECT", "AGGREGATION", masking=True, pos=4, leaf=None),
        ColumnEdge(2, "live", 1, "", 0, "INDIRECT", "FILTER", masking=False, pos=None, leaf=7),
    )
    found = ColumnWalk(
        ((1, "人数"),),
        "upstream",
        None,
        9,
        (Column(1, "人数", 0),),
        nodes,
        edges,
        (),
        truncated=False,
        continuation=None,
    )
    drawn = of_columns(found, [(1, "人数")])
    assert [(one.kind, one.title) for one in drawn.boxes] == [
        ("dataset", "n1"),
        ("column", "人数"),
        ("column", "id"),
        ("column", "live"),
    ]
    assert {one.said("en") for one in drawn.arrows} == {
        "DIRECT, AGGREGATION · masking, journal 4",
        "INDIRECT, FILTER, leaf 7",
    }
    assert "直接" in drawn.arrows[0].said("zh") or "间接" in drawn.arrows[0].said("zh")


def test_svg_is_xml_that_holds_every_name_in_full() -> None:
    long = "warehouse.人口综合库_重点人群_very_long_table_name_2026_第一季度"
    drawn = picture((HOSTILE, "a"), (long, HOSTILE), ("a", long), root="a")
    shown = msgspec.structs.replace(drawn, title=f"{HOSTILE} 的来源")
    root = ET.fromstring(svg(shown))  # noqa: S314 - our own output
    titles = [title.text or "" for title in root.iter(f"{SVG}title")]
    assert any(long in title for title in titles)
    assert any('a"<b>&]]>`|#' in title and "人口" in title for title in titles)
    assert len(root.findall(f".//{SVG}rect[@rx='4']")) == 3
    assert len(root.findall(f".//{SVG}path[@marker-end]")) == 3
    texts = [text.text or "" for text in root.iter(f"{SVG}text")]
    assert any("…" in text and text.endswith("第一季度") for text in texts)
    assert svg(shown) == svg(shown)
    assert "数据集（未编目）" in svg(shown)
    assert "data set, not catalogued" in svg(shown, "en")


def test_mermaid_breaks_out_of_no_label() -> None:
    drawn = mermaid(picture((HOSTILE, 'x"]; click n0 "javascript:1"'), root=HOSTILE))
    assert drawn.startswith("flowchart LR\n")
    for line in drawn.splitlines()[1:3]:
        inner = line.split('["', 1)[1].rsplit('"]', 1)[0]
        assert not set('"<>`|\x1b\0') & set(inner.replace("<br/>", ""))
    assert "#quot;" in drawn
    assert "人口" in drawn


def test_an_empty_picture_is_drawn_too() -> None:
    nothing = Picture((), ())
    assert lines(nothing) == []
    assert ET.fromstring(svg(nothing)) is not None  # noqa: S314
    assert mermaid(nothing).startswith("flowchart LR")


ARROWS = st.lists(st.tuples(st.integers(0, 11), st.integers(0, 11)), max_size=30)


@settings(max_examples=60, deadline=None)
@given(ARROWS)
def test_no_two_boxes_overlap_and_arrows_begin_and_end_at_their_boxes(
    pairs: list[tuple[int, int]],
) -> None:
    laid = lay_out(12, pairs)
    for one, other in combinations(laid.boxes, 2):
        apart = abs(one.x - other.x) >= BOX_WIDTH or abs(one.y - other.y) >= BOX_HEIGHT - 1e-6
        assert apart
    assert all(at.x >= 0 and at.y >= -1e-6 for at in laid.boxes)
    assert all(at.x + BOX_WIDTH <= laid.width for at in laid.boxes)
    assert all(at.y + BOX_HEIGHT <= laid.height + 1e-6 for at in laid.boxes)
    for (source, target), bends in zip(pairs, laid.bends, strict=True):
        for end, number in ((bends[0], source), (bends[-1], target)):
            at = laid.boxes[number]
            assert end.x in (at.x, at.x + BOX_WIDTH)
            assert at.y - 1e-6 <= end.y <= at.y + BOX_HEIGHT + 1e-6


@settings(max_examples=60, deadline=None)
@given(ARROWS)
def test_a_tree_shows_each_box_that_is_reached_exactly_once(pairs: list[tuple[int, int]]) -> None:
    boxes = tuple(box(f"n{n}", root=n < 2) for n in range(12))
    drawn = Picture(boxes, tuple(Arrow(a, b, "") for a, b in sorted(set(pairs))))
    reached, waiting = {0, 1}, [0, 1]
    while waiting:
        here = waiting.pop()
        for a, b in pairs:
            if b == here and a not in reached:
                reached.add(a)
                waiting.append(a)
    shown = Counter(word for line in lines(drawn) for word in line.split() if word.startswith("n"))
    assert shown == {f"n{n}": 1 for n in reached}


@settings(max_examples=60, deadline=None)
@given(ARROWS)
def test_components_are_sets_of_boxes_that_reach_one_another(pairs: list[tuple[int, int]]) -> None:
    reach = {n: {n} for n in range(12)}
    for _ in range(12):
        for a, b in pairs:
            reach[a] |= reach[b]
    found = components(12, pairs)
    for a in range(12):
        for b in range(12):
            assert (found[a] == found[b]) == (a in reach[b] and b in reach[a])


@pytest.mark.parametrize("origin", ["run", "design", "step", "rule", "DIRECT", "INDIRECT", "RULE"])
def test_every_origin_has_its_line_and_its_legend(origin: str) -> None:
    drawn = msgspec.structs.replace(
        picture(("b", "a"), root="a"), arrows=(Arrow(1, 0, origin, leaf=4),)
    )
    root = ET.fromstring(svg(drawn, "en"))  # noqa: S314 - our own output
    looks = [path.get("class") for path in root.iter(f"{SVG}path") if path.get("class")]
    assert len(looks) == 2
    assert looks[0] == looks[1]
    assert "--" in mermaid(drawn) or "==>" in mermaid(drawn) or "-.->" in mermaid(drawn)

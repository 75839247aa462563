"""What a picture of lineage shows: boxes, arrows in the direction in which data flow, and where it begins."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Literal

import msgspec

from ledger.lineage.identity import ENTRY_NAMESPACE
from ledger.lineage.walks import ColumnEdge, ColumnWalk, Node, Walk

BoxKind = Literal["dataset", "job", "column"]


class Names(msgspec.Struct, frozen=True):
    """What people call the codes that stand in a graph."""

    entries: Mapping[str, str] = {}
    """Code of an entry (目录条目) -> its name."""
    organisations: Mapping[str, str] = {}
    """Code of an organisation (机构) -> its name."""


class Box(msgspec.Struct, frozen=True):
    """One data set (数据集), job (作业) or column (数据项)."""

    kind: BoxKind
    title: str
    """What it is called; of a data set that an entry covers, the entry's name where one is known."""
    place: str
    """Namespace and name, as events name it."""
    under: str
    """What stands below the title: the entry's code, and of the place what the title does not say."""
    entry: str | None = None
    organisation: str | None = None
    root: bool = False
    """Whether the question began here."""


class Arrow(msgspec.Struct, frozen=True):
    """From box to box, by their places in the picture."""

    source: int
    target: int
    origin: str
    """``run``, ``design``, ``step`` or ``rule``; of columns ``DIRECT``, ``INDIRECT``, ``RULE`` or empty."""
    position: int | None = None
    """The journal's entry that says so."""
    leaf: int | None = None
    """The statement that says so."""
    how: str = ""
    """Of columns: what was done, and by which job."""
    closing: bool = False
    """Whether it lies on a cycle (环)."""

    def said(self, language: str) -> str:
        """Where it comes from, in ``zh`` or ``en``."""
        chinese = language == "zh"
        parts = [_ORIGINS.get(self.origin, self.origin) if chinese else self.origin, self.how]
        if self.position is not None:
            parts.append(f"日志 {self.position}" if chinese else f"journal {self.position}")
        if self.leaf is not None:
            parts.append(f"第 {self.leaf} 号叶" if chinese else f"leaf {self.leaf}")
        return ("，" if chinese else ", ").join(part for part in parts if part)


_ORIGINS = {
    "run": "运行",
    "design": "设计",
    "step": "声明的步骤",
    "rule": "归属规则",
    "DIRECT": "直接",
    "INDIRECT": "间接",
    "RULE": "归属规则",
}


class Picture(msgspec.Struct, frozen=True):
    """Boxes in order of depth and name; ``upstream`` tells which way a tree is read from its roots."""

    boxes: tuple[Box, ...]
    arrows: tuple[Arrow, ...]
    upstream: bool = True
    title: str = ""

    @property
    def roots(self) -> list[int]:
        return [place for place, box in enumerate(self.boxes) if box.root]

    def turned(self) -> Picture:
        """The same, read the other way from its roots."""
        return msgspec.structs.replace(self, upstream=not self.upstream)


_NOBODY = Names()


def of_walk(walk: Walk, names: Names = _NOBODY, title: str = "") -> Picture:
    """The picture of a walk; a walk in both directions is read upstream first."""
    nodes = sorted(walk.nodes, key=_order)
    place = {node.id: at for at, node in enumerate(nodes)}
    roots, closing = set(walk.roots), _closing(walk.cycles)
    arrows = [
        Arrow(
            place[edge.source],
            place[edge.target],
            edge.origin,
            edge.pos,
            edge.leaf,
            closing=(edge.source, edge.target) in closing,
        )
        for edge in walk.edges
        if edge.source in place and edge.target in place
    ]
    return Picture(
        tuple(_box(node, names, root=node.id in roots) for node in nodes),
        tuple(sorted(arrows, key=_arrow_order)),
        walk.direction != "downstream",
        title,
    )


def of_columns(
    walk: ColumnWalk,
    starts: Sequence[tuple[int, str]],
    names: Names = _NOBODY,
    *,
    upstream: bool = True,
    title: str = "",
) -> Picture:
    """The picture of a walk from column to column; each box is a column of a data set."""
    nodes = {node.id: node for node in walk.nodes}
    told = {end for edge in walk.edges for end in _ends(edge)} | set(starts)
    columns = sorted(
        (end for end in told if end[0] in nodes),
        key=lambda end: (_order(nodes[end[0]]), end[1]),
    )
    place = {end: at for at, end in enumerate(columns)}
    begun = set(starts)
    boxes = [
        _column_box(nodes[number], field, names, root=(number, field) in begun)
        for number, field in columns
    ]
    arrows = []
    for edge in walk.edges:
        source, target = _ends(edge)
        if source in place and target in place:
            job = nodes.get(edge.job)
            how = [edge.subtype, "masking" if edge.masking else "", job.name if job else ""]
            said = " · ".join(part for part in how if part)
            ends = (place[source], place[target])
            arrows.append(Arrow(*ends, edge.kind, edge.pos, edge.leaf, said))
    whole = Picture(tuple(boxes), tuple(sorted(arrows, key=_arrow_order)), upstream, title)
    return _with_cycles(whole)


def _ends(edge: ColumnEdge) -> tuple[tuple[int, str], tuple[int, str]]:
    return (edge.input, edge.input_field), (edge.output, edge.output_field)


def _order(node: Node) -> tuple[int, str, str, str]:
    return (node.depth, node.kind, node.namespace, node.name)


def _arrow_order(arrow: Arrow) -> tuple[int, int, str, str]:
    return (arrow.source, arrow.target, arrow.origin, arrow.said("en"))


def _place(node: Node) -> str:
    return node.name if node.namespace == ENTRY_NAMESPACE else f"{node.namespace} {node.name}"


def _box(node: Node, names: Names, *, root: bool) -> Box:
    entry = names.entries.get(node.entry) if node.entry else None
    whose = node.organisation
    title = entry or node.name
    rest = node.namespace if title == node.name else _place(node)
    under = [node.entry or "", "" if rest == ENTRY_NAMESPACE else rest]
    return Box(
        kind="job" if node.kind == "job" else "dataset",
        title=title,
        place=_place(node),
        under=" · ".join(dict.fromkeys(one for one in under if one and one != title)),
        entry=node.entry,
        organisation=(names.organisations.get(whose) or whose) if whose else None,
        root=root,
    )


def _of_table(node: Node, title: str) -> str:
    """Which table a column is of: an entry and its tables have columns of the same names."""
    return title if title == node.name else f"{title} · {node.name}"


def _column_box(node: Node, field: str, names: Names, *, root: bool) -> Box:
    whole = _box(node, names, root=root)
    return msgspec.structs.replace(
        whole,
        kind="column" if field else "dataset",
        title=field or whole.title,
        under=_of_table(node, whole.title) if field else whole.under,
    )


def _closing(cycles: Sequence[Sequence[int]]) -> set[tuple[int, int]]:
    """The arrows of closed walks, whether or not the first stands at the end again."""
    found: set[tuple[int, int]] = set()
    for cycle in cycles:
        whole = list(cycle) if cycle[0] == cycle[-1] and len(cycle) > 1 else [*cycle, cycle[0]]
        found.update(pairwise(whole))
    return found


def _with_cycles(picture: Picture) -> Picture:
    """Arrows between boxes from which each other is reached are marked as closing."""
    component = components(len(picture.boxes), [(a.source, a.target) for a in picture.arrows])
    arrows = [
        msgspec.structs.replace(
            arrow,
            closing=arrow.source == arrow.target
            or component[arrow.source] == component[arrow.target],
        )
        for arrow in picture.arrows
    ]
    return msgspec.structs.replace(picture, arrows=tuple(arrows))


def components(count: int, pairs: Sequence[tuple[int, int]]) -> list[int]:
    """The strongly connected component of each of ``count`` boxes (Kosaraju's two passes, no recursion)."""
    after: dict[int, list[int]] = defaultdict(list)
    before: dict[int, list[int]] = defaultdict(list)
    for source, target in pairs:
        after[source].append(target)
        before[target].append(source)
    finished: list[int] = []
    seen = [False] * count
    for first in range(count):
        if seen[first]:
            continue
        seen[first] = True
        waiting = [(first, iter(after[first]))]
        while waiting:
            here, following = waiting[-1]
            fresh = next((one for one in following if not seen[one]), None)
            if fresh is None:
                finished.append(here)
                waiting.pop()
            else:
                seen[fresh] = True
                waiting.append((fresh, iter(after[fresh])))
    found = [-1] * count
    for first in reversed(finished):
        spreading = [first] if found[first] < 0 else []
        while spreading:
            here = spreading.pop()
            if found[here] < 0:
                found[here] = first
                spreading.extend(one for one in before[here] if found[one] < 0)
    return found

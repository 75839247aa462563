"""Showing what was found in the graph of lineage: as a tree, as JSON, and into files (血缘图输出)."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from ledger.canonical import printable
from ledger.cli.output import err, language, out, print_json, say, write_whole

if TYPE_CHECKING:
    from ledger.cli.lineage_graph import Graph
    from ledger.lineage.pictures import Box, Picture
    from ledger.lineage.walks import Direction, Walk

Svg = Annotated[
    str | None, typer.Option("--svg", metavar="FILE", help="Draw it as SVG; - is standard output.")
]
Mermaid = Annotated[
    str | None,
    typer.Option("--mermaid", metavar="FILE", help="Write it as Mermaid; - is standard output."),
]
ProvJson = Annotated[
    str | None,
    typer.Option(
        "--prov-json", metavar="FILE", help="Write it as PROV-JSON; - is standard output."
    ),
]
ProvO = Annotated[
    str | None,
    typer.Option(
        "--prov-o", metavar="FILE", help="Write it as PROV-O in Turtle; - is standard output."
    ),
]


_SIGNS = {
    "↑": ("↑n：见上文 [n] 处", "↑n: shown above at [n]"),
    "↺": ("↺n：回到上文 [n] 处，构成环", "↺n: leads back to [n], a cycle"),
}


class Drawing(NamedTuple):
    """What is to be shown, and where."""

    title: str
    svg: str | None = None
    mermaid: str | None = None
    prov_json: str | None = None
    prov_o: str | None = None
    as_json: bool = False

    @property
    def takes_output(self) -> bool:
        """Whether standard output is taken by one of the files."""
        return "-" in (self.svg, self.mermaid, self.prov_json, self.prov_o)


def show(graph: Graph, walk: Walk, drawing: Drawing, *, silent: bool = False) -> None:
    """Write what was asked for, and the tree unless something else went to standard output."""
    from ledger.lineage.pictures import of_walk  # noqa: PLC0415 - only where something is drawn
    from ledger.lineage.told import names_of, standing_of, walk_told  # noqa: PLC0415

    connection, as_of = graph.connection, graph.as_of
    standing = standing_of(connection, walk.nodes, as_of)
    names = names_of(connection, walk.nodes, standing, as_of, language=language())
    picture = of_walk(walk, names, drawing.title)
    _write_pictures(picture, drawing)
    if drawing.prov_json is not None or drawing.prov_o is not None:
        from ledger.lineage.prov import prov_json, prov_o, provenance  # noqa: PLC0415

        told = provenance(connection, walk, graph.office.deployment.log, names)
        if drawing.prov_json is not None:
            _write(drawing.prov_json, prov_json(told))
        if drawing.prov_o is not None:
            _write(drawing.prov_o, prov_o(told))
    if drawing.as_json:
        print_json(walk_told(walk, names))
    elif not (silent or drawing.takes_output):
        print_tree(picture, both=walk.direction == "both")
        if not walk.edges:
            say_nothing_known(walk.direction, drawing)


def say_nothing_known(direction: Direction, drawing: Drawing) -> None:
    """That a tree is its root alone because nobody told more."""
    if drawing.as_json or drawing.takes_output:
        return
    said = {
        "upstream": ("没有记录其来源", "nothing is known of where it comes from"),
        "downstream": ("没有记录其去向", "nothing is known to be made of it"),
    }.get(direction, ("没有记录其来源和去向", "nothing is known of where it comes from or goes"))
    out.print(say(*said), style="dim")


def draw(picture: Picture, drawing: Drawing) -> None:
    """The same for a picture that stands for no walk from data set to data set."""
    _write_pictures(picture, drawing)
    if not (drawing.as_json or drawing.takes_output):
        print_tree(picture)


def print_tree(picture: Picture, *, both: bool = False) -> None:
    """The picture as text; of a walk in both directions each by itself."""
    from ledger.lineage.pictures.tree import tree  # noqa: PLC0415

    ways = [(say("来源", "upstream"), picture), (say("去向", "downstream"), picture.turned())]
    out.print(picture.title, style="bold", markup=False)
    for name, way in ways if both else [("", picture)]:
        if name:
            out.print(name, style="dim")
        signs = set[str]()
        for line in tree(way, _label, language()):
            out.print(line, markup=False)
            signs |= {sign for sign in _SIGNS if f"─ {sign}" in line}
        for sign in sorted(signs):
            out.print(say(*_SIGNS[sign]), style="dim")


def _label(box: Box) -> str:
    kind = say("作业 ", "job ") if box.kind == "job" else ""
    parts = [kind + box.title, box.under, box.organisation or ""]
    # A terminal obeys what it is sent, and names come from whoever sent an event.
    return printable(" · ".join(part for part in parts if part))


def _write_pictures(picture: Picture, drawing: Drawing) -> None:
    writers: list[tuple[str | None, Callable[[], str]]] = []
    if drawing.svg is not None:
        from ledger.lineage.pictures.svg import svg  # noqa: PLC0415

        writers.append((drawing.svg, lambda: svg(picture, language())))
    if drawing.mermaid is not None:
        from ledger.lineage.pictures.mermaid import mermaid  # noqa: PLC0415

        writers.append((drawing.mermaid, lambda: mermaid(picture, language())))
    for place, text in writers:
        _write(place or "-", text())


def _write(place: str, text: str) -> None:
    if place == "-":
        sys.stdout.write(text)
        return
    write_whole(Path(place), [text.encode()])
    err.print(say(f"✓ 已写入 {place}", f"✓ written to {place}"), style="green")

"""``govledger lineage trace | column | path``: where data come from, and by which way (血缘查询)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from ledger.cli.lineage_drawing import (
    Drawing,
    Mermaid,
    ProvJson,
    ProvO,
    Svg,
    draw,
    say_nothing_known,
    show,
)
from ledger.cli.output import (
    Exit,
    Problem,
    err,
    language,
    print_json,
    say,
)
from ledger.cli.session import AsOf, Json, reading_office

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from ledger.lineage.walks import Direction, Walk
    from ledger.office import Office

Depth = Annotated[int, typer.Option("--depth", min=1, max=1000, help="How many jobs away.")]
What = Annotated[
    str,
    typer.Argument(
        metavar="CODE",
        help="An entry's code, or namespace:name of a data set or job.",
        show_default=False,
    ),
]
Kinds = Annotated[
    list[str],
    typer.Option(
        "--kind",
        help="Only edges of this kind: run, design, step, rule, or a step's type (collect, standardise, merge, "
        "derive, serve, backflow). May be repeated.",
    ),
]
_MOST_NODES = 10_000
_SHOWN = 12


@dataclass(frozen=True)
class Graph:
    """The office, a connection to its mirror, and the size that ``--as-of`` means."""

    office: Office
    connection: Connection
    as_of: int | None


@contextmanager
def graph_of(as_of: str | None) -> Iterator[Graph]:
    """The graph, brought up to date: the mirror follows the log, the edges follow the journal."""
    with reading_office(as_of, edges=True) as (office, connection, size):
        yield Graph(office, connection, size)


def trace(
    code: What,
    depth: Depth = 20,
    kind: Kinds = [],  # noqa: B006 - typer copies it
    both: Annotated[bool, typer.Option("--both", help="What comes from it, too.")] = False,
    as_of: AsOf = None,
    svg: Svg = None,
    mermaid: Mermaid = None,
    prov_json: ProvJson = None,
    prov_o: ProvO = None,
    as_json: Json = False,
) -> None:
    """Where a table comes from: every job and data set up to its sources.

    Example: govledger lineage trace 318001/000001

    Example: govledger lineage trace postgres://dw:5432:public.schools --depth 3 --svg schools.svg
    """
    with graph_of(as_of) as graph:
        found = walk_of(graph, code, "both" if both else "upstream", depth, kind)
        title = say(f"{code} 的来源", f"Where {code} comes from")
        show(graph, found, Drawing(title, svg, mermaid, prov_json, prov_o, as_json))


def column(
    item: Annotated[
        str,
        typer.Argument(
            metavar="CODE.ITEM", help="An entry and its item, or namespace:name and a column."
        ),
    ],
    depth: Depth = 20,
    downstream: Annotated[
        bool, typer.Option("--downstream", help="What is made of it, instead.")
    ] = False,
    as_of: AsOf = None,
    svg: Svg = None,
    mermaid: Mermaid = None,
    as_json: Json = False,
) -> None:
    """Where the values of one column come from, or with --downstream go to; which filters decide its rows.

    Example: govledger lineage column 318001/000001.学校名称
    """
    from ledger.lineage import graph as graphs  # noqa: PLC0415
    from ledger.lineage.pictures import of_columns  # noqa: PLC0415
    from ledger.lineage.told import columns_told, names_of, standing_of  # noqa: PLC0415

    with graph_of(as_of) as graph:
        starts = _columns_named(graph, item)
        direction: Direction = "downstream" if downstream else "upstream"
        found = graphs.columns(
            graph.connection,
            starts,
            direction=direction,
            depth=depth,
            as_of=graph.as_of,
            cap=_MOST_NODES,
        )
        _say_truncated(truncated=found.truncated)
        if not found.edges:
            _demand_known(graph, item, starts)
        standing = standing_of(graph.connection, found.nodes, graph.as_of)
        names = names_of(graph.connection, found.nodes, standing, graph.as_of, language=language())
    if as_json:
        print_json(columns_told(found, names))
    ends = {
        end
        for edge in found.edges
        for end in ((edge.input, edge.input_field), (edge.output, edge.output_field))
    }
    begun = [start for start in starts if start in ends] or starts[:1]
    title = (
        say(f"{item} 的去向", f"What comes from {item}")
        if downstream
        else say(f"{item} 的来源", f"Where {item} comes from")
    )
    picture = of_columns(found, begun, names, upstream=not downstream, title=title)
    drawing = Drawing(title, svg, mermaid, as_json=as_json)
    draw(picture, drawing)
    if not found.edges:
        say_nothing_known(direction, drawing)


def _demand_known(graph: Graph, text: str, starts: Sequence[tuple[int, str]]) -> None:
    """Refuse a column of which neither lineage nor the catalogue knows: it may be misspelt."""
    from sqlalchemy import select  # noqa: PLC0415

    from ledger.catalogue.selects import items_at  # noqa: PLC0415
    from ledger.lineage import graph as graphs  # noqa: PLC0415

    beside = graphs.columns(
        graph.connection, starts, direction="both", depth=1, as_of=graph.as_of, cap=_MOST_NODES
    )
    name = starts[0][1]
    code = text[: -len(name) - 1]
    items = items_at(graph.as_of).subquery()
    asked = select(items.c.name, items.c.name_en).where(items.c.code == code)
    listed = graph.connection.execute(asked.order_by(items.c.edition, items.c.position)).all()
    if beside.edges or any(name in row for row in listed):
        return
    known = list(dict.fromkeys(row.name for row in listed if row.name))
    shown = ", ".join(known[:_SHOWN]) + (", …" if len(known) > _SHOWN else "")
    raise Problem(
        say(f"{code} 没有名为 {name} 的数据项或列", f"{code} has no item or column {name}"),
        say(f"目录中的数据项：{shown}", f"its items in the catalogue are {shown}")
        if known
        else say(
            "事件、SQL 和步骤均未提到该列；请核对名称",
            "no event, SQL or step tells of it; check the name",
        ),
        Exit.NOT_FOUND,
    )


def _columns_named(graph: Graph, text: str) -> list[tuple[int, str]]:
    """The columns that ``CODE.ITEM`` means; names hold dots, so the last at which the rest is known divides."""
    from ledger.lineage import graph as graphs  # noqa: PLC0415
    from ledger.lineage.walks import LineageQueryError  # noqa: PLC0415

    refused: LineageQueryError | None = None
    for at in sorted((at for at, sign in enumerate(text) if sign == "."), reverse=True):
        whole, field = text[:at], text[at + 1 :]
        try:
            datasets = graphs.resolve(graph.connection, whole, graph.as_of)
        except LineageQueryError as error:
            refused = refused or error
            continue
        return graphs.item_columns(graph.connection, datasets, whole, field, graph.as_of)
    if refused is not None:
        raise refused
    raise Problem(
        say(f"{text} 没有指明数据项", f"{text} names no column"),
        say("写作 目录代码.数据项", "write it as CODE.ITEM"),
        Exit.USAGE,
    )


def path(
    start: Annotated[str, typer.Argument(metavar="A", help="Where data come from.")],
    end: Annotated[str, typer.Argument(metavar="B", help="Where they arrive.")],
    as_of: AsOf = None,
    svg: Svg = None,
    mermaid: Mermaid = None,
    prov_json: ProvJson = None,
    prov_o: ProvO = None,
    as_json: Json = False,
) -> None:
    """A shortest way of data from A to B.

    Example: govledger lineage path postgres://edu:5432:ods.schools 318001/000009
    """
    from ledger.lineage import graph as graphs  # noqa: PLC0415

    with graph_of(as_of) as graph:
        ends = [_resolved(graph, text) for text in (start, end)]
        found = graphs.path(graph.connection, *ends, as_of=graph.as_of)
        if found is None:
            back = graphs.path(graph.connection, *ends[::-1], as_of=graph.as_of)
            raise Problem(
                say(
                    f"没有从 {start} 到 {end} 的数据流",
                    f"no data are known to flow from {start} to {end}",
                ),
                ""
                if back is None
                else say(
                    f"方向相反：数据从 {end} 流向 {start}",
                    f"they flow the other way, from {end} to {start}",
                ),
                Exit.NOT_FOUND,
            )
        title = say(f"从 {start} 到 {end}", f"From {start} to {end}")
        show(graph, found, Drawing(title, svg, mermaid, prov_json, prov_o, as_json))


def _resolved(graph: Graph, text: str) -> list[int]:
    from ledger.catalogue import queries as catalogue  # noqa: PLC0415
    from ledger.lineage import graph as graphs  # noqa: PLC0415
    from ledger.lineage.walks import LineageQueryError  # noqa: PLC0415

    try:
        return graphs.resolve(graph.connection, text, graph.as_of)
    except LineageQueryError as error:
        if not catalogue.standing(graph.connection, [text], as_of=graph.as_of):
            raise
        raise Problem(
            say(
                f"目录中有 {text}，但没有事件、SQL、步骤或规则提到它",
                f"{text} is in the catalogue, but no event, SQL, step or rule tells of it",
            ),
            say(
                "用 `govledger lineage rule add` 归属数据集，或用 `govledger lineage declare` 声明加工步骤",
                "tie its data sets to it with `govledger lineage rule add`, or declare a step with "
                "`govledger lineage declare`",
            ),
            Exit.NOT_FOUND,
        ) from error


def walk_of(
    graph: Graph, text: str, direction: Direction, depth: int, kinds: Sequence[str]
) -> Walk:
    """What lies in a direction of whatever ``text`` names; says so where that is not all."""
    from ledger.lineage import graph as graphs  # noqa: PLC0415
    from ledger.lineage.reading import KINDS  # noqa: PLC0415

    for kind in kinds:
        if kind not in KINDS:
            raise Problem(
                say(f"没有 {kind} 这种血缘边", f"{kind} is no kind of edge"),
                ", ".join(sorted(KINDS)),
                Exit.USAGE,
            )
    found = graphs.walk(
        graph.connection,
        _resolved(graph, text),
        direction=direction,
        depth=depth,
        as_of=graph.as_of,
        kinds=kinds or None,
        cap=_MOST_NODES,
    )
    _say_truncated(truncated=found.truncated)
    return found


def _say_truncated(*, truncated: bool) -> None:
    if truncated:
        err.print(
            say(
                f"！超过 {_MOST_NODES} 个节点，以下并非全部；请减小 --depth",
                f"! more than {_MOST_NODES} nodes, so this is not all; give a smaller --depth",
            ),
            style="yellow",
        )

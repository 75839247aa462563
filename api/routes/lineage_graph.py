"""The graph of lineage as Marquez's clients ask for it (血缘图,Marquez 形式): tables and jobs, columns."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from fastapi import Query
from starlette.requests import Request
from starlette.responses import Response

from api import marquez, shapes
from api.answers import answer_bytes
from api.context import AsOf, ContextOf
from api.graphs import Depth, Moment, NodesAPage, TokenText, asked, refused
from api.language import Text
from api.problems import Fault, Problem
from api.routing import api_router
from ledger.lineage import facts, graph
from ledger.lineage.graph import LineageQueryError
from ledger.lineage.provenance import with_others

router = api_router("", "血缘 lineage")

NodeIdText = Annotated[
    str | None,
    Query(
        alias="nodeId",
        max_length=2600,
        description="dataset:<命名空间>:<名称> 或 job:<命名空间>:<名称>。 Of a data set or a job.",
        examples=["dataset:postgres://dw:5432:public.schools"],
    ),
]
Namespace = Annotated[
    str | None,
    Query(max_length=640, description="命名空间,代替 nodeId。 Instead of nodeId, with `name`."),
]
Name = Annotated[str | None, Query(max_length=640, description="名称。 The name.")]
KindName = Annotated[
    Literal["dataset", "job"],
    Query(alias="type", description="namespace 与 name 指的是什么。 What namespace and name name."),
]


@router.get(
    "/lineage",
    summary="血缘图 · Tables and jobs around a node, as Marquez shows them",
    responses=shapes.ok(shapes.MarquezGraph),
)
def lineage(
    request: Request,
    context: ContextOf,
    *,
    node_id: NodeIdText = None,
    namespace: Namespace = None,
    name: Name = None,
    kind: KindName = "dataset",
    depth: Depth = 20,
    limit: NodesAPage = 500,
    as_of: AsOf = None,
    continuation: TokenText = None,
) -> Response:
    """Both ways at every node, up to `depth` jobs away; more than `limit` nodes come by `continuation`."""
    with asked(context, as_of, continuation) as moment:
        conn = moment.view.conn
        walk = graph.walk(
            conn,
            _roots(moment, _named(node_id, namespace, name, kind)),
            direction="around",
            depth=depth,
            as_of=moment.as_of,
            cap=limit,
            continuation=continuation,
        )
        journal = walk.journal or 0
        numbers = [node.id for node in walk.nodes]
        content = {
            "graph": marquez.graph_of(
                walk,
                with_others(conn, walk, moment.view.held),
                facts.facets(conn, numbers, marquez.FACETS, journal),
                facts.newest_runs(
                    conn, [node.id for node in walk.nodes if node.kind == "job"], journal
                ),
            ),
            "truncated": walk.truncated,
            "continuation": walk.continuation,
        }
        return answer_bytes(request, msgspec.json.encode(content), as_of=moment.view.as_of)


@router.get(
    "/column-lineage",
    summary="数据项血缘图 · What columns are made of, as Marquez shows it",
    responses=shapes.ok(shapes.MarquezGraph),
)
def column_lineage(
    request: Request,
    context: ContextOf,
    *,
    node_id: Annotated[
        str | None,
        Query(
            alias="nodeId",
            max_length=2600,
            description="dataset:…、datasetField:<命名空间>:<名称>:<数据项> 或 job:…。 A data set, a column, a job.",
        ),
    ] = None,
    namespace: Namespace = None,
    name: Name = None,
    field: Annotated[
        str | None, Query(max_length=640, description="数据项。 A column of that data set.")
    ] = None,
    depth: Depth = 20,
    with_downstream: Annotated[
        bool, Query(alias="withDownstream", description="也看下游。 Downstream as well.")
    ] = False,
    limit: NodesAPage = 10_000,
    as_of: AsOf = None,
    continuation: TokenText = None,
) -> Response:
    """Columns upstream (and downstream) of a table, a column, or of what a job writes."""
    with asked(context, as_of, continuation) as moment:
        conn = moment.view.conn
        starts = _starts(moment, node_id, namespace, name, field)
        walk = graph.columns(
            conn,
            starts,
            direction="both" if with_downstream else "upstream",
            depth=depth,
            as_of=moment.as_of,
            cap=limit,
            continuation=continuation,
        )
        nodes = with_others(conn, walk, moment.view.held)
        told = facts.facets(conn, list(nodes), ["schema"], walk.journal or 0)
        content = {
            "graph": marquez.columns_of(walk.edges, nodes, _types(told)),
            "truncated": walk.truncated,
            "continuation": walk.continuation,
        }
        return answer_bytes(request, msgspec.json.encode(content), as_of=moment.view.as_of)


def _named(node_id: str | None, namespace: str | None, name: str | None, kind: str) -> str:
    """The node that a request names; raises a problem where it names none, or two."""
    if node_id is not None and namespace is None and name is None:
        return node_id
    if node_id is None and namespace is not None and name is not None:
        return f"{kind}:{namespace}:{name}"
    detail = Text("请给出 nodeId,或 namespace 与 name", "give nodeId, or namespace and name")
    raise Problem("validation_failed", detail, [Fault("?nodeId", detail, "missing")])


def _roots(moment: Moment, text: str) -> list[int]:
    try:
        return graph.resolve(moment.view.conn, text, moment.as_of, continuation=moment.continuation)
    except LineageQueryError as error:
        raise refused(error, "") from error


def _starts(
    moment: Moment, node_id: str | None, namespace: str | None, name: str | None, field: str | None
) -> list[tuple[int, str]]:
    """The columns that a request names; of a data set or a job all of them."""
    text = _named(node_id, namespace, name, "dataset")
    kind, _, rest = text.partition(":")
    if kind == "datasetField":
        rest, _, field = rest.rpartition(":")
        text = f"dataset:{rest}"
    roots = _roots(moment, text)
    if field is not None:
        return [(number, field) for number in roots]
    conn = moment.view.conn
    if kind == "job":
        writes = graph.walk(conn, roots, direction="downstream", depth=1, as_of=moment.as_of)
        roots = [node.id for node in writes.nodes if node.kind == "dataset"]
    return [(number, "") for number in roots]


def _types(facets: dict[int, dict[str, object]]) -> dict[tuple[int, str], str]:
    """The types of columns, by data set and field."""
    found: dict[tuple[int, str], str] = {}
    for number, told in facets.items():
        schema = told.get("schema")
        fields = schema.get("fields") if isinstance(schema, dict) else None
        for one in fields if isinstance(fields, list) else ():
            if isinstance(one, dict) and isinstance(one.get("type"), str):
                found[number, str(one.get("name"))] = one["type"]
    return found

"""Where an entry comes from and what it feeds (溯源): one request a screen."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any, Literal

import msgspec
from fastapi import Path, Query
from starlette.requests import Request
from starlette.responses import Response

from api import shapes
from api.answers import answer_bytes
from api.context import AsOf, ContextOf, View
from api.graphs import Depth, KindsText, Moment, NodesAPage, TokenText, asked, kinds_of
from api.language import Text
from api.problems import Problem
from api.routing import api_router
from api.wording import named, time_of
from ledger.catalogue import queries as catalogue
from ledger.codes import EntryState, Library, ShareType
from ledger.deliveries.answers import Delivery
from ledger.lineage import graph
from ledger.lineage.graph import ColumnWalk, Walk
from ledger.lineage.provenance import Screen, screen
from ledger.lineage.told import node_id

router = api_router("/provenance", "血缘 lineage")

DirectionName = Literal["upstream", "downstream", "both", "around"]


@router.get(
    "/{code:path}",
    summary="一个条目的溯源视图 · Where an entry comes from and what it feeds, on one screen",
    responses=shapes.ok(shapes.ProvenanceDocument),
)
def provenance(
    request: Request,
    context: ContextOf,
    *,
    code: Annotated[
        str,
        Path(
            max_length=1300,
            description="目录代码,或 dataset:… / job:…。 An entry's code, dataset:… or job:….",
        ),
    ],
    direction: Annotated[
        DirectionName,
        Query(
            description="上游、下游、两者,或每个节点的两个方向。 Upstream, downstream, both, or around each node."
        ),
    ] = "upstream",
    depth: Depth = 20,
    column: Annotated[
        str | None,
        Query(max_length=640, description="只看一个数据项。 One column (item) alone."),
    ] = None,
    kind: KindsText = None,
    limit: NodesAPage = 500,
    as_of: AsOf = None,
    continuation: TokenText = None,
) -> Response:
    """Nodes and edges level by level, with the entry, its owner and the deliveries that hang on them.

    What does not fit on the page is asked for by `continuation`; it is of the same moment. With `column`,
    columns and their edges stand in `columns` and `column_edges`.
    """
    kinds = kinds_of(kind)
    with asked(context, as_of, continuation) as moment:
        view = moment.view
        roots = _roots(moment, code)
        walk: Walk | ColumnWalk
        if column is None:
            walk = graph.walk(
                view.conn,
                roots,
                direction=direction,
                depth=depth,
                as_of=moment.as_of,
                kinds=kinds,
                cap=limit,
                continuation=continuation,
            )
        else:
            walk = graph.columns(
                view.conn,
                graph.item_columns(view.conn, roots, code, column, view.held),
                direction=direction,
                depth=depth,
                as_of=moment.as_of,
                kinds=kinds,
                cap=limit,
                continuation=continuation,
            )
        beside = screen(view.conn, walk, codes=[] if ":" in code else [code], as_of=view.held)
        content = {
            "as_of": view.as_of,
            "log_size": view.log_size,
            "journal": walk.journal,
            "code": code,
            "column": column,
            "direction": direction,
            "depth": depth,
            "roots": [node_id(beside.nodes[number]) for number in roots],
            "entries": _entries(beside),
            "nodes": [
                {
                    "id": node_id(node),
                    "kind": node.kind,
                    "namespace": node.namespace,
                    "name": node.name,
                    "entry": node.entry,
                    "organisation": _party(beside, node.organisation),
                    "depth": max(node.depth, 0),
                    "rule": node.rule,
                    "leaf": node.leaf,
                }
                for node in walk.nodes
            ],
            **_edges(beside, walk),
            "truncated": walk.truncated,
            "continuation": walk.continuation,
        }
        return answer_bytes(request, msgspec.json.encode(content), as_of=view.as_of)


def _roots(moment: Moment, code: str) -> list[int]:
    """The nodes that a code names; none where the catalogue knows the entry and the lineage does not."""
    view = moment.view
    try:
        return graph.resolve(view.conn, code, moment.as_of, continuation=moment.continuation)
    except graph.LineageQueryError as error:
        if _is_entry(view, code):
            return []
        raise Problem("unknown_node", Text(error.zh, str(error))) from error


def _is_entry(view: View, code: str) -> bool:
    return code in catalogue.standing(view.conn, [code], as_of=view.held)


def _edges(beside: Screen, walk: Walk | ColumnWalk) -> dict[str, Any]:
    def place(dataset: int, field: str) -> dict[str, str]:
        return {"dataset": node_id(beside.nodes[dataset]), "field": field}

    def closed(numbers: Iterable[int]) -> list[str]:
        return [node_id(beside.nodes[number]) for number in numbers]

    if isinstance(walk, Walk):
        return {
            "edges": [
                {
                    "source": node_id(beside.nodes[edge.source]),
                    "target": node_id(beside.nodes[edge.target]),
                    "origin": edge.origin,
                    "position": edge.pos,
                    "leaf": edge.leaf,
                    "run": edge.run,
                    "delivery": {
                        "entry": hung.delivery.entry,
                        "number": hung.delivery.number,
                        "leaf": hung.delivery.leaf_from,
                        "by": hung.how,
                        "run": hung.run,
                    }
                    if (hung := beside.hung.get(edge))
                    else None,
                }
                for edge in walk.edges
            ],
            "columns": [],
            "column_edges": [],
            "cycles": [closed(cycle) for cycle in walk.cycles],
            "column_cycles": [],
        }
    return {
        "edges": [],
        "columns": [{**place(one.dataset, one.field), "depth": one.depth} for one in walk.columns],
        "column_edges": [
            {
                "input": place(edge.input, edge.input_field),
                "output": place(edge.output, edge.output_field),
                "job": node_id(beside.nodes[edge.job]) if edge.job else None,
                "kind": edge.kind,
                "subtype": edge.subtype,
                "masking": edge.masking,
                "position": edge.pos,
                "leaf": edge.leaf,
            }
            for edge in walk.edges
        ],
        "cycles": [],
        "column_cycles": [[place(*one) for one in cycle] for cycle in walk.cycles],
    }


def _entries(beside: Screen) -> dict[str, Any]:
    codes = sorted(
        {*beside.entries, *(node.entry for node in beside.nodes.values() if node.entry is not None)}
    )
    found: dict[str, Any] = {}
    for code in codes:
        entry, held = beside.entries.get(code), beside.deliveries.get(code)
        found[code] = {
            "code": code,
            "name": entry.name if entry else None,
            "state": named(EntryState, entry.state) if entry else None,
            "edition": entry.edition if entry else None,
            "published_edition": entry.published_edition if entry else None,
            "provider": _party(beside, entry.provider) if entry else None,
            "library": named(Library, entry.library) if entry else None,
            "share_type": named(ShareType, entry.share_type) if entry else None,
            "grade": entry.grade if entry else None,
            "leaf": entry.leaf if entry else None,
            "delivery": _delivery(held) if held else None,
        }
    return found


def _delivery(one: Delivery) -> dict[str, Any]:
    return {
        "number": one.number,
        "edition": one.edition,
        "period_start": one.period_start.isoformat(),
        "period_end": one.period_end.isoformat(),
        "rows": one.rows,
        "root": one.root,
        "complete": one.complete,
        "recorded_at": time_of(one.recorded_at),
        "leaf": one.leaf_from,
    }


def _party(beside: Screen, code: str | None) -> dict[str, str | None] | None:
    if code is None:
        return None
    name = beside.organisations.get(code)
    return {"code": code, "zh": name.name if name else None, "en": name.name_en if name else None}

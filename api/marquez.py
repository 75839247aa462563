"""Graphs of lineage in the shape of Marquez's read API, so that its clients and pages can be pointed here.

Nodes go by ``dataset:<namespace>:<name>``, ``job:…`` and ``datasetField:<namespace>:<name>:<field>``. What nobody
here knows (creation times, descriptions of versions) is null. As there, an edge of a column's ``inEdges`` has
the column itself as origin, and the column that it is made of as destination; of data sets and jobs, origin and
destination follow the flow.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec

from ledger.lineage.facts import NewestRun
from ledger.lineage.told import node_id
from ledger.lineage.walks import ColumnEdge, Node, Walk

FACETS = ("schema", "documentation", "jobType", "sourceCodeLocation", "ownership", "tags")
"""Facets that are shown."""


# A wide table has thousands of these: structs outside the collector's sight take a third of the time of dicts.
class _End(msgspec.Struct, gc=False):
    origin: str
    destination: str


class _Input(msgspec.Struct, gc=False, rename="camel"):
    namespace: str
    dataset: str
    field: str | None
    transformation_type: str | None
    transformation_description: None = None
    dataset_version: None = None


class _ColumnData(msgspec.Struct, gc=False, rename="camel"):
    namespace: str
    dataset: str
    field: str | None
    field_type: str | None
    transformation_type: str | None
    input_fields: list[_Input]
    transformation_description: None = None
    dataset_version: None = None


class _Column(msgspec.Struct, gc=False, rename="camel"):
    id: str
    type: str
    data: _ColumnData
    in_edges: list[_End]
    out_edges: list[_End]


def graph_of(
    walk: Walk,
    nodes: Mapping[int, Node],
    facets: Mapping[int, Mapping[str, Any]],
    runs: Mapping[int, NewestRun],
) -> list[dict[str, Any]]:
    """The nodes of a walk with their edges; ``nodes`` are also those of other pages."""
    ids = {number: node_id(node) for number, node in nodes.items()}
    coming: dict[int, list[int]] = {}
    going: dict[int, list[int]] = {}
    for source, target in dict.fromkeys((edge.source, edge.target) for edge in walk.edges):
        coming.setdefault(target, []).append(source)
        going.setdefault(source, []).append(target)
    written = _written(walk, runs)
    return [
        {
            "id": ids[node.id],
            "type": node.kind.upper(),
            "data": _job(
                node,
                [_ended(nodes[one]) for one in coming.get(node.id, ())],
                [_ended(nodes[one]) for one in going.get(node.id, ())],
                facets.get(node.id, {}),
                runs.get(node.id),
            )
            if node.kind == "job"
            else _dataset(node, facets.get(node.id, {}), written.get(node.id)),
            "inEdges": [
                {"origin": ids[one], "destination": ids[node.id]} for one in coming.get(node.id, ())
            ],
            "outEdges": [
                {"origin": ids[node.id], "destination": ids[one]} for one in going.get(node.id, ())
            ],
        }
        for node in walk.nodes
    ]


def columns_of(
    edges: Iterable[ColumnEdge], nodes: Mapping[int, Node], types: Mapping[tuple[int, str], str]
) -> list[Any]:
    """Columns with what they are made of; a whole data set stands as a data set."""
    made_of: dict[tuple[int, str], list[ColumnEdge]] = {}
    into: dict[tuple[int, str], dict[tuple[int, str], None]] = {}
    for edge in edges:
        output, source = (edge.output, edge.output_field), (edge.input, edge.input_field)
        made_of.setdefault(output, []).append(edge)
        made_of.setdefault(source, [])
        into.setdefault(source, {})[output] = None
    ids = {one: _column_id(nodes[one[0]], one[1]) for one in made_of}
    return [
        _Column(
            ids[one],
            "DATASET_FIELD" if one[1] else "DATASET",
            _ColumnData(
                nodes[one[0]].namespace,
                nodes[one[0]].name,
                one[1] or None,
                types.get(one),
                told[0].subtype or told[0].kind or None if told else None,
                [_input(edge, nodes[edge.input]) for edge in told],
            ),
            [_End(ids[one], ids[edge.input, edge.input_field]) for edge in told],
            [_End(ids[one], ids[other]) for other in into.get(one, ())],
        )
        for one, told in made_of.items()
    ]


def _column_id(node: Node, field: str) -> str:
    return f"datasetField:{node.namespace}:{node.name}:{field}" if field else node_id(node)


def _input(edge: ColumnEdge, node: Node) -> _Input:
    return _Input(
        node.namespace, node.name, edge.input_field or None, edge.subtype or edge.kind or None
    )


def _dataset(node: Node, facets: Mapping[str, Any], written: NewestRun | None) -> dict[str, Any]:
    schema, documentation = facets.get("schema"), facets.get("documentation")
    fields = schema.get("fields") if isinstance(schema, dict) else None
    return {
        "id": {"namespace": node.namespace, "name": node.name},
        "type": "DB_TABLE",
        "name": node.name,
        "physicalName": node.name,
        "createdAt": None,
        "updatedAt": _moment(written.event_at) if written else None,
        "lastModifiedAt": _moment(written.event_at) if written else None,
        "namespace": node.namespace,
        "sourceName": node.namespace,
        "fields": [
            {
                "name": one.get("name"),
                "type": one.get("type"),
                "tags": [],
                "description": one.get("description"),
            }
            for one in (fields if isinstance(fields, list) else ())
            if isinstance(one, dict)
        ],
        "tags": [],
        "description": documentation.get("description")
        if isinstance(documentation, dict)
        else None,
        "entry": node.entry,
        "organisation": node.organisation,
        "facets": dict(facets),
    }


def _ended(node: Node) -> dict[str, str]:
    return {"namespace": node.namespace, "name": node.name}


def _job(
    node: Node,
    inputs: list[dict[str, str]],
    outputs: list[dict[str, str]],
    facets: Mapping[str, Any],
    run: NewestRun | None,
) -> dict[str, Any]:
    location, documentation = facets.get("sourceCodeLocation"), facets.get("documentation")
    kind = facets.get("jobType")
    streaming = isinstance(kind, dict) and kind.get("processingType") == "STREAMING"
    return {
        "id": {"namespace": node.namespace, "name": node.name},
        "type": "STREAM" if streaming else "BATCH",
        "name": node.name,
        "simpleName": node.name.rpartition(".")[2],
        "createdAt": None,
        "updatedAt": _moment(run.event_at) if run else None,
        "namespace": node.namespace,
        "inputs": inputs,
        "outputs": outputs,
        "location": location.get("url") if isinstance(location, dict) else None,
        "description": documentation.get("description")
        if isinstance(documentation, dict)
        else None,
        "latestRun": _run(run) if run else None,
        "organisation": node.organisation,
        "facets": dict(facets),
    }


def _run(run: NewestRun) -> dict[str, Any]:
    states = {"START": "RUNNING", "COMPLETE": "COMPLETED", "ABORT": "ABORTED", "FAIL": "FAILED"}
    spent = None
    if run.started_at is not None and run.ended_at is not None:
        spent = max(0, (run.ended_at - run.started_at) // 1_000)
    return {
        "id": run.run,
        "state": states.get(run.state or "", run.state or "NEW"),
        "createdAt": _moment(run.started_at),
        "updatedAt": _moment(run.event_at),
        "startedAt": _moment(run.started_at),
        "endedAt": _moment(run.ended_at),
        "durationMs": spent,
        "nominalStartTime": run.nominal_start,
        "nominalEndTime": run.nominal_end,
    }


def _written(walk: Walk, runs: Mapping[int, NewestRun]) -> dict[int, NewestRun]:
    """The newest run of a job that writes a data set, by data set."""
    found: dict[int, NewestRun] = {}
    for edge in walk.edges:
        run = runs.get(edge.source)
        before = found.get(edge.target)
        if run is not None and (before is None or before.event_at < run.event_at):
            found[edge.target] = run
    return found


def _moment(microseconds: int | None) -> str | None:
    if microseconds is None:
        return None
    whole, rest = divmod(microseconds, 1_000_000)
    return f"{datetime.fromtimestamp(whole, UTC):%Y-%m-%dT%H:%M:%S}.{rest:06d}Z"

"""Walks over the graph of lineage as JSON values, with the names that people know (血缘图的 JSON 形式).

Nodes go by ``dataset:<namespace>:<name>`` and ``job:<namespace>:<name>``: numbers of 63 bits lose digits in other
readers.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection

from ledger.catalogue import queries as catalogue
from ledger.catalogue.queries import EntrySummary
from ledger.lineage.pictures.picture import Names
from ledger.lineage.walks import ColumnWalk, Node, Walk
from ledger.organisations import queries as organisations
from ledger.statements import text_hash


def standing_of(
    conn: Connection, nodes: Iterable[Node], as_of: int | None = None
) -> dict[str, EntrySummary]:
    """How the entries of these nodes stand, by code."""
    codes = {node.entry for node in nodes if node.entry is not None}
    return catalogue.standing(conn, sorted(codes), as_of=as_of)


def names_of(
    conn: Connection,
    nodes: Iterable[Node],
    standing: Mapping[str, EntrySummary],
    as_of: int | None = None,
    *,
    language: str = "zh",
    others: Iterable[str] = (),
) -> Names:
    """What people call the entries and organisations of these nodes, and ``others`` by their codes."""
    codes = {node.organisation for node in nodes if node.organisation is not None}
    codes |= {entry.provider for entry in standing.values()} | set(others)
    known = organisations.names(conn, {text_hash(code) for code in codes}, as_of)
    return Names(
        {code: entry.name for code, entry in standing.items() if entry.name is not None},
        {
            one.code: (one.name_en or one.name) if language == "en" else one.name
            for one in known.values()
        },
    )


def node_id(node: Node) -> str:
    """``kind:namespace:name``."""
    return f"{node.kind}:{node.namespace}:{node.name}"


def walk_told(walk: Walk, names: Names) -> dict[str, Any]:
    """A walk, its nodes and edges in the walk's order."""
    ids = {node.id: node_id(node) for node in walk.nodes}
    return {
        "direction": walk.direction,
        "as_of": walk.as_of,
        "journal": walk.journal,
        "roots": [ids[root] for root in walk.roots if root in ids],
        "truncated": walk.truncated,
        "nodes": [_node(node, names) for node in walk.nodes],
        "edges": [
            {
                "source": ids[edge.source],
                "target": ids[edge.target],
                "origin": edge.origin,
                "position": edge.pos,
                "leaf": edge.leaf,
                "run": edge.run,
            }
            for edge in walk.edges
            if edge.source in ids and edge.target in ids
        ],
        "cycles": [[ids[number] for number in cycle] for cycle in walk.cycles],
    }


def columns_told(walk: ColumnWalk, names: Names) -> dict[str, Any]:
    """A walk from column to column; a column is a node's id and a field, empty for the whole."""
    ids = {node.id: node_id(node) for node in walk.nodes}

    def column(dataset: int, field: str) -> dict[str, str]:
        return {"dataset": ids.get(dataset, str(dataset)), "field": field}

    return {
        "direction": walk.direction,
        "as_of": walk.as_of,
        "journal": walk.journal,
        "starts": [column(*start) for start in walk.starts],
        "truncated": walk.truncated,
        "columns": [{**column(one.dataset, one.field), "depth": one.depth} for one in walk.columns],
        "nodes": [_node(node, names) for node in walk.nodes],
        "edges": [
            {
                "input": column(edge.input, edge.input_field),
                "output": column(edge.output, edge.output_field),
                "job": ids.get(edge.job),
                "kind": edge.kind,
                "subtype": edge.subtype,
                "masking": edge.masking,
                "position": edge.pos,
                "leaf": edge.leaf,
            }
            for edge in walk.edges
        ],
        "cycles": [_cycle(cycle, column) for cycle in walk.cycles],
    }


def _cycle(cycle: Sequence[tuple[int, str]], column: Any) -> list[Any]:  # noqa: ANN401 - the closure above
    return [column(*one) for one in cycle]


def _node(node: Node, names: Names) -> dict[str, Any]:
    entry, whose = node.entry, node.organisation
    return {
        "id": node_id(node),
        "kind": node.kind,
        "namespace": node.namespace,
        "name": node.name,
        "entry": entry,
        "entry_name": names.entries.get(entry) if entry else None,
        "organisation": whose,
        "organisation_name": names.organisations.get(whose) if whose else None,
        "depth": node.depth,
        "rule": node.rule,
        "leaf": node.leaf,
    }

"""Whether the way of a column in a certificate follows from what events and declared steps say of columns."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

from ledger.lineage.bodies import StepBody
from ledger.lineage.certificate.document import Certificate, ColumnPart
from ledger.lineage.certificate.evidence import (
    Evidence,
    Known,
    names_of,
    refusal,
    shown,
    spoken,
    step_body,
)
from ledger.log.verdict import Status, Verdict

STEP_NAMESPACE = "govledger:step"
_NAMED = 5
Place = tuple[int, str]
"""A node, and a field of it."""


def check_columns(certificate: Certificate, evidence: Evidence, verdict: Verdict) -> None:
    """Check every column edge, and that all lead to the item; raises
    :class:`~ledger.log.verdict.CheckFailedError` naming the part.
    """
    graph, item = certificate.graph, certificate.about.item
    if (item is None) != (not graph.columns):
        raise refusal("about.item", "item and columns go together", "item 与 columns 须同时给出")
    for place, column in enumerate(graph.columns):
        where = f"graph.columns[{place}]"
        if place and order_of(graph.columns[place - 1]) >= order_of(column):
            raise refusal(where, "columns do not stand in their order", "数据项未按规定排列")
        _check_column(where, certificate, column, evidence)
    if item is not None:
        _check_led(certificate, evidence, item, verdict)


def order_of(column: ColumnPart) -> tuple[int, str, int, str, int, str, str, str, bool]:
    """The order in which they stand."""
    return (
        column.source,
        column.source_field,
        column.target,
        column.target_field,
        column.job,
        column.origin,
        column.kind,
        column.subtype,
        column.masking,
    )


def _check_column(
    where: str, certificate: Certificate, column: ColumnPart, evidence: Evidence
) -> None:
    nodes = certificate.graph.nodes
    ends = (column.source, column.target, column.job)
    if max(ends) >= len(nodes) or [nodes[end].kind for end in ends] != [
        "dataset",
        "dataset",
        "job",
    ]:
        raise refusal(
            where, "it does not lead from data set to data set by a job", "应由作业连接两个数据集"
        )
    source, target, job = (names_of(nodes[end]) for end in ends)
    wanted = (
        column.target_field,
        source,
        column.source_field,
        column.kind,
        column.subtype,
        column.masking,
    )
    if column.origin == "step":
        if column.leaf is None or column.position is not None:
            raise refusal(where, "a declared step stands at a leaf", "声明的步骤应给出叶号")
        body = step_body(where, column.leaf, evidence)
        fits = job == (STEP_NAMESPACE, body.code) and wanted in _of_step(body, target)
        stands = f"leaf {column.leaf}", f"第{column.leaf}号叶"
    else:
        if column.position is None or column.leaf is not None:
            raise refusal(where, "an edge of an event has a position", "事件所致的边应给出位置")
        found = evidence.events.get(column.position)
        event = found.event if found is not None else None
        fits = (
            event is not None
            and event.job == job
            and column.origin == ("design" if event.run is None else "run")
            and wanted in event.columns.get(target, ())
        )
        stands = f"the journal's entry {column.position}", f"日志条目{column.position}"
    if not fits:
        said = (
            f"{spoken(target)} {column.target_field!r}",
            f"{spoken(source)} {column.source_field!r}",
        )
        raise refusal(
            where,
            f"{stands[0]} does not say so that {said[0]} comes from {said[1]}",
            f"{stands[1]}并未如此说明 {said[0]} 来自 {said[1]}",
        )


def _of_step(
    body: StepBody, target: tuple[str, str]
) -> set[tuple[str, tuple[str, str], str, str, str, bool]]:
    return {
        (
            mapping.output.field or "",
            end.names,
            end.field or "",
            mapping.kind,
            mapping.subtype or "",
            mapping.masking,
        )
        for mapping in body.columns
        if mapping.output.names == target
        for end in mapping.inputs
    }


def _check_led(certificate: Certificate, evidence: Evidence, item: str, verdict: Verdict) -> None:
    graph, code = certificate.graph, certificate.about.entry
    aliases = {entry.code: _aliases(_filing(evidence, entry.filing)) for entry in graph.entries}
    siblings: dict[str, list[int]] = defaultdict(list)
    for place, node in enumerate(graph.nodes):
        if node.entry is not None:
            siblings[node.entry].append(place)
    into: dict[int, list[int]] = defaultdict(list)
    for at, column in enumerate(graph.columns):
        into[column.target].append(at)

    def same(place: Place) -> set[Place]:
        entry = graph.nodes[place[0]].entry
        if entry is None:
            return {place}
        fields = {place[1], *aliases[entry].get(place[1], ())}
        return {place, *((node, field) for node in siblings[entry] for field in fields)}

    names = {item, *aliases[code].get(item, ())}
    waiting = [(node, name) for node in siblings[code] for name in names]
    reached, used, ends = set(waiting), set[int](), set[str]()
    while waiting:
        here = waiting.pop()
        alike = same(here)
        found = {
            at for place in alike for at in into[place[0]] if _meets(graph.columns[at], place[1])
        }
        used |= found
        if not found:
            node = graph.nodes[here[0]]
            ends.add(f"{node.entry or shown(node)} {here[1]}".strip())
        before = {(graph.columns[at].source, graph.columns[at].source_field) for at in found}
        fresh = (before | alike) - reached
        reached |= fresh
        waiting += sorted(fresh)
    loose = set(range(len(graph.columns))) - used
    if loose:
        raise refusal(
            f"graph.columns[{min(loose)}]", f"it does not lead to {item}", f"它并不通向 {item}"
        )
    listed = ", ".join(sorted(ends)[:_NAMED]) + (f" … ({len(ends)})" if len(ends) > _NAMED else "")
    verdict.add(
        Status.PROVEN,
        f"Each of the {len(graph.columns)} steps from column to column follows from what events and steps say of "
        f"columns; as far as this file goes, {item} of {code} goes back to: {listed}.",
        f"{len(graph.columns)}条数据项血缘均由事件和步骤所述推出；就本文件所及，{code} 的 {item} 追溯至：{listed}。",
    )


def _meets(column: ColumnPart, field: str) -> bool:
    """Whether a column is part of what comes from there: a whole is of each of its columns, and they of it."""
    return column.target_field in ("", field) or not field


def _filing(evidence: Evidence, leaf: int | None) -> Known | None:
    return None if leaf is None else evidence.statements.get(leaf)


def _aliases(filing: Known | None) -> Mapping[str, set[str]]:
    """What an item's Chinese or English name is in the other language, by the entry's filing."""
    found: dict[str, set[str]] = defaultdict(set)
    items = filing.body.get("items") if filing is not None else None
    for item in items if isinstance(items, list) else ():
        if isinstance(item, dict):
            pair = item.get("name"), item.get("name_en")
            if isinstance(pair[0], str) and isinstance(pair[1], str):
                found[pair[0]].add(pair[1])
                found[pair[1]].add(pair[0])
    return found

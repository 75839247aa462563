"""Whether a certificate's graph follows from its evidence: every edge, attribution and entry, and nothing beside.

The graph in the file is never taken at its word: events are read again, bodies of declared steps and rules decoded
again, and what no part rests on is refused as well.
"""

from __future__ import annotations

from collections import defaultdict

from pydantic import ValidationError

from ledger.codes import InForce
from ledger.lineage.bodies import RuleBody
from ledger.lineage.certificate.columns import check_columns
from ledger.lineage.certificate.document import Certificate, EdgePart, GraphPart, NodePart
from ledger.lineage.certificate.entries import check_entries
from ledger.lineage.certificate.evidence import (
    Evidence,
    names_of,
    refusal,
    shown,
    spoken,
    step_body,
)
from ledger.lineage.certificate.whole import check_all_used, check_led, tell
from ledger.lineage.identity import ENTRY_NAMESPACE
from ledger.log.verdict import CheckFailedError, Verdict
from ledger.statements import DATASET_RULE

STEP_NAMESPACE = "govledger:step"


def check_graph(certificate: Certificate, evidence: Evidence, verdict: Verdict) -> None:
    """Check the graph; raises :class:`CheckFailedError` naming the part that does not follow."""
    graph = certificate.graph
    _check_nodes(graph, evidence)
    for place, edge in enumerate(graph.edges):
        _check_edge(f"graph.edges[{place}]", graph, place, edge, evidence)
    _check_steps_whole(graph, evidence)
    used = check_entries(certificate, evidence.statements, verdict)
    check_columns(certificate, evidence, verdict)
    check_all_used(certificate, evidence, used)
    check_led(certificate)
    tell(certificate, evidence, verdict)


def _check_nodes(graph: GraphPart, evidence: Evidence) -> None:
    seen: set[tuple[str, str, str]] = set()
    touched = {end for edge in graph.edges for end in (edge.source, edge.target)}
    for column in graph.columns:
        touched |= {column.source, column.target, column.job}
    for place, node in enumerate(graph.nodes):
        where = f"graph.nodes[{place}]"
        key = (node.kind, *names_of(node))
        if key in seen:
            raise refusal(where, "it stands there twice", "重复出现")
        seen.add(key)
        if node.kind == "job":
            if node.entry is not None or node.rule is not None:
                raise refusal(where, "a job belongs to no entry", "作业不属于任何条目")
        else:
            _check_attribution(where, node, evidence)
        if place not in touched and node.namespace != ENTRY_NAMESPACE:
            raise refusal(where, "no edge leads to it or from it", "没有任何边与之相连")


def _check_attribution(where: str, node: NodePart, evidence: Evidence) -> None:
    """A data set belongs to an entry by a rule, by being the entry, or to none."""
    if node.namespace == ENTRY_NAMESPACE:
        if node.entry != node.name or node.rule is not None:
            raise refusal(
                where,
                f"the data set is the entry {node.name}, and the file says otherwise",
                f"该数据集即条目 {node.name}，与文件所载不符",
            )
        return
    if (node.entry is None) != (node.rule is None):
        raise refusal(where, "entry and rule go together", "entry 与 rule 须同时给出")
    if node.rule is None or node.entry is None:
        return
    said = evidence.statements.get(node.rule)
    if said is None or said.struct is not DATASET_RULE:
        raise refusal(
            where,
            f"leaf {node.rule} is no rule in this file",
            f"第{node.rule}号叶不是本文件中的归属规则",
        )
    try:
        body = RuleBody.model_validate(said.body)
    except ValidationError as error:
        raise refusal(where, "the rule's body cannot be read", "规则正文无法解读") from error
    follows = (
        said.says("code", body.code)
        and said.says("holder", body.holder)
        and said.number("status") == InForce.ACTIVE.number
        and body.entry == node.entry
        and matches(body.namespace, node.namespace)
        and matches(body.name, node.name)
    )
    if not follows:
        raise refusal(
            where,
            f"the rule at leaf {node.rule} does not tie {shown(node)} to the entry {node.entry}",
            f"第{node.rule}号叶的规则并未将 {shown(node)} 归属到条目 {node.entry}",
        )


def matches(pattern: str, text: str) -> bool:
    """Whether a pattern with ``*`` (any characters) and ``?`` (one) is this text from end to end."""
    at = place = 0
    star, tried = -1, 0
    while place < len(text):
        if at < len(pattern) and pattern[at] == "*":
            star, tried, at = at, place, at + 1
        elif at < len(pattern) and pattern[at] in ("?", text[place]):
            at, place = at + 1, place + 1
        elif star >= 0:
            tried += 1
            at, place = star + 1, tried
        else:
            return False
    return not pattern[at:].strip("*")


def _check_edge(
    where: str, graph: GraphPart, place: int, edge: EdgePart, evidence: Evidence
) -> None:
    if max(edge.source, edge.target) >= len(graph.nodes):
        raise refusal(where, "it leads to a node that is not there", "指向不存在的节点")
    source, target = graph.nodes[edge.source], graph.nodes[edge.target]
    if source.kind == target.kind:
        raise refusal(where, "an edge leads from data set to job or back", "边只能连接数据集与作业")
    if place and _order(graph.edges[place - 1]) >= _order(edge):
        raise refusal(where, "edges do not stand in their order", "边未按规定排列")
    job, dataset = (target, source) if target.kind == "job" else (source, target)
    reads = target.kind == "job"
    if edge.origin == "step":
        _check_step(where, edge, job, dataset, evidence, reads=reads)
    else:
        _check_event(where, edge, job, dataset, evidence, reads=reads)


def _order(edge: EdgePart) -> tuple[int, int, str]:
    return (edge.source, edge.target, edge.origin)


def _check_step(
    where: str,
    edge: EdgePart,
    job: NodePart,
    dataset: NodePart,
    evidence: Evidence,
    *,
    reads: bool,
) -> None:
    if edge.position is not None or edge.named is not None or edge.leaf is None:
        raise refusal(where, "a declared step stands at a leaf", "声明的步骤应给出叶号")
    body = step_body(where, edge.leaf, evidence)
    ends = body.inputs if reads else body.outputs
    if names_of(job) != (STEP_NAMESPACE, body.code):
        raise refusal(
            where,
            f"leaf {edge.leaf} declares the step {body.code}, not {shown(job)}",
            f"第{edge.leaf}号叶声明的是步骤 {body.code}，而非 {shown(job)}",
        )
    if names_of(dataset) not in {end.names for end in ends}:
        raise _not_named(
            where, f"the step at leaf {edge.leaf}", f"第{edge.leaf}号叶的步骤", dataset, reads=reads
        )


def _not_named(where: str, en: str, zh: str, dataset: NodePart, *, reads: bool) -> CheckFailedError:
    does, does_zh = ("reads", "读取") if reads else ("writes", "写入")
    return refusal(
        where,
        f"{en} does not say that it {does} {shown(dataset)}",
        f"{zh}并未说明{does_zh} {shown(dataset)}",
    )


def _check_event(
    where: str,
    edge: EdgePart,
    job: NodePart,
    dataset: NodePart,
    evidence: Evidence,
    *,
    reads: bool,
) -> None:
    """The event at ``position`` names the data set; or it completes a run whose event at ``named`` does."""
    if edge.leaf is not None or edge.position is None:
        raise refusal(where, "an edge of an event has a position", "事件所致的边应给出位置")
    found = evidence.events.get(edge.position)
    if found is None:
        raise refusal(
            where,
            f"the journal's entry {edge.position} is not in this file",
            f"本文件中没有日志条目{edge.position}",
        )
    event = found.event
    kind = "design" if event.run is None else "run"
    if event.job != names_of(job) or kind != edge.origin:
        raise refusal(
            where,
            f"entry {edge.position} is a {kind} of the job {spoken(event.job)}, not a {edge.origin} of "
            f"{shown(job)}",
            f"条目{edge.position}出自作业 {spoken(event.job)}，而非 {shown(job)}",
        )
    naming, at = event, edge.position
    if edge.named is not None:
        second = evidence.events.get(edge.named)
        completes = event.state == "COMPLETE" and event.run is not None
        if names_of(dataset) in (event.inputs if reads else event.outputs) or not completes:
            raise refusal(where, "`named` is not needed here", "此处不应给出 `named`")
        if second is None:
            raise refusal(
                where,
                f"the journal's entry {edge.named} is not in this file",
                f"本文件中没有日志条目{edge.named}",
            )
        naming, at = second.event, edge.named
        if naming.job != event.job or (naming.run or "").lower() != (event.run or "").lower():
            raise refusal(
                where,
                f"the entries {edge.position} and {edge.named} are not of one run",
                f"条目{edge.position}与{edge.named}不属于同一次运行",
            )
    if names_of(dataset) not in (naming.inputs if reads else naming.outputs):
        raise _not_named(where, f"the journal's entry {at}", f"日志条目{at}", dataset, reads=reads)


def _check_steps_whole(graph: GraphPart, evidence: Evidence) -> None:
    """A declared step that leads on to its inputs leads to all of them: one statement names them together."""
    read: dict[int, set[tuple[str, str]]] = defaultdict(set)
    for edge in graph.edges:
        if edge.leaf is not None and graph.nodes[edge.target].kind == "job":
            read[edge.leaf].add(names_of(graph.nodes[edge.source]))
    for leaf, found in sorted(read.items()):
        body = step_body(f"leaf {leaf}", leaf, evidence)
        missing = [end.names for end in body.inputs if end.names not in found]
        if missing:
            raise refusal(
                "graph.edges",
                f"the step at leaf {leaf} also reads {spoken(missing[0])}, and no edge says so",
                f"第{leaf}号叶的步骤还读取 {spoken(missing[0])}，图中却没有这条边",
            )

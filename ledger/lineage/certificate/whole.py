"""Whether a certificate holds what belongs together and nothing beside, and what its graph comes to in words."""

from __future__ import annotations

from collections import Counter, defaultdict, deque

from ledger.lineage.bodies import StepBody
from ledger.lineage.certificate.document import Certificate, GraphPart
from ledger.lineage.certificate.evidence import Evidence, names_of, refusal, shown, spoken
from ledger.lineage.identity import ENTRY_NAMESPACE
from ledger.lineage.pictures.picture import components
from ledger.log.verdict import Status, Verdict

_NAMED = 5


def check_all_used(certificate: Certificate, evidence: Evidence, used: set[int]) -> None:
    """Whether every statement and event has something that rests on it; ``used`` are the entries' leaves."""
    graph, journal = certificate.graph, certificate.journal
    leaves = used | {node.rule for node in graph.nodes} | {edge.leaf for edge in graph.edges}
    leaves |= {column.leaf for column in graph.columns}
    leaves |= {anchor.leaf for anchor in journal.anchors} if journal else set()
    for place, vouched in enumerate(certificate.statements):
        if vouched.statement.index not in leaves:
            raise refusal(f"statements[{place}]", "nothing rests on it", "没有内容以其为据")
    positions = {edge.position for edge in graph.edges} | {edge.named for edge in graph.edges}
    positions |= {column.position for column in graph.columns}
    unused = sorted(evidence.events.keys() - positions)
    if unused:
        raise refusal(
            "journal.events",
            f"no edge rests on the entry {unused[0]}",
            f"没有边以条目{unused[0]}为据",
        )
    if journal is not None and not journal.events:
        raise refusal("journal", "no event is in it", "其中没有事件")


def reach(graph: GraphPart, code: str) -> dict[int, int]:
    """How many jobs lie between an entry and each node, against the flow; data sets of one entry are one."""
    before: dict[int, set[int]] = defaultdict(set)
    siblings: dict[str, list[int]] = defaultdict(list)
    for edge in graph.edges:
        before[edge.target].add(edge.source)
    for column in graph.columns:
        before[column.target].add(column.job)
        before[column.job].add(column.source)
    for place, node in enumerate(graph.nodes):
        if node.entry is not None:
            siblings[node.entry].append(place)
    found = dict.fromkeys(siblings[code], 0)
    waiting = deque(found)
    while waiting:
        here = waiting.popleft()
        entry = graph.nodes[here].entry
        same = siblings[entry] if entry is not None else []
        for there in (*same, *sorted(before[here])):
            far = found[here] + (graph.nodes[there].kind == "job")
            if there not in found or far < found[there]:
                found[there] = far
                # No job further: before everything that is.
                (waiting.append if far > found[here] else waiting.appendleft)(there)
    return found


def check_led(certificate: Certificate) -> None:
    """Whether every node leads to the delivery, within the depth that the file names."""
    graph, about = certificate.graph, certificate.about
    found = reach(graph, about.entry)
    for place, node in enumerate(graph.nodes):
        if place not in found:
            raise refusal(
                f"graph.nodes[{place}]",
                f"{shown(node)} does not lead to {about.entry}",
                f"{shown(node)} 并不通向 {about.entry}",
            )
        if found[place] > about.depth:
            raise refusal(
                "about.depth",
                f"{shown(node)} lies {found[place]} jobs away",
                f"{shown(node)} 相距{found[place]}个作业",
            )


def tell(certificate: Certificate, evidence: Evidence, verdict: Verdict) -> None:
    """Say what the graph comes to."""
    graph, about = certificate.graph, certificate.about
    origins = Counter(edge.origin for edge in graph.edges)
    steps = {edge.leaf for edge in graph.edges if edge.leaf is not None}
    if graph.edges:
        verdict.add(
            Status.PROVEN,
            f"Each of the {len(graph.edges)} edges follows from its evidence: {origins['run']} from runs and "
            f"{origins['design']} from designs, in {len(evidence.events)} events, {origins['step']} from "
            f"{len(steps)} declared steps.",
            f"{len(graph.edges)}条边均由其证据推出：运行{origins['run']}条、设计{origins['design']}条"
            f"（共{len(evidence.events)}个事件），声明的步骤{origins['step']}条（共{len(steps)}项）。",
        )
    written = {edge.target for edge in graph.edges}
    derived = {graph.nodes[place].entry for place in written} - {None}
    sources = sorted(
        {
            node.entry or (f"job {shown(node)}" if node.kind == "job" else shown(node))
            for place, node in enumerate(graph.nodes)
            if place not in written and (node.entry is None or node.entry not in derived)
        }
    )
    if not sources:
        # All of one entry: then the data sets that nothing writes, raw tables of it, say more than its code.
        unwritten = [node for place, node in enumerate(graph.nodes) if place not in written]
        sources = sorted({shown(node) for node in unwritten if node.namespace != ENTRY_NAMESPACE})
    listed = ", ".join(sources[:_NAMED]) + (f" … ({len(sources)})" if len(sources) > _NAMED else "")
    verdict.add(
        Status.PROVEN,
        f"As far as this file goes, {about.entry} goes back to: {listed or 'a cycle and nothing before it'}.",
        f"就本文件所及，{about.entry} 追溯至：{listed or '环，其前再无来源'}。",
    )
    _tell_of_cycles(graph, verdict)
    _tell_of_order(certificate, evidence, verdict)
    _tell_of_omissions(graph, evidence, verdict)


def _tell_of_cycles(graph: GraphPart, verdict: Verdict) -> None:
    component = components(len(graph.nodes), [(edge.source, edge.target) for edge in graph.edges])
    sizes = Counter(component)
    around = sorted(
        shown(node) for node, part in zip(graph.nodes, component, strict=True) if sizes[part] > 1
    )
    if around:
        listed = ", ".join(around[:_NAMED]) + (" …" if len(around) > _NAMED else "")
        verdict.add(
            Status.PROVEN,
            f"Some data sets and jobs feed one another in a cycle: {listed}.",
            f"部分数据集与作业互为来源，形成环：{listed}。",
        )


def _tell_of_order(certificate: Certificate, evidence: Evidence, verdict: Verdict) -> None:
    """How many events were anchored before the delivery was recorded: the log's own order shows it."""
    if not evidence.events:
        return
    entry = next(one for one in certificate.graph.entries if one.code == certificate.about.entry)
    early = sum(one.leaf < (entry.delivery or 0) for one in evidence.events.values())
    verdict.add(
        Status.PROVEN,
        f"{early} of the {len(evidence.events)} events were anchored before the delivery was recorded at leaf "
        f"{entry.delivery}; of the others the log does not show that they are older.",
        f"{len(evidence.events)}个事件中有{early}个在交付（第{entry.delivery}号叶）记录之前锚定；"
        "其余事件是否更早，日志不能说明。",
    )


def _tell_of_omissions(graph: GraphPart, evidence: Evidence, verdict: Verdict) -> None:
    """Inputs that an event or step in the file names, and that the graph does not lead to."""
    place = {(node.kind, *names_of(node)): at for at, node in enumerate(graph.nodes)}
    edges = {(edge.source, edge.target) for edge in graph.edges}
    left = []
    for position, anchored in sorted(evidence.events.items()):
        job = place[("job", *anchored.event.job)]
        left += [
            f"{spoken(names)} ({position})"
            for names in anchored.event.inputs
            if (place.get(("dataset", *names), -1), job) not in edges
        ]
    read = {edge.leaf for edge in graph.edges if graph.nodes[edge.target].kind == "job"}
    for leaf in sorted({edge.leaf for edge in graph.edges if edge.leaf is not None} - read):
        body = StepBody.model_validate(evidence.statements[leaf].body)
        left += [f"{spoken(end.names)} ({body.code})" for end in body.inputs]
    if left:
        listed = ", ".join(left[:_NAMED]) + (f" … ({len(left)})" if len(left) > _NAMED else "")
        verdict.add(
            Status.STATED,
            "The events and steps name inputs that this graph leaves out, because they were replaced since, or lie "
            f"too far away, or were dropped: {listed}.",
            f"事件和步骤中还提到本图未列入的输入（其后已被替换、超出深度或被略去）：{listed}。",
        )

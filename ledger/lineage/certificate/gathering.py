"""A walk as a certificate holds it: nodes by their full names, and behind each edge the entry or leaf that says so."""

from __future__ import annotations

from collections.abc import Sequence

from ledger.lineage.certificate.columns import order_of
from ledger.lineage.certificate.document import ColumnPart, EdgePart, NodePart
from ledger.lineage.certificate.naming import Naming, NotSaid
from ledger.lineage.certificate.refusals import CertificateError
from ledger.lineage.identity import ENTRY_NAMESPACE, dataset_number
from ledger.lineage.walks import ColumnEdge, ColumnWalk, Edge, Node, Walk


class Gathered:
    """A walk as the certificate holds it, named by its evidence."""

    def __init__(
        self, walk: Walk | None, columns: ColumnWalk | None, naming: Naming, entry: str
    ) -> None:
        flows = [edge for edge in walk.edges if edge.origin != "rule"] if walk else []
        known = {node.id: node for node in walk.nodes} if walk else {}
        ends = {end for edge in flows for end in (edge.source, edge.target)}
        told = [edge for edge in columns.edges if edge.job] if columns else []
        known = {node.id: node for node in columns.nodes} | known if columns else known
        ends |= {end for edge in told for end in (edge.input, edge.output, edge.job)}
        found = self._edges(flows, known, naming)
        parts = [
            (known[number], self._node(known[number], naming))
            for number in known
            if number in ends or known[number].namespace == ENTRY_NAMESPACE
        ]
        if all(node.id != dataset_number(ENTRY_NAMESPACE, entry) for node, _ in parts):
            parts.insert(0, _entry_node(entry))
        parts.sort(key=lambda one: (one[0].depth, one[1].kind, one[1].namespace, one[1].name))
        place = {node.id: at for at, (node, _) in enumerate(parts)}
        self.nodes = [part for _, part in parts]
        self.edges = sorted(
            (
                EdgePart(
                    source=place[edge.source],
                    target=place[edge.target],
                    origin=edge.origin,  # type: ignore[arg-type]  # rules were left out above
                    position=position,
                    named=named,
                    leaf=edge.leaf if edge.origin == "step" else None,
                )
                for edge, position, named in found
            ),
            key=lambda edge: (edge.source, edge.target, edge.origin),
        )
        naming.learn_columns(told)
        self.columns = sorted((_column(edge, place, naming) for edge in told), key=order_of)
        self.codes = sorted({node.entry for node in self.nodes if node.entry is not None})
        cited = {edge.position for edge in self.edges} | {edge.named for edge in self.edges}
        cited |= {column.position for column in self.columns}
        self.positions = sorted(position for position in cited if position is not None)

    @staticmethod
    def _edges(
        flows: Sequence[Edge], known: dict[int, Node], naming: Naming
    ) -> list[tuple[Edge, int | None, int | None]]:
        """Each edge with the journal's entries behind it."""
        found: list[tuple[Edge, int | None, int | None]] = []
        for edge in flows:
            if edge.pos is None:
                naming.learn_step(edge.leaf or 0)
                found.append((edge, None, None))
                continue
            reads = known[edge.target].kind == "job"
            job, dataset = (edge.target, edge.source) if reads else (edge.source, edge.target)
            try:
                named = naming.behind(edge.pos, job, dataset, reads=reads)
            except NotSaid as error:
                raise _unsupported(str(error), edge.pos) from error
            found.append((edge, edge.pos, named))
        return found

    @staticmethod
    def _node(node: Node, naming: Naming) -> NodePart:
        namespace, name = naming.names.get(node.id, (node.namespace, node.name))
        own = node.namespace == ENTRY_NAMESPACE
        covered = node.kind == "dataset" and node.entry is not None
        return NodePart(
            kind=node.kind,
            namespace=namespace,
            name=name,
            entry=node.entry if covered else None,
            rule=node.leaf if covered and not own else None,
        )


def _column(edge: ColumnEdge, place: dict[int, int], naming: Naming) -> ColumnPart:
    return ColumnPart(
        source=place[edge.input],
        source_field=edge.input_field,
        target=place[edge.output],
        target_field=edge.output_field,
        job=place[edge.job],
        origin="step" if edge.pos is None else naming.kind(edge.pos),
        kind=edge.kind,
        subtype=edge.subtype,
        masking=edge.masking,
        position=edge.pos,
        leaf=edge.leaf if edge.pos is None else None,
    )


def _entry_node(code: str) -> tuple[Node, NodePart]:
    """The entry itself, where no walk came by it."""
    number = dataset_number(ENTRY_NAMESPACE, code)
    node = Node(number, "dataset", ENTRY_NAMESPACE, code, code, None, 0)
    return node, NodePart(
        kind="dataset", namespace=ENTRY_NAMESPACE, name=code, entry=code, rule=None
    )


def _unsupported(why: str, position: int) -> CertificateError:
    return CertificateError(
        f"an edge does not follow from the journal's entry {position}: {why}",
        "fold the edges anew with `govledger journal fold --afresh`, and check the journal with "
        "`govledger journal fsck`",
        zh=f"由日志条目 {position} 得不到某条血缘边：{why}",
        hint_zh="用 `govledger journal fold --afresh` 重新生成血缘，并用 `govledger journal fsck` 检查日志",
    )

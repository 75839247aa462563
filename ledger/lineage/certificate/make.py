"""Making provenance certificates (溯源证书) from mirror and journal.

The graph is walked from the entry towards its sources; behind every edge the statement or the journal's entry is
fetched, and its proof made. An edge whose event no anchored checkpoint vouches for cannot be certified: the refusal
says so and what to do. Only reads.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Connection

from ledger.catalogue import queries as catalogue
from ledger.deliveries import queries as deliveries
from ledger.deliveries.queries import Delivery
from ledger.journal.journal import Journal
from ledger.lineage import graph as graphs
from ledger.lineage import queries
from ledger.lineage.certificate.document import (
    CERTIFICATE_FORMAT,
    MAX_CERTIFICATE_BYTES,
    AboutPart,
    AnchorPart,
    Certificate,
    EdgePart,
    EntryPart,
    EventPart,
    GraphPart,
    JournalPart,
    NodePart,
    VouchedPart,
    plain,
)
from ledger.lineage.certificate.instructions import HOW_TO_CHECK
from ledger.lineage.certificate.naming import Naming, NotSaid
from ledger.lineage.identity import ENTRY_NAMESPACE, dataset_number
from ledger.lineage.queries import AnchoredCheckpoint
from ledger.lineage.walks import Edge, Node, Walk
from ledger.log.document import (
    INCLUSION_FORMAT,
    Checkpoint,
    bundle_digest,
    hex_of,
    render_compact,
)
from ledger.log.queries import build_proof
from ledger.mirror import queries as mirror

Progress = Callable[[int, int], None]
DEPTH = 20
"""How many jobs back a certificate goes, where nobody says otherwise."""
_MOST_NODES = 10_000


class CertificateError(Exception):
    """A certificate that cannot be made; the text says why, ``hint`` what to do."""

    def __init__(self, what: str, hint: str, *, zh: str, hint_zh: str) -> None:
        super().__init__(what)
        self.hint = hint
        self.zh = zh
        self.hint_zh = hint_zh


class UnknownDelivery(CertificateError):
    """There is no such delivery."""


class NotAnchored(CertificateError):
    """An edge rests on an event that no anchored checkpoint vouches for yet."""


class CarriedOver(CertificateError):
    """A statement was recorded before the ledger moved to another chain."""


class Asked(NamedTuple):
    """What is to be certified. ``as_of``: the ledger's size at which everything is looked at, None for now."""

    entry: str
    delivery: int
    as_of: int | None = None
    depth: int = DEPTH


def make(
    conn: Connection,
    journal: Journal | None,
    asked: Asked,
    *,
    genesis_authority: bytes,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """The certificate as JSON values, see :func:`ledger.log.document.render`.

    Without ``as_of`` the graph is that of the time until the entry's next delivery, of today where there is none.
    Raises :class:`CertificateError`.
    """
    delivery = _delivery(conn, asked)
    held = _until(conn, asked)
    walk = _walk(conn, asked, held)
    naming = Naming(conn, journal)
    graph = _Graph(walk, naming, asked.entry)
    anchors = _anchors(conn, journal, graph.positions, held)
    entries = [
        _entry(conn, code, delivery if code == asked.entry else None, delivery.leaf_from)
        for code in graph.codes
    ]
    leaves = {leaf for entry in entries for leaf in (entry.filing, entry.delivery, entry.manifest)}
    leaves |= {node.rule for node in graph.nodes} | {edge.leaf for edge in graph.edges}
    leaves |= {anchor.leaf_from for anchor in anchors}
    listed = sorted(leaf for leaf in leaves if leaf is not None)
    # One size for all proofs, taken after everything was found: the mirror may move on meanwhile.
    size = mirror.size_of(conn) if asked.as_of is None else asked.as_of
    statements = []
    for done, leaf in enumerate(listed):
        proof = build_proof(conn, leaf, size, genesis_authority=genesis_authority)
        if proof["format"] != INCLUSION_FORMAT:
            raise CarriedOver(
                f"leaf {leaf}, on which the certificate rests, was recorded by a log that this one carries on",
                f"a certificate names one log: prove its statements one by one (govledger log prove {leaf})",
                zh=f"证书所依据的第 {leaf} 号声明由前序日志记录",
                hint_zh=f"证书只能出自一个日志：请逐条出具证明（govledger log prove {leaf}）",
            )
        statements.append(_vouched(proof))
        if progress is not None:
            progress(done + 1, len(listed))
    checkpoint = msgspec.to_builtins(mirror.checkpoint(conn, size))
    certificate = Certificate(
        format=CERTIFICATE_FORMAT,
        how_to_check=HOW_TO_CHECK,
        about=AboutPart(entry=asked.entry, delivery=asked.delivery, depth=asked.depth),
        checkpoint=msgspec.convert(checkpoint, Checkpoint),
        genesis_authority=hex_of(genesis_authority),
        graph=GraphPart(nodes=tuple(graph.nodes), edges=tuple(graph.edges), entries=tuple(entries)),
        statements=tuple(statements),
        journal=_journal(journal, graph.positions, anchors, naming),
        bundle_digest=hex_of(bytes(32)),
    )
    told = plain(certificate)
    told["bundle_digest"] = bundle_digest(told)
    _check_length(told)
    return told


def _delivery(conn: Connection, asked: Asked) -> Delivery:
    found = deliveries.delivery(conn, asked.entry, asked.delivery, asked.as_of)
    if found is not None:
        return found
    newest = deliveries.delivery(conn, asked.entry, None, asked.as_of)
    has, has_zh = (
        ("none", "没有") if newest is None else (f"1 to {newest.number}", f"1 至 {newest.number}")
    )
    raise UnknownDelivery(
        f"the entry {asked.entry} has no delivery {asked.delivery}: it has {has}",
        "see `govledger deliver list`; only what a collector has recorded can be certified",
        zh=f"条目 {asked.entry} 没有第 {asked.delivery} 次交付（现有：{has_zh}）",
        hint_zh="用 `govledger deliver list` 查看；只有归集方已登记的交付才能出具证书",
    )


def _until(conn: Connection, asked: Asked) -> int | None:
    """The ledger size up to which lineage counts: until the next delivery, which may have other sources."""
    if asked.as_of is not None:
        return asked.as_of
    following = deliveries.delivery(conn, asked.entry, asked.delivery + 1)
    return None if following is None else following.leaf_from


def _walk(conn: Connection, asked: Asked, held: int | None) -> Walk | None:
    """Everything behind the entry; None where nothing is known of it in lineage."""
    roots = graphs.nodes_of_entry(conn, asked.entry, held)
    if not roots:
        return None
    walk = graphs.walk(
        conn, roots, direction="upstream", depth=asked.depth, as_of=held, cap=_MOST_NODES
    )
    if walk.truncated:
        raise CertificateError(
            f"more than {_MOST_NODES} data sets and jobs lie behind {asked.entry}",
            "give a smaller --depth",
            zh=f"{asked.entry} 的上游超过 {_MOST_NODES} 个数据集和作业",
            hint_zh="请用 --depth 给出较小的深度",
        )
    return walk


class _Graph:
    """A walk as the certificate holds it, named by its evidence."""

    def __init__(self, walk: Walk | None, naming: Naming, entry: str) -> None:
        flows = [edge for edge in walk.edges if edge.origin != "rule"] if walk else []
        known = {node.id: node for node in walk.nodes} if walk else {}
        ends = {end for edge in flows for end in (edge.source, edge.target)}
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
        self.codes = sorted({node.entry for node in self.nodes if node.entry is not None})
        cited = {edge.position for edge in self.edges} | {edge.named for edge in self.edges}
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


def _anchors(
    conn: Connection, journal: Journal | None, positions: Sequence[int], held: int | None
) -> list[AnchoredCheckpoint]:
    """The first anchored checkpoint over each of these positions, each once, in order."""
    if not positions:
        return []
    known = queries.checkpoints(conn, origin=journal.origin, as_of=held) if journal else []
    sizes = [one.size for one in known]
    loose = [position for position in positions if position >= (sizes[-1] if sizes else 0)]
    if loose:
        raise NotAnchored(
            f"{len(loose)} of the {len(positions)} events behind this graph are not anchored on the ledger, the "
            f"first at position {loose[0]}: nothing proves them yet",
            "run `govledger journal anchor` and try again, or give --as-of with an earlier size",
            zh=f"图中所据 {len(positions)} 个事件有 {len(loose)} 个尚未锚定上链（首个在日志位置 {loose[0]}），无从证明",
            hint_zh="先运行 `govledger journal anchor`，或用 --as-of 指定更早的账本大小",
        )
    return [known[at] for at in sorted({bisect_right(sizes, one) for one in positions})]


def _entry(conn: Connection, code: str, certified: Delivery | None, before: int) -> EntryPart:
    """How an entry was filed, and its delivery: the one certified, of others the newest before that."""
    found = certified or deliveries.delivery(conn, code, None, before)
    filed = [one for one in _editions(conn, code) if found is None or one.leaf < found.leaf_from]
    named = [one for one in filed if found is not None and one.edition == found.edition]
    filing = (named or filed)[-1:]
    return EntryPart(
        code=code,
        filing=filing[0].leaf if filing else None,
        delivery=found.leaf_from if found else None,
        manifest=found.manifest_leaf if found and found.manifest else None,
    )


def _editions(conn: Connection, code: str) -> list[catalogue.Edition]:
    try:
        return catalogue.editions(conn, code)
    except catalogue.CatalogueQueryError:
        return []


def _vouched(proof: dict[str, Any]) -> VouchedPart:
    return msgspec.convert(
        {name: proof[name] for name in VouchedPart.__struct_fields__}, VouchedPart
    )


def _journal(
    journal: Journal | None,
    positions: Sequence[int],
    anchors: Sequence[AnchoredCheckpoint],
    naming: Naming,
) -> JournalPart | None:
    if journal is None or not positions:
        return None
    sizes = [anchor.size for anchor in anchors]
    events = []
    for position in positions:
        at = bisect_right(sizes, position)
        entry = naming.entry(position)
        try:
            text, encoding = entry.decode("utf-8"), "utf-8"
        except UnicodeDecodeError:
            text, encoding = hex_of(entry), "hex"
        events.append(
            EventPart(
                position=position,
                anchor=at,
                encoding=encoding,  # type: ignore[arg-type]  # one of the two above
                entry=text,
                path=tuple(map(hex_of, journal.inclusion(position, sizes[at]))),
            )
        )
    parts = []
    for at, anchor in enumerate(anchors):
        path = journal.consistency(sizes[at - 1], anchor.size) if at else []
        parts.append(AnchorPart(leaf=anchor.leaf_from, path=tuple(map(hex_of, path))))
    return JournalPart(origin=journal.origin, anchors=tuple(parts), events=tuple(events))


def _check_length(told: dict[str, Any]) -> None:
    length = len(render_compact(told))
    if length > MAX_CERTIFICATE_BYTES:
        raise CertificateError(
            f"the certificate would have {length} bytes, more than the {MAX_CERTIFICATE_BYTES} that are read",
            "give a smaller --depth",
            zh=f"证书将有 {length} 字节，超过可读取的 {MAX_CERTIFICATE_BYTES} 字节",
            hint_zh="请用 --depth 给出较小的深度",
        )

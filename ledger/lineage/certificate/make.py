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
    CARRIED_FORMAT,
    CERTIFICATE_FORMAT,
    MAX_CERTIFICATE_BYTES,
    AboutPart,
    AnchorPart,
    CarriedCertificate,
    Certificate,
    EntryPart,
    EventPart,
    GraphPart,
    JournalPart,
    plain,
)
from ledger.lineage.certificate.gathering import Gathered
from ledger.lineage.certificate.instructions import HOW_TO_CHECK
from ledger.lineage.certificate.naming import Naming
from ledger.lineage.certificate.refusals import (
    CertificateError,
    NotAnchored,
    UnknownDelivery,
)
from ledger.lineage.certificate.verify import verify_certificate
from ledger.lineage.queries import AnchoredCheckpoint
from ledger.lineage.walks import ColumnWalk, Walk
from ledger.log.document import (
    Checkpoint,
    OpeningPart,
    VouchedPart,
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


class Asked(NamedTuple):
    """What is to be certified. ``as_of``: the ledger's size at which everything is looked at, None for now.
    With ``item`` the way of that column (数据项) too.
    """

    entry: str
    delivery: int
    as_of: int | None = None
    depth: int = DEPTH
    item: str | None = None


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
    graph = Gathered(walk, _columns(conn, asked, held), naming, asked.entry)
    anchors = _anchors(conn, journal, graph.positions, held)
    entries = [
        _entry(conn, code, delivery if code == asked.entry else None, delivery.leaf_from)
        for code in graph.codes
    ]
    leaves = {leaf for entry in entries for leaf in (entry.filing, entry.delivery, entry.manifest)}
    leaves |= {node.rule for node in graph.nodes} | {edge.leaf for edge in graph.edges}
    leaves |= {column.leaf for column in graph.columns}
    leaves |= {anchor.leaf_from for anchor in anchors}
    listed = sorted(leaf for leaf in leaves if leaf is not None)
    size = _size(conn, asked)
    statements: list[VouchedPart] = []
    openings: list[Any] = []
    for done, leaf in enumerate(listed):
        proof = build_proof(conn, leaf, size, genesis_authority=genesis_authority)
        # The first leads over the most migrations.
        openings = openings or proof.get("openings", [])
        statements.append(_vouched(proof))
        if progress is not None:
            progress(done + 1, len(listed))
    checkpoint = msgspec.to_builtins(mirror.checkpoint(conn, size))
    shape, name = (
        (CarriedCertificate, CARRIED_FORMAT) if openings else (Certificate, CERTIFICATE_FORMAT)
    )
    certificate = shape(
        format=name,  # type: ignore[arg-type]  # each has its own
        how_to_check=HOW_TO_CHECK[shape],
        about=AboutPart(
            entry=asked.entry, delivery=asked.delivery, depth=asked.depth, item=asked.item
        ),
        checkpoint=msgspec.convert(checkpoint, Checkpoint),
        genesis_authority=hex_of(genesis_authority),
        graph=GraphPart(
            nodes=tuple(graph.nodes),
            edges=tuple(graph.edges),
            columns=tuple(graph.columns),
            entries=tuple(entries),
        ),
        statements=tuple(statements),
        journal=_journal(journal, graph.positions, anchors, naming),
        bundle_digest=hex_of(bytes(32)),
        **({"openings": msgspec.convert(openings, tuple[OpeningPart, ...])} if openings else {}),
    )
    told = plain(certificate)
    told["bundle_digest"] = bundle_digest(told)
    _check_itself(told)
    return told


def _size(conn: Connection, asked: Asked) -> int:
    """One size for all proofs, taken after everything was found: the mirror may move on meanwhile.

    A log that carries another one on vouches for what came before from its opening on.
    """
    cursor = mirror.cursor_of(conn)
    if cursor is None or asked.as_of is None:
        return cursor.size if cursor else 0
    opened = max((one.size + 1 for one in cursor.log.earlier), default=0)
    return max(asked.as_of, opened)


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


def _columns(conn: Connection, asked: Asked, held: int | None) -> ColumnWalk | None:
    """The way of the item, where one is asked for."""
    if asked.item is None:
        return None
    roots = graphs.nodes_of_entry(conn, asked.entry, held)
    starts = graphs.item_columns(conn, roots, asked.entry, asked.item, held)
    found = graphs.columns(
        conn, starts, direction="upstream", depth=asked.depth, as_of=held, cap=_MOST_NODES
    )
    if found.truncated or not any(edge.job for edge in found.edges):
        much = found.truncated
        raise CertificateError(
            f"more than {_MOST_NODES} columns lie behind {asked.item}"
            if much
            else f"no event and no step says where {asked.item} of {asked.entry} comes from",
            "give a smaller --depth"
            if much
            else "see `govledger lineage column`; or certify without an item",
            zh=f"{asked.item} 的上游超过 {_MOST_NODES} 个数据项"
            if much
            else f"没有事件或步骤说明 {asked.entry} 的 {asked.item} 从何而来",
            hint_zh="请用 --depth 给出较小的深度"
            if much
            else "可用 `govledger lineage column` 查看；或不指定数据项",
        )
    return found


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


def _check_itself(told: dict[str, Any]) -> None:
    """What does not pass the check is not handed out."""
    written = render_compact(told)
    length = len(written)
    if length > MAX_CERTIFICATE_BYTES:
        raise CertificateError(
            f"the certificate would have {length} bytes, more than the {MAX_CERTIFICATE_BYTES} that are read",
            "give a smaller --depth",
            zh=f"证书将有 {length} 字节，超过可读取的 {MAX_CERTIFICATE_BYTES} 字节",
            hint_zh="请用 --depth 给出较小的深度",
        )
    failure = verify_certificate(written).failure
    if failure is not None:
        raise CertificateError(
            f"the certificate would not stand its own check: {failure.en}",
            "check the journal with `govledger journal fsck` and the mirror with `govledger mirror verify`",
            zh=f"证书未能通过自身核验：{failure.zh}",
            hint_zh="请运行 `govledger journal fsck` 与 `govledger mirror verify` 检查日志和镜像",
        )

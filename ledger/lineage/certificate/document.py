"""The form of a provenance certificate (溯源证书): members, exact bytes, and the digest that binds them.

As proof files (:mod:`ledger.log.document`): UTF-8 JSON with the members of the classes below in their order, in
the file form or the wire form, and no byte otherwise. ``docs/proof-format.md`` explains every member.
"""

from __future__ import annotations

from typing import Any, Final, Literal

import msgspec

from ledger.log.document import (
    Address,
    Checkpoint,
    Count,
    DocumentError,
    Hash,
    Instructions,
    OpeningPart,
    VouchedPart,
    as_dict,
    check_form,
)

CERTIFICATE_FORMAT: Final = "govledger-provenance-certificate/1"
CARRIED_FORMAT: Final = "govledger-provenance-certificate/2"
MAX_CERTIFICATE_BYTES = 1 << 28
"""Largest certificate that is made or read, in bytes: events of 20 MB exist."""
_LOOKED_AT = 256


class AboutPart(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is certified: delivery ``delivery`` (1..) of ``entry``, up to ``depth`` jobs towards its sources; with
    ``item`` also where that column (数据项) comes from.
    """

    entry: str
    delivery: Count
    depth: Count
    item: str | None


class NodePart(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A data set or job. ``rule`` is the leaf of the rule that ties it to ``entry``; null where no rule is
    needed, because the data set is the entry itself, or where no entry is known.
    """

    kind: Literal["dataset", "job"]
    namespace: str
    name: str
    entry: str | None
    rule: Count | None


class EdgePart(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """From node to node, by their places in ``nodes``, in the direction in which data flow.

    Of ``run`` and ``design``: ``position`` is the journal's entry from which it holds; ``named`` the one that
    names the data set, where that one does not. Of ``step``: ``leaf`` is the leaf of the declared step.
    """

    source: Count
    target: Count
    origin: Literal["run", "design", "step"]
    position: Count | None
    named: Count | None
    leaf: Count | None


class ColumnPart(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """From a column to one that is made of it, by places of data sets and job in ``nodes``; an empty field is the
    whole data set. ``position`` and ``leaf`` as in :class:`EdgePart`; ``kind`` is DIRECT, INDIRECT, or empty.
    """

    source: Count
    source_field: str
    target: Count
    target_field: str
    job: Count
    origin: Literal["run", "design", "step"]
    kind: str
    subtype: str
    masking: bool
    position: Count | None
    leaf: Count | None


class EntryPart(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A catalogue entry (目录条目) in the graph, by leaves: how it was filed, the delivery, its manifest."""

    code: str
    filing: Count | None
    delivery: Count | None
    manifest: Count | None


class GraphPart(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The graph from the entry to its sources. All of it is derived again when the file is checked."""

    nodes: tuple[NodePart, ...]
    edges: tuple[EdgePart, ...]
    columns: tuple[ColumnPart, ...]
    entries: tuple[EntryPart, ...]


class AnchorPart(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An anchored checkpoint of the journal: the leaf of its statement. ``path`` is the consistency path from the
    anchor before it (RFC 9162 section 2.1.4), empty for the first.
    """

    leaf: Count
    path: tuple[Hash, ...]


class EventPart(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An entry of the journal, whole, and its path to the anchor at that place of ``anchors``."""

    position: Count
    anchor: Count
    encoding: Literal["utf-8", "hex"]
    entry: str
    path: tuple[Hash, ...]


class JournalPart(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The lineage journal (血缘日志), as far as edges rest on it."""

    origin: str
    anchors: tuple[AnchorPart, ...]
    events: tuple[EventPart, ...]


class Certificate(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where one delivery comes from, with the evidence behind every edge.

    The second form is :class:`CarriedCertificate`'s.
    """

    format: Literal["govledger-provenance-certificate/1", "govledger-provenance-certificate/2"]
    how_to_check: Instructions
    about: AboutPart
    checkpoint: Checkpoint
    genesis_authority: Address
    graph: GraphPart
    statements: tuple[VouchedPart, ...]
    journal: JournalPart | None
    bundle_digest: Hash


class CarriedCertificate(Certificate, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One that rests on statements of an earlier log, too, which the checkpoint's log carries on.

    ``openings`` lead from the checkpoint's log to the oldest one that recorded a statement, newest first. A
    statement was recorded first by the log that was open at its leaf.
    """

    format: Literal["govledger-provenance-certificate/2"]
    openings: tuple[OpeningPart, ...]


def is_certificate(data: bytes) -> bool:
    """Whether these bytes want to be a certificate, and not another proof file."""
    return any(_says(data, name) for name in (CERTIFICATE_FORMAT, CARRIED_FORMAT))


def load(data: bytes) -> Certificate:
    """The certificate in these bytes; raises :class:`~ledger.log.document.DocumentError` unless they are
    exactly one.
    """
    if len(data) > MAX_CERTIFICATE_BYTES:
        raise DocumentError(f"a certificate has at most {MAX_CERTIFICATE_BYTES} bytes")
    try:
        shape = CarriedCertificate if _says(data, CARRIED_FORMAT) else Certificate
        certificate: Certificate = msgspec.json.decode(data, type=shape)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise DocumentError(f"{error}") from error
    if certificate.format == CARRIED_FORMAT and not isinstance(certificate, CarriedCertificate):
        raise DocumentError(f"a {CARRIED_FORMAT} says so in its first member")
    check_form(data, as_dict(certificate), "certificates")
    return certificate


def plain(certificate: Certificate) -> dict[str, Any]:
    """The certificate as plain JSON values."""
    return as_dict(certificate)


def _says(data: bytes, name: str) -> bool:
    return f'"{name}"'.encode() in data[:_LOOKED_AT]

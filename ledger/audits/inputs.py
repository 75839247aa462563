"""What an audit asks of the capabilities (审计取数): their selects, narrowed to the columns that its SQL names.

Truth values come as 0 and 1. Codes come as they are kept; those of :data:`CODES` turn into numbers afterwards, since
columns compare words faster. Whether a filing is, byte for byte, what the log commits to is asked where it lies.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Select, and_, case, false, func, null, select

from ledger.audits.reading import Manner
from ledger.catalogue import queries as catalogue
from ledger.codes import Code, DeliveryMode, EntryState, ObligationType, ShareType, UpdateCycle
from ledger.corrections import queries as corrections
from ledger.deliveries import queries as deliveries
from ledger.mirror import flags
from ledger.mirror import queries as mirror
from ledger.obligations import queries as obligations
from ledger.quality import queries as quality

PREFIX = "audit_in_"
CODES: Mapping[str, Mapping[str, type[Code]]] = {
    "obligation": {"type": ObligationType, "update_cycle": UpdateCycle},
    "entry": {"share_type": ShareType, "update_cycle": UpdateCycle},
    "manifest": {"mode": DeliveryMode},
    "received": {"mode": DeliveryMode},
}
"""Columns of inputs that are the numbers of their codes, 0 where there is none."""
MANNERS: Mapping[str, Manner] = {
    "correction": Manner(whole=True),
    "unreadable": Manner(whole=True),
    "sound": Manner(aligned=True),
}
_NONE = null().label("library")


def inputs(size: int, window_leaf: int = 0, *, libraries: bool = True) -> dict[str, Select[Any]]:
    """The selects at a log size, by the names of their tables without :data:`PREFIX`, in the order of their use.

    Clocks look at no filing before ``window_leaf``, nor at what followed it. Without ``libraries`` all of these are
    null: only an audit of one asks.
    """
    return {
        "exemption": _only(
            obligations.exemptions_at(size),
            *("leaf", "code", "target", "target_type", "scope", "status", "approver"),
            *("valid_from", "expires"),
        ),
        "unreadable": _only(flags.unreadable_at(size), "leaf", "kind", "subject", "org"),
        "entry": _entries(size, libraries),
        "names": catalogue.item_names_at(size),
        "resource": _only(deliveries.resources_at(size), "leaf", "entry", "status"),
        "obligation": _obligations(size, libraries),
        "binding": _only(
            obligations.bindings_at(size),
            *("leaf", "obligation", "entry", "status", "version", "recorded_at"),
        ),
        "manifest": _manifests(size),
        "received": _received(size),
        "score": _only(
            quality.scores_at(size),
            *("leaf", "entry", "period_end", "assessor", "total", "recorded_at"),
        ),
        "correction": _only(
            corrections.corrections_at(size),
            *("filed_leaf", "code", "state", "entry", "provider", "filed_at", "answered_at"),
            "ended_at",
        ),
        "act": _acts(size, window_leaf),
        "item": _items(size),
        "sound": _sound(size),
    }


def later_inputs(size: int) -> dict[str, Select[Any]]:
    """What findings need beside it."""
    received = deliveries.deliveries_at(size).selected_columns
    shown = ("leaf", "entry", "number", "rows", "period_end", "content", "organisation")
    return {
        "place": _only(
            deliveries.resources_at(size),
            *("leaf", "code", "entry", "status", "location", "organisation"),
        ),
        "content": select(*(received[name] for name in shown)).where(received["leaf"] < size),
        "begun": obligations.exemptions_begun_at(size),
        "amended": obligations.amended_at(size),
        "objection": _only(obligations.objections_at(size), "leaf", "obligation", "state"),
    }


def _obligations(size: int, libraries: bool) -> Select[Any]:  # noqa: FBT001 - see inputs
    asked = _only(
        obligations.obligations_at(size),
        *("leaf", "code", "type", "parent", "responsible", "status", "update_cycle"),
        *("produces_data", "valid_from", "valid_until", "version", "recorded_at"),
        *(("library",) if libraries else ()),
    )
    return asked if libraries else asked.add_columns(_NONE)


def _entries(size: int, libraries: bool) -> Select[Any]:  # noqa: FBT001 - see inputs
    asked = _only(
        catalogue.entries_at(size),
        *("leaf", "code", "subject", "state", "published_edition", "published_leaf", "provider"),
        *("share_type", "update_cycle", "restricted", "recorded_at", "in_force"),
        *(("library",) if libraries else ()),
    )
    return asked if libraries else asked.add_columns(_NONE)


def _sound(size: int) -> Select[Any]:
    """Filings that are, byte for byte, what the log commits to, each in a statement of the subject and version that the
    catalogue has.
    """
    filed = catalogue.filings_at(size).subquery("filed").c
    said = mirror.statements_at(size).subquery("said").c
    return (
        select(filed.leaf, filed.subject)
        .join(said.leaf.table, said.leaf == filed.leaf)
        .where(
            # In one condition that names both: by itself the hash would be worked out of every statement there is, and
            # PostgreSQL would take it for one that hardly any row meets.
            case(
                (
                    and_(said.subject == filed.subject, said.version == filed.version),
                    func.sha256(said.body) == said.body_digest,
                ),
                else_=false(),
            )
        )
    )


def _acts(size: int, window_leaf: int) -> Select[Any]:
    """With ``submitted``: whether a filing asks for a decision; a decision says who took it."""
    shown = catalogue.acts_at(size).subquery().c
    submitted = and_(shown.decided_by.is_(None), shown.state == EntryState.SUBMITTED.value)
    asked = select(
        shown.leaf,
        shown.code,
        shown.version,
        submitted.label("submitted"),
        shown.decided_by,
        shown.recorded_at,
    )
    return asked.where(shown.leaf >= window_leaf) if window_leaf else asked


def _items(size: int) -> Select[Any]:
    """Of which edition each is, its leaf says."""
    return _only(catalogue.items_at(size), "leaf", "name", "locally_generated")


def _manifests(size: int) -> Select[Any]:
    """With ``newest``: whether no later version of entry and period was recorded before the size."""
    asked = deliveries.manifests_at(size)
    newest = func.coalesce(asked.selected_columns["leaf_until"], size) >= size
    return _only(
        asked.add_columns(newest.label("newest")),
        *("leaf", "entry", "version", "period_start", "period_end", "rows", "schema", "root"),
        *("columns_digest", "recorded_at", "mode", "newest"),
    )


def _received(size: int) -> Select[Any]:
    """Deliveries without the manifests that they name; what collectors counted is in the JSON that they wrote it in."""
    told = deliveries.deliveries_at(size).selected_columns
    names = ("leaf", "entry", "number", "manifest", "period_start", "period_end")
    more = ("rows", "schema", "root", "recorded_at", "mode", "differences")
    return select(*(told[name] for name in (*names, *more))).where(told["leaf"] < size)


def _only(asked: Select[Any], *names: str) -> Select[Any]:
    shown = asked.subquery().c
    return select(*(shown[name] for name in names))

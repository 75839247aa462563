"""What obligations and exemptions to find (归集义务检索条件)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, or_, select

from ledger.catalogue.names import folded
from ledger.catalogue.selects import entries_at
from ledger.codes import (
    BindingStatus,
    ExemptionScope,
    ExemptionStatus,
    ExemptionTarget,
    Library,
    ObligationStatus,
    ObligationType,
)
from ledger.days import day_number
from ledger.obligations.models import BINDINGS, EXEMPTIONS, OBLIGATIONS
from ledger.store.ranged import held


@dataclass(frozen=True, slots=True)
class ObligationFilters:
    """What obligations to find; None means any. Codes as in :mod:`ledger.codes`.

    ``q`` is split at spaces, and every part must occur in names, code or legal basis; ``bound`` is whether an
    entry answers; ``expiring_before`` finds those whose last day lies before a day.
    """

    q: str | None = None
    organisation: str | None = None
    type: ObligationType | None = None
    library: Library | None = None
    status: ObligationStatus | None = None
    parent: str | None = None
    bound: bool | None = None
    expiring_before: date | None = None


@dataclass(frozen=True, slots=True)
class ExemptionFilters:
    """What exemptions to find; None means any.

    ``organisation`` is the one that profits (responsible for the obligation, or owner of the entry),
    ``counting_on`` finds those that count on a day.
    """

    organisation: str | None = None
    approver: str | None = None
    target: str | None = None
    target_type: ExemptionTarget | None = None
    scope: ExemptionScope | None = None
    status: ExemptionStatus | None = None
    expiring_before: date | None = None
    counting_on: date | None = None


def matching(asked: Select[Any], filters: ObligationFilters, as_of: int | None) -> Select[Any]:
    """``asked`` narrowed to the obligations that match, at log size ``as_of`` (None: now)."""
    columns = OBLIGATIONS.c
    asked = asked.where(held(OBLIGATIONS, as_of))
    if filters.organisation is not None:
        asked = asked.where(columns.responsible == filters.organisation)
    for name in ("type", "library", "status"):
        value = getattr(filters, name)
        if value is not None:
            asked = asked.where(columns[name] == value.value)
    if filters.parent is not None:
        asked = asked.where(columns.parent == filters.parent)
    if filters.expiring_before is not None:
        asked = asked.where(columns.valid_until < day_number(filters.expiring_before))
    if filters.bound is not None:
        answered = columns.code.in_(
            select(BINDINGS.c.obligation).where(
                held(BINDINGS, as_of), BINDINGS.c.status == BindingStatus.BOUND.value
            )
        )
        asked = asked.where(answered if filters.bound else ~answered)
    for part in folded(filters.q or "").split():
        asked = asked.where(columns.search.contains(part, autoescape=True))
    return asked


def matching_exemptions(filters: ExemptionFilters, as_of: int | None) -> Select[Any]:
    """The exemptions that match, at log size ``as_of`` (None: now)."""
    columns = EXEMPTIONS.c
    asked = select(EXEMPTIONS).where(held(EXEMPTIONS, as_of))
    if filters.organisation is not None:
        asked = asked.where(_profits(filters.organisation, as_of))
    for name in ("approver", "target"):
        value = getattr(filters, name)
        if value is not None:
            asked = asked.where(columns[name] == value)
    for name in ("target_type", "status"):
        value = getattr(filters, name)
        if value is not None:
            asked = asked.where(columns[name] == value.value)
    if filters.scope is not None:
        asked = asked.where(columns.scope.bitwise_and(int(filters.scope)) != 0)
    if filters.expiring_before is not None:
        asked = asked.where(columns.expires < day_number(filters.expiring_before))
    if filters.counting_on is not None:
        number = day_number(filters.counting_on)
        asked = asked.where(
            columns.status == ExemptionStatus.GRANTED.value,
            columns.valid_from <= number,
            columns.expires >= number,
        )
    return asked


def _profits(organisation: str, as_of: int | None) -> ColumnElement[bool]:
    """That an exemption frees an obligation, or an entry, of this organisation."""
    entries = entries_at(as_of).subquery()
    theirs = {
        ExemptionTarget.OBLIGATION: select(OBLIGATIONS.c.code).where(
            held(OBLIGATIONS, as_of), OBLIGATIONS.c.responsible == organisation
        ),
        ExemptionTarget.ENTRY: select(entries.c.code).where(entries.c.provider == organisation),
    }
    return or_(
        *(
            and_(EXEMPTIONS.c.target_type == kind.value, EXEMPTIONS.c.target.in_(codes))
            for kind, codes in theirs.items()
        )
    )

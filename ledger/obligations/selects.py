"""Selects about obligations (归集义务) at a log size, for others to join.

Columns are named plainly: codes as text, days as YYYYMMDD, ``leaf`` the index of the statement that made the
row, ``recorded_at`` its block time in Unix seconds. A size of None means what is held now.
"""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, FromClause, Select, Table, and_, func, or_, select

from ledger.codes import (
    BindingStatus,
    ExemptionScope,
    ExemptionStatus,
    ExemptionTarget,
    ObligationStatus,
)
from ledger.days import day_number
from ledger.obligations.models import BINDINGS, EXEMPTIONS, OBJECTIONS, OBLIGATIONS
from ledger.store.ranged import held

_INSIDE = frozenset({"leaf_from", "leaf_until", "search"})


def obligations_at(size: int | None) -> Select[Any]:
    """Every obligation as it stood at a log size, withdrawn ones too."""
    return _plain(OBLIGATIONS, size)


def bindings_at(size: int | None) -> Select[Any]:
    """Every binding as it stood at a log size, released ones too: one row an obligation."""
    return _plain(BINDINGS, size)


def objections_at(size: int | None) -> Select[Any]:
    """The newest word on every objection at a log size: one row an obligation."""
    return _plain(OBJECTIONS, size)


def exemptions_at(size: int | None) -> Select[Any]:
    """Every exemption as it stood at a log size; whether it counts depends on the day as well."""
    return _plain(EXEMPTIONS, size)


def owed_at(size: int | None, day: date) -> Select[Any]:
    """The obligations owed at a log size on a day: in force, with data to come from them.

    ``entry`` is the entry bound to each, NULL where none is; ``exempt`` the mask of
    :class:`~ledger.codes.ExemptionScope` that exemptions of the obligation, or of that entry, free it from on
    the day, 0 where none does; one approved by the responsible organisation itself frees from nothing. For which
    purposes an obligation counts then says :data:`ledger.obligations.counting.FREED_BY`.
    """
    number = day_number(day)
    own = _freed(size, number, ExemptionTarget.OBLIGATION, OBLIGATIONS.c.code)
    through = _freed(size, number, ExemptionTarget.ENTRY, BINDINGS.c.entry)
    mask = func.coalesce(own.c.mask, 0).bitwise_or(func.coalesce(through.c.mask, 0))
    columns = OBLIGATIONS.c
    return (
        select(
            *_shown(OBLIGATIONS),
            columns.leaf_from.label("leaf"),
            BINDINGS.c.entry.label("entry"),
            mask.label("exempt"),
        )
        .select_from(OBLIGATIONS)
        .outerjoin(BINDINGS, _bound(size))
        .outerjoin(own, own.c.code == columns.code)
        .outerjoin(through, through.c.code == columns.code)
        .where(
            held(OBLIGATIONS, size),
            columns.status == ObligationStatus.IN_FORCE.value,
            columns.produces_data.is_(True),
            columns.valid_from <= number,
            or_(columns.valid_until.is_(None), columns.valid_until >= number),
        )
    )


def exemptions_begun_at(size: int | None = None) -> Select[Any]:
    """When each first day of an exemption was first written down, as of a log size.

    Columns: code, valid_from (YYYYMMDD), recorded_at (of the first version that names this day).
    """
    columns = EXEMPTIONS.c
    before = [] if size is None else [columns.leaf_from < size]
    return (
        select(
            columns.code,
            columns.valid_from,
            func.min(columns.recorded_at).label("recorded_at"),
        )
        .where(columns.status == ExemptionStatus.GRANTED.value, *before)
        .group_by(columns.code, columns.valid_from)
    )


def amended_at(size: int | None = None) -> Select[Any]:
    """Every version, recorded before a log size, of the obligations that have several.

    Columns: leaf, code, version, responsible, organisation (hash of who spoke).
    """
    columns = OBLIGATIONS.c
    before = [] if size is None else [columns.leaf_from < size]
    several = select(columns.code).where(columns.version > 1, *before)
    return select(
        columns.leaf_from.label("leaf"),
        columns.code,
        columns.version,
        columns.responsible,
        columns.organisation,
    ).where(columns.code.in_(several), *before)


def _freed(
    size: int | None, day: int, kind: ExemptionTarget, target: ColumnElement[str]
) -> FromClause:
    """From what each obligation is freed on a day, by exemptions whose target is ``target`` of it."""
    columns = EXEMPTIONS.c
    # Of each scope on its own: no database adds bits up, and both can find the greatest number.
    bits = [func.max(columns.scope.bitwise_and(int(scope))) for scope in ExemptionScope]
    mask: ColumnElement[int] = sum(bits[1:], start=bits[0])
    counts = (
        held(EXEMPTIONS, size),
        columns.status == ExemptionStatus.GRANTED.value,
        columns.target_type == kind.value,
        columns.valid_from <= day,
        columns.expires >= day,
        columns.approver != OBLIGATIONS.c.responsible,
    )
    asked = select(OBLIGATIONS.c.code, mask.label("mask")).select_from(OBLIGATIONS)
    if kind is ExemptionTarget.ENTRY:
        asked = asked.join(BINDINGS, _bound(size))
    return (
        asked.join(EXEMPTIONS, columns.target == target)
        .where(held(OBLIGATIONS, size), *counts)
        .group_by(OBLIGATIONS.c.code)
        .subquery()
    )


def _bound(size: int | None) -> ColumnElement[bool]:
    return and_(
        BINDINGS.c.obligation == OBLIGATIONS.c.code,
        BINDINGS.c.status == BindingStatus.BOUND.value,
        held(BINDINGS, size),
    )


def _plain(table: Table, size: int | None) -> Select[Any]:
    return select(*_shown(table), table.c.leaf_from.label("leaf")).where(held(table, size))


def _shown(table: Table) -> list[ColumnElement[Any]]:
    return [column for column in table.columns if column.name not in _INSIDE]

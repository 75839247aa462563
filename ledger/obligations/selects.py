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
    the day, 0 where none does. What counts for a scope is what ``exempt`` lacks the scope's bit of.
    """
    number = day_number(day)
    bound = and_(
        BINDINGS.c.obligation == OBLIGATIONS.c.code,
        BINDINGS.c.status == BindingStatus.BOUND.value,
        held(BINDINGS, size),
    )
    own = _freed(size, number, ExemptionTarget.OBLIGATION)
    through = _freed(size, number, ExemptionTarget.ENTRY)
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
        .outerjoin(BINDINGS, bound)
        .outerjoin(own, own.c.target == columns.code)
        .outerjoin(through, through.c.target == BINDINGS.c.entry)
        .where(
            held(OBLIGATIONS, size),
            columns.status == ObligationStatus.IN_FORCE.value,
            columns.produces_data.is_(True),
            columns.valid_from <= number,
            or_(columns.valid_until.is_(None), columns.valid_until >= number),
        )
    )


def _freed(size: int | None, day: int, target: ExemptionTarget) -> FromClause:
    """From what the exemptions that count on a day free each target."""
    columns = EXEMPTIONS.c
    # Of each scope on its own: no database adds bits up, and both can find the greatest number.
    bits = [func.max(columns.scope.bitwise_and(int(scope))) for scope in ExemptionScope]
    mask: ColumnElement[int] = sum(bits[1:], start=bits[0])
    return (
        select(columns.target, mask.label("mask"))
        .where(
            held(EXEMPTIONS, size),
            columns.status == ExemptionStatus.GRANTED.value,
            columns.target_type == target.value,
            columns.valid_from <= day,
            columns.expires >= day,
        )
        .group_by(columns.target)
        .subquery()
    )


def _plain(table: Table, size: int | None) -> Select[Any]:
    return select(*_shown(table), table.c.leaf_from.label("leaf")).where(held(table, size))


def _shown(table: Table) -> list[ColumnElement[Any]]:
    return [column for column in table.columns if column.name not in _INSIDE]

"""Questions about correction requests (校核申请), answered as of any size of the log.

Every function takes a connection to the mirror and only reads; ``as_of`` is a log size, None for what is held
now. What the clock says depends on a day as well, see :mod:`ledger.corrections.measures`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    FromClause,
    Label,
    Select,
    and_,
    func,
    or_,
    select,
)

from ledger.catalogue import queries as catalogue
from ledger.codes import CorrectionState, CorrectionType
from ledger.corrections.answers import OPEN, Request, Step, request_of, step_of
from ledger.corrections.models import STEPS
from ledger.store.ranged import held

__all__ = [
    "Filters",
    "Request",
    "Step",
    "corrections_at",
    "count",
    "followers",
    "history",
    "next_number",
    "of_codes",
    "reasons_given",
    "request",
    "requests",
    "resting_on",
    "unanswered",
]

_CHUNK = 500
_ANSWERS = (CorrectionState.HANDLED.value, CorrectionState.REJECTED.value)
_ENDS = (CorrectionState.EVALUATED.value, CorrectionState.CANCELLED.value)


@dataclass(frozen=True, slots=True)
class Filters:
    """What requests to find; None means any. ``requester`` and ``provider`` are organisations' codes.

    ``open`` is whether the provider still owes an answer; ``reason`` a reason that was given by code, at the
    filing; ``follows`` the request that they take up again.
    """

    state: CorrectionState | None = None
    type: CorrectionType | None = None
    entry: str | None = None
    requester: str | None = None
    provider: str | None = None
    open: bool | None = None
    reason: str | None = None
    follows: str | None = None


def corrections_at(size: int | None) -> Select[Any]:
    """Every request as it stood at a log size, one row each, for others to join.

    Columns: leaf (of the newest step), filed_leaf, code, version, state, type, category, entry, entry_name,
    provider (code of the entry's owner; null where the entry is not projected), requester, title, reasons (JSON
    array of codes), follows, assessed_leaf, filed_at, taken_at, answered_at, ended_at (block times; answered:
    handled or rejected, ended: evaluated or cancelled), outcome, score, solved, recorded_at (of the newest
    step). A request whose filing was malformed has no row: nobody could read what was asked.
    """
    filed, newest = STEPS.alias("filed"), STEPS.alias("newest")
    taken, answer, end = STEPS.alias("taken"), STEPS.alias("answer"), STEPS.alias("ending")
    every = STEPS.alias("every")
    entry = catalogue.entries_at(size).subquery("about")

    def step(table: FromClause, *states: str) -> ColumnElement[bool]:
        of_request = and_(table.c.code == filed.c.code, table.c.state.in_(states))
        return of_request if size is None else and_(of_request, table.c.leaf_from < size)

    # The newest step by its key, not by what is held: a database without statistics would otherwise begin with
    # all that is held, and look for filings once for each.
    last = select(func.max(every.c.leaf_from)).where(every.c.code == filed.c.code)
    if size is not None:
        last = last.where(every.c.leaf_from < size)
    last_leaf = last.correlate(filed).scalar_subquery()
    return (
        select(
            newest.c.leaf_from.label("leaf"),
            filed.c.leaf_from.label("filed_leaf"),
            filed.c.code,
            newest.c.version,
            newest.c.state,
            filed.c.type,
            filed.c.category,
            filed.c.entry,
            entry.c.name.label("entry_name"),
            entry.c.provider,
            filed.c.requester,
            filed.c.title,
            filed.c.reasons,
            filed.c.follows,
            filed.c.assessed_leaf,
            filed.c.recorded_at.label("filed_at"),
            _at(taken, "taken_at"),
            _at(answer, "answered_at"),
            _at(end, "ended_at"),
            answer.c.outcome,
            end.c.score,
            end.c.solved,
            newest.c.recorded_at,
        )
        .select_from(filed)
        .join(newest, and_(newest.c.code == filed.c.code, newest.c.leaf_from == last_leaf))
        .outerjoin(taken, step(taken, CorrectionState.HANDLING.value))
        .outerjoin(answer, step(answer, *_ANSWERS))
        .outerjoin(end, step(end, *_ENDS))
        .outerjoin(entry, entry.c.code == filed.c.entry)
        .where(step(filed, CorrectionState.FILED.value))
    )


def requests(
    connection: Connection,
    filters: Filters | None = None,
    *,
    as_of: int | None = None,
    before: int | None = None,
    limit: int | None = None,
) -> list[Request]:
    """Requests that match, the newest filing first.

    A page ends at ``limit``; the next one is asked for with ``before`` the last one's ``filed_leaf``.
    """
    found = _matching(filters or Filters(), as_of)
    if before is not None:
        found = found.where(found.selected_columns["filed_leaf"] < before)
    ordered = found.order_by(found.selected_columns["filed_leaf"].desc()).limit(limit)
    return [request_of(row) for row in connection.execute(ordered).mappings()]


def unanswered(
    connection: Connection,
    moment: int,
    *,
    provider: str | None = None,
    as_of: int | None = None,
) -> list[Request]:
    """Requests filed before a moment (Unix seconds) that were neither answered nor cancelled before it."""
    found = _matching(Filters(provider=provider), as_of)
    shown = found.selected_columns
    closed = func.coalesce(shown["answered_at"], shown["ended_at"])
    found = found.where(shown["filed_at"] < moment, or_(closed.is_(None), closed >= moment))
    ordered = found.order_by(shown["filed_leaf"])
    return [request_of(row) for row in connection.execute(ordered).mappings()]


def reasons_given(
    connection: Connection, *, provider: str | None = None, as_of: int | None = None
) -> Iterator[tuple[str, str, bool]]:
    """Each reason that was given by code: the step's state, the code, whether its request is open."""
    stated, newest = STEPS.alias("stated"), STEPS.alias("newest")
    asked = (
        select(stated.c.state, stated.c.reasons, newest.c.state.in_(sorted(OPEN)).label("open"))
        .join(newest, and_(newest.c.code == stated.c.code, held(newest, as_of)))
        .where(stated.c.reasons != "[]")
    )
    if as_of is not None:
        asked = asked.where(stated.c.leaf_from < as_of)
    if provider is not None:
        about = catalogue.entries_at(as_of).subquery("about")
        asked = asked.join(about, about.c.code == stated.c.entry).where(
            about.c.provider == provider
        )
    for row in connection.execute(asked):
        for code in json.loads(row.reasons):
            yield row.state, code, bool(row.open)


def count(
    connection: Connection, filters: Filters | None = None, *, as_of: int | None = None
) -> int:
    """How many requests match."""
    found = _matching(filters or Filters(), as_of).subquery("found")
    return int(connection.execute(select(func.count()).select_from(found)).scalar_one())


def of_codes(
    connection: Connection, codes: Iterable[str], *, as_of: int | None = None
) -> list[Request]:
    """The requests with these codes, in no order; unknown ones are left out."""
    wanted = sorted(set(codes))
    found: list[Request] = []
    for start in range(0, len(wanted), _CHUNK):
        asked = corrections_at(as_of)
        some = asked.where(asked.selected_columns["code"].in_(wanted[start : start + _CHUNK]))
        found += [request_of(row) for row in connection.execute(some).mappings()]
    return found


def request(connection: Connection, code: str, *, as_of: int | None = None) -> Request | None:
    """The request with this code, None where there is none."""
    return next(iter(of_codes(connection, [code], as_of=as_of)), None)


def history(connection: Connection, code: str, *, as_of: int | None = None) -> list[Step]:
    """Every readable step of a request, the first one first."""
    asked = select(STEPS).where(STEPS.c.code == code).order_by(STEPS.c.leaf_from)
    if as_of is not None:
        asked = asked.where(STEPS.c.leaf_from < as_of)
    return [step_of(row) for row in connection.execute(asked).mappings()]


def followers(connection: Connection, code: str, *, as_of: int | None = None) -> list[Request]:
    """The requests that take this one up again, the oldest first."""
    return requests(connection, Filters(follows=code), as_of=as_of)[::-1]


def resting_on(
    connection: Connection, leaves: Iterable[int], *, as_of: int | None = None
) -> dict[int, list[Request]]:
    """The requests that rest on these assessments, by the leaf of the score's statement."""
    asked = sorted(set(leaves))
    found: dict[int, list[Request]] = {}
    for start in range(0, len(asked), _CHUNK):
        whole = corrections_at(as_of)
        some = whole.where(
            whole.selected_columns["assessed_leaf"].in_(asked[start : start + _CHUNK])
        )
        for row in connection.execute(some).mappings():
            found.setdefault(row["assessed_leaf"], []).append(request_of(row))
    return found


def next_number(connection: Connection, prefix: str) -> int:
    """The number after the largest that a code ``<prefix><number>`` on the ledger has, from 1.

    Malformed statements have no code in the mirror; a number that one of these took is refused by the log.
    """
    asked = select(STEPS.c.code).where(
        STEPS.c.code.startswith(prefix, autoescape=True),
        STEPS.c.state == CorrectionState.FILED.value,
    )
    numbers = [
        int(rest)
        for code in connection.execute(asked).scalars()
        if (rest := code.removeprefix(prefix)).isdecimal()
    ]
    return max(numbers, default=0) + 1


def _at(table: FromClause, name: str) -> Label[Any]:
    return table.c.recorded_at.label(name)


def _matching(filters: Filters, as_of: int | None) -> Select[Any]:
    asked = corrections_at(as_of)
    shown = asked.selected_columns
    for name in ("entry", "requester", "provider", "follows"):
        value = getattr(filters, name)
        if value is not None:
            asked = asked.where(shown[name] == value)
    for name in ("state", "type"):
        code = getattr(filters, name)
        if code is not None:
            asked = asked.where(shown[name] == code.value)
    if filters.open is not None:
        still = shown["state"].in_(sorted(OPEN))
        asked = asked.where(still if filters.open else ~still)
    if filters.reason is not None:
        # a JSON array of codes that hold neither quotes nor escapes: a quoted code is found as text
        asked = asked.where(shown["reasons"].contains(f'"{filters.reason}"', autoescape=True))
    return asked

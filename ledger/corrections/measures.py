"""What the clock says about correction requests: overdue ones, breaches, the on-time rate, reasons.

Every function takes a connection to the mirror, the day on which it judges, and ``workdays``, how long a clock
runs (at most the ten of 条例 Art. 26). With ``as_of`` a log size, nothing recorded later counts; the day that goes
with a size is :func:`ledger.mirror.moments.day_at`. Where a day lies in a year whose working days are not known,
:class:`~ledger.workdays.CalendarError` says so.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from fractions import Fraction
from typing import NamedTuple

import msgspec
from sqlalchemy import Connection

from ledger.corrections.answers import Request
from ledger.corrections.clock import (
    STATUTORY_WORKDAYS,
    due_day,
    moment_of,
    workdays_late,
    workdays_taken,
)
from ledger.corrections.queries import Filters, reasons_given, requests, unanswered
from ledger.corrections.vocabulary import STAGES, Vocabulary
from ledger.corrections.words import Standing
from ledger.days import china_day
from ledger.organisations import queries as organisations
from ledger.workdays import CalendarError

FULL = 10_000
FINDING = "39(6)"
"""条例 Art. 39(6): the provider did not verify, correct and feed back in time."""
_COUNTED = frozenset({Standing.ON_TIME, Standing.LATE, Standing.OVERDUE, Standing.LAPSED})
_BROKEN = frozenset({Standing.LATE, Standing.OVERDUE, Standing.LAPSED})


class _Counted(NamedTuple):
    """A request that counts in a rate: was it answered in time, and how many working days did each step take?"""

    request: Request
    in_time: bool
    to_take: int | None
    to_answer: int | None
    to_evaluate: int | None


class Clock(msgspec.Struct, frozen=True):
    """How a request stands against its clock on a day (时限).

    ``due_on`` and what follows from it are None where the calendar does not know the year yet; ``problem`` then
    says so. ``days_left`` counts working days to ``due_on`` while the time runs, ``days_late`` those after it.
    """

    day: date
    workdays: int
    received_on: date
    due_on: date | None
    standing: str | None
    days_left: int | None
    days_late: int | None
    problem: str | None


class Overdue(msgspec.Struct, frozen=True):
    """A request that nobody has answered though its time has run out.

    ``days_late`` counts the working days after ``due_on`` up to the day of judgement.
    """

    request: Request
    due_on: date
    days_late: int


class Breach(msgspec.Struct, frozen=True):
    """One finding 39(6): whose clock ran out unanswered, since when, and when an answer came, if one did.

    ``since`` is the first day after ``due_on``; ``until`` the day of the late answer or cancellation, None while
    the request is open; ``days_late`` counts working days up to ``until`` or the day of judgement.
    """

    finding: str
    code: str
    entry: str
    provider: str | None
    requester: str
    received_on: date
    due_on: date
    since: date
    until: date | None
    days_late: int
    standing: str
    leaf: int
    filed_leaf: int


class AnswerRate(msgspec.Struct, frozen=True):
    """按时纠错率: the share of requests due in a window that were answered on time, by provider.

    ``rate`` in basis points, None where nothing was due: not applicable, never 100 %. ``on_time`` and ``due`` are
    the codes behind numerator and denominator. The medians are working days, of those that took the step: from the
    filing until it was taken up, until it was answered or rejected, and from the answer until its evaluation.
    """

    provider: str | None
    name: str | None
    numerator: int
    denominator: int
    rate: int | None
    on_time: tuple[str, ...]
    due: tuple[str, ...]
    median_to_take: int | None
    median_to_answer: int | None
    median_to_evaluate: int | None


class ReasonCount(msgspec.Struct, frozen=True):
    """How often a reason was given at a step; ``zh`` and ``en`` are its names in the vocabulary."""

    stage: str
    code: str
    zh: str
    en: str
    count: int
    open: int
    """Of these, how many requests are still open."""


def clock_of(one: Request, day: date, workdays: int = STATUTORY_WORKDAYS) -> Clock:
    """The clock of a request on a day; never raises for a year that the calendar does not know."""
    due: date | None = None
    standing: Standing | None = None
    left: int | None = None
    late: int | None = None
    problem: str | None = None
    try:
        due = due_day(one.received, workdays)
    except CalendarError as error:
        problem = str(error)
    try:
        standing = one.standing(day, workdays)
        if due is not None and standing is Standing.RUNNING:
            left = workdays_taken(max(day, one.received), due)
        if due is not None and standing in _BROKEN:
            ended = _ended(one, standing)
            late = workdays_late(due, day if ended is None else ended)
    except CalendarError as error:
        problem = problem or str(error)
    return Clock(
        day=day,
        workdays=workdays,
        received_on=one.received,
        due_on=due,
        standing=None if standing is None else str(standing.value),
        days_left=left,
        days_late=late,
        problem=problem,
    )


def overdue(
    connection: Connection,
    day: date,
    *,
    workdays: int = STATUTORY_WORKDAYS,
    provider: str | None = None,
    as_of: int | None = None,
) -> list[Overdue]:
    """Requests that were without an answer on ``day`` and due before it, the longest overdue first."""
    found = []
    tomorrow = moment_of(day + timedelta(days=1))
    for one in unanswered(connection, tomorrow, provider=provider, as_of=as_of):
        due = one.due(day, workdays)
        if due is not None and day > due:
            found.append(Overdue(one, due, workdays_late(due, day)))
    return sorted(found, key=lambda one: (one.due_on, one.request.code))


def breaches(
    connection: Connection,
    day: date,
    *,
    workdays: int = STATUTORY_WORKDAYS,
    provider: str | None = None,
    since: date | None = None,
    as_of: int | None = None,
) -> list[Breach]:
    """Every clock that had run out unanswered by ``day``, answered late since or not, by due day.

    ``since`` leaves out those whose clock ran out before that day. The steps that count are those in the log at
    ``as_of``; a late answer takes nothing away from the breach.
    """
    found = []
    for one in requests(connection, Filters(provider=provider), as_of=as_of):
        standing = one.standing(day, workdays)
        due = one.due(day, workdays)
        if standing not in _BROKEN or due is None or (since is not None and due < since):
            continue
        until = _ended(one, standing)
        found.append(
            Breach(
                finding=FINDING,
                code=one.code,
                entry=one.entry,
                provider=one.provider,
                requester=one.requester,
                received_on=one.received,
                due_on=due,
                since=due + timedelta(days=1),
                until=until,
                days_late=workdays_late(due, until or day),
                standing=str(standing.value),
                leaf=one.leaf,
                filed_leaf=one.filed_leaf,
            )
        )
    return sorted(found, key=lambda one: (one.due_on, one.code))


def answer_rates(
    connection: Connection,
    first: date,
    last: date,
    day: date,
    *,
    workdays: int = STATUTORY_WORKDAYS,
    as_of: int | None = None,
) -> tuple[AnswerRate, list[AnswerRate]]:
    """The rate over all requests due from ``first`` to ``last``, and by provider, every organisation there.

    A request counts once its outcome is certain: answered, or its last day over on ``day``. One that was cancelled
    within its time does not count; cancelled later, it counts as not answered. Raises :class:`ValueError` where
    the window ends before it begins.
    """
    if last < first:
        raise ValueError(f"the window ends on {last}, before it begins on {first}")
    counted: list[_Counted] = []
    for one in requests(connection, as_of=as_of):
        due = one.due(last, workdays)
        if due is None or not first <= due <= last:
            continue
        standing = one.standing(day, workdays)
        if standing in _COUNTED:
            ended = one.ended_at if one.answered_at is not None else None
            counted.append(
                _Counted(
                    one,
                    standing is Standing.ON_TIME,
                    to_take=_between(one.filed_at, one.taken_at),
                    to_answer=_between(one.filed_at, one.answered_at),
                    to_evaluate=_between(one.answered_at, ended),
                )
            )
    active = [
        found for found in organisations.organisations(connection, as_of=as_of) if found.active
    ]
    names: dict[str | None, str] = {found.code: found.name for found in active}
    grouped: dict[str | None, list[_Counted]] = {code: [] for code in names}
    for row in counted:
        grouped.setdefault(row.request.provider, []).append(row)
    by_provider = [
        _rate(provider, names.get(provider), grouped[provider])
        for provider in sorted(grouped, key=lambda code: (code is None, code or ""))
    ]
    return _rate(None, None, counted), by_provider


def reason_counts(
    connection: Connection,
    vocabulary: Vocabulary,
    *,
    provider: str | None = None,
    as_of: int | None = None,
) -> list[ReasonCount]:
    """How often each reason was given, those of the vocabulary that nobody gave too; by step, then number."""
    given: dict[str, dict[str, list[bool]]] = {}
    for state, code, still_open in reasons_given(connection, provider=provider, as_of=as_of):
        given.setdefault(state, {}).setdefault(code, []).append(still_open)
    counted: list[ReasonCount] = []
    for stage in STAGES:
        mine = given.get(str(stage.value), {})
        every = {one.code for one in vocabulary.at(stage)} | set(mine)
        counted += sorted(
            (
                ReasonCount(
                    stage.value,
                    code,
                    *vocabulary.names(code),
                    count=len(mine.get(code, ())),
                    open=sum(mine.get(code, ())),
                )
                for code in every
            ),
            key=lambda one: (-one.count, one.code),
        )
    return counted


def _ended(one: Request, standing: Standing) -> date | None:
    """The day on which a broken clock stopped; None while it is overdue."""
    moment = {Standing.LATE: one.answered_at, Standing.LAPSED: one.cancelled_at}.get(standing)
    return None if moment is None else china_day(moment)


def _rate(provider: str | None, name: str | None, counted: Iterable[_Counted]) -> AnswerRate:
    rows = sorted(counted, key=lambda row: row.request.code)
    on_time = tuple(row.request.code for row in rows if row.in_time)
    return AnswerRate(
        provider=provider,
        name=name,
        numerator=len(on_time),
        denominator=len(rows),
        rate=round(Fraction(len(on_time) * FULL, len(rows))) if rows else None,
        on_time=on_time,
        due=tuple(row.request.code for row in rows),
        median_to_take=_median(row.to_take for row in rows),
        median_to_answer=_median(row.to_answer for row in rows),
        median_to_evaluate=_median(row.to_evaluate for row in rows),
    )


def _between(start: int | None, end: int | None) -> int | None:
    """Working days from one moment to another; None where one of them has not come."""
    if start is None or end is None:
        return None
    return workdays_taken(china_day(start), china_day(end))


def _median(days: Iterable[int | None]) -> int | None:
    """The middle one, the lower of two; None of none."""
    known = sorted(day for day in days if day is not None)
    return known[(len(known) - 1) // 2] if known else None

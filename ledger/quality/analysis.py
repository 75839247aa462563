"""Scores over time and rules by what they find (趋势, 问题规则), as of any size of the log."""

from __future__ import annotations

import heapq
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, select

from ledger.catalogue import queries as catalogue
from ledger.days import day_of
from ledger.quality.dimensions import DEFAULT_GRADES, DIMENSIONS, grade_of, mean_of
from ledger.quality.models import OUTCOMES, SCORES
from ledger.quality.queries import Grades, Outcome, judged, outcome_of
from ledger.store.ranged import held

_CHUNK = 500


class Point(msgspec.Struct, frozen=True):
    """How quality stood in the periods that end on one day.

    ``mean`` is the plain mean of the totals that count, ``dimensions`` the same of each dimension
    (None where it was not assessed), ``change`` the difference to the point before; basis points.
    ``entries`` is how many have a total.
    """

    period_end: date
    entries: int
    mean: int | None
    grade: str | None
    change: int | None
    dimensions: dict[str, int | None]


def trend(
    connection: Connection,
    *,
    entry: str | None = None,
    organisation: str | None = None,
    grades: Grades = DEFAULT_GRADES,
    as_of: int | None = None,
) -> list[Point]:
    """A point for each period end, oldest first: of one entry, of an organisation's, or of all.

    What counts for an entry in a period is what counts in the league (:func:`.queries.judged`).
    """
    owners = _owners(connection, entry, organisation, as_of)
    ends = connection.execute(
        select(SCORES.c.period_end)
        .where(held(SCORES, as_of))
        .distinct()
        .order_by(SCORES.c.period_end)
    ).scalars()
    points: list[Point] = []
    for end in ends.all():
        rows = list(judged(connection, owners, period_end=end, as_of=as_of).values())
        if not rows:
            continue
        mean = _mean(rows, "total")
        before = next((one.mean for one in reversed(points) if one.mean is not None), None)
        points.append(
            Point(
                period_end=day_of(end),
                entries=sum(row.total is not None for row in rows),
                mean=mean,
                grade=grade_of(mean, grades),
                change=None if mean is None or before is None else mean - before,
                dimensions={one.name: _mean(rows, one.name) for one in DIMENSIONS},
            )
        )
    return points


def worst_rules(
    connection: Connection,
    *,
    entry: str | None = None,
    organisation: str | None = None,
    indicator: str | None = None,
    limit: int = 20,
    as_of: int | None = None,
) -> list[Outcome]:
    """The rules that fail the greatest share of their elements, worst first, of the scores that count.

    ``indicator`` is a code or the beginning of one. Equal shares: more failing elements first, then
    by entry and rule. Rules that fail nothing are left out.
    """
    owners = _owners(connection, entry, organisation, as_of)
    leaves = sorted(row.leaf_from for row in judged(connection, owners, as_of=as_of).values())
    table = OUTCOMES
    found: list[Outcome] = []
    for start in range(0, len(leaves), _CHUNK):
        question = select(table).where(
            table.c.leaf_from.in_(leaves[start : start + _CHUNK]), table.c.failing > 0
        )
        if indicator:
            question = question.where(table.c.indicator.startswith(indicator, autoescape=True))
        some = (outcome_of(row) for row in connection.execute(question))
        found = heapq.nsmallest(limit, [*found, *some], key=_badness)
    return found


def _badness(one: Outcome) -> tuple[Any, ...]:
    return (one.rate or 0, -one.failing, one.entry, one.rule)


def _owners(
    connection: Connection, entry: str | None, organisation: str | None, as_of: int | None
) -> Mapping[str, str]:
    """Owners of the entries meant. One entry is answered for whether it is in force or not."""
    if entry is not None:
        found = catalogue.standing(connection, [entry], as_of=as_of)
        return {code: one.provider for code, one in found.items()}
    every = catalogue.in_force(connection, as_of=as_of)
    if organisation is None:
        return every
    return {code: owner for code, owner in every.items() if owner == organisation}


def _mean(rows: Sequence[Row[Any]], column: str) -> int | None:
    return mean_of([value for row in rows if (value := getattr(row, column)) is not None])

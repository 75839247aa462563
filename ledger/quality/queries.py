"""Questions about quality scores (质量评分), answered as of any size of the log.

Every function takes a connection to the mirror; ``as_of`` is a log size, None for what is held now.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Connection, Row, Select, select

from ledger.catalogue import queries as catalogue
from ledger.days import day_number, day_of
from ledger.organisations import queries as organisations
from ledger.quality.dimensions import DEFAULT_GRADES, DIMENSIONS, grade_of, mean_of
from ledger.quality.models import SCORES
from ledger.statements import text_hash
from ledger.store.ranged import held

Grades = Sequence[tuple[int, str]]
_CHUNK = 500


class Score(msgspec.Struct, frozen=True):
    """One organisation's score of one entry in one period, basis points 0..10000.

    ``dimensions`` has every dimension by name, None where it was not assessed. ``self_assessment``
    is whether the assessor owns the entry, None where the entry is not projected.
    """

    entry: str
    edition: int
    period_start: date
    period_end: date
    assessor: str | None
    assessor_name: str | None
    assessor_hash: str
    self_assessment: bool | None
    dimensions: dict[str, int | None]
    total: int | None
    grade: str | None
    coverage: int
    rule_set: str
    data_root: str | None
    method: str | None
    notes: str | None
    weights: tuple[int, ...] | None
    version: int
    recorded_at: int
    leaf_from: int
    leaf_until: int | None


class Standing(msgspec.Struct, frozen=True):
    """An organisation in the league (排名) of its entries in force.

    ``mean`` is the plain mean of the totals that count for its scored entries (:func:`league`),
    None where none is scored; ``rate`` the share of its entries that are, None where it has none.
    Both in basis points.
    """

    code: str
    name: str
    name_en: str | None
    level: str
    entries: int
    scored: int
    rate: int | None
    mean: int | None
    lowest: int | None
    grade: str | None
    grades: dict[str, int]


def scores(
    connection: Connection,
    *,
    entry: str | None = None,
    assessor: str | None = None,
    period: date | None = None,
    grades: Grades = DEFAULT_GRADES,
    as_of: int | None = None,
    before: int | None = None,
    limit: int | None = None,
) -> list[Score]:
    """Scores in force that match everything given, the newest statement first.

    ``assessor`` is an organisation's code, ``period`` a day that lies in the period assessed. A
    page ends at ``limit``; the next one is asked for with ``before`` the last score's
    ``leaf_from``.
    """
    wanted: list[ColumnElement[bool]] = [held(SCORES, as_of)]
    if entry is not None:
        wanted.append(SCORES.c.entry == entry)
    if assessor is not None:
        wanted.append(SCORES.c.assessor == text_hash(assessor))
    if period is not None:
        wanted.append(SCORES.c.period_start <= day_number(period))
        wanted.append(SCORES.c.period_end >= day_number(period))
    if before is not None:
        wanted.append(SCORES.c.leaf_from < before)
    question = select(SCORES).where(*wanted).order_by(SCORES.c.leaf_from.desc())
    if limit is not None:
        question = question.limit(limit)
    return _told(connection, connection.execute(question).all(), grades, as_of)


def latest(
    connection: Connection,
    entries: Iterable[str] | None = None,
    *,
    grades: Grades = DEFAULT_GRADES,
    as_of: int | None = None,
) -> dict[str, Score]:
    """The newest score of each entry (of all where None), by code; those without are left out.

    The period that ends last counts, then the statement recorded last.
    """
    rows = list(_newest(connection, entries, as_of))
    return {
        told.entry: told
        for told in sorted(_told(connection, rows, grades, as_of), key=lambda told: told.entry)
    }


def history(
    connection: Connection,
    entry: str,
    *,
    grades: Grades = DEFAULT_GRADES,
    as_of: int | None = None,
) -> list[Score]:
    """Every score that was ever stated of an entry, superseded ones too, the first one first."""
    question = select(SCORES).where(SCORES.c.entry == entry).order_by(SCORES.c.leaf_from)
    if as_of is not None:
        question = question.where(SCORES.c.leaf_from < as_of)
    return _told(connection, connection.execute(question).all(), grades, as_of)


def league(
    connection: Connection, *, grades: Grades = DEFAULT_GRADES, as_of: int | None = None
) -> list[Standing]:
    """Every active organisation by the quality of its entries in force, best mean first.

    Organisations without entries or scores are there as well, at the end, by code. No department
    can better its own standing: an entry under revision stays in, and what its owner scored itself
    (自评) counts only where nobody else assessed the entry.
    """
    owners = catalogue.in_force(connection, as_of=as_of)
    owned: dict[str, list[str]] = {}
    for code, owner in owners.items():
        owned.setdefault(owner, []).append(code)
    totals = _judged(connection, owners, as_of)
    standings = [
        _standing(found, owned.get(found.code, []), totals, grades)
        for found in organisations.organisations(connection, as_of=as_of)
        if found.active
    ]
    return sorted(standings, key=lambda one: (one.mean is None, -(one.mean or 0), one.code))


def _standing(
    found: organisations.Organisation,
    entries: Sequence[str],
    totals: dict[str, int | None],
    grades: Grades,
) -> Standing:
    stated = [total for code in entries if (total := totals.get(code)) is not None]
    by_grade = {grade: 0 for _, grade in grades}
    for total in stated:
        by_grade[grade_of(total, grades) or ""] += 1
    mean = mean_of(stated)
    return Standing(
        code=found.code,
        name=found.name,
        name_en=found.name_en,
        level=found.level,
        entries=len(entries),
        scored=len(stated),
        rate=mean_of([10_000] * len(stated) + [0] * (len(entries) - len(stated))),
        mean=mean,
        lowest=min(stated, default=None),
        grade=grade_of(mean, grades),
        grades=by_grade,
    )


def _judged(
    connection: Connection, owners: dict[str, str], as_of: int | None
) -> dict[str, int | None]:
    """The total that counts for each of these entries, by code."""
    hashes = {owner: text_hash(owner) for owner in set(owners.values())}
    own: dict[str, int | None] = {}
    by_others: dict[str, int | None] = {}
    for row in connection.execute(_oldest_first(as_of)):
        owner = owners.get(row.entry)
        if owner is not None:
            totals = own if bytes(row.assessor) == hashes[owner] else by_others
            totals[row.entry] = row.total
    return own | by_others


def _oldest_first(as_of: int | None) -> Select[Any]:
    """Scores in force; of one entry the newest is last."""
    return (
        select(SCORES).where(held(SCORES, as_of)).order_by(SCORES.c.period_end, SCORES.c.leaf_from)
    )


def _newest(
    connection: Connection, entries: Iterable[str] | None, as_of: int | None
) -> Iterator[Row[Any]]:
    question = _oldest_first(as_of)
    if entries is None:
        yield from {row.entry: row for row in connection.execute(question)}.values()
        return
    asked = sorted(set(entries))
    for start in range(0, len(asked), _CHUNK):
        some = question.where(SCORES.c.entry.in_(asked[start : start + _CHUNK]))
        yield from {row.entry: row for row in connection.execute(some)}.values()


def _told(
    connection: Connection, rows: Sequence[Row[Any]], grades: Grades, as_of: int | None
) -> list[Score]:
    """Rows with the names of their assessors, and whether those own the entries."""
    names = organisations.names(connection, {bytes(row.assessor) for row in rows}, as_of)
    entries = sorted({row.entry for row in rows})
    owners = {
        code: text_hash(entry.provider)
        for code, entry in catalogue.standing(connection, entries, as_of=as_of).items()
    }
    return [_score(row, names.get(bytes(row.assessor)), owners, grades) for row in rows]


def _score(
    row: Row[Any],
    assessor: organisations.Name | None,
    owners: dict[str, bytes],
    grades: Grades,
) -> Score:
    owner = owners.get(row.entry)
    return Score(
        entry=row.entry,
        edition=row.edition,
        period_start=day_of(row.period_start),
        period_end=day_of(row.period_end),
        assessor=assessor.code if assessor else None,
        assessor_name=assessor.name if assessor else None,
        assessor_hash="0x" + bytes(row.assessor).hex(),
        self_assessment=None if owner is None else owner == bytes(row.assessor),
        dimensions={dimension.name: getattr(row, dimension.name) for dimension in DIMENSIONS},
        total=row.total,
        grade=grade_of(row.total, grades),
        coverage=row.coverage,
        rule_set="0x" + bytes(row.rule_set).hex(),
        data_root=None if row.data_root is None else "0x" + bytes(row.data_root).hex(),
        method=row.method,
        notes=row.notes,
        weights=None if row.weights is None else tuple(json.loads(row.weights)),
        version=row.version,
        recorded_at=row.recorded_at,
        leaf_from=row.leaf_from,
        leaf_until=row.leaf_until,
    )

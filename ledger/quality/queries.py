"""Questions about quality scores (质量评分), answered as of any size of the log.

Every function takes a connection to the mirror; ``as_of`` is a log size, None for what is held now.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from fractions import Fraction
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Connection, Row, Select, select

from ledger.catalogue import queries as catalogue
from ledger.days import day_number, day_of
from ledger.organisations import queries as organisations
from ledger.quality.dimensions import DEFAULT_GRADES, DIMENSIONS, FULL, grade_of, mean_of
from ledger.quality.models import OUTCOMES, SCORES
from ledger.statements import text_hash
from ledger.store.ranged import held

Grades = Sequence[tuple[int, str]]
_CHUNK = 500
_NAMES = ", ".join(one.name for one in DIMENSIONS)


class Score(msgspec.Struct, frozen=True):
    """One organisation's score of one entry in one period, basis points 0..10000.

    ``dimensions`` has every dimension by name, None where it was not assessed. ``self_assessment``
    is whether the assessor owns the entry, None where the entry is not projected. ``grade`` is by
    the grades asked for, ``stated_grade`` in the scale of the assessor's own profile.
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
    weights_digest: str | None
    result_digest: str | None
    profile: str | None
    stated_grade: str | None
    day: date | None
    rows: int | None
    delivery: int | None
    version: int
    recorded_at: int
    leaf_from: int
    leaf_until: int | None


class Outcome(msgspec.Struct, frozen=True):
    """What one rule counted for the score at ``leaf``: of ``evaluated`` elements ``failing`` fail it.

    ``rate`` is the share that satisfies it in basis points, None where nothing was evaluated.
    """

    entry: str
    rule: str
    indicator: str
    severity: str
    state: str
    evaluated: int
    failing: int
    rate: int | None
    reason: str | None
    leaf: int


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


def at_leaf(
    connection: Connection,
    leaf: int,
    *,
    grades: Grades = DEFAULT_GRADES,
    as_of: int | None = None,
) -> Score | None:
    """The score stated at a leaf, superseded or not; None where that leaf is no score."""
    if as_of is not None and leaf >= as_of:
        return None
    rows = connection.execute(select(SCORES).where(SCORES.c.leaf_from == leaf)).all()
    return next(iter(_told(connection, rows, grades, as_of)), None)


def outcomes(connection: Connection, leaf: int) -> list[Outcome]:
    """What each rule counted, as the score at a leaf tells it, in the order of their ids."""
    table = OUTCOMES
    question = select(table).where(table.c.leaf_from == leaf).order_by(table.c.rule)
    return [outcome_of(row) for row in connection.execute(question)]


def scores_at(size: int | None = None) -> Select[Any]:
    """Scores in force at log size ``size``, for audits.

    Columns: leaf, entry, edition, period_start, period_end, assessor (hash of its code), the six
    dimensions, total (null: nothing assessed), coverage, rule_set, data_root, weights_digest,
    result_digest, delivery, recorded_at.
    """
    table = SCORES
    same = ("entry", "edition", "period_start", "period_end", "assessor")
    more = ("total", "coverage", "rule_set", "data_root", "weights_digest", "result_digest")
    names = (*same, *(one.name for one in DIMENSIONS), *more, "delivery", "recorded_at")
    return select(table.c.leaf_from.label("leaf"), *(table.c[name] for name in names)).where(
        held(table, size)
    )


def judged(
    connection: Connection,
    owners: Mapping[str, str],
    *,
    period_end: int | None = None,
    as_of: int | None = None,
) -> dict[str, Row[Any]]:
    """The score that counts for each of these entries (code -> owner's code), by code.

    The period that ends last counts, then the statement recorded last; what its owner scored itself
    (自评) only where nobody else assessed the entry. With ``period_end`` (YYYYMMDD) only scores of
    periods that end there are looked at.
    """
    hashes = {owner: text_hash(owner) for owner in set(owners.values())}
    own: dict[str, Row[Any]] = {}
    by_others: dict[str, Row[Any]] = {}
    question = _oldest_first(as_of)
    if period_end is not None:
        question = question.where(SCORES.c.period_end == period_end)
    for row in connection.execute(question):
        owner = owners.get(row.entry)
        if owner is not None:
            found = own if bytes(row.assessor) == hashes[owner] else by_others
            found[row.entry] = row
    return own | by_others


def league(
    connection: Connection,
    *,
    dimension: str | None = None,
    grades: Grades = DEFAULT_GRADES,
    as_of: int | None = None,
) -> list[Standing]:
    """Every active organisation by the quality of its entries in force, best mean first.

    With ``dimension`` (a name of :data:`~ledger.quality.dimensions.DIMENSIONS`) by that one alone;
    entries whose score does not assess it count as not scored. Raises :class:`ValueError` for
    another name.

    Organisations without entries or scores are there as well, at the end, by code. No department
    can better its own standing: an entry under revision stays in, and what its owner scored itself
    (自评) counts only where nobody else assessed the entry.
    """
    owners = catalogue.in_force(connection, as_of=as_of)
    owned: dict[str, list[str]] = {}
    for code, owner in owners.items():
        owned.setdefault(owner, []).append(code)
    if dimension is not None and dimension not in {one.name for one in DIMENSIONS}:
        raise ValueError(f"{dimension!r} is no dimension: one of {_NAMES}")
    column = dimension or "total"
    rows = judged(connection, owners, as_of=as_of)
    totals: dict[str, int | None] = {code: getattr(row, column) for code, row in rows.items()}
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
        data_root=_hex(row.data_root),
        method=row.method,
        notes=row.notes,
        weights=None if row.weights is None else tuple(json.loads(row.weights)),
        weights_digest=_hex(row.weights_digest),
        result_digest=_hex(row.result_digest),
        profile=row.profile,
        stated_grade=row.grade,
        day=None if row.day is None else day_of(row.day),
        rows=row.rows,
        delivery=row.delivery,
        version=row.version,
        recorded_at=row.recorded_at,
        leaf_from=row.leaf_from,
        leaf_until=row.leaf_until,
    )


def _hex(digest: bytes | None) -> str | None:
    return None if digest is None else "0x" + bytes(digest).hex()


def outcome_of(row: Row[Any]) -> Outcome:
    """A row of the outcomes' table."""
    rate = Fraction(row.evaluated - row.failing, row.evaluated) if row.evaluated else None
    return Outcome(
        entry=row.entry,
        rule=row.rule,
        indicator=row.indicator,
        severity=row.severity,
        state=row.state,
        evaluated=row.evaluated,
        failing=row.failing,
        rate=None if rate is None else round(rate * FULL),
        reason=row.reason,
        leaf=row.leaf_from,
    )

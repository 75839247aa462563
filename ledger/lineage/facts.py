"""What events said of many nodes at once: facets that hold, and the newest run of each job."""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import Any

import msgspec
from sqlalchemy import Connection, and_, func, or_, select

from ledger.lineage.models import (
    FACET_VALUES,
    FACETS,
    RUNS,
)

_CHUNK = 500


class NewestRun(msgspec.Struct, frozen=True):
    """The newest run of a job by event time; times in microseconds since 1970, UTC."""

    run: str
    state: str | None
    started_at: int | None
    ended_at: int | None
    event_at: int
    nominal_start: str | None
    nominal_end: str | None


def facets(
    conn: Connection, nodes: Collection[int], names: Collection[str], journal: int
) -> dict[int, dict[str, Any]]:
    """The facets with these names that hold at a journal size, by node and name."""
    found: dict[int, dict[str, Any]] = {}
    holds = and_(
        FACETS.c.pos_from < journal,
        or_(FACETS.c.pos_until.is_(None), FACETS.c.pos_until >= journal),
    )
    for some in _chunks(nodes):
        asked = (
            select(FACETS.c.node_id, FACETS.c.name, FACET_VALUES.c.value)
            .join(FACET_VALUES, FACET_VALUES.c.id == FACETS.c.value)
            .where(FACETS.c.node_id.in_(some), FACETS.c.name.in_(sorted(names)), holds)
        )
        for node, name, value in conn.execute(asked):
            found.setdefault(node, {})[name] = json.loads(value)
    return found


def newest_runs(conn: Connection, jobs: Collection[int], journal: int) -> dict[int, NewestRun]:
    """The newest run of each job that a journal of this size knows."""
    found: dict[int, NewestRun] = {}
    shown = [RUNS.c[name] for name in ("run_id", "state", "started_at", "ended_at", "event_at")]
    shown += [RUNS.c.nominal_start, RUNS.c.nominal_end]
    for some in _chunks(jobs):
        newest = (
            select(RUNS.c.job_id, func.max(RUNS.c.event_at).label("at"))
            .where(RUNS.c.job_id.in_(some), RUNS.c.first_pos < journal)
            .group_by(RUNS.c.job_id)
            .subquery()
        )
        same = and_(RUNS.c.job_id == newest.c.job_id, RUNS.c.event_at == newest.c.at)
        asked = (
            select(RUNS.c.job_id, *shown)
            .join(newest, same)
            .where(RUNS.c.first_pos < journal)
            .order_by(RUNS.c.id)
        )
        for row in conn.execute(asked):
            found[row[0]] = NewestRun(*row[1:])
    return found


def _chunks(numbers: Collection[int]) -> list[list[int]]:
    listed = sorted(numbers)
    return [listed[first : first + _CHUNK] for first in range(0, len(listed), _CHUNK)]

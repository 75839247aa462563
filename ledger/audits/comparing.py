"""Two audits of one ledger, at two sizes (审计比对): how every rate moved, and which gaps came, went or moved.

Both are worked out one after the other; what is kept of the first are its tallies and the columns of its gaps. Both are
judged under the same policy and scope, each on its own day.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy import Connection

from ledger.audits.audit import Audit, audited
from ledger.audits.ladder import gap_id, rung_code
from ledger.audits.policy import DEFAULT_POLICY, Policy
from ledger.audits.report import measures, report_head
from ledger.audits.scope import Scope
from ledger.audits.working import Progress
from ledger.audits.workspace import Row

_KEPT = (
    "SELECT g.code, COALESCE(o.code, '') AS organisation, g.rung, g.reason, g.unit FROM audit_gap g "
    "LEFT JOIN audit_organisation o ON o.id = g.org WHERE g.scoped = 1"
)
_MOVES = (
    "SELECT COALESCE(g.code, b.code) AS code, b.rung AS rung_before, b.reason AS reason_before, g.rung, g.reason, "
    "COALESCE(g.organisation, b.organisation) AS organisation, b.unit AS leaf_before, g.unit AS leaf "
    "FROM audit_before b FULL JOIN audit_after g ON g.code = b.code "
    "WHERE g.code IS NULL OR b.code IS NULL OR g.rung <> b.rung OR g.reason <> b.reason "
    "ORDER BY 1"
)


def compared(
    connection: Connection,
    before: int,
    after: int,
    *,
    scope: Scope | None = None,
    policy: Policy = DEFAULT_POLICY,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Both audits' heads, every metric's rate at both, and every gap that is not the same at both.

    Raises what :func:`ledger.audits.audit.audited` raises. ``moved`` of a gap is ``opened``, ``closed`` or ``changed``;
    an obligation that is no longer there, or no longer in force, closes its gap.
    """
    with audited(connection, before, scope=scope, policy=policy, progress=progress) as first:
        then, from_ = measures(first), report_head(first)
        kept = first.work.columns(_KEPT)
    with audited(connection, after, scope=scope, policy=policy, progress=progress) as second:
        now, to = measures(second), report_head(second)
        second.work.load("audit_before", iter([kept]))
        second.work.run(f"CREATE VIEW audit_after AS {_KEPT}")
        gaps = list(_moves(second))
    return {
        "from": from_,
        "to": to,
        "metrics": [_metric(one, other) for one, other in zip(then, now, strict=True)],
        "gaps": gaps,
    }


def _moves(audit: Audit) -> Iterator[dict[str, Any]]:
    for row in audit.work.rows(_MOVES):
        yield {
            "obligation": row.code,
            "organisation": row.organisation,
            "moved": "closed"
            if row.rung is None
            else "opened"
            if row.rung_before is None
            else "changed",
            "before": _gap(row.code, row.rung_before, row.reason_before, row),
            "after": _gap(row.code, row.rung, row.reason, row),
        }


def _gap(code: str, rung: int | None, reason: str | None, row: Row) -> dict[str, Any] | None:
    if rung is None:
        return None
    leaf = row.leaf_before if rung == row.rung_before and reason == row.reason_before else row.leaf
    return {"id": gap_id(rung, code), "rung": rung_code(rung), "reason": reason, "leaf": leaf}


def _metric(then: dict[str, Any], now: dict[str, Any]) -> dict[str, Any]:
    """One metric at both sizes; organisations where anything about it changed."""
    shown = ("numerator", "denominator", "rate_basis_points")
    before = {one["organisation"]: one for one in then["organisations"]}
    after = {one["organisation"]: one for one in now["organisations"]}
    nothing = {"numerator": 0, "denominator": 0, "rate_basis_points": None}
    moved = []
    for code in sorted(before.keys() | after.keys(), key=str.encode):
        sides = [
            {name: side.get(code, nothing)[name] for name in shown} for side in (before, after)
        ]
        if sides[0] != sides[1]:
            moved.append({"organisation": code, "before": sides[0], "after": sides[1]})
    return {
        "id": then["id"],
        "before": {name: then[name] for name in shown},
        "after": {name: now[name] for name in shown},
        "organisations": moved,
    }

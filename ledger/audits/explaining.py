"""One obligation explained (缺口说明): each rung of its ladder, what it rests on, and what is known beside it."""

from __future__ import annotations

import json
from typing import Any

from ledger.audits.audit import Audit, AuditError
from ledger.audits.ladder import REASONS, RUNGS
from ledger.audits.report import finding_line, gap_line, table_line, upper_line
from ledger.audits.workspace import Row
from ledger.codes import EXEMPTION_SCOPES, ExemptionScope, ObligationType
from ledger.days import day_of
from ledger.obligations import queries as obligations

_EXEMPTIONS = (
    "SELECT x.bit, x.leaf, x.expires, x.kind FROM audit_exemption x "
    "WHERE (x.kind = 'obligation' AND x.target = $code) OR (x.kind = 'entry' AND x.target = $entry) "
    "ORDER BY x.bit, x.kind"
)
_BELOW = "SELECT code FROM audit_in_obligation WHERE parent = $code ORDER BY code"
_UPPER = (ObligationType.DUTY.value, ObligationType.SYSTEM.value)
_MOUNTED, _COLLECTED, _ON_TIME, _OF_QUALITY = 2, range(3, 7), 7, 8


def explained(audit: Audit, asked: str) -> dict[str, Any]:
    """What the audit knows of an obligation; ``asked`` is its code, or the id of its gap.

    Raises :class:`~ledger.audits.audit.AuditError` for an unknown one.
    """
    found = _obligation(audit, asked)
    told = {
        "code": found.code,
        "name": found.name,
        "type": found.type,
        "parent": found.parent,
        "organisation": found.responsible,
        "legal_basis": json.loads(found.legal_basis),
        "version": found.version,
        "leaf": found.leaf,
        "below": [row.code for row in audit.work.rows(_BELOW, {"code": found.code})],
    }
    if found.type in _UPPER:
        line = next(audit.upper(found.code))
        return {
            "obligation": told,
            "line": upper_line(audit, line),
            **_beside(audit, found.code, ""),
        }
    line = next(audit.tables(found.code))
    gap = next(audit.gaps(code=found.code), None)
    return {
        "obligation": told,
        "line": table_line(audit, line),
        "ladder": _ladder(line),
        "gap": None if gap is None else gap_line(audit, gap),
        **_beside(audit, found.code, line.entry or ""),
    }


def _obligation(audit: Audit, asked: str) -> Row:
    codes = [asked]
    rung, colon, code = asked.partition(":")
    if colon and rung in {one[0] for one in RUNGS}:
        codes.insert(0, code)
    known = obligations.obligations_at(audit.question.size)
    for one in codes:
        named = known.where(known.selected_columns["code"] == one)
        found = audit.connection.execute(named).one_or_none()
        if found is not None:
            return found
    raise AuditError(
        f"there is no obligation {codes[0]} at size {audit.question.size}",
        "give an obligation's code, or a gap's id as `govledger audit gaps` shows it",
        zh=f"日志大小 {audit.question.size} 时没有义务 {codes[0]}",
        hint_zh="请给出义务代码，或 `govledger audit gaps` 中的缺口编号",
    )


def _beside(audit: Audit, code: str, entry: str) -> dict[str, Any]:
    of = {"code": code, "entry": entry}
    return {
        "exemptions": [
            {
                "scope": EXEMPTION_SCOPES[ExemptionScope(row.bit)][1],
                "target_type": row.kind,
                "leaf": row.leaf,
                "expires": day_of(row.expires).isoformat(),
            }
            for row in audit.work.rows(_EXEMPTIONS, of)
        ],
        "findings": [finding_line(audit, row) for row in audit.findings_about(code, entry)],
    }


def _ladder(line: Row) -> list[dict[str, Any]]:
    """Each rung: ``passed``, ``broken``, ``skipped`` (exempt, or nothing to ask there) or ``not_reached``."""
    leaves = {
        1: line.entry_leaf,
        2: line.entry_leaf,
        3: line.manifest_leaf,
        4: line.delivery_leaf,
        5: line.delivery_leaf,
        6: line.delivery_leaf,
        7: line.delivery_leaf,
        8: line.score_leaf,
    }
    found = []
    for number, (code, _, _) in enumerate(RUNGS, 1):
        if line.standing or line.exempt & ExemptionScope.CATALOGUE or _skipped(line, number):
            state = "skipped"
        elif line.rung == number:
            state = "broken"
        else:
            state = "passed" if not line.rung or number < line.rung else "not_reached"
        reached = state in ("passed", "broken")
        found.append({"rung": code, "state": state, "leaf": leaves[number] if reached else None})
    return found


def _skipped(line: Row, number: int) -> bool:
    """Whether nothing is asked of the unit on a rung."""
    if number == _MOUNTED:
        return bool(line.share == 3 or line.exempt & ExemptionScope.SHARE)  # noqa: PLR2004 - not shared
    if number in _COLLECTED:
        return bool(line.exempt & ExemptionScope.COLLECT)
    states = {_ON_TIME: line.timeliness, _OF_QUALITY: line.quality}
    return bool(states.get(number, 1) > 2)  # noqa: PLR2004 - neither met nor unmet


def way_out(gap: dict[str, Any]) -> tuple[str, str]:
    """What is to be done about a gap, in Chinese and English."""
    reason = REASONS[gap["reason"]]
    return reason.way_zh, reason.way_en

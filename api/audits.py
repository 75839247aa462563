"""Audits as the API tells them: codes with their names in both languages, one audit at a time."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from api.context import Context, View
from api.language import Text
from api.problems import Fault, Problem
from api.wording import time_of
from ledger.audits.audit import Audit, AuditError, JournalNotCountedError, audited
from ledger.audits.explaining import explained
from ledger.audits.findings import SIGNALS
from ledger.audits.ladder import REASONS, RUNGS
from ledger.audits.metrics import BY_ID
from ledger.audits.policy import Policy, PolicyError, read_policy
from ledger.audits.queries import Report
from ledger.audits.scope import Scope
from ledger.mirror import queries as mirror
from ledger.organisations import queries as organisations

_ONE_AT_A_TIME = threading.Lock()
"""An audit takes memory in proportion to the ledger: requests take turns."""
_RUNGS = {code: {"code": code, "zh": zh, "en": en} for code, zh, en in RUNGS}


def policy_of(context: Context) -> Policy:
    """The policy of the server's settings; raises the problem ``misconfigured``."""
    try:
        return read_policy(context.office.settings.audit_policy)
    except PolicyError as error:
        detail = Text(f"设置 audit_policy:{error.zh}", f"the setting audit_policy: {error}")
        raise Problem("misconfigured", detail) from error


@contextmanager
def audit_of(
    context: Context, view: View, scope: Scope, *, journal: bool = False
) -> Iterator[Audit]:
    """The audit of a view within a scope, which counts the lineage journal where it is told to.

    Raises ``unknown_organisation``, ``nothing_to_audit``, or ``journal_not_counted``.
    """
    code = scope.organisation
    if code and not organisations.organisation(view.conn, code, view.held):
        detail = Text(f"没有机构 {code}", f"there is no organisation {code}")
        fault = Fault("?organisation", detail, "unknown_organisation")
        raise Problem("unknown_organisation", detail, [fault])
    policy = policy_of(context)
    with _ONE_AT_A_TIME:
        try:
            with audited(
                view.conn, view.as_of, scope=scope, policy=policy, journal=journal
            ) as found:
                yield found
        except JournalNotCountedError as error:
            detail = Text(error.zh, str(error))
            fault = Fault("?journal", detail, "journal_not_counted")
            raise Problem("journal_not_counted", detail, [fault]) from error
        except AuditError as error:
            raise Problem("nothing_to_audit", Text(error.zh, str(error))) from error


class Names:
    """The names behind codes of organisations, as of a view."""

    def __init__(self, audit: Audit) -> None:
        self._known = {one.code: one for one in audit.organisations()}

    def of(self, code: str) -> dict[str, str | None] | None:
        """``{"code", "zh", "en"}``; None for a statement whose organisation cannot be read."""
        if not code:
            return None
        one = self._known.get(code)
        return {
            "code": code,
            "zh": (one.name if one else None) or code,
            "en": one.name_en if one else None,
        }


def root_of(view: View) -> str:
    """The root of the log at the view's size, as ``0x`` hex."""
    return mirror.checkpoint(view.conn, view.as_of).root


def show_measure(told: Mapping[str, Any], names: Names) -> dict[str, Any]:
    metric = BY_ID[told["id"]]
    counts = {name: value for name, value in told.items() if name not in ("id", "organisations")}
    return {
        "metric": {"code": metric.id, "zh": metric.zh, "en": metric.en},
        "formula": {"zh": metric.formula_zh, "en": metric.formula_en},
        "source": metric.source,
        **counts,
        "organisations": [
            {**one, "organisation": names.of(one["organisation"])} for one in told["organisations"]
        ],
    }


def show_gap(told: Mapping[str, Any], names: Names) -> dict[str, Any]:
    reason = REASONS[told["reason"]]
    return {
        **told,
        "organisation": names.of(told["organisation"]),
        "acts": names.of(told["acts"]),
        "rung": _RUNGS[told["rung"]],
        "reason": {"code": reason.code, "zh": reason.zh, "en": reason.en},
        "way": {"zh": reason.way_zh, "en": reason.way_en},
    }


def show_finding(told: Mapping[str, Any], names: Names) -> dict[str, Any]:
    signal = SIGNALS[told["name"]]
    return {
        **told,
        "name": {"code": signal.name, "zh": signal.zh, "en": signal.en},
        "organisation": names.of(told["organisation"]),
    }


def show_explanation(audit: Audit, asked: str) -> dict[str, Any]:
    """One obligation with its ladder; raises the problem ``unknown_obligation``."""
    try:
        told = explained(audit, asked)
    except AuditError as error:
        detail = Text(error.zh, str(error))
        fault = Fault("", detail, "unknown_obligation")
        raise Problem("unknown_obligation", detail, [fault]) from error
    names = Names(audit)
    gap = told.get("gap")
    return {
        "obligation": told["obligation"]
        | {"organisation": names.of(told["obligation"]["organisation"])},
        "line": told["line"],
        "ladder": [{**rung, "rung": _RUNGS[rung["rung"]]} for rung in told.get("ladder", [])],
        "gap": None if gap is None else show_gap(gap, names),
        "exemptions": told["exemptions"],
        "findings": [show_finding(one, names) for one in told["findings"]],
    }


def show_report(report: Report) -> dict[str, Any]:
    who = report.organisation
    return {
        "code": report.code,
        "type": report.type,
        "version": report.version,
        "scope": report.scope,
        "size": report.size,
        "root": "0x" + report.root,
        "numerator": report.numerator,
        "denominator": report.denominator,
        "metric": report.metric,
        "rate": report.rate,
        "report": report.report,
        "policy": report.policy,
        "note": report.note,
        "organisation": None
        if who is None
        else {"code": who.code, "zh": who.name, "en": who.name_en},
        "organisation_hash": report.organisation_hash,
        "recorded_at": time_of(report.recorded_at),
        "leaf_from": report.leaf_from,
        "leaf_until": report.leaf_until,
    }

"""Soda Core 3: what ``soda scan --scan-results-file`` writes.

Checks that broke are not in it: of them only ``hasErrors`` tells, which becomes one check without an answer.
``outcome`` is pass, warn, fail or null; a warning is a failure that the threshold lets pass, and null is a check
that was not evaluated. Where the metric of a check counts bad rows and the scan has the table's row count,
both are taken; otherwise the check is one element.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ledger.quality.foreign.found import (
    Found,
    Reading,
    answered,
    counted,
    part,
    parts,
    text,
    unanswered,
    whole,
)

TOOL = "soda"
_ANSWERS = {"pass": True, "warn": False, "fail": False}
_BAD_ROWS = {"missing_count", "invalid_count", "duplicate_count"}
_METRIC = re.compile(r"\s*([a-z][a-z_]+)")


def is_result(document: Mapping[str, Any]) -> bool:
    """Whether a document is a scan's result."""
    return "checks" in document and "scanStartTimestamp" in document


def read(document: Mapping[str, Any]) -> Reading:
    """The checks of a scan."""
    metrics = {str(one.get("identity")): one for one in parts(document, "metrics")}
    rows = _row_counts(document, metrics)
    found = [_found(one, metrics, rows) for one in parts(document, "checks")]
    if document.get("hasErrors") is True:
        found.append(unanswered(TOOL, "scan", "tool_error"))
    return Reading(TOOL, text(document.get("sodaVersion")), tuple(found))


def _row_counts(
    document: Mapping[str, Any], metrics: Mapping[str, Mapping[str, Any]]
) -> dict[str, int]:
    """Row counts by table: metrics do not name their table, checks do, and identities contain it."""
    tables = {str(one.get("table")) for one in parts(document, "checks")}
    counts: dict[str, int] = {}
    for identity, metric in metrics.items():
        value = whole(metric.get("value"))
        if metric.get("metricName") == "row_count" and value is not None:
            for table in tables:
                if identity.endswith(f"-{table}-row_count"):
                    counts[table] = value
    return counts


def _found(
    one: Mapping[str, Any], metrics: Mapping[str, Mapping[str, Any]], rows: Mapping[str, int]
) -> Found:
    column, table = text(one.get("column")), text(one.get("table"))
    named = [metrics[name] for name in one.get("metrics") or [] if name in metrics]
    metric = next((one for one in named if one.get("metricName") != "row_count"), None)
    metric = metric or next(iter(named), {})
    check = text(metric.get("metricName")) or _metric_in(str(one.get("name")))
    outcome = str(one.get("outcome")).lower()
    if outcome not in _ANSWERS:
        return unanswered(TOOL, check, "not_run", column=column, table=table)
    bad = whole(metric.get("value"))
    bad = whole(part(one, "diagnostics").get("value")) if bad is None else bad
    total = rows.get(table or "")
    if check in _BAD_ROWS and bad is not None and total is not None:
        return counted(TOOL, check, column=column, table=table, evaluated=total, failing=bad)
    return answered(TOOL, check, column=column, table=table, passed=_ANSWERS[outcome])


def _metric_in(name: str) -> str:
    found = _METRIC.match(name)
    return found[1] if found else "check"

"""Frictionless: a report of ``frictionless validate --json``.

A report lists errors, not checks. Of each table come: one check for each type of error of rows and cells
that is there, over all rows; one ``valid`` check over all rows where no error is; and one for
each type of error of the table or its header, which is a yes or no. A table that could not be read, or of
which the report says ``limit``, is not assessable.
"""

from __future__ import annotations

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

TOOL = "frictionless"
_UNREADABLE = {
    "source-error",
    "scheme-error",
    "format-error",
    "encoding-error",
    "compression-error",
    "resource-error",
    "file-error",
    "task-error",
    "error",
}


def is_result(document: Mapping[str, Any]) -> bool:
    """Whether a document is a report."""
    return isinstance(document.get("valid"), bool) and isinstance(document.get("tasks"), list)


def read(document: Mapping[str, Any]) -> Reading:
    """The checks of all tables of a report."""
    found = [
        unanswered(TOOL, str(error.get("type"))[:100], "tool_error")
        for error in parts(document, "errors")
    ]
    for task in parts(document, "tasks"):
        found += _of_table(task)
    return Reading(TOOL, None, tuple(found))


def _of_table(task: Mapping[str, Any]) -> list[Found]:
    table, rows = text(task.get("name")), whole(part(task, "stats").get("rows"))
    errors = parts(task, "errors")
    unreadable = [error for error in errors if error.get("type") in _UNREADABLE]
    if unreadable or rows is None:
        return [unanswered(TOOL, "valid", "tool_error", table=table)]
    if any("reached" in str(warning) for warning in task.get("warnings") or []):
        return [unanswered(TOOL, "valid", "not_run", table=table)]
    by_type: dict[str, set[int]] = {}
    found: list[Found] = []
    for error in errors:
        kind, row = str(error.get("type"))[:100], whole(error.get("rowNumber"))
        if row is None:
            column = text(error.get("fieldName"))
            found.append(answered(TOOL, kind, column=column, table=table, passed=False))
        else:
            by_type.setdefault(kind, set()).add(row)
    for kind, numbers in sorted(by_type.items()):
        found.append(
            counted(TOOL, kind, column=None, table=table, evaluated=rows, failing=len(numbers))
        )
    bad = {row for numbers in by_type.values() for row in numbers}
    if not bad:
        found.append(counted(TOOL, "valid", column=None, table=table, evaluated=rows, failing=0))
    return found

"""Pandera: the ``failure_cases`` of ``SchemaErrors`` as JSON, one record a failing value.

``failure_cases.to_json(orient="records")`` and pandas' default, a column of values by index, are both read.
It lists failures alone: passed checks are not in it, and the number of rows must be told from outside. Without
it each failing check is one element. The values themselves (``failure_case``) are dropped.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ledger.quality.foreign.found import Found, Reading, answered, counted, text, unanswered, whole

TOOL = "pandera"
_MEMBERS = {"schema_context", "column", "check", "failure_case", "index"}


def is_result(document: object) -> bool:
    """Whether a document is a table of failure cases."""
    if isinstance(document, list):
        return bool(document) and all(
            isinstance(one, Mapping) and one.keys() >= _MEMBERS for one in document
        )
    return isinstance(document, Mapping) and document.keys() >= _MEMBERS


def read(document: Any, rows: int | None) -> Reading:  # noqa: ANN401 - a list or an object
    """The checks that failed; ``rows`` is how many records were validated, None where unknown."""
    cases: dict[tuple[str, str | None], set[object]] = {}
    broken: list[Found] = []
    for place, one in enumerate(_records(document)):
        check = text(one.get("check")) or "check"
        column = text(one.get("column"))
        if "error" in check.lower().split("(")[0]:
            broken.append(unanswered(TOOL, check, "tool_error", column=column))
            continue
        index = whole(one.get("index"))
        failing = cases.setdefault((_name_of(check), column), set())
        failing.add(("whole",) if index is None else index)
        if index is None and one.get("schema_context") == "Column":
            failing.add(("value", place))
    found = [_counted(check, column, failing, rows) for (check, column), failing in cases.items()]
    return Reading(TOOL, None, tuple(found + broken))


def _counted(check: str, column: str | None, failing: set[object], rows: int | None) -> Found:
    if rows is None or ("whole",) in failing:
        return answered(TOOL, check, column=column, table=None, passed=False)
    return counted(TOOL, check, column=column, table=None, evaluated=rows, failing=len(failing))


def _name_of(check: str) -> str:
    """``in_range(0, 5)`` is ``in_range``: the rest may hold values."""
    return check.split("(", 1)[0].strip() or "check"


def _records(document: Any) -> Sequence[Mapping[str, Any]]:  # noqa: ANN401 - a list or an object
    if isinstance(document, list):
        return document
    columns = {name: values for name, values in document.items() if isinstance(values, Mapping)}
    keys = next(iter(columns.values()), {})
    return [{name: values.get(key) for name, values in columns.items()} for key in keys]

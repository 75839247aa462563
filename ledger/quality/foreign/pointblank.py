"""Pointblank: what ``Validate.get_json_report()`` gives, a list of steps.

A step that is not active, or that was never interrogated, is not assessable; nor is one with ``eval_error``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ledger.quality.foreign.found import Found, Reading, counted, text, unanswered, whole

TOOL = "pointblank"


def is_result(document: object) -> bool:
    """Whether a document is a list of validation steps."""
    if not isinstance(document, list) or not document:
        return False
    return all(isinstance(one, Mapping) and "assertion_type" in one for one in document)


def read(steps: Sequence[Mapping[str, Any]]) -> Reading:
    """The steps of a validation."""
    return Reading(TOOL, None, tuple(_found(step) for step in steps))


def _found(step: Mapping[str, Any]) -> Found:
    check = text(step.get("assertion_type")) or "step"
    column = _column(step.get("column"))
    if step.get("active") is False:
        return unanswered(TOOL, check, "tool_skipped", column=column)
    if step.get("eval_error"):
        return unanswered(TOOL, check, "tool_error", column=column)
    evaluated, failing = whole(step.get("n")), whole(step.get("n_failed"))
    if evaluated is None or failing is None:
        return unanswered(TOOL, check, "not_run", column=column)
    return counted(TOOL, check, column=column, table=None, evaluated=evaluated, failing=failing)


def _column(value: object) -> str | None:
    if isinstance(value, list):
        return text(", ".join(name for name in value if isinstance(name, str)))
    return text(value)

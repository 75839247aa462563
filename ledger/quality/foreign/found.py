"""What a tool found: one shape for all tools."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from ledger.quality.scoring import State

MAX_TEXT = 200


class Found(NamedTuple):
    """One check of another tool. Of ``evaluated`` elements ``failing`` do not satisfy it.

    Where a tool says only yes or no, the check itself is the one element. An exception, a skip or a
    check that was not run is not assessable, with a code of :data:`ledger.quality.reasons.REASONS`;
    it never counts as passed.
    """

    tool: str
    check: str
    column: str | None
    table: str | None
    state: State
    evaluated: int
    failing: int
    reason: str | None = None


class Reading(NamedTuple):
    """All that a file says: the tool, its version where it is told, and the checks in its order."""

    tool: str
    version: str | None
    checks: tuple[Found, ...]


class ResultsError(ValueError):
    """A file that is no result of a tool known here, or not one whole; ``zh`` says it in Chinese."""

    def __init__(self, what: str, *, zh: str) -> None:
        super().__init__(what)
        self.zh = zh


class NotJsonError(ResultsError):
    """A file that is not even JSON."""


def counted(
    tool: str, check: str, *, column: str | None, table: str | None, evaluated: int, failing: int
) -> Found:
    """A check that was carried out. With nothing to evaluate it is not applicable, never a pass."""
    if evaluated <= 0:
        state, evaluated, failing = State.NOT_APPLICABLE, 0, 0
        return Found(tool, check, column, table, state, 0, 0, "nothing_given")
    failing = min(max(failing, 0), evaluated)
    return Found(tool, check, column, table, State.ASSESSED, evaluated, failing)


def answered(
    tool: str, check: str, *, column: str | None, table: str | None, passed: bool
) -> Found:
    """A check of which only yes or no is told."""
    return counted(tool, check, column=column, table=table, evaluated=1, failing=0 if passed else 1)


def unanswered(
    tool: str, check: str, reason: str, *, column: str | None = None, table: str | None = None
) -> Found:
    """A check that gave no answer."""
    return Found(tool, check, column, table, State.NOT_ASSESSABLE, 0, 0, reason)


def text(value: object) -> str | None:
    """A name as text, at most :data:`MAX_TEXT` characters; None for what is no text."""
    return value[:MAX_TEXT] if isinstance(value, str) and value else None


def whole(value: object) -> int | None:
    """A count, None where there is none. Some tools write counts as 3.0."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return int(value) if value == int(value) else None


def part(of: object, name: str) -> Mapping[str, Any]:
    """A member that is an object; empty where it is missing or anything else."""
    value = of.get(name) if isinstance(of, Mapping) else None
    return value if isinstance(value, Mapping) else {}


def parts(of: object, name: str) -> list[Mapping[str, Any]]:
    """The objects of a member that is a list; empty where it is missing."""
    value = of.get(name) if isinstance(of, Mapping) else None
    return [one for one in value if isinstance(one, Mapping)] if isinstance(value, list) else []

"""What a kind of error is: a status, a title, a way out."""

from __future__ import annotations

from dataclasses import dataclass

from api.language import Text


@dataclass(frozen=True, slots=True)
class ProblemType:
    """One kind of error: its HTTP status, its title, and what a person can do about it."""

    status: int
    title: Text
    hint: Text


def problem_type(status: int, title: tuple[str, str], hint: tuple[str, str]) -> ProblemType:
    """A type from its titles and hints, Chinese first."""
    return ProblemType(status, Text(*title), Text(*hint))

"""What checking a proof comes to: steps in words, the first failure, what is only stated."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum


class Status(Enum):
    """How far a step carries."""

    PROVEN = "proven"
    """Follows from the file by arithmetic (and from the root that was given, where one was)."""
    STATED = "stated"
    """The file says so; it takes a chain, or a root that you kept, to know."""
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that was looked at, in English and Chinese."""

    status: Status
    en: str
    zh: str

    def text(self, language: str) -> str:
        return self.zh if language == "zh" else self.en


@dataclass(slots=True)
class Verdict:
    """The outcome of a check: ``steps`` in order; a failure is the last of them.

    ``root_compared``: the root was compared with one from outside the file. ``authorship_proven``:
    the signer was recovered from the signature (not so for contract accounts, which only the chain
    can ask).
    """

    steps: list[Step] = field(default_factory=list)
    root_compared: bool = False
    authorship_proven: bool = False

    @property
    def ok(self) -> bool:
        return bool(self.steps) and self.failure is None

    @property
    def failure(self) -> Step | None:
        """The first step that failed, None where all is well."""
        return next((step for step in self.steps if step.status is Status.FAILED), None)

    def add(self, status: Status, en: str, zh: str) -> None:
        self.steps.append(Step(status, en, zh))

    def lines(self, language: str = "en") -> list[str]:
        """The steps for people, each with a mark: ✓ proven, · stated, ✗ failed."""
        marks = {Status.PROVEN: "✓", Status.STATED: "·", Status.FAILED: "✗"}
        return [f"{marks[step.status]} {step.text(language)}" for step in self.steps]


class CheckFailedError(Exception):
    """Ends a check; carries the reason in both languages."""

    def __init__(self, en: str, zh: str) -> None:
        super().__init__(en)
        self.en = en
        self.zh = zh

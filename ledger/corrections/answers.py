"""What the mirror answers about correction requests (校核申请): a request, and the steps of its life.

Hashes and addresses are lower-case hex with ``0x``; times are block times in Unix seconds.
"""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import msgspec
from sqlalchemy import RowMapping

from ledger.codes import CorrectionState
from ledger.corrections.clock import due_or_later, standing_of
from ledger.corrections.words import Standing
from ledger.days import china_day

OPEN = frozenset({CorrectionState.FILED.value, CorrectionState.HANDLING.value})
"""States in which the provider still owes an answer."""


class Attachment(msgspec.Struct, frozen=True):
    """A file that is kept elsewhere: its name and its SHA-256."""

    name: str
    sha256: str


class Request(msgspec.Struct, frozen=True):
    """A correction request as it stands.

    ``provider`` is the entry's owner, None where the entry is not projected. ``taken_at``, ``answered_at`` and
    ``ended_at`` are when it was taken up, answered or rejected, and evaluated or cancelled; None: not yet.
    ``leaf`` is the index of the newest step's statement, ``filed_leaf`` that of the filing.
    """

    code: str
    state: str
    type: str
    category: str
    entry: str
    entry_name: str | None
    provider: str | None
    requester: str
    title: str
    reasons: tuple[str, ...]
    follows: str | None
    filed_at: int
    taken_at: int | None
    answered_at: int | None
    ended_at: int | None
    outcome: str | None
    score: int | None
    solved: bool | None
    version: int
    filed_leaf: int
    leaf: int

    @property
    def received(self) -> date:
        """The day from which the clock runs, in China."""
        return china_day(self.filed_at)

    @property
    def is_open(self) -> bool:
        return self.state in OPEN

    @property
    def cancelled_at(self) -> int | None:
        return self.ended_at if self.state == CorrectionState.CANCELLED.value else None

    def due(self, day: date, workdays: int) -> date | None:
        """The last day of its clock, None where all that is known is that it lies after ``day``.

        Raises :class:`~ledger.workdays.CalendarError` where ``day`` lies beyond the calendar.
        """
        return due_or_later(self.received, workdays, day)

    def standing(self, day: date, workdays: int) -> Standing:
        """How it stands against its clock on ``day``; raises as :meth:`due` does."""
        return standing_of(
            self.due(day, workdays),
            day,
            answered_at=self.answered_at,
            cancelled_at=self.cancelled_at,
        )


class Step(msgspec.Struct, frozen=True):
    """One statement in the life of a request, with all that it said."""

    code: str
    version: int
    state: str
    type: str
    entry: str
    requester: str | None
    title: str | None
    text: str | None
    reasons: tuple[str, ...]
    category: str | None
    basis: str | None
    resource: str | None
    items: tuple[str, ...]
    attachments: tuple[Attachment, ...]
    contact: str | None
    follows: str | None
    assessment: dict[str, Any] | None
    outcome: str | None
    edition: int | None
    delivery: int | None
    score: int | None
    solved: bool | None
    organisation: str
    signer: str
    recorded_at: int
    leaf_from: int
    leaf_until: int | None


def request_of(row: RowMapping) -> Request:
    """A row of :func:`ledger.corrections.queries.corrections_at`."""
    told = {name: row[name] for name in Request.__struct_fields__}
    solved = row["solved"]
    told["reasons"] = tuple(json.loads(row["reasons"]))
    told["solved"] = None if solved is None else bool(solved)
    return Request(**told)


def step_of(row: RowMapping) -> Step:
    """A row of the table of steps."""
    told = {name: row[name] for name in Step.__struct_fields__}
    told["reasons"] = tuple(json.loads(row["reasons"]))
    told["items"] = tuple(json.loads(row["items"]))
    told["attachments"] = tuple(Attachment(**one) for one in json.loads(row["attachments"]))
    told["assessment"] = None if row["assessment"] is None else json.loads(row["assessment"])
    told["organisation"] = "0x" + bytes(row["organisation"]).hex()
    told["signer"] = "0x" + bytes(row["signer"]).hex()
    return Step(**told)

"""Correction requests (校核申请) and their clocks."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from api.shapes.base import Hex32, Index, Named, PartyName, Shape, Size, Time

Rate = Annotated[int, Field(ge=0, le=10_000, description="基点 basis points")]
DayShape = Annotated[str, Field(pattern=r"^\d{4}-\d{2}-\d{2}$")]
Workdays = Annotated[int, Field(ge=1, le=10, description="工作日 working days")]


class ClockDocument(Shape):
    """How a request stands against its clock on a day; null where the calendar does not know the year."""

    day: DayShape | None
    workdays: Workdays
    received_on: DayShape
    due_on: DayShape | None
    standing: Named | None
    days_left: int | None
    days_late: int | None
    problem: str | None


class CorrectionSummary(Shape):
    """A correction request as it stands."""

    code: str
    state: Named
    type: Named
    category: Named
    entry: str
    entry_name: str | None
    provider: PartyName | None
    requester: PartyName
    title: str
    reasons: list[Named]
    follows: str | None
    filed_at: Time
    taken_at: Time | None
    answered_at: Time | None
    ended_at: Time | None
    outcome: Named | None
    score: Annotated[int, Field(ge=1, le=5)] | None
    solved: bool | None
    version: int
    filed_leaf: Index
    leaf: Index
    clock: ClockDocument


class AttachmentDocument(Shape):
    """A file that is kept elsewhere."""

    name: str
    sha256: str


class CorrectionStep(Shape):
    """One statement in the life of a request."""

    version: int
    state: Named
    text: str | None
    reasons: list[Named]
    basis: str | None
    resource: str | None
    items: list[str]
    attachments: list[AttachmentDocument]
    contact: str | None
    assessment: dict[str, Any] | None
    outcome: Named | None
    edition: int | None
    delivery: int | None
    score: int | None
    solved: bool | None
    organisation: PartyName | None
    organisation_hash: Hex32
    signer: str
    recorded_at: Time
    leaf: Index


class CorrectionDocument(CorrectionSummary):
    """A request with every step of its life; ``as_of`` where it was asked for."""

    steps: list[CorrectionStep]
    followed_by: list[str]
    as_of: Size | None = None


class CorrectionPage(Shape):
    """One page of requests, the newest filing first."""

    as_of: Size
    log_size: Size
    items: list[CorrectionSummary]
    next: str | None


class OverdueDocument(Shape):
    """Unanswered requests whose time had run out by ``day``, the longest first."""

    as_of: Size
    day: DayShape
    workdays: Workdays
    items: list[CorrectionSummary]


class BreachDocument(Shape):
    """A clock that ran out unanswered: who, since when, due on."""

    finding: str
    code: str
    entry: str
    provider: PartyName | None
    requester: PartyName
    received_on: DayShape
    due_on: DayShape
    since: DayShape
    until: DayShape | None
    days_late: int
    standing: Named
    leaf: Index
    filed_leaf: Index


class BreachList(Shape):
    """Findings 39(6) as of a day, by due day."""

    as_of: Size
    day: DayShape
    workdays: Workdays
    items: list[BreachDocument]


class AnswerRateDocument(Shape):
    """The share of requests answered on time; null where none was due."""

    provider: PartyName | None
    numerator: int
    denominator: int
    rate: Rate | None
    on_time: list[str]
    due: list[str]
    median_to_take: int | None
    median_to_answer: int | None
    median_to_evaluate: int | None


class AnswerRates(Shape):
    """按时纠错率 over a window of due days: of all, and by provider."""

    as_of: Size
    day: DayShape
    workdays: Workdays
    all: AnswerRateDocument
    items: list[AnswerRateDocument]


class ReasonCountDocument(Shape):
    """How often a reason was given at a step."""

    stage: Named
    code: str
    zh: str
    en: str
    count: int
    open: int


class ReasonCounts(Shape):
    """Reasons by step; those that nobody gave too."""

    as_of: Size
    items: list[ReasonCountDocument]

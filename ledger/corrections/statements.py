"""Building the steps of correction requests (校核申请): no signing, no I/O, no clock.

A draft says what is to be on the ledger in the words of people; pydantic refuses one that cannot stand, naming the
field. What is on the ledger is public for ever, so a draft is refused as well where its text names a person: wrong
rows are described by a rule, a count or a file's digest, never by their values.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, RootModel, model_validator

from ledger.bodies import Line, Prose
from ledger.codes import CorrectionState, CorrectionType
from ledger.corrections.bodies import (
    MAX_ATTACHMENTS,
    MAX_LISTED,
    Assessment,
    Attachment,
    ReasonCode,
    RequestCode,
    StepBody,
    read_body,
)
from ledger.corrections.vocabulary import Vocabulary
from ledger.corrections.words import Category, Outcome
from ledger.identifiers import is_citizen_id
from ledger.statements import CORRECTION, MAX_BATCH, Batch, StatementError, Value

_NUMBER = re.compile(r"(?<![0-9A-Za-z])[0-9]{17}[0-9Xx](?![0-9A-Za-z])")
_MOBILE = re.compile(
    r"(?<![0-9A-Za-z])(?:\+?86[ -]?)?1[3-9][0-9][ -]?[0-9]{4}[ -]?[0-9]{4}(?![0-9A-Za-z])"
)


def _impersonal(text: str) -> str:
    if any(is_citizen_id(found.group()) for found in _NUMBER.finditer(text)):
        raise ValueError(
            "it holds a citizen's identity number, and what is on the ledger is public for ever; describe "
            "the rows by a rule, a count, or the SHA-256 of a list that you hand over otherwise"
        )
    if _MOBILE.search(text):
        raise ValueError(
            "it holds what looks like a mobile number, and what is on the ledger is public for ever; name "
            "an office and its line instead"
        )
    return text


PublicLine = Annotated[Line, AfterValidator(_impersonal)]
PublicProse = Annotated[Prose, AfterValidator(_impersonal)]
ReasonCodes = Annotated[tuple[ReasonCode, ...], Field(min_length=1, max_length=20)]


class AttachmentDraft(Attachment):
    """A file that is kept elsewhere (附件): its name and its SHA-256 in lower-case hex."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: PublicLine


Attachments = Annotated[tuple[AttachmentDraft, ...], Field(max_length=MAX_ATTACHMENTS)]


class _Step(BaseModel):
    """What every step says. ``entry`` and ``type`` stay what the filing said."""

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)

    code: RequestCode
    entry: Line
    type: CorrectionType
    version: Annotated[int, Field(ge=1, lt=1 << 63)]

    @property
    def to(self) -> CorrectionState:
        """The state that the step leads to."""
        found: str = self.state  # type: ignore[attr-defined]  # every step has its own literal
        return CorrectionState.of(found)

    def values(self) -> dict[str, Value]:
        """The typed members."""
        return {
            "code": self.code,
            "version": self.version,
            "state": self.to.number,
            "type": self.type.number,
            "entry": self.entry,
        }

    def body(self, speaker: str) -> StepBody:
        """The body that goes with it, as the organisation ``speaker`` states it."""
        said: dict[str, Any] = self.model_dump(mode="json", exclude={"version"}, exclude_none=True)
        if self.to is CorrectionState.FILED:
            said["requester"] = speaker
        return read_body(self.to, said)


class FiledDraft(_Step):
    """A request to correct an entry or its data (提出校核申请), with reasons by code and in words."""

    state: Literal["filed"] = "filed"
    version: Literal[1] = 1
    title: PublicLine
    description: PublicProse
    category: Category = Category.QUALITY
    reasons: ReasonCodes
    basis: PublicProse | None = None
    resource: Line | None = None
    items: Annotated[tuple[Line, ...], Field(max_length=MAX_LISTED)] = ()
    attachments: Attachments = ()
    contact: PublicLine | None = None
    follows: RequestCode | None = None
    assessment: Assessment | None = None

    @model_validator(mode="after")
    def _not_after_itself(self) -> FiledDraft:
        if self.follows == self.code:
            raise ValueError("follows: a request does not follow itself")
        return self


class HandlingDraft(_Step):
    """The provider takes the request up (受理)."""

    state: Literal["handling"] = "handling"
    comment: PublicProse | None = None


class RejectedDraft(_Step):
    """The provider does not take the request up (不予受理)."""

    state: Literal["rejected"] = "rejected"
    reasons: ReasonCodes
    comment: PublicProse


class HandledDraft(_Step):
    """The provider's answer (答复); ``edition`` or ``delivery`` names what has the correction."""

    state: Literal["handled"] = "handled"
    outcome: Outcome
    answer: PublicProse
    edition: Annotated[int, Field(ge=1, lt=1 << 31)] | None = None
    delivery: Annotated[int, Field(ge=1, lt=1 << 53)] | None = None
    attachments: Attachments = ()


class EvaluatedDraft(_Step):
    """The requester's evaluation (评价), 1 to 5, and whether the problem is solved."""

    state: Literal["evaluated"] = "evaluated"
    score: Annotated[int, Field(ge=1, le=5)]
    solved: bool
    comment: PublicProse | None = None


class CancelledDraft(_Step):
    """The requester takes the request back (撤回)."""

    state: Literal["cancelled"] = "cancelled"
    reasons: ReasonCodes
    comment: PublicProse


Step = FiledDraft | HandlingDraft | RejectedDraft | HandledDraft | EvaluatedDraft | CancelledDraft


class CorrectionDraft(RootModel[Annotated[Step, Field(discriminator="state")]]):
    """A step of a correction request; its members depend on ``state``."""


def check_reasons(draft: Step, vocabulary: Vocabulary) -> None:
    """Raise :class:`~ledger.corrections.vocabulary.VocabularyError` for a reason that is not in use."""
    vocabulary.check(draft.to, getattr(draft, "reasons", ()))


def steps(drafts: Sequence[Step], *, speaker: str, deadline: int) -> Batch:
    """One batch of steps by the organisation ``speaker``; ``deadline`` in Unix seconds.

    Raises :class:`~ledger.statements.StatementError` for none, too many, or one request twice.
    """
    if not 0 < len(drafts) <= MAX_BATCH:
        raise StatementError(f"a batch has 1 to {MAX_BATCH} statements, this one {len(drafts)}")
    seen: set[str] = set()
    for draft in drafts:
        if draft.code in seen:
            raise StatementError(
                f"request {draft.code} stands twice in one batch; send two batches"
            )
        seen.add(draft.code)
    return Batch(
        struct=CORRECTION,
        organisation=speaker,
        deadline=deadline,
        values=tuple(draft.values() for draft in drafts),
        bodies=tuple(draft.body(speaker).text() for draft in drafts),
    )

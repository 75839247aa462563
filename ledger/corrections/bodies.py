"""Bodies of the steps of a correction request (校核申请): what canonical JSON must say, member by member.

Every body names the request, its entry and its state once more in words; the rest depends on the step.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal, cast

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from ledger.bodies import DayText, Line, Prose
from ledger.canonical import canonical_json
from ledger.codes import Code, CorrectionState, CorrectionType
from ledger.corrections.vocabulary import CODE as REASON_CODE
from ledger.corrections.words import Category, Outcome
from ledger.organisations.bodies import OrganisationCode

MAX_LISTED = 200
MAX_ATTACHMENTS = 50
_REQUEST_CODE = re.compile(r"[\w.-]{1,64}")


def _request_code(text: str) -> str:
    if not _REQUEST_CODE.fullmatch(text):
        raise ValueError(
            "a request's code has 1 to 64 letters, digits, '.', '_' or '-', and no other character"
        )
    return text


def _reason_code(text: str) -> str:
    if not REASON_CODE.fullmatch(text):
        raise ValueError(f"{text!r} is no code of a reason: lower-case letters, digits and _")
    return text


def one_of(table: type[Code]) -> AfterValidator:
    """Text that is a word of a code table."""

    def known(text: str) -> str:
        table.of(text)
        return text

    return AfterValidator(known)


RequestCode = Annotated[str, AfterValidator(_request_code)]
"""Code of a correction request (申请编号), chosen by who files it."""
ReasonCode = Annotated[str, AfterValidator(_reason_code)]
Reasons = Annotated[list[ReasonCode], Field(min_length=1, max_length=20)]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Points = Annotated[int, Field(ge=0, le=10_000)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True, strict=True)


class Attachment(_Part):
    """A file that is kept elsewhere (附件): its name and its SHA-256."""

    name: Line
    sha256: Sha256


class Failing(_Part):
    """A score below its threshold, in basis points; ``of`` is ``total`` or a dimension's name."""

    of: Line
    score: Points
    threshold: Points


class Assessment(_Part):
    """The quality assessment (质量评估) that a request rests on."""

    leaf: Annotated[int, Field(ge=0)]
    """Leaf index of the score's statement."""
    assessor: OrganisationCode
    period_start: DayText
    period_end: DayText
    failing: Annotated[list[Failing], Field(min_length=1, max_length=7)]


class _Body(_Part):
    code: RequestCode
    entry: Line
    type: Annotated[str, one_of(CorrectionType)]

    def text(self) -> bytes:
        """The canonical JSON that is published: the members that say something."""
        return canonical_json(
            {
                name: value
                for name, value in self.model_dump().items()
                if value not in (None, [], ())
            }
        )


class FiledBody(_Body):
    """A request (提出): what is wrong, and how the requester knows."""

    state: Literal["filed"]
    requester: OrganisationCode
    title: Line
    description: Prose
    category: Annotated[str, one_of(Category)]
    reasons: Reasons
    basis: Prose | None = None
    resource: Line | None = None
    """Code of the resource (数据资源) that is meant, where the entry has several."""
    items: Annotated[list[Line], Field(max_length=MAX_LISTED)] = []
    """Names of the data items (数据项) that are meant; none: the whole entry."""
    attachments: Annotated[list[Attachment], Field(max_length=MAX_ATTACHMENTS)] = []
    contact: Line | None = None
    """The office to ask (联系处室), never a person's own number."""
    follows: RequestCode | None = None
    """The request that this one takes up again: what was evaluated is not opened anew."""
    assessment: Assessment | None = None


class HandlingBody(_Body):
    """The provider takes the request up (受理)."""

    state: Literal["handling"]
    comment: Prose | None = None


class RejectedBody(_Body):
    """The provider does not take it up (不予受理), and says why."""

    state: Literal["rejected"]
    reasons: Reasons
    comment: Prose


class HandledBody(_Body):
    """The provider's answer (答复): what was found and what was done."""

    state: Literal["handled"]
    outcome: Annotated[str, one_of(Outcome)]
    answer: Prose
    edition: Annotated[int, Field(ge=1, lt=1 << 31)] | None = None
    """Edition of the entry that has the correction, where the catalogue was wrong."""
    delivery: Annotated[int, Field(ge=1, lt=1 << 53)] | None = None
    """Number of the delivery that has the corrected data."""
    attachments: Annotated[list[Attachment], Field(max_length=MAX_ATTACHMENTS)] = []


class EvaluatedBody(_Body):
    """The requester's evaluation of the answer (评价); it ends the request."""

    state: Literal["evaluated"]
    score: Annotated[int, Field(ge=1, le=5)]
    solved: bool
    comment: Prose | None = None


class CancelledBody(_Body):
    """The requester takes the request back (撤回), and says why."""

    state: Literal["cancelled"]
    reasons: Reasons
    comment: Prose


BODIES: dict[str, type[_Body]] = {
    CorrectionState.FILED.value: FiledBody,
    CorrectionState.HANDLING.value: HandlingBody,
    CorrectionState.REJECTED.value: RejectedBody,
    CorrectionState.HANDLED.value: HandledBody,
    CorrectionState.EVALUATED.value: EvaluatedBody,
    CorrectionState.CANCELLED.value: CancelledBody,
}
"""The model of a body by its state."""
StepBody = FiledBody | HandlingBody | RejectedBody | HandledBody | EvaluatedBody | CancelledBody


def read_body(state: CorrectionState, body: dict[str, Any]) -> StepBody:
    """The body of a step that a statement says leads to ``state``; raises pydantic's ValidationError."""
    return cast("StepBody", BODIES[state.value].model_validate(body))

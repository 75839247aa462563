"""From what a person wants to say to what a key signs: the capabilities' drafts, versions filled in.

Nothing is decided here: the capability that owns a struct judges its drafts and builds the batch. What is
added is the version that comes next (by the mirror) where the caller names none, a deadline, and the
place of every fault in the request.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from api.context import Context, View
from api.drafts import DecisionDraft, FilingDraft, Preparation
from api.language import Text
from api.problems import Fault, Problem
from api.validation import invalid
from api.wording import coded
from ledger.audits.statements import ReportDraft, publish
from ledger.catalogue.checks import check_together
from ledger.catalogue.entry import Entry
from ledger.catalogue.lookups import names_of
from ledger.catalogue.problems import EntryRefused
from ledger.catalogue.statements import Envelope, Revision, Verdict, decision, filing
from ledger.codes import EntryState, ObjectionState, Role
from ledger.corrections.drafting import BY_REQUESTER, StepsRefused, completed
from ledger.corrections.drafting import check as check_steps
from ledger.corrections.statements import CorrectionDraft, Step, steps
from ledger.corrections.vocabulary import load_vocabulary
from ledger.deliveries.queries import last_root
from ledger.deliveries.statements import (
    DeliveryDraft,
    ManifestDraft,
    ResourceDraft,
    deliver,
    manifest,
    mount,
)
from ledger.faults import json_pointer
from ledger.lineage.statements import (
    CheckpointDraft,
    RuleDraft,
    StepDraft,
    anchor,
    attribute,
    declare,
)
from ledger.mirror import queries as mirror
from ledger.obligations.statements import (
    BindingDraft,
    ExemptionDraft,
    ObjectionDraft,
    ObligationDraft,
    bind,
    exempt,
    object_to,
    oblige,
)
from ledger.organisations.statements import KeyDraft, OrganisationDraft, register, set_keys
from ledger.quality.statements import ScoreDraft, score
from ledger.settings import Settings
from ledger.statements import (
    BY_NAME,
    Batch,
    StatementError,
    StructType,
    subject_of,
    text_hash,
)

_Draft = TypeVar("_Draft", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Prepared:
    """A batch ready to be signed, the texts to seal before it is sent, and who must sign it."""

    batch: Batch
    envelopes: tuple[Envelope, ...] = ()
    roles: int = 0
    """Mask of the roles, any of which may sign."""
    cosigner: Role | None = None


def prepare(context: Context, view: View, wanted: Preparation) -> Prepared:
    """The batch for ``wanted``; raises problems that point into the request."""
    struct = BY_NAME[wanted.struct]
    deadline = wanted.deadline if wanted.deadline is not None else context.office.deadline()
    speaker = text_hash(wanted.organisation)
    try:
        return _BUILDERS[wanted.struct](
            _Request(
                view,
                struct,
                wanted.organisation,
                speaker,
                deadline,
                wanted.statements,
                context.office.settings,
            )
        )
    except StatementError as error:
        detail = Text(f"这一批声明不成立:{error}", str(error))
        fault = Fault("/statements", detail, "statement")
        raise Problem("validation_failed", detail, [fault]) from error


@dataclass(frozen=True, slots=True)
class _Request:
    view: View
    struct: StructType
    organisation: str
    speaker: bytes
    deadline: int
    statements: Sequence[Mapping[str, Any]]
    settings: Settings

    def next_version(self, subject: bytes) -> int:
        """The version after the newest one that the mirror knows."""
        newest = mirror.newest_about(self.view.conn, self.struct.kind, subject)
        return newest.version + 1 if newest else 1

    def entry_and_period(self, draft: Mapping[str, Any]) -> bytes:
        """The subject of what is said of an entry in a period."""
        values = {
            "entry": draft["entry"],
            "periodStart": int(draft["period_start"].replace("-", "")),
            "periodEnd": int(draft["period_end"].replace("-", "")),
        }
        return subject_of(self.struct, values, self.speaker)

    def with_version(
        self, draft: Mapping[str, Any], subject: Callable[[], bytes]
    ) -> dict[str, Any]:
        """``draft`` with its version, the next one where it names none.

        A draft whose subject cannot be told is passed on as it is: the model will say what is wrong.
        """
        if draft.get("version") is not None:
            return dict(draft)
        bare = {name: value for name, value in draft.items() if name != "version"}
        try:
            version = self.next_version(subject())
        except (StatementError, ValueError, KeyError, TypeError, AttributeError):
            return bare
        return {**bare, "version": version}

    def read(
        self, model: type[_Draft], subject: Callable[[Mapping[str, Any]], bytes]
    ) -> list[_Draft]:
        """Every statement as ``model``; all faults of all statements are told at once."""
        drafts: list[_Draft] = []
        faults: list[dict[str, Any]] = []
        for position, given in enumerate(self.statements):
            whole = self.with_version(given, lambda given=given: subject(given))  # type: ignore[misc]
            try:
                drafts.append(model.model_validate(whole))
            except ValidationError as error:
                faults += [
                    {**one, "loc": ("statements", position, *one["loc"])}
                    for one in error.errors(include_url=False)
                ]
        if faults:
            raise invalid(faults)
        return drafts


_Subject = Callable[[_Request, Mapping[str, Any]], bytes]


def _named_by(member: str) -> _Subject:
    """The subject is the text of one member."""
    return lambda _, draft: text_hash(draft[member])


_BY_CODE = _named_by("code")


@dataclass(frozen=True, slots=True)
class _Plain:
    """Drafts of one model that are a batch as they are: most of them."""

    model: type[BaseModel]
    batch: Callable[..., Batch]
    roles: Role
    subject: _Subject = _BY_CODE

    def __call__(self, asked: _Request) -> Prepared:
        drafts = asked.read(self.model, lambda one: self.subject(asked, one))
        batch = self.batch(drafts, speaker=asked.organisation, deadline=asked.deadline)
        return Prepared(batch, roles=int(self.roles))


def _filings(asked: _Request) -> Prepared:
    drafts = asked.read(FilingDraft, lambda one: text_hash(one["entry"]["code"]))
    revisions: list[Revision] = []
    faults: list[Fault] = []
    for position, draft in enumerate(drafts):
        try:
            entry = Entry.parse(draft.entry)
            revision = Revision(entry, draft.version or 1, coded(EntryState, draft.state))
            filing(asked.organisation, [revision], asked.deadline)
            revisions.append(revision)
        except EntryRefused as error:
            faults += _entry_faults(error, ("statements", position, "entry"))
    known = names_of(asked.view.conn, asked.organisation)
    if not faults:
        for position, problems in check_together([one.entry for one in revisions], known).items():
            faults += _entry_faults(EntryRefused(problems), ("statements", position, "entry"))
    if faults:
        raise _refused(faults)
    filed = filing(asked.organisation, revisions, asked.deadline, known=known)
    submitted = any(draft.state == "submitted" for draft in drafts)
    cosigner = Role.HEAD if submitted else None
    return Prepared(filed.batch, filed.envelopes, int(Role.STEWARD), cosigner)


def _decisions(asked: _Request) -> Prepared:
    drafts = asked.read(DecisionDraft, lambda one: text_hash(one["code"]))
    verdicts: list[Verdict] = []
    faults: list[Fault] = []
    for position, draft in enumerate(drafts):
        verdict = Verdict(
            draft.code, draft.version or 1, coded(EntryState, draft.decision), tuple(draft.reasons)
        )
        try:
            decision(asked.organisation, [verdict], asked.deadline)
            verdicts.append(verdict)
        except EntryRefused as error:
            faults += _entry_faults(error, ("statements", position))
    if faults:
        raise _refused(faults)
    batch = decision(asked.organisation, verdicts, asked.deadline)
    return Prepared(batch, roles=int(Role.AUTHORITY))


def _objections(asked: _Request) -> Prepared:
    drafts = asked.read(ObjectionDraft, lambda one: text_hash(one["obligation"]))
    batch = object_to(drafts, speaker=asked.organisation, deadline=asked.deadline)
    raised = any(draft.state is ObjectionState.RAISED for draft in drafts)
    roles = Role.STEWARD | Role.HEAD if raised else Role.AUTHORITY
    return Prepared(batch, roles=int(roles))


def _deliveries(asked: _Request) -> Prepared:
    drafts = asked.read(DeliveryDraft, lambda one: text_hash(one["entry"]))
    following = [_following(asked, draft) for draft in drafts]
    batch = deliver(following, speaker=asked.organisation, deadline=asked.deadline)
    return Prepared(batch, roles=int(Role.COLLECTOR))


def _following(asked: _Request, draft: DeliveryDraft) -> DeliveryDraft:
    """The draft as the next delivery after the one before; one that names it is left as it is."""
    if draft.predecessor is not None or draft.version == 1:
        return draft
    _, root = last_root(asked.view.conn, draft.entry)
    return draft.model_copy(update={"predecessor": root.hex() if root else None})


def _corrections(asked: _Request) -> Prepared:
    """Steps of correction requests: codes, entries, types and versions are filled in from the mirror."""
    whole = completed(asked.view.conn, asked.statements, speaker=asked.organisation)
    drafts: list[Step] = []
    wrong: list[dict[str, Any]] = []
    for position, given in enumerate(whole):
        try:
            drafts.append(CorrectionDraft.model_validate(given).root)
        except ValidationError as error:
            # the step's name stands before the member: it is no part of what was sent
            wrong += [
                {**one, "loc": ("statements", position, *one["loc"][1:])}
                for one in error.errors(include_url=False)
            ]
    if wrong:
        raise invalid(wrong)
    try:
        vocabulary = load_vocabulary(asked.settings.correction_reasons)
        check_steps(asked.view.conn, drafts, speaker=asked.organisation, vocabulary=vocabulary)
    except StepsRefused as error:
        raise _refused(
            [
                Fault(
                    json_pointer(("statements", one.position, one.member)),
                    Text(one.zh, one.en),
                    one.code,
                )
                for one in error.faults
            ]
        ) from error
    batch = steps(drafts, speaker=asked.organisation, deadline=asked.deadline)
    by_requester = all(draft.to in BY_REQUESTER for draft in drafts)
    roles = Role.STEWARD | Role.ASSESSOR if by_requester else Role.STEWARD
    return Prepared(batch, roles=int(roles))


_BUILDERS: dict[str, Callable[[_Request], Prepared]] = {
    "Organisation": _Plain(OrganisationDraft, register, Role.AUTHORITY),
    "Key": _Plain(
        KeyDraft,
        set_keys,
        Role.AUTHORITY,
        lambda asked, one: subject_of(asked.struct, {"key": one["address"]}, asked.speaker),
    ),
    "Filing": _filings,
    "Decision": _decisions,
    "Score": _Plain(ScoreDraft, score, Role.ASSESSOR | Role.STEWARD, _Request.entry_and_period),
    "Obligation": _Plain(ObligationDraft, oblige, Role.AUTHORITY),
    "Binding": _Plain(BindingDraft, bind, Role.STEWARD | Role.AUTHORITY, _named_by("obligation")),
    "Objection": _objections,
    "Exemption": _Plain(ExemptionDraft, exempt, Role.AUTHORITY),
    "Resource": _Plain(ResourceDraft, mount, Role.STEWARD),
    "Manifest": _Plain(ManifestDraft, manifest, Role.STEWARD, _Request.entry_and_period),
    "Delivery": _deliveries,
    "Correction": _corrections,
    "Report": _Plain(ReportDraft, publish, Role.AUDITOR),
    "DatasetRule": _Plain(RuleDraft, attribute, Role.STEWARD | Role.AUTHORITY),
    "Step": _Plain(StepDraft, declare, Role.STEWARD),
    "Checkpoint": _Plain(
        CheckpointDraft, anchor, Role.COLLECTOR | Role.AUTHORITY, _named_by("origin")
    ),
}


def _entry_faults(error: EntryRefused, place: tuple[str | int, ...]) -> list[Fault]:
    return [
        Fault(
            json_pointer(place) + one.pointer,
            Text(f"{one.zh}。{one.hint_zh}", f"{one.en}. {one.hint_en}"),
            one.code,
        )
        for one in error.problems
    ]


def _refused(faults: Sequence[Fault]) -> Problem:
    return Problem(
        "validation_failed",
        Text(
            f"{len(faults)} 处不符合填报要求", f"{len(faults)} value(s) cannot be filed like this"
        ),
        errors=faults,
    )

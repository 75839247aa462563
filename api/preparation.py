"""From what a person wants to say to what a key signs: the capabilities' drafts, versions filled in.

Nothing is decided here: the capability that owns a struct judges its drafts and builds the batch. What is
added is the version that comes next (by the mirror) where the caller names none, a deadline, and the
place of every fault in the request.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, Field, ValidationError

from api.context import Context, View
from api.language import Text
from api.problems import Fault, Problem
from api.validation import Written, invalid
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
    MAX_BATCH,
    Batch,
    StatementError,
    StructType,
    subject_of,
    text_hash,
)

_Draft = TypeVar("_Draft", bound=BaseModel)
StructName = Literal[
    "Organisation",
    "Key",
    "Filing",
    "Decision",
    "Score",
    "Obligation",
    "Binding",
    "Objection",
    "Exemption",
    "Resource",
    "Manifest",
    "Delivery",
    "Correction",
    "Report",
    "DatasetRule",
    "Step",
    "Checkpoint",
]
Version = Annotated[
    int | None,
    Field(default=None, ge=1, description="缺省为下一版。 The next one by default."),
]


class FilingDraft(Written):
    """An entry to file (报送): the entry of ``/api/v1/schemas/entry``, as a draft or for publication."""

    entry: dict[str, Any]
    state: Literal["draft", "submitted"] = "submitted"
    version: Version


class DecisionDraft(Written):
    """A decision on an entry (审核): returning, suspending and revoking need reasons."""

    code: Annotated[str, Field(min_length=1, max_length=128)]
    decision: Literal["returned", "published", "suspended", "revoked"]
    reasons: Annotated[
        list[Annotated[str, Field(max_length=4000)]], Field(max_length=100, default_factory=list)
    ]
    version: Version


class Preparation(Written):
    """What somebody wants to say. The members of ``statements`` depend on ``struct``:

    each has its schema at ``/api/v1/schemas/{struct}`` (lower case). A ``version`` left out becomes the
    one that comes next.
    """

    struct: StructName
    organisation: Annotated[
        str,
        Field(
            min_length=1,
            max_length=40,
            description="发言机构代码。 Code of the speaking organisation.",
        ),
    ]
    deadline: Annotated[
        int | None,
        Field(
            default=None,
            ge=0,
            lt=1 << 53,
            description="签名有效期(Unix 秒),缺省一小时。 Unix seconds; an hour from now by default.",
        ),
    ]
    statements: Annotated[list[dict[str, Any]], Field(min_length=1, max_length=MAX_BATCH)]


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


def _organisations(asked: _Request) -> Prepared:
    drafts = asked.read(OrganisationDraft, lambda one: text_hash(one["code"]))
    batch = register(drafts, speaker=asked.organisation, deadline=asked.deadline)
    return Prepared(batch, roles=int(Role.AUTHORITY))


def _keys(asked: _Request) -> Prepared:
    drafts = asked.read(
        KeyDraft, lambda one: subject_of(asked.struct, {"key": one["address"]}, asked.speaker)
    )
    batch = set_keys(drafts, speaker=asked.organisation, deadline=asked.deadline)
    return Prepared(batch, roles=int(Role.AUTHORITY))


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


def _scores(asked: _Request) -> Prepared:
    drafts = asked.read(ScoreDraft, asked.entry_and_period)
    batch = score(drafts, speaker=asked.organisation, deadline=asked.deadline)
    return Prepared(batch, roles=int(Role.ASSESSOR | Role.STEWARD))


def _obligations(asked: _Request) -> Prepared:
    drafts = asked.read(ObligationDraft, lambda one: text_hash(one["code"]))
    batch = oblige(drafts, speaker=asked.organisation, deadline=asked.deadline)
    return Prepared(batch, roles=int(Role.AUTHORITY))


def _bindings(asked: _Request) -> Prepared:
    drafts = asked.read(BindingDraft, lambda one: text_hash(one["obligation"]))
    batch = bind(drafts, speaker=asked.organisation, deadline=asked.deadline)
    return Prepared(batch, roles=int(Role.STEWARD | Role.AUTHORITY))


def _objections(asked: _Request) -> Prepared:
    drafts = asked.read(ObjectionDraft, lambda one: text_hash(one["obligation"]))
    batch = object_to(drafts, speaker=asked.organisation, deadline=asked.deadline)
    raised = any(draft.state is ObjectionState.RAISED for draft in drafts)
    roles = Role.STEWARD | Role.HEAD if raised else Role.AUTHORITY
    return Prepared(batch, roles=int(roles))


def _exemptions(asked: _Request) -> Prepared:
    drafts = asked.read(ExemptionDraft, lambda one: text_hash(one["code"]))
    batch = exempt(drafts, speaker=asked.organisation, deadline=asked.deadline)
    return Prepared(batch, roles=int(Role.AUTHORITY))


def _resources(asked: _Request) -> Prepared:
    drafts = asked.read(ResourceDraft, lambda one: text_hash(one["code"]))
    batch = mount(drafts, speaker=asked.organisation, deadline=asked.deadline)
    return Prepared(batch, roles=int(Role.STEWARD))


def _manifests(asked: _Request) -> Prepared:
    drafts = asked.read(ManifestDraft, asked.entry_and_period)
    batch = manifest(drafts, speaker=asked.organisation, deadline=asked.deadline)
    return Prepared(batch, roles=int(Role.STEWARD))


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


def _reports(asked: _Request) -> Prepared:
    drafts = asked.read(ReportDraft, lambda one: text_hash(one["code"]))
    batch = publish(drafts, speaker=asked.organisation, deadline=asked.deadline)
    return Prepared(batch, roles=int(Role.AUDITOR))


def _rules(asked: _Request) -> Prepared:
    drafts = asked.read(RuleDraft, lambda one: text_hash(one["code"]))
    batch = attribute(drafts, speaker=asked.organisation, deadline=asked.deadline)
    return Prepared(batch, roles=int(Role.STEWARD | Role.AUTHORITY))


def _steps(asked: _Request) -> Prepared:
    drafts = asked.read(StepDraft, lambda one: text_hash(one["code"]))
    batch = declare(drafts, speaker=asked.organisation, deadline=asked.deadline)
    return Prepared(batch, roles=int(Role.STEWARD))


def _checkpoints(asked: _Request) -> Prepared:
    drafts = asked.read(CheckpointDraft, lambda one: text_hash(one["origin"]))
    batch = anchor(drafts, speaker=asked.organisation, deadline=asked.deadline)
    return Prepared(batch, roles=int(Role.COLLECTOR | Role.AUTHORITY))


_BUILDERS: dict[str, Callable[[_Request], Prepared]] = {
    "Organisation": _organisations,
    "Key": _keys,
    "Filing": _filings,
    "Decision": _decisions,
    "Score": _scores,
    "Obligation": _obligations,
    "Binding": _bindings,
    "Objection": _objections,
    "Exemption": _exemptions,
    "Resource": _resources,
    "Manifest": _manifests,
    "Delivery": _deliveries,
    "Correction": _corrections,
    "Report": _reports,
    "DatasetRule": _rules,
    "Step": _steps,
    "Checkpoint": _checkpoints,
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

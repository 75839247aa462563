"""Building statements about obligations to collect (归集义务): no signing, no I/O, no clock.

A draft says what is to be on the ledger in the words of people; pydantic refuses one that cannot stand, naming
the field. A builder turns drafts into the :class:`~ledger.statements.Batch` that is signed.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Annotated, Protocol

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator, model_validator

from ledger.bodies import Day, Line, Prose
from ledger.canonical import canonical_json
from ledger.codes import (
    BindingStatus,
    ExemptionStatus,
    ExemptionTarget,
    Library,
    ObjectionState,
    ObligationStatus,
    ObligationType,
    UpdateCycle,
)
from ledger.days import day_number
from ledger.faults import Unfit
from ledger.obligations.bodies import (
    BindingBody,
    ExemptionBody,
    ObjectionBody,
    ObligationBody,
    ObligationCode,
    scope_mask,
    scope_names,
)
from ledger.organisations.bodies import OrganisationCode
from ledger.statements import (
    BINDING,
    EXEMPTION,
    MAX_BATCH,
    OBJECTION,
    OBLIGATION,
    Batch,
    StatementError,
    StructType,
    Value,
)

Version = Annotated[int, Field(ge=1)]
ReasonList = Annotated[tuple[Prose, ...], Field(max_length=50)]


class _Draft(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)


class ObligationDraft(_Draft):
    """An obligation as an authority files it (登记义务): duty, system, table or expected entry.

    ``parent`` is what it follows from; a duty has none, everything else one. ``withdrawn`` needs reasons.
    """

    code: ObligationCode
    name: Line
    name_en: Line | None = None
    type: ObligationType
    responsible: OrganisationCode
    parent: ObligationCode | None = None
    legal_basis: Annotated[tuple[Prose, ...], Field(min_length=1, max_length=50)]
    update_cycle: UpdateCycle | None = None
    library: Library | None = None
    produces_data: bool = True
    valid_from: Day
    valid_until: Day | None = None
    status: ObligationStatus = ObligationStatus.IN_FORCE
    reasons: ReasonList = ()
    source: Line | None = None
    note: Prose | None = None
    version: Version = 1

    @field_validator("parent")
    @classmethod
    def _no_parent_of_itself(cls, parent: str | None, info: ValidationInfo) -> str | None:
        if parent is not None and parent == info.data.get("code"):
            raise Unfit("义务不能以自身为上级", "an obligation does not follow from itself")
        return parent

    @field_validator("valid_until")
    @classmethod
    def _ends_after_start(cls, until: date | None, info: ValidationInfo) -> date | None:
        start = info.data.get("valid_from")
        if until is not None and start is not None and until < start:
            raise Unfit(f"截止日早于起始日 {start}", f"it ends before it begins on {start}")
        return until

    @model_validator(mode="after")
    def _whole(self) -> ObligationDraft:
        if self.type is ObligationType.DUTY and self.parent is not None:
            raise Unfit(
                "parent：职责事项没有上级，请去掉此项",
                "parent: a duty follows from nothing but the law; leave its parent out",
            )
        if self.type is not ObligationType.DUTY and self.parent is None:
            raise Unfit(
                f"parent：请写明此{self.type.zh}的上级；只有职责事项没有上级",
                f"parent: name what this {self.type.en} follows from; only a duty has none",
            )
        if self.status is ObligationStatus.WITHDRAWN and not self.reasons:
            raise Unfit(
                "reasons：请写明取消义务的理由", "reasons: say why the obligation is withdrawn"
            )
        return self

    def values(self) -> dict[str, Value]:
        """The typed members."""
        return {
            "code": self.code,
            "version": self.version,
            "type": self.type.number,
            "parent": self.parent or "",
            "responsible": self.responsible,
            "status": self.status.number,
            "updateCycle": self.update_cycle.number if self.update_cycle else 0,
            "library": self.library.number if self.library else 0,
            "validFrom": day_number(self.valid_from),
            "validUntil": day_number(self.valid_until) if self.valid_until else 0,
        }

    def body(self) -> bytes:
        """The canonical JSON that is published."""
        return _text(
            ObligationBody(
                code=self.code,
                name=self.name,
                name_en=self.name_en,
                type=self.type.value,
                responsible=self.responsible,
                parent=self.parent,
                legal_basis=list(self.legal_basis),
                update_cycle=self.update_cycle.value if self.update_cycle else None,
                library=self.library.value if self.library else None,
                produces_data=self.produces_data,
                valid_from=self.valid_from.isoformat(),
                valid_until=self.valid_until.isoformat() if self.valid_until else None,
                reasons=list(self.reasons),
                source=self.source,
                note=self.note,
            )
        )


class BindingDraft(_Draft):
    """Which catalogue entry answers an obligation (绑定), or no longer does (解绑; needs reasons)."""

    obligation: ObligationCode
    entry: Line
    status: BindingStatus = BindingStatus.BOUND
    reasons: ReasonList = ()
    version: Version = 1

    @model_validator(mode="after")
    def _whole(self) -> BindingDraft:
        if self.status is BindingStatus.RELEASED and not self.reasons:
            raise Unfit(
                "reasons：请写明解除绑定的理由",
                "reasons: say why the entry no longer answers the obligation",
            )
        return self

    def values(self) -> dict[str, Value]:
        return {
            "obligation": self.obligation,
            "version": self.version,
            "entry": self.entry,
            "status": self.status.number,
        }

    def body(self) -> bytes:
        return _text(
            BindingBody(obligation=self.obligation, entry=self.entry, reasons=list(self.reasons))
        )


class ObjectionDraft(_Draft):
    """An objection (异议) of the responsible organisation, or the authority's answer to it."""

    obligation: ObligationCode
    state: ObjectionState
    reasons: Annotated[tuple[Prose, ...], Field(min_length=1, max_length=50)]
    version: Version = 1

    def values(self) -> dict[str, Value]:
        return {
            "obligation": self.obligation,
            "version": self.version,
            "state": self.state.number,
        }

    def body(self) -> bytes:
        return _text(
            ObjectionBody(
                obligation=self.obligation, state=self.state.value, reasons=list(self.reasons)
            )
        )


class ExemptionDraft(_Draft):
    """An exemption (豁免) of an obligation or a catalogue entry, by law and for a time.

    The approver is the organisation that signs, and never the one that profits. ``expires`` is the last day on
    which it counts.
    """

    code: ObligationCode
    target: Line
    target_type: ExemptionTarget
    scope: tuple[str, ...]
    law: Prose
    valid_from: Day
    expires: Day
    status: ExemptionStatus = ExemptionStatus.GRANTED
    reasons: ReasonList = ()
    version: Version = 1

    @field_validator("scope")
    @classmethod
    def _known_scopes(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        return scope_names(scope_mask(names))

    @field_validator("expires")
    @classmethod
    def _expires_after_start(cls, expires: date, info: ValidationInfo) -> date:
        start = info.data.get("valid_from")
        if start is not None and expires <= start:
            raise Unfit(
                f"到期日应晚于起始日 {start}",
                f"it must expire after {start}, the day from which it counts",
            )
        return expires

    @model_validator(mode="after")
    def _whole(self) -> ExemptionDraft:
        if self.status is ExemptionStatus.WITHDRAWN and not self.reasons:
            raise Unfit(
                "reasons：请写明取消豁免的理由", "reasons: say why the exemption is withdrawn"
            )
        return self

    def values(self) -> dict[str, Value]:
        return {
            "code": self.code,
            "version": self.version,
            "target": self.target,
            "targetType": self.target_type.number,
            "scope": scope_mask(self.scope),
            "status": self.status.number,
            "validFrom": day_number(self.valid_from),
            "expires": day_number(self.expires),
        }

    def body(self, approver: str) -> bytes:
        """The canonical JSON that is published when ``approver`` signs."""
        return _text(
            ExemptionBody(
                code=self.code,
                target=self.target,
                target_type=self.target_type.value,
                scope=list(self.scope),
                law=self.law,
                approver=approver,
                valid_from=self.valid_from.isoformat(),
                expires=self.expires.isoformat(),
                reasons=list(self.reasons),
            )
        )


def oblige(drafts: Sequence[ObligationDraft], *, speaker: str, deadline: int) -> Batch:
    """One batch of obligations by the authority ``speaker``; ``deadline`` in Unix seconds.

    Raises :class:`~ledger.statements.StatementError` for none, too many, or one obligation twice.
    """
    return _batch(OBLIGATION, "obligation", drafts, speaker, deadline)


def bind(drafts: Sequence[BindingDraft], *, speaker: str, deadline: int) -> Batch:
    """One batch of bindings and releases; like :func:`oblige`."""
    return _batch(BINDING, "obligation", drafts, speaker, deadline)


def object_to(drafts: Sequence[ObjectionDraft], *, speaker: str, deadline: int) -> Batch:
    """One batch of objections, or of answers to them; like :func:`oblige`."""
    return _batch(OBJECTION, "obligation", drafts, speaker, deadline)


def exempt(drafts: Sequence[ExemptionDraft], *, speaker: str, deadline: int) -> Batch:
    """One batch of exemptions approved, or withdrawn, by ``speaker``; like :func:`oblige`."""
    _check(drafts, [draft.code for draft in drafts], "exemption")
    return Batch(
        struct=EXEMPTION,
        organisation=speaker,
        deadline=deadline,
        values=tuple(draft.values() for draft in drafts),
        bodies=tuple(draft.body(speaker) for draft in drafts),
    )


def in_order(drafts: Sequence[ObligationDraft]) -> list[ObligationDraft]:
    """The drafts so that each stands after what it follows from: duties, systems, tables, entries."""
    return sorted(drafts, key=lambda draft: draft.type.number)


class _Told(Protocol):
    def values(self) -> dict[str, Value]: ...
    def body(self) -> bytes: ...


def _batch(
    struct: StructType, what: str, drafts: Sequence[_Told], speaker: str, deadline: int
) -> Batch:
    values = tuple(draft.values() for draft in drafts)
    _check(drafts, [str(said[struct.subject[0]]) for said in values], what)
    return Batch(
        struct=struct,
        organisation=speaker,
        deadline=deadline,
        values=values,
        bodies=tuple(draft.body() for draft in drafts),
    )


def _check(drafts: Sequence[object], subjects: Sequence[str], what: str) -> None:
    if not 0 < len(drafts) <= MAX_BATCH:
        raise StatementError(f"a batch has 1 to {MAX_BATCH} statements, this one {len(drafts)}")
    seen: set[str] = set()
    for subject in subjects:
        if subject in seen:
            raise StatementError(f"{what} {subject} stands twice in one batch; send two batches")
        seen.add(subject)


def _text(body: ObligationBody | BindingBody | ObjectionBody | ExemptionBody) -> bytes:
    return canonical_json(body.said())

"""Building statements about lineage (血缘): no signing, no I/O, no clock."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Protocol

from pydantic import BaseModel, ConfigDict, Field, model_validator

from ledger.bodies import Line, Prose
from ledger.canonical import canonical_json
from ledger.codes import InForce, StepType
from ledger.journal.journal import Checkpoint
from ledger.lineage.bodies import (
    CheckpointBody,
    Deidentification,
    End,
    LineageCode,
    Mapping,
    Pattern,
    Priority,
    RuleBody,
    StepBody,
)
from ledger.organisations.bodies import OrganisationCode
from ledger.statements import (
    CHECKPOINT,
    DATASET_RULE,
    MAX_BATCH,
    STEP,
    Batch,
    StatementError,
    StructType,
    Value,
)

Version = Annotated[int, Field(ge=1)]
Reasons = Annotated[tuple[Prose, ...], Field(max_length=50)]


class _Draft(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class RuleDraft(_Draft):
    """A rule as a steward states it (归属规则): which data sets belong to ``entry``.

    ``namespace`` and ``name`` may hold ``*`` (any characters) and ``?`` (one). Of several rules that
    match a data set the highest ``priority`` counts, then the one that says most of the name.
    ``withdrawn`` needs reasons.
    """

    code: LineageCode
    holder: OrganisationCode
    entry: Line
    namespace: Pattern
    name: Pattern
    system: Line | None = None
    priority: Priority = 0
    note: Prose | None = None
    status: InForce = InForce.ACTIVE
    reasons: Reasons = ()
    version: Version = 1

    @model_validator(mode="after")
    def _whole(self) -> RuleDraft:
        if self.status is InForce.WITHDRAWN and not self.reasons:
            raise ValueError("reasons: say why the rule is withdrawn")
        return self

    def values(self) -> dict[str, Value]:
        """The typed members."""
        return {
            "code": self.code,
            "version": self.version,
            "holder": self.holder,
            "status": self.status.number,
        }

    def body(self) -> bytes:
        """The canonical JSON that is published."""
        told = self.model_dump(exclude={"status", "version"})
        return canonical_json(
            RuleBody.model_validate(told | {"reasons": list(self.reasons)}).said()
        )


class StepDraft(_Draft):
    """A step of processing as a steward declares it (加工步骤): inputs, outputs, columns.

    ``deidentification`` says what was taken away, so that what comes out may be graded lower.
    ``withdrawn`` needs reasons.
    """

    code: LineageCode
    name: Line
    name_en: Line | None = None
    type: StepType
    inputs: list[End]
    outputs: list[End]
    columns: list[Mapping] = []
    deidentification: Deidentification | None = None
    note: Prose | None = None
    status: InForce = InForce.ACTIVE
    reasons: Reasons = ()
    version: Version = 1

    @model_validator(mode="after")
    def _whole(self) -> StepDraft:
        if self.status is InForce.WITHDRAWN and not self.reasons:
            raise ValueError("reasons: say why the step is withdrawn")
        self.told()
        return self

    def told(self) -> StepBody:
        """The body; raises what is wrong with the ends and columns together."""
        return StepBody(
            code=self.code,
            name=self.name,
            name_en=self.name_en,
            type=self.type.value,
            inputs=self.inputs,
            outputs=self.outputs,
            columns=self.columns,
            deidentification=self.deidentification,
            note=self.note,
            reasons=list(self.reasons),
        )

    def values(self) -> dict[str, Value]:
        return {"code": self.code, "version": self.version, "status": self.status.number}

    def body(self) -> bytes:
        return canonical_json(self.told().said())


class CheckpointDraft(_Draft):
    """A journal's checkpoint as a collector vouches for it (日志检查点)."""

    origin: Annotated[str, Field(min_length=1, max_length=256)]
    size: Annotated[int, Field(ge=1, lt=1 << 53)]
    root: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    version: Version = 1

    @classmethod
    def of(cls, checkpoint: Checkpoint, version: int) -> CheckpointDraft:
        return cls(
            origin=checkpoint.origin,
            size=checkpoint.size,
            root=checkpoint.root.hex(),
            version=version,
        )

    def values(self) -> dict[str, Value]:
        return {
            "origin": self.origin,
            "version": self.version,
            "size": self.size,
            "root": bytes.fromhex(self.root),
        }

    def body(self) -> bytes:
        return canonical_json(
            CheckpointBody(origin=self.origin, size=self.size, root=self.root).said()
        )


def attribute(drafts: Sequence[RuleDraft], *, speaker: str, deadline: int) -> Batch:
    """One batch of rules by the organisation ``speaker``; ``deadline`` in Unix seconds.

    Raises :class:`~ledger.statements.StatementError` for none, too many, or one rule twice.
    """
    return _batch(DATASET_RULE, drafts, speaker, deadline)


def declare(drafts: Sequence[StepDraft], *, speaker: str, deadline: int) -> Batch:
    """One batch of declared steps; like :func:`attribute`."""
    return _batch(STEP, drafts, speaker, deadline)


def anchor(drafts: Sequence[CheckpointDraft], *, speaker: str, deadline: int) -> Batch:
    """One batch of checkpoints; like :func:`attribute`."""
    return _batch(CHECKPOINT, drafts, speaker, deadline)


class _Told(Protocol):
    def values(self) -> dict[str, Value]: ...
    def body(self) -> bytes: ...


def _batch(struct: StructType, drafts: Sequence[_Told], speaker: str, deadline: int) -> Batch:
    if not 0 < len(drafts) <= MAX_BATCH:
        raise StatementError(f"a batch has 1 to {MAX_BATCH} statements, this one {len(drafts)}")
    values = tuple(draft.values() for draft in drafts)
    seen: set[str] = set()
    for said in values:
        subject = str(said[struct.members[0][0]])
        if subject in seen:
            raise StatementError(f"{subject} stands twice in one batch; send two batches")
        seen.add(subject)
    return Batch(struct, speaker, deadline, values, tuple(draft.body() for draft in drafts))

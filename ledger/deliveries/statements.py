"""Building statements about resources, manifests and deliveries: no signing, no I/O, no clock.

A draft says what is to be on the ledger; pydantic refuses one that cannot stand, naming the field.
A builder turns drafts into the :class:`~ledger.statements.Batch` that is signed.
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Sequence
from datetime import date
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationInfo, field_validator

from ledger.bodies import Line, Prose
from ledger.canonical import canonical_json, written
from ledger.codes import DeliveryMode, ResourceStatus, ResourceType
from ledger.days import day_number, near
from ledger.deliveries.bodies import (
    BUCKETS,
    ENCODING,
    MAX_ROWS,
    Columns,
    Differences,
    Fingerprint,
    HexDigest,
    bucket_digest,
    schema_digest,
)
from ledger.faults import Unfit
from ledger.merkle import EMPTY_ROOT
from ledger.statements import DELIVERY, MANIFEST, MAX_BATCH, RESOURCE, Batch, StatementError

ZERO = bytes(32)
Day = Annotated[date, AfterValidator(near)]
Version = Annotated[int, Field(ge=1)]
Edition = Annotated[int, Field(ge=1, lt=1 << 32)]
Rows = Annotated[int, Field(ge=0, le=MAX_ROWS, strict=True)]
_CREDENTIALS = re.compile(r"//[^/@\s]*:[^/@\s]*@|(?i:password|passwd|pwd|secret|token)\s*=")


class _Draft(BaseModel):
    model_config = ConfigDict(
        extra="forbid", frozen=True, str_strip_whitespace=True, populate_by_name=True
    )


class _Period(_Draft):
    entry: Line
    edition: Edition
    period_start: Day
    period_end: Day
    mode: DeliveryMode = DeliveryMode.FULL
    rows: Rows

    @field_validator("period_end")
    @classmethod
    def _ends_after_start(cls, end: date, info: ValidationInfo) -> date:
        start = info.data.get("period_start")
        if start is not None and end < start:
            raise Unfit(
                f"期间结束早于开始日期 {start}", f"the period ends before it starts on {start}"
            )
        return end


class ResourceDraft(_Draft):
    """A resource as it is to be mounted (挂接, version 1), amended or closed (the next version)."""

    code: Line
    entry: Line
    type: ResourceType
    status: ResourceStatus = ResourceStatus.LIVE
    name: Line
    location: Line | None = None
    """A label of where it is, such as a system's and table's name; it is published."""
    reasons: Annotated[list[Prose], Field(max_length=20)] = []
    version: Version = 1

    @field_validator("location")
    @classmethod
    def _no_credentials(cls, location: str | None) -> str | None:
        if location is not None and _CREDENTIALS.search(location):
            raise Unfit(
                "其中似有口令，而此项将公开：请只写名称",
                "it seems to hold a password, and it would be published: name a label",
            )
        return location

    def values(self) -> dict[str, int | str | bytes]:
        """The typed members."""
        return {
            "code": self.code,
            "version": self.version,
            "entry": self.entry,
            "type": self.type.number,
            "status": self.status.number,
        }

    def body(self) -> bytes:
        """The canonical JSON that is published."""
        return _published(
            code=self.code,
            entry=self.entry,
            type=self.type.value,
            name=self.name,
            location=self.location,
            reasons=self.reasons or None,
        )


class ManifestDraft(_Period):
    """What a department holds of an entry for a period.

    ``row_schema`` (member ``schema``) is the canonical schema; for an entry whose text is not public
    give its digest as ``schema_digest`` instead. An empty table's root is that of no leaves.
    """

    row_schema: dict[str, Any] | None = Field(default=None, alias="schema")
    schema_digest: Annotated[HexDigest | None, Field(validate_default=True)] = None
    key: Columns = []
    root: HexDigest
    buckets: Annotated[list[Fingerprint], Field(min_length=BUCKETS, max_length=BUCKETS)]
    secret: HexDigest | None = None
    """:func:`~ledger.deliveries.bodies.secret_check` of the secret, never the secret itself."""
    resource: Line | None = None
    note: Prose | None = None
    version: Version = 1

    @field_validator("schema_digest")
    @classmethod
    def _of_the_schema(cls, digest: str | None, info: ValidationInfo) -> str | None:
        schema = info.data.get("row_schema")
        if schema is None:
            if digest is None:
                raise Unfit(
                    "请给出结构；结构不公开的，给出其摘要",
                    "give the schema, or its digest where the schema is not public",
                )
            return digest
        follows = schema_digest(schema).hex()
        if digest not in (None, follows):
            raise Unfit(
                f"与结构的摘要 {follows} 不符", f"it is not that of the schema, which is {follows}"
            )
        return follows

    @field_validator("root")
    @classmethod
    def _of_the_rows(cls, root: str, info: ValidationInfo) -> str:
        _check_root(root, info)
        return root

    def values(self) -> dict[str, int | str | bytes]:
        """The typed members."""
        return {
            "entry": self.entry,
            "version": self.version,
            "edition": self.edition,
            "periodStart": day_number(self.period_start),
            "periodEnd": day_number(self.period_end),
            "mode": self.mode.number,
            "rows": self.rows,
            "schema": bytes.fromhex(self.schema_digest or ""),
            "root": bytes.fromhex(self.root),
            "buckets": bucket_digest([int(one, 16) for one in self.buckets]),
        }

    def body(self) -> bytes:
        """The canonical JSON that is published."""
        public = self.row_schema is not None
        return _published(
            entry=self.entry,
            edition=self.edition,
            period_start=self.period_start.isoformat(),
            period_end=self.period_end.isoformat(),
            mode=self.mode.value,
            rows=written(self.rows),
            schema=self.row_schema,
            key=self.key if public else None,
            root=self.root,
            buckets=self.buckets,
            encoding=ENCODING,
            secret=self.secret,
            resource=self.resource,
            note=self.note,
        )


class DeliveryDraft(_Period):
    """What a collector received of an entry for a period; ``version`` is the delivery's number."""

    manifest: Annotated[int, Field(ge=0, lt=1 << 63)]
    """Version of the manifest that it was held against; 0 where none was signed before."""
    row_schema: HexDigest = Field(alias="schema")
    """Digest of the schema of what arrived."""
    root: HexDigest
    content: HexDigest
    """The collector's keyed tag of the rows."""
    predecessor: HexDigest | None = None
    """Root of the entry's delivery before; None for the first."""
    complete: bool = False
    """Whether root, rows and schema equal the manifest's."""
    differences: Annotated[Differences | None, Field(validate_default=True)] = None
    note: Prose | None = None
    version: Version = 1

    @field_validator("root")
    @classmethod
    def _of_the_rows(cls, root: str, info: ValidationInfo) -> str:
        _check_root(root, info)
        return root

    @field_validator("complete")
    @classmethod
    def _against_a_manifest(cls, complete: bool, info: ValidationInfo) -> bool:  # noqa: FBT001 - pydantic's way to call it
        if complete and info.data.get("manifest") == 0:
            raise Unfit(
                "没有清单，无从说明是否完整",
                "without a manifest nobody can say that nothing is missing",
            )
        return complete

    @field_validator("differences")
    @classmethod
    def _none_where_complete(
        cls, differences: Differences | None, info: ValidationInfo
    ) -> Differences | None:
        if info.data.get("complete") and differences and any(differences.said().values()):
            raise Unfit("有差异的交付不能标为完整", "a delivery that differs is not complete")
        return differences

    def values(self) -> dict[str, int | str | bytes]:
        """The typed members."""
        return {
            "entry": self.entry,
            "version": self.version,
            "manifest": self.manifest,
            "edition": self.edition,
            "periodStart": day_number(self.period_start),
            "periodEnd": day_number(self.period_end),
            "mode": self.mode.number,
            "rows": self.rows,
            "schema": bytes.fromhex(self.row_schema),
            "root": bytes.fromhex(self.root),
            "content": bytes.fromhex(self.content),
            "predecessor": bytes.fromhex(self.predecessor) if self.predecessor else ZERO,
        }

    def body(self) -> bytes:
        """The canonical JSON that is published."""
        return _published(
            entry=self.entry,
            edition=self.edition,
            delivery=self.version,
            manifest=self.manifest,
            period_start=self.period_start.isoformat(),
            period_end=self.period_end.isoformat(),
            mode=self.mode.value,
            rows=written(self.rows),
            root=self.root,
            schema=self.row_schema,
            complete=self.complete,
            differences=self.differences.said() if self.differences else None,
            note=self.note,
        )


def mount(drafts: Sequence[ResourceDraft], *, speaker: str, deadline: int) -> Batch:
    """One batch that mounts, amends or closes resources, signed by the entries' owner.

    ``deadline`` in Unix seconds. Raises :class:`~ledger.statements.StatementError` for none, too
    many, or one resource twice.
    """
    _check_batch([(f"resource {draft.code}", draft.code) for draft in drafts])
    return Batch(
        struct=RESOURCE,
        organisation=speaker,
        deadline=deadline,
        values=tuple(draft.values() for draft in drafts),
        bodies=tuple(draft.body() for draft in drafts),
    )


def manifest(drafts: Sequence[ManifestDraft], *, speaker: str, deadline: int) -> Batch:
    """One batch of manifests, signed by the entries' owner; one of each entry and period."""
    _check_batch(
        [
            (
                f"entry {draft.entry}, {draft.period_start} to {draft.period_end},",
                (draft.entry, draft.period_start, draft.period_end),
            )
            for draft in drafts
        ]
    )
    return Batch(
        struct=MANIFEST,
        organisation=speaker,
        deadline=deadline,
        values=tuple(draft.values() for draft in drafts),
        bodies=tuple(draft.body() for draft in drafts),
    )


def deliver(drafts: Sequence[DeliveryDraft], *, speaker: str, deadline: int) -> Batch:
    """One batch of deliveries, signed by the collector; one of each entry."""
    _check_batch([(f"entry {draft.entry}", draft.entry) for draft in drafts])
    return Batch(
        struct=DELIVERY,
        organisation=speaker,
        deadline=deadline,
        values=tuple(draft.values() for draft in drafts),
        bodies=tuple(draft.body() for draft in drafts),
    )


def _check_root(root: str, info: ValidationInfo) -> None:
    rows = info.data.get("rows")
    if rows is not None and (rows == 0) != (bytes.fromhex(root) == EMPTY_ROOT):
        raise Unfit(
            "空表且只有空表的根是空树的根",
            "the root of no leaves, and no other, stands for a table without rows",
        )


def _published(**members: object) -> bytes:
    return canonical_json({name: value for name, value in members.items() if value is not None})


def _check_batch(subjects: Sequence[tuple[str, Hashable]]) -> None:
    if not 0 < len(subjects) <= MAX_BATCH:
        raise StatementError(f"a batch has 1 to {MAX_BATCH} statements, this one {len(subjects)}")
    seen: set[Hashable] = set()
    for what, subject in subjects:
        if subject in seen:
            raise StatementError(f"{what} stands twice in one batch; send two batches")
        seen.add(subject)

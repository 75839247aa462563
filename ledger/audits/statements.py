"""Building statements about audit reports (审计报告): no signing, no I/O, no clock."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator

from ledger.audits.metrics import basis_points
from ledger.bodies import Line, Prose
from ledger.canonical import canonical_json
from ledger.codes import ReportType
from ledger.statements import MAX_BATCH, REPORT, Batch, StatementError

HexDigest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Count = Annotated[int, Field(ge=0, le=(1 << 53) - 1)]
SCOPE_MEMBERS = ("organisation", "library", "level")


class ScopeBody(BaseModel):
    """The scope in a body: codes of organisation, library and level, each only where it narrows."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    organisation: Line | None = None
    library: Line | None = None
    level: Line | None = None

    def text(self) -> str:
        """The canonical JSON text that is signed as the member ``scope``."""
        return canonical_json(self.model_dump(exclude_none=True)).decode()


class ReportBody(BaseModel):
    """Body of a ``Report`` statement. What it repeats of the typed members must agree with them."""

    model_config = ConfigDict(extra="ignore", frozen=True, strict=True)

    code: Line
    type: Line
    scope: ScopeBody
    size: int
    root: HexDigest
    report: HexDigest
    metric: Line | None = None
    rate_basis_points: Annotated[int, Field(ge=0, le=10_000)] | None = None
    policy: HexDigest | None = None
    note: Prose | None = None


class ReportDraft(BaseModel):
    """A report as it is to be anchored: the digest of its bytes, and where the log stood."""

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)

    code: Line
    type: ReportType = ReportType.COMPLETENESS
    scope: ScopeBody = ScopeBody()
    size: Annotated[int, Field(ge=1, le=(1 << 53) - 1)]
    root: HexDigest
    denominator: Count = 0
    numerator: Annotated[Count, Field(validate_default=True)] = 0
    report: HexDigest
    metric: Line | None = None
    policy: HexDigest | None = None
    note: Prose | None = None
    version: Annotated[int, Field(ge=1)] = 1

    @field_validator("numerator")
    @classmethod
    def _no_more_than_all(cls, numerator: int, info: ValidationInfo) -> int:
        if "denominator" in info.data and numerator > info.data["denominator"]:
            raise ValueError("the numerator is more than the denominator")
        return numerator

    def values(self) -> dict[str, int | str | bytes]:
        """The typed members."""
        return {
            "code": self.code,
            "version": self.version,
            "type": self.type.number,
            "scope": self.scope.text(),
            "size": self.size,
            "root": bytes.fromhex(self.root),
            "numerator": self.numerator,
            "denominator": self.denominator,
            "report": bytes.fromhex(self.report),
        }

    def body(self) -> bytes:
        """The canonical JSON that is published."""
        told: dict[str, Any] = {
            "code": self.code,
            "type": self.type.value,
            "scope": self.scope.model_dump(exclude_none=True),
            "size": self.size,
            "root": self.root,
            "report": self.report,
            "metric": self.metric,
            "rate_basis_points": basis_points(self.numerator, self.denominator),
            "policy": self.policy,
            "note": self.note,
        }
        return canonical_json({name: value for name, value in told.items() if value is not None})


def publish(drafts: Sequence[ReportDraft], *, speaker: str, deadline: int) -> Batch:
    """The batch in which ``speaker`` anchors reports; ``deadline`` in Unix seconds.

    Raises :class:`~ledger.statements.StatementError` for none, too many, or one code twice.
    """
    if not 0 < len(drafts) <= MAX_BATCH:
        raise StatementError(f"a batch has 1 to {MAX_BATCH} statements, this one {len(drafts)}")
    codes = [draft.code for draft in drafts]
    for code in codes:
        if codes.count(code) > 1:
            raise StatementError(f"report {code} stands twice in one batch; send two batches")
    return Batch(
        struct=REPORT,
        organisation=speaker,
        deadline=deadline,
        values=tuple(draft.values() for draft in drafts),
        bodies=tuple(draft.body() for draft in drafts),
    )

"""Audits (应归尽归审计) and anchored reports."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import ConfigDict, Field

from api.shapes.base import Hex32, Index, PartyName, Shape, Size, Time

Rate = Annotated[int, Field(ge=0, le=10_000, description="基点 basis points")]
Count = Annotated[int, Field(ge=0)]
Digest = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


class Words(Shape):
    """A text in both languages."""

    zh: str
    en: str


class NamedCode(Shape):
    """A code with its names."""

    code: str
    zh: str
    en: str


class TallyDocument(Shape):
    """How many units are in each state; a rate is null where there is nothing to divide by."""

    numerator: Count
    denominator: Count
    rate_basis_points: Rate | None
    coverage_basis_points: Rate | None
    met: Count
    unmet: Count
    exempted: Count
    not_applicable: Count
    not_assessable: Count


class OrganisationTally(TallyDocument):
    """One organisation's; null for statements whose organisation cannot be read."""

    organisation: PartyName | None


class MeasureDocument(TallyDocument):
    """A metric over all, and over each organisation, the lowest rate first."""

    metric: NamedCode
    formula: Words
    source: str
    unit: str
    organisations: list[OrganisationTally]


class CountedJournal(Shape):
    """The anchored checkpoint of the lineage journal that was counted, and its leaf."""

    origin: str
    size: Size
    root: Hex32
    leaf: int


class CompletenessDocument(Shape):
    """Every metric at a size, judged on the day of its last leaf."""

    as_of: Size
    log_size: Size
    day: str
    root: Hex32
    scope: dict[str, str]
    policy: dict[str, Any]
    policy_digest: Digest
    calendar_digest: Digest
    journal: CountedJournal | None
    metrics: list[MeasureDocument]


class GapDocument(Shape):
    """Where an obligation stops: who must act, since which day, by which working day."""

    id: str
    obligation: str
    organisation: PartyName | None
    rung: NamedCode
    reason: NamedCode
    way: Words
    article: str | None
    acts: PartyName | None
    since: str | None
    due: str | None
    overdue: bool
    entry: str | None
    leaves: dict[str, Index]


class GapPage(Shape):
    """One page of gaps, by obligation."""

    as_of: Size
    log_size: Size
    items: list[GapDocument]
    next: str | None


class FindingDocument(Shape):
    """A finding; ``number`` is a day, a count of rows, or what its name says."""

    id: str
    name: NamedCode
    subject: str
    subject_type: str
    organisation: PartyName | None
    article: str | None
    number: int | str | None
    detail: str | None
    leaves: list[Index]


class FindingPage(Shape):
    """One page of findings, by name, subject and statement."""

    as_of: Size
    log_size: Size
    items: list[FindingDocument]
    next: str | None


class ObligationTold(Shape):
    """The obligation that is explained."""

    code: str
    name: str
    type: str
    parent: str | None
    organisation: PartyName | None
    legal_basis: list[str]
    version: int
    leaf: Index
    below: list[str]


class RungDocument(Shape):
    """One rung: passed, broken, skipped or not_reached, and the statement that it rests on."""

    rung: NamedCode
    state: str
    leaf: Index | None


class ExemptionTold(Shape):
    """What the obligation, or its entry, is exempt from."""

    scope: str
    target_type: str
    leaf: Index
    expires: str


class ExplanationDocument(Shape):
    """One obligation's ladder; duties and systems have none."""

    as_of: Size
    day: str
    obligation: ObligationTold
    line: dict[str, Any]
    ladder: list[RungDocument]
    gap: GapDocument | None
    exemptions: list[ExemptionTold]
    findings: list[FindingDocument]


class ReportStatement(Shape):
    """What one statement said of a report; ``report`` and ``policy`` are SHA-256."""

    code: str
    type: str
    version: int
    scope: dict[str, str]
    size: Size
    root: Hex32
    numerator: Count
    denominator: Count
    metric: str | None
    rate: Rate | None
    report: Digest
    policy: Digest | None
    note: str | None
    organisation: PartyName | None
    organisation_hash: Hex32
    recorded_at: Time
    leaf_from: Index
    leaf_until: Index | None


class ReportPage(Shape):
    """One page of reports, the newest statement first."""

    as_of: Size
    log_size: Size
    items: list[ReportStatement]
    next: str | None


class ReportDocument(ReportStatement):
    """The newest statement about a report's bytes, and all of them."""

    as_of: Size
    statements: list[ReportStatement]


class ReportText(Shape):
    """A report as docs/audits.md describes it: canonical JSON, byte for byte what was anchored."""

    model_config = ConfigDict(extra="allow")

    format: str
    size: Size

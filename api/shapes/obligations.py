"""Obligations (归集义务), what answers them, objections (异议) and exemptions (豁免)."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from api.shapes.base import Address, Hex32, Index, Named, PartyName, Shape, Size, Time

Day = Annotated[str, Field(description="YYYY-MM-DD", examples=["2026-01-01"])]


class Spoken(Shape):
    """Who said something, and where it stands in the log."""

    version: int
    organisation: PartyName | None
    organisation_hash: Hex32
    signer: Address
    authorisation: Hex32
    recorded_at: Time
    leaf_from: Index
    leaf_until: Index | None


class ObligationSummary(Spoken):
    """An obligation as it stands; ``entry`` is the catalogue entry bound to it."""

    code: str
    type: Named
    name: str
    name_en: str | None
    parent: str | None
    responsible: PartyName
    status: Named
    update_cycle: Named | None
    library: Named | None
    produces_data: bool
    legal_basis: list[str]
    valid_from: Day
    valid_until: Day | None
    reasons: list[str]
    source: str | None
    note: str | None
    entry: str | None


class ObligationPage(Shape):
    """One page of obligations, by code."""

    as_of: Size
    log_size: Size
    total: int
    items: list[ObligationSummary]
    next: str | None


class BindingDocument(Spoken):
    """Which entry answers an obligation, or no longer does."""

    obligation: str
    entry: str
    status: Named
    reasons: list[str]


class ObjectionDocument(Spoken):
    """An objection, or the answer to it."""

    obligation: str
    state: Named
    reasons: list[str]


class ObjectionPage(Shape):
    """One page of objections, by obligation."""

    as_of: Size
    log_size: Size
    items: list[ObjectionDocument]
    next: str | None


class ExemptionDocument(Spoken):
    """An exemption; ``effect`` is whether it counts on the day of the log size asked about."""

    code: str
    target: str
    target_type: Named
    scope: list[Named]
    status: Named
    effect: Literal["counting", "pending", "expired", "withdrawn", "self_approved", "superseded"]
    law: str
    approver: str
    valid_from: Day
    expires: Day
    reasons: list[str]
    as_of: Size | None = None


class ExemptionPage(Shape):
    """One page of exemptions, by code; ``day`` is the day on which their effect is judged."""

    as_of: Size
    log_size: Size
    day: Day | None
    items: list[ExemptionDocument]
    next: str | None


class ExemptionHistory(Shape):
    """Every version of an exemption, the first one first."""

    as_of: Size
    items: list[ExemptionDocument]


class ChainLink(Shape):
    """One obligation in a chain of duty."""

    code: str
    type: Named
    name: str


class ObligationDocument(ObligationSummary):
    """One obligation with its chain from the duty down, and all that was said about it last."""

    chain: list[ChainLink]
    missing_parent: str | None
    binding: BindingDocument | None
    objection: ObjectionDocument | None
    exemptions: list[ExemptionDocument]
    as_of: Size | None = None


class ObligationAct(Spoken):
    """One statement about an obligation."""

    act: Literal["obligation", "binding", "objection"]
    state: Named
    entry: str | None
    reasons: list[str]


class ObligationActList(Shape):
    """Every statement about an obligation, in the order of the log."""

    as_of: Size
    code: str
    items: list[ObligationAct]


class EffectDocument(Shape):
    """What a change did to one denominator."""

    organisation: PartyName
    type: Named
    library: Named | None
    purpose: str
    change: int


class ChangeDocument(Shape):
    """One thing that came, went or changed, and by whose signature."""

    leaf: Index
    day: Day
    by_day: bool
    kind: str
    code: str
    about: str
    name: str | None
    act: str
    members: dict[str, Annotated[list[Any], Field(min_length=2, max_length=2)]]
    reasons: list[str]
    law: str | None
    organisation: PartyName | None
    organisation_hash: Hex32
    signer: Address
    authorisation: Hex32
    recorded_at: Time
    effects: list[EffectDocument]


class UnreadDocument(Shape):
    """A statement that contradicts itself and moved nothing."""

    leaf: Index
    kind: str
    organisation_hash: Hex32
    signer: Address
    reason: str


class DenominatorDocument(Shape):
    """All that moved the denominators between two log sizes."""

    from_size: Size
    to_size: Size
    from_day: Day | None
    to_day: Day | None
    before: dict[str, int]
    after: dict[str, int]
    changes: list[ChangeDocument]
    unread: list[UnreadDocument]

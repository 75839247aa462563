"""Organisations (机构) and keys (密钥)."""

from __future__ import annotations

from api.shapes.base import Address, Index, Named, Shape, Size, Time


class OrganisationDocument(Shape):
    """An organisation as one statement left it; ``leaf_until`` is null while it holds."""

    code: str
    name: str
    name_en: str | None
    parent: str | None
    level: Named
    status: Named
    region: str | None
    aliases: list[str]
    uscc: str
    evidence: str | None
    version: int
    recorded_at: Time
    leaf_from: Index
    leaf_until: Index | None
    as_of: Size | None = None


class OrganisationPage(Shape):
    """One page of organisations, by code."""

    as_of: Size
    log_size: Size
    items: list[OrganisationDocument]
    next: str | None
    total: int


class OrganisationHistory(Shape):
    """Every version of an organisation, the first one first."""

    as_of: Size
    items: list[OrganisationDocument]


class KeyDocument(Shape):
    """A key as one statement left it."""

    address: Address
    organisation: str
    roles: list[Named]
    status: Named
    label: str | None
    reason: str | None
    version: int
    recorded_at: Time
    leaf_from: Index
    leaf_until: Index | None


class KeyList(Shape):
    """The keys of an organisation, by address."""

    as_of: Size
    items: list[KeyDocument]

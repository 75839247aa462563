"""Resources (数据资源), manifests (数据清单) and deliveries (归集交付)."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from api.shapes.base import Hex32, Index, Named, PartyName, Shape, Size, Time

Count = Annotated[int, Field(ge=0)]
Fingerprint = Annotated[str, Field(pattern="^0x[0-9a-f]{16}$")]


class ResourceDocument(Shape):
    """A table, file or interface mounted on an entry (挂接)."""

    code: str
    entry: str
    type: Named
    status: Named
    name: str
    location: str | None
    reasons: list[str]
    organisation: PartyName | None
    organisation_hash: Hex32
    version: int
    recorded_at: Time
    leaf_from: Index
    leaf_until: Index | None
    as_of: Size | None = None


class ResourcePage(Shape):
    """One page of resources, by code."""

    as_of: Size
    log_size: Size
    items: list[ResourceDocument]
    next: str | None


class ManifestSummary(Shape):
    """What a department said it holds of an entry for a period; no rows, only counts and roots."""

    entry: str
    edition: int
    period_start: str
    period_end: str
    mode: Named
    rows: Count
    schema_digest: Hex32
    root: Hex32
    buckets_digest: Hex32
    key: list[str]
    encoding: str
    resource: str | None
    note: str | None
    organisation: PartyName | None
    organisation_hash: Hex32
    version: int
    recorded_at: Time
    leaf_from: Index
    leaf_until: Index | None


class ManifestPage(Shape):
    """One page of manifests, the newest statement first."""

    as_of: Size
    log_size: Size
    items: list[ManifestSummary]
    next: str | None


class ManifestDocument(ManifestSummary):
    """One manifest whole: its schema (null where the entry's text is not public), its fingerprints."""

    row_schema: dict[str, Any] | None
    secret_check: Hex32 | None
    buckets: Annotated[list[Fingerprint], Field(min_length=256, max_length=256)]
    as_of: Size | None = None


class DifferenceCounts(Shape):
    """How what arrived differs from what was signed, as the collector counted it."""

    missing: Count | None = None
    extra: Count | None = None
    changed: Count | None = None
    duplicate_keys: Count | None = None
    null_keys: Count | None = None
    buckets: Count | None = None


class DeliveryDocument(Shape):
    """What a collector received. ``complete`` follows from the roots, ``claimed`` is what was said."""

    entry: str
    number: int
    manifest: Count
    manifest_leaf: Index | None
    edition: int
    period_start: str
    period_end: str
    mode: Named
    rows: Count
    schema_digest: Hex32
    root: Hex32
    content: Hex32
    predecessor: Hex32 | None
    complete: bool
    claimed: bool
    differences: DifferenceCounts | None
    repeats: int | None
    note: str | None
    organisation: PartyName | None
    organisation_hash: Hex32
    recorded_at: Time
    leaf_from: Index
    as_of: Size | None = None


class DeliveryPage(Shape):
    """One page of deliveries, the newest first."""

    as_of: Size
    log_size: Size
    items: list[DeliveryDocument]
    next: str | None


class DataAct(Shape):
    """One thing that was said about an entry's data: exactly one of the three is there."""

    leaf: Index
    resource: ResourceDocument | None = None
    manifest: ManifestSummary | None = None
    delivery: DeliveryDocument | None = None


class DataActList(Shape):
    """Everything that was said about an entry's data, the first thing first."""

    as_of: Size
    entry: str
    items: list[DataAct]

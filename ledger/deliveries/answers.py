"""What is answered about resources, manifests and deliveries, and how it is read from rows."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import msgspec
from sqlalchemy import Row

from ledger.days import day_of
from ledger.organisations.queries import Name


class Resource(msgspec.Struct, frozen=True):
    """A resource as one statement left it, in force from ``leaf_from`` to ``leaf_until``."""

    code: str
    entry: str
    type: str
    status: str
    name: str
    location: str | None
    reasons: tuple[str, ...]
    organisation: Name | None
    organisation_hash: str
    version: int
    recorded_at: int
    leaf_from: int
    leaf_until: int | None


class Manifest(msgspec.Struct, frozen=True):
    """What a department said it holds of an entry for a period; digests as ``0x`` hex.

    ``schema_text`` is the canonical schema, None where the entry's text is not public.
    """

    entry: str
    edition: int
    period_start: date
    period_end: date
    mode: str
    rows: int
    schema: str
    root: str
    buckets: str
    key: tuple[str, ...]
    schema_text: str | None
    encoding: str
    secret_check: str | None
    resource: str | None
    note: str | None
    organisation: Name | None
    organisation_hash: str
    body_digest: str
    version: int
    recorded_at: int
    leaf_from: int
    leaf_until: int | None


class Delivery(msgspec.Struct, frozen=True):
    """What a collector received; ``complete`` is whether root, rows and schema equal the manifest's.

    ``claimed`` is what the collector says of that. ``repeats`` is the number of the entry's first
    delivery with the same rows by the collector's tag, None where this is the first.
    """

    entry: str
    number: int
    manifest: int
    manifest_leaf: int | None
    edition: int
    period_start: date
    period_end: date
    mode: str
    rows: int
    schema: str
    root: str
    content: str
    predecessor: str | None
    complete: bool
    claimed: bool
    differences: dict[str, int] | None
    repeats: int | None
    note: str | None
    organisation: Name | None
    organisation_hash: str
    body_digest: str
    recorded_at: int
    leaf_from: int
    leaf_until: int | None


class Act(msgspec.Struct, frozen=True):
    """One thing that was said about an entry's data: exactly one of the three is there."""

    resource: Resource | None = None
    manifest: Manifest | None = None
    delivery: Delivery | None = None

    @property
    def leaf(self) -> int:
        found = self.resource or self.manifest or self.delivery
        return -1 if found is None else found.leaf_from


def resource_of(row: Row[Any], names: dict[bytes, Name]) -> Resource:
    """A row of resources, with the name of who spoke."""
    return Resource(
        code=row.code,
        entry=row.entry,
        type=row.type,
        status=row.status,
        name=row.name,
        location=row.location,
        reasons=tuple(json.loads(row.reasons)),
        organisation=names.get(bytes(row.organisation)),
        organisation_hash=_hex(row.organisation),
        version=row.version,
        recorded_at=row.recorded_at,
        leaf_from=row.leaf_from,
        leaf_until=row.leaf_until,
    )


def manifest_of(row: Row[Any], names: dict[bytes, Name]) -> Manifest:
    """A row of manifests, with the name of who spoke."""
    return Manifest(
        entry=row.entry,
        edition=row.edition,
        period_start=day_of(row.period_start),
        period_end=day_of(row.period_end),
        mode=row.mode,
        rows=row.rows,
        schema=_hex(row.row_schema),
        root=_hex(row.root),
        buckets=_hex(row.buckets),
        key=tuple(json.loads(row.key_columns)),
        schema_text=row.schema_text,
        encoding=row.encoding,
        secret_check=None if row.secret_check is None else _hex(row.secret_check),
        resource=row.resource,
        note=row.note,
        organisation=names.get(bytes(row.organisation)),
        organisation_hash=_hex(row.organisation),
        body_digest=_hex(row.body_digest),
        version=row.version,
        recorded_at=row.recorded_at,
        leaf_from=row.leaf_from,
        leaf_until=row.leaf_until,
    )


def delivery_of(row: Row[Any], names: dict[bytes, Name]) -> Delivery:
    """A row of :func:`~ledger.deliveries.selects.with_manifest`, with the name of who spoke."""
    return Delivery(
        entry=row.entry,
        number=row.version,
        manifest=row.manifest,
        manifest_leaf=row.manifest_leaf,
        edition=row.edition,
        period_start=day_of(row.period_start),
        period_end=day_of(row.period_end),
        mode=row.mode,
        rows=row.rows,
        schema=_hex(row.row_schema),
        root=_hex(row.root),
        content=_hex(row.content),
        predecessor=None if row.predecessor is None else _hex(row.predecessor),
        complete=row.complete,
        claimed=row.claimed,
        differences=None if row.differences is None else json.loads(row.differences),
        repeats=row.repeats,
        note=row.note,
        organisation=names.get(bytes(row.organisation)),
        organisation_hash=_hex(row.organisation),
        body_digest=_hex(row.body_digest),
        recorded_at=row.recorded_at,
        leaf_from=row.leaf_from,
        leaf_until=row.leaf_until,
    )


def _hex(data: bytes) -> str:
    return "0x" + bytes(data).hex()

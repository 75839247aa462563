"""From statements to rows: resources (数据资源), manifests (数据清单), deliveries (归集交付)."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

from pydantic import BaseModel, ValidationError
from sqlalchemy import Connection, Table

from ledger.bodies import names_digest, problem_of
from ledger.canonical import canonical_json
from ledger.codes import Code, DeliveryMode, ResourceStatus, ResourceType
from ledger.days import day_in, day_number
from ledger.deliveries.bodies import (
    ENCODING,
    MAX_ROWS,
    DeliveryBody,
    ManifestBody,
    ResourceBody,
    bucket_digest,
    number_of,
    schema_digest,
)
from ledger.deliveries.models import DELIVERIES, MANIFESTS, RESOURCES
from ledger.deliveries.statements import ZERO
from ledger.merkle import EMPTY_ROOT
from ledger.mirror.projections import Decoded
from ledger.statements import DELIVERY, MANIFEST, RESOURCE, Value, text_hash
from ledger.store.ranged import supersede
from ledger.typed_data import integer


class DeliveriesProjection:
    """Rows of :data:`RESOURCES`, :data:`MANIFESTS` and :data:`DELIVERIES`, one a statement."""

    name = "deliveries"
    version = 2
    kinds = frozenset({RESOURCE.kind, MANIFEST.kind, DELIVERY.kind})
    tables: Sequence[Table] = (RESOURCES, MANIFESTS, DELIVERIES)

    def malformed(self, decoded: Decoded) -> str | None:
        """Why typed members and body do not make one row, or None."""
        part = _PARTS.get(decoded.struct.name)
        if part is None or decoded.struct.kind != decoded.statement.kind:
            return f"a {decoded.struct.name} says nothing of deliveries"
        model, disagreement, _, _ = part
        try:
            return disagreement(model.model_validate(decoded.body), decoded.values)
        except ValidationError as error:
            return problem_of(error)

    def apply(self, connection: Connection, statements: Sequence[Decoded]) -> None:
        """Append a row a statement, ending the row before it."""
        rows: dict[str, list[dict[str, Any]]] = {name: [] for name in _PARTS}
        for decoded in statements:
            _, _, row, _ = _PARTS[decoded.struct.name]
            rows[decoded.struct.name].append({**_common(decoded), **row(decoded)})
        for name, (_, _, _, table) in _PARTS.items():
            supersede(connection, table, _SUBJECTS[table.name], rows[name])


def _resource_disagreement(body: ResourceBody, values: dict[str, Value]) -> str | None:
    if text_hash(body.code) != values["code"]:
        return f"body/code: {body.code} is not the resource that was signed"
    if text_hash(body.entry) != values["entry"]:
        return f"body/entry: {body.entry} is not the entry that was signed"
    return _code_disagreement("type", ResourceType, body.type, values["type"]) or (
        _unknown_number("status", ResourceStatus, values["status"])
    )


def _manifest_disagreement(body: ManifestBody, values: dict[str, Value]) -> str | None:
    if body.encoding != ENCODING:
        return f"body/encoding: {body.encoding} is not {ENCODING}"
    return (
        _period_disagreement(body, values)
        or _bucket_disagreement(body, values)
        or _schema_disagreement(body, values)
    )


def _bucket_disagreement(body: ManifestBody, values: dict[str, Value]) -> str | None:
    if bucket_digest([int(one, 16) for one in body.buckets]) != values["buckets"]:
        return "body/buckets: they do not hash to the digest that was signed"
    return None


def _schema_disagreement(body: ManifestBody, values: dict[str, Value]) -> str | None:
    if body.row_schema is None:
        return "body/key: without a schema it names nothing" if body.key else None
    if schema_digest(body.row_schema) != values["schema"]:
        return "body/schema: it does not hash to the digest that was signed"
    if body.row_schema.get("key") != body.key:
        return f"body/key: {body.key} is not the key of the schema"
    return None


def _delivery_disagreement(body: DeliveryBody, values: dict[str, Value]) -> str | None:
    for name, said, signed in (
        ("delivery", body.delivery, values["version"]),
        ("manifest", body.manifest, values["manifest"]),
        ("schema", bytes.fromhex(body.row_schema), values["schema"]),
    ):
        if said != signed:
            return f"body/{name}: it is not the one that was signed"
    if body.complete and body.manifest == 0:
        return "body/complete: no manifest says what would be missing"
    if body.complete and body.differences and any(body.differences.said().values()):
        return "body/complete: a delivery that differs is not complete"
    return _period_disagreement(body, values)


def _period_disagreement(body: ManifestBody | DeliveryBody, values: dict[str, Value]) -> str | None:
    """What manifests and deliveries share: entry, edition, period, mode, rows, root."""
    if text_hash(body.entry) != values["entry"]:
        return f"body/entry: {body.entry} is not the entry that was signed"
    for name, said, signed in (
        ("edition", body.edition, values["edition"]),
        ("period_start", day_number(day_in(body.period_start)), values["periodStart"]),
        ("period_end", day_number(day_in(body.period_end)), values["periodEnd"]),
        ("rows", number_of(body.rows), values["rows"]),
        ("root", bytes.fromhex(body.root), values["root"]),
    ):
        if said != signed:
            return f"body/{name}: it is not the one that was signed"
    if number_of(body.rows) > MAX_ROWS:
        return f"rows: {body.rows} are more than any table holds"
    if (number_of(body.rows) == 0) != (bytes.fromhex(body.root) == EMPTY_ROOT):
        return "root: that of no leaves, and no other, stands for a table without rows"
    return _code_disagreement("mode", DeliveryMode, body.mode, values["mode"])


def _code_disagreement(name: str, codes: type[Code], said: str, signed: Value) -> str | None:
    unknown = _unknown_number(name, codes, signed)
    if unknown is None and said != codes.of_number(integer(signed)).value:
        return f"body/{name}: {said} is not the one that was signed"
    return unknown


def _unknown_number(name: str, codes: type[Code], signed: Value) -> str | None:
    numbers = {one.number for one in codes}
    return None if signed in numbers else f"{name}: {signed!r} is no {codes.__name__}"


def _common(decoded: Decoded) -> dict[str, Any]:
    statement = decoded.statement
    return {
        "leaf_from": statement.index,
        "version": statement.version,
        "organisation": statement.org,
        "recorded_at": statement.recorded_at,
    }


# Only what passed malformed() comes below, so a body needs no second look.


def _resource_row(decoded: Decoded) -> dict[str, Any]:
    body, values = decoded.body, decoded.values
    return {
        "code": body["code"],
        "entry": body["entry"],
        "type": body["type"],
        "status": ResourceStatus.of_number(integer(values["status"])).value,
        "name": body["name"],
        "location": body.get("location"),
        "reasons": json.dumps(body.get("reasons") or [], ensure_ascii=False),
    }


def _manifest_row(decoded: Decoded) -> dict[str, Any]:
    body, values = decoded.body, decoded.values
    schema, secret = body.get("schema"), body.get("secret")
    return {
        **_period_columns(decoded),
        "subject": decoded.statement.subject,
        "buckets": values["buckets"],
        "schema_text": None if schema is None else canonical_json(schema).decode(),
        "columns_digest": _columns_digest(schema),
        "key_columns": json.dumps(body.get("key") or [], ensure_ascii=False),
        "encoding": body["encoding"],
        "secret_check": None if secret is None else bytes.fromhex(secret),
        "resource": body.get("resource"),
    }


def _columns_digest(schema: object) -> bytes | None:
    """Of the columns' names, None where the schema is not public or names no columns."""
    columns = schema.get("columns") if isinstance(schema, dict) else None
    if not isinstance(columns, list):
        return None
    return names_digest(
        str(one["name"]) for one in columns if isinstance(one, dict) and "name" in one
    )


def _delivery_row(decoded: Decoded) -> dict[str, Any]:
    body, values = decoded.body, decoded.values
    differences = DeliveryBody.model_validate(body).differences
    return {
        **_period_columns(decoded),
        "manifest": values["manifest"],
        "content": values["content"],
        "predecessor": None if values["predecessor"] == ZERO else values["predecessor"],
        "claimed": body["complete"],
        "differences": json.dumps(differences.said()) if differences else None,
    }


def _period_columns(decoded: Decoded) -> dict[str, Any]:
    body, values = decoded.body, decoded.values
    return {
        "entry": body["entry"],
        "edition": values["edition"],
        "period_start": values["periodStart"],
        "period_end": values["periodEnd"],
        "mode": body["mode"],
        "rows": values["rows"],
        "row_schema": values["schema"],
        "root": values["root"],
        "note": body.get("note"),
        "body_digest": decoded.statement.body_digest,
    }


_Part = tuple[
    type[BaseModel],
    Callable[[Any, dict[str, Value]], str | None],
    Callable[[Decoded], dict[str, Any]],
    Table,
]


_PARTS: dict[str, _Part] = {
    RESOURCE.name: (ResourceBody, _resource_disagreement, _resource_row, RESOURCES),
    MANIFEST.name: (ManifestBody, _manifest_disagreement, _manifest_row, MANIFESTS),
    DELIVERY.name: (DeliveryBody, _delivery_disagreement, _delivery_row, DELIVERIES),
}
_SUBJECTS: dict[str, tuple[str, ...]] = {
    RESOURCES.name: ("code",),
    MANIFESTS.name: ("subject",),
    DELIVERIES.name: ("entry",),
}
PROJECTION = DeliveriesProjection()

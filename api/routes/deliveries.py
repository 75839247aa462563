"""Resources (数据资源), manifests (数据清单) and deliveries (归集交付): counts and roots, never rows."""

from __future__ import annotations

import json
from datetime import date
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query
from starlette.requests import Request
from starlette.responses import Response

from api import shapes
from api.answers import answer
from api.context import DEFAULT_LIMIT, AsOf, ContextOf, CursorText, Limit
from api.language import Text
from api.listing import Cut, listing
from api.problems import Problem
from api.routing import api_router
from api.subjects import version_tag_at
from api.wording import named, time_of
from ledger.codes import DeliveryMode, ResourceStatus, ResourceType
from ledger.deliveries import queries
from ledger.deliveries.queries import Act, Delivery, Manifest, Resource
from ledger.organisations.queries import Name

TAG = "归集 deliveries"
resources = api_router("/resources", TAG)
manifests = api_router("/manifests", TAG)
deliveries = api_router("/deliveries", TAG)

TypeCode = Literal["table", "file", "api"]
StatusCode = Literal["live", "closed"]
ModeCode = Literal["full", "increment"]
EntryOf = Annotated[
    str | None, Query(max_length=256, description="目录代码。 The catalogue entry's code.")
]
DayIn = Annotated[date | None, Query(description="期间内的一天。 A day within the period.")]
Code = Annotated[
    str,
    Path(
        max_length=256,
        description="目录代码,斜杠可以原样写出。 The entry's code; its slash may stand as it is.",
        examples=["301001/000001"],
    ),
]
ResourceCode = Annotated[str, Path(max_length=256, description="资源代码。 The resource's code.")]
Leaf = Annotated[
    int, Path(ge=0, lt=1 << 53, description="清单在日志中的序号。 The manifest's leaf index.")
]
Number = Annotated[int, Path(ge=1, lt=1 << 53, description="第几次交付。 Number of the delivery.")]


@resources.get(
    "", summary="已挂接的资源 · Resources by code", responses=shapes.ok(shapes.ResourcePage)
)
def list_resources(
    request: Request,
    context: ContextOf,
    *,
    entry: EntryOf = None,
    type_: Annotated[TypeCode | None, Query(alias="type")] = None,
    status: StatusCode | None = None,
    as_of: AsOf = None,
    limit: Limit = DEFAULT_LIMIT,
    cursor: CursorText = None,
) -> Response:
    filters = {"entry": entry, "type": type_, "status": status}
    cut = Cut(request, context, as_of, cursor, limit)
    return listing(cut, queries.resources, show_resource, filters, after="code")


@resources.get(
    "/{code:path}",
    summary="一个资源 · One resource",
    responses=shapes.ok(shapes.ResourceDocument),
)
def one_resource(
    request: Request, context: ContextOf, code: ResourceCode, as_of: AsOf = None
) -> Response:
    with context.view(as_of) as view:
        found = queries.resource(view.conn, code, view.held)
        if found is None:
            raise Problem(
                "unknown_resource",
                Text(
                    f"日志大小为 {view.as_of} 时没有代码为 {code} 的资源",
                    f"there is no resource {code} as of log size {view.as_of}",
                ),
            )
        content = show_resource(found) | view.echo(as_of)
        tag = version_tag_at(view, found.version, found.leaf_from)
        return answer(request, content, as_of=view.as_of, tag=tag)


@manifests.get(
    "",
    summary="数据清单,新的在前 · Manifests, newest first",
    responses=shapes.ok(shapes.ManifestPage),
)
def list_manifests(
    request: Request,
    context: ContextOf,
    *,
    entry: EntryOf = None,
    organisation: Annotated[
        str | None, Query(max_length=40, description="签署机构代码。 Code of who signed.")
    ] = None,
    period: DayIn = None,
    mode: ModeCode | None = None,
    superseded: Annotated[
        bool,
        Query(description="也列出被重签取代的版本。 Versions that were signed anew as well."),
    ] = False,
    as_of: AsOf = None,
    limit: Limit = DEFAULT_LIMIT,
    cursor: CursorText = None,
) -> Response:
    filters = {
        "entry": entry,
        "organisation": organisation,
        "period": period,
        "mode": mode,
        "superseded": superseded,
    }
    cut = Cut(request, context, as_of, cursor, limit)
    return listing(cut, queries.manifests, show_manifest, filters, before="leaf_from")


@manifests.get(
    "/{leaf}", summary="一份数据清单 · One manifest", responses=shapes.ok(shapes.ManifestDocument)
)
def one_manifest(request: Request, context: ContextOf, leaf: Leaf, as_of: AsOf = None) -> Response:
    """The manifest whole: its columns, and the fingerprints that any copy can be held against."""
    with context.view(as_of) as view:
        found = queries.manifest_at(view.conn, leaf, view.held)
        if found is None:
            raise Problem(
                "unknown_manifest",
                Text(
                    f"日志大小为 {view.as_of} 时,第 {leaf} 号位置没有数据清单",
                    f"leaf {leaf} is no manifest as of log size {view.as_of}",
                ),
            )
        buckets = queries.fingerprints(view.conn, leaf)
        content = {
            **show_manifest(found),
            "row_schema": None if found.schema_text is None else json.loads(found.schema_text),
            "secret_check": found.secret_check,
            "buckets": [f"0x{one:016x}" for one in buckets],
            **view.echo(as_of),
        }
        tag = version_tag_at(view, found.version, found.leaf_from)
        return answer(request, content, as_of=view.as_of, tag=tag)


@deliveries.get(
    "",
    summary="归集交付,新的在前 · Deliveries, newest first",
    responses=shapes.ok(shapes.DeliveryPage),
)
def list_deliveries(
    request: Request,
    context: ContextOf,
    *,
    entry: EntryOf = None,
    collector: Annotated[
        str | None, Query(max_length=40, description="归集方代码。 The collector's code.")
    ] = None,
    period: DayIn = None,
    complete: Annotated[
        bool | None,
        Query(description="是否与数据清单逐条相符。 Whether its root equals the manifest's."),
    ] = None,
    as_of: AsOf = None,
    limit: Limit = DEFAULT_LIMIT,
    cursor: CursorText = None,
) -> Response:
    filters = {"entry": entry, "collector": collector, "period": period, "complete": complete}
    cut = Cut(request, context, as_of, cursor, limit)
    return listing(cut, queries.deliveries, show_delivery, filters, before="leaf_from")


# The longer paths come first: a code may hold slashes.


@deliveries.get(
    "/{code:path}/history",
    summary="该条目数据的全部行为 · Everything said about an entry's data",
    responses=shapes.ok(shapes.DataActList),
)
def entry_history(request: Request, context: ContextOf, code: Code, as_of: AsOf = None) -> Response:
    """Resources, manifests and deliveries of the entry in the order in which they were recorded."""
    with context.view(as_of) as view:
        acts = queries.history(view.conn, code, view.held)
        content = {"as_of": view.as_of, "entry": code, "items": [show_act(act) for act in acts]}
        return answer(request, content, as_of=view.as_of)


@deliveries.get(
    "/{code:path}/{number}",
    summary="一次交付 · One delivery",
    responses=shapes.ok(shapes.DeliveryDocument),
)
def one_delivery(
    request: Request, context: ContextOf, code: Code, number: Number, as_of: AsOf = None
) -> Response:
    with context.view(as_of) as view:
        found = queries.delivery(view.conn, code, number, view.held)
        if found is None:
            raise Problem(
                "unknown_delivery",
                Text(
                    f"日志大小为 {view.as_of} 时,条目 {code} 没有第 {number} 次交付",
                    f"entry {code} has no delivery {number} as of log size {view.as_of}",
                ),
            )
        content = show_delivery(found) | view.echo(as_of)
        tag = version_tag_at(view, found.number, found.leaf_from)
        return answer(request, content, as_of=view.as_of, tag=tag)


def show_resource(found: Resource) -> dict[str, Any]:
    return {
        "code": found.code,
        "entry": found.entry,
        "type": named(ResourceType, found.type),
        "status": named(ResourceStatus, found.status),
        "name": found.name,
        "location": found.location,
        "reasons": list(found.reasons),
        "organisation": _party(found.organisation),
        "organisation_hash": found.organisation_hash,
        "version": found.version,
        "recorded_at": time_of(found.recorded_at),
        "leaf_from": found.leaf_from,
        "leaf_until": found.leaf_until,
    }


def show_manifest(found: Manifest) -> dict[str, Any]:
    return {
        "entry": found.entry,
        "edition": found.edition,
        "period_start": found.period_start,
        "period_end": found.period_end,
        "mode": named(DeliveryMode, found.mode),
        "rows": found.rows,
        "schema_digest": found.schema,
        "root": found.root,
        "buckets_digest": found.buckets,
        "key": list(found.key),
        "encoding": found.encoding,
        "resource": found.resource,
        "note": found.note,
        "organisation": _party(found.organisation),
        "organisation_hash": found.organisation_hash,
        "version": found.version,
        "recorded_at": time_of(found.recorded_at),
        "leaf_from": found.leaf_from,
        "leaf_until": found.leaf_until,
    }


def show_delivery(found: Delivery) -> dict[str, Any]:
    return {
        "entry": found.entry,
        "number": found.number,
        "manifest": found.manifest,
        "manifest_leaf": found.manifest_leaf,
        "edition": found.edition,
        "period_start": found.period_start,
        "period_end": found.period_end,
        "mode": named(DeliveryMode, found.mode),
        "rows": found.rows,
        "schema_digest": found.schema,
        "root": found.root,
        "content": found.content,
        "predecessor": found.predecessor,
        "complete": found.complete,
        "claimed": found.claimed,
        "differences": found.differences,
        "repeats": found.repeats,
        "note": found.note,
        "organisation": _party(found.organisation),
        "organisation_hash": found.organisation_hash,
        "recorded_at": time_of(found.recorded_at),
        "leaf_from": found.leaf_from,
    }


def show_act(act: Act) -> dict[str, Any]:
    shown: dict[str, Any] = {"leaf": act.leaf}
    if act.resource is not None:
        shown["resource"] = show_resource(act.resource)
    if act.manifest is not None:
        shown["manifest"] = show_manifest(act.manifest)
    if act.delivery is not None:
        shown["delivery"] = show_delivery(act.delivery)
    return shown


def _party(name: Name | None) -> dict[str, Any] | None:
    return None if name is None else {"code": name.code, "zh": name.name, "en": name.name_en}


router = APIRouter()
for part in (resources, manifests, deliveries):
    router.include_router(part)

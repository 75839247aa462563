"""Lineage events handed in as OpenLineage clients send them (血缘事件), specification 2-0-2.

An event is acknowledged when its exact bytes stand in the lineage journal, on the disk. What follows from it,
edges and the anchor on the ledger, follows later.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from http import HTTPStatus
from typing import Any, TypeVar

import msgspec
from anyio import to_thread
from starlette.requests import Request
from starlette.responses import Response

from api import shapes
from api.auth import admit
from api.context import Context, ContextOf
from api.language import Text
from api.problems import Fault, Problem
from api.routing import api_router
from ledger.access.tokens import LINEAGE_WRITE
from ledger.lineage.entries import Coming, entry_of
from ledger.lineage.validation import Fault as EventFault
from ledger.lineage.validation import NotJson, check

router = api_router("/lineage", "血缘 lineage")
PATHS = ("/api/v1/lineage", "/api/v1/lineage/batch")
"""Where events are handed in; these take larger bodies than other routes do."""
_LARGE = 1 << 18
"""From this size on a body is checked beside the event loop."""
_Answer = TypeVar("_Answer")
_BATCH = msgspec.json.Decoder(list[msgspec.Raw])


class _Wrapped(msgspec.Struct):
    events: list[msgspec.Raw]


_WRAPPED = msgspec.json.Decoder(_Wrapped)
_EVENT_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "description": "OpenLineage 2-0-2: RunEvent, JobEvent, DatasetEvent; may be gzip.",
        "content": {"application/json": {"schema": {"type": "object"}}},
    },
    "security": [{"bearer": []}],
}
_BATCH_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "description": "OpenLineage 2-0-2 events; may be gzip.",
        "content": {"application/json": {"schema": {"type": "array", "items": {"type": "object"}}}},
    },
    "security": [{"bearer": []}],
}


@router.post(
    "",
    status_code=HTTPStatus.CREATED,
    summary="写入一个 OpenLineage 事件 · Hand in one OpenLineage event",
    responses=shapes.ok(shapes.KeptEvent, HTTPStatus.CREATED),
    openapi_extra=_EVENT_BODY,
)
async def event(request: Request, context: ContextOf) -> Response:
    """201 once the event's bytes are on the disk. Repeated and late events are taken as they come."""
    come = coming(request.headers, context)
    async with context.intake.body(request) as body:
        faults = await _beside(body, lambda: _faults(body))
        if faults:
            raise _refused(faults)
        position = await context.intake.keep([entry_of(come, body)])
    return Response(
        b'{"position":%d}' % position, HTTPStatus.CREATED, media_type="application/json"
    )


@router.post(
    "/batch",
    summary="批量写入 OpenLineage 事件 · Hand in OpenLineage events",
    responses={**shapes.ok(shapes.BatchSummary), 204: {"description": "全部写入 · All were kept"}},
    openapi_extra=_BATCH_BODY,
)
async def batch(request: Request, context: ContextOf) -> Response:
    """204 where all were kept; else 200, and which were not and why. What is kept is kept side by side."""
    come = coming(request.headers, context)
    async with context.intake.body(request) as body:
        good, failed = await _beside(body, lambda: _sorted_out(body))
        if good:
            await context.intake.keep([entry_of(come, one) for one in good])
    if not failed:
        return Response(status_code=HTTPStatus.NO_CONTENT)
    received = len(good) + len(failed)
    told = {
        "status": "partial_success" if good else "failure",
        "summary": {
            "received": received,
            "successful": len(good),
            "failed": len(failed),
            "retriable": 0,
            "non_retriable": len(failed),
        },
        "failed_events": failed,
    }
    return Response(msgspec.json.encode(told), media_type="application/json")


def endpoints(context: Context) -> dict[str, Callable[[Request], Awaitable[Response]]]:
    """The same by path, for the lane (:mod:`api.lane`)."""
    one, many = PATHS
    return {
        one: lambda request: event(request, context),
        many: lambda request: batch(request, context),
    }


def coming(headers: Mapping[str, str], context: Context) -> Coming:
    """How what a request with these headers carries comes; raises problems where it may not come in."""
    kind = headers.get("content-type", "application/json").partition(";")[0].strip().lower()
    if not (kind == "application/json" or kind.endswith("+json")):
        raise Problem(
            "unsupported_media_type",
            Text(
                f"内容类型为 {kind},应为 application/json",
                f"the content type is {kind}, expected application/json",
            ),
        )
    at = time.time_ns() // 1_000_000
    if "authorization" not in headers and context.office.settings.anonymous_lineage == "yes":
        return Coming(at=at, by="", door="api", token="")
    token = admit(headers, context.doorkeeper, LINEAGE_WRITE)
    return Coming(at=at, by=token.organisation, door="api", token=token.id)


async def _beside(body: bytes, work: Callable[[], _Answer]) -> _Answer:
    """``work`` on a body: here where it is short, in a thread where others would wait for it."""
    return await to_thread.run_sync(work) if len(body) > _LARGE else work()


def _faults(body: bytes) -> Sequence[EventFault]:
    try:
        return check(body)
    except NotJson as error:
        raise Problem(
            "malformed_request",
            Text(f"请求体不是 JSON:{error}", f"the body is not JSON: {error}"),
        ) from error


def _refused(faults: Sequence[EventFault]) -> Problem:
    places = ", ".join(fault.pointer or "/" for fault in faults[:3])
    return Problem(
        "validation_failed",
        Text(f"不是 OpenLineage 2-0-2 事件:{places}", f"not an OpenLineage 2-0-2 event: {places}"),
        [Fault(fault.pointer, Text(fault.zh, fault.en), fault.code) for fault in faults],
    )


def _sorted_out(body: bytes) -> tuple[list[bytes], list[dict[str, Any]]]:
    """The events of a batch that are such, byte for byte, and what is wrong with the others."""
    try:
        body.decode()
        listed = _WRAPPED.decode(body).events if body.lstrip()[:1] == b"{" else _BATCH.decode(body)
    except msgspec.ValidationError as error:
        detail = Text("批量请求应为事件数组", "a batch is an array of events")
        raise Problem("validation_failed", detail, [Fault("", detail, "type")]) from error
    except (ValueError, RecursionError) as error:
        raise Problem(
            "malformed_request",
            Text(f"请求体不是 JSON:{error}", f"the body is not JSON: {error}"),
        ) from error
    good: list[bytes] = []
    failed: list[dict[str, Any]] = []
    for index, raw in enumerate(listed):
        # A copy: what stays of the batch is the events, not the body around them.
        one = bytes(raw)
        try:
            why = "; ".join(f"{fault.pointer}: {fault.en}" for fault in check(one))
        except NotJson as error:
            why = str(error)
        if why:
            failed.append({"index": index, "reason": why, "retriable": False})
        else:
            good.append(one)
    return good, failed

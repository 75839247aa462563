"""Raw events of the lineage journal (血缘事件原文), by the time at which they say that they happened."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal

import msgspec
from fastapi import Query
from starlette.requests import Request
from starlette.responses import Response

from api import shapes
from api.answers import answer_bytes
from api.context import AsOf, Context, ContextOf, CursorText, Limit
from api.cursors import write_cursor
from api.language import Text
from api.listing import page_of
from api.problems import Fault, Problem
from api.routing import api_router
from ledger.lineage.entries import event_of
from ledger.lineage.happened import Happened, Span, happened, how_many
from ledger.lineage.queries import folded_size, journal_size

router = api_router("/events", "血缘 lineage")

MOST_BYTES = 16 << 20
"""A page ends before its events are longer than this together, but has one at least."""
_MICROSECOND = timedelta(microseconds=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST, _LAST = -(1 << 62), 1 << 62
_SPACE = " "

Moment = Annotated[
    str | None,
    Query(
        max_length=40,
        description="ISO 8601 时间(缺省时区为 UTC)。 An ISO 8601 time (UTC unless it says otherwise).",
        examples=["2026-05-01T00:00:00Z"],
    ),
]
SortName = Literal["asc", "desc"]


@router.get(
    "/lineage",
    summary="血缘事件原文 · Raw lineage events by event time",
    responses=shapes.ok(shapes.LineageEvents),
)
def events(
    request: Request,
    context: ContextOf,
    *,
    before: Moment = None,
    after: Moment = None,
    sort: Annotated[
        SortName | None,
        Query(description="asc 由旧到新,desc 由新到旧(缺省)。 Oldest or newest first."),
    ] = None,
    sort_direction: Annotated[
        SortName | None, Query(alias="sortDirection", description="同 sort。 The same as `sort`.")
    ] = None,
    limit: Limit = 100,
    offset: Annotated[
        int, Query(ge=0, le=1_000_000, description="跳过多少条。 Events to pass over.")
    ] = 0,
    as_of: AsOf = None,
    cursor: CursorText = None,
) -> Response:
    """From `after` until, not including, `before`; each event as it was handed in, byte for byte.

    With `as_of` a size of the ledger, those that were anchored by then. Events that wait to be made into
    edges are not among them yet.
    """
    since, until = _microseconds(after, "after", _FIRST), _microseconds(before, "before", _LAST)
    newest_first = "asc" not in (sort, sort_direction)
    filters = {"before": before, "after": after, "newest": newest_first}
    with page_of(
        context, request, as_of=as_of, cursor=cursor, limit=limit, filters=filters
    ) as page:
        conn = page.view.conn
        journal = journal_size(conn, page.view.as_of if as_of is not None else None)
        span = Span(since, until, folded_size(conn) if journal is None else journal)
        behind = None if page.after is None else Happened(*map(int, str(page.after).split(":")))
        found = happened(
            conn,
            span,
            limit=limit + 1,
            newest_first=newest_first,
            behind=behind,
            offset=offset if behind is None else 0,
        )
        shown: list[bytes] = []
        length = 0
        for one in found[:limit]:
            event = _event(context, one.pos)
            length += len(event)
            if shown and length > MOST_BYTES:
                break
            shown.append(event)
        last = found[len(shown) - 1] if len(shown) < len(found) else None
        following = (
            None
            if last is None
            else write_cursor(page.query, page.view.as_of, f"{last.at}:{last.pos}")
        )
        tail = msgspec.json.encode({"totalCount": how_many(conn, span), "next": following})
        content = b'{"events":[' + b",".join(shown) + b"]," + tail[1:]
        return answer_bytes(request, content, as_of=page.view.as_of)


def _event(context: Context, position: int) -> bytes:
    """The exact bytes of an event."""
    return event_of(context.office.lineage.journal.entry(position))[1]


def _microseconds(text: str | None, name: str, otherwise: int) -> int:
    if text is None:
        return otherwise
    try:
        # A '+' that was not percent-encoded arrives as a space.
        moment = datetime.fromisoformat(text.strip().replace(_SPACE, "+"))
    except ValueError as error:
        detail = Text(f"{text} 不是 ISO 8601 时间", f"{text!r} is no ISO 8601 time")
        raise Problem("validation_failed", detail, [Fault(f"?{name}", detail, "time")]) from error
    aware = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
    return (aware - _EPOCH) // _MICROSECOND

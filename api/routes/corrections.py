"""Correction requests (校核纠错, 条例 Art. 26): what was asked, how it was answered, and the clock."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Annotated, Any, Literal

from fastapi import Path, Query
from starlette.requests import Request as HttpRequest
from starlette.responses import Response

from api import shapes
from api.answers import answer
from api.context import DEFAULT_LIMIT, AsOf, Context, ContextOf, CursorText, Limit, View
from api.correction_words import Telling, parties_of, show_breach, show_rate
from api.language import Text
from api.listing import page_answer, page_of
from api.problems import Fault, Problem
from api.routing import api_router
from api.subjects import version_tag_at
from api.wording import coded, named
from ledger.codes import CorrectionState, CorrectionType
from ledger.corrections import measures, queries
from ledger.corrections.queries import Filters
from ledger.corrections.vocabulary import load_vocabulary
from ledger.days import CHINA_TIME
from ledger.mirror.moments import day_at
from ledger.organisations.queries import names

router = api_router("/corrections", "校核 corrections")

StateCode = Literal["filed", "handling", "rejected", "handled", "evaluated", "cancelled"]
TypeCode = Literal["directory", "resource", "use", "other"]
DayOf = Annotated[
    date | None,
    Query(
        description="判定日,缺省为 as_of 对应的日期,否则为今天(北京时间)。 "
        "The day of judgement: by default that of as_of, else today (Beijing time)."
    ),
]
ProviderOf = Annotated[
    str | None, Query(max_length=40, description="提供单位代码。 The provider's code.")
]
CodeOf = Annotated[str, Path(max_length=64, description="申请编号。 The request's code.")]


@router.get(
    "",
    summary="校核申请,新的在前 · Correction requests, newest first",
    responses=shapes.ok(shapes.CorrectionPage),
)
def list_corrections(
    request: HttpRequest,
    context: ContextOf,
    *,
    state: StateCode | None = None,
    type_: Annotated[TypeCode | None, Query(alias="type")] = None,
    entry: Annotated[
        str | None, Query(max_length=256, description="目录代码。 The entry's code.")
    ] = None,
    requester: Annotated[
        str | None, Query(max_length=40, description="申请单位代码。 The requester's code.")
    ] = None,
    provider: ProviderOf = None,
    open_: Annotated[
        bool | None, Query(alias="open", description="是否尚待答复。 Waiting for an answer?")
    ] = None,
    reason: Annotated[
        str | None, Query(max_length=40, description="理由代码。 A reason's code.")
    ] = None,
    follows: Annotated[
        str | None, Query(max_length=64, description="承接的申请。 The request taken up again.")
    ] = None,
    day: DayOf = None,
    as_of: AsOf = None,
    limit: Limit = DEFAULT_LIMIT,
    cursor: CursorText = None,
) -> Response:
    filters = Filters(
        state=coded(CorrectionState, state) if state else None,
        type=coded(CorrectionType, type_) if type_ else None,
        entry=entry,
        requester=requester,
        provider=provider,
        open=open_,
        reason=reason,
        follows=follows,
    )
    given = {
        "state": state,
        "type": type_,
        "entry": entry,
        "requester": requester,
        "provider": provider,
        "open": open_,
        "reason": reason,
        "follows": follows,
        "day": day,
    }
    with page_of(context, request, as_of=as_of, cursor=cursor, limit=limit, filters=given) as page:
        found = queries.requests(
            page.view.conn,
            filters,
            as_of=page.view.held,
            before=None if page.after is None else int(page.after),
            limit=limit + 1,
        )
        shown = found[:limit]
        told = Telling(context, page.view, shown)
        when = judged_on(page.view, day)
        return page_answer(
            request,
            page,
            [told.request(one, told.clock(one, when)) for one in shown],
            following=shown[-1].filed_leaf if len(found) > limit else None,
        )


@router.get(
    "/overdue",
    summary="逾期未答复的申请 · Requests that are overdue",
    responses=shapes.ok(shapes.OverdueDocument),
)
def overdue(
    request: HttpRequest,
    context: ContextOf,
    provider: ProviderOf = None,
    day: DayOf = None,
    as_of: AsOf = None,
) -> Response:
    with context.view(as_of) as view:
        when = judged_on(view, day)
        found = measures.overdue(
            view.conn,
            when,
            workdays=context.office.settings.correction_workdays,
            provider=provider,
            as_of=view.held,
        )
        told = Telling(context, view, [one.request for one in found])
        items = [told.request(one.request, told.clock(one.request, when)) for one in found]
        return answer(request, _judged(context, view, when) | {"items": items}, as_of=view.as_of)


@router.get(
    "/findings",
    summary="未按期校核的问题(条例第三十九条第六项)· Findings 39(6): clocks that ran out",
    responses=shapes.ok(shapes.BreachList),
)
def findings(
    request: HttpRequest,
    context: ContextOf,
    *,
    provider: ProviderOf = None,
    since: Annotated[
        date | None, Query(description="最早到期日。 Leave out what was due earlier.")
    ] = None,
    day: DayOf = None,
    as_of: AsOf = None,
) -> Response:
    """Answered late since or not: a late answer takes nothing away from the finding."""
    with context.view(as_of) as view:
        when = judged_on(view, day)
        found = measures.breaches(
            view.conn,
            when,
            workdays=context.office.settings.correction_workdays,
            provider=provider,
            since=since,
            as_of=view.held,
        )
        parties = parties_of(view, [c for one in found for c in (one.provider, one.requester)])
        items = [show_breach(one, parties) for one in found]
        return answer(request, _judged(context, view, when) | {"items": items}, as_of=view.as_of)


@router.get(
    "/rate",
    summary="按时纠错率 · The share of requests answered on time",
    responses=shapes.ok(shapes.AnswerRates),
)
def rate(
    request: HttpRequest,
    context: ContextOf,
    *,
    first: Annotated[
        date, Query(alias="from", description="到期日起。 First due day of the window.")
    ],
    last: Annotated[date, Query(alias="to", description="到期日止。 Last due day of the window.")],
    day: DayOf = None,
    as_of: AsOf = None,
) -> Response:
    """Organisations with nothing due are there as well; their rate is null, never 100 %."""
    if last < first:
        detail = Text(f"窗口止于 {last},早于起始日 {first}", f"{last} lies before {first}")
        raise Problem("validation_failed", detail, [Fault("?to", detail, "window")])
    with context.view(as_of) as view:
        when = judged_on(view, day)
        whole, by_provider = measures.answer_rates(
            view.conn,
            first,
            last,
            when,
            workdays=context.office.settings.correction_workdays,
            as_of=view.held,
        )
        parties = parties_of(view, [one.provider for one in by_provider])
        content = _judged(context, view, when) | {
            "all": show_rate(whole, parties),
            "items": [show_rate(one, parties) for one in by_provider],
        }
        return answer(request, content, as_of=view.as_of)


@router.get(
    "/reasons",
    summary="校核理由及次数 · The reasons in use, and how often each was given",
    responses=shapes.ok(shapes.ReasonCounts),
)
def reasons(
    request: HttpRequest, context: ContextOf, provider: ProviderOf = None, as_of: AsOf = None
) -> Response:
    vocabulary = load_vocabulary(context.office.settings.correction_reasons)
    with context.view(as_of) as view:
        found = measures.reason_counts(view.conn, vocabulary, provider=provider, as_of=view.held)
        items = [
            {
                "stage": named(CorrectionState, one.stage),
                "code": one.code,
                "zh": one.zh,
                "en": one.en,
                "count": one.count,
                "open": one.open,
            }
            for one in found
        ]
        return answer(request, {"as_of": view.as_of, "items": items}, as_of=view.as_of)


@router.get(
    "/{code}",
    summary="一个校核申请及其经过 · One correction request and its life",
    responses=shapes.ok(shapes.CorrectionDocument),
)
def one_correction(
    request: HttpRequest,
    context: ContextOf,
    code: CodeOf,
    day: DayOf = None,
    as_of: AsOf = None,
) -> Response:
    """Without `day` nothing in the answer depends on the day, and its `ETag` is that of the request's version;
    with `day` the clock tells how the request stands on it.
    """
    with context.view(as_of) as view:
        found = queries.request(view.conn, code, as_of=view.held)
        if found is None:
            raise Problem(
                "unknown_correction",
                Text(
                    f"日志大小为 {view.as_of} 时没有编号为 {code} 的校核申请",
                    f"there is no correction request {code} as of log size {view.as_of}",
                ),
            )
        told = Telling(context, view, [found])
        story = queries.history(view.conn, code, as_of=view.held)
        known = names(view.conn, {bytes.fromhex(one.organisation[2:]) for one in story}, view.held)
        content = told.request(found, told.clock(found, day)) | {
            "steps": [told.step(one, known) for one in story],
            "followed_by": [
                later.code for later in queries.followers(view.conn, code, as_of=view.held)
            ],
        }
        if as_of is not None:
            content["as_of"] = view.as_of
        tag = None if day else version_tag_at(view, found.version, found.leaf)
        return answer(request, content, as_of=view.as_of, tag=tag)


def judged_on(view: View, day: date | None) -> date:
    """The day on which clocks are read: as given, that of an ``as_of`` in the past, or today in China."""
    if day is not None:
        return day
    told = None if view.held is None else day_at(view.conn, view.held)
    return told or datetime.now(UTC).astimezone(CHINA_TIME).date()


def _judged(context: Context, view: View, day: date) -> dict[str, Any]:
    workdays = context.office.settings.correction_workdays
    return {"as_of": view.as_of, "day": day, "workdays": workdays}

"""Exemptions (豁免): who need not deliver what, by whose word and until when."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from fastapi import Path, Query
from starlette.requests import Request
from starlette.responses import Response

from api import shapes
from api.answers import answer
from api.context import DEFAULT_LIMIT, AsOf, ContextOf, CursorText, Limit, View
from api.language import Text
from api.listing import page_answer, page_of
from api.obligations import Names, effects_of, show_exemption
from api.problems import Problem
from api.routing import api_router
from api.wording import coded
from ledger.codes import ExemptionScope, ExemptionStatus, ExemptionTarget
from ledger.mirror.moments import day_at
from ledger.obligations import queries
from ledger.obligations.queries import ExemptionFilters

exemptions = api_router("/exemptions", "归集义务 obligations")

TargetCode = Literal["obligation", "entry"]
ScopeCode = Literal["catalogue", "collect", "update", "quality", "share"]
GrantCode = Literal["granted", "withdrawn"]
ExemptionCode = Annotated[str, Path(max_length=128, description="豁免代码。 The exemption's code.")]


@exemptions.get(
    "", summary="豁免列表 · Exemptions by code", responses=shapes.ok(shapes.ExemptionPage)
)
def list_exemptions(
    request: Request,
    context: ContextOf,
    *,
    organisation: Annotated[
        str | None,
        Query(max_length=40, description="受益机构代码。 Code of the organisation that profits."),
    ] = None,
    approver: Annotated[
        str | None, Query(max_length=40, description="批准机构代码。 Code of the approver.")
    ] = None,
    target: Annotated[
        str | None,
        Query(max_length=256, description="义务或目录代码。 Code of an obligation or entry."),
    ] = None,
    type_: Annotated[TargetCode | None, Query(alias="type", description="豁免对象。")] = None,
    scope: ScopeCode | None = None,
    status: GrantCode | None = None,
    counting: Annotated[
        bool | None,
        Query(description="只列当日有效的。 Only those that count on the day of the log size."),
    ] = None,
    expiring_before: Annotated[
        date | None,
        Query(description="最后一日早于此日。 Those whose last day lies before this day."),
    ] = None,
    as_of: AsOf = None,
    limit: Limit = DEFAULT_LIMIT,
    cursor: CursorText = None,
) -> Response:
    asked = {
        "organisation": organisation,
        "approver": approver,
        "target": target,
        "type": type_,
        "scope": scope,
        "status": status,
        "counting": counting,
        "expiring_before": expiring_before,
    }
    with page_of(context, request, as_of=as_of, cursor=cursor, limit=limit, filters=asked) as page:
        day = day_at(page.view.conn, page.view.as_of)
        filters = ExemptionFilters(
            organisation=organisation,
            approver=approver,
            target=target,
            target_type=coded(ExemptionTarget, type_) if type_ else None,
            scope=ExemptionScope[scope.upper()] if scope else None,
            status=coded(ExemptionStatus, status) if status else None,
            counting_on=day if counting else None,
            expiring_before=expiring_before,
        )
        found = queries.exemptions(
            page.view.conn,
            filters,
            as_of=page.view.held,
            after=None if page.after is None else str(page.after),
            limit=limit + 1,
        )
        shown = found[:limit]
        names = Names.of(page.view, shown)
        effects = effects_of(page.view, shown, day)
        return page_answer(
            request,
            page,
            [show_exemption(one, effects[one.code], names) for one in shown],
            following=shown[-1].code if len(found) > limit else None,
            extra={"day": day},
        )


@exemptions.get(
    "/{code:path}/history",
    summary="一项豁免的历次批准 · Every version of an exemption",
    responses=shapes.ok(shapes.ExemptionHistory),
)
def exemption_history(
    request: Request, context: ContextOf, code: ExemptionCode, as_of: AsOf = None
) -> Response:
    with context.view(as_of) as view:
        every = queries.exemption_history(view.conn, code, as_of=view.held)
        if not every:
            raise _unknown_exemption(code, view)
        # What was superseded counts no more; of the newest its effect is told.
        names, effects = (
            Names.of(view, every),
            effects_of(view, every[-1:], day_at(view.conn, view.as_of)),
        )
        items = [
            show_exemption(one, effects[code] if one is every[-1] else "superseded", names)
            for one in every
        ]
        return answer(request, {"as_of": view.as_of, "items": items}, as_of=view.as_of)


@exemptions.get(
    "/{code:path}",
    summary="一项豁免 · One exemption",
    responses=shapes.ok(shapes.ExemptionDocument),
)
def one_exemption(
    request: Request, context: ContextOf, code: ExemptionCode, as_of: AsOf = None
) -> Response:
    with context.view(as_of) as view:
        found = queries.exemption(view.conn, code, as_of=view.held)
        if found is None:
            raise _unknown_exemption(code, view)
        # The tag is taken over the answer, because whether it counts depends on the day as well.
        names, effects = (
            Names.of(view, [found]),
            effects_of(view, [found], day_at(view.conn, view.as_of)),
        )
        content = show_exemption(found, effects[code], names) | view.echo(as_of)
        return answer(request, content, as_of=view.as_of)


def _unknown_exemption(code: str, view: View) -> Problem:
    return Problem(
        "unknown_exemption",
        Text(
            f"日志大小为 {view.as_of} 时没有代码为 {code} 的豁免",
            f"there is no exemption {code} as of log size {view.as_of}",
        ),
    )

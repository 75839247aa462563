"""Obligations (归集义务), objections (异议), and what moved the denominator (应归清单)."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query
from starlette.requests import Request
from starlette.responses import Response

from api import shapes
from api.answers import answer
from api.context import DEFAULT_LIMIT, AsOf, ContextOf, CursorText, Limit, View
from api.language import Text
from api.listing import page_answer, page_of
from api.obligations import (
    Names,
    effects_of,
    show_act,
    show_binding,
    show_change,
    show_exemption,
    show_objection,
    show_obligation,
    show_unread,
)
from api.problems import Fault, Problem
from api.routes.exemptions import exemptions
from api.routing import api_router
from api.wording import coded, named
from ledger.codes import (
    BindingStatus,
    Library,
    ObjectionState,
    ObligationStatus,
    ObligationType,
)
from ledger.mirror.moments import day_at, resolve_as_of
from ledger.mirror.queries import MirrorQueryError
from ledger.obligations import queries
from ledger.obligations.denominator import changes_between
from ledger.obligations.queries import ObligationFilters

TAG = "归集义务 obligations"
obligations = api_router("/obligations", TAG)
objections = api_router("/objections", TAG)
denominator = api_router("/audits/denominator", TAG)

TypeCode = Literal["duty", "system", "table", "entry"]
StatusCode = Literal["in_force", "withdrawn"]
LibraryCode = Literal["comprehensive", "theme", "special", "department"]
StateCode = Literal["raised", "upheld", "dismissed"]
ObligationCode = Annotated[
    str, Path(max_length=128, description="义务代码。 The obligation's code.", examples=["QP-07"])
]
Responsible = Annotated[
    str | None,
    Query(max_length=40, description="责任机构代码。 Code of the responsible organisation."),
]
ExpiringBefore = Annotated[
    date | None,
    Query(description="最后一日早于此日。 Those whose last day lies before this day."),
]


@obligations.get(
    "", summary="归集义务列表 · Obligations by code", responses=shapes.ok(shapes.ObligationPage)
)
def list_obligations(
    request: Request,
    context: ContextOf,
    *,
    q: Annotated[str | None, Query(max_length=200, description="名称、代码、依据中的文字")] = None,
    organisation: Responsible = None,
    type_: Annotated[TypeCode | None, Query(alias="type")] = None,
    library: LibraryCode | None = None,
    status: StatusCode | None = None,
    parent: Annotated[
        str | None, Query(max_length=128, description="上级义务。 What it follows from.")
    ] = None,
    bound: Annotated[
        bool | None, Query(description="是否已绑定目录。 Whether an entry answers it.")
    ] = None,
    expiring_before: ExpiringBefore = None,
    as_of: AsOf = None,
    limit: Limit = DEFAULT_LIMIT,
    cursor: CursorText = None,
) -> Response:
    asked = {
        "q": q,
        "organisation": organisation,
        "type": type_,
        "library": library,
        "status": status,
        "parent": parent,
        "bound": bound,
        "expiring_before": expiring_before,
    }
    filters = ObligationFilters(
        q=q,
        organisation=organisation,
        type=coded(ObligationType, type_) if type_ else None,
        library=coded(Library, library) if library else None,
        status=coded(ObligationStatus, status) if status else None,
        parent=parent,
        bound=bound,
        expiring_before=expiring_before,
    )
    with page_of(context, request, as_of=as_of, cursor=cursor, limit=limit, filters=asked) as page:
        conn, held = page.view.conn, page.view.held
        found = queries.obligations(
            conn,
            filters,
            as_of=held,
            after=None if page.after is None else str(page.after),
            limit=limit + 1,
        )
        shown = found[:limit]
        bindings = queries.bindings(conn, [one.code for one in shown], as_of=held)
        names = Names.of(page.view, shown)
        return page_answer(
            request,
            page,
            [show_obligation(one, bindings.get(one.code), names) for one in shown],
            following=shown[-1].code if len(found) > limit else None,
            total=queries.count(conn, filters, as_of=held),
        )


@obligations.get(
    "/{code:path}/history",
    summary="关于一项义务的全部声明 · Every statement about an obligation",
    responses=shapes.ok(shapes.ObligationActList),
)
def obligation_history(
    request: Request, context: ContextOf, code: ObligationCode, as_of: AsOf = None
) -> Response:
    with context.view(as_of) as view:
        told = queries.history(view.conn, code, as_of=view.held)
        if not told:
            raise _unknown_obligation(code, view)
        names = Names.of(view, told)
        items = [show_act(one, names) for one in told]
        content = {"as_of": view.as_of, "code": code, "items": items}
        return answer(request, content, as_of=view.as_of)


@obligations.get(
    "/{code:path}",
    summary="一项归集义务及其链条 · One obligation and its chain",
    responses=shapes.ok(shapes.ObligationDocument),
)
def one_obligation(
    request: Request, context: ContextOf, code: ObligationCode, as_of: AsOf = None
) -> Response:
    with context.view(as_of) as view:
        chain = queries.chain_of(view.conn, code, as_of=view.held)
        if chain is None:
            raise _unknown_obligation(code, view)
        held = chain.links[-1]
        bound = chain.binding
        answered = bound is not None and bound.status == BindingStatus.BOUND.value
        targets = [code, bound.entry] if bound is not None and answered else [code]
        freed = queries.exemptions_of(view.conn, targets, as_of=view.held)
        objection = queries.objections_of(view.conn, [code], as_of=view.held).get(code)
        told = [one for one in (held, bound, objection, *freed) if one is not None]
        names = Names.of(view, told)
        effects = effects_of(view, freed, day_at(view.conn, view.as_of))
        content: dict[str, Any] = {
            **show_obligation(held, bound, names),
            "chain": [
                {"code": one.code, "type": named(ObligationType, one.type), "name": one.name}
                for one in chain.links
            ],
            "missing_parent": chain.missing,
            "binding": show_binding(bound, names) if bound else None,
            "objection": show_objection(objection, names) if objection else None,
            "exemptions": [show_exemption(one, effects[one.code], names) for one in freed],
        }
        return answer(request, content | view.echo(as_of), as_of=view.as_of)


@objections.get(
    "",
    summary="异议,按义务代码 · Objections by obligation",
    responses=shapes.ok(shapes.ObjectionPage),
)
def list_objections(
    request: Request,
    context: ContextOf,
    *,
    state: Annotated[
        StateCode | None, Query(description="raised 为未答复。 `raised`: open.")
    ] = None,
    organisation: Responsible = None,
    as_of: AsOf = None,
    limit: Limit = DEFAULT_LIMIT,
    cursor: CursorText = None,
) -> Response:
    asked = {"state": state, "organisation": organisation}
    with page_of(context, request, as_of=as_of, cursor=cursor, limit=limit, filters=asked) as page:
        found = queries.objections(
            page.view.conn,
            state=coded(ObjectionState, state) if state else None,
            organisation=organisation,
            as_of=page.view.held,
            after=None if page.after is None else str(page.after),
            limit=limit + 1,
        )
        shown = found[:limit]
        names = Names.of(page.view, shown)
        return page_answer(
            request,
            page,
            [show_objection(one, names) for one in shown],
            following=shown[-1].obligation if len(found) > limit else None,
        )


@denominator.get(
    "",
    summary="两个日志大小之间应归清单的全部变动 · Everything that moved the denominators",
    responses=shapes.ok(shapes.DenominatorDocument),
)
def denominator_changes(
    request: Request,
    context: ContextOf,
    *,
    from_: Annotated[
        str,
        Query(
            alias="from", max_length=40, description="起点:日志大小或时间。 A log size or a time."
        ),
    ] = "0",
    to: Annotated[
        str | None,
        Query(max_length=40, description="终点,缺省为现在。 A log size or a time; now by default."),
    ] = None,
    organisation: Responsible = None,
) -> Response:
    """What the changes add up to is the whole difference between `before` and `after`."""
    with context.view(to) as view:
        try:
            first = resolve_as_of(view.conn, from_)
            found = changes_between(view.conn, first, view.as_of)
        except (MirrorQueryError, ValueError) as error:
            detail = Text(f"from={from_}:无法解析,或晚于终点 {view.as_of}", str(error))
            fault = Fault("?from", detail, "invalid_as_of")
            raise Problem("invalid_as_of", detail, [fault], {"log_size": view.log_size}) from error
        shown = [
            one
            for one in found.changes
            if organisation is None
            or any(effect.organisation == organisation for effect in one.effects)
        ]
        parties = {effect.organisation for one in shown for effect in one.effects}
        names = Names.of(view, shown, parties)
        content = {
            "from_size": found.from_size,
            "to_size": found.to_size,
            "from_day": found.from_day,
            "to_day": found.to_day,
            "before": found.before,
            "after": found.after,
            "changes": [show_change(one, names) for one in shown],
            "unread": [show_unread(one) for one in found.unread],
        }
        return answer(request, content, as_of=view.as_of)


def _unknown_obligation(code: str, view: View) -> Problem:
    return Problem(
        "unknown_obligation",
        Text(
            f"日志大小为 {view.as_of} 时没有代码为 {code} 的归集义务",
            f"there is no obligation {code} as of log size {view.as_of}",
        ),
    )


router = APIRouter()
for part in (obligations, objections, exemptions, denominator):
    router.include_router(part)

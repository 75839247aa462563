"""Organisations (机构) and their keys (密钥)."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import Query
from starlette.requests import Request
from starlette.responses import Response

from api import shapes
from api.answers import answer
from api.context import DEFAULT_LIMIT, AsOf, ContextOf, CursorText, Limit, View
from api.language import Text
from api.listing import page_answer, page_of
from api.problems import Problem
from api.routing import api_router
from api.subjects import version_tag_at
from api.wording import coded, named, named_roles, time_of
from ledger.codes import KeyStatus, Level, OrganisationStatus, Role
from ledger.organisations import queries
from ledger.organisations.queries import Key, Organisation

router = api_router("/organisations", "机构 organisations")

LevelCode = Literal["city", "district", "town"]
StatusCode = Literal["active", "dissolved"]
KeyStatusCode = Literal["active", "revoked"]
RoleCode = Literal["steward", "head", "authority", "collector", "assessor", "auditor"]


@router.get(
    "", summary="机构列表 · List organisations", responses=shapes.ok(shapes.OrganisationPage)
)
def list_organisations(
    request: Request,
    context: ContextOf,
    *,
    q: Annotated[str | None, Query(max_length=200, description="名称、别名或代码中的文字")] = None,
    level: LevelCode | None = None,
    parent: Annotated[str | None, Query(max_length=40, description="上级机构代码")] = None,
    status: StatusCode | None = None,
    as_of: AsOf = None,
    limit: Limit = DEFAULT_LIMIT,
    cursor: CursorText = None,
) -> Response:
    filters = {"q": q, "level": level, "parent": parent, "status": status}
    with page_of(
        context, request, as_of=as_of, cursor=cursor, limit=limit, filters=filters
    ) as page:
        # A district has some sixty organisations: the whole list is read and cut here.
        every = queries.organisations(
            page.view.conn,
            q=q,
            level=coded(Level, level) if level else None,
            parent=parent,
            status=coded(OrganisationStatus, status) if status else None,
            as_of=page.view.held,
        )
        rows = [one for one in every if page.after is None or one.code > str(page.after)]
        shown = rows[:limit]
        return page_answer(
            request,
            page,
            [show_organisation(one) for one in shown],
            following=shown[-1].code if len(rows) > limit else None,
            total=len(every),
        )


@router.get(
    "/{code}",
    summary="一个机构 · One organisation",
    responses=shapes.ok(shapes.OrganisationDocument),
)
def one_organisation(
    request: Request, context: ContextOf, code: str, as_of: AsOf = None
) -> Response:
    with context.view(as_of) as view:
        found = _organisation(view, code)
        content = show_organisation(found) | view.echo(as_of)
        tag = version_tag_at(view, found.version, found.leaf_from)
        return answer(request, content, as_of=view.as_of, tag=tag)


@router.get(
    "/{code}/history",
    summary="机构的历次登记 · Every version of an organisation",
    responses=shapes.ok(shapes.OrganisationHistory),
)
def organisation_history(
    request: Request, context: ContextOf, code: str, as_of: AsOf = None
) -> Response:
    with context.view(as_of) as view:
        _organisation(view, code)
        versions = queries.organisation_history(view.conn, code, view.held)
        content = {"as_of": view.as_of, "items": [show_organisation(one) for one in versions]}
        return answer(request, content, as_of=view.as_of)


@router.get(
    "/{code}/keys",
    summary="机构的密钥 · The keys of an organisation",
    responses=shapes.ok(shapes.KeyList),
)
def organisation_keys(
    request: Request,
    context: ContextOf,
    code: str,
    *,
    status: KeyStatusCode | None = None,
    role: RoleCode | None = None,
    as_of: AsOf = None,
) -> Response:
    with context.view(as_of) as view:
        _organisation(view, code)
        found = queries.keys(
            view.conn,
            organisation=code,
            status=coded(KeyStatus, status) if status else None,
            role=Role[role.upper()] if role else None,
            as_of=view.held,
        )
        content = {"as_of": view.as_of, "items": [show_key(key) for key in found]}
        return answer(request, content, as_of=view.as_of)


def _organisation(view: View, code: str) -> Organisation:
    found = queries.organisation(view.conn, code, view.held)
    if found is None:
        raise unknown_organisation(code, view.as_of)
    return found


def unknown_organisation(code: str, as_of: int) -> Problem:
    return Problem(
        "unknown_organisation",
        Text(
            f"日志大小为 {as_of} 时没有代码为 {code} 的机构",
            f"there is no organisation {code} as of log size {as_of}",
        ),
    )


def show_organisation(found: Organisation) -> dict[str, Any]:
    return {
        "code": found.code,
        "name": found.name,
        "name_en": found.name_en,
        "parent": found.parent,
        "level": named(Level, found.level),
        "status": named(OrganisationStatus, found.status),
        "region": found.region,
        "aliases": list(found.aliases),
        "uscc": found.uscc,
        "evidence": found.evidence,
        "version": found.version,
        "recorded_at": time_of(found.recorded_at),
        "leaf_from": found.leaf_from,
        "leaf_until": found.leaf_until,
    }


def show_key(key: Key) -> dict[str, Any]:
    return {
        "address": key.address,
        "organisation": key.organisation,
        "roles": named_roles(key.role_mask),
        "status": named(KeyStatus, key.status),
        "label": key.label,
        "reason": key.reason,
        "version": key.version,
        "recorded_at": time_of(key.recorded_at),
        "leaf_from": key.leaf_from,
        "leaf_until": key.leaf_until,
    }

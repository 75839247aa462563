"""What lineage finds (血缘发现): dark data, grades along the flow, stale and broken chains, and libraries."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import Query
from starlette.requests import Request
from starlette.responses import Response

from api import shapes
from api.answers import answer
from api.context import DEFAULT_LIMIT, AsOf, ContextOf, CursorText, Limit
from api.language import Text
from api.listing import page_answer, page_of
from api.problems import Problem
from api.routing import api_router
from api.wording import named, named_grade, time_of
from ledger.codes import Library, ShareType
from ledger.lineage.findings.composition import SHARED_LIBRARIES, Composed
from ledger.lineage.findings.dark import Owner
from ledger.lineage.findings.drafting import NoDraft
from ledger.lineage.findings.drafting import draft as drafted
from ledger.lineage.findings.listing import KINDS, Finding, composed
from ledger.lineage.findings.listing import findings as found_in

router = api_router("/lineage", "血缘 lineage")

KindName = Literal[
    "dark_data", "grade_lowered", "share_widened", "stale_chain", "broken_item", "broken_entry"
]


@router.get(
    "/findings",
    summary="血缘发现 · What lineage finds, by kind, the gravest or most used first",
    responses=shapes.ok(shapes.LineageFindingPage),
)
def findings(
    request: Request,
    context: ContextOf,
    *,
    kind: Annotated[KindName | None, Query(description="哪一类。 Which kind.")] = None,
    organisation: Annotated[
        str | None, Query(max_length=40, description="应办单位代码。 Who should see to it.")
    ] = None,
    as_of: AsOf = None,
    limit: Limit = DEFAULT_LIMIT,
    cursor: CursorText = None,
) -> Response:
    filters = {"kind": kind, "organisation": organisation}
    with page_of(
        context, request, as_of=as_of, cursor=cursor, limit=limit, filters=filters
    ) as page:
        kinds = tuple(KINDS) if kind is None else (kind,)
        found = found_in(page.view.conn, page.view.held, kinds=kinds).of(organisation=organisation)
        first = 0 if page.after is None else int(page.after)
        last = first + limit
        counts = {name: sum(one.kind == name for one in found) for name in kinds}
        return page_answer(
            request,
            page,
            [_finding(one) for one in found[first:last]],
            following=last if last < len(found) else None,
            total=len(found),
            extra={"counts": counts},
        )


@router.get(
    "/composition",
    summary="库的构成 · Which entries feed the shared libraries, and what derives from none",
    responses=shapes.ok(shapes.CompositionPage),
)
def composition(
    request: Request,
    context: ContextOf,
    *,
    library: Annotated[
        Literal["comprehensive", "theme", "special"] | None, Query(description="库。 The library.")
    ] = None,
    unsourced: Annotated[
        bool, Query(description="只列无登记来源的。 Only what derives from no registered source.")
    ] = False,
    as_of: AsOf = None,
    limit: Limit = DEFAULT_LIMIT,
    cursor: CursorText = None,
) -> Response:
    filters = {"library": library, "unsourced": unsourced}
    with page_of(
        context, request, as_of=as_of, cursor=cursor, limit=limit, filters=filters
    ) as page:
        every = [
            one
            for one in composed(page.view.conn, page.view.held)
            if library in (None, one.library)
        ]
        told = [one for one in every if not (unsourced and one.sources)]
        first = 0 if page.after is None else int(page.after)
        last = first + limit
        libraries = [
            {
                "library": named(Library, name),
                "entries": sum(one.library == name for one in every),
                "sourced": sum(one.library == name and bool(one.sources) for one in every),
            }
            for name in SHARED_LIBRARIES
            if library in (None, name)
        ]
        return page_answer(
            request,
            page,
            [_composed(one) for one in told[first:last]],
            following=last if last < len(told) else None,
            total=len(told),
            extra={"libraries": libraries},
        )


@router.get(
    "/draft",
    summary="未编目数据的目录草案 · A draft entry for data that nobody catalogued",
    responses=shapes.ok(shapes.EntryDraft),
)
def draft(
    request: Request,
    context: ContextOf,
    *,
    namespace: Annotated[str, Query(max_length=4_096, description="命名空间。 Its namespace.")],
    name: Annotated[str, Query(max_length=4_096, description="名称。 Its name.")],
    as_of: AsOf = None,
) -> Response:
    with context.view(as_of) as view:
        try:
            made = drafted(view.conn, namespace, name, as_of=view.held)
        except NoDraft as error:
            kind = "dataset_covered" if error.covered else "unknown_dataset"
            raise Problem(kind, Text(error.zh, str(error))) from error
        content = {
            "as_of": view.as_of,
            "namespace": made.namespace,
            "name": made.name,
            "owner": _owner(made.owner),
            "entry": made.entry,
            "rule": made.rule,
        }
        return answer(request, content, as_of=view.as_of)


def _finding(one: Finding) -> dict[str, Any]:
    kind = KINDS[one.kind]
    return {
        "id": one.id,
        "kind": {"code": kind.name, "zh": kind.zh, "en": kind.en},
        "way": {"zh": kind.way_zh, "en": kind.way_en},
        "namespace": one.namespace,
        "name": one.name,
        "entry": one.entry,
        "entry_name": one.entry_name,
        "organisation": one.organisation,
        "owner": _owner(one.owner),
        "use": None
        if one.kind != "dark_data"
        else {
            "jobs": one.jobs,
            "reads": one.reads,
            "writes": one.writes,
            "runs": one.runs,
            "last_seen": _time(one.last_seen),
        },
        "stated": _class(one.kind, one.stated),
        "flowing": _class(one.kind, one.flowing),
        "source": one.source,
        "path": [
            {"kind": at.kind, "namespace": at.namespace, "name": at.name, "entry": at.entry}
            for at in one.path
        ],
        "made": _time(one.made),
        "delivered": _time(one.delivered),
        "item": one.item,
        "edition": one.edition,
        "jobs": one.jobs if one.kind == "broken_entry" else None,
        "leaf": one.leaf,
    }


def _owner(owner: Owner | None) -> dict[str, Any] | None:
    if owner is None:
        return None
    return {
        "organisation": owner.organisation,
        "by": owner.by,
        "count": owner.count,
        "of": owner.of,
    }


def _class(kind: str, number: int | None) -> dict[str, Any] | None:
    if number is None:
        return None
    if kind == "grade_lowered":
        return named_grade(number)
    return named(ShareType, ShareType.of_number(number).value)


def _time(seconds: int | None) -> str | None:
    return None if seconds is None else time_of(seconds)


def _composed(one: Composed) -> dict[str, Any]:
    return {
        "library": named(Library, one.library),
        "entry": one.entry,
        "name": one.name,
        "organisation": one.organisation,
        "sources": list(one.sources),
        "dark": one.dark,
        "known": one.known,
        "leaf": one.leaf,
    }

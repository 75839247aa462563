"""Completeness audits (应归尽归审计), judged on the day of the as-of leaf; and anchored reports."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import Path, Query
from starlette.requests import Request
from starlette.responses import Response

from api import shapes
from api.answers import answer, answer_bytes, entity_tag, matches
from api.audits import (
    Names,
    audit_of,
    policy_of,
    root_of,
    show_explanation,
    show_finding,
    show_gap,
    show_measure,
    show_report,
)
from api.context import DEFAULT_LIMIT, AsOf, Context, ContextOf, CursorText, Limit, View
from api.language import Text
from api.listing import page_answer, page_of
from api.problems import Fault, Problem
from api.routing import api_router
from api.wording import coded
from ledger.audits import queries
from ledger.audits.findings import SIGNALS
from ledger.audits.ladder import RUNGS
from ledger.audits.periods import calendar_digest
from ledger.audits.report import (
    REPORT_FORMAT,
    finding_line,
    gap_line,
    measures,
    report_bytes,
    report_head,
)
from ledger.audits.scope import Scope, scope_of
from ledger.codes import Level, Library
from ledger.lineage.findings.usage import anchored_journal

router = api_router("/audits", "审计 audits")

LibraryCode = Literal["comprehensive", "theme", "special", "department"]
LevelCode = Literal["city", "district", "town"]
Organisation = Annotated[
    str | None, Query(max_length=40, description="机构代码。 Code of the organisation.")
]
LibraryName = Annotated[LibraryCode | None, Query(description="所属库。 The library.")]
JournalToo = Annotated[
    bool,
    Query(
        description="在用数据是否也按已锚定的血缘日志计。 "
        "Whether data in use are counted by the anchored lineage journal, too."
    ),
]
LevelName = Annotated[LevelCode | None, Query(description="机构层级。 The organisation's level.")]
Digest = Annotated[
    str,
    Path(
        pattern="^[0-9a-f]{64}$",
        description="报告的 SHA-256,小写十六进制。 SHA-256 of the report, lower-case hex.",
    ),
]


def _scope(organisation: str | None, library: str | None, level: str | None) -> Scope:
    return Scope(
        organisation,
        coded(Library, library) if library else None,
        coded(Level, level) if level else None,
    )


@router.get(
    "/completeness",
    summary="应归尽归各项指标,各机构比率低者在前 · Every metric, every organisation, lowest rate first",
    responses=shapes.ok(shapes.CompletenessDocument),
)
def completeness(
    request: Request,
    context: ContextOf,
    *,
    organisation: Organisation = None,
    library: LibraryName = None,
    level: LevelName = None,
    journal: JournalToo = False,
    as_of: AsOf = None,
) -> Response:
    scope = _scope(organisation, library, level)
    with context.view(as_of) as view:
        tag = _tag(context, view, scope, journal=journal)
        if matches(request.headers.get("if-none-match"), tag):
            return answer(request, {}, as_of=view.as_of, tag=tag)
        with audit_of(context, view, scope, journal=journal) as found:
            head, names = report_head(found), Names(found)
            content = {
                "as_of": view.as_of,
                "log_size": view.log_size,
                "day": head["day"],
                "root": "0x" + head["root"],
                "scope": head["scope"],
                "policy": head["policy"],
                "policy_digest": head["policy_digest"],
                "calendar_digest": head["calendar_digest"],
                "journal": None if head["journal"] is None else _journal(head["journal"]),
                "metrics": [show_measure(one, names) for one in measures(found)],
            }
        return answer(request, content, as_of=view.as_of, tag=tag)


@router.get(
    "/gaps",
    summary="缺口:义务停在哪一环节、谁应办、期限 · Where each obligation stops, who must act, by when",
    responses=shapes.ok(shapes.GapPage),
)
def gaps(
    request: Request,
    context: ContextOf,
    *,
    organisation: Organisation = None,
    library: LibraryName = None,
    level: LevelName = None,
    rung: Annotated[str | None, Query(max_length=32, description="环节。 A rung's code.")] = None,
    overdue: Annotated[
        bool | None, Query(description="是否逾期。 Whether its working day has passed.")
    ] = None,
    as_of: AsOf = None,
    limit: Limit = DEFAULT_LIMIT,
    cursor: CursorText = None,
) -> Response:
    asked = {
        "organisation": organisation,
        "library": library,
        "level": level,
        "rung": rung,
        "overdue": overdue,
    }
    number = _rung(rung)
    with page_of(context, request, as_of=as_of, cursor=cursor, limit=limit, filters=asked) as page:
        with audit_of(context, page.view, _scope(organisation, library, level)) as found:
            after = "" if page.after is None else str(page.after)
            rows = list(found.gaps(rung=number, overdue=overdue, after=after, limit=limit + 1))
            names = Names(found)
            shown = [gap_line(found, row) for row in rows[:limit]]
        return page_answer(
            request,
            page,
            [show_gap(one, names) for one in shown],
            following=shown[-1]["obligation"] if len(rows) > limit else None,
        )


@router.get(
    "/gaps/{gap:path}",
    summary="一项义务的阶梯与缺口 · One obligation's ladder and gap",
    responses=shapes.ok(shapes.ExplanationDocument),
)
def one_gap(
    request: Request,
    context: ContextOf,
    gap: Annotated[
        str,
        Path(
            max_length=160, description="缺口编号或义务代码。 A gap's id, or an obligation's code."
        ),
    ],
    as_of: AsOf = None,
) -> Response:
    with context.view(as_of) as view, audit_of(context, view, Scope()) as found:
        content = {"as_of": view.as_of, "day": found.question.day, **show_explanation(found, gap)}
        return answer(request, content, as_of=view.as_of)


@router.get(
    "/findings",
    summary="审计发现 · What an auditor must look at",
    responses=shapes.ok(shapes.FindingPage),
)
def findings(
    request: Request,
    context: ContextOf,
    *,
    organisation: Organisation = None,
    library: LibraryName = None,
    level: LevelName = None,
    name: Annotated[str | None, Query(max_length=64, description="发现的名称。 Its name.")] = None,
    as_of: AsOf = None,
    limit: Limit = DEFAULT_LIMIT,
    cursor: CursorText = None,
) -> Response:
    asked = {"organisation": organisation, "library": library, "level": level, "name": name}
    if name is not None and name not in SIGNALS:
        raise _unknown_value("name", name, sorted(SIGNALS))
    with page_of(context, request, as_of=as_of, cursor=cursor, limit=limit, filters=asked) as page:
        after = None if page.after is None else _place(str(page.after))
        with audit_of(context, page.view, _scope(organisation, library, level)) as found:
            rows = list(found.findings(name=name, after=after, limit=limit + 1))
            names = Names(found)
            shown = [finding_line(found, row) for row in rows[:limit]]
        return page_answer(
            request,
            page,
            [show_finding(one, names) for one in shown],
            following=shown[-1]["id"] if len(rows) > limit else None,
        )


@router.get(
    "/reports",
    summary="已上链的审计报告,新的在前 · Anchored reports, newest first",
    responses=shapes.ok(shapes.ReportPage),
)
def reports(
    request: Request,
    context: ContextOf,
    *,
    type_: Annotated[
        Literal["completeness", "quality", "lineage"] | None, Query(alias="type")
    ] = None,
    as_of: AsOf = None,
    limit: Limit = DEFAULT_LIMIT,
    cursor: CursorText = None,
) -> Response:
    filters = {"type": type_}
    with page_of(
        context, request, as_of=as_of, cursor=cursor, limit=limit, filters=filters
    ) as page:
        before = None if page.after is None else int(page.after)
        found = queries.reports(
            page.view.conn, type=type_, as_of=page.view.held, before=before, limit=limit + 1
        )
        shown = found[:limit]
        return page_answer(
            request,
            page,
            [show_report(one) for one in shown],
            following=shown[-1].leaf_from if len(found) > limit else None,
        )


@router.get(
    "/reports/{digest}",
    summary="以 SHA-256 查已上链的报告 · The statements that anchored a report",
    responses=shapes.ok(shapes.ReportDocument),
)
def one_report(
    request: Request, context: ContextOf, digest: Digest, as_of: AsOf = None
) -> Response:
    with context.view(as_of) as view:
        found = _anchored(view, digest)
        content = {
            "as_of": view.as_of,
            **show_report(found[0]),
            "statements": [show_report(one) for one in found],
        }
        return answer(request, content, as_of=view.as_of)


@router.get(
    "/reports/{digest}/document",
    summary="由日志重算的报告全文 · The report itself, worked out again from the log",
    responses=shapes.ok(shapes.ReportText),
)
def report_document(
    request: Request, context: ContextOf, digest: Digest, as_of: AsOf = None
) -> Response:
    """The very bytes that were anchored; a report under another policy cannot be given."""
    with context.view(as_of) as view:
        claimed = _anchored(view, digest)[0]
        tag = entity_tag("audit report", digest)
        if matches(request.headers.get("if-none-match"), tag):
            return answer(request, {}, as_of=view.as_of, tag=tag)
        scope = scope_of(dict(claimed.scope))
        at = View(view.conn, claimed.size, claimed.size, view.log_size)
        whole, made = b"", ""
        for journal in (False, True):
            if journal and anchored_journal(view.conn, claimed.size) is None:
                continue
            with audit_of(context, at, scope, journal=journal) as found:
                again = b"".join(report_bytes(found))
            if not whole or queries.digest_of_bytes(again) == digest:
                whole, made = again, queries.digest_of_bytes(again)
            if made == digest:
                break
        if made != digest:
            detail = Text(
                f"按本服务的审计口径重算得 {made},与该报告不同",
                f"worked out under this server's policy it is {made}, another report",
            )
            raise Problem("report_not_reproduced", detail)
        return answer_bytes(request, whole, as_of=claimed.size, tag=tag)


def _anchored(view: View, digest: str) -> list[queries.Report]:
    found = queries.with_digest(view.conn, digest, as_of=view.held)
    if not found:
        detail = Text(f"没有报告 {digest}", f"no report {digest} is anchored")
        raise Problem("unknown_report", detail)
    return found


def _journal(told: dict[str, Any]) -> dict[str, Any]:
    return {**told, "root": "0x" + told["root"]}


def _tag(context: Context, view: View, scope: Scope, *, journal: bool) -> str:
    policy = policy_of(context).digest()
    root = root_of(view) if view.as_of else ""
    return entity_tag(
        *(REPORT_FORMAT, root, view.as_of, view.log_size),
        *(scope.text(), policy, calendar_digest(), journal),
    )


def _rung(code: str | None) -> int | None:
    if code is None:
        return None
    codes = [one[0] for one in RUNGS]
    if code not in codes:
        raise _unknown_value("rung", code, codes)
    return codes.index(code) + 1


def _unknown_value(name: str, value: str, known: list[str]) -> Problem:
    detail = Text(
        f"{name} 没有取值 {value};可用:{'、'.join(known)}",
        f"{value} is no {name}; there are {', '.join(known)}",
    )
    return Problem("validation_failed", detail, [Fault(f"?{name}", detail, "unknown_value")])


def _place(identity: str) -> tuple[str, str, int]:
    """Name, subject and leaf of the finding that a cursor stands at."""
    name, _, rest = identity.partition(":")
    subject, _, leaf = rest.rpartition(":")
    return name, subject, int(leaf)

"""Quality scores (质量评分), DB31/T 1523-2024, in basis points 0..10000."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any, Literal

from fastapi import Path, Query
from starlette.requests import Request
from starlette.responses import Response

from api import shapes
from api.answers import answer
from api.context import DEFAULT_LIMIT, AsOf, ContextOf, CursorText, Limit, View
from api.language import Text
from api.listing import Cut, listing
from api.problems import Problem
from api.routing import api_router
from api.wording import time_of
from ledger.canonical import MAX_INTEGER
from ledger.catalogue import queries as catalogue
from ledger.quality import analysis, dqv, queries
from ledger.quality.analysis import Point
from ledger.quality.dimensions import DIMENSIONS
from ledger.quality.indicators import INDICATORS, level_of
from ledger.quality.queries import Outcome, Score, Standing
from ledger.quality.reasons import REASONS
from ledger.quality.rule_base import SEVERITY_LABELS, Severity
from ledger.quality.scoring import STATE_LABELS, State
from ledger.quality.weights import DEFAULT_PROFILE

router = api_router("/quality", "质量 quality")

DimensionName = Literal[
    "normativity", "completeness", "accuracy", "consistency", "timeliness", "accessibility"
]
OrganisationOf = Annotated[
    str | None, Query(max_length=40, description="机构代码。 The organisation's code.")
]


@router.get(
    "/scores",
    summary="质量评分,新的在前 · Quality scores, newest first",
    responses=shapes.ok(shapes.ScorePage),
)
def scores(
    request: Request,
    context: ContextOf,
    *,
    entry: Annotated[
        str | None, Query(max_length=128, description="目录代码。 The entry's code.")
    ] = None,
    assessor: Annotated[
        str | None, Query(max_length=40, description="评估机构代码。 The assessor's code.")
    ] = None,
    period: Annotated[
        date | None, Query(description="评估期内的一天。 A day within the period assessed.")
    ] = None,
    as_of: AsOf = None,
    limit: Limit = DEFAULT_LIMIT,
    cursor: CursorText = None,
) -> Response:
    filters = {"entry": entry, "assessor": assessor, "period": period}
    cut = Cut(request, context, as_of, cursor, limit)
    return listing(cut, queries.scores, show_score, filters, before="leaf_from")


@router.get(
    "/league",
    summary="各机构数据质量排名 · Organisations by the quality of what they published",
    responses=shapes.ok(shapes.LeagueDocument),
)
def league(
    request: Request,
    context: ContextOf,
    dimension: Annotated[
        DimensionName | None, Query(description="按一个维度。 By one dimension.")
    ] = None,
    as_of: AsOf = None,
) -> Response:
    """Organisations without entries or scores are there as well: nobody is lost."""
    with context.view(as_of) as view:
        found = queries.league(view.conn, dimension=dimension, as_of=view.held)
        content = {"as_of": view.as_of, "items": [show_standing(one) for one in found]}
        return answer(request, content, as_of=view.as_of)


@router.get(
    "/scores/{statement}",
    summary="一条质量评分及各规则结果 · One score with what each rule counted",
    responses=shapes.ok(shapes.ScoreDetail),
)
def one_score(
    request: Request,
    context: ContextOf,
    statement: Annotated[int, Path(ge=0, le=MAX_INTEGER, description="叶序号。 Its leaf index.")],
    as_of: AsOf = None,
    form: Annotated[
        Literal["json", "jsonld"],
        Query(description="jsonld: W3C DQV 词汇。 In terms of the W3C Data Quality Vocabulary."),
    ] = "json",
) -> Response:
    """``form=jsonld``, or ``Accept: application/ld+json``, gives linked data."""
    with context.view(as_of) as view:
        found = queries.at_leaf(view.conn, statement, as_of=view.held)
        if found is None:
            raise Problem(
                "unknown_score",
                Text(
                    f"日志大小为 {view.as_of} 时,第 {statement} 号位置没有质量评分",
                    f"leaf {statement} is no quality score as of log size {view.as_of}",
                ),
            )
        if form == "jsonld" or dqv.MEDIA_TYPE in request.headers.get("accept", ""):
            linked = dqv.linked(found, time_of(found.recorded_at))
            return answer(
                request, linked, as_of=view.as_of, headers={"content-type": dqv.MEDIA_TYPE}
            )
        outcomes = queries.outcomes(view.conn, statement)
        content = show_score(found) | {"outcomes": [show_outcome(one) for one in outcomes]}
        return answer(request, content, as_of=view.as_of)


@router.get(
    "/entries/{code:path}/history",
    summary="条目的历次评分 · Every score of an entry, superseded ones too",
    responses=shapes.ok(shapes.ScoreHistory),
)
def history(request: Request, context: ContextOf, code: str, as_of: AsOf = None) -> Response:
    with context.view(as_of) as view:
        _known(view, code)
        found = queries.history(view.conn, code, as_of=view.held)
        content = {"as_of": view.as_of, "items": [show_score(one) for one in found]}
        return answer(request, content, as_of=view.as_of)


@router.get(
    "/entries/{code:path}/trend",
    summary="条目的质量趋势 · An entry's quality from period to period",
    responses=shapes.ok(shapes.TrendDocument),
)
def entry_trend(request: Request, context: ContextOf, code: str, as_of: AsOf = None) -> Response:
    with context.view(as_of) as view:
        _known(view, code)
        found = analysis.trend(view.conn, entry=code, as_of=view.held)
        content = {"as_of": view.as_of, "items": [show_point(one) for one in found]}
        return answer(request, content, as_of=view.as_of)


@router.get(
    "/trend",
    summary="总体质量趋势 · Quality from period to period, of all or of one organisation",
    responses=shapes.ok(shapes.TrendDocument),
)
def trend(
    request: Request, context: ContextOf, organisation: OrganisationOf = None, as_of: AsOf = None
) -> Response:
    with context.view(as_of) as view:
        found = analysis.trend(view.conn, organisation=organisation, as_of=view.held)
        content = {"as_of": view.as_of, "items": [show_point(one) for one in found]}
        return answer(request, content, as_of=view.as_of)


@router.get(
    "/rules/worst",
    summary="问题最多的规则 · The rules that fail the greatest share of their elements",
    responses=shapes.ok(shapes.WorstRules),
)
def worst(
    request: Request,
    context: ContextOf,
    *,
    entry: Annotated[
        str | None, Query(max_length=128, description="目录代码。 The entry's code.")
    ] = None,
    organisation: OrganisationOf = None,
    indicator: Annotated[
        str | None,
        Query(pattern="^0[0-9]{1,5}$", description="指标编码或其开头。 A code, or its beginning."),
    ] = None,
    as_of: AsOf = None,
    limit: Limit = DEFAULT_LIMIT,
) -> Response:
    with context.view(as_of) as view:
        found = analysis.worst_rules(
            view.conn,
            entry=entry,
            organisation=organisation,
            indicator=indicator,
            limit=limit,
            as_of=view.held,
        )
        content = {"as_of": view.as_of, "items": [show_outcome(one) for one in found]}
        return answer(request, content, as_of=view.as_of)


@router.get(
    "/indicators",
    summary="DB31/T 1523-2024 指标体系 · The indicators, and our default weights",
    responses=shapes.ok(shapes.IndicatorTree),
)
def indicators(request: Request, context: ContextOf) -> Response:
    content = {
        "items": [
            {**one._asdict(), "level": level_of(one.code), "iso25012": list(one.iso25012)}
            for one in INDICATORS.values()
        ],
        "default_profile": DEFAULT_PROFILE.document(),
        "default_profile_digest": DEFAULT_PROFILE.digest(),
    }
    with context.view(None) as view:
        return answer(request, content, as_of=view.as_of)


def _known(view: View, code: str) -> None:
    if not catalogue.standing(view.conn, [code], as_of=view.held):
        raise Problem(
            "unknown_entry",
            Text(
                f"日志大小为 {view.as_of} 时没有代码为 {code} 的目录条目",
                f"no entry has the code {code} as of log size {view.as_of}",
            ),
        )


def show_score(score: Score) -> dict[str, Any]:
    return {
        "entry": score.entry,
        "edition": score.edition,
        "period_start": score.period_start,
        "period_end": score.period_end,
        "assessor": (
            None
            if score.assessor is None
            else {"code": score.assessor, "zh": score.assessor_name, "en": None}
        ),
        "assessor_hash": score.assessor_hash,
        "self_assessment": score.self_assessment,
        "dimensions": _dimensions(score.dimensions),
        "total": score.total,
        "grade": score.grade,
        "coverage": score.coverage,
        "rule_set": score.rule_set,
        "data_root": score.data_root,
        "method": score.method,
        "notes": score.notes,
        "weights": None if score.weights is None else list(score.weights),
        "weights_digest": score.weights_digest,
        "result_digest": score.result_digest,
        "profile": score.profile,
        "stated_grade": score.stated_grade,
        "day": score.day,
        "rows": score.rows,
        "delivery": score.delivery,
        "version": score.version,
        "recorded_at": time_of(score.recorded_at),
        "leaf_from": score.leaf_from,
        "leaf_until": score.leaf_until,
    }


def show_standing(one: Standing) -> dict[str, Any]:
    return {
        "organisation": {"code": one.code, "zh": one.name, "en": one.name_en},
        "level": one.level,
        "entries": one.entries,
        "scored": one.scored,
        "rate": one.rate,
        "mean": one.mean,
        "lowest": one.lowest,
        "grade": one.grade,
        "grades": one.grades,
    }


def show_outcome(one: Outcome) -> dict[str, Any]:
    indicator = INDICATORS[one.indicator]
    reason = REASONS.get(one.reason or "")
    return {
        "entry": one.entry,
        "rule": one.rule,
        "indicator": {"code": one.indicator, "zh": indicator.zh, "en": indicator.en},
        "severity": _labelled(one.severity, SEVERITY_LABELS[Severity(one.severity)]),
        "state": _labelled(one.state, STATE_LABELS[State(one.state)]),
        "evaluated": one.evaluated,
        "failing": one.failing,
        "rate": one.rate,
        "reason": None if one.reason is None else _labelled(one.reason, reason or ("", "")),
        "leaf": one.leaf,
    }


def show_point(one: Point) -> dict[str, Any]:
    return {
        "period_end": one.period_end,
        "entries": one.entries,
        "mean": one.mean,
        "grade": one.grade,
        "change": one.change,
        "dimensions": _dimensions(one.dimensions),
    }


def _labelled(code: str, labels: tuple[str, str]) -> dict[str, str]:
    return {"code": code, "zh": labels[0], "en": labels[1]}


def _dimensions(scores: Mapping[str, int | None]) -> list[dict[str, Any]]:
    return [
        {"code": one.name, "zh": one.zh, "en": one.en, "score": scores[one.name]}
        for one in DIMENSIONS
    ]

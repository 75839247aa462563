"""Quality scores (质量评分), DB31/T 1523-2024, in basis points 0..10000."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any

from fastapi import Query
from starlette.requests import Request
from starlette.responses import Response

from api import shapes
from api.answers import answer
from api.context import DEFAULT_LIMIT, AsOf, ContextOf, CursorText, Limit
from api.listing import page_answer, page_of
from api.routing import api_router
from api.wording import time_of
from ledger.quality import queries
from ledger.quality.dimensions import DIMENSIONS
from ledger.quality.queries import Score, Standing

router = api_router("/quality", "质量 quality")


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
    with page_of(
        context, request, as_of=as_of, cursor=cursor, limit=limit, filters=filters
    ) as page:
        found = queries.scores(
            page.view.conn,
            entry=entry,
            assessor=assessor,
            period=period,
            as_of=page.view.held,
            before=None if page.after is None else int(page.after),
            limit=limit + 1,
        )
        shown = found[:limit]
        return page_answer(
            request,
            page,
            [show_score(one) for one in shown],
            following=shown[-1].leaf_from if len(found) > limit else None,
        )


@router.get(
    "/league",
    summary="各机构数据质量排名 · Organisations by the quality of what they published",
    responses=shapes.ok(shapes.LeagueDocument),
)
def league(request: Request, context: ContextOf, as_of: AsOf = None) -> Response:
    """Organisations without entries or scores are there as well: nobody is lost."""
    with context.view(as_of) as view:
        found = queries.league(view.conn, as_of=view.held)
        content = {"as_of": view.as_of, "items": [show_standing(one) for one in found]}
        return answer(request, content, as_of=view.as_of)


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
        "dimensions": [
            {
                "code": one.name,
                "zh": one.zh,
                "en": one.en,
                "score": score.dimensions[one.name],
            }
            for one in DIMENSIONS
        ],
        "total": score.total,
        "grade": score.grade,
        "coverage": score.coverage,
        "rule_set": score.rule_set,
        "data_root": score.data_root,
        "method": score.method,
        "notes": score.notes,
        "weights": None if score.weights is None else list(score.weights),
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

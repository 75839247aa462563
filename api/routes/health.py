"""``/livez``, ``/readyz`` and ``/metrics``, for whoever watches the server."""

from __future__ import annotations

from fastapi import APIRouter
from prometheus_client import CONTENT_TYPE_LATEST
from starlette.requests import Request
from starlette.responses import Response

from api import shapes
from api.answers import JSON, answer, encode
from api.context import ContextOf
from api.state import readiness

router = APIRouter(tags=["运行状况 health"])
_FRESH = {"cache-control": "no-store"}


@router.get("/livez", summary="进程存活 · The process lives", responses=shapes.ok(shapes.Liveness))
async def livez(request: Request) -> Response:
    return answer(request, {"status": "alive"}, headers=_FRESH)


@router.get(
    "/readyz",
    summary="链、镜像、发件箱是否就绪 · Whether chain, mirror and outbox are ready",
    responses={**shapes.ok(shapes.Readiness), **shapes.ok(shapes.Readiness, 503)},
)
def readyz(context: ContextOf) -> Response:
    """503 with the same document where something is wrong: it says what."""
    ready, document = readiness(context)
    return Response(
        encode(document), status_code=200 if ready else 503, media_type=JSON, headers=_FRESH
    )


@router.get("/metrics", summary="Prometheus 指标 · Prometheus metrics", response_class=Response)
def metrics(context: ContextOf) -> Response:
    return Response(context.metrics.text(), media_type=CONTENT_TYPE_LATEST, headers=_FRESH)

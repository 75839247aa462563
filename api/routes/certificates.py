"""Provenance certificates (溯源证书): proof of where a delivery comes from."""

from __future__ import annotations

from typing import Annotated

from fastapi import Path, Query
from starlette.requests import Request
from starlette.responses import Response

from api import shapes
from api.answers import answer_bytes, entity_tag
from api.context import AsOf, ContextOf
from api.language import Text
from api.problems import Problem
from api.routing import api_router
from ledger.lineage.certificate.make import DEPTH, Asked, make
from ledger.lineage.certificate.refusals import CertificateError, NotAnchored, UnknownDelivery
from ledger.log import render
from ledger.statements import address_bytes

router = api_router("/provenance", "血缘 lineage")


@router.get(
    "/{code:path}/certificate",
    summary="溯源证书 · Provenance certificate of one delivery",
    responses=shapes.proof("Certificate", "CarriedCertificate"),
)
def certificate(
    request: Request,
    context: ContextOf,
    *,
    code: Annotated[str, Path(max_length=256, description="目录代码。 The entry's code.")],
    delivery: Annotated[
        int,
        Query(ge=1, lt=1 << 53, description="交付序号,从 1 起。 The delivery's number, from 1."),
    ],
    depth: Annotated[
        int, Query(ge=1, le=1000, description="追溯的作业层数。 How many jobs back.")
    ] = DEPTH,
    item: Annotated[
        str | None,
        Query(max_length=640, description="并追溯这个数据项。 With the way of this column, too."),
    ] = None,
    as_of: AsOf = None,
) -> Response:
    """A file: save the answer as it is; `govledger log verify FILE` checks it without this server."""
    lineage, deployment = context.office.lineage, context.office.deployment
    with context.view(as_of) as view:
        asked = Asked(code, delivery, None if as_of is None else view.as_of, depth, item)
        try:
            told = make(
                view.conn,
                lineage.journal if lineage.exists else None,
                asked,
                genesis_authority=address_bytes(deployment.genesis_authority),
            )
        except CertificateError as error:
            raise _problem(error) from error
        tag = entity_tag(told["bundle_digest"])
        return answer_bytes(request, render(told), as_of=view.as_of, tag=tag)


def _problem(error: CertificateError) -> Problem:
    code = "unprovable"
    if isinstance(error, UnknownDelivery):
        code = "unknown_delivery"
    elif isinstance(error, NotAnchored):
        code = "not_anchored"
    return Problem(code, Text(error.zh, str(error)))

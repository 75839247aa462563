"""Results of other quality tools (其他工具的检查结果), handed in as their tools write them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any

from anyio import to_thread
from fastapi import Query
from starlette.requests import Request
from starlette.responses import Response

from api import shapes
from api.answers import answer
from api.context import ContextOf
from api.language import Text
from api.problems import Fault, Problem
from api.routing import api_router
from api.validation import require_json
from ledger.catalogue import queries as catalogue
from ledger.quality.foreign.found import NotJsonError, ResultsError
from ledger.quality.foreign.mapping import default_mapping
from ledger.quality.foreign.reading import parsed, read_results
from ledger.quality.foreign.scoring import Imported, imported
from ledger.quality.weights import DEFAULT_PROFILE

router = api_router("/quality", "质量 quality")
PATH = "/api/v1/quality/results"
MAX_BYTES = 16 << 20

_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {},
                "description": "工具写出的结果;dbt 为 {run_results, manifest}。 "
                "What the tool wrote; for dbt {run_results, manifest}.",
            }
        },
    }
}


@router.post(
    "/results",
    summary="读取其他工具的检查结果并计分(不上链) · Score what another tool found, recording nothing",
    responses=shapes.ok(shapes.ImportedResult),
    openapi_extra=_BODY,
)
async def results(
    request: Request,
    context: ContextOf,
    *,
    entry: Annotated[
        str | None, Query(max_length=128, description="目录代码。 The entry that was checked.")
    ] = None,
    period_start: Annotated[
        date | None, Query(description="评估期首日。 First day of the period.")
    ] = None,
    period_end: Annotated[
        date | None, Query(description="评估期末日。 Last day of the period.")
    ] = None,
    rows: Annotated[
        int | None,
        Query(ge=0, description="检查的记录数。 Records checked, where the tool does not tell."),
    ] = None,
) -> Response:
    """The checks under the indicators of DB31/T 1523-2024, and their score.

    Nothing is recorded, since the server signs for nobody. With an entry and a period the answer has a
    ``draft``, to be put into `POST /statements/prepare`. Values of the data are dropped.
    """
    require_json(request)
    body = await request.body()
    try:
        made = await to_thread.run_sync(_made, body, rows)
    except NotJsonError as error:
        raise Problem("malformed_request", Text(error.zh, str(error))) from error
    except ResultsError as error:
        told = Text(error.zh, str(error))
        fault = Fault("", told, "unknown_result")
        raise Problem("validation_failed", told, errors=[fault]) from error
    draft = None
    if entry is not None and period_start is not None and period_end is not None:
        if period_end < period_start:
            raise Problem(
                "malformed_request",
                Text("评估期的结束早于开始", "the period ends before it starts"),
            )
        days = (period_start, period_end)
        draft = await to_thread.run_sync(_draft, context, made, entry, days)
    document = {**made.document(), "digest": made.digest(), "draft": draft}
    return answer(request, document)


def _made(body: bytes, rows: int | None) -> Imported:
    name = "body"
    document = parsed(body, name)
    documents = [(name, document)]
    if isinstance(document, Mapping) and document.keys() == {"run_results", "manifest"}:
        documents = list(document.items())
    reading = read_results(documents, rows=rows)
    return imported(reading, [(name, body)], default_mapping(), DEFAULT_PROFILE)


def _draft(
    context: ContextOf, made: Imported, entry: str, days: tuple[date, date]
) -> dict[str, Any] | None:
    with context.office.read() as connection:
        standing = catalogue.standing(connection, [entry]).get(entry)
    if standing is None:
        raise Problem("unknown_entry", Text(f"没有目录 {entry}", f"there is no entry {entry}"))
    if made.total is None:
        return None
    draft = made.draft(
        entry=entry, edition=standing.edition, period=days, public=not standing.restricted
    )
    return draft.model_dump(mode="json", exclude_none=True)

"""The OpenAPI document: what FastAPI knows of the routes, and what it cannot know.

Added here are the problem answers, which every operation shares, and the models of request bodies, which
are read by :mod:`api.validation` and not by the framework. ``docs/openapi.json`` keeps the document; a test
compares the two. ``make openapi`` writes it anew.
"""

from __future__ import annotations

from typing import Any

import msgspec
from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response

from api.answers import AS_OF_HEADER, answer
from api.problems import PROBLEM_JSON
from api.shapes import ProblemShape
from ledger.lineage.certificate.document import CarriedCertificate, Certificate
from ledger.log import CarriedProof, ConsistencyProof, InclusionProof

DESCRIPTION = (
    "公共数据治理账本的查询与写入接口。写入都是签名声明:先 `POST /api/v1/statements/prepare`,再用部门密钥签名,"
    "最后 `POST /api/v1/statements`。\n\n"
    "Reading and writing the ledger of public-data governance. Whatever is written is a signed statement: "
    "`prepare`, sign with a department's key, hand it in. Every answer about the ledger tells the log size "
    f"that it is about (`{AS_OF_HEADER}`), and takes `as_of` to ask about an earlier one. "
    "Errors are RFC 9457 problem details; `/problems` explains each type."
)
_REQUESTS: list[type[BaseModel]] = []
"""Models of request bodies, in the order in which their routes were made."""
_REFERENCE = "#/components/schemas/{model}"


def request_body(model: type[BaseModel]) -> dict[str, Any]:
    """``openapi_extra`` of a route whose body is read into ``model``."""
    _REQUESTS.append(model)
    return {
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {"schema": {"$ref": _REFERENCE.format(model=model.__name__)}}
            },
        },
    }


def describe(app: FastAPI) -> dict[str, Any]:
    """The OpenAPI document of ``app``."""
    document = get_openapi(
        title="GovLedger API",
        version="1",
        summary="公共数据治理账本 · A ledger for the governance of public data",
        description=DESCRIPTION,
        routes=app.routes,
    )
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    models: list[type[BaseModel]] = [ProblemShape, *_REQUESTS]
    for model in models:
        _define(schemas, model)
    _, proofs = msgspec.json.schema_components(
        [InclusionProof, CarriedProof, ConsistencyProof, Certificate, CarriedCertificate],
        ref_template="#/components/schemas/{name}",
    )
    schemas.update(proofs)
    for operations in document["paths"].values():
        for operation in operations.values():
            responses = operation["responses"]
            responses.pop("422", None)
            responses["default"] = {
                "description": "错误 · A problem (RFC 9457)",
                "content": {
                    PROBLEM_JSON: {"schema": {"$ref": _REFERENCE.format(model="ProblemShape")}}
                },
            }
    document["components"]["securitySchemes"] = {"bearer": {"type": "http", "scheme": "bearer"}}
    document["components"]["schemas"] = dict(sorted(schemas.items()))
    return document


def _define(schemas: dict[str, Any], model: type[BaseModel]) -> None:
    schema = model.model_json_schema(ref_template=_REFERENCE)
    schemas.update(schema.pop("$defs", {}))
    schemas[model.__name__] = schema


def install(app: FastAPI) -> None:
    """Serve the document at ``/openapi.json``, made once."""
    kept: list[dict[str, Any]] = []

    @app.get("/openapi.json", include_in_schema=False)
    async def document(request: Request) -> Response:
        if not kept:
            kept.append(describe(app))
        return answer(request, kept[0])

"""JSON Schemas (2020-12) of what can be said here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response

from api import shapes
from api.answers import answer
from api.drafts import DecisionDraft, FilingDraft, Preparation
from api.language import Text
from api.problems import Problem
from api.routing import api_router
from api.submission import Submission
from ledger.audits.statements import ReportDraft
from ledger.catalogue.schema import SCHEMA_NAME, entry_schema
from ledger.corrections.statements import CorrectionDraft
from ledger.deliveries.statements import DeliveryDraft, ManifestDraft, ResourceDraft
from ledger.lineage.statements import CheckpointDraft, RuleDraft, StepDraft
from ledger.obligations.statements import (
    BindingDraft,
    ExemptionDraft,
    ObjectionDraft,
    ObligationDraft,
)
from ledger.organisations.statements import KeyDraft, OrganisationDraft
from ledger.quality.ruleset import rules_schema
from ledger.quality.statements import ScoreDraft
from ledger.quality.weights import WeightProfile

router = api_router("/schemas", "模式 schemas")


def _of(model: type[BaseModel], name: str) -> Callable[[], dict[str, Any]]:
    return lambda: {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"/api/v1/schemas/{name}",
        **model.model_json_schema(),
    }


SCHEMAS: dict[str, tuple[Callable[[], dict[str, Any]], Text]] = {
    SCHEMA_NAME: (entry_schema, Text("目录条目", "a catalogue entry")),
    "organisation": (_of(OrganisationDraft, "organisation"), Text("机构登记", "an organisation")),
    "key": (_of(KeyDraft, "key"), Text("密钥登记", "a key")),
    "filing": (_of(FilingDraft, "filing"), Text("目录报送", "a filing of an entry")),
    "decision": (_of(DecisionDraft, "decision"), Text("审核决定", "a decision on an entry")),
    "score": (_of(ScoreDraft, "score"), Text("质量评分", "a quality score")),
    "obligation": (_of(ObligationDraft, "obligation"), Text("归集义务", "an obligation")),
    "binding": (_of(BindingDraft, "binding"), Text("义务与目录绑定", "a binding to an entry")),
    "objection": (_of(ObjectionDraft, "objection"), Text("异议或答复", "an objection or answer")),
    "exemption": (_of(ExemptionDraft, "exemption"), Text("豁免", "an exemption")),
    "quality-rules": (rules_schema, Text("质量规则集", "a quality rule set")),
    "quality-weights": (
        _of(WeightProfile, "quality-weights"),
        Text("质量权重方案", "a weight profile"),
    ),
    "resource": (_of(ResourceDraft, "resource"), Text("资源挂接", "a resource")),
    "manifest": (_of(ManifestDraft, "manifest"), Text("数据清单", "a manifest")),
    "delivery": (_of(DeliveryDraft, "delivery"), Text("归集交付", "a delivery")),
    "correction": (
        _of(CorrectionDraft, "correction"),
        Text("校核步骤", "a step of a correction request"),
    ),
    "report": (_of(ReportDraft, "report"), Text("审计报告", "an audit report")),
    "dataset-rule": (_of(RuleDraft, "dataset-rule"), Text("数据集归属规则", "a data set rule")),
    "step": (_of(StepDraft, "step"), Text("加工步骤", "a declared step")),
    "checkpoint": (
        _of(CheckpointDraft, "checkpoint"),
        Text("日志检查点", "a journal's checkpoint"),
    ),
    "preparation": (_of(Preparation, "preparation"), Text("准备请求", "what `prepare` takes")),
    "submission": (_of(Submission, "submission"), Text("提交请求", "what is handed in, signed")),
}


@router.get(
    "", summary="有哪些模式 · Which schemas there are", responses=shapes.ok(shapes.SchemaList)
)
async def list_schemas(request: Request) -> Response:
    items = [
        {"name": name, "href": f"/api/v1/schemas/{name}", **title.both()}
        for name, (_, title) in SCHEMAS.items()
    ]
    return answer(request, {"items": items})


@router.get("/{name}", summary="一个 JSON Schema · One JSON Schema")
async def one_schema(request: Request, name: str) -> Response:
    if name not in SCHEMAS:
        raise Problem(
            "unknown_schema",
            Text(
                f"没有模式 {name},现有:{'、'.join(SCHEMAS)}",
                f"no schema {name}; {', '.join(SCHEMAS)}",
            ),
        )
    return answer(request, SCHEMAS[name][0]())

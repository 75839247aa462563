"""What is said of lineage by signature: rules, declared steps, and anchored checkpoints of journals."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Path, Query
from starlette.requests import Request
from starlette.responses import Response

from api import shapes
from api.answers import answer
from api.context import DEFAULT_LIMIT, AsOf, ContextOf, CursorText, Limit
from api.language import Text
from api.listing import Cut, listing
from api.problems import Problem
from api.routing import api_router
from api.subjects import version_tag_at
from api.wording import named, time_of
from ledger.codes import StepType
from ledger.lineage import queries
from ledger.lineage.attribution import Rule
from ledger.lineage.queries import AnchoredCheckpoint, Step

router = api_router("/lineage", "血缘 lineage")

Code = Annotated[str, Path(max_length=128, description="代码。 Its code.")]
Withdrawn = Annotated[bool, Query(description="包括已取消的。 Withdrawn ones too.")]


@router.get(
    "/rules",
    summary="数据集归属规则 · Rules that tie data sets to catalogue entries, by code",
    responses=shapes.ok(shapes.RulePage),
)
def rules(
    request: Request,
    context: ContextOf,
    *,
    holder: Annotated[
        str | None, Query(max_length=40, description="数据所属机构代码。 Whose data sets.")
    ] = None,
    entry: Annotated[
        str | None, Query(max_length=256, description="目录代码。 The entry's code.")
    ] = None,
    withdrawn: Withdrawn = False,
    as_of: AsOf = None,
    limit: Limit = DEFAULT_LIMIT,
    cursor: CursorText = None,
) -> Response:
    filters = {"holder": holder, "entry": entry, "withdrawn": withdrawn}
    cut = Cut(request, context, as_of, cursor, limit)
    return listing(cut, queries.rules, show_rule, filters, after="code")


@router.get(
    "/rules/{code:path}", summary="一条规则 · One rule", responses=shapes.ok(shapes.RuleDocument)
)
def rule(request: Request, context: ContextOf, code: Code, as_of: AsOf = None) -> Response:
    with context.view(as_of) as view:
        found = queries.rule(view.conn, code, view.held)
        if found is None:
            raise _unknown("unknown_rule", "规则", "rule", code, view.as_of)
        tag = version_tag_at(view, found.version, found.leaf_from)
        return answer(request, show_rule(found), as_of=view.as_of, tag=tag)


@router.get(
    "/steps",
    summary="声明的加工步骤 · Declared steps of processing, by code",
    responses=shapes.ok(shapes.StepPage),
)
def steps(
    request: Request,
    context: ContextOf,
    *,
    withdrawn: Withdrawn = False,
    as_of: AsOf = None,
    limit: Limit = DEFAULT_LIMIT,
    cursor: CursorText = None,
) -> Response:
    filters = {"withdrawn": withdrawn}
    cut = Cut(request, context, as_of, cursor, limit)
    return listing(cut, queries.steps, show_step, filters, after="code")


@router.get(
    "/steps/{code:path}", summary="一个步骤 · One step", responses=shapes.ok(shapes.StepDocument)
)
def step(request: Request, context: ContextOf, code: Code, as_of: AsOf = None) -> Response:
    with context.view(as_of) as view:
        found = queries.steps(view.conn, codes=[code], withdrawn=True, as_of=view.held)
        if not found:
            raise _unknown("unknown_step", "加工步骤", "step", code, view.as_of)
        tag = version_tag_at(view, found[0].version, found[0].leaf_from)
        return answer(request, show_step(found[0]), as_of=view.as_of, tag=tag)


@router.get(
    "/checkpoints",
    summary="已锚定的日志检查点,新的在前 · Anchored checkpoints of journals, newest first",
    responses=shapes.ok(shapes.CheckpointPage),
)
def checkpoints(
    request: Request,
    context: ContextOf,
    *,
    origin: Annotated[
        str | None, Query(max_length=256, description="日志名称。 The journal's name.")
    ] = None,
    as_of: AsOf = None,
    limit: Limit = DEFAULT_LIMIT,
    cursor: CursorText = None,
) -> Response:
    filters = {"origin": origin}
    cut = Cut(request, context, as_of, cursor, limit)
    newest = queries.newest_checkpoints
    return listing(cut, newest, show_checkpoint, filters, before="leaf_from")


def show_rule(rule: Rule) -> dict[str, Any]:
    return {
        "code": rule.code,
        "active": rule.active,
        "holder": rule.holder,
        "entry": rule.entry,
        "namespace": rule.namespace,
        "name": rule.name,
        "system": rule.system,
        "priority": rule.priority,
        "note": rule.note,
        **_leaf(rule),
    }


def show_step(step: Step) -> dict[str, Any]:
    # Data sets go by their numbers in the tables; here they go by their names.
    names = {end.dataset: end for end in (*step.inputs, *step.outputs)}

    def shown(number: int, field: str | None = None) -> dict[str, Any]:
        end = names[number]
        place = (
            {"namespace": None, "name": None, "entry": end.entry}
            if end.entry
            else {"namespace": end.namespace, "name": end.name, "entry": None}
        )
        return place if field is None else {**place, "field": field or None}

    return {
        "code": step.code,
        "active": step.active,
        "name": {"zh": step.name, "en": step.name_en},
        "type": named(StepType, step.type),
        "organisation": step.organisation,
        "deidentification": step.deidentification,
        "inputs": [shown(end.dataset) for end in step.inputs],
        "outputs": [shown(end.dataset) for end in step.outputs],
        "columns": [
            {
                "output": shown(one.output, one.output_field),
                "input": shown(one.input, one.input_field),
                "kind": one.kind,
                "subtype": one.subtype or None,
                "masking": one.masking,
            }
            for one in step.columns
        ],
        "note": step.note,
        **_leaf(step),
    }


def show_checkpoint(one: AnchoredCheckpoint) -> dict[str, Any]:
    return {
        "origin": one.origin,
        "size": one.size,
        "root": one.root,
        "organisation": one.organisation,
        **_leaf(one),
    }


def _leaf(one: Rule | Step | AnchoredCheckpoint) -> dict[str, Any]:
    return {
        "version": one.version,
        "recorded_at": time_of(one.recorded_at),
        "leaf_from": one.leaf_from,
        "leaf_until": one.leaf_until,
    }


def _unknown(kind: str, zh: str, en: str, code: str, size: int) -> Problem:
    return Problem(
        kind,
        Text(
            f"日志大小为 {size} 时没有代码为 {code} 的{zh}",
            f"there is no {en} {code} as of log size {size}",
        ),
    )

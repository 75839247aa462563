"""The log (日志): checkpoints, leaves, and proofs that anybody can check without this server."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import Path, Query
from starlette.requests import Request
from starlette.responses import Response

from api import shapes
from api.answers import answer, answer_bytes, entity_tag
from api.context import DEFAULT_LIMIT, AsOf, Context, ContextOf, Limit, View
from api.language import Text
from api.leaves import show_authorisation, show_recorded, show_statements
from api.problems import Fault, Problem
from api.routing import api_router
from ledger.log import ProveError, build_consistency, build_proof, render
from ledger.mirror import queries as mirror
from ledger.statements import Statement, address_bytes

router = api_router("/log", "日志与证明 log and proofs")

IndexPath = Annotated[int, Path(ge=0, lt=1 << 63, description="叶序号。 Leaf index, from 0.")]
SizeQuery = Annotated[
    int | None,
    Query(
        ge=0, lt=1 << 63, description="日志大小,缺省为当前。 Log size, the present one by default."
    ),
]


@router.get(
    "/checkpoint",
    summary="检查点 · The log's size and root",
    responses=shapes.ok(shapes.CheckpointDocument),
)
def checkpoint(request: Request, context: ContextOf, as_of: AsOf = None) -> Response:
    with context.view(as_of) as view:
        found = mirror.checkpoint(view.conn, view.as_of)
        tag = entity_tag(found.root, found.size, found.block_hash)
        return answer(request, found, as_of=view.as_of, tag=tag)


@router.get(
    "/statements",
    summary="按序读取声明 · Leaves in order",
    responses=shapes.ok(shapes.StatementPage),
)
def statements(
    request: Request,
    context: ContextOf,
    first: Annotated[int, Query(ge=0, lt=1 << 63)] = 0,
    limit: Limit = DEFAULT_LIMIT,
    as_of: AsOf = None,
) -> Response:
    with context.view(as_of) as view:
        count = min(limit, max(0, view.as_of - first))
        found = mirror.statements(view.conn, first, count)
        after = first + len(found)
        content = {
            "as_of": view.as_of,
            "log_size": view.log_size,
            "items": show_statements(view, found),
            "next": after if found and after < view.as_of else None,
        }
        return answer(request, content, as_of=view.as_of)


@router.get(
    "/statements/{index}",
    summary="一条声明及其授权 · One leaf and who vouched for it",
    responses=shapes.ok(shapes.StatementDocument),
)
def statement(request: Request, context: ContextOf, index: IndexPath) -> Response:
    with context.view() as view:
        found = _statement_at(view, index)
        shown = show_statements(view, [found])[0]
        authorisation, recorded = mirror.vouched(view.conn, index)
        shown["authorised"] = show_authorisation(authorisation)
        shown["recorded"] = show_recorded(recorded)
        return answer(request, shown, as_of=view.as_of)


@router.get(
    "/proofs/inclusion",
    summary="包含证明 · Inclusion proof (RFC 9162, 2.1.3)",
    responses=shapes.proof("InclusionProof", "CarriedProof"),
)
def inclusion(
    request: Request,
    context: ContextOf,
    index: Annotated[int, Query(ge=0, lt=1 << 63, description="叶序号。 Leaf index.")],
    size: SizeQuery = None,
) -> Response:
    """A proof file: save the answer as it is; `govledger log verify FILE` checks it without this server."""
    with context.view() as view:
        within = _size(view, size, "size")
        if index >= within:
            raise unknown_statement(index, within)
        try:
            proof = build_proof(
                view.conn, index, within, genesis_authority=_genesis(context), now=view.now
            )
        except ProveError as error:
            raise _unprovable(error) from error
        return answer_bytes(request, render(proof), as_of=within, tag=_proof_tag(proof))


@router.get(
    "/proofs/consistency",
    summary="一致性证明 · Consistency proof (RFC 9162, 2.1.4)",
    responses=shapes.proof("ConsistencyProof"),
)
def consistency(
    request: Request,
    context: ContextOf,
    from_: Annotated[
        int,
        Query(alias="from", ge=1, lt=1 << 63, description="较早的大小。 The earlier size, from 1."),
    ],
    to: SizeQuery = None,
) -> Response:
    with context.view() as view:
        later = _size(view, to, "to")
        if from_ > later:
            raise _beyond(from_, later, "from")
        proof = build_consistency(view.conn, from_, later, genesis_authority=_genesis(context))
        return answer_bytes(request, render(proof), as_of=later, tag=_proof_tag(proof))


def _genesis(context: Context) -> bytes:
    return address_bytes(context.office.deployment.genesis_authority)


def _proof_tag(proof: dict[str, Any]) -> str:
    return entity_tag(proof["bundle_digest"])


def _unprovable(error: ProveError) -> Problem:
    """A leaf that this release cannot read: it is on the ledger, and its path alone would prove nothing."""
    return Problem("unprovable", Text(f"无法生成证明:{error}", f"no proof can be made: {error}"))


def _statement_at(view: View, index: int) -> Statement:
    if index >= view.log_size:
        raise unknown_statement(index, view.log_size)
    return mirror.statement_at(view.conn, index)


def _size(view: View, size: int | None, name: str) -> int:
    if size is None:
        return view.log_size
    if size > view.log_size:
        raise _beyond(size, view.log_size, name)
    return size


def _beyond(size: int, log_size: int, name: str) -> Problem:
    detail = Text(
        f"{name}={size} 超出日志大小 {log_size}", f"{name}={size} is beyond size {log_size}"
    )
    faults: Sequence[Fault] = [Fault(f"?{name}", detail, "beyond_the_log")]
    return Problem("validation_failed", detail, faults, {"log_size": log_size})


def unknown_statement(index: int, size: int) -> Problem:
    """No leaf ``index`` in a log of ``size`` leaves."""
    members: dict[str, Any] = {"log_size": size}
    return Problem(
        "unknown_statement",
        Text(f"大小为 {size} 的日志没有第 {index} 条", f"a log of size {size} has no leaf {index}"),
        members=members,
    )

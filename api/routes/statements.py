"""Writing (写入): prepare what to sign, hand in what was signed, and follow its receipt."""

from __future__ import annotations

import time
from typing import Annotated, Any, Literal

from anyio.to_thread import run_sync
from fastapi import Depends, Header, Path, Query
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from api import idempotency, shapes
from api.answers import answer, matches
from api.context import Context, ContextOf, View
from api.drafts import Preparation
from api.language import Text
from api.openapi import request_body
from api.preflight import preflight, refused
from api.preparation import Prepared, prepare
from api.problems import Problem
from api.routing import api_router
from api.subjects import version_tag_at
from api.submission import Submission, read_submission
from api.validation import body_of
from api.wording import role_names
from ledger.chain.outbox import Receipt, State, UnknownReceipt
from ledger.mirror import queries as mirror
from ledger.statements import subject_of, text_hash

router = api_router("/statements", "写入 writing")

MAX_WAIT = 60.0
_FIRST_PAUSE = 0.01
_LONGEST_PAUSE = 0.25
ReceiptId = Annotated[
    str, Path(pattern="^0x[0-9a-fA-F]{64}$", description="回执号。 The receipt's id.")
]


@router.post(
    "/prepare",
    summary="准备:要说的话 → 待签名的 EIP-712 数据 · What to say, made ready to sign",
    responses=shapes.ok(shapes.PreparedDocument),
    openapi_extra=request_body(Preparation),
)
def prepare_statements(
    request: Request,
    context: ContextOf,
    wanted: Annotated[Preparation, Depends(body_of(Preparation))],
    if_match: Annotated[
        str | None,
        Header(description="所依据版本的 ETag。 The ETag of the version that this builds on."),
    ] = None,
) -> Response:
    """Nothing is kept and nothing is sent, but the texts of restricted entries are sealed here, so that
    what their commitments stand for is not lost.
    """
    with context.view() as view:
        prepared = prepare(context, view, wanted)
        tags = _current_tags(view, prepared)
        if if_match is not None and not all(
            tag is not None and matches(if_match, tag, strong=True) for tag in tags
        ):
            raise Problem(
                "precondition_failed",
                Text(
                    f"If-Match 为 {if_match[:200]},当前为 {'、'.join(tag or '无' for tag in tags)}",
                    f"If-Match says {if_match[:200]}, it is {', '.join(tag or 'none' for tag in tags)}",
                ),
                members={"current": tags},
            )
        as_of = view.as_of
    context.office.seal(prepared.envelopes)
    return answer(request, _show_prepared(context, prepared), as_of=as_of)


@router.post(
    "",
    summary="提交已签名的声明 · Hand in signed statements",
    status_code=202,
    responses=shapes.ok(shapes.ReceiptDocument, 202),
    openapi_extra=request_body(Submission),
)
async def submit(
    request: Request,
    context: ContextOf,
    given: Annotated[Submission, Depends(body_of(Submission))],
    idempotency_key: Annotated[
        str | None, Header(description="同键同文只受理一次。 The same key and body are taken once.")
    ] = None,
) -> Response:
    """202: the batch is durable here and will be sent; follow `Location` to see it recorded.

    What the contract would refuse is refused here already, as far as that can be known.
    """
    body = await request.body()
    receipt, note, repeated = await run_in_threadpool(
        _accept, context, given, idempotency.check_key(idempotency_key), body
    )
    content = show_receipt(receipt)
    if note is not None:
        content["note"] = note.both()
    location = f"/api/v1/statements/{receipt.id}"
    headers = {"location": location} | ({"idempotency-replayed": "true"} if repeated else {})
    return answer(request, content, status=202, headers=headers)


@router.get(
    "/{receipt}",
    summary="回执 · What became of a batch",
    responses=shapes.ok(shapes.ReceiptDocument),
)
async def receipt_of(
    request: Request,
    context: ContextOf,
    receipt: ReceiptId,
    wait: Annotated[
        float,
        Query(ge=0, le=MAX_WAIT, description="最多等待的秒数。 Seconds to wait for `until`."),
    ] = 0.0,
    until: Literal["sent", "recorded", "verified"] = "recorded",
) -> Response:
    ends = time.monotonic() + wait
    pause = _FIRST_PAUSE
    while True:
        found = await run_sync(_receipt, context, receipt)
        left = ends - time.monotonic()
        if found.reached(State(until)) or found.state is State.REFUSED or left <= 0:
            return answer(request, show_receipt(found))
        await context.pulse.wait(min(pause, left))
        pause = min(pause * 1.5, _LONGEST_PAUSE)


def _accept(
    context: Context, given: Submission, key: str | None, body: bytes
) -> tuple[Receipt, Text | None, bool]:
    """The receipt, a passing note, and whether the batch was handed in before."""
    outbox = context.office.outbox
    if key is not None:
        before = idempotency.known(context.office.desk_engine, key, body)
        if before is not None:
            try:
                return outbox.receipt(before), None, True
            except UnknownReceipt:  # the key was kept, and then the machine stopped: go on
                pass
    signed = read_submission(context, given)
    domain = context.office.deployment.domain(signed.batch.struct.contract)
    receipt_id = "0x" + signed.batch.digest(domain).hex()
    repeated = _taken(context, receipt_id)
    note = None
    if repeated is None:
        try:
            note = preflight(context, signed)
        except Problem as problem:
            context.metrics.submissions.labels(problem.code).inc()
            raise
    if key is not None:
        idempotency.claim(context.office.desk_engine, key, body, receipt_id)
    if repeated is not None:
        context.metrics.submissions.labels("repeated").inc()
        return repeated, None, True
    accepted = context.office.hand_in(signed)
    context.metrics.submissions.labels("accepted").inc()
    return accepted, note, False


def _taken(context: Context, receipt_id: str) -> Receipt | None:
    """The receipt of a batch that is here already and was not refused."""
    try:
        found = context.office.outbox.receipt(receipt_id)
    except UnknownReceipt:
        return None
    return None if found.state is State.REFUSED else found


def _receipt(context: Context, receipt_id: str) -> Receipt:
    try:
        return context.office.outbox.receipt(receipt_id)
    except UnknownReceipt as error:
        raise Problem(
            "unknown_receipt",
            Text(f"本处没有回执 {receipt_id}", str(error)),
        ) from error


def _current_tags(view: View, prepared: Prepared) -> list[str | None]:
    """The tag of the newest version of each subject, None where there is none yet."""
    batch = prepared.batch
    organisation = text_hash(batch.organisation)
    tags: list[str | None] = []
    for values in batch.values:
        subject = subject_of(batch.struct, values, organisation)
        newest = mirror.newest_about(view.conn, batch.struct.kind, subject)
        tags.append(None if newest is None else version_tag_at(view, newest.version, newest.leaf))
    return tags


def _show_prepared(context: Context, prepared: Prepared) -> dict[str, Any]:
    batch = prepared.batch
    domain = context.office.deployment.domain(batch.struct.contract)
    zh, en = role_names(prepared.roles)
    content: dict[str, Any] = {
        "struct": batch.struct.name,
        "kind": batch.struct.kind,
        "organisation": batch.organisation,
        "deadline": batch.deadline,
        "receipt": batch.digest(domain),
        "typed_data": batch.typed_data(domain),
        "bodies": [body.decode() for body in batch.bodies],
        "restricted": [envelope.code for envelope in prepared.envelopes],
        "signer_role": {"zh": zh, "en": en},
        "cosigner_role": None,
    }
    if prepared.cosigner is not None:
        zh, en = role_names(int(prepared.cosigner))
        content["cosigner_role"] = {"zh": zh, "en": en}
    return content


def show_receipt(receipt: Receipt) -> dict[str, Any]:
    """A receipt for an answer; a refusal is shown as the problem that it would have been."""
    content: dict[str, Any] = {
        "receipt": receipt.id,
        "state": receipt.state.value,
        "struct": receipt.struct,
        "organisation": receipt.organisation,
        "signer": receipt.signer,
        "count": receipt.count,
        "accepted_at": receipt.accepted_at,
        "updated_at": receipt.updated_at,
        "transaction": receipt.transaction_hash,
        "block_number": receipt.block_number,
        "block_hash": receipt.block_hash,
        "first_index": receipt.first_index,
        "gas_used": receipt.gas_used,
        "note": None if receipt.note is None else {"zh": receipt.note, "en": receipt.note},
        "error": None,
    }
    if receipt.error is not None:
        problem = refused(receipt.error)
        hint = problem.hint or Text("", "")
        content["error"] = {
            "code": problem.code,
            "detail": problem.detail.both(),
            "hint": hint.both(),
            **problem.members,
        }
    return content

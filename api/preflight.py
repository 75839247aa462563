"""Asking the contract before anything is accepted, and its refusals as problems."""

from __future__ import annotations

from typing import Any

from api.context import Context
from api.language import Text
from api.problems import Fault, Problem
from ledger.chain.errors import ContractRefusal, explain
from ledger.chain.interface import CallReverted, ChainError
from ledger.chain.outbox import calldata_of
from ledger.signatures import SignatureError, signer_of
from ledger.statements import Batch, SignedBatch, address_bytes, text_hash

_KEY_SIGNATURE = 65


def preflight(context: Context, signed: SignedBatch) -> Text | None:
    """Ask the contract, without sending, whether it would record the batch; raises its refusal.

    Returns what the caller should know beside the receipt, if anything.

    While other batches of this desk are on their way, only what they cannot cure is refused (a wrong
    signature, a deadline that has passed): this one may build on them. While there are many, the contract is not
    asked beforehand, because that costs it as much as the real thing. Where the chain is out of reach
    the batch is accepted, and the receipt will tell.
    """
    office = context.office
    batch = signed.batch
    if len(signed.signature) == _KEY_SIGNATURE:
        _check_signature(context, signed)
    if batch.deadline < office.clock():
        raise _passed(batch.deadline)
    if office.outbox.pending(MANY) >= MANY:
        return _ON_THEIR_WAY
    try:
        office.chain.call(office.deployment.registry(batch.struct.contract), calldata_of(signed))
    except CallReverted as error:
        refusal = explain(error.data, _words(batch), batch.struct.contract)
        if refusal.name not in _INCURABLE and office.outbox.pending():
            return _ON_THEIR_WAY
        raise refused(refusal) from error
    except ChainError as error:
        return Text(
            f"暂时无法连接区块链,恢复后自动发送({error})",
            f"it is sent once the chain answers: {error}",
        )
    return None


MANY = 8
"""So many batches on their way are many."""
_ON_THEIR_WAY = Text(
    "另有声明正在上链,本批能否入账以回执为准",
    "other batches are on their way; the receipt will tell what became of this one",
)
_INCURABLE = frozenset(
    {
        "BadSignature",
        "BodyMissing",
        "BodyTooLarge",
        "DeadlinePassed",
        "MemberFixed",
        "OutOfRange",
        "OwnEntry",
        "WrongRoot",
    }
)
_REFUSALS = {
    "StaleVersion": ("stale_version", None),
    "RoleMissing": ("role_missing", None),
    "CosignatureMissing": ("cosignature_missing", None),
    "CosignerIsSigner": ("cosignature_missing", None),
    "NotOwner": ("not_owner", None),
    "NotRequester": ("not_owner", None),
    "BadSignature": ("bad_signature", None),
    "DeadlinePassed": ("deadline_passed", None),
    "IllegalTransition": ("illegal_transition", None),
    "UnknownOrganisation": ("unknown_organisation", 422),
    "UnknownEntry": ("unknown_entry", 422),
    "UnknownEdition": ("unknown_edition", 422),
    "UnknownManifest": ("unknown_manifest", 422),
}


def refused(refusal: ContractRefusal) -> Problem:
    """A contract's refusal as a problem, with its name and arguments, and the version it expects."""
    code, status = _REFUSALS.get(refusal.name, ("refused", None))
    members: dict[str, Any] = {"refusal": {"name": refusal.name, "args": refusal.args}}
    if refusal.expected_version is not None:
        members["expected_version"] = refusal.expected_version
    return Problem(
        code,
        Text(refusal.message_zh, refusal.message_en),
        members=members,
        status=status,
        hint=Text(refusal.hint_zh, refusal.hint_en),
    )


def _check_signature(context: Context, signed: SignedBatch) -> None:
    """A 65-byte signature of a key recovers to it; a contract account's is the contract's to judge."""
    office = context.office
    digest = signed.batch.digest(office.deployment.domain(signed.batch.struct.contract))
    try:
        recovered = signer_of(digest, signed.signature)
    except SignatureError:
        recovered = b""
    if recovered == address_bytes(signed.signer):
        return
    try:
        if office.chain.code(address_bytes(signed.signer)):
            return
    except ChainError:
        return
    found = "0x" + recovered.hex() if recovered else "–"
    detail = Text(
        f"该签名出自 {found},不是 {signed.signer} 对这些内容的签名",
        f"the signature is of {found}, not of {signed.signer} over these statements",
    )
    raise Problem("bad_signature", detail, [Fault("/signature", detail, "bad_signature")])


def _passed(deadline: int) -> Problem:
    detail = Text(f"签名有效期至 {deadline},已过", f"the deadline {deadline} has passed")
    pointer = "/typed_data/message/deadline"
    return Problem("deadline_passed", detail, [Fault(pointer, detail, "deadline_passed")])


def _words(batch: Batch) -> dict[bytes, str]:
    """The texts whose hashes a refusal may name."""
    texts = [batch.organisation]
    for values in batch.values:
        texts += [value for value in values.values() if isinstance(value, str)]
    return {text_hash(text): text for text in texts}

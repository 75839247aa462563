"""From signed EIP-712 JSON back to a batch: what was signed is what is sent, word for word.

Refused here is what cannot be meant: typed data of another ledger, bodies that are not the ones signed,
statements that the log would keep but nobody could read. Whether the key may say it is for the contract to
judge, see :mod:`api.preflight`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from pydantic import Field

from api.context import Context
from api.language import Text
from api.problems import Fault, Problem
from api.validation import Written
from ledger.canonical import CanonicalError, parse_canonical
from ledger.mirror.projections import Decoded
from ledger.statements import (
    MAX_BATCH,
    MAX_BODY_BYTES,
    STRUCTS,
    Batch,
    SignedBatch,
    Statement,
    StatementError,
    StructType,
    Value,
    sha256,
    subject_of,
    text_hash,
)

HexText = Annotated[str, Field(pattern="^0x([0-9a-fA-F]{2})*$", max_length=20_002)]
AddressText = Annotated[str, Field(pattern="^0x[0-9a-fA-F]{40}$")]
_KEY_SIGNATURE = 65
BY_BATCH: dict[str, StructType] = {struct.batch: struct for struct in STRUCTS}


class TypedMessage(Written):
    """The message that was signed: who speaks, until when it counts, and the statements."""

    organisation: Annotated[str, Field(min_length=1, max_length=40)]
    deadline: Annotated[int, Field(ge=0, lt=1 << 64)]
    statements: Annotated[list[dict[str, Any]], Field(min_length=1, max_length=MAX_BATCH)]


class TypedData(Written):
    """EIP-712 JSON, as ``prepare`` gave it and as it was signed."""

    types: dict[str, list[dict[str, str]]]
    primaryType: str  # noqa: N815 - the name that EIP-712 gives it
    domain: dict[str, Any]
    message: TypedMessage


class Submission(Written):
    """A signed batch. ``bodies`` are the texts of the statements, in their order.

    ``cosigner`` and ``cosignature`` go together: the department head's approval of what is submitted.
    """

    typed_data: TypedData
    bodies: Annotated[
        list[Annotated[str, Field(max_length=MAX_BODY_BYTES)]],
        Field(min_length=1, max_length=MAX_BATCH),
    ]
    signer: AddressText
    signature: HexText
    cosigner: AddressText | None = None
    cosignature: HexText | None = None


def read_submission(context: Context, given: Submission) -> SignedBatch:
    """The signed batch in ``given``; raises problems that say which value is wrong."""
    struct = BY_BATCH.get(given.typed_data.primaryType)
    if struct is None:
        detail = Text(
            f"primaryType 应为 {'、'.join(BY_BATCH)} 之一",
            f"primaryType is one of {', '.join(BY_BATCH)}",
        )
        raise _fault("/typed_data/primaryType", detail, "primary_type")
    rows = given.typed_data.message.statements
    if len(rows) != len(given.bodies):
        detail = Text(
            f"{len(rows)} 条声明对应 {len(given.bodies)} 份正文",
            f"{len(rows)} statements came with {len(given.bodies)} bodies",
        )
        raise _fault("/bodies", detail, "count")
    bodies = tuple(body.encode() for body in given.bodies)
    batch = _batch(given, struct, bodies)
    _check_ledger(context, given, batch)
    _check_readable(context, batch)
    signed = SignedBatch(
        batch=batch,
        signer=given.signer,
        signature=bytes.fromhex(given.signature[2:]),
        cosigner=given.cosigner,
        cosignature=bytes.fromhex((given.cosignature or "0x")[2:]),
    )
    if (given.cosigner is None) != (given.cosignature is None):
        detail = Text("cosigner 与 cosignature 须同时给出", "cosigner and cosignature go together")
        raise _fault("/cosignature", detail, "cosignature")
    return signed


def _batch(given: Submission, struct: StructType, bodies: tuple[bytes, ...]) -> Batch:
    message = given.typed_data.message
    values: list[Mapping[str, Value]] = []
    for position, (row, body) in enumerate(zip(message.statements, bodies, strict=True)):
        place = f"/typed_data/message/statements/{position}"
        try:
            read = _row(struct, row)
            struct.encode(read)
        except (StatementError, ValueError) as error:
            detail = Text(f"第 {position + 1} 条声明:{error}", f"statement {position}: {error}")
            raise _fault(place, detail, "statement") from error
        if read.pop("bodyDigest") != sha256(body):
            detail = Text(
                f"第 {position + 1} 份正文的 SHA-256 与已签名的 bodyDigest 不符",
                f"the SHA-256 of body {position} is not the bodyDigest that was signed",
            )
            fault = Fault(f"/bodies/{position}", detail, "body_digest")
            raise Problem("bad_signature", detail, [fault])
        values.append(read)
    try:
        return Batch(struct, message.organisation, message.deadline, tuple(values), bodies)
    except StatementError as error:
        raise _fault("/bodies", Text(f"正文不成立:{error}", str(error)), "body") from error


def _row(struct: StructType, row: Mapping[str, Any]) -> dict[str, Value]:
    """The members of one statement, hex of ``bytes32`` members as bytes; others are checked by encoding."""
    read: dict[str, Value] = {}
    kinds = dict(struct.members)
    for name, value in row.items():
        if kinds.get(name) == "bytes32" and isinstance(value, str) and value.startswith("0x"):
            read[name] = bytes.fromhex(value[2:])
        elif kinds.get(name, "").startswith("uint") and isinstance(value, str) and value.isdigit():
            read[name] = int(value)  # wallets write large integers as text
        else:
            read[name] = value
    return read


def _check_ledger(context: Context, given: Submission, batch: Batch) -> None:
    """The typed data must be exactly what this ledger would ask to be signed for these statements."""
    expected = batch.typed_data(context.office.deployment.domain(batch.struct.contract))
    domain = given.typed_data.domain
    for name, value in expected["domain"].items():
        if str(domain.get(name)).lower() != str(value).lower():
            detail = Text(
                f"domain.{name} 为 {domain.get(name)},本账本为 {value}",
                f"domain.{name} is {domain.get(name)}, this ledger's is {value}",
            )
            fault = Fault(f"/typed_data/domain/{name}", detail, "domain")
            raise Problem("wrong_ledger", detail, [fault])
    if set(domain) != set(expected["domain"]) or given.typed_data.types != expected["types"]:
        detail = Text(
            "types 或 domain 与本账本的定义不符",
            "types or domain are not those that this ledger defines",
        )
        raise _fault("/typed_data/types", detail, "types")


def _check_readable(context: Context, batch: Batch) -> None:
    """Refuse statements that the log would keep and no projection could show."""
    faults: list[Fault] = []
    for position in range(len(batch.bodies)):
        reason = _unreadable(context, batch, position)
        if reason is not None:
            detail = Text(f"会被标记为无法解读的声明:{reason}", f"nobody could read it: {reason}")
            faults.append(Fault(f"/bodies/{position}", detail, "malformed"))
    if faults:
        raise Problem("validation_failed", faults[0].detail, faults)


def _unreadable(context: Context, batch: Batch, position: int) -> str | None:
    struct, body = batch.struct, batch.bodies[position]
    try:
        parsed = parse_canonical(body, MAX_BODY_BYTES) if body else {}
    except CanonicalError as error:
        return f"the body is not canonical JSON (RFC 8785): {error}"
    if not isinstance(parsed, dict):
        return "the body is not a JSON object"
    statement = _as_recorded(batch, position)
    decoded = Decoded(statement, struct, struct.decode(statement.payload), parsed)
    for projection in context.office.projections:
        if struct.kind in projection.kinds:
            reason = projection.malformed(decoded)
            if reason is not None:
                return reason
    return None


def _as_recorded(batch: Batch, position: int) -> Statement:
    """The statement as the log would hold it, without what only recording gives it."""
    struct, body = batch.struct, batch.bodies[position]
    values = {**batch.values[position], "bodyDigest": sha256(body)}
    version, organisation = values["version"], text_hash(batch.organisation)
    return Statement(
        index=0,
        kind=struct.kind,
        subject=subject_of(struct, values, organisation),
        version=version if isinstance(version, int) else 0,
        org=organisation,
        signer=bytes(20),
        authorisation=bytes(32),
        recorded_at=0,
        payload=struct.encode(values),
        body_digest=sha256(body),
        body=body,
    )


def _fault(pointer: str, detail: Text, code: str) -> Problem:
    faults: Sequence[Fault] = [Fault(pointer, detail, code)]
    return Problem("validation_failed", detail, faults)

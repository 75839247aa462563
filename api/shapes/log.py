"""The log (日志)."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from api.shapes.base import Address, Hex, Hex32, Index, Shape, Size, Time


class CheckpointDocument(Shape):
    """The log at one size: keep it, and hold later answers against it."""

    format: str
    chain_id: int
    log: Address
    size: Size
    root: Hex32
    block_number: int
    block_hash: Hex32
    timestamp: Annotated[int, Field(description="Unix seconds")]


class FlagDocument(Shape):
    """Why a statement is kept but not shown in lists: it is malformed."""

    source: str
    reason: str


class RecordedDocument(Shape):
    """Where on the chain a statement stands."""

    transaction: Hex32
    block_number: int
    block_hash: Hex32
    timestamp: int


class AuthorisationDocument(Shape):
    """Who vouched for the statements ``first_index .. first_index + count - 1``, with the evidence."""

    digest: Hex32
    registry: Address
    organisation: Hex32
    signer: Address
    signature: Hex
    cosigner: Address | None
    cosignature: Hex
    deadline: int
    first_index: Index
    count: int


class StatementDocument(Shape):
    """One leaf of the log. ``leaf_hash = SHA-256(0x00 || leaf_input)``, RFC 9162, 2.1.1."""

    index: Index
    kind: str
    struct: Annotated[str | None, Field(description="null where the payload is of no known struct")]
    subject: Hex32
    version: int
    organisation: Annotated[
        dict[str, Any] | None, Field(description="code and names behind `org`, null if not known")
    ]
    org: Hex32
    signer: Address
    authorisation: Hex32
    recorded_at: Time
    timestamp: int
    values: Annotated[dict[str, Any] | None, Field(description="typed members of the payload")]
    payload: Hex
    body_digest: Hex32
    body: Annotated[Any, Field(description="the body as JSON, null where it is empty or no JSON")]
    body_text: Annotated[str | None, Field(description="the very text, null where it is not UTF-8")]
    leaf_input: Hex
    leaf_hash: Hex32
    flags: list[FlagDocument]
    authorised: AuthorisationDocument | None = None
    recorded: RecordedDocument | None = None


class StatementPage(Shape):
    """Leaves in the order of the log."""

    as_of: Size
    log_size: Size
    items: list[StatementDocument]
    next: Annotated[int | None, Field(description="`first` of the next page")]

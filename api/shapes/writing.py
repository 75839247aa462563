"""Preparing, handing in, receipts (写入)."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from api.shapes.base import Bilingual, Hex32, Index, Shape


class PreparedDocument(Shape):
    """What to sign. Send ``typed_data`` and ``bodies`` back as they are, with the signature."""

    struct: str
    kind: str
    organisation: str
    deadline: Annotated[int, Field(description="Unix seconds")]
    receipt: Annotated[Hex32, Field(description="the EIP-712 digest to sign, and the receipt's id")]
    typed_data: dict[str, Any]
    bodies: list[str]
    restricted: Annotated[
        list[str], Field(description="codes of entries whose text stays here, sealed")
    ]
    signer_role: Bilingual
    cosigner_role: Bilingual | None


class RefusalDocument(Shape):
    """The contract's refusal: its name and arguments in the contract's ABI."""

    name: str
    args: dict[str, Any]


class ReceiptError(Shape):
    """Why a batch was refused; ``code`` is that of the problem."""

    code: str
    detail: Bilingual
    hint: Bilingual
    refusal: RefusalDocument
    expected_version: int | None = None


class ReceiptDocument(Shape):
    """accepted -> sent -> recorded -> verified, or refused. Times in Unix milliseconds."""

    receipt: Hex32
    state: str
    struct: str
    organisation: str
    signer: str
    count: int
    accepted_at: int
    updated_at: int
    transaction: Hex32 | None
    block_number: int | None
    block_hash: Hex32 | None
    first_index: Index | None
    gas_used: int | None
    note: Bilingual | None
    error: ReceiptError | None

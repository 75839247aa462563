"""The form of proof files (证明文件): members, exact bytes, and the digest that binds them.

A proof is UTF-8 JSON with the members of the classes below, in their order, in one of two exact
forms: the file form, indented by two spaces with one newline at the end, or the wire form without
any space. :func:`load` takes these bytes and nothing else, so that whoever alters a proof is
noticed whatever the alteration. Hashes, addresses and byte strings are lower-case hex with ``0x``;
numbers are integers up to ``2**53 - 1``. ``docs/proof-format.md`` explains every member.
"""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

import msgspec

from ledger.canonical import CanonicalError, canonical_json, parse_json
from ledger.statements import sha256

INCLUSION_FORMAT: Final = "govledger-inclusion-proof/1"
CARRIED_FORMAT: Final = "govledger-inclusion-proof/2"
CONSISTENCY_FORMAT: Final = "govledger-consistency-proof/1"
CHECKPOINT_FORMAT: Final = "govledger-checkpoint/1"
MAX_PROOF_BYTES = 1 << 21
"""Largest proof file that is read, in bytes: room for the largest body with every byte escaped."""

Hash = Annotated[str, msgspec.Meta(pattern=r"\A0x[0-9a-f]{64}\Z")]
Address = Annotated[str, msgspec.Meta(pattern=r"\A0x[0-9a-f]{40}\Z")]
HexBytes = Annotated[str, msgspec.Meta(pattern=r"\A0x([0-9a-f]{2})*\Z")]
Count = Annotated[int, msgspec.Meta(ge=0, le=(1 << 53) - 1)]
Decimal = Annotated[str, msgspec.Meta(pattern=r"\A(0|[1-9][0-9]{0,19})\Z")]
"""A 64-bit number as text, where signers choose it and it may exceed ``2**53 - 1``."""
SignerKind = Literal["key", "contract"]


class DocumentError(ValueError):
    """A file that is no proof in the form described here; says what is wrong and where."""


class Bilingual(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The same text in two languages."""

    en: str
    zh: str


class Instructions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How to check the file by hand, step by step."""

    en: tuple[str, ...]
    zh: tuple[str, ...]


class Checkpoint(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The log at one size (检查点), as kept by auditors;
    ``timestamp`` is the block's, in Unix seconds.
    """

    format: Literal["govledger-checkpoint/1"]
    chain_id: Count
    log: Address
    size: Count
    root: Hash
    block_number: Count
    block_hash: Hash
    timestamp: Count


class StatementPart(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The statement (声明) as the log recorded it.

    ``body`` is text where the bytes are UTF-8 (``body_encoding`` is ``utf-8``), else hex (``hex``).
    """

    index: Count
    kind: str
    subject: Hash
    version: Count
    org: Hash
    signer: Address
    authorisation: Hash
    recorded_at: Count
    payload: HexBytes
    body_digest: Hash
    body_encoding: Literal["utf-8", "hex"]
    body: str


class RecordedPart(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where the chain recorded it; ``timestamp`` in Unix seconds."""

    transaction_hash: Hash
    block_number: Count
    block_hash: Hash
    timestamp: Count


class Member(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One member of the typed struct, readable: value as text, and its label where it is a code."""

    name: str
    value: str
    en: str
    zh: str


class DecodedPart(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The statement for human eyes. Nothing rests on it: it must equal what ``statement`` gives."""

    struct: str
    summary: Bilingual
    recorded_at: str
    members: tuple[Member, ...]


class LeafPart(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``input`` has 352 bytes; ``hash`` is ``SHA-256(0x00 || input)``."""

    input: HexBytes
    hash: Hash


class CosignerPart(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The second signature (部门负责人签字) where one was given."""

    signer: Address
    signer_kind: SignerKind
    signature: HexBytes


class MandatePart(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who vouched for the batch (授权), with all that rebuilds the digest and recovers the signer.

    ``struct_hashes`` are the Keccak-256 of the payloads of the whole batch, in order, the first
    being that of leaf ``first_index``.
    """

    registry: Address
    organisation: Hash
    deadline: Decimal
    first_index: Count
    struct_hashes: tuple[Hash, ...]
    signer: Address
    signer_kind: SignerKind
    signature: HexBytes
    cosigner: CosignerPart | None


class InclusionProof(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """That one statement stands in the log at one checkpoint, and who signed it."""

    format: Literal["govledger-inclusion-proof/1"]
    how_to_check: Instructions
    checkpoint: Checkpoint
    genesis_authority: Address
    statement: StatementPart
    decoded: DecodedPart
    recorded: RecordedPart
    leaf: LeafPart
    path: tuple[Hash, ...]
    mandate: MandatePart
    bundle_digest: Hash


class LogPart(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which log recorded a statement first."""

    chain_id: Count
    log: Address

    @classmethod
    def of(cls, checkpoint: Checkpoint) -> LogPart:
        """The log of a checkpoint."""
        return cls(chain_id=checkpoint.chain_id, log=checkpoint.log)


class VouchedPart(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A statement (声明) in a file of several: its place in the tree at the checkpoint, and who signed it."""

    statement: StatementPart
    decoded: DecodedPart
    recorded: RecordedPart
    leaf: LeafPart
    path: tuple[Hash, ...]
    mandate: MandatePart


class OpeningPart(VouchedPart, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The opening of a log that carries on another one (启用声明), as a leaf of the tree at the checkpoint.

    ``extends`` is the consistency path from the size that it names to the checkpoint's: the root that it names
    is the root of the first leaves of this tree.
    """

    extends: tuple[Hash, ...]


class CarriedProof(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """That a statement of an earlier log stands in the log that carries that one on.

    ``origin`` is the log that recorded it first; ``openings`` lead from the checkpoint's log to that one,
    newest first. ``recorded`` says where the statement came into the checkpoint's log.
    """

    format: Literal["govledger-inclusion-proof/2"]
    how_to_check: Instructions
    checkpoint: Checkpoint
    genesis_authority: Address
    origin: LogPart
    statement: StatementPart
    decoded: DecodedPart
    recorded: RecordedPart
    leaf: LeafPart
    path: tuple[Hash, ...]
    mandate: MandatePart
    openings: tuple[OpeningPart, ...]
    bundle_digest: Hash


class ConsistencyProof(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """That the log at ``new`` begins with the log at ``old``: history was only appended to."""

    format: Literal["govledger-consistency-proof/1"]
    how_to_check: Instructions
    genesis_authority: Address
    old: Checkpoint
    new: Checkpoint
    path: tuple[Hash, ...]
    bundle_digest: Hash


Inclusion = InclusionProof | CarriedProof
Proof = Inclusion | ConsistencyProof


def hex_of(data: bytes) -> str:
    """Bytes as they stand in a proof file."""
    return "0x" + data.hex()


def bytes_of(text: str) -> bytes:
    """The bytes of a hex member."""
    return bytes.fromhex(text.removeprefix("0x"))


def as_dict(part: msgspec.Struct) -> dict[str, Any]:
    """A document, or a part of one, as plain JSON values in the order of its members."""
    plain: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(part))
    return plain


def bundle_digest(document: dict[str, Any]) -> str:
    """``SHA-256`` of the RFC 8785 form of the document without its ``bundle_digest``."""
    rest = {name: value for name, value in document.items() if name != "bundle_digest"}
    return hex_of(sha256(canonical_json(rest)))


def render(document: dict[str, Any]) -> bytes:
    """The exact bytes of a proof file."""
    return msgspec.json.format(msgspec.json.encode(document), indent=2) + b"\n"


def render_compact(document: dict[str, Any]) -> bytes:
    """The exact bytes of a proof as it travels: no space, no newline."""
    return msgspec.json.encode(document)


def load(data: bytes) -> Proof:
    """The proof in these bytes; raises :class:`DocumentError` unless they are exactly one."""
    try:
        document = parse_json(data, MAX_PROOF_BYTES)
    except CanonicalError as error:
        raise DocumentError(str(error)) from error
    shape = _shape_of(document)
    try:
        proof: Proof = msgspec.convert(document, shape)
    except msgspec.ValidationError as error:
        raise DocumentError(f"not a proof file: {error}") from error
    check_form(data, as_dict(proof), "proof files")
    return proof


def check_form(data: bytes, document: dict[str, Any], files: str) -> None:
    """Raises :class:`DocumentError` unless these bytes are one of the two exact forms of a document.

    ``files`` are what the refusal calls such files.
    """
    written = render(document)
    if data not in (written, render_compact(document)):
        at = next(
            (i for i, (a, b) in enumerate(zip(data, written, strict=False)) if a != b),
            min(len(data), len(written)),
        )
        line = data.count(b"\n", 0, at) + 1
        raise DocumentError(
            f"byte {at} (line {line}) is not as {files} are written: the file was reformatted or altered; get it "
            "again, unchanged"
        )


def _shape_of(document: object) -> type[Proof]:
    name = document.get("format") if isinstance(document, dict) else None
    if name == INCLUSION_FORMAT:
        return InclusionProof
    if name == CARRIED_FORMAT:
        return CarriedProof
    if name == CONSISTENCY_FORMAT:
        return ConsistencyProof
    if name == CHECKPOINT_FORMAT:
        raise DocumentError(
            "this is a checkpoint, which proves nothing by itself: keep it, and later ask for a "
            "consistency proof from its size"
        )
    raise DocumentError(
        f"`format` is {name!r}; known are {INCLUSION_FORMAT!r}, {CARRIED_FORMAT!r} and "
        f"{CONSISTENCY_FORMAT!r}"
    )

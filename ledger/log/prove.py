"""Making proof files: inclusion of one statement, consistency of two checkpoints.

Pure: statement, authorisation and tree come as arguments. :mod:`ledger.log.queries` fetches them
from the mirror. :mod:`ledger.log.verify` checks the result and uses nothing of this module.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from eth_hash.auto import keccak

from ledger.canonical import CanonicalError
from ledger.log.document import (
    CARRIED_FORMAT,
    CONSISTENCY_FORMAT,
    INCLUSION_FORMAT,
    CarriedProof,
    Checkpoint,
    ConsistencyProof,
    CosignerPart,
    DecodedPart,
    InclusionProof,
    LeafPart,
    LogPart,
    MandatePart,
    OpeningPart,
    RecordedPart,
    SignerKind,
    StatementPart,
    as_dict,
    bundle_digest,
    hex_of,
)
from ledger.log.instructions import (
    HOW_TO_CHECK_CARRIED,
    HOW_TO_CHECK_CONSISTENCY,
    HOW_TO_CHECK_INCLUSION,
)
from ledger.log.readable import decoded
from ledger.merkle import Subtree, consistency_path, inclusion_path
from ledger.signatures import SignatureError, signer_of
from ledger.statements import (
    ADDRESS_LENGTH,
    Authorisation,
    LogIdentity,
    Statement,
    StatementError,
    address_bytes,
)

_NO_DIGEST = "0x" + 32 * "00"
_NOBODY = bytes(ADDRESS_LENGTH)


class ProveError(ValueError):
    """A proof that cannot be made; the text says why."""


def inclusion_proof(
    *,
    statement: Statement,
    authorisation: Authorisation,
    batch_payloads: Sequence[bytes],
    recorded: RecordedPart,
    checkpoint: Checkpoint,
    genesis_authority: bytes,
    subtree: Subtree,
    log: LogIdentity | None = None,
    openings: Sequence[OpeningPart] = (),
) -> dict[str, Any]:
    """The proof file (as JSON values, see :func:`~ledger.log.document.render`) for one statement.

    ``batch_payloads`` are the payloads of all statements of its batch, in leaf order. ``log`` is the
    checkpoint's with those that it carries on, where it does; ``openings`` then lead to the one that recorded
    the statement first. Raises :class:`ProveError` where the statement is not within the checkpoint, or of an
    unknown type.
    """
    if statement.index >= checkpoint.size:
        raise ProveError(
            f"statement {statement.index} is not yet in the log at size {checkpoint.size}; "
            f"ask for a size of {statement.index + 1} or more"
        )
    if len(batch_payloads) != authorisation.count:
        raise ProveError(
            f"the batch has {authorisation.count} statements, {len(batch_payloads)} are given"
        )
    identity = log or LogIdentity(checkpoint.chain_id, address_bytes(checkpoint.log))
    origin = identity.at(statement.index)
    parts = _parts(statement, authorisation, batch_payloads, identity)
    path = tuple(map(hex_of, inclusion_path(statement.index, checkpoint.size, subtree)))
    genesis = hex_of(genesis_authority)
    if not openings:
        return _bound(
            as_dict(
                InclusionProof(
                    format=INCLUSION_FORMAT,
                    how_to_check=HOW_TO_CHECK_INCLUSION,
                    checkpoint=checkpoint,
                    genesis_authority=genesis,
                    statement=parts.statement,
                    decoded=parts.decoded,
                    recorded=recorded,
                    leaf=parts.leaf,
                    path=path,
                    mandate=parts.mandate,
                    bundle_digest=_NO_DIGEST,
                )
            )
        )
    return _bound(
        as_dict(
            CarriedProof(
                format=CARRIED_FORMAT,
                how_to_check=HOW_TO_CHECK_CARRIED,
                checkpoint=checkpoint,
                genesis_authority=genesis,
                origin=LogPart(chain_id=origin.chain_id, log=hex_of(origin.address)),
                statement=parts.statement,
                decoded=parts.decoded,
                recorded=recorded,
                leaf=parts.leaf,
                path=path,
                mandate=parts.mandate,
                openings=tuple(openings),
                bundle_digest=_NO_DIGEST,
            )
        )
    )


def opening_part(
    *,
    statement: Statement,
    authorisation: Authorisation,
    batch_payloads: Sequence[bytes],
    recorded: RecordedPart,
    size: int,
    subtree: Subtree,
    log: LogIdentity,
) -> OpeningPart:
    """The opening that is leaf ``statement.index``, as a part of a proof at ``size`` leaves of ``log``."""
    parts = _parts(statement, authorisation, batch_payloads, log)
    return OpeningPart(
        statement=parts.statement,
        decoded=parts.decoded,
        recorded=recorded,
        leaf=parts.leaf,
        path=tuple(map(hex_of, inclusion_path(statement.index, size, subtree))),
        mandate=parts.mandate,
        extends=tuple(map(hex_of, consistency_path(statement.index, size, subtree))),
    )


class _Parts(NamedTuple):
    """What a proof says of one statement, wherever it stands."""

    statement: StatementPart
    decoded: DecodedPart
    leaf: LeafPart
    mandate: MandatePart


def _parts(
    statement: Statement,
    authorisation: Authorisation,
    batch_payloads: Sequence[bytes],
    log: LogIdentity,
) -> _Parts:
    try:
        readable = decoded(statement)
    except StatementError as error:
        raise ProveError(
            f"statement {statement.index} cannot be read by this release: {error}"
        ) from error
    leaf = LeafPart(input=hex_of(statement.leaf_input(log)), hash=hex_of(statement.leaf_hash(log)))
    return _Parts(_statement(statement), readable, leaf, _mandate(authorisation, batch_payloads))


def consistency_proof(
    *, old: Checkpoint, new: Checkpoint, genesis_authority: bytes, subtree: Subtree
) -> dict[str, Any]:
    """The proof file that ``new`` extends ``old``; raises :class:`ProveError`.

    Nothing is proven from size 0: see :mod:`ledger.merkle_verify`.
    """
    if (old.chain_id, old.log) != (new.chain_id, new.log):
        raise ProveError("the two checkpoints are of different logs")
    if not 0 < old.size <= new.size:
        raise ProveError(
            f"nothing can be proven from size {old.size} to {new.size}: "
            "the older size must be 1 or more and not above the newer"
        )
    proof = ConsistencyProof(
        format=CONSISTENCY_FORMAT,
        how_to_check=HOW_TO_CHECK_CONSISTENCY,
        genesis_authority=hex_of(genesis_authority),
        old=old,
        new=new,
        path=tuple(map(hex_of, consistency_path(old.size, new.size, subtree))),
        bundle_digest=_NO_DIGEST,
    )
    return _bound(as_dict(proof))


def _bound(document: dict[str, Any]) -> dict[str, Any]:
    try:
        return {**document, "bundle_digest": bundle_digest(document)}
    except CanonicalError as error:
        raise ProveError(f"this cannot be written as a proof file: {error}") from error


def _statement(statement: Statement) -> StatementPart:
    try:
        text = statement.body.decode("utf-8")
    except UnicodeDecodeError:
        text = None
    return StatementPart(
        index=statement.index,
        kind=statement.kind,
        subject=hex_of(statement.subject),
        version=statement.version,
        org=hex_of(statement.org),
        signer=hex_of(statement.signer),
        authorisation=hex_of(statement.authorisation),
        recorded_at=statement.recorded_at,
        payload=hex_of(statement.payload),
        body_digest=hex_of(statement.body_digest),
        body_encoding="hex" if text is None else "utf-8",
        body=hex_of(statement.body) if text is None else text,
    )


def _mandate(authorisation: Authorisation, payloads: Sequence[bytes]) -> MandatePart:
    digest = authorisation.digest
    cosigner = None
    if authorisation.cosigner != _NOBODY:
        cosigner = CosignerPart(
            signer=hex_of(authorisation.cosigner),
            signer_kind=_kind(digest, authorisation.cosigner, authorisation.cosignature),
            signature=hex_of(authorisation.cosignature),
        )
    return MandatePart(
        registry=hex_of(authorisation.registry),
        organisation=hex_of(authorisation.organisation),
        deadline=str(authorisation.deadline),
        first_index=authorisation.first_index,
        struct_hashes=tuple(hex_of(keccak(payload)) for payload in payloads),
        signer=hex_of(authorisation.signer),
        signer_kind=_kind(digest, authorisation.signer, authorisation.signature),
        signature=hex_of(authorisation.signature),
        cosigner=cosigner,
    )


def _kind(digest: bytes, signer: bytes, signature: bytes) -> SignerKind:
    """A key where the signature recovers to it; else it can only be a contract account's."""
    try:
        return "key" if signer_of(digest, signature) == signer else "contract"
    except SignatureError:
        return "contract"

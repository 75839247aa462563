"""Which leaf of a range that does not add up is the first in doubt.

The root says only that something differs. But a leaf repeats itself: its payload names subject,
version and body digest, its authorisation names signer and organisation and binds every payload of
the batch.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ledger.mirror.events import LogRows
from ledger.mirror.reading import read_payload
from ledger.statements import (
    Authorisation,
    Domain,
    LogIdentity,
    Statement,
    StatementError,
    authorisation_digest,
    same_struct,
)


def first_doubtful_leaf(rows: LogRows, log: LogIdentity) -> tuple[int, str] | None:
    """The first leaf that contradicts itself or its authorisation, and how; None where none
    does.
    """
    for row in rows.authorisations:
        authorisation = authorisation_of_row(row)
        at = authorisation.first_index - rows.first_index
        batch = [Statement(*each) for each in rows.statements[at : at + authorisation.count]]
        for statement in batch:
            reason = contradiction(statement, authorisation)
            if reason:
                return statement.index, reason
            try:
                read_payload(statement)
            except StatementError as error:
                return statement.index, f"its payload is {error}"
        reason = digest_contradiction(batch, authorisation, log)
        if reason:
            return authorisation.first_index, reason
    return None


def contradiction(statement: Statement, authorisation: Authorisation) -> str | None:
    """How a statement contradicts its authorisation, or None."""
    if statement.authorisation != authorisation.digest:
        return "it names another authorisation than the one recorded with it"
    if statement.signer != authorisation.signer:
        return "its signer is not the one of its authorisation"
    if statement.org != authorisation.organisation:
        return "its organisation is not the one of its authorisation"
    return None


def digest_contradiction(
    batch: Sequence[Statement], authorisation: Authorisation, log: LogIdentity
) -> str | None:
    """How the batch's payloads do not make the digest that was signed, or None."""
    try:
        struct = same_struct([statement.payload for statement in batch])
    except StatementError as error:
        return str(error)
    chain_id = log.at(authorisation.first_index).chain_id
    domain = Domain(struct.contract, chain_id, authorisation.registry.hex())
    rebuilt = authorisation_digest(
        struct,
        [statement.payload for statement in batch],
        authorisation.organisation,
        authorisation.deadline,
        domain.separator(),
    )
    if rebuilt != authorisation.digest:
        last = authorisation.first_index + authorisation.count - 1
        return (
            f"the payloads of leaves {authorisation.first_index} to {last} make the digest "
            f"0x{rebuilt.hex()}, recorded is 0x{authorisation.digest.hex()}"
        )
    return None


def authorisation_of_row(row: Sequence[Any]) -> Authorisation:
    """An :class:`Authorisation` from a row of its table as the driver gives it."""
    first, count, digest, registry, organisation, signer, signature, cosigner, cosignature = row[:9]
    return Authorisation(
        digest=digest,
        registry=registry,
        organisation=organisation,
        signer=signer,
        signature=signature,
        cosigner=cosigner,
        cosignature=cosignature,
        deadline=int(row[9]),
        first_index=first,
        count=count,
    )

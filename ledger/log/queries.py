"""Proof files from the mirror: what :mod:`ledger.log.prove` needs, fetched.

Both functions only read, and raise :class:`~ledger.mirror.queries.MirrorQueryError` for what the
mirror does not hold and :class:`~ledger.log.prove.ProveError` for what cannot be proven.
"""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import Connection

from ledger.log.document import Checkpoint, RecordedPart, hex_of
from ledger.log.prove import consistency_proof, inclusion_proof
from ledger.merkle import inclusion_ranges
from ledger.mirror import queries as mirror


def build_proof(
    conn: Connection,
    index: int,
    size: int | None = None,
    *,
    genesis_authority: bytes | None = None,
) -> dict[str, Any]:
    """The inclusion proof of leaf ``index`` in the log at ``size`` leaves (default: all there are).

    ``genesis_authority`` is the 20-byte address that the deployment names; without it the signer of
    leaf 0 stands there, who is the same in a log whose contract kept its rule.
    """
    statement = mirror.statement_at(conn, index)
    authorisation, recorded = mirror.vouched(conn, index)
    checkpoint = _checkpoint(conn, size)
    ranges = inclusion_ranges(index, checkpoint.size) if index < checkpoint.size else []
    return inclusion_proof(
        statement=statement,
        authorisation=authorisation,
        batch_payloads=mirror.payloads(conn, authorisation.first_index, authorisation.count),
        recorded=RecordedPart(
            transaction_hash=hex_of(recorded.transaction_hash),
            block_number=recorded.block_number,
            block_hash=hex_of(recorded.block_hash),
            timestamp=recorded.timestamp,
        ),
        checkpoint=checkpoint,
        genesis_authority=genesis_authority or mirror.statement_at(conn, 0).signer,
        subtree=mirror.tree(conn, ranges),
    )


def build_consistency(
    conn: Connection,
    old: int,
    new: int | None = None,
    *,
    genesis_authority: bytes | None = None,
) -> dict[str, Any]:
    """The consistency proof from ``old`` to ``new`` leaves (default: all there are)."""
    return consistency_proof(
        old=_checkpoint(conn, old),
        new=_checkpoint(conn, new),
        genesis_authority=genesis_authority or mirror.statement_at(conn, 0).signer,
        subtree=mirror.tree(conn),
    )


def _checkpoint(conn: Connection, size: int | None) -> Checkpoint:
    return msgspec.convert(msgspec.to_builtins(mirror.checkpoint(conn, size)), Checkpoint)

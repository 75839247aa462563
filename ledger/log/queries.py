"""Proof files from the mirror: what :mod:`ledger.log.prove` needs, fetched.

Both functions only read, and raise :class:`~ledger.mirror.queries.MirrorQueryError` for what the
mirror does not hold and :class:`~ledger.log.prove.ProveError` for what cannot be proven.
"""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import Connection

from ledger.log.document import Checkpoint, OpeningPart, RecordedPart, hex_of
from ledger.log.prove import ProveError, consistency_proof, inclusion_proof, opening_part
from ledger.merkle import Subtree, inclusion_ranges
from ledger.mirror import queries as mirror
from ledger.statements import LogIdentity


def build_proof(
    conn: Connection,
    index: int,
    size: int | None = None,
    *,
    genesis_authority: bytes | None = None,
    now: mirror.Cursor | None = None,
) -> dict[str, Any]:
    """The inclusion proof of leaf ``index`` in the log at ``size`` leaves (default: all there are).

    ``genesis_authority`` is the 20-byte address that the deployment names; without it the signer of
    leaf 0 stands there, who is the same in a log whose contract kept its rule. ``now`` is where the mirror
    stands, if that is known.
    """
    statement = mirror.statement_at(conn, index)
    authorisation, recorded = mirror.vouched(conn, index)
    now = now or mirror.cursor_of(conn)
    log = now.log if now is not None else None
    held = now.size if now is not None else 0
    within = held if size is None else size
    # The path, and the root of an earlier size: one question for the tiles of both.
    ranges = inclusion_ranges(index, within) if index < within <= held else []
    if ranges and within < held:
        ranges.append((0, within))
    subtree = mirror.tree(conn, ranges)
    checkpoint = _checkpoint(conn, size, now, subtree)
    return inclusion_proof(
        statement=statement,
        authorisation=authorisation,
        batch_payloads=mirror.payloads(conn, authorisation.first_index, authorisation.count),
        recorded=_recorded(recorded),
        checkpoint=checkpoint,
        genesis_authority=genesis_authority or mirror.statement_at(conn, 0).signer,
        subtree=subtree,
        log=log,
        openings=_openings(conn, index, checkpoint, log, subtree) if log and log.earlier else (),
    )


def _openings(
    conn: Connection, index: int, checkpoint: Checkpoint, log: LogIdentity, subtree: Subtree
) -> list[OpeningPart]:
    """The openings between the log now and the one that recorded leaf ``index`` first, newest first."""
    parts = []
    for one in reversed(log.earlier):
        if index >= one.size:
            break
        if checkpoint.size <= one.size:
            raise ProveError(
                f"at size {checkpoint.size} the log had not been opened, which its leaf {one.size} does: ask for "
                f"a size of {one.size + 1} or more"
            )
        authorisation, recorded = mirror.vouched(conn, one.size)
        parts.append(
            opening_part(
                statement=mirror.statement_at(conn, one.size),
                authorisation=authorisation,
                batch_payloads=mirror.payloads(
                    conn, authorisation.first_index, authorisation.count
                ),
                recorded=_recorded(recorded),
                size=checkpoint.size,
                subtree=subtree,
                log=log,
            )
        )
    return parts


def _recorded(found: mirror.Recorded) -> RecordedPart:
    return RecordedPart(
        transaction_hash=hex_of(found.transaction_hash),
        block_number=found.block_number,
        block_hash=hex_of(found.block_hash),
        timestamp=found.timestamp,
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


def _checkpoint(
    conn: Connection,
    size: int | None,
    now: mirror.Cursor | None = None,
    subtree: Subtree | None = None,
) -> Checkpoint:
    found = mirror.checkpoint(conn, size, now, subtree)
    return msgspec.convert(msgspec.to_builtins(found), Checkpoint)

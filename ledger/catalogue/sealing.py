"""Sealing (封存) the texts of restricted entries in the desk database.

The chain holds ``SHA-256(salt || text)``; the desk holds salt and text, encrypted under a key that
the caller keeps (:mod:`ledger.sealing`). With the key a text can be read and shown to be what was
filed; without it, and without the salt, nobody can test a guess against the chain. Commitment and
code are the associated data.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row, insert, select

from ledger.catalogue.models import SEALED_TEXTS
from ledger.catalogue.statements import SALT_BYTES, Envelope, commitment_of
from ledger.sealing import Sealed, SealError, seal_bytes, unseal_bytes

__all__ = ["SealError", "seal", "unseal"]


def seal(conn: Connection, envelopes: Sequence[Envelope], key: bytes) -> None:
    """Keep the texts of ``envelopes``, encrypted under ``key`` (32 bytes), in the desk database.

    Does not commit. One that is kept already stays as it is. Raises :class:`SealError` for a key of
    another length.
    """
    for envelope in envelopes:
        commitment = envelope.commitment.hex()
        if _row(conn, commitment) is not None:
            continue
        about = _associated(commitment, envelope.code)
        sealed = seal_bytes(key, envelope.salt + envelope.text, about)
        conn.execute(
            insert(SEALED_TEXTS),
            {"commitment": commitment, "code": envelope.code, **sealed._asdict()},
        )


def unseal(conn: Connection, commitment: str, key: bytes) -> Envelope:
    """The text behind ``commitment`` (64 hex digits, as in the entry's body), with its salt.

    Raises :class:`SealError` where none is kept here, the key is another, or the row was altered.
    """
    row = _row(conn, commitment.lower())
    if row is None:
        raise SealError(
            f"no text is kept here for commitment {commitment}: it is at the desk of the "
            "organisation that filed the entry"
        )
    plain = unseal_bytes(
        key,
        Sealed(row.key_check, row.nonce, row.ciphertext),
        _associated(row.commitment, row.code),
        what=f"the text of entry {row.code}",
        when="it was filed",
    )
    salt, text = plain[:SALT_BYTES], plain[SALT_BYTES:]
    if commitment_of(salt, text).hex() != row.commitment:
        raise SealError(f"the sealed text of entry {row.code} is not the one that was filed")
    return Envelope(row.code, bytes.fromhex(row.commitment), salt, text)


def _associated(commitment: str, code: str) -> bytes:
    return f"{commitment}\n{code}".encode()


def _row(conn: Connection, commitment: str) -> Row[Any] | None:
    return conn.execute(
        select(SEALED_TEXTS).where(SEALED_TEXTS.c.commitment == commitment)
    ).one_or_none()

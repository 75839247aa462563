"""Sealing (封存): texts of restricted entries, encrypted at rest with AES-256-GCM.

The chain holds ``SHA-256(salt || text)``; the desk holds salt and text, encrypted under a key that
the caller keeps. With the key a text can be read and shown to be what was filed; without it, and
without the salt, nobody can test a guess against the chain. NIST SP 800-38D: a fresh random 96-bit
nonce each, commitment and code as associated data.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Sequence
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import Connection, Row, insert, select

from ledger.catalogue.models import SEALED_TEXTS
from ledger.catalogue.statements import SALT_BYTES, Envelope, commitment_of

KEY_BYTES = 32
NONCE_BYTES = 12


class SealError(Exception):
    """A sealed text that cannot be made, found, or opened; the text says which and what to do."""


def seal(conn: Connection, envelopes: Sequence[Envelope], key: bytes) -> None:
    """Keep the texts of ``envelopes``, encrypted under ``key`` (32 bytes), in the desk database.

    Does not commit. One that is kept already stays as it is. Raises :class:`SealError` for a key of
    another length.
    """
    cipher, check = _cipher(key)
    for envelope in envelopes:
        commitment = envelope.commitment.hex()
        if _row(conn, commitment) is not None:
            continue
        nonce = secrets.token_bytes(NONCE_BYTES)
        conn.execute(
            insert(SEALED_TEXTS),
            {
                "commitment": commitment,
                "code": envelope.code,
                "key_check": check,
                "nonce": nonce,
                "ciphertext": cipher.encrypt(
                    nonce,
                    envelope.salt + envelope.text,
                    _associated(commitment, envelope.code),
                ),
            },
        )


def unseal(conn: Connection, commitment: str, key: bytes) -> Envelope:
    """The text behind ``commitment`` (64 hex digits, as in the entry's body), with its salt.

    Raises :class:`SealError` where none is kept here, the key is another, or the row was altered.
    """
    cipher, check = _cipher(key)
    row = _row(conn, commitment.lower())
    if row is None:
        raise SealError(
            f"no text is kept here for commitment {commitment}: it is at the desk of the "
            "organisation that filed the entry"
        )
    if not hmac.compare_digest(row.key_check, check):
        raise SealError(
            f"the text of entry {row.code} was sealed under another key: give the key that was "
            "in use when it was filed"
        )
    try:
        plain = cipher.decrypt(row.nonce, row.ciphertext, _associated(row.commitment, row.code))
    except InvalidTag as error:
        raise SealError(
            f"the sealed text of entry {row.code} was altered: restore the desk database from a "
            "backup"
        ) from error
    salt, text = plain[:SALT_BYTES], plain[SALT_BYTES:]
    if commitment_of(salt, text).hex() != row.commitment:
        raise SealError(f"the sealed text of entry {row.code} is not the one that was filed")
    return Envelope(row.code, bytes.fromhex(row.commitment), salt, text)


def _cipher(key: bytes) -> tuple[AESGCM, bytes]:
    if len(key) != KEY_BYTES:
        raise SealError(f"a sealing key has {KEY_BYTES} bytes, this one has {len(key)}")
    check = hmac.new(key, b"govledger sealed text: which key", hashlib.sha256).digest()[:8]
    return AESGCM(key), check


def _associated(commitment: str, code: str) -> bytes:
    return f"{commitment}\n{code}".encode()


def _row(conn: Connection, commitment: str) -> Row[Any] | None:
    return conn.execute(
        select(SEALED_TEXTS).where(SEALED_TEXTS.c.commitment == commitment)
    ).one_or_none()

"""Sealing (封存): small texts and secrets, encrypted at rest with AES-256-GCM under a key that the caller keeps.

NIST SP 800-38D: a fresh random 96-bit nonce each; what a row is about goes in as associated data, so that
sealed texts cannot change places. Beside each stand eight bytes that tell one key from another and say
nothing about either. Nothing here keeps anything.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from typing import NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

KEY_BYTES = 32
NONCE_BYTES = 12
_CHECK_BYTES = 8


class SealError(Exception):
    """Something sealed that cannot be made, found, or opened; the text says which and what to do."""


class Sealed(NamedTuple):
    """What is kept of a sealed text: which key (8 bytes), nonce (12 bytes), ciphertext with its tag."""

    key_check: bytes
    nonce: bytes
    ciphertext: bytes


def seal_bytes(key: bytes, plain: bytes, about: bytes) -> Sealed:
    """``plain`` encrypted under ``key`` (32 bytes), bound to what it is ``about``.

    Raises :class:`SealError` for a key of another length.
    """
    cipher, nonce = _cipher(key), secrets.token_bytes(NONCE_BYTES)
    return Sealed(key_check(key), nonce, cipher.encrypt(nonce, plain, about))


def unseal_bytes(key: bytes, sealed: Sealed, about: bytes, *, what: str, when: str) -> bytes:
    """What was sealed.

    Raises :class:`SealError` where the key is another one, or where the row was altered. ``what``
    names it there, and ``when`` says when the right key was in use.
    """
    cipher = _cipher(key)
    if not hmac.compare_digest(sealed.key_check, key_check(key)):
        raise SealError(
            f"{what} was sealed under another key: give the key that was in use when {when}"
        )
    try:
        return cipher.decrypt(sealed.nonce, sealed.ciphertext, about)
    except InvalidTag as error:
        raise SealError(f"{what} was altered: restore the desk database from a backup") from error


def key_check(key: bytes) -> bytes:
    """Eight bytes that tell this key from others and say nothing about it."""
    told = b"govledger sealed text: which key"
    return hmac.new(key, told, hashlib.sha256).digest()[:_CHECK_BYTES]


def _cipher(key: bytes) -> AESGCM:
    if len(key) != KEY_BYTES:
        raise SealError(f"a sealing key has {KEY_BYTES} bytes, this one has {len(key)}")
    return AESGCM(key)

"""Who signed a digest: recovery of secp256k1 signatures, as strict as the registries; public keys.

A signature is 65 bytes ``r || s || v`` with ``v`` 27 or 28 and ``s`` in the lower half of the
group's order, so that each has one form (EIP-2). Contract accounts (ERC-1271) sign with any bytes;
only the chain can tell whether such a signature holds.
"""

from __future__ import annotations

import coincurve
from eth_utils.crypto import keccak

SIGNATURE_LENGTH = 65
_HALF_ORDER = 0x7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF5D576E7357A4501DDFE92F46681B20A0


class SignatureError(ValueError):
    """Bytes that no key can have signed with; the text says why."""


def signer_of(digest: bytes, signature: bytes) -> bytes:
    """The 20-byte address whose key made ``signature`` over ``digest`` (32 bytes).

    Raises :class:`SignatureError` where the signature has not the one form that is accepted.
    """
    return address_of(public_key_of(digest, signature))


def public_key_of(digest: bytes, signature: bytes) -> bytes:
    """The public key (65 bytes, uncompressed: 0x04, x, y) that made ``signature`` over ``digest``.

    Raises :class:`SignatureError` where the signature has not the one form that is accepted.
    """
    if len(signature) != SIGNATURE_LENGTH:
        raise SignatureError(f"a key's signature has 65 bytes, this one has {len(signature)}")
    if signature[64] not in (27, 28):
        raise SignatureError(f"the last byte of a signature is 27 or 28, not {signature[64]}")
    if int.from_bytes(signature[32:64], "big") > _HALF_ORDER:
        raise SignatureError("s lies in the upper half of the group's order (EIP-2)")
    recoverable = signature[:64] + bytes([signature[64] - 27])
    try:
        key = coincurve.PublicKey.from_signature_and_message(recoverable, digest, hasher=None)
    except ValueError as error:
        raise SignatureError("r and s belong to no key") from error
    return bytes(key.format(compressed=False))


def uncompressed(public_key: bytes) -> bytes:
    """A public key in its form of 65 bytes, given in that one or compressed (33 bytes).

    Raises :class:`SignatureError` for bytes that are no point of secp256k1.
    """
    try:
        return bytes(coincurve.PublicKey(public_key).format(compressed=False))
    except ValueError as error:
        raise SignatureError(f"{len(public_key)} bytes that are no public key") from error


def address_of(public_key: bytes) -> bytes:
    """The 20-byte address of a public key of 65 bytes."""
    return bytes(keccak(public_key[1:])[12:])

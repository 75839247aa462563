"""Recovered signers: foreign vectors, the one accepted form, and damage."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from eth_account import Account
from hypothesis import given
from hypothesis import strategies as st

from ledger.signatures import SignatureError, signer_of

ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
ACCOUNT = Account.from_key(b"\x11" * 32)
DIGEST = bytes(range(32))
SIGNATURE = bytes(ACCOUNT.unsafe_sign_hash(DIGEST).signature)


def test_foreign_vectors_lead_to_their_signer(shared_data: Path) -> None:
    vectors = json.loads((shared_data / "eip712" / "vectors.json").read_text())
    valid = [vector for vector in vectors if vector["valid"]]
    assert valid
    for vector in valid:
        found = signer_of(
            bytes.fromhex(vector["digest"][2:]), bytes.fromhex(vector["signature"][2:])
        )
        assert found.hex() == vector["address"][2:].lower(), vector["name"]


@given(st.binary(min_size=32, max_size=32), st.integers(min_value=1, max_value=ORDER - 1))
def test_whoever_signs_is_found(digest: bytes, secret: int) -> None:
    account = Account.from_key(secret.to_bytes(32, "big"))
    signature = bytes(account.unsafe_sign_hash(digest).signature)
    assert signer_of(digest, signature).hex() == account.address[2:].lower()


@given(st.integers(min_value=0, max_value=64), st.integers(min_value=1, max_value=255))
def test_a_damaged_signature_is_nobodys_or_anothers(place: int, change: int) -> None:
    damaged = bytearray(SIGNATURE)
    damaged[place] ^= change
    try:
        found = signer_of(DIGEST, bytes(damaged))
    except SignatureError:
        return
    assert found.hex() != ACCOUNT.address[2:].lower()


@pytest.mark.parametrize(
    ("signature", "reason"),
    [
        (b"", "65 bytes, this one has 0"),
        (SIGNATURE[:64], "65 bytes, this one has 64"),
        (SIGNATURE + b"\0", "65 bytes, this one has 66"),
        (SIGNATURE[:64] + bytes([SIGNATURE[64] - 27]), "27 or 28, not"),
        (bytes(32) + SIGNATURE[32:], "belong to no key"),
        (b"\xff" * 32 + SIGNATURE[32:], "belong to no key"),
        (SIGNATURE[:32] + bytes(32) + SIGNATURE[64:], "belong to no key"),
    ],
)
def test_what_no_key_can_have_made_is_refused(signature: bytes, reason: str) -> None:
    with pytest.raises(SignatureError, match=reason):
        signer_of(DIGEST, signature)


def test_the_other_form_of_a_good_signature_is_refused() -> None:
    s = ORDER - int.from_bytes(SIGNATURE[32:64], "big")
    mirrored = SIGNATURE[:32] + s.to_bytes(32, "big") + bytes([55 - SIGNATURE[64]])
    with pytest.raises(SignatureError, match="upper half"):
        signer_of(DIGEST, mirrored)

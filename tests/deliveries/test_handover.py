"""Secrets at rest and on their way: whoever is meant reads them, and what was altered is noticed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from eth_account import Account
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine, update

from ledger.deliveries.bodies import secret_check
from ledger.deliveries.handover import (
    Handed,
    HandoverError,
    Subject,
    check_secret,
    open_handover,
    public_key_file,
    read_envelope,
    read_public_key,
    seal_handover,
)
from ledger.deliveries.keeping import ManifestName, content_tag, keep_secret, kept_secret
from ledger.deliveries.models import MANIFEST_SECRETS
from ledger.sealing import SealError
from ledger.signatures import public_key_of
from ledger.store.engine import open_database, writing
from tests.deliveries import drafts

SECRET, VAULT = bytes(range(32)), b"\7" * 32
DIGEST = b"\5" * 32
NAME = ManifestName(DIGEST, drafts.ENTRY, date(2026, 7, 1), date(2026, 9, 30))
COLLECTOR = Account.from_key("0x" + "21" * 32)
OTHER = Account.from_key("0x" + "22" * 32)
ABOUT = Subject(
    chain_id=26476,
    log="0x" + "10" * 20,
    entry=drafts.ENTRY,
    period_start="2026-07-01",
    period_end="2026-09-30",
    version=1,
    leaf=9,
    body_digest="0x" + "05" * 32,
    root="0x" + drafts.ROOT,
)
HANDED = Handed(SECRET, drafts.SCHEMA)


def public_key() -> bytes:
    """As anybody finds it: from something that the collector signed."""
    digest = b"\3" * 32
    return public_key_of(digest, bytes(COLLECTOR.unsafe_sign_hash(digest).signature))


@pytest.fixture(scope="module")
def sealed() -> bytes:
    return seal_handover(ABOUT, HANDED, public_key())


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Engine]:
    engine = open_database(f"sqlite:///{tmp_path / 'desk.db'}", "desk")
    yield engine
    engine.dispose()


def test_the_collector_opens_what_was_sealed_to_its_key(sealed: bytes) -> None:
    envelope = read_envelope(sealed)
    assert envelope.manifest == ABOUT
    assert envelope.to == COLLECTOR.address
    assert open_handover(envelope, bytes(COLLECTOR.key)) == HANDED
    assert SECRET.hex() not in sealed.decode()
    assert "面积" not in sealed.decode()


def test_another_key_is_told_whose_it_is(sealed: bytes) -> None:
    with pytest.raises(HandoverError, match=f"is for the key {COLLECTOR.address}"):
        open_handover(read_envelope(sealed), bytes(OTHER.key))


def flipped(text: str) -> str:
    return text[:-1] + ("0" if text[-1] != "0" else "1")


@pytest.mark.parametrize("member", ["nonce", "ciphertext", "ephemeral", *Subject.__struct_fields__])
def test_any_altered_member_is_noticed(sealed: bytes, member: str) -> None:
    file = json.loads(sealed)
    holder = file if member in file else file["manifest"]
    value = holder[member]
    holder[member] = value + 1 if isinstance(value, int) else flipped(value)
    with pytest.raises(HandoverError, match="was altered"):
        open_handover(read_envelope(json.dumps(file).encode()), bytes(COLLECTOR.key))


def test_an_envelope_readdressed_to_another_key_does_not_open(sealed: bytes) -> None:
    file = json.loads(sealed) | {"to": OTHER.address}
    with pytest.raises(HandoverError, match="was altered"):
        open_handover(read_envelope(json.dumps(file).encode()), bytes(OTHER.key))


@given(st.binary(max_size=40))
def test_bytes_that_are_no_handover_are_refused(data: bytes) -> None:
    with pytest.raises(HandoverError, match="no handover file"):
        read_envelope(data)
    with pytest.raises(HandoverError, match="no public key"):
        read_public_key(data)


def test_two_handovers_of_one_secret_share_nothing(sealed: bytes) -> None:
    again = json.loads(seal_handover(ABOUT, HANDED, public_key()))
    first = json.loads(sealed)
    for member in ("ephemeral", "nonce", "ciphertext"):
        assert again[member] != first[member]


def test_a_key_that_signed_nothing_yet_is_given_as_a_file() -> None:
    file = public_key_file("collector", bytes(COLLECTOR.key))
    address, key = read_public_key(file)
    assert (address, key) == (COLLECTOR.address, public_key())
    forged = json.loads(file) | {"address": OTHER.address}
    with pytest.raises(HandoverError, match="belongs to"):
        read_public_key(json.dumps(forged).encode())
    with pytest.raises(HandoverError, match="no public key"):
        seal_handover(ABOUT, HANDED, b"\4" * 65)


def test_a_secret_is_held_against_what_the_manifest_publishes() -> None:
    check_secret(SECRET, secret_check(SECRET))
    check_secret(SECRET, None)
    with pytest.raises(HandoverError, match="another secret than the manifest"):
        check_secret(SECRET, secret_check(VAULT))


def test_a_kept_secret_comes_back_under_its_key_alone(desk: Engine) -> None:
    with writing(desk) as connection:
        keep_secret(connection, NAME, SECRET, VAULT)
        keep_secret(connection, NAME, VAULT, VAULT)
    with desk.connect() as connection:
        assert kept_secret(connection, DIGEST, VAULT) == SECRET
        assert kept_secret(connection, bytes(32), VAULT) is None
        with pytest.raises(SealError, match="sealed under another key"):
            kept_secret(connection, DIGEST, bytes(32))
        with pytest.raises(SealError, match="32 bytes"):
            keep_secret(connection, NAME, b"short", VAULT)
    database = Path(str(desk.url.database))
    stored = b"".join(file.read_bytes() for file in database.parent.glob("desk.db*"))
    assert SECRET not in stored


@pytest.mark.parametrize("column", ["entry", "period_end", "nonce", "ciphertext"])
def test_an_altered_row_is_noticed(desk: Engine, column: str) -> None:
    changed = {"entry": "other", "period_end": 20261231}.get(column, b"\1" * 12)
    with writing(desk) as connection:
        keep_secret(connection, NAME, SECRET, VAULT)
        connection.execute(update(MANIFEST_SECRETS).values({column: changed}))
    with desk.connect() as connection, pytest.raises(SealError, match="was altered"):
        kept_secret(connection, DIGEST, VAULT)


def test_content_tags_tell_rows_apart_and_say_nothing_across_entries() -> None:
    tag = content_tag(VAULT, drafts.ENTRY, DIGEST)
    assert tag == content_tag(VAULT, drafts.ENTRY, DIGEST)
    others = {
        content_tag(VAULT, "other", DIGEST),
        content_tag(SECRET, drafts.ENTRY, DIGEST),
        content_tag(VAULT, drafts.ENTRY, SECRET),
    }
    assert tag not in others
    assert len(others) == 3

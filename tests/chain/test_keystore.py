"""The keystore: files that other wallets read, and nobody else."""

from __future__ import annotations

import json
import stat
import subprocess
from pathlib import Path

import pytest
from eth_account import Account

from ledger.chain.keystore import (
    DEMO_WORK_FACTOR,
    Keystore,
    KeystoreError,
    WrongPassphrase,
    passphrase_from,
)
from ledger.codes import Role
from ledger.settings import Settings, load_settings
from tests.chain_nodes import MODULES

PASSPHRASE = "东风 horse battery"


@pytest.fixture
def keystore(tmp_path: Path) -> Keystore:
    return Keystore(tmp_path / "keys", work_factor=DEMO_WORK_FACTOR)


def test_a_key_comes_back_with_what_was_noted_beside_it(keystore: Keystore) -> None:
    made = keystore.create(
        "steward", PASSPHRASE, label="王科长", organisation="1131", roles=Role.STEWARD | Role.HEAD
    )
    assert keystore.list() == [made]
    assert keystore.find(made.address.lower()) == made
    assert made.role_names == ["STEWARD", "HEAD"]
    assert keystore.unlock("steward", PASSPHRASE).address == made.address
    assert keystore.unlock(made.address, PASSPHRASE).address == made.address


def test_only_the_owner_may_read_a_key_and_no_draft_is_left(keystore: Keystore) -> None:
    keystore.create("a", PASSPHRASE)
    keystore.vault_key(PASSPHRASE, create=True)
    files = list(keystore.directory.iterdir())
    assert sorted(file.name for file in files) == ["a.json", "vault.key"]
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
    assert stat.S_IMODE(keystore.directory.stat().st_mode) == 0o700


def test_a_wrong_passphrase_is_told_from_a_damaged_file(keystore: Keystore) -> None:
    keystore.create("a", PASSPHRASE)
    with pytest.raises(WrongPassphrase, match="'a'"):
        keystore.unlock("a", "wrong")
    (keystore.directory / "a.json").write_text('{"version": 3')
    with pytest.raises(KeystoreError, match=r"damaged.*backup"):
        keystore.unlock("a", PASSPHRASE)
    (keystore.directory / "a.json").write_text('{"version": 1, "address": "00"}')
    with pytest.raises(KeystoreError, match="version 3"):
        keystore.unlock("a", PASSPHRASE)


def test_a_file_that_names_another_address_is_refused(keystore: Keystore) -> None:
    keystore.create("a", PASSPHRASE)
    file = keystore.directory / "a.json"
    document = json.loads(file.read_text())
    document["address"] = "00" * 20
    file.write_text(json.dumps(document))
    with pytest.raises(KeystoreError, match="another address"):
        keystore.unlock("a", PASSPHRASE)


def test_a_name_is_taken_once(keystore: Keystore) -> None:
    first = keystore.create("a", PASSPHRASE)
    with pytest.raises(KeystoreError, match="already"):
        keystore.create("a", PASSPHRASE)
    assert keystore.list() == [first]


@pytest.mark.parametrize("name", ["", "../a", "a/b", ".hidden", "a b", "x" * 65])
def test_a_name_that_could_leave_the_directory_is_refused(keystore: Keystore, name: str) -> None:
    with pytest.raises(KeystoreError, match="name"):
        keystore.create(name, PASSPHRASE)
    assert not keystore.directory.exists()


def test_an_unknown_key_is_answered_with_those_that_exist(keystore: Keystore) -> None:
    keystore.create("office", PASSPHRASE)
    with pytest.raises(KeystoreError, match="there are: office"):
        keystore.unlock("offce", PASSPHRASE)
    for number in range(20):
        (keystore.directory / f"d{number:02}-steward.json").write_bytes(
            (keystore.directory / "office.json")
            .read_bytes()
            .replace(b"office", b"d%02d-steward" % number)
        )
    with pytest.raises(
        KeystoreError, match=r"of 21 there are: d07-steward, .*, … \(govledger key list\)"
    ):
        keystore.unlock("d07-stewart", PASSPHRASE)


def test_a_key_can_be_taken_in_from_text_and_from_another_wallet(
    keystore: Keystore, tmp_path: Path
) -> None:
    account = Account.create()
    assert keystore.add("text", account.key.hex(), PASSPHRASE).address == account.address
    with pytest.raises(KeystoreError, match="no private key"):
        keystore.add("bad", "0x1234", PASSPHRASE)
    foreign = tmp_path / "UTC--wallet"
    foreign.write_text(json.dumps(Account.encrypt(account.key, "theirs", "pbkdf2", 1000)))
    assert keystore.import_file("wallet", foreign, "theirs").address == account.address
    assert keystore.unlock("wallet", "theirs").key == account.key


def test_another_wallet_reads_our_files(keystore: Keystore, tmp_path: Path) -> None:
    binaries = sorted(MODULES.glob("@foundry-rs/cast-*/bin/cast*"))
    if not binaries:
        pytest.skip("cast is not installed (npm install in the repository brings it)")
    made = keystore.create("a", "secret", label="标签")
    secret = tmp_path / "secret"
    secret.write_text("secret")
    command = [binaries[0], "wallet", "address", "--keystore", keystore.directory / "a.json"]
    command += ["--password-file", secret]
    said = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    assert said.stdout.strip() == made.address


def test_notes_and_passphrase_change_without_changing_the_key(keystore: Keystore) -> None:
    made = keystore.create("a", PASSPHRASE)
    noted = keystore.note("a", organisation="1131", roles=int(Role.AUDITOR))
    assert (noted.organisation, noted.role_names) == ("1131", ["AUDITOR"])
    keystore.change_passphrase("a", PASSPHRASE, "other")
    with pytest.raises(WrongPassphrase):
        keystore.unlock("a", PASSPHRASE)
    assert keystore.unlock("a", "other").address == made.address
    assert keystore.find("a") == noted


def test_the_vault_key_is_made_once_and_stays(keystore: Keystore) -> None:
    with pytest.raises(KeystoreError, match="govledger init"):
        keystore.vault_key(PASSPHRASE)
    key = keystore.vault_key(PASSPHRASE, create=True)
    assert len(key) == 32
    assert keystore.vault_key(PASSPHRASE, create=True) == key
    assert Keystore(keystore.directory).vault_key(PASSPHRASE) == key
    with pytest.raises(WrongPassphrase):
        keystore.vault_key("wrong")
    file = keystore.directory / "vault.key"
    file.write_text(file.read_text().replace('"n": 4096', '"n": "many"'))
    with pytest.raises(KeystoreError, match="damaged"):
        keystore.vault_key(PASSPHRASE)


def _settings(tmp_path: Path, **given: str) -> Settings:
    return load_settings(overrides=given, env={}, data_dir=tmp_path)


def test_the_passphrase_comes_from_setting_file_or_question(tmp_path: Path) -> None:
    assert passphrase_from(_settings(tmp_path, passphrase="p")) == "p"
    file = tmp_path / "secret"
    file.write_text("口令 1\nnot this\n", encoding="utf-8")
    assert passphrase_from(_settings(tmp_path, passphrase_file=str(file))) == "口令 1"
    assert passphrase_from(_settings(tmp_path), lambda: "typed") == "typed"
    with pytest.raises(KeystoreError, match="GOVLEDGER_PASSPHRASE_FILE"):
        passphrase_from(_settings(tmp_path))
    file.write_text("")
    with pytest.raises(KeystoreError, match="empty"):
        passphrase_from(_settings(tmp_path, passphrase_file=str(file)))
    with pytest.raises(KeystoreError, match="cannot be read"):
        passphrase_from(_settings(tmp_path, passphrase_file=str(tmp_path / "absent")))

"""The keystore (密钥库): this office's signing keys, each in a file of its own under a passphrase.

The files are Web3 Secret Storage version 3, which every Ethereum wallet reads; what is ours (name,
label, organisation, roles) stands beside in one more member, ``govledger``, that other programs
pass over. That member is a note for people and proves nothing: roles are what the ledger says.
"""

from __future__ import annotations

import contextlib
import os
import re
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt
from eth_utils.address import to_checksum_address

from ledger.codes import Role
from ledger.settings import Settings

if TYPE_CHECKING:
    from eth_account import Account
    from eth_account.signers.local import LocalAccount

WORK_FACTOR = 1 << 18
"""scrypt's N for a key that matters: about a second and 256 MiB for each guess."""
DEMO_WORK_FACTOR = 1 << 12
"""For keys that everybody may know."""
NAME = re.compile(r"[^\W_][\w.-]{0,63}")
NOTE = "govledger"
VAULT_FILE = "vault.key"
SECRET_BYTES = 32
NONCE_BYTES = 12
LISTED = 12
"""Names of keys that a refusal lists; of more the nearest ones."""
DIRECTORY_MODE = 0o700
FILE_MODE = 0o600


def account_of(private_key: str | bytes) -> LocalAccount:
    """The account of a private key (32 bytes, or hex text); raises :class:`KeystoreError` where it is none."""
    try:
        account: LocalAccount = _accounts().from_key(private_key)
    except (ValueError, TypeError) as problem:
        raise KeystoreError(
            "that is no private key: 32 bytes, written as 64 hex digits, are needed"
        ) from problem
    return account


class KeystoreError(Exception):
    """A key that cannot be made, found or read; the text says what to do."""


class WrongPassphrase(KeystoreError):
    """The passphrase does not open the key."""


class KeyInfo(msgspec.Struct, frozen=True):
    """A key as it may be shown; ``roles`` is the mask of :class:`~ledger.codes.Role` noted."""

    name: str
    address: str
    label: str = ""
    organisation: str = ""
    roles: int = 0

    @property
    def role_names(self) -> list[str]:
        return [role.name or "" for role in Role if self.roles & role.value]


class _Vault(msgspec.Struct, frozen=True):
    version: int
    kdf: str
    n: int
    salt: str
    nonce: str
    ciphertext: str


class Keystore:
    """The keys in one directory. ``work_factor`` is scrypt's N (a power of two) for new files."""

    def __init__(self, directory: Path, *, work_factor: int = WORK_FACTOR) -> None:
        self.directory = directory
        self._work_factor = work_factor

    def create(
        self,
        name: str,
        passphrase: str,
        *,
        label: str = "",
        organisation: str = "",
        roles: int = 0,
    ) -> KeyInfo:
        """Make a new random key; raises :class:`KeystoreError` where the name is taken or bad."""
        key = "0x" + secrets.token_hex(SECRET_BYTES)
        return self.add(name, key, passphrase, label=label, organisation=organisation, roles=roles)

    def add(
        self,
        name: str,
        private_key: str | bytes,
        passphrase: str,
        *,
        label: str = "",
        organisation: str = "",
        roles: int = 0,
    ) -> KeyInfo:
        """Take in a private key (32 bytes, or hex text)."""
        self._check_new(name)
        account = account_of(private_key)
        info = KeyInfo(name, account.address, label, organisation, roles)
        self._write_new(self._file(name), self._sealed(account, passphrase, info))
        return info

    def import_file(
        self, name: str, file: Path, passphrase: str, *, label: str = "", organisation: str = ""
    ) -> KeyInfo:
        """Take in another wallet's version 3 file; ``passphrase`` is the file's, and stays so."""
        self._check_new(name)
        document = _document(file)
        account = _opened(document, passphrase, str(file))
        info = KeyInfo(name, account.address, label, organisation)
        document[NOTE] = msgspec.to_builtins(info)
        self._write_new(self._file(name), document)
        return info

    def list(self) -> list[KeyInfo]:
        """All keys, by name; raises :class:`KeystoreError` naming a file that is damaged."""
        if not self.directory.is_dir():
            return []
        return [_info(_document(file), file) for file in sorted(self.directory.glob("*.json"))]

    def find(self, name: str) -> KeyInfo:
        """The key with this name or address."""
        file = self._existing(name)
        return _info(_document(file), file)

    def unlock(self, name: str, passphrase: str) -> LocalAccount:
        """The key with this name or address, ready to sign; raises :class:`WrongPassphrase`."""
        file = self._existing(name)
        return _opened(_document(file), passphrase, file.stem)

    def note(
        self,
        name: str,
        *,
        label: str | None = None,
        organisation: str | None = None,
        roles: int | None = None,
    ) -> KeyInfo:
        """Change what is noted beside a key; None leaves as it is. Needs no passphrase."""
        file = self._existing(name)
        document = _document(file)
        old = _info(document, file)
        info = KeyInfo(
            old.name,
            old.address,
            old.label if label is None else label,
            old.organisation if organisation is None else organisation,
            old.roles if roles is None else roles,
        )
        document[NOTE] = msgspec.to_builtins(info)
        self._replace(file, document)
        return info

    def change_passphrase(self, name: str, old: str, new: str) -> None:
        """Put a key under another passphrase; the file is replaced in one step."""
        file = self._existing(name)
        document = _document(file)
        account = _opened(document, old, file.stem)
        self._replace(file, self._sealed(account, new, _info(document, file)))

    # -- the vault -----------------------------------------------------------------------------

    def vault_key(self, passphrase: str, *, create: bool = False) -> bytes:
        """The 32 bytes under which this office seals texts that do not go on the chain.

        ``create`` makes the key where there is none. It is wrapped with AES-256-GCM under scrypt of
        the passphrase. Raises :class:`WrongPassphrase`, or :class:`KeystoreError` where it is
        missing or damaged: without it sealed texts cannot be read, so keep a copy of the file.
        """
        file = self.directory / VAULT_FILE
        if not file.exists():
            if not create:
                raise KeystoreError(
                    f"there is no {file}; restore it from a backup, or make the data directory "
                    "with 'govledger init'"
                )
            # where two processes make it at once, the first one's is kept by both
            with contextlib.suppress(FileExistsError):
                self._write(file, self._wrapped(secrets.token_bytes(SECRET_BYTES), passphrase))
        try:
            vault = msgspec.json.decode(file.read_bytes(), type=_Vault)
            salt, nonce = bytes.fromhex(vault.salt), bytes.fromhex(vault.nonce)
            ciphertext = bytes.fromhex(vault.ciphertext)
        except (msgspec.MsgspecError, ValueError) as problem:
            raise KeystoreError(
                f"{file} is damaged ({problem}); restore it from a backup"
            ) from problem
        key = _stretched(passphrase, salt, vault.n)
        try:
            return AESGCM(key).decrypt(nonce, ciphertext, VAULT_FILE.encode())
        except InvalidTag as problem:
            raise WrongPassphrase(
                f"the passphrase does not open {file}; try again, or correct the setting passphrase"
            ) from problem

    def _wrapped(self, secret: bytes, passphrase: str) -> dict[str, Any]:
        salt, nonce = secrets.token_bytes(SECRET_BYTES), secrets.token_bytes(NONCE_BYTES)
        key = _stretched(passphrase, salt, self._work_factor)
        sealed = AESGCM(key).encrypt(nonce, secret, VAULT_FILE.encode())
        vault = _Vault(1, "scrypt", self._work_factor, salt.hex(), nonce.hex(), sealed.hex())
        return dict(msgspec.to_builtins(vault))

    # -- files ---------------------------------------------------------------------------------

    def _sealed(self, account: LocalAccount, passphrase: str, info: KeyInfo) -> dict[str, Any]:
        document: dict[str, Any] = _accounts().encrypt(
            account.key, passphrase, kdf="scrypt", iterations=self._work_factor
        )
        document[NOTE] = msgspec.to_builtins(info)
        return document

    def _file(self, name: str) -> Path:
        return self.directory / f"{name}.json"

    def _check_new(self, name: str) -> None:
        if not NAME.fullmatch(name):
            raise KeystoreError(
                f"{name!r} cannot be a key's name: 1 to 64 letters, digits, dots, hyphens and "
                "underscores, a letter or digit first"
            )
        if self._file(name).exists():
            raise KeystoreError(f"there is a key {name!r} already; choose another name")

    def _existing(self, name: str) -> Path:
        if NAME.fullmatch(name) and self._file(name).exists():
            return self._file(name)
        for info in self.list():
            if info.address.lower() == name.lower():
                return self._file(info.name)
        names = [info.name for info in self.list()]
        if len(names) <= LISTED:
            known = f"there are: {', '.join(names) or 'none'}"
        else:
            from difflib import get_close_matches  # noqa: PLC0415 - only where somebody misspelt one

            near = get_close_matches(name, names, LISTED) or names[:LISTED]
            known = f"of {len(names)} there are: {', '.join(near)}, … (govledger key list)"
        raise KeystoreError(f"there is no key {name!r} in {self.directory}; {known}")

    def _draft(self, document: dict[str, Any]) -> Path:
        """The document in a new file that only its owner may read, safely on the disk."""
        self.directory.mkdir(mode=DIRECTORY_MODE, parents=True, exist_ok=True)
        draft = self.directory / f".{secrets.token_hex(8)}.new"
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, FILE_MODE)
        with os.fdopen(handle, "wb") as file:
            file.write(msgspec.json.format(msgspec.json.encode(document), indent=2) + b"\n")
            file.flush()
            os.fsync(file.fileno())
        return draft

    def _write_new(self, file: Path, document: dict[str, Any]) -> None:
        try:
            self._write(file, document)
        except FileExistsError as problem:
            raise KeystoreError(f"there is {file} already; choose another name") from problem

    def _write(self, file: Path, document: dict[str, Any]) -> None:
        """Write a new file, whole or not at all; raises FileExistsError."""
        draft = self._draft(document)
        try:
            file.hardlink_to(draft)
        finally:
            draft.unlink()

    def _replace(self, file: Path, document: dict[str, Any]) -> None:
        self._draft(document).replace(file)


def passphrase_from(settings: Settings, prompt: Callable[[], str] | None = None) -> str:
    """The keystore's passphrase: from the setting or its file, otherwise ``prompt`` asks for it.

    Raises :class:`KeystoreError` where there is none, or the file cannot be read.
    """
    if settings.passphrase:
        return settings.passphrase.reveal()
    if settings.passphrase_file is not None:
        try:
            lines = settings.passphrase_file.read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as problem:
            raise KeystoreError(
                f"the passphrase file {settings.passphrase_file} cannot be read: {problem}"
            ) from problem
        if not lines or not lines[0]:
            raise KeystoreError(
                f"the passphrase file {settings.passphrase_file} is empty; its first line is needed"
            )
        return lines[0]
    if prompt is None:
        raise KeystoreError(
            "the keystore needs a passphrase: set GOVLEDGER_PASSPHRASE_FILE to a file that holds "
            "it, or GOVLEDGER_PASSPHRASE"
        )
    return prompt()


def _accounts() -> Account:
    # three quarters of a second to import, and listing keys needs none of it
    from eth_account import Account  # noqa: PLC0415

    return Account()


def _document(file: Path) -> dict[str, Any]:
    try:
        return msgspec.json.decode(file.read_bytes(), type=dict[str, Any])
    except OSError as problem:
        raise KeystoreError(f"{file} cannot be read: {problem}") from problem
    except msgspec.MsgspecError as problem:
        raise KeystoreError(f"{file} is damaged ({problem}); restore it from a backup") from problem


def _info(document: dict[str, Any], file: Path) -> KeyInfo:
    """What is noted beside a key; the address is the file's own, whatever the note says."""
    try:
        note = msgspec.convert(document.get(NOTE, {"name": "", "address": ""}), KeyInfo)
        address = str(to_checksum_address(document["address"]))
    except (msgspec.MsgspecError, KeyError, ValueError, TypeError) as problem:
        raise KeystoreError(
            f"{file} is no Web3 Secret Storage file of version 3; move it away or restore it"
        ) from problem
    return KeyInfo(file.stem, address, note.label, note.organisation, note.roles)


def _opened(document: dict[str, Any], passphrase: str, name: str) -> LocalAccount:
    try:
        account: LocalAccount = _accounts().from_key(_accounts().decrypt(document, passphrase))
    except ValueError as problem:
        if "MAC mismatch" in str(problem):
            raise WrongPassphrase(
                f"the passphrase does not open the key {name!r}; try again, or correct the setting "
                "passphrase"
            ) from problem
        raise KeystoreError(f"the key {name!r} cannot be opened: {problem}") from problem
    except (KeyError, TypeError, NotImplementedError) as problem:
        raise KeystoreError(
            f"the key {name!r} is no Web3 Secret Storage file of version 3; restore it from a "
            "backup"
        ) from problem
    given = str(document.get("address", "")).lower().removeprefix("0x")
    if given and given != account.address.lower().removeprefix("0x"):
        raise KeystoreError(
            f"the file of the key {name!r} names another address than its own; restore it from a "
            "backup"
        )
    return account


def _stretched(passphrase: str, salt: bytes, n: int) -> bytes:
    return Scrypt(salt=salt, length=SECRET_BYTES, n=n, r=8, p=1).derive(passphrase.encode())

"""Handing a manifest's secret over to the collector (盐密钥移交), encrypted to the collector's ledger key.

ECIES out of well-known parts: an ephemeral key on secp256k1, ECDH (SEC 1, section 3.3.1), HKDF-SHA-256
(RFC 5869), AES-256-GCM (NIST SP 800-38D). The header, which says of which manifest it is and whose key
opens it, is in the clear and authenticated; it holds nothing that the ledger does not say. The schema goes
along, because a manifest of an entry whose text is not public leaves it out.

That the secret is the one that the manifest was made with is checked against what the manifest publishes of
it, so that a wrong secret cannot make good data look altered.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Mapping
from typing import Annotated, Any, Literal

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from eth_utils.address import to_checksum_address

from ledger.canonical import CanonicalError, canonical_json, parse_json
from ledger.deliveries.bodies import secret_check
from ledger.deliveries.keeping import SECRET_BYTES
from ledger.signatures import SignatureError, address_of, uncompressed

FORMAT: Literal["govledger-handover/1"] = "govledger-handover/1"
KEY_FORMAT: Literal["govledger-public-key/1"] = "govledger-public-key/1"
SUFFIX = ".handover.json"
NONCE_BYTES = 12
KEY_BYTES = 32
_CURVE = ec.SECP256K1()

HexText = Annotated[str, msgspec.Meta(pattern=r"^0x([0-9a-f]{2})*$")]


class HandoverError(Exception):
    """A handover that cannot be made or opened: ``hint`` says what to do; ``zh``, ``hint_zh`` in Chinese."""

    def __init__(self, what: str, zh: str, *, hint: str, hint_zh: str) -> None:
        super().__init__(what)
        self.hint = hint
        self.zh = zh
        self.hint_zh = hint_zh


class Subject(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which manifest a handover is about; digests as ``0x`` hex, days as ``YYYY-MM-DD``."""

    chain_id: int
    log: HexText
    entry: str
    period_start: str
    period_end: str
    version: int
    leaf: int
    body_digest: HexText
    root: HexText


class Envelope(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The file: a header in the clear, and what only the recipient's key opens."""

    format: Literal["govledger-handover/1"]
    manifest: Subject
    to: str
    """Address of the key that opens it."""
    ephemeral: HexText
    """The sender's one-time public key, compressed."""
    nonce: HexText
    ciphertext: HexText

    def header(self) -> bytes:
        """What is authenticated beside the ciphertext."""
        return _header(self.manifest, self.to, self.ephemeral)


class Handed(msgspec.Struct, frozen=True):
    """What a handover holds: the secret (32 bytes), and the schema of the rows."""

    secret: bytes
    schema: dict[str, Any]


class PublicKeyFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What ``govledger key public`` writes: a key that signed nothing yet, to be given to others."""

    format: Literal["govledger-public-key/1"]
    name: str
    address: str
    public_key: HexText


def seal_handover(subject: Subject, handed: Handed, public_key: bytes) -> bytes:
    """The handover file for the holder of ``public_key`` (33 or 65 bytes).

    Raises :class:`HandoverError` where it is no public key.
    """
    point = _point(public_key)
    one_time = ec.generate_private_key(_CURVE)
    ephemeral = "0x" + _compressed(one_time.public_key()).hex()
    to = to_checksum_address(address_of(_full(point)))
    header = _header(subject, to, ephemeral)
    key = _derived(one_time, point, header)
    nonce = secrets.token_bytes(NONCE_BYTES)
    plain = canonical_json({"schema": handed.schema, "secret": handed.secret.hex()})
    sealed = AESGCM(key).encrypt(nonce, plain, header)
    envelope = Envelope(FORMAT, subject, to, ephemeral, "0x" + nonce.hex(), "0x" + sealed.hex())
    return msgspec.json.format(msgspec.json.encode(envelope), indent=2) + b"\n"


def read_envelope(data: bytes) -> Envelope:
    """The envelope in a handover file; raises :class:`HandoverError` where it is none."""
    try:
        return msgspec.json.decode(data, type=Envelope)
    except msgspec.MsgspecError as error:
        raise HandoverError(
            f"this is no handover file: {error}",
            f"这不是移交文件：{error}",
            hint="ask the department for the file that `deliver handover` wrote",
            hint_zh="请向提供部门索取 `deliver handover` 生成的文件",
        ) from error


def open_handover(envelope: Envelope, private_key: bytes) -> Handed:
    """What the envelope holds, opened with the recipient's private key (32 bytes).

    Raises :class:`HandoverError` where it is meant for another key, or was altered.
    """
    own = ec.derive_private_key(int.from_bytes(private_key, "big"), _CURVE)
    address = to_checksum_address(address_of(_full(own.public_key())))
    if address != envelope.to:
        raise HandoverError(
            f"the handover is for the key {envelope.to}, not for {address}",
            f"移交文件是给密钥 {envelope.to} 的，不是给 {address} 的",
            hint="open it with that key, or ask for a handover to yours",
            hint_zh="请使用该密钥，或请提供部门重新移交给您的密钥",
        )
    try:
        key = _derived(own, _point(bytes.fromhex(envelope.ephemeral[2:])), envelope.header())
        plain = AESGCM(key).decrypt(
            bytes.fromhex(envelope.nonce[2:]),
            bytes.fromhex(envelope.ciphertext[2:]),
            envelope.header(),
        )
        content = parse_json(plain)
        handed = Handed(bytes.fromhex(content["secret"]), dict(content["schema"]))
    except (InvalidTag, CanonicalError, HandoverError, KeyError, TypeError, ValueError) as error:
        raise _altered() from error
    if len(handed.secret) != SECRET_BYTES:
        raise _altered()
    return handed


def check_secret(secret: bytes, published: bytes | None) -> None:
    """Raise :class:`HandoverError` unless this is the secret that the manifest was made with.

    ``published`` is what the manifest says of it; one that says nothing cannot be held against it.
    """
    if published is not None and not hmac.compare_digest(secret_check(secret), published):
        raise HandoverError(
            "the handover holds another secret than the manifest was made with",
            "移交文件中的盐密钥不是该数据清单所用的",
            hint="ask the department for the handover of this version of the manifest",
            hint_zh="请向提供部门索取该版本数据清单的移交文件",
        )


def public_key_file(name: str, private_key: bytes) -> bytes:
    """A file that gives others the public key of this private key (32 bytes)."""
    public = ec.derive_private_key(int.from_bytes(private_key, "big"), _CURVE).public_key()
    address = to_checksum_address(address_of(_full(public)))
    file = PublicKeyFile(KEY_FORMAT, name, address, "0x" + _compressed(public).hex())
    return msgspec.json.format(msgspec.json.encode(file), indent=2) + b"\n"


def read_public_key(data: bytes) -> tuple[str, bytes]:
    """Address and public key (65 bytes) in a file of :func:`public_key_file`.

    Raises :class:`HandoverError` where it is none, or names another address than its key's.
    """
    try:
        file = msgspec.json.decode(data, type=PublicKeyFile)
        public = uncompressed(bytes.fromhex(file.public_key[2:]))
    except (msgspec.MsgspecError, SignatureError) as error:
        raise _no_public_key(str(error), str(error)) from error
    address = str(to_checksum_address(address_of(public)))
    if address != file.address:
        raise _no_public_key(
            f"its key belongs to {address}, not to {file.address}",
            f"其公钥属于 {address}，而不是 {file.address}",
        )
    return address, public


def _header(subject: Subject, to: str, ephemeral: str) -> bytes:
    members: Mapping[str, Any] = msgspec.to_builtins(subject)
    return canonical_json(
        {"format": FORMAT, "manifest": dict(members), "to": to, "ephemeral": ephemeral}
    )


def _derived(
    own: ec.EllipticCurvePrivateKey, other: ec.EllipticCurvePublicKey, header: bytes
) -> bytes:
    """The key for one envelope: HKDF over the shared secret, bound to the whole header."""
    shared = own.exchange(ec.ECDH(), other)
    return HKDF(hashes.SHA256(), KEY_BYTES, salt=None, info=header).derive(shared)


def _point(public_key: bytes) -> ec.EllipticCurvePublicKey:
    try:
        return ec.EllipticCurvePublicKey.from_encoded_point(_CURVE, public_key)
    except ValueError as error:
        length = len(public_key)
        raise _no_public_key(
            f"these {length} bytes are no point on secp256k1",
            f"这 {length} 个字节不是 secp256k1 上的点",
        ) from error


def _no_public_key(why: str, zh: str) -> HandoverError:
    return HandoverError(
        f"this is no public key: {why}",
        f"这不是公钥：{zh}",
        hint="ask the collector for the file that `key public` wrote",
        hint_zh="请向归集方索取 `key public` 生成的文件",
    )


def _full(key: ec.EllipticCurvePublicKey) -> bytes:
    return key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


def _compressed(key: ec.EllipticCurvePublicKey) -> bytes:
    return key.public_bytes(Encoding.X962, PublicFormat.CompressedPoint)


def _altered() -> HandoverError:
    return HandoverError(
        "the handover was altered: it does not open with the key that it is for",
        "移交文件已被改动：用指定的密钥无法打开",
        hint="ask the department for it again",
        hint_zh="请向提供部门重新索取",
    )

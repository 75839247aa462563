"""Keeping the secrets of manifests (数据清单的盐密钥), and the collector's tag of contents.

A manifest's secret salts its row leaves, so that rows of few possible values cannot be guessed from the
chain. Whoever has it can test guesses and open single rows: the department that made it, and the
collector to whom it was handed over. Both keep it in the desk database, sealed under their vault key
(:mod:`ledger.sealing`).
"""

from __future__ import annotations

import hmac
from datetime import date
from typing import NamedTuple

from sqlalchemy import Connection, insert, select

from ledger.days import day_number
from ledger.deliveries.models import MANIFEST_SECRETS
from ledger.sealing import Sealed, SealError, seal_bytes, unseal_bytes

SECRET_BYTES = 32


class ManifestName(NamedTuple):
    """Which manifest a secret belongs to: SHA-256 of its body, entry, first and last day."""

    body_digest: bytes
    entry: str
    period_start: date
    period_end: date


def keep_secret(desk: Connection, of: ManifestName, secret: bytes, key: bytes) -> None:
    """Keep the secret of a manifest, sealed under ``key`` (32 bytes).

    Does not commit; one that is kept already stays as it is. Raises
    :class:`~ledger.sealing.SealError` for a secret or key of another length.
    """
    if len(secret) != SECRET_BYTES:
        raise SealError(f"a manifest's secret has {SECRET_BYTES} bytes, this one has {len(secret)}")
    digest = of.body_digest.hex()
    table = MANIFEST_SECRETS
    if desk.execute(select(table.c.entry).where(table.c.body_digest == digest)).first():
        return
    days = (day_number(of.period_start), day_number(of.period_end))
    sealed = seal_bytes(key, secret, _about(digest, of.entry, *days))
    desk.execute(
        insert(table),
        {
            "body_digest": digest,
            "entry": of.entry,
            "period_start": days[0],
            "period_end": days[1],
            **sealed._asdict(),
        },
    )


def kept_secret(desk: Connection, body_digest: bytes, key: bytes) -> bytes | None:
    """The secret of the manifest whose body has this SHA-256, None where none is kept here.

    Raises :class:`~ledger.sealing.SealError` where the key is another, or the row was altered.
    """
    table = MANIFEST_SECRETS
    row = desk.execute(select(table).where(table.c.body_digest == body_digest.hex())).one_or_none()
    if row is None:
        return None
    return unseal_bytes(
        key,
        Sealed(row.key_check, row.nonce, row.ciphertext),
        _about(row.body_digest, row.entry, row.period_start, row.period_end),
        what=f"the secret of the manifest of entry {row.entry}",
        when="it was made or taken over",
    )


def content_tag(vault_key: bytes, entry: str, content_root: bytes) -> bytes:
    """The collector's tag of the rows behind an unsalted content root, 32 bytes.

    HMAC-SHA-256 under a key of the entry's own, which is derived from the collector's vault key: equal
    tags of one entry mean equal rows, whatever salts the manifests had, and nobody without the vault
    key can test a guess.
    """
    key = hmac.digest(vault_key, b"govledger content tag\n" + entry.encode(), "sha256")
    return hmac.digest(key, content_root, "sha256")


def _about(digest: str, entry: str, start: int, end: int) -> bytes:
    return f"govledger manifest secret\n{digest}\n{entry}\n{start}\n{end}".encode()

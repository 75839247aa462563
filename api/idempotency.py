"""``Idempotency-Key``: the same request twice is one request, and a key is not used for two.

A key is kept, as its SHA-256, with that of the request's body and the receipt it led to, for seven days. It
is written before the batch goes to the outbox; after a crash between the two the same request goes on where
it stopped, because the outbox knows a batch by its digest.
"""

from __future__ import annotations

import time

from sqlalchemy import Column, Engine, LargeBinary, String, Table, delete, insert, select
from sqlalchemy.exc import IntegrityError
from sqlmodel import Field

from api.language import Text
from api.problems import Problem
from ledger.statements import sha256
from ledger.store.engine import writing
from ledger.store.tables import DeskTable
from ledger.store.types import BIG

KEPT_MS = 7 * 24 * 3600 * 1000
MAX_KEY = 255


class IdempotencyRow(DeskTable, table=True):
    """One key that was used. ``used_at`` in Unix milliseconds of this machine."""

    __tablename__ = "idempotency_key"

    key: bytes = Field(sa_column=Column(LargeBinary(32), primary_key=True))
    request: bytes = Field(sa_column=Column(LargeBinary(32), nullable=False))
    receipt: str = Field(sa_column=Column(String(66), nullable=False))
    used_at: int = Field(sa_column=Column(BIG, nullable=False, index=True))


KEYS: Table = DeskTable.metadata.tables["idempotency_key"]


def check_key(key: str | None) -> str | None:
    """``key`` where it can be one: 1 to 255 visible ASCII characters; raises ``malformed_request``."""
    if key is None:
        return None
    if 0 < len(key) <= MAX_KEY and key.isascii() and key.isprintable():
        return key
    raise Problem(
        "malformed_request",
        Text(
            f"Idempotency-Key 应为 1 至 {MAX_KEY} 个可见 ASCII 字符",
            f"an Idempotency-Key has 1 to {MAX_KEY} visible ASCII characters",
        ),
    )


def claim(desk: Engine, key: str, body: bytes, receipt: str) -> str:
    """Bind ``key`` to this request, or find the receipt that it is bound to already.

    Raises ``idempotency_key_reused`` where the key belongs to a request with another body.
    """
    try:
        return _claim(desk, key, sha256(body), receipt)
    except IntegrityError:
        # PostgreSQL: another process claimed it at this very moment
        return _claim(desk, key, sha256(body), receipt)


def _claim(desk: Engine, key: str, request: bytes, receipt: str) -> str:
    name, now = sha256(key.encode()), time.time_ns() // 1_000_000
    with writing(desk) as connection:
        connection.execute(delete(KEYS).where(KEYS.c.used_at < now - KEPT_MS))
        found = connection.execute(select(KEYS).where(KEYS.c.key == name)).one_or_none()
        if found is None:
            connection.execute(
                insert(KEYS).values(key=name, request=request, receipt=receipt, used_at=now)
            )
            return receipt
    return _same(key, found.request, request, found.receipt)


def known(desk: Engine, key: str, body: bytes) -> str | None:
    """The receipt that ``key`` led to before, None where it is new; raises as :func:`claim`."""
    with desk.connect() as connection:
        found = connection.execute(
            select(KEYS).where(KEYS.c.key == sha256(key.encode()))
        ).one_or_none()
    return None if found is None else _same(key, found.request, sha256(body), found.receipt)


def _same(key: str, kept: bytes, request: bytes, receipt: str) -> str:
    if kept == request:
        return receipt
    raise Problem(
        "idempotency_key_reused",
        Text(
            f"Idempotency-Key {key} 已用于内容不同的请求",
            f"the Idempotency-Key {key} was used for a request with other content",
        ),
        members={"receipt": receipt},
    )

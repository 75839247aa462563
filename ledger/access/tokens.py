"""Bearer tokens (RFC 6750): made, shown once, checked, revoked.

A token is ``glt_<id>_<secret>``. The desk keeps the id and the SHA-256 of the secret, so a copy of the desk
lets nobody in. Checking takes the same time for any secret.
"""

from __future__ import annotations

import hmac
import re
import secrets
import threading
import time
from collections.abc import Callable, Iterable
from hashlib import sha256

import msgspec
from sqlalchemy import Engine, RowMapping, insert, select, update

from ledger.access.models import TOKENS
from ledger.store.engine import writing

LINEAGE_WRITE = "lineage:write"
SCOPES: dict[str, tuple[str, str]] = {
    LINEAGE_WRITE: ("写入血缘事件", "hand in lineage events"),
}
"""Scope -> what it allows, in Chinese and English."""
LONGEST_DAYS = 3_650
REMEMBERED_SECONDS = 2.0
"""For how long a check is good without asking the desk again: a revocation counts after that at the latest."""
_TOKEN = re.compile(r"glt_([0-9a-f]{12})_([A-Za-z0-9_-]{43})")
_NOBODY = bytes(32)
_MOST_REMEMBERED = 10_000
_DAY = 86_400


class TokenError(ValueError):
    """A token that cannot be made, or is not there; the text says why."""


class TokenRefused(Exception):
    """A token that does not let in; ``known`` tells whether it would with another scope."""

    def __init__(self, why: str, zh: str, *, known: bool = False) -> None:
        super().__init__(why)
        self.zh = zh
        self.known = known


class Token(msgspec.Struct, frozen=True):
    """What the desk knows of a token. Times in Unix seconds."""

    id: str
    scopes: tuple[str, ...]
    organisation: str
    label: str
    created_at: int
    expires_at: int
    revoked_at: int | None

    def state(self, now: float) -> str:
        """``active``, ``expired`` or ``revoked``."""
        if self.revoked_at is not None:
            return "revoked"
        return "active" if now < self.expires_at else "expired"


def create(
    engine: Engine,
    scopes: Iterable[str],
    *,
    days: int,
    organisation: str = "",
    label: str = "",
    now: float | None = None,
) -> tuple[str, Token]:
    """A new token, in full for the only time, and what is kept of it. Raises :class:`TokenError`."""
    wanted = tuple(sorted(set(scopes)))
    unknown = [scope for scope in wanted if scope not in SCOPES]
    if unknown or not wanted:
        raise TokenError(
            f"{', '.join(unknown) or 'nothing'} is no scope: one of {', '.join(sorted(SCOPES))}"
        )
    if not 1 <= days <= LONGEST_DAYS:
        raise TokenError(f"a token holds for 1 to {LONGEST_DAYS} days, not {days}")
    secret = secrets.token_urlsafe(32)
    at = int(time.time() if now is None else now)
    token = Token(secrets.token_hex(6), wanted, organisation, label, at, at + days * _DAY, None)
    with writing(engine) as connection:
        connection.execute(
            insert(TOKENS).values(
                {
                    **msgspec.structs.asdict(token),
                    "scopes": " ".join(wanted),
                    "digest": sha256(secret.encode()).digest(),
                }
            )
        )
    return f"glt_{token.id}_{secret}", token


def tokens(engine: Engine) -> list[Token]:
    """Every token that was made, the oldest first."""
    with engine.connect() as connection:
        rows = connection.execute(select(TOKENS).order_by(TOKENS.c.created_at, TOKENS.c.id))
        return [_token(row) for row in rows.mappings()]


def revoke(engine: Engine, token_id: str, now: float | None = None) -> Token:
    """End a token for good; ending it twice changes nothing. Raises :class:`TokenError`."""
    at = int(time.time() if now is None else now)
    with writing(engine) as connection:
        connection.execute(
            update(TOKENS)
            .where(TOKENS.c.id == token_id, TOKENS.c.revoked_at.is_(None))
            .values(revoked_at=at)
        )
        row = connection.execute(select(TOKENS).where(TOKENS.c.id == token_id)).mappings().first()
    if row is None:
        raise TokenError(f"there is no token {token_id}")
    return _token(row)


class Doorkeeper:
    """Checks tokens, and remembers for a moment what the desk said of each."""

    def __init__(self, engine: Engine, clock: Callable[[], float] = time.time) -> None:
        self._engine = engine
        self._clock = clock
        self._lock = threading.Lock()
        self._remembered: dict[str, tuple[float, bytes, Token | None]] = {}

    def admit(self, text: str, scope: str) -> Token:
        """The token behind ``text`` where it allows ``scope``; raises :class:`TokenRefused`."""
        found = _TOKEN.fullmatch(text)
        if found is None:
            raise TokenRefused("this is no token of this server", "不是本服务的令牌")
        now = self._clock()
        digest, token = self._known(found[1], now)
        # An unknown id is compared as well, so that the time taken tells nothing.
        fits = hmac.compare_digest(sha256(found[2].encode()).digest(), digest)
        if token is None or not fits:
            raise TokenRefused("the token is not known here", "令牌无效")
        if token.revoked_at is not None:
            raise TokenRefused(f"token {token.id} was revoked", f"令牌 {token.id} 已吊销")
        if now >= token.expires_at:
            raise TokenRefused(f"token {token.id} has expired", f"令牌 {token.id} 已过期")
        if scope not in token.scopes:
            raise TokenRefused(
                f"token {token.id} does not allow {scope}",
                f"令牌 {token.id} 没有权限 {scope}",
                known=True,
            )
        return token

    def _known(self, token_id: str, now: float) -> tuple[bytes, Token | None]:
        with self._lock:
            kept = self._remembered.get(token_id)
        if kept is not None and 0 <= now - kept[0] < REMEMBERED_SECONDS:
            return kept[1], kept[2]
        with self._engine.connect() as connection:
            row = (
                connection.execute(select(TOKENS).where(TOKENS.c.id == token_id)).mappings().first()
            )
        answer = (_NOBODY, None) if row is None else (bytes(row["digest"]), _token(row))
        with self._lock:
            if len(self._remembered) >= _MOST_REMEMBERED:
                self._remembered.clear()
            self._remembered[token_id] = (now, *answer)
        return answer


def _token(row: RowMapping) -> Token:
    names = Token.__struct_fields__
    return Token(
        **{name: row[name] for name in names if name != "scopes"},
        scopes=tuple(row["scopes"].split()),
    )

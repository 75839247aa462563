"""Tokens: shown once, kept as a digest, ended in time."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, select

from ledger.access import tokens
from ledger.access.models import TOKENS
from ledger.access.tokens import LINEAGE_WRITE, Doorkeeper, TokenError, TokenRefused
from ledger.store.engine import open_database


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Engine]:
    engine = open_database(f"sqlite:///{tmp_path / 'desk.db'}", "desk")
    yield engine
    engine.dispose()


class Clock:
    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


def test_a_token_lets_in_whoever_holds_it_and_the_desk_does_not_have_it(desk: Engine) -> None:
    text, token = tokens.create(
        desk, [LINEAGE_WRITE], days=30, organisation="TMP-A", label="airflow"
    )
    assert Doorkeeper(desk).admit(text, LINEAGE_WRITE) == token
    assert tokens.tokens(desk) == [token]
    with desk.connect() as connection:
        row = connection.execute(select(TOKENS)).one()
    secret = text.split("_", 2)[2]
    assert secret.encode() not in b"|".join(
        value if isinstance(value, bytes) else str(value).encode() for value in row
    )


@pytest.mark.parametrize(
    ("scopes", "days", "why"),
    [
        ([], 1, "nothing is no scope"),
        (["read:all"], 1, "read:all is no scope"),
        ([LINEAGE_WRITE], 0, "1 to 3650 days"),
        ([LINEAGE_WRITE], 4_000, "1 to 3650 days"),
    ],
)
def test_a_token_that_says_nothing_or_never_ends_is_not_made(
    desk: Engine, scopes: list[str], days: int, why: str
) -> None:
    with pytest.raises(TokenError, match=why):
        tokens.create(desk, scopes, days=days)
    assert tokens.tokens(desk) == []


def test_an_expired_token_lets_nobody_in(desk: Engine) -> None:
    clock = Clock()
    text, token = tokens.create(desk, [LINEAGE_WRITE], days=1, now=clock.now)
    door = Doorkeeper(desk, clock)
    clock.now = token.expires_at - 1
    assert door.admit(text, LINEAGE_WRITE).state(clock.now) == "active"
    clock.now = token.expires_at
    with pytest.raises(TokenRefused, match="expired"):
        door.admit(text, LINEAGE_WRITE)
    assert token.state(clock.now) == "expired"


def test_a_revocation_counts_within_seconds_and_for_good(desk: Engine) -> None:
    clock = Clock()
    text, token = tokens.create(desk, [LINEAGE_WRITE], days=1, now=clock.now)
    door = Doorkeeper(desk, clock)
    door.admit(text, LINEAGE_WRITE)
    ended = tokens.revoke(desk, token.id, now=clock.now)
    assert tokens.revoke(desk, token.id, now=clock.now + 50) == ended
    clock.now += tokens.REMEMBERED_SECONDS
    with pytest.raises(TokenRefused, match="revoked"):
        door.admit(text, LINEAGE_WRITE)
    with pytest.raises(TokenError, match="no token"):
        tokens.revoke(desk, "0" * 12)


def test_wrong_secrets_unknown_ids_and_other_scopes_are_refused(
    desk: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    text, token = tokens.create(desk, [LINEAGE_WRITE], days=1)
    door = Doorkeeper(desk)
    wrong = text[:-1] + ("A" if text[-1] != "A" else "B")
    for other in (wrong, f"glt_{'0' * 12}_{'A' * 43}", "glt_", "", text + "x"):
        with pytest.raises(TokenRefused) as refused:
            door.admit(other, LINEAGE_WRITE)
        assert not refused.value.known
    with pytest.raises(TokenRefused, match="does not allow other") as refused:
        door.admit(text, "other")
    assert refused.value.known
    monkeypatch.setattr(tokens, "_MOST_REMEMBERED", 1)
    assert door.admit(text, LINEAGE_WRITE) == token

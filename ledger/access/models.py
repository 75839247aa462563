"""Table of bearer tokens (访问令牌): who may hand in what, and until when; never the token itself."""

from __future__ import annotations

from sqlalchemy import LargeBinary, String, Text
from sqlmodel import Field

from ledger.store.tables import DeskTable, table_of
from ledger.store.types import BIG


class TokenRow(DeskTable, table=True):
    """A token by its public part. Times in Unix seconds of this machine."""

    __tablename__ = "access_token"

    id: str = Field(sa_type=String(16), primary_key=True)
    digest: bytes = Field(sa_type=LargeBinary(32))
    """SHA-256 of the secret part; it has 256 random bits, so that nothing slower is needed."""
    scopes: str = Field(sa_type=Text)
    """Separated by spaces."""
    organisation: str = Field(sa_type=Text)
    """Code of the organisation for which it speaks; empty for none."""
    label: str = Field(sa_type=Text)
    created_at: int = Field(sa_type=BIG)
    expires_at: int = Field(sa_type=BIG)
    revoked_at: int | None = Field(sa_type=BIG)


TOKENS = table_of(TokenRow)

"""Column types that come out the same on SQLite and PostgreSQL."""

from __future__ import annotations

from sqlalchemy import BigInteger, Dialect, Integer, String
from sqlalchemy.types import TypeDecorator

BIG = BigInteger().with_variant(Integer(), "sqlite")
"""An integer of 63 bits; on SQLite an INTEGER, so that a primary key of it is the row id itself."""


class Unsigned64(TypeDecorator[int]):
    """An integer in 0..2^64-1, which no database has: kept as 20 decimal digits, so that text order
    is number order."""

    impl = String(20)
    cache_ok = True

    def process_bind_param(self, value: int | None, dialect: Dialect) -> str | None:  # noqa: ARG002
        return None if value is None else unsigned64(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> int | None:  # noqa: ARG002
        return None if value is None else int(value)


def unsigned64(value: int) -> str:
    """How :class:`Unsigned64` stands in a row; raises :class:`ValueError` outside 0..2^64-1."""
    if not 0 <= value < 1 << 64:
        raise ValueError(f"{value} is not in 0..2^64-1")
    return f"{value:020d}"

"""Bodies of statements about deliveries (归集): what anyone may have written, and what it must not contradict.

A body repeats the typed members in words; whoever reads it alone must not be misled, so each that
disagrees makes the statement malformed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from ledger.bodies import Line, Prose
from ledger.canonical import MAX_INTEGER, canonical_json
from ledger.days import day_in

ENCODING = "govledger-rows/1"
"""The row encoding that roots are made of (docs/row-encoding.md)."""
BUCKETS = 256
"""Fingerprints in a manifest: rows are dealt by the first byte of their salt."""
MAX_ROWS = (1 << 63) - 1
"""The largest count that a database keeps."""


def _day(text: str) -> str:
    day_in(text)
    return text


def _count(value: int | str) -> int | str:
    number_of(value)
    return value


Count = Annotated[int, Field(ge=0, strict=True)]
Number = Annotated[int, Field(ge=0, strict=True)]
RowCount = Annotated[int | str, AfterValidator(_count)]
DayText = Annotated[str, AfterValidator(_day)]
HexDigest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Fingerprint = Annotated[str, Field(pattern=r"^[0-9a-f]{16}$")]
Columns = Annotated[list[Line], Field(max_length=64)]


class _Body(BaseModel):
    """Strict about what it knows; what it does not know is left alone."""

    model_config = ConfigDict(extra="ignore", frozen=True, strict=True, populate_by_name=True)


class ResourceBody(_Body):
    """Body of a ``Resource``: a table, file or interface that is mounted on an entry."""

    code: Line
    entry: Line
    type: Line
    name: Line
    location: Line | None = None
    reasons: list[Prose] = []


class ManifestBody(_Body):
    """Body of a ``Manifest``.

    ``row_schema`` (member ``schema``) is the canonical schema and ``key`` its key columns; both are
    left out for an entry whose text is not public. ``secret`` is :func:`secret_check` of the salt
    secret.
    """

    entry: Line
    edition: Number
    period_start: DayText
    period_end: DayText
    mode: Line
    rows: RowCount
    row_schema: dict[str, Any] | None = Field(default=None, alias="schema")
    key: Columns = []
    root: HexDigest
    buckets: Annotated[list[Fingerprint], Field(min_length=BUCKETS, max_length=BUCKETS)]
    encoding: Line
    secret: HexDigest | None = None
    resource: Line | None = None
    note: Prose | None = None


class Differences(_Body):
    """How what arrived differs from what was signed, in counts; None where it is not known."""

    missing: Count | None = None
    extra: Count | None = None
    changed: Count | None = None
    duplicate_keys: Count | None = None
    null_keys: Count | None = None
    buckets: Count | None = None
    """Buckets of 256 whose fingerprints are unequal."""

    def said(self) -> dict[str, int]:
        """The counts that are known, by name."""
        return {name: count for name, count in self.model_dump().items() if count is not None}


class DeliveryBody(_Body):
    """Body of a ``Delivery``; ``row_schema`` (member ``schema``) is the schema's digest."""

    entry: Line
    edition: Number
    delivery: Number
    manifest: Number
    period_start: DayText
    period_end: DayText
    mode: Line
    rows: RowCount
    root: HexDigest
    row_schema: HexDigest = Field(alias="schema")
    complete: bool
    differences: Differences | None = None
    note: Prose | None = None


def number_of(value: int | str) -> int:
    """A count of rows as bodies write it (:func:`ledger.canonical.written`).

    Raises :class:`ValueError` for any other form, so that each count has one.
    """
    if isinstance(value, int):
        if not 0 <= value <= MAX_INTEGER:
            raise ValueError(f"a count beyond 2^53-1 is written as text, not as {value}")
        return value
    number = int(value) if value.isascii() and value.isdigit() else -1
    if number <= MAX_INTEGER or str(number) != value:
        raise ValueError(f"a count as text is one beyond 2^53-1 in decimal digits, not {value!r}")
    return number


def schema_digest(schema: dict[str, Any]) -> bytes:
    """SHA-256 of the canonical JSON of a schema, 32 bytes."""
    return hashlib.sha256(canonical_json(schema)).digest()


def bucket_digest(buckets: Sequence[int]) -> bytes:
    """SHA-256 of 256 fingerprints of 8 bytes each, big-endian: the manifest's member ``buckets``.

    Raises :class:`ValueError` for another number of them, :class:`OverflowError` for one beyond 64
    bits.
    """
    if len(buckets) != BUCKETS:
        raise ValueError(f"there are {BUCKETS} buckets, not {len(buckets)}")
    return hashlib.sha256(b"".join(one.to_bytes(8, "big") for one in buckets)).digest()


def secret_check(secret: bytes) -> bytes:
    """What a manifest publishes of its secret, 32 bytes: it tells secrets apart and tells nothing else.

    A secret is 32 random bytes, so that it cannot be guessed from its hash.
    """
    return hashlib.sha256(b"govledger manifest secret\n" + secret).digest()

"""What leaves the API: JSON in UTF-8 without escapes, entity tags, and conditional answers (RFC 9110, 13)."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import date, datetime
from enum import Enum

import msgspec
from starlette.requests import Request
from starlette.responses import Response

JSON = "application/json; charset=utf-8"
AS_OF_HEADER = "GovLedger-As-Of"
"""Response header: the log size (number of leaves) as of which the answer was given."""
_TAG_LENGTH = 32


def _plain(value: object) -> object:
    """How values that JSON does not know are written: bytes as ``0x`` hex, codes as their string code."""
    if isinstance(value, bytes | bytearray | memoryview):
        return "0x" + bytes(value).hex()
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, datetime | date):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} has no JSON form")


_encoder = msgspec.json.Encoder(enc_hook=_plain)


_AS_THEY_ARE = frozenset({str, int, bool, type(None)})
"""What most members are: asked first."""


def hexed(value: object) -> object:
    """``value`` with every ``bytes`` in it as ``0x`` hex (msgspec alone would write Base64)."""
    if type(value) in _AS_THEY_ARE:
        return value
    if isinstance(value, bytes | bytearray | memoryview):
        return "0x" + bytes(value).hex()
    if isinstance(value, Mapping):
        return {key: hexed(member) for key, member in value.items()}
    if isinstance(value, list | tuple):
        return [hexed(member) for member in value]
    return value


def encode(value: object) -> bytes:
    """UTF-8 JSON, Chinese as Chinese; bytes as ``0x`` hex."""
    return _encoder.encode(hexed(value))


def entity_tag(*parts: object) -> str:
    """A strong entity tag over what a representation depends on."""
    digest = hashlib.sha256("\x1f".join(str(part) for part in parts).encode()).hexdigest()
    return f'"{digest[:_TAG_LENGTH]}"'


def answer(
    request: Request,
    value: object,
    *,
    as_of: int | None = None,
    tag: str | None = None,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """``value`` as JSON, or 304 where ``If-None-Match`` already holds the tag.

    The tag is taken over the bytes of the answer unless the caller knows a better one. Nothing is cached
    without asking again: another ledger may stand at the same loopback address tomorrow.
    """
    return answer_bytes(
        request, encode(value), as_of=as_of, tag=tag, status=status, headers=headers
    )


def answer_bytes(
    request: Request,
    content: bytes,
    *,
    as_of: int | None = None,
    tag: str | None = None,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """Like :func:`answer`, for JSON whose very bytes matter."""
    tag = tag or entity_tag(hashlib.sha256(content).hexdigest())
    sent = {"etag": tag, "cache-control": "no-cache", **(headers or {})}
    if as_of is not None:
        sent[AS_OF_HEADER] = str(as_of)
    if request.method in ("GET", "HEAD") and matches(request.headers.get("if-none-match"), tag):
        return Response(status_code=304, headers=sent)
    return Response(content, status_code=status, media_type=JSON, headers=sent)


def matches(header: str | None, tag: str, *, strong: bool = False) -> bool:
    """Whether ``If-Match`` (strong comparison) or ``If-None-Match`` (weak) names ``tag`` (RFC 9110, 8.8.3.2)."""
    if header is None:
        return False
    for candidate in header.split(","):
        given = candidate.strip()
        if given == "*" or (given if strong else given.removeprefix("W/")) == tag:
            return True
    return False


def version_tag(version: int, leaf: bytes) -> str:
    """The entity tag of version ``version`` of a subject, recorded as the leaf with hash ``leaf``.

    Of the leaf's hash, so that a version replaced in a reorganisation of the chain has another tag.
    """
    return f'"v{version}-{leaf[:8].hex()}"'

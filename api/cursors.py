"""Opaque cursors: a place in one list, valid for the very query that gave it.

A cursor carries the log size as of which the first page was read, so that a listing stays one snapshot
while the log grows. Its checksum binds it to the path and parameters of its query. It is no secret and
grants nothing: it only keeps pages of different questions from being mixed up.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

import msgspec

from api.language import Text
from api.problems import Fault, Problem

_CHECK = 12
_MAX_LENGTH = 1024


@dataclass(frozen=True, slots=True)
class Query:
    """What a listing was asked: its path and its parameters without ``cursor`` and ``limit``."""

    path: str
    parameters: Mapping[str, object]

    def seal(self, content: bytes) -> bytes:
        question = sorted(
            (name, str(value)) for name, value in self.parameters.items() if value is not None
        )
        return hashlib.sha256(msgspec.json.encode([self.path, question]) + content).digest()[
            :_CHECK
        ]


def write_cursor(query: Query, as_of: int, position: str | int) -> str:
    """The cursor after ``position`` (the last row's key) in ``query`` as of log size ``as_of``."""
    content = msgspec.json.encode([as_of, position])
    return base64.urlsafe_b64encode(query.seal(content) + content).rstrip(b"=").decode()


def read_cursor(query: Query, text: str) -> tuple[int, str | int]:
    """``(as_of, position)`` of a cursor; raises the problem ``invalid_cursor`` for any other text."""
    if len(text) > _MAX_LENGTH:
        raise _refusal()
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        as_of, position = msgspec.json.decode(raw[_CHECK:], type=tuple[int, str | int])
    except (binascii.Error, ValueError, msgspec.DecodeError) as error:
        raise _refusal() from error
    if raw[:_CHECK] != query.seal(raw[_CHECK:]) or as_of < 0:
        raise _refusal()
    return as_of, position


def _refusal() -> Problem:
    detail = Text(
        "cursor 已损坏,或来自另一个查询", "the cursor is damaged, or comes from another query"
    )
    return Problem("invalid_cursor", detail, errors=[Fault("?cursor", detail, "invalid_cursor")])

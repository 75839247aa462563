"""Where a walk that did not fit on a page goes on (续查标记).

A continuation says as of which sizes of ledger and journal the first page was read, and how many nodes came
before, so that all pages are of one moment while ledger and journal grow. Its checksum binds it to the
question. It is no secret and grants nothing: it only keeps pages of different questions from being mixed up.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from typing import Any

import msgspec

from ledger.lineage.walks import LineageQueryError

_CHECK = 12


class Continuation(msgspec.Struct, frozen=True, array_like=True):
    """Sizes of ledger and journal, and how many nodes were shown."""

    as_of: int
    journal: int
    skip: int


def write_continuation(at: Continuation, question: Any) -> str:  # noqa: ANN401 - whatever JSON can say
    """The text to hand out; ``question`` is everything that must be the same next time."""
    content = msgspec.json.encode(at)
    return _text(_seal(content, question) + content)


def read_continuation(text: str, question: Any) -> Continuation:  # noqa: ANN401
    """What a continuation says; raises :class:`LineageQueryError` where it is damaged or another question's."""
    seal, content, at = _read(text)
    if seal != _seal(content, question):
        raise _refusal()
    return at


def moment_of(text: str) -> Continuation:
    """What a continuation says, before the question is known; raises :class:`LineageQueryError`."""
    return _read(text)[2]


def _read(text: str) -> tuple[bytes, bytes, Continuation]:
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        at = msgspec.json.decode(raw[_CHECK:], type=Continuation)
    except (binascii.Error, ValueError, msgspec.DecodeError) as error:
        raise _refusal() from error
    if min(at.as_of, at.journal, at.skip) < 0 or _text(raw) != text:
        raise _refusal()
    return raw[:_CHECK], raw[_CHECK:], at


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _seal(content: bytes, question: Any) -> bytes:  # noqa: ANN401
    return hashlib.sha256(msgspec.json.encode(question) + b"\n" + content).digest()[:_CHECK]


def _refusal() -> LineageQueryError:
    return LineageQueryError(
        "the continuation is damaged, or comes from another question",
        "ask again without it, and keep everything else the same from page to page",
        zh="续查标记已损坏,或来自另一个查询",
        hint_zh="请不带续查标记重新查询,并在续查时保持其他条件不变",
    )

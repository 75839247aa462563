"""Canonical JSON (RFC 8785) and a parser that takes nothing on trust (RFC 8259, I-JSON of RFC
7493).

What is signed or hashed must have one byte form only. :func:`canonical_json` makes it;
:func:`parse_json` refuses everything that two readers might understand differently: duplicate
names, bytes that are not UTF-8, lone surrogates, integers beyond ``2**53 - 1``, non-finite
numbers, texts that are too large or too deep. Refusals are :class:`CanonicalError` with a JSON
pointer (RFC 6901) or a position.
"""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from typing import Any

import msgspec
import rfc8785

JsonValue = Any
"""None, a boolean, an int, a float, text, a list of these or a dict from text to these."""
MAX_BYTES = 1 << 20
"""Largest document that :func:`parse_json` takes unless told otherwise, in bytes."""
MAX_DEPTH = 64
"""Deepest nesting of arrays and objects."""
MAX_INTEGER = (1 << 53) - 1
"""Largest magnitude of an integer that every JSON reader keeps exactly (RFC 7493 section 2.2)."""

_STRUCTURE = re.compile(r'["\\\[\]{}]')
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_SURROGATE_ESCAPE = re.compile(r"\\u[dD][89a-fA-F]")
# Where names hold no character beyond the basic plane, UTF-16 order (RFC 8785 section 3.2.3) is
# byte order; numbers of up to 15 digits are exact. Everything else takes the long way. Both are
# seen after digits became "0" and the first bytes of such characters "~", faster than by any
# pattern.
_DIGITS_AND_HIGH = bytes(
    ord("0") if chr(byte).isdecimal() else ord("~") if byte >= 0xF0 else 0  # noqa: PLR2004 - UTF-8
    for byte in range(256)
)
_LONG_NUMBER = b"0" * 16
# When writing, only digits where a number can begin are looked at: hex text has long runs of digits.
_PLACES = bytes(ord(":") if chr(byte) in ":,[" else _DIGITS_AND_HIGH[byte] for byte in range(256))
_LONG_TOKEN = b":" + _LONG_NUMBER


class CanonicalError(ValueError):
    """A document that has no canonical form, or is not in it; ``pointer`` is a JSON pointer.

    ``pointer`` is empty where the whole document is meant or the text could not be read at all.
    """

    def __init__(self, reason: str, pointer: str = "") -> None:
        super().__init__(f"{pointer}: {reason}" if pointer else reason)
        self.reason = reason
        self.pointer = pointer


class _Refused:
    """Stands in the parsed tree where something is wrong, so that its pointer can be found."""

    def __init__(self, reason: str, name: str | None = None) -> None:
        self.reason = reason
        self.name = name


def canonical_json(value: JsonValue) -> bytes:
    """``value`` as RFC 8785 bytes.

    Takes dicts with text names, lists, tuples, text, integers within ``±(2**53 - 1)``, finite
    floats, booleans and None. Raises :class:`CanonicalError` for anything else. Documents of lists,
    dicts, text and short integers, which is nearly all, take a compiled path.
    """
    simple = _write_simple(value)
    if simple is not None:
        return simple
    try:
        return rfc8785.dumps(value)
    except rfc8785.CanonicalizationError as error:
        raise CanonicalError(f"no canonical form: {error}") from error
    except (TypeError, AttributeError) as error:
        raise CanonicalError("no canonical form: a name is not text") from error
    except UnicodeEncodeError as error:
        raise CanonicalError("no canonical form: a name holds half a surrogate pair") from error
    except RecursionError as error:
        raise CanonicalError(f"nested deeper than {MAX_DEPTH}") from error


def canonical_plain(value: JsonValue) -> bytes:
    """:func:`canonical_json` of a value that the caller made of nothing but dicts with text names, lists, text, numbers
    without fractions, booleans and None. That there is nothing else is not looked at, which takes most of the time.
    """
    try:
        data = _simple_encoder.encode(value)
    except (msgspec.MsgspecError, TypeError, ValueError, RecursionError):
        return canonical_json(value)
    return data if _is_simple(data) else canonical_json(value)


def parse_json(data: bytes, limit: int = MAX_BYTES, depth: int = MAX_DEPTH) -> JsonValue:
    """The value of a JSON document of at most ``limit`` bytes, nested at most ``depth`` deep.

    Raises :class:`CanonicalError` as the module says; the document need not be canonical.
    """
    if len(data) > limit:
        raise CanonicalError(f"the document has {len(data)} bytes, at most {limit} are taken")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise CanonicalError(f"not UTF-8 at byte {error.start}") from error
    if text.startswith("\ufeff"):
        raise CanonicalError("the document begins with a byte order mark; save it without one")
    _check_depth(text, depth)
    refused: list[_Refused] = []
    try:
        value = _decoder(refused).decode(text)
    except json.JSONDecodeError as error:
        raise CanonicalError(
            f"not JSON at line {error.lineno}, column {error.colno}: {error.msg}"
        ) from error
    if refused or _SURROGATE_ESCAPE.search(text):
        _walk(value)
    return value


def is_canonical(data: bytes, limit: int = MAX_BYTES) -> bool:
    """Whether ``data`` is exactly the RFC 8785 form of the value that it holds."""
    try:
        parse_canonical(data, limit)
    except CanonicalError:
        return False
    return True


def parse_canonical(data: bytes, limit: int = MAX_BYTES) -> JsonValue:
    """Like :func:`parse_json`, and refuses bytes that are not in canonical form.

    Documents without floats, long integers and characters beyond the basic plane, which is nearly
    all, take a compiled path; the outcome is the same.
    """
    simple = _parse_simple(data, limit)
    if simple is not None:
        return simple
    value = parse_json(data, limit)
    canonical = canonical_json(value)
    if canonical != data:
        at = next(
            (i for i, (a, b) in enumerate(zip(data, canonical, strict=False)) if a != b),
            min(len(data), len(canonical)),
        )
        raise CanonicalError(f"not in canonical form (RFC 8785) from byte {at} on")
    return value


class _FloatMetError(Exception):
    """The compiled path met a float, whose canonical form it does not know."""


def _float_met(_: str) -> float:
    raise _FloatMetError


_simple_decoder = msgspec.json.Decoder(float_hook=_float_met)
_simple_encoder = msgspec.json.Encoder(order="sorted")


def _parse_simple(data: bytes, limit: int) -> JsonValue | None:
    """The value where the compiled codec alone shows that ``data`` is canonical, else None."""
    marks = data.translate(_DIGITS_AND_HIGH)
    if len(data) > limit or b"~" in marks or _LONG_NUMBER in marks:
        return None
    if data.count(b"[") + data.count(b"{") > MAX_DEPTH:
        return None
    try:
        value = _simple_decoder.decode(data)
        return value if _simple_encoder.encode(value) == data else None
    except (msgspec.MsgspecError, UnicodeError, RecursionError, _FloatMetError):
        return None


def _write_simple(value: JsonValue) -> bytes | None:
    """The canonical form where the compiled codec alone is sure of it, else None.

    What comes back from the bytes must equal what went in: that leaves out names that are not text,
    and types that the codec would put into a form of its own.
    """
    try:
        data = _simple_encoder.encode(value)
        if not _is_simple(data):
            return None
        return data if _simple_decoder.decode(data) == value else None
    except (msgspec.MsgspecError, TypeError, ValueError, RecursionError, _FloatMetError):
        return None


def _is_simple(data: bytes) -> bool:
    """Whether what the compiled codec wrote has its names in order, and no long numbers."""
    marks = b":" + data.translate(_PLACES, b"-")
    return b"~" not in marks and _LONG_TOKEN not in marks


def _decoder(refused: list[_Refused]) -> json.JSONDecoder:
    """A strict decoder; whatever it refuses stands in the tree and in ``refused``."""

    def keep(outcome: JsonValue) -> JsonValue:
        if isinstance(outcome, _Refused):
            refused.append(outcome)
        return outcome

    return json.JSONDecoder(
        object_pairs_hook=lambda members: keep(_members(members)),
        parse_int=lambda text: keep(_integer(text)),
        parse_float=lambda text: keep(_number(text)),
        parse_constant=lambda text: keep(_Refused(f"{text} is no JSON number")),
    )


def _members(members: list[tuple[str, JsonValue]]) -> JsonValue:
    value = dict(members)
    if len(value) == len(members):
        return value
    twice = next(name for name, count in Counter(name for name, _ in members).items() if count > 1)
    return _Refused(f"the name {twice!r} appears twice in one object", twice)


def written(number: int) -> int | str:
    """A count as documents write it: a number, or its decimal digits where that is beyond 2^53 - 1."""
    return number if number <= MAX_INTEGER else str(number)


def _integer(text: str) -> JsonValue:
    if len(text) <= len(str(-MAX_INTEGER)) and -MAX_INTEGER <= int(text) <= MAX_INTEGER:
        return int(text)
    return _Refused("integers beyond 2^53-1 lose digits in other readers; write it as text")


def _number(text: str) -> JsonValue:
    value = float(text)
    return value if math.isfinite(value) else _Refused("the number is too large")


def _check_depth(text: str, depth: int) -> None:
    """Refuse deep nesting before a recursive decoder meets it, which may exhaust the C stack."""
    if text.count("[") + text.count("{") <= depth:
        return
    level, quoted, skip = 0, False, -1
    for mark in _STRUCTURE.finditer(text):
        at, character = mark.start(), mark.group()
        if at == skip:
            continue
        if character == "\\":
            skip = at + 1
        elif character == '"':
            quoted = not quoted
        elif not quoted:
            level += 1 if character in "[{" else -1
            if level > depth:
                raise CanonicalError(f"nested deeper than {depth} at character {at}")


def _walk(root: JsonValue) -> None:
    """Raise for the first refused or unencodable thing, with its pointer."""
    waiting: list[tuple[Any, str]] = [(root, "")]
    while waiting:
        value, pointer = waiting.pop()
        if isinstance(value, _Refused):
            name = "" if value.name is None else f"/{_escaped(value.name)}"
            raise CanonicalError(value.reason, pointer + name)
        if isinstance(value, str):
            _check_text(value, pointer)
            continue
        if not isinstance(value, dict | list):
            continue
        members = value.items() if isinstance(value, dict) else enumerate(value)
        inner: list[tuple[Any, str]] = []
        for key, child in members:
            if isinstance(key, str):
                _check_text(key, pointer)
            inner.append((child, f"{pointer}/{_escaped(str(key))}"))
        waiting.extend(reversed(inner))


def _check_text(text: str, pointer: str) -> None:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise CanonicalError("half of a surrogate pair is no character", pointer) from error


def _escaped(name: str) -> str:
    """A name as a token of a JSON pointer (RFC 6901 section 3), printable whatever it holds."""
    return printable(name).replace("~", "~0").replace("/", "~1")


def printable(text: str) -> str:
    """``text`` with control characters and half surrogates as ``\\uXXXX``.

    For messages that repeat what somebody sent: PostgreSQL keeps no U+0000, and a terminal obeys
    what it is sent.
    """
    return _UNPRINTABLE.sub(lambda found: f"\\u{ord(found.group()):04x}", text)

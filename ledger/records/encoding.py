"""Row encoding v1 in plain Python (``docs/row-encoding.md``): one row at a time, nothing but the standard library.

What :mod:`ledger.records.expressions` says in SQL, said again independently; tests hold both against each
other. A row is the concatenation of its fields in schema order, a field a netstring of its canonical text
(``-,`` for NULL).
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from hashlib import sha256
from typing import Any

from ledger.records.problems import TimeZoneDrift, UnsupportedType
from ledger.records.schema import Column, RecordSchema

NULL_FIELD = b"-,"
FLOAT_LIMIT = 10**15
"""A declared float, scaled to whole units, is smaller than this: so many digits a double holds."""
SECRET_LENGTH = 32

LEAF, PLACE, BUCKET, MARK = b"\x00", b"\x02", b"\x03", b"\x04"
"""First byte of whatever is hashed, by what it is for (0x01: inner nodes of the tree)."""


def text_of(column: Column, value: object) -> str | None:
    """The canonical text of one value; None for NULL.

    Raises :class:`UnsupportedType` for a value that the column's type cannot hold, and
    :class:`TimeZoneDrift` for a time without a zone where the column declares no offset.
    """
    if value is None:
        return None
    try:
        return _WRITERS[column.type](column, value)
    except (TypeError, ValueError, ArithmeticError) as error:
        raise UnsupportedType(
            f"{type(value).__name__} is no {column.described()} with a row encoding: {error}",
            f"{type(value).__name__} 值不能按 {column.described()} 编码",
            where=column.name,
            hint="correct the value, or declare the column's real type",
            hint_zh="请更正该值，或声明实际类型",
        ) from error


def _string(_: Column, value: Any) -> str:  # noqa: ANN401
    if not isinstance(value, str):
        raise TypeError("text is wanted")
    value.encode()
    return unicodedata.normalize("NFC", value)


def _integer(_: Column, value: Any) -> str:  # noqa: ANN401
    if type(value) is not int:
        raise TypeError("a whole number is wanted")
    return str(value)


def _decimal(column: Column, value: Any) -> str:  # noqa: ANN401
    number = Decimal(value) if type(value) is int else value
    if not isinstance(number, Decimal) or not number.is_finite():
        raise TypeError("a decimal number is wanted")
    sign, digits, exponent = number.as_tuple()
    whole = int("".join(map(str, digits))) * (-1 if sign else 1)
    drop = -int(exponent) - (column.scale or 0)
    if drop > 0 and whole % 10**drop:
        raise ValueError(f"{number} has more than {column.scale} decimal places")
    places = -int(exponent)
    return _plain(whole * 10**-places, 0) if places < 0 else _plain(whole, places)


def _plain(whole: int, places: int) -> str:
    """``whole`` / 10**``places`` without exponent, trailing zeros, or a sign on zero."""
    digits = str(abs(whole)).zfill(places + 1)
    text = digits[: len(digits) - places]
    fraction = digits[len(digits) - places :].rstrip("0")
    return ("-" if whole < 0 else "") + text + (f".{fraction}" if fraction else "")


def _float(column: Column, value: Any) -> str:  # noqa: ANN401
    if type(value) is not float:
        raise TypeError("a floating-point number is wanted")
    scale = column.scale or 0
    # One IEEE 754 product, one rounding half to even: the same in every engine.
    whole = round(value * float(10**scale))
    if abs(whole) >= FLOAT_LIMIT:
        raise ValueError(f"{value!r} has more than 15 digits at scale {scale}")
    return _plain(whole, scale)


def _boolean(_: Column, value: Any) -> str:  # noqa: ANN401
    if type(value) is not bool:
        raise TypeError("true or false is wanted")
    return "true" if value else "false"


def _date(_: Column, value: Any) -> str:  # noqa: ANN401
    if not isinstance(value, date) or isinstance(value, datetime):
        raise TypeError("a day is wanted")
    return value.isoformat()


def _timestamp(column: Column, value: Any) -> str:  # noqa: ANN401
    if not isinstance(value, datetime):
        raise TypeError("a moment is wanted")
    if (value.tzinfo is None) != (column.offset is not None):
        raise TimeZoneDrift(
            "a time without a zone" if value.tzinfo is None else "a time with a zone",
            "时间没有时区" if value.tzinfo is None else "时间带有时区",
            where=column.name,
            hint="say at which offset from UTC times without a zone are meant: --offset +08:00",
            hint_zh="请说明无时区时间与 UTC 的时差：--offset +08:00",
        )
    if column.offset is None:
        moment = value.astimezone(UTC).replace(tzinfo=None)
    else:
        moment = value - timedelta(minutes=column.offset)
    return moment.isoformat(timespec="microseconds") + "Z"


def _binary(_: Column, value: Any) -> str:  # noqa: ANN401
    if not isinstance(value, (bytes, bytearray, memoryview)):
        raise TypeError("bytes are wanted")
    return bytes(value).hex()


_WRITERS = {
    "string": _string,
    "integer": _integer,
    "decimal": _decimal,
    "float": _float,
    "boolean": _boolean,
    "date": _date,
    "timestamp": _timestamp,
    "binary": _binary,
}


def field(text: str | None) -> bytes:
    """One field: ``<utf-8 byte length>:<bytes>,``, or ``-,`` for NULL."""
    if text is None:
        return NULL_FIELD
    data = text.encode()
    return b"%d:%b," % (len(data), data)


def texts_of(schema: RecordSchema, row: Mapping[str, object]) -> list[str | None]:
    """The canonical texts of a row, in schema order; KeyError for a column that is not there."""
    return [text_of(column, row[column.name]) for column in schema.columns]


def encode_row(schema: RecordSchema, row: Mapping[str, object]) -> bytes:
    """The row's encoding: its fields in schema order."""
    return b"".join(map(field, texts_of(schema, row)))


def encode_key(schema: RecordSchema, row: Mapping[str, object]) -> bytes:
    """The key's encoding: the fields of the key's columns, in schema order."""
    return b"".join(field(text_of(column, row[column.name])) for column in schema.key_columns)


def salt(secret: bytes, key: bytes) -> bytes:
    """The salt of the row with this key encoding: ``SHA-256(secret ‖ key)``."""
    return sha256(secret + key).digest()


def place(key: bytes) -> int:
    """Where a key stands: the first 64 bits of ``SHA-256(0x02 ‖ key)``, as a number."""
    return int.from_bytes(sha256(PLACE + key).digest()[:8], "big")


def leaf_of(salted: bytes, schema_digest: bytes, row: bytes) -> bytes:
    """A row leaf from its salt: ``SHA-256(0x00 ‖ salt ‖ schema digest ‖ row)``."""
    return sha256(LEAF + salted + schema_digest + row).digest()


def leaf(
    secret: bytes, schema_digest: bytes, schema: RecordSchema, row: Mapping[str, object]
) -> bytes:
    """The salted leaf of a row, 32 bytes."""
    return leaf_of(salt(secret, encode_key(schema, row)), schema_digest, encode_row(schema, row))


def decode_fields(data: bytes) -> list[str | None]:
    """The texts of a row's encoding; raises :class:`ValueError` where it is none."""
    texts: list[str | None] = []
    at = 0
    while at < len(data):
        if data.startswith(NULL_FIELD, at):
            texts.append(None)
            at += len(NULL_FIELD)
            continue
        colon = data.index(b":", at)
        end = colon + 1 + int(data[at:colon])
        if data[end : end + 1] != b",":
            raise ValueError(f"no field ends at byte {end}")
        texts.append(data[colon + 1 : end].decode())
        at = end + 1
    return texts


def key_from_texts(schema: RecordSchema, texts: Sequence[str | None]) -> bytes:
    """The key's encoding out of a row's texts (:func:`decode_fields`)."""
    return b"".join(
        field(text)
        for column, text in zip(schema.columns, texts, strict=True)
        if column.name in schema.key
    )

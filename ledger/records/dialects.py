"""What engines call what the row encoding needs: DuckDB, PostgreSQL, Spark.

Text must come out in Normalization Form C: DuckDB and PostgreSQL can, Spark gets a function registered
(:func:`prepare_spark`).
"""

from __future__ import annotations

import inspect
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import ibis
import ibis.expr.datatypes as dt
import ibis.expr.types as ir
from ibis import udf

from ledger.records.problems import UnsupportedType

TEXT, WHOLE = dt.string, dt.int64
Text = Callable[[Any], Any]


def builtin(
    name: str,
    given: tuple[Any, ...],
    back: Any,  # noqa: ANN401
    **place: str,
) -> Callable[..., Any]:
    """A function that every engine of one dialect has under ``name``."""

    def stated() -> None:
        """Ibis asks for a function; the engine's own is called."""

    stated.__name__ = name
    parameters = [
        inspect.Parameter(f"given{at}", inspect.Parameter.POSITIONAL_ONLY)
        for at in range(len(given))
    ]
    stated.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    bound: Callable[..., Any] = udf.scalar.builtin(
        stated, name=name, signature=(given, back), **place
    )
    return bound


@dataclass(frozen=True)
class Dialect:
    """What an engine calls what the encoding needs; every member takes and gives expressions.

    ``concat`` takes a list and leaves NULL out. ``prefix`` gives a text's length in bytes and a colon, NULL
    for NULL; its table has the constants ``carried`` as columns. ``sha256_hex`` takes the message as hex
    digits and gives the digest as lower-case hex digits.

    """

    nfc: Text
    concat: Callable[[list[Any]], Any]
    prefix: Callable[[ir.Table, Any], Any]
    hex_text: Text
    hex_bytes: Text
    sha256_hex: Text
    no_zeros: Text
    moment: Text
    utc: Text
    half_even: Text
    carried: Mapping[str, Any] = field(default_factory=dict)


def _concat(name: str, *before: str, **place: str) -> Callable[[list[Any]], Any]:
    """The engine's function that writes texts one after another and leaves NULL out."""

    def concat(texts: list[Any]) -> Any:  # noqa: ANN401
        given = (TEXT,) * (len(before) + len(texts))
        return builtin(name, given, TEXT, **place)(*before, *texts)

    return concat


def _prefix(length: Text) -> Callable[[ir.Table, Any], Any]:
    return lambda _table, text: length(text).cast("string") + ":"


PREFIXES = [f"{size}:" for size in range(1, 65)]
"""Looking one of these up takes half as long as writing a number."""


def _looked_up(length: Text) -> Callable[[ir.Table, Any], Any]:
    """What :func:`_prefix` gives; usual lengths are looked up in the carried column ``sizes``."""
    element = builtin("list_extract", (dt.Array(TEXT), WHOLE), TEXT)
    written = _prefix(length)
    return lambda table, text: ibis.coalesce(
        element(table.sizes, length(text)), written(table, text)
    )


def _without_zeros(text: Any) -> Any:  # noqa: ANN401
    return text.re_replace(r"\.?0+$", "")


COMPOSED = "".join(
    rf"\x{{{first:X}}}-\x{{{last:X}}}"
    for first, last in (
        (0x0, 0x2FF), (0x2010, 0x2027), (0x3000, 0x3029), (0x4E00, 0x9FFF), (0xFF01, 0xFF5E),
    )
)  # fmt: skip
"""Characters of which any text is in Normalization Form C, as ranges of a regular expression: none of them
combines with another, and none is written otherwise in that form. Nearly all text is made of them."""


def _duckdb() -> Dialect:
    normalize = builtin("nfc_normalize", (TEXT,), TEXT)
    matches = builtin("regexp_full_match", (TEXT, TEXT), dt.boolean)
    ends = builtin("suffix", (TEXT, TEXT), dt.boolean)
    strftime = builtin("strftime", (dt.Timestamp(scale=6), TEXT), TEXT)
    micros = builtin("epoch_us", (dt.Timestamp(timezone="UTC"),), WHOLE)
    from_micros = builtin("make_timestamp", (WHOLE,), dt.Timestamp(scale=6))
    hexed, encode = builtin("hex", (dt.binary,), TEXT), builtin("encode", (TEXT,), dt.binary)
    sha, unhex = builtin("sha256", (dt.binary,), TEXT), builtin("unhex", (TEXT,), dt.binary)
    round_even = builtin("round_even", (dt.float64, dt.int32), dt.float64)
    return Dialect(
        # Looking first costs a third of normalising, and most decimals end in no zero.
        nfc=lambda text: matches(text, f"[{COMPOSED}]*").ifelse(text, normalize(text)),
        # By its full name, since SQL has an operator for it that yields NULL where a part is NULL.
        concat=_concat("concat", catalog="system", database="main"),
        prefix=_looked_up(builtin("strlen", (TEXT,), WHOLE)),
        hex_text=lambda text: hexed(encode(text)),
        hex_bytes=lambda data: hexed(data).lower(),
        sha256_hex=lambda digits: sha(unhex(digits)),
        no_zeros=lambda text: ends(text, "0").ifelse(_without_zeros(text), text),
        moment=lambda at: strftime(at, "%Y-%m-%dT%H:%M:%S.%fZ"),
        # Without a detour through the calendars of time zones, which takes as long again.
        utc=lambda at: from_micros(micros(at)),
        half_even=lambda number: round_even(number, 0),
        # Once for the table: the list is long, and each column asks for it.
        carried={"sizes": ibis.literal(PREFIXES)},
    )


def _postgres() -> Dialect:
    rtrim = builtin("rtrim", (TEXT, TEXT), TEXT)
    to_char = builtin("to_char", (dt.timestamp, TEXT), TEXT)
    zone = builtin("timezone", (TEXT, dt.Timestamp(timezone="UTC")), dt.timestamp)
    encode = builtin("encode", (dt.binary, TEXT), TEXT)
    utf8 = builtin("convert_to", (TEXT, TEXT), dt.binary)
    decode = builtin("decode", (TEXT, TEXT), dt.binary)
    sha = builtin("sha256", (dt.binary,), dt.binary)
    return Dialect(
        nfc=builtin("normalize", (TEXT,), TEXT),
        concat=_concat("concat_ws", ""),
        prefix=_prefix(builtin("octet_length", (TEXT,), WHOLE)),
        hex_text=lambda text: encode(utf8(text, "UTF8"), "hex"),
        hex_bytes=lambda data: encode(data, "hex"),
        sha256_hex=lambda digits: encode(sha(decode(digits, "hex")), "hex"),
        no_zeros=lambda text: rtrim(rtrim(text, "0"), "."),
        moment=lambda at: to_char(at, 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
        utc=lambda at: zone("UTC", at),
        half_even=builtin("round", (dt.float64,), dt.float64),
    )


SPARK_NFC = "govledger_nfc"
"""Name of the function that :func:`prepare_spark` registers."""


def prepare_spark(session: Any) -> None:  # noqa: ANN401 - a SparkSession
    """Make a Spark session fit for the expressions: UTC, ANSI casts, and NFC, which Spark lacks."""
    session.conf.set("spark.sql.session.timeZone", "UTC")
    session.conf.set("spark.sql.ansi.enabled", "true")
    session.udf.register(
        SPARK_NFC, lambda text: None if text is None else unicodedata.normalize("NFC", text)
    )


def _spark() -> Dialect:
    form = builtin("date_format", (dt.timestamp, TEXT), TEXT)
    hexed, sha = (
        builtin("hex", (dt.binary,), TEXT),
        builtin("sha2", (dt.binary, dt.int32), TEXT),
    )
    unhex, encode = (
        builtin("unhex", (TEXT,), dt.binary),
        builtin("encode", (TEXT, TEXT), dt.binary),
    )
    return Dialect(
        nfc=builtin(SPARK_NFC, (TEXT,), TEXT),
        concat=_concat("concat_ws", ""),
        prefix=_prefix(builtin("octet_length", (TEXT,), WHOLE)),
        hex_text=lambda text: hexed(encode(text, "UTF-8")),
        hex_bytes=lambda data: hexed(data).lower(),
        sha256_hex=lambda digits: sha(unhex(digits), 256),
        no_zeros=_without_zeros,
        moment=lambda at: form(at, "yyyy-MM-dd'T'HH:mm:ss.SSSSSS'Z'"),
        utc=lambda at: at,
        half_even=builtin("rint", (dt.float64,), dt.float64),
    )


DIALECTS: dict[str, Dialect] = {
    "duckdb": _duckdb(),
    "postgres": _postgres(),
    "pyspark": _spark(),
}
"""By the name of the Ibis backend. Other sources are read into DuckDB first."""


def dialect_of(table: ir.Table) -> Dialect:
    """The dialect of a table's engine; raises :class:`UnsupportedType` for an engine without one."""
    name = table.get_backend().name
    if name not in DIALECTS:
        raise UnsupportedType(
            f"rows cannot be encoded in {name}",
            f"不能在 {name} 中编码",
            hint=f"engines are: {', '.join(DIALECTS)}; open_source() reads other sources into DuckDB",
            hint_zh="请用 open_source() 打开该数据源",
        )
    return DIALECTS[name]

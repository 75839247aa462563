"""Row encoding v1 as Ibis expressions: the same on DuckDB, PostgreSQL and Spark (``docs/row-encoding.md``).

Engines call the same things by different names; :class:`Dialect` lists what differs. Text must come out in
Normalization Form C: DuckDB and PostgreSQL can, Spark gets a function registered (:func:`prepare_spark`).
"""

from __future__ import annotations

import inspect
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import ibis
import ibis.expr.datatypes as dt
import ibis.expr.types as ir
from ibis import udf

from ledger.records.encoding import FLOAT_LIMIT, LEAF, PLACE
from ledger.records.problems import UnsupportedType
from ledger.records.schema import Column, RecordSchema

_TEXT, _WHOLE = dt.string, dt.int64
Text = Callable[[Any], Any]


def _builtin(
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

    ``concat`` takes a list and leaves NULL out. ``sha256_hex`` takes the message as hex digits and gives
    the digest as lower-case hex digits.

    """

    nfc: Text
    concat: Callable[[list[Any]], Any]
    bytes_of: Text
    hex_text: Text
    hex_bytes: Text
    sha256_hex: Text
    no_zeros: Text
    moment: Text
    utc: Text
    half_even: Text


def _concat(name: str, *before: str, **place: str) -> Callable[[list[Any]], Any]:
    """The engine's function that writes texts one after another and leaves NULL out."""

    def concat(texts: list[Any]) -> Any:  # noqa: ANN401
        given = (_TEXT,) * (len(before) + len(texts))
        return _builtin(name, given, _TEXT, **place)(*before, *texts)

    return concat


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
    normalize = _builtin("nfc_normalize", (_TEXT,), _TEXT)
    matches = _builtin("regexp_full_match", (_TEXT, _TEXT), dt.boolean)
    ends = _builtin("suffix", (_TEXT, _TEXT), dt.boolean)
    strftime = _builtin("strftime", (dt.Timestamp(scale=6), _TEXT), _TEXT)
    micros = _builtin("epoch_us", (dt.Timestamp(timezone="UTC"),), _WHOLE)
    from_micros = _builtin("make_timestamp", (_WHOLE,), dt.Timestamp(scale=6))
    hexed, encode = _builtin("hex", (dt.binary,), _TEXT), _builtin("encode", (_TEXT,), dt.binary)
    sha, unhex = _builtin("sha256", (dt.binary,), _TEXT), _builtin("unhex", (_TEXT,), dt.binary)
    round_even = _builtin("round_even", (dt.float64, dt.int32), dt.float64)
    return Dialect(
        # Looking first costs a third of normalising, and most decimals end in no zero.
        nfc=lambda text: matches(text, f"[{COMPOSED}]*").ifelse(text, normalize(text)),
        # By its full name, since SQL has an operator for it that yields NULL where a part is NULL.
        concat=_concat("concat", catalog="system", database="main"),
        bytes_of=_builtin("strlen", (_TEXT,), _WHOLE),
        hex_text=lambda text: hexed(encode(text)),
        hex_bytes=lambda data: hexed(data).lower(),
        sha256_hex=lambda digits: sha(unhex(digits)),
        no_zeros=lambda text: ends(text, "0").ifelse(_without_zeros(text), text),
        moment=lambda at: strftime(at, "%Y-%m-%dT%H:%M:%S.%fZ"),
        # Without a detour through the calendars of time zones, which takes as long again.
        utc=lambda at: from_micros(micros(at)),
        half_even=lambda number: round_even(number, 0),
    )


def _postgres() -> Dialect:
    rtrim = _builtin("rtrim", (_TEXT, _TEXT), _TEXT)
    to_char = _builtin("to_char", (dt.timestamp, _TEXT), _TEXT)
    zone = _builtin("timezone", (_TEXT, dt.Timestamp(timezone="UTC")), dt.timestamp)
    encode = _builtin("encode", (dt.binary, _TEXT), _TEXT)
    utf8 = _builtin("convert_to", (_TEXT, _TEXT), dt.binary)
    decode = _builtin("decode", (_TEXT, _TEXT), dt.binary)
    sha = _builtin("sha256", (dt.binary,), dt.binary)
    return Dialect(
        nfc=_builtin("normalize", (_TEXT,), _TEXT),
        concat=_concat("concat_ws", ""),
        bytes_of=_builtin("octet_length", (_TEXT,), _WHOLE),
        hex_text=lambda text: encode(utf8(text, "UTF8"), "hex"),
        hex_bytes=lambda data: encode(data, "hex"),
        sha256_hex=lambda digits: encode(sha(decode(digits, "hex")), "hex"),
        no_zeros=lambda text: rtrim(rtrim(text, "0"), "."),
        moment=lambda at: to_char(at, 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
        utc=lambda at: zone("UTC", at),
        half_even=_builtin("round", (dt.float64,), dt.float64),
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
    form = _builtin("date_format", (dt.timestamp, _TEXT), _TEXT)
    hexed, sha = (
        _builtin("hex", (dt.binary,), _TEXT),
        _builtin("sha2", (dt.binary, dt.int32), _TEXT),
    )
    unhex, encode = (
        _builtin("unhex", (_TEXT,), dt.binary),
        _builtin("encode", (_TEXT, _TEXT), dt.binary),
    )
    return Dialect(
        nfc=_builtin(SPARK_NFC, (_TEXT,), _TEXT),
        concat=_concat("concat_ws", ""),
        bytes_of=_builtin("octet_length", (_TEXT,), _WHOLE),
        hex_text=lambda text: hexed(encode(text, "UTF-8")),
        hex_bytes=lambda data: hexed(data).lower(),
        sha256_hex=lambda digits: sha(unhex(digits), 256),
        no_zeros=_without_zeros,
        moment=lambda at: form(at, "yyyy-MM-dd'T'HH:mm:ss.SSSSSS'Z'"),
        utc=lambda at: at,
        half_even=_builtin("rint", (dt.float64,), dt.float64),
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


def text_of(dialect: Dialect, column: Column, value: ir.Value) -> ir.Value:
    """The canonical text of a column, NULL where it is NULL."""
    return _WRITERS[column.type](dialect, column, value)


def _string(dialect: Dialect, _: Column, value: ir.Value) -> ir.Value:
    return dialect.nfc(value.cast("string"))


def _as_it_is(_: Dialect, __: Column, value: ir.Value) -> ir.Value:
    return value.cast("string")


def _boolean(_: Dialect, __: Column, value: ir.Value) -> ir.Value:
    return ibis.cases((value, "true"), (~value, "false"), else_=ibis.null("string"))


def _timestamp(dialect: Dialect, column: Column, value: ir.Value) -> ir.Value:
    return dialect.moment(moment_of(dialect, column, value))


def _binary(dialect: Dialect, _: Column, value: ir.Value) -> ir.Value:
    return dialect.hex_bytes(value)


def moment_of(dialect: Dialect, column: Column, value: ir.Value) -> ir.Value:
    """A time as UTC without a zone, to the microsecond."""
    if column.offset is None:
        return dialect.utc(value)
    micro = value if value.type().scale in (None, 6) else value.cast(dt.Timestamp(scale=6))
    return micro - ibis.interval(minutes=column.offset) if column.offset else micro


def _decimal(dialect: Dialect, column: Column, value: ir.Value) -> ir.Value:
    if value.type().scale is None:
        value = value.cast(dt.Decimal(38, column.scale))
    text = value.cast("string")
    return dialect.no_zeros(text) if column.scale else text


def scaled(dialect: Dialect, column: Column, value: ir.Value) -> ir.Value:
    """A declared float in units of its last decimal place, still floating."""
    return dialect.half_even(value.cast("float64") * float(10 ** (column.scale or 0)))


def _float(dialect: Dialect, column: Column, value: ir.Value) -> ir.Value:
    whole = scaled(dialect, column, value).cast("int64")
    size, unit = whole.abs(), 10 ** (column.scale or 0)
    text = (size // unit).cast("int64").cast("string")
    if column.scale:
        padded = (size % unit).cast("string").lpad(column.scale, "0")
        fraction = padded.re_replace("0+$", "")
        text = text + (fraction == "").ifelse("", ibis.literal(".") + fraction)
    return (whole < 0).ifelse("-", "") + text


_WRITERS = {
    "string": _string,
    "integer": _as_it_is,
    "decimal": _decimal,
    "float": _float,
    "boolean": _boolean,
    "date": _as_it_is,
    "timestamp": _timestamp,
    "binary": _binary,
}


_LENGTHS = {"date": "10:", "timestamp": "27:"}
_BOOLEANS = {"true": "4:true,", "false": "5:false,"}


def _joined(dialect: Dialect, columns: Sequence[tuple[Column, ir.Value]]) -> ir.Value:
    """The encoding of some columns, out of their canonical texts.

    Engines leave NULL out when they concatenate: of a NULL there remains ``-,``. What can be told beforehand is
    written in one piece, together with the comma of the field before it: every piece costs as much as a column.
    """
    pieces: list[ir.Value] = []
    comma = ""
    for column, text in columns:
        fixed = _LENGTHS.get(column.type)
        if column.type == "boolean":
            told = {value: comma + field for value, field in _BOOLEANS.items()}
            pieces.append(
                ibis.cases(*((text == one, told[one]) for one in told), else_=comma + "-,")
            )
            comma = ""
            continue
        if fixed:
            pieces += [text.isnull().ifelse(comma + "-", comma + fixed), text]
        else:
            if comma:
                pieces.append(ibis.literal(comma))
            pieces += [(dialect.bytes_of(text).cast("string") + ":").fill_null("-"), text]
        comma = ","
    return dialect.concat([*pieces, ibis.literal(comma)] if comma else pieces)


def encoded(table: ir.Table, schema: RecordSchema) -> ir.Table:
    """Two text columns: ``key`` and ``row``, the encodings of every row's key and of the row.

    ``schema`` conforms to the table (:func:`~ledger.records.schema.conform`).
    """
    dialect = dialect_of(table)
    # Texts first, in a query of their own: each is used twice, and made once.
    texts = table.select(
        **{
            f"text_{at}": text_of(dialect, column, table[column.name])
            for at, column in enumerate(schema.columns)
        }
    )
    fields = {
        column.name: (column, texts[f"text_{at}"]) for at, column in enumerate(schema.columns)
    }
    return texts.select(
        key=_joined(dialect, [fields[name] for name in schema.key]),
        row=_joined(dialect, list(fields.values())),
    )


def leaves(table: ir.Table, schema: RecordSchema, secret: bytes) -> ir.Table:
    """Two text columns: ``place`` (16 hex digits) and ``leaf`` (64), lower case.

    All in the engine itself: for engines that outgrow one machine. On one machine
    :func:`~ledger.records.commitment.commit` hashes faster.
    """
    dialect = dialect_of(table)
    rows = encoded(table, schema)
    keys = dialect.hex_text(rows.key)
    salted = dialect.sha256_hex(ibis.literal(secret.hex()) + keys)
    message = ibis.literal(LEAF.hex()) + salted + schema.digest().hex() + dialect.hex_text(rows.row)
    return rows.select(
        place=dialect.sha256_hex(ibis.literal(PLACE.hex()) + keys).left(16),
        leaf=dialect.sha256_hex(message),
    )


@dataclass(frozen=True)
class Check:
    """A way in which a column's values may have no encoding, and the expression that finds them."""

    column: str
    what: str
    zh: str
    wrong: ir.Value


def checks(table: ir.Table, schema: RecordSchema) -> list[Check]:
    """What must not be true of any row; only for columns whose type leaves room for it."""
    dialect = dialect_of(table)
    found: list[Check] = []
    for column in schema.columns:
        value = table[column.name]
        if column.type == "float":
            wide = scaled(dialect, column, value).abs()
            found.append(
                Check(
                    column.name,
                    f"not a number, infinite, or more than 15 digits at scale {column.scale}",
                    f"不是数、无穷大，或按 {column.scale} 位小数超过 15 位数字",
                    ~(wide < float(FLOAT_LIMIT)) | value.isnan(),
                )
            )
        elif column.type == "decimal":
            found.extend(_decimal_checks(table, column, value))
        elif column.type == "date":
            found.append(_range_check(column, value, "0001-01-01", "9999-12-31"))
        elif column.type == "timestamp":
            moment = value if column.offset is None else moment_of(dialect, column, value)
            found.append(
                _range_check(column, moment, "0001-01-01T00:00:00", "9999-12-31T23:59:59.999999")
            )
            if value.type().scale == 9:  # noqa: PLR2004 - nanoseconds
                nanos = _builtin("epoch_ns", (dt.Timestamp(scale=9),), _WHOLE)
                found.append(
                    Check(
                        column.name,
                        "times finer than a microsecond",
                        "时间精度超过微秒",
                        nanos(value) % 1000 != 0,
                    )
                )
    return found


def _range_check(column: Column, value: ir.Value, first: str, last: str) -> Check:
    def literal(text: str) -> ir.Value:
        return ibis.literal(text).cast(value.type())

    return Check(
        column.name,
        "outside the years 1 to 9999",
        "超出公元 1 至 9999 年",
        (value < literal(first)) | (value > literal(last)),
    )


def _decimal_checks(table: ir.Table, column: Column, value: ir.Value) -> list[Check]:
    if table.get_backend().name != "postgres":
        return []
    nan = ibis.literal("NaN").cast(dt.Decimal(None, None))
    found = [
        Check(
            column.name, "not a number", "不是数（NaN）", value.cast(dt.Decimal(None, None)) == nan
        )
    ]
    if value.type().scale is None:
        found.append(
            Check(
                column.name,
                f"more than {column.scale} decimal places",
                f"超过 {column.scale} 位小数",
                value != value.cast(dt.Decimal(38, column.scale)).cast(dt.Decimal(None, None)),
            )
        )
    return found

"""Row encoding v1 as Ibis expressions: the same on DuckDB, PostgreSQL and Spark (``docs/row-encoding.md``).

What each engine calls what is needed stands in :mod:`ledger.records.dialects`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import ibis
import ibis.expr.datatypes as dt
import ibis.expr.types as ir

from ledger.records.dialects import WHOLE, Dialect, builtin, dialect_of
from ledger.records.encoding import FLOAT_LIMIT, LEAF, PLACE
from ledger.records.schema import Column, RecordSchema


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


def _joined(
    dialect: Dialect,
    texts: ir.Table,
    columns: Mapping[str, Column],
    before: Sequence[ir.Value] = (),
) -> ir.Value:
    """The encoding of some columns, by the names of their canonical texts; ``before`` are fields before them.

    Engines leave NULL out when they concatenate: of a NULL there remains ``-,``. What can be told beforehand is
    written in one piece, together with the comma of the field before it: every piece costs as much as a column.
    """
    pieces: list[ir.Value] = list(before)
    comma = ""
    for name, column in columns.items():
        text = texts[name]
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
            pieces += [dialect.prefix(texts, text).fill_null("-"), text]
        comma = ","
    return dialect.concat([*pieces, ibis.literal(comma)] if comma else pieces)


def encoded(table: ir.Table, schema: RecordSchema) -> ir.Table:
    """Two text columns: ``key`` and ``row``, the encodings of every row's key and of the row.

    ``schema`` conforms to the table (:func:`~ledger.records.schema.conform`).
    """
    dialect = dialect_of(table)
    fields = {f"text_{at}": column for at, column in enumerate(schema.columns)}
    # Texts first, in a query of their own: each is used twice, and made once.
    texts = table.select(
        **{name: text_of(dialect, column, table[column.name]) for name, column in fields.items()},
        **dialect.carried,
    )
    key = {name: column for name, column in fields.items() if column.name in schema.key}
    keyed = texts.mutate(key=_joined(dialect, texts, key))
    if schema.key != schema.names[: len(key)]:
        return keyed.select("key", row=_joined(dialect, keyed, fields))
    # The row begins with its key, which need not be written twice.
    rest = {name: column for name, column in fields.items() if name not in key}
    return keyed.select("key", row=_joined(dialect, keyed, rest, [keyed.key]))


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
                nanos = builtin("epoch_ns", (dt.Timestamp(scale=9),), WHOLE)
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

"""One row out of a source (取一行): by its key, typed as the schema says, for a proof that opens it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from ledger.deliveries.computing import fitted, opened
from ledger.deliveries.refusals import DeliveryRefused
from ledger.records.schema import Column, RecordSchema


def key_in(
    schema: RecordSchema, texts: Sequence[str], offset: str | int | None = None
) -> dict[str, object]:
    """The key that ``column=value`` texts name, with values of the columns' types.

    Where the key is one column, the value alone will do. Times without a zone are meant at
    ``offset``. Raises :class:`DeliveryRefused` naming the column, and no value.
    """
    given: dict[str, str] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals and len(schema.key) == 1:
            name, value = schema.key[0], text
        given[name] = value
    if set(given) != set(schema.key):
        raise DeliveryRefused(
            "not_the_key",
            f"the key is made of {', '.join(schema.key)}",
            f"主键由「{'、'.join(schema.key)}」组成",
            hint="give each of them: --key COLUMN=VALUE",
            hint_zh="请逐列给出：--key 列名=值",
        )
    local = schema.at_offset(offset)
    return {
        column.name: _zoned(column, value_of(column, given[column.name]))
        for column in local.key_columns
    }


def value_of(column: Column, text: str) -> object:
    """``text`` as a value of the column's type; raises :class:`DeliveryRefused` naming the column."""
    try:
        return _READERS[column.type](text)
    except (ValueError, InvalidOperation, KeyError) as error:
        raise DeliveryRefused(
            "not_a_value",
            f"the value given for {column.name} is no {column.described()}",
            f"为「{column.name}」给出的值不是 {column.described()}",
            hint="write it as it stands in the data: 2026-08-15, 12.50, true",
            hint_zh="请按数据中的写法：2026-08-15、12.50、true",
        ) from error


def row_with(
    name: str,
    schema: RecordSchema,
    key: Mapping[str, object],
    offset: str | int | None = None,
) -> dict[str, object] | None:
    """The source's row with this key (column -> value), None where there is none; its times have zones.

    ``offset`` is that of a source's times without a zone. Raises
    :class:`~ledger.records.problems.RecordsError` where the source cannot be read, or does not hold the
    schema's columns.
    """
    with opened(name, schema) as source:
        fitting = {column.name: column for column in fitted(source, schema, offset).columns}
        wanted: Any = None
        for column, value in key.items():
            same = source.table[column] == _as_there(fitting[column], value)
            wanted = same if wanted is None else wanted & same
        found = source.rows(source.table.filter(wanted).limit(1))
    if not found:
        return None
    return {column: _zoned(fitting[column], value) for column, value in found[0].items()}


def _zoned(column: Column, value: object) -> object:
    """A time without a zone as the moment that it means; anything else as it is."""
    if isinstance(value, datetime) and value.tzinfo is None and column.offset is not None:
        return (value - timedelta(minutes=column.offset)).replace(tzinfo=UTC)
    return value


def _as_there(column: Column, value: object) -> object:
    """A moment as it stands in a source whose times carry no zone; anything else as it is."""
    if isinstance(value, datetime) and value.tzinfo is not None and column.offset is not None:
        return (value.astimezone(UTC) + timedelta(minutes=column.offset)).replace(tzinfo=None)
    return value


def _boolean(text: str) -> bool:
    return {"true": True, "false": False}[text.lower()]


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo is None else moment.astimezone(UTC)


_READERS: dict[str, Any] = {
    "string": str,
    "integer": int,
    "decimal": Decimal,
    "float": float,
    "boolean": _boolean,
    "date": date.fromisoformat,
    "timestamp": _moment,
    "binary": bytes.fromhex,
}

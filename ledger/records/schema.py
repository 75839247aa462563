"""The schema of records (记录结构): column names, types of a closed list, key columns.

Its canonical form is what two parties agree on, so it knows nothing of where the records lie. What an
engine must know besides, the offset at which local times are meant, is kept beside it
(:attr:`Column.offset`) and is no part of the digest.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Literal, get_args

from ledger.canonical import canonical_json
from ledger.records.problems import (
    FloatWithoutScale,
    SchemaChanged,
    TimeZoneDrift,
    TypesChanged,
    UnsupportedType,
)

if TYPE_CHECKING:
    import ibis.expr.types as ir

ENCODING = "govledger-rows/1"
"""Name of the row encoding; part of every canonical schema."""
MAX_SCALE = 37
"""Most decimal places of a decimal; a declared float has at most :data:`MAX_FLOAT_SCALE`."""
MAX_FLOAT_SCALE = 15

TypeName = Literal[
    "string", "integer", "decimal", "boolean", "date", "timestamp", "binary", "float"
]
TYPES: tuple[TypeName, ...] = get_args(TypeName)
_OFFSET = re.compile(r"([+-])(0\d|1[0-4]):([0-5]\d)")


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its name, its type, decimal places where the type has them.

    ``offset``: minutes east of UTC at which the source's times without a zone are meant; None where its
    times carry a zone, and for every other type.
    """

    name: str
    type: TypeName
    scale: int | None = None
    offset: int | None = None

    def described(self) -> str:
        """The type as a person reads it: ``decimal(2)``, ``timestamp``."""
        return self.type if self.scale is None else f"{self.type}({self.scale})"


@dataclass(frozen=True, slots=True)
class RecordSchema:
    """Columns in the order in which they are encoded, and the names of those that are the key.

    The key's columns are encoded in the order of the columns. Raises :class:`UnsupportedType` or
    :class:`SchemaChanged` where this is no schema.
    """

    columns: tuple[Column, ...]
    key: tuple[str, ...]

    def __post_init__(self) -> None:
        names = [column.name for column in self.columns]
        for column in self.columns:
            _check_column(column)
        if not names or len(set(names)) != len(names):
            twice = sorted({name for name in names if names.count(name) > 1})
            raise SchemaChanged(
                f"columns that are named twice: {', '.join(twice)}" if twice else "no columns",
                f"列名重复：{'、'.join(twice)}" if twice else "没有列",
                hint="give every column a name of its own",
                hint_zh="请使每一列有唯一的列名",
            )
        absent = [name for name in self.key if name not in names]
        if absent or not self.key or len(set(self.key)) != len(self.key):
            raise SchemaChanged(
                f"the key {', '.join(self.key) or '(empty)'} is not made of columns, each once",
                f"主键「{'、'.join(self.key)}」不是由各不相同的列组成",
                hint=f"name key columns among: {', '.join(names)}",
                hint_zh=f"请从以下列中指定主键：{'、'.join(names)}",
            )
        object.__setattr__(self, "key", tuple(name for name in names if name in set(self.key)))

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns)

    @property
    def key_columns(self) -> tuple[Column, ...]:
        """The key's columns, in the order of the columns."""
        return tuple(column for column in self.columns if column.name in self.key)

    def document(self) -> dict[str, Any]:
        """The schema as JSON values, as it stands in a manifest's body."""
        return {
            "columns": [
                {"name": column.name, "type": column.type}
                | ({} if column.scale is None else {"scale": column.scale})
                for column in self.columns
            ],
            "encoding": ENCODING,
            "key": list(self.key),
        }

    def canonical(self) -> bytes:
        """RFC 8785 bytes of :meth:`document`."""
        return canonical_json(self.document())

    def digest(self) -> bytes:
        """SHA-256 of the canonical form, 32 bytes."""
        return sha256(self.canonical()).digest()

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> RecordSchema:
        """The schema of a manifest's body; raises :class:`SchemaChanged` where it is none."""
        try:
            encoding, key = document["encoding"], tuple(document["key"])
            columns = tuple(
                Column(one["name"], one["type"], one.get("scale")) for one in document["columns"]
            )
        except (KeyError, TypeError, AttributeError) as error:
            raise _no_schema(repr(error)) from error
        if encoding != ENCODING:
            raise _no_schema(f"its encoding is {encoding}")
        return cls(columns, key)

    def at_offset(self, offset: str | int | None) -> RecordSchema:
        """The same schema, for a source whose times without a zone are meant at ``offset``.

        ``offset`` is ``+08:00``, or minutes east of UTC; None for zoned times.
        """
        minutes = minutes_of(offset) if isinstance(offset, str) else offset
        return replace(
            self,
            columns=tuple(
                replace(column, offset=minutes) if column.type == "timestamp" else column
                for column in self.columns
            ),
        )


def _no_schema(why: str) -> SchemaChanged:
    return SchemaChanged(
        f"this is no schema of records in {ENCODING}: {why}",
        f"这不是 {ENCODING} 的记录结构",
        hint="take the schema from the manifest",
        hint_zh="请使用数据清单中的 schema",
    )


def minutes_of(offset: str) -> int:
    """Minutes east of UTC of ``+08:00``, ``-03:30`` or ``Z``; raises :class:`TimeZoneDrift`."""
    if offset == "Z":
        return 0
    found = _OFFSET.fullmatch(offset)
    if found is None:
        raise TimeZoneDrift(
            f"{offset!r} is no offset from UTC",
            f"「{offset}」不是与 UTC 的时差",
            hint="write it as +08:00",
            hint_zh="请写作 +08:00",
        )
    sign, hours, minutes = found.groups()
    return (-1 if sign == "-" else 1) * (int(hours) * 60 + int(minutes))


def _check_column(column: Column) -> None:
    most = {"decimal": MAX_SCALE, "float": MAX_FLOAT_SCALE}.get(column.type)
    scale_fits = (
        column.scale is None
        if most is None
        else type(column.scale) is int and 0 <= column.scale <= most
    )
    if not column.name or column.type not in TYPES or not scale_fits:
        raise UnsupportedType(
            f"{column.type} with scale {column.scale} is no column type",
            f"没有这种列类型：{column.type}，小数位 {column.scale}",
            where=column.name,
            hint=f"types are {', '.join(TYPES)}; decimal and float have a scale",
            hint_zh=f"可用类型：{'、'.join(TYPES)}；decimal 与 float 须有小数位",
        )


def schema_of(
    table: ir.Table,
    key: Sequence[str],
    scales: Mapping[str, int] | None = None,
    offset: str | int | None = None,
) -> RecordSchema:
    """The schema of an Ibis table.

    ``scales`` declares decimal places of columns that have none of their own (floats, unbounded
    decimals); ``offset`` the offset from UTC at which times without a zone are meant. Raises
    :class:`FloatWithoutScale`, :class:`TimeZoneDrift`, :class:`UnsupportedType`,
    :class:`SchemaChanged`, each naming every column that is meant.
    """
    scales = scales or {}
    minutes = minutes_of(offset) if isinstance(offset, str) else offset
    unknown = sorted(set(scales) - set(table.columns))
    if unknown:
        raise SchemaChanged(
            f"a scale is declared for columns that are not there: {', '.join(unknown)}",
            f"为不存在的列声明了小数位：{'、'.join(unknown)}",
            hint=f"the columns are: {', '.join(table.columns)}",
            hint_zh=f"现有列：{'、'.join(table.columns)}",
        )
    types = dict(table.schema().items())
    _refuse_unsupported(types)
    _refuse_floats(types, scales)
    _refuse_naive(types, minutes)
    columns = [_column(name, kind, scales.get(name), minutes) for name, kind in types.items()]
    return RecordSchema(tuple(columns), tuple(key))


def _column(name: str, kind: Any, scale: int | None, minutes: int | None) -> Column:  # noqa: ANN401
    name_of = _type_name(kind)
    if name_of in ("decimal", "float"):
        return Column(name, name_of, kind.scale if scale is None else scale)
    if name_of == "timestamp":
        return Column(name, name_of, offset=minutes if kind.timezone is None else None)
    return Column(name, name_of or "string")


def _type_name(kind: Any) -> TypeName | None:  # noqa: ANN401 - an Ibis data type
    """The type of the closed list that an Ibis type is; None for those that have no encoding."""
    if kind.is_decimal():
        return "decimal"
    tests: tuple[tuple[bool, TypeName], ...] = (
        (kind.is_string() or kind.is_uuid(), "string"),
        (kind.is_boolean(), "boolean"),
        (kind.is_integer(), "integer"),
        (kind.is_floating(), "float"),
        (kind.is_date(), "date"),
        (kind.is_timestamp(), "timestamp"),
        (kind.is_binary(), "binary"),
    )
    if kind.is_json():
        return None
    return next((name for holds, name in tests if holds), None)


def _refuse_unsupported(types: Mapping[str, Any]) -> None:
    odd = {name: kind for name, kind in types.items() if _type_name(kind) is None}
    if odd:
        listed = ", ".join(f"{name} ({str(kind).removesuffix('!')})" for name, kind in odd.items())
        raise UnsupportedType(
            "these columns have types without a row encoding",
            "以下列的类型没有行编码",
            where=listed,
            hint="leave them out, or cast them to text, in a query: SOURCE?query=SELECT …",
            hint_zh="请用查询去掉或转为文本：SOURCE?query=SELECT …",
        )


def _refuse_floats(types: Mapping[str, Any], scales: Mapping[str, int]) -> None:
    bare = [
        name
        for name, kind in types.items()
        if (kind.is_floating() or (kind.is_decimal() and kind.scale is None)) and name not in scales
    ]
    if bare:
        raise FloatWithoutScale(
            "numbers without a fixed number of decimal places",
            "数值没有固定的小数位",
            where=", ".join(bare),
            hint=f"declare how many each has, e.g. --scale {bare[0]}=2",
            hint_zh=f"请逐列声明小数位，例如 --scale {bare[0]}=2",
        )


def _refuse_naive(types: Mapping[str, Any], minutes: int | None) -> None:
    naive = [
        name
        for name, kind in types.items()
        if kind.is_timestamp() and kind.timezone is None and minutes is None
    ]
    if naive:
        raise TimeZoneDrift(
            "times without a time zone: the moment they mean is not known",
            "时间没有时区，无法确定其所指时刻",
            where=", ".join(naive),
            hint="say at which offset from UTC they are meant: --offset +08:00",
            hint_zh="请说明与 UTC 的时差：--offset +08:00（北京时间）",
        )


def conform(table: ir.Table, schema: RecordSchema) -> RecordSchema:
    """``schema``, ready for this table: with the offset of its times without a zone, and only theirs.

    The table has the schema's columns, in any order, and no others; otherwise raises
    :class:`SchemaChanged`, :class:`TypesChanged`, or :class:`TimeZoneDrift` where its times have no zone
    and ``schema`` no offset for them, or the other way round.
    """
    missing = [name for name in schema.names if name not in table.columns]
    extra = [name for name in table.columns if name not in schema.names]
    if missing or extra:
        raise SchemaChanged(
            f"columns missing: {', '.join(missing) or 'none'}; "
            f"columns that the schema does not know: {', '.join(extra) or 'none'}",
            f"缺少列：{'、'.join(missing) or '无'}；多出列：{'、'.join(extra) or '无'}",
            where=table.get_name() if hasattr(table, "get_name") else "",
            hint="deliver the columns of the schema, or sign a manifest with the new schema first",
            hint_zh="请按清单的结构交付，或先签署新结构的数据清单",
        )
    types = dict(table.schema().items())
    changed = [
        f"{column.name} (schema: {column.described()}; source: {types[column.name]})"
        for column in schema.columns
        if not _fits(column, types[column.name])
    ]
    if changed:
        raise TypesChanged(
            "columns have other types than the schema says",
            "列的类型与清单结构不一致",
            where="; ".join(changed),
            hint="correct the types at the source, or sign a manifest with the new schema first",
            hint_zh="请在来源处改正类型，或先签署新结构的数据清单",
        )
    offsets = {column.name: column.offset for column in schema.columns}
    times = [column.name for column in schema.columns if column.type == "timestamp"]
    naive = {name: types[name] for name in times if types[name].timezone is None}
    _refuse_naive({name: kind for name, kind in naive.items() if offsets[name] is None}, None)
    if times and not naive and any(offsets[name] is not None for name in times):
        raise TimeZoneDrift(
            "times carry a zone, and an offset is declared for times without one",
            "时间已带时区，却声明了时差",
            where=", ".join(times),
            hint="leave --offset out",
            hint_zh="请去掉 --offset",
        )
    columns = [
        column if column.name in naive else replace(column, offset=None)
        for column in schema.columns
    ]
    return RecordSchema(tuple(columns), schema.key)


def _fits(column: Column, kind: Any) -> bool:  # noqa: ANN401 - an Ibis data type
    found = _type_name(kind)
    if found == "decimal" and column.type == "decimal":
        return kind.scale is None or kind.scale == column.scale
    return found == column.type

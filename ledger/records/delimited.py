"""CSV files as typed tables (CSV 数据源).

A column has a type only where every value of the file is in that type's one plain form; everything else is
text. So ``007`` and ``1e5`` stay what they are, and a type never depends on which rows were looked at.
An empty cell is NULL, a quoted empty one is empty text.
"""

from __future__ import annotations

import contextlib
import csv
import re
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from ledger.records.problems import SourceError, TimeZoneDrift, TypesChanged
from ledger.records.schema import Column, RecordSchema

if TYPE_CHECKING:
    import ibis.expr.types as ir

    from ledger.records.locations import Location

_DAY = r"\d{4}-\d{2}-\d{2}"
_TIME = rf"{_DAY}[ T]\d{{2}}:\d{{2}}:\d{{2}}(\.\d{{1,6}})?"
_ZONED = rf"{_TIME}(Z|[+-]\d{{2}}(:?\d{{2}})?)"


@dataclass(frozen=True, slots=True)
class Form:
    """The one plain form of a type's values in a CSV file, and the DuckDB type that they become."""

    type: str
    pattern: str
    sql: str


FORMS = (
    Form("integer", r"-?(0|[1-9]\d{0,18})", "BIGINT"),
    Form("float", r"-?(0|[1-9]\d{0,14})(\.\d+)?", "DOUBLE"),
    Form("boolean", r"true|false|TRUE|FALSE|True|False", "BOOLEAN"),
    Form("date", _DAY, "DATE"),
    Form("timestamp", _TIME, "TIMESTAMP"),
    Form("timestamp", _ZONED, "TIMESTAMPTZ"),
)
"""In the order in which they are tried where no schema is known."""
_ENCODINGS = {"utf-8", "utf8", "gb18030", "gbk", "gb2312"}


def csv_table(
    con: Any,  # noqa: ANN401 - an Ibis backend
    location: Location,
    schema: RecordSchema | None,
    closing: contextlib.ExitStack,
) -> ir.Table:
    """A view of the file, typed by ``schema`` or by its values.

    Raises :class:`SourceError`, :class:`TypesChanged`, :class:`TimeZoneDrift`.
    """
    path = _as_utf8(location, closing)
    layout = _layout(path, location)
    names, reading = layout.names, _reading(path, layout)
    chosen = _by_schema(con, reading, names, schema, location) if schema else {}
    rest = [name for name in names if name not in chosen]
    chosen |= _by_values(con, reading, rest)
    columns = ", ".join(f"CAST({_name(name)} AS {chosen[name]}) AS {_name(name)}" for name in names)
    con.con.execute(f"CREATE TEMP VIEW records AS SELECT {columns} FROM {reading}")  # noqa: S608
    return con.table("records")


def _name(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _as_utf8(location: Location, closing: contextlib.ExitStack) -> Path:
    """The file, or a temporary copy of it in UTF-8 where its encoding is said to be another."""
    if location.path is None:
        raise ValueError("a CSV source is a file")
    encoding = location.options.get("encoding", "utf-8").lower()
    if encoding not in _ENCODINGS:
        raise SourceError(
            f"{encoding} is no encoding known here", f"不支持编码 {encoding}", where=location.label,
            hint="encodings are: utf-8, gb18030", hint_zh="可用编码：utf-8、gb18030",
        )  # fmt: skip
    if encoding.startswith("utf"):
        return location.path
    place = closing.enter_context(tempfile.TemporaryDirectory(prefix="govledger-records-"))
    copy = Path(place, "records.csv")
    try:
        with (
            # GBK and GB2312 are parts of GB 18030.
            location.path.open(encoding="gb18030", newline="") as given,
            copy.open("w", encoding="utf-8", newline="") as taken,
        ):
            while text := given.read(1 << 20):
                taken.write(text)
    except UnicodeDecodeError as error:
        raise SourceError(
            f"the file is not in {encoding}", f"文件不是 {encoding} 编码", where=location.label,
            hint="leave ?encoding=… out for a file in UTF-8", hint_zh="UTF-8 文件请去掉 ?encoding=…",
        ) from error  # fmt: skip
    return copy


_DELIMITERS = (",", "\t", ";", "|")
_NO_NAME = re.compile(rf"[-+]?[\d.,]*|{_ZONED}|{_TIME}|{_DAY}")


@dataclass(frozen=True, slots=True)
class _Layout:
    """How a file is laid out: the names in its first line, and what stands between them."""

    names: tuple[str, ...]
    delimiter: str


def _layout(path: Path, location: Location) -> _Layout:
    """Of what stands in the first line alone: guessing from rows would follow whatever is wrong in them."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            lines = [
                next(csv.reader(_from_the_first(file), delimiter=one), []) for one in _DELIMITERS
            ]
    except (UnicodeDecodeError, csv.Error) as error:
        raise SourceError(
            "the first line is not text in UTF-8",
            "首行不是 UTF-8 文本",
            where=location.label,
            hint="say which encoding it has: FILE?encoding=gb18030",
            hint_zh="请注明编码：文件?encoding=gb18030",
        ) from error
    delimiter, names = max(zip(_DELIMITERS, lines, strict=True), key=lambda found: len(found[1]))
    if not names or any(map(_NO_NAME.fullmatch, names)) or len(set(names)) != len(names):
        raise SourceError(
            "the first line does not name the columns, each once",
            "首行没有列名，或列名重复",
            where=location.label,
            hint="put the column names into the first line",
            hint_zh="请在首行写明各列名称",
        )
    return _Layout(tuple(names), delimiter)


def _from_the_first(file: TextIO) -> TextIO:
    file.seek(0)
    return file


def _reading(path: Path, layout: _Layout) -> str:
    """The call that reads the file as text."""
    columns = ", ".join(f"{_literal(name)}: 'VARCHAR'" for name in layout.names)
    return (
        f"read_csv({_literal(str(path))}, auto_detect = false, header = true, nullstr = '', "
        f"allow_quoted_nulls = false, strict_mode = true, null_padding = false, quote = '\"', "
        f"escape = '\"', delim = {_literal(layout.delimiter)}, columns = {{{columns}}})"
    )


def _matches(con: Any, reading: str, asked: list[tuple[str, Form]]) -> list[tuple[int, int]]:  # noqa: ANN401
    """For each column and form: values in that form, and values at all."""
    if not asked:
        return []
    counts = ", ".join(
        f"count(*) FILTER (WHERE regexp_full_match({_name(name)}, {_literal(form.pattern)})"
        f" AND TRY_CAST({_name(name)} AS {form.sql}) IS NOT NULL), count({_name(name)})"
        for name, form in asked
    )
    row = con.con.execute(f"SELECT {counts} FROM {reading}").fetchone()  # noqa: S608
    return list(zip(row[::2], row[1::2], strict=True))


def _by_values(con: Any, reading: str, names: list[str]) -> dict[str, str]:  # noqa: ANN401
    chosen = dict.fromkeys(names, "VARCHAR")
    # A few rows tell which forms are worth a look at all of them.
    likely = _matches(con, f"(SELECT * FROM {reading} LIMIT 2048)",  # noqa: S608
                      [(name, form) for name in names for form in FORMS])  # fmt: skip
    asked = [
        (name, form)
        for (name, form), (fit, all_) in zip(
            [(name, form) for name in names for form in FORMS], likely, strict=True
        )
        if fit == all_
    ]
    for (name, form), (fit, all_) in zip(asked, _matches(con, reading, asked), strict=True):
        if fit == all_ > 0 and chosen[name] == "VARCHAR":
            chosen[name] = form.sql
    return chosen


def _by_schema(
    con: Any,  # noqa: ANN401
    reading: str,
    names: tuple[str, ...],
    schema: RecordSchema,
    location: Location,
) -> dict[str, str]:
    """The DuckDB types of the schema's columns, every value held against its form."""
    asked = [
        (column.name, form)
        for column in schema.columns
        if column.name in names
        for form in _forms_of(column)
    ]
    texts = (column.name for column in schema.columns if column.type == "string")
    chosen = dict.fromkeys((name for name in texts if name in names), "VARCHAR")
    wrong: dict[str, int] = {}
    zoned: dict[str, list[int]] = {}
    for (name, form), (fit, all_) in zip(asked, _matches(con, reading, asked), strict=True):
        if fit == all_ and name not in chosen:
            chosen[name] = form.sql
        wrong[name] = min(all_ - fit, wrong.get(name, all_))
        if form.type == "timestamp":
            zoned.setdefault(name, []).append(fit)
    mixed = [name for name, counts in zoned.items() if name not in chosen and all(counts)]
    if mixed:
        raise TimeZoneDrift(
            "some times carry a zone and some do not", "部分时间带时区，部分不带", where=", ".join(mixed),
            hint="write all of them with a zone, or none", hint_zh="请统一写法",
        )  # fmt: skip
    odd = [f"{name}: {count}" for name, count in wrong.items() if name not in chosen]
    if odd:
        raise TypesChanged(
            "values that are not of the schema's type", "有值不符合清单结构的类型",
            where=f"{location.label} ({', '.join(odd)})",
            hint="correct them at the source; numbers and times have one plain form, like -12.5 and "
            "2026-01-31 08:00:00",
            hint_zh="请在来源处更正；数字与时间须用标准写法，如 -12.5、2026-01-31 08:00:00",
        )  # fmt: skip
    return chosen


def _forms_of(column: Column) -> list[Form]:
    """The forms that a column's values may have; none for text, which may be anything."""
    if column.type == "decimal":
        places = rf"(\.\d{{1,{column.scale}}}0*)?" if column.scale else r"(\.0+)?"
        return [Form("decimal", rf"-?\d+{places}", f"DECIMAL(38,{column.scale})")]
    if column.type == "binary":
        raise TypesChanged(
            "a CSV file holds no bytes",
            "CSV 文件不能存放二进制",
            where=column.name,
            hint="deliver Parquet or a database",
            hint_zh="请以 Parquet 或数据库交付",
        )
    return [form for form in FORMS if form.type == column.type]

"""Sources that are copied into DuckDB before they are read: SQLite databases and spreadsheets.

Neither keeps one type a column by itself, so every value is held against the column's type, which is
declared (SQLite, a schema) or the one that all its values share. What does not fit is refused with its row.
"""

from __future__ import annotations

import contextlib
import re
import sqlite3
import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from decimal import Context, Decimal
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ledger.records.problems import SourceError, TimeZoneDrift, TypesChanged, UnsupportedType
from ledger.records.schema import MAX_SCALE, RecordSchema

if TYPE_CHECKING:
    import ibis.expr.types as ir
    import pyarrow as pa

    from ledger.records.locations import Location

_EXACT = Context(prec=2 * (MAX_SCALE + 1))
ROWS = 10_000
"""Rows that are converted at a time."""
Rows = Callable[[], Iterator[tuple[int, tuple[Any, ...]]]]
"""Gives the rows from the first on, each with its number as a person counts them."""


@dataclass(frozen=True, slots=True)
class Kind:
    """What a column holds: a type of the closed list, decimal places, whether times carry a zone."""

    type: str
    scale: int = 0
    zoned: bool = False


def copied_table(
    con: Any,  # noqa: ANN401 - an Ibis backend
    location: Location,
    schema: RecordSchema | None,
    closing: contextlib.ExitStack,
) -> ir.Table:
    """Copy the source into a temporary DuckDB file and give that table."""
    place = closing.enter_context(tempfile.TemporaryDirectory(prefix="govledger-records-"))
    con.con.execute(f"ATTACH '{Path(place, 'copy.duckdb')}' AS copied")
    closing.callback(con.con.execute, "USE memory; DETACH copied")
    with contextlib.ExitStack() as reading:
        names, declared, rows = (_sqlite if location.kind == "sqlite" else _xlsx)(location, reading)
        kinds = _kinds(names, declared, rows, schema, location)
        arrow = _arrow_schema(names, kinds)
        con.con.register("given", arrow.empty_table())
        con.con.execute("CREATE TABLE copied.records AS SELECT * FROM given")
        con.con.unregister("given")
        for batch in _batches(names, kinds, rows, arrow, location):
            con.con.register("given", batch)
            con.con.execute("INSERT INTO copied.records SELECT * FROM given")
            con.con.unregister("given")
    return con.table("records", database=("copied", "main"))


# What is read


def _sqlite(
    location: Location, reading: contextlib.ExitStack
) -> tuple[list[str], list[Kind | None], Rows]:
    path = Path(location.path or "").resolve()
    database = sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)
    reading.callback(database.close)
    try:
        return _sqlite_rows(database, location)
    except sqlite3.Error as error:
        raise SourceError(
            str(error), f"SQLite 无法读取（{error}）", where=location.label,
            hint="check the file and the name of the table", hint_zh="请检查文件与表名",
        ) from error  # fmt: skip


def _sqlite_rows(
    database: sqlite3.Connection, location: Location
) -> tuple[list[str], list[Kind | None], Rows]:
    database.execute("BEGIN")  # both passes see the same rows
    table = location.table.rpartition(".")[2]
    query = location.query or f'SELECT * FROM "{table.replace(chr(34), chr(34) * 2)}"'  # noqa: S608
    cursor = database.execute(f"SELECT * FROM ({query}) LIMIT 0")  # noqa: S608
    names = [column[0] for column in cursor.description]
    declared: list[Kind | None] = [None] * len(names)
    if table:
        types = {
            row[1]: str(row[2] or "")
            for row in database.execute("SELECT * FROM pragma_table_xinfo(?)", (table,))
        }
        declared = [_declared(types.get(name, "")) for name in names]

    def rows() -> Iterator[tuple[int, tuple[Any, ...]]]:
        return enumerate(database.execute(query), 1)

    return names, declared, rows


def _declared(text: str) -> Kind | None:
    """The kind that a declared SQLite type means; None where the values must tell.

    The order is that of SQLite's own rules of affinity, with the types that people write besides.
    """
    upper = text.upper()
    sized = re.search(r"(DECIMAL|NUMERIC)\s*\(\s*\d+\s*(?:,\s*(\d+)\s*)?\)", upper)
    if sized:
        return Kind("decimal", int(sized.group(2) or 0))
    for words, kind in (
        (("BOOL",), "boolean"),
        (("TIMESTAMP", "DATETIME"), "timestamp"),
        (("DATE",), "date"),
        (("INT",), "integer"),
        (("CHAR", "CLOB", "TEXT"), "string"),
        (("BLOB",), "binary"),
        (("REAL", "FLOA", "DOUB"), "float"),
    ):
        if any(word in upper for word in words):
            # Whether times carry a zone is only seen in the values.
            return None if kind == "timestamp" else Kind(kind)
    return None


def _xlsx(
    location: Location, reading: contextlib.ExitStack
) -> tuple[list[str], list[Kind | None], Rows]:
    import zipfile  # noqa: PLC0415

    from openpyxl import load_workbook  # noqa: PLC0415
    from openpyxl.utils.exceptions import InvalidFileException  # noqa: PLC0415

    try:
        book = load_workbook(str(location.path), read_only=True, data_only=True)
    except (zipfile.BadZipFile, InvalidFileException, KeyError, ValueError) as error:
        raise SourceError(
            "this is no spreadsheet that can be read", "不是可读的电子表格", where=location.label,
            hint="save it as .xlsx again", hint_zh="请重新另存为 .xlsx",
        ) from error  # fmt: skip
    reading.callback(book.close)
    if location.table and location.table not in book.sheetnames:
        raise SourceError(
            f"there is no sheet {location.table}", f"没有工作表「{location.table}」", where=location.label,
            hint=f"sheets: {', '.join(book.sheetnames)}", hint_zh=f"现有工作表：{'、'.join(book.sheetnames)}",
        )  # fmt: skip
    sheet = book[location.table] if location.table else book.worksheets[0]
    sheet.reset_dimensions()
    header = next(iter(sheet.iter_rows(values_only=True)), ())
    names = [str(cell).strip() if cell is not None else "" for cell in header]
    while names and not names[-1]:
        names.pop()
    if not names or not all(names) or len(set(names)) != len(names):
        raise SourceError(
            "the first row does not name the columns, each once", "首行没有列名，或列名重复",
            where=f"{location.label}#{sheet.title}", hint="put the column names into the first row",
            hint_zh="请在首行写明各列名称",
        )  # fmt: skip

    def rows() -> Iterator[tuple[int, tuple[Any, ...]]]:
        for number, cells in enumerate(sheet.iter_rows(min_row=2, values_only=True), 2):
            row = tuple(cells[: len(names)]) + (None,) * (len(names) - len(cells))
            if any(cell is not None for cell in cells):
                yield number, row

    return names, [None] * len(names), rows


# What it holds


def _kinds(
    names: list[str],
    declared: list[Kind | None],
    rows: Rows,
    schema: RecordSchema | None,
    location: Location,
) -> list[Kind]:
    """The kind of every column: the schema's, the declared one, or the one that its values share."""
    known = {column.name: column for column in schema.columns} if schema else {}
    kinds: list[Kind | None] = []
    for name, kind in zip(names, declared, strict=True):
        column = known.get(name)
        if column is None:
            kinds.append(kind)
        elif column.type == "timestamp":
            kinds.append(None)
        else:
            kinds.append(Kind(column.type, column.scale or 0))
    open_columns = [at for at, kind in enumerate(kinds) if kind is None]
    if open_columns:
        times = {at for at in open_columns if names[at] in known}
        for at, kind in _seen(names, open_columns, times, rows, location).items():
            kinds[at] = kind
    return [kind for kind in kinds if kind is not None]


def _seen(
    names: list[str], columns: list[int], times: set[int], rows: Rows, location: Location
) -> dict[int, Kind]:
    """The kind that all values of a column share, and where the first of each kind stands."""
    firsts: dict[int, dict[str, int]] = {at: {} for at in columns}
    whole_days = dict.fromkeys(columns, True)
    for number, row in rows():
        for at in columns:
            value = row[at]
            if value is None:
                continue
            firsts[at].setdefault(_sort_of(value), number)
            if not isinstance(value, datetime) or value.time() != time.min:
                whole_days[at] = False
    return {
        at: _shared(names[at], firsts[at], whole_days[at] and at not in times, location)
        for at in columns
    }


_TIME_TEXT = re.compile(
    r"\d{4}-\d{2}-\d{2}[ T]\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?(Z|[+-]\d{2}:?\d{2})?"
)


def _sort_of(value: object) -> str:
    """What a value is, as far as it bears on its column's kind."""
    if isinstance(value, str) and (found := _TIME_TEXT.fullmatch(value)):
        return "zoned time" if found.group(3) else "time"
    for kind, sort in (
        (bool, "boolean"), (int, "whole number"), (float, "number"), (str, "text"), (datetime, "time"),
        (date, "day"), (bytes, "bytes"),
    ):  # fmt: skip
        if isinstance(value, kind):
            return sort
    return type(value).__name__


def _shared(name: str, firsts: dict[str, int], whole_days: bool, location: Location) -> Kind:  # noqa: FBT001
    sorts = set(firsts)
    if sorts <= {"whole number", "number"} and "number" in sorts:
        return Kind("float")
    if sorts <= {"text", "time", "zoned time"} and "text" in sorts:
        return Kind("string")
    if sorts == {"time", "zoned time"}:
        raise TimeZoneDrift(
            f"some times carry a zone (row {firsts['zoned time']}) and some do not (row {firsts['time']})",
            f"部分时间带时区（第{firsts['zoned time']}行），部分不带（第{firsts['time']}行）",
            where=f"{location.label}, {name}", hint="write all of them with a zone, or none",
            hint_zh="请统一写法",
        )  # fmt: skip
    if sorts == {"time"} and whole_days:
        return Kind("date")
    alone = {
        "boolean": Kind("boolean"), "whole number": Kind("integer"), "time": Kind("timestamp"),
        "zoned time": Kind("timestamp", zoned=True), "day": Kind("date"), "bytes": Kind("binary"),
    }  # fmt: skip
    if not sorts:
        return Kind("string")
    if len(sorts) == 1 and next(iter(sorts)) in alone:
        return alone[next(iter(sorts))]
    listed = ", ".join(f"{sort} (row {row})" for sort, row in sorted(firsts.items()))
    raise UnsupportedType(
        f"the column mixes values: {listed}", f"该列混有不同类型的值：{listed}",
        where=f"{location.label}, {name}", hint="write all values as one type, for example as text",
        hint_zh="请将该列统一为一种类型，例如全部设为文本",
    )  # fmt: skip


# What it becomes


def _arrow_schema(names: list[str], kinds: list[Kind]) -> pa.Schema:
    import pyarrow as pa  # noqa: PLC0415

    types = {
        "string": pa.string(), "integer": pa.int64(), "boolean": pa.bool_(), "date": pa.date32(),
        "binary": pa.binary(), "float": pa.float64(),
    }  # fmt: skip
    fields = []
    for name, kind in zip(names, kinds, strict=True):
        if kind.type == "decimal":
            arrow = pa.decimal128(38, min(kind.scale, MAX_SCALE))
        elif kind.type == "timestamp":
            arrow = pa.timestamp("us", "UTC" if kind.zoned else None)
        else:
            arrow = types[kind.type]
        fields.append(pa.field(name, arrow))
    return pa.schema(fields)


def _batches(
    names: list[str], kinds: list[Kind], rows: Rows, schema: pa.Schema, location: Location
) -> Iterator[pa.RecordBatch]:
    import pyarrow as pa  # noqa: PLC0415

    every = rows()
    while taken := list(islice(every, ROWS)):
        columns = []
        for at, kind in enumerate(kinds):
            values = _converted(
                kind, ((number, row[at]) for number, row in taken), names[at], location
            )
            columns.append(pa.array(values, type=schema.types[at]))
        yield pa.RecordBatch.from_arrays(columns, schema=schema)


def _converted(
    kind: Kind, values: Iterable[tuple[int, Any]], name: str, location: Location
) -> list[Any]:
    convert = _CONVERTERS[kind.type]
    out: list[Any] = []
    number = 0
    try:
        for number, value in values:  # noqa: B007 - the error below names it
            out.append(None if value is None else convert(kind, value))
    except (ValueError, TypeError, ArithmeticError) as error:
        raise TypesChanged(
            f"row {number} does not hold a value of type {kind.type}: {error}",
            f"第{number}行的值不是 {kind.type} 类型",
            where=f"{location.label}, {name}",
            hint="correct the value at the source", hint_zh="请在来源处更正",
        ) from error  # fmt: skip
    return out


def _string(_: Kind, value: Any) -> str:  # noqa: ANN401
    if isinstance(value, str):
        return value
    if type(value) is int:
        return str(value)  # a spreadsheet's whole number in a column of text, such as a code
    raise TypeError(f"{type(value).__name__} found")


def _integer(_: Kind, value: Any) -> int:  # noqa: ANN401
    if type(value) is not int or not -(2**63) <= value < 2**63:
        raise TypeError(f"{type(value).__name__} found")
    return value


def _decimal(kind: Kind, value: Any) -> Decimal:  # noqa: ANN401
    if isinstance(value, (bool, bytes)):
        raise TypeError(f"{type(value).__name__} found")
    number = Decimal(repr(value)) if isinstance(value, float) else Decimal(value)
    rounded = number.quantize(Decimal(f"1E-{kind.scale}"), context=_EXACT)
    if rounded != number:
        raise ValueError(f"it has more than {kind.scale} decimal places")
    return rounded


def _float(_: Kind, value: Any) -> float:  # noqa: ANN401
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeError(f"{type(value).__name__} found")
    if int(value) != value and isinstance(value, int):
        raise ValueError("the whole number has no exact double")
    return float(value)


def _boolean(_: Kind, value: Any) -> bool:  # noqa: ANN401
    if value in (0, 1) and not isinstance(value, float):
        return bool(value)
    raise TypeError(f"{type(value).__name__} found")


def _date(_: Kind, value: Any) -> date:  # noqa: ANN401
    if isinstance(value, datetime) and value.time() == time.min:
        return value.date()
    if isinstance(value, str) and re.fullmatch(r"\d{4}-\d{2}-\d{2}", value):
        return date.fromisoformat(value)
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    raise TypeError(f"{type(value).__name__} found")


def _timestamp(kind: Kind, value: Any) -> datetime:  # noqa: ANN401
    moment = datetime.fromisoformat(value) if isinstance(value, str) else value
    if not isinstance(moment, datetime) or (moment.tzinfo is not None) != kind.zoned:
        raise TypeError(f"{type(value).__name__} found")
    # Arrow leaves zones out where the environment says PYARROW_IGNORE_TIMEZONE, as pandas on Spark does.
    return moment.astimezone(UTC) if kind.zoned else moment


def _binary(_: Kind, value: Any) -> bytes:  # noqa: ANN401
    if not isinstance(value, bytes):
        raise TypeError(f"{type(value).__name__} found")
    return value


_CONVERTERS: dict[str, Callable[[Kind, Any], Any]] = {
    "string": _string, "integer": _integer, "decimal": _decimal, "float": _float,
    "boolean": _boolean, "date": _date, "timestamp": _timestamp, "binary": _binary,
}  # fmt: skip

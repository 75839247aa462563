"""Opening what records lie in (数据源): files, databases, queries.

A source is named by one text::

    people.csv    people.csv?encoding=gb18030    people.parquet    book.xlsx#Sheet1
    duckdb:///people.duckdb#people    sqlite:///people.db#people    postgresql://host/db#schema.people
    duckdb:///people.duckdb?query=SELECT …    (any of the three databases)

CSV, Parquet and DuckDB are read where they lie; PostgreSQL through its own Ibis backend, in one read-only
snapshot. SQLite and XLSX are copied, row by row and type by type, into a DuckDB file of their own first, so
that nothing is ever downloaded and nothing is read twice in two states. No source is ever written to.
"""

from __future__ import annotations

import contextlib
import os
import re
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from ledger.records.locations import Location, locate
from ledger.records.problems import RecordsError, SourceError, UnsupportedType

if TYPE_CHECKING:
    import ibis.expr.types as ir
    import pyarrow as pa

    from ledger.records.schema import RecordSchema

BATCH = 1 << 15
"""Rows in a batch, unless asked otherwise."""
MEMORY = "1500MB"
"""What DuckDB may use before it spills to disk."""


class Source:
    """An opened source (数据源): one table to read, as an Ibis expression and as Arrow batches.

    Use it as a context manager. ``table`` may be read as often as wanted.
    """

    def __init__(self, location: Location, con: Any, table: ir.Table) -> None:  # noqa: ANN401
        self.location = location
        self.con = con
        self.table = table
        self._closing = contextlib.ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the connection and of temporary files."""
        self._closing.close()

    def keep(self, closing: contextlib.ExitStack) -> None:
        """Take over what must be closed with the source."""
        self._closing.push(closing.pop_all())

    @property
    def label(self) -> str:
        """The source's name without credentials."""
        return self.location.label

    @property
    def engine(self) -> str:
        """Name of the Ibis backend that computes: ``duckdb`` or ``postgres``."""
        return str(self.con.name)

    def describe(self) -> dict[str, Any]:
        """Kind, name without credentials, and columns with their types."""
        return {
            "kind": self.location.kind,
            "name": self.label,
            "columns": [
                {"name": name, "type": str(kind)} for name, kind in self.table.schema().items()
            ],
        }

    def fingerprint(self) -> str:
        """A text that changes when the source's file does (size, time of change, inode).

        PostgreSQL is read in one snapshot, which cannot change; its text is that snapshot's.
        """
        path = self.location.path
        if path is None:
            return str(self.con.raw_sql("SELECT pg_current_snapshot()::text").fetchone()[0])
        parts = []
        for one in (path, path.with_name(path.name + "-wal"), path.with_name(path.name + ".wal")):
            with contextlib.suppress(FileNotFoundError):
                stat = one.stat()
                parts.append(f"{stat.st_ino}:{stat.st_size}:{stat.st_mtime_ns}")
        return "/".join(parts)

    def sql(self, expression: Any) -> str:  # noqa: ANN401
        """The expression in the engine's SQL."""
        return str(self.con.compile(expression))

    def batches(self, expression: Any, size: int = BATCH) -> Iterator[pa.RecordBatch]:  # noqa: ANN401
        """The rows of an expression over :attr:`table`, in Arrow batches of about ``size`` rows.

        Raises :class:`SourceError` where the source cannot be read.
        """
        with telling(self.label):
            if self.engine == "duckdb":
                yield from self.con.con.sql(self.sql(expression)).to_arrow_reader(size)
            else:
                yield from self._postgres_batches(expression, size)

    def _postgres_batches(self, expression: Any, size: int) -> Iterator[pa.RecordBatch]:  # noqa: ANN401
        import pyarrow as pa  # noqa: PLC0415

        schema = expression.as_table().schema().to_pyarrow()
        with self.con.con.cursor(name=f"govledger_{os.urandom(6).hex()}") as cursor:
            cursor.execute(self.sql(expression))
            while rows := cursor.fetchmany(min(size, 20_000)):
                columns = [
                    pa.array(column, type=kind)
                    for column, kind in zip(zip(*rows, strict=True), schema.types, strict=True)
                ]
                yield pa.RecordBatch.from_arrays(columns, schema=schema)

    def rows(self, expression: Any) -> list[dict[str, Any]]:  # noqa: ANN401
        """The rows of a small expression as dictionaries."""
        return [row for batch in self.batches(expression) for row in batch.to_pylist()]


_QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"")
_DIGITS = re.compile(r"\d{6,}[\dXx]?")


def without_values(message: str, *, quoted_too: bool) -> str:
    """The first line of an engine's message, without what may be a value of a row.

    Long numbers always go; with ``quoted_too`` whatever stands in quotes goes too, for errors that
    quote values rather than names.
    """
    line = next(iter(message.strip().splitlines()), "")
    return _DIGITS.sub("…", _QUOTED.sub("'…'", line) if quoted_too else line)


def _of_psycopg(name: str) -> tuple[type[Exception], ...]:
    """The class of errors of this name; none where nobody imported psycopg, so that only its users wait for it."""
    module = sys.modules.get("psycopg")
    return (getattr(module, name),) if module is not None else ()


@contextlib.contextmanager
def telling(label: str) -> Iterator[None]:
    """Turn what an engine or a reader raises into a :class:`SourceError` that names the source."""
    import duckdb  # noqa: PLC0415
    import ibis  # noqa: PLC0415
    import pyarrow as pa  # noqa: PLC0415
    from ibis.common.exceptions import TableNotFound  # noqa: PLC0415

    try:
        yield
    except RecordsError:
        raise
    except (
        duckdb.Error,
        *_of_psycopg("Error"),
        pa.ArrowException,
        ibis.IbisError,
        TableNotFound,
        OSError,
    ) as error:
        about_values = (
            duckdb.ConversionException,
            duckdb.InvalidInputException,
            duckdb.OutOfRangeException,
            *_of_psycopg("DataError"),
            pa.ArrowException,
        )
        said = without_values(str(error), quoted_too=isinstance(error, about_values))
        said = said or type(error).__name__
        raise SourceError(
            said, f"无法读取（{said}）", where=label,
            hint="check the source and how it is named; nothing was written",
            hint_zh="请检查数据源及其写法；尚未写入任何内容",
        ) from error  # fmt: skip


def open_source(text: str, schema: RecordSchema | None = None) -> Source:
    """Open what ``text`` names.

    ``schema``: where the records' types are known already (a manifest's), files that carry none (CSV,
    XLSX) are read by it instead of by guessing. Raises :class:`SourceError`, and the other errors of
    :mod:`ledger.records.problems` where such a file does not hold what the schema says.
    """
    location = locate(text)
    with contextlib.ExitStack() as closing, telling(location.label):
        source = _OPENERS[location.kind](location, schema, closing)
        source.keep(closing)
        return source
    raise AssertionError


def connect_duckdb(closing: contextlib.ExitStack, file: Path | None = None) -> Any:  # noqa: ANN401
    """A DuckDB engine that downloads nothing, counts in UTC and spills into a temporary directory."""
    import ibis  # noqa: PLC0415

    spill = closing.enter_context(tempfile.TemporaryDirectory(prefix="govledger-records-"))
    con = ibis.duckdb.connect(
        str(file) if file else ":memory:",
        temp_directory=spill,
        autoinstall_known_extensions=False,
        autoload_known_extensions=False,
        memory_limit=MEMORY,
        preserve_insertion_order=False,
    )
    con.con.execute("SET TimeZone = 'UTC'")
    closing.callback(con.disconnect)
    return con


def quoted(name: str) -> str:
    """A name or path as an SQL literal's inside: quotes doubled."""
    return name.replace("'", "''")


def _open_csv(
    location: Location, schema: RecordSchema | None, closing: contextlib.ExitStack
) -> Source:
    from ledger.records.delimited import csv_table  # noqa: PLC0415

    con = connect_duckdb(closing)
    return Source(location, con, csv_table(con, location, schema, closing))


def _open_parquet(
    location: Location, _: RecordSchema | None, closing: contextlib.ExitStack
) -> Source:
    con = connect_duckdb(closing)
    return _view(con, location, f"SELECT * FROM read_parquet('{quoted(str(location.path))}')")  # noqa: S608


def _open_duckdb(
    location: Location, _: RecordSchema | None, closing: contextlib.ExitStack
) -> Source:
    con = connect_duckdb(closing)
    con.con.execute(f"ATTACH '{quoted(str(location.path))}' AS source (READ_ONLY)")
    con.con.execute("USE source")
    named = ".".join('"' + part.replace('"', '""') + '"' for part in location.table.rsplit(".", 1))
    return _view(con, location, location.query or f"SELECT * FROM {named}")  # noqa: S608


def _view(con: Any, location: Location, query: str) -> Source:  # noqa: ANN401
    """The source over a query, in which zoned times of nanoseconds, which Ibis does not know, are times.

    Raises :class:`UnsupportedType` where they are finer than a microsecond.
    """
    columns = con.con.execute(f"DESCRIBE {query}").fetchall()
    fine = [name for name, kind, *_ in columns if kind == "TIMESTAMPTZ_NS"]
    names = ['"' + name.replace('"', '""') + '"' for name in fine]
    if names:
        wrong = " + ".join(
            f"count(*) FILTER (WHERE epoch_ns({name}) % 1000 <> 0)" for name in names
        )
        (count,) = con.con.execute(f"SELECT {wrong} FROM ({query})").fetchone()  # noqa: S608
        if count:
            raise UnsupportedType(
                f"{count:,} times are finer than a microsecond",
                f"有 {count:,} 个时间精度超过微秒",
                where=f"{location.label}, {', '.join(fine)}",
                hint="round them at the source",
                hint_zh="请在来源处取整到微秒",
            )
        times = ", ".join(f"CAST({name} AS TIMESTAMPTZ) AS {name}" for name in names)
        query = f"SELECT * REPLACE ({times}) FROM ({query})"  # noqa: S608
    con.con.execute(f"CREATE TEMP VIEW records AS {query}")
    return Source(location, con, con.table("records"))


def _open_postgresql(
    location: Location, _: RecordSchema | None, closing: contextlib.ExitStack
) -> Source:
    import ibis  # noqa: PLC0415

    con = ibis.postgres.from_connection(_snapshot(location, closing))
    if location.query:
        return Source(location, con, con.sql(location.query, schema=_query_schema(con, location)))
    *schema, name = location.table.rsplit(".", 1)
    return Source(location, con, con.table(name, database=schema[0] if schema else None))


def _query_schema(con: Any, location: Location) -> Any:  # noqa: ANN401
    """The Ibis schema of a query; Ibis itself would create a view, which a reader may not."""
    import ibis  # noqa: PLC0415

    with con.con.cursor() as cursor:
        cursor.execute(f"SELECT * FROM ({location.query}) AS asked LIMIT 0")  # noqa: S608
        columns = [
            (column.name, column.type_code, cursor.pgresult.fmod(at))
            for at, column in enumerate(cursor.description)
        ]
        types = {}
        for name, oid, modifier in columns:
            cursor.execute("SELECT format_type(%s, %s)", (oid, modifier))
            types[name] = con.compiler.type_mapper.from_string(cursor.fetchone()[0])
    return ibis.schema(types)


def _snapshot(location: Location, closing: contextlib.ExitStack) -> Any:  # noqa: ANN401
    """A connection whose one transaction sees the database as it is now, and cannot write."""
    import psycopg  # noqa: PLC0415

    connection = psycopg.connect(location.text)
    closing.callback(connection.close)
    connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
    connection.read_only = True
    connection.execute("SET TimeZone = 'UTC'")
    connection.execute("SET DateStyle = 'ISO, YMD'")
    return connection


def _open_copied(
    location: Location, schema: RecordSchema | None, closing: contextlib.ExitStack
) -> Source:
    from ledger.records.copying import copied_table  # noqa: PLC0415

    con = connect_duckdb(closing)
    return Source(location, con, copied_table(con, location, schema, closing))


_OPENERS = {
    "csv": _open_csv,
    "parquet": _open_parquet,
    "duckdb": _open_duckdb,
    "sqlite": _open_copied,
    "xlsx": _open_copied,
    "postgresql": _open_postgresql,
}

"""The desk's rows, where the desk is no file that could be copied: JSON lines, one file a table.

Rows are read in one snapshot of the database, by what the database says of its own columns, so that a backup
needs no tool of the server and can be loaded into either engine. Bytes are in Base64.
"""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import Connection, Engine, LargeBinary, MetaData, Table, insert, select, text

from ledger.backup.manifest import DamagedBackup

AT_ONCE = 500
_SUFFIX = ".jsonl"
_VERSION = "alembic_version"


def write_rows(engine: Engine, place: Path) -> str:
    """Every table of the database into ``place``; returns its schema revision."""
    place.mkdir(parents=True)
    with engine.connect() as connection:
        if connection.dialect.name == "postgresql":
            connection = connection.execution_options(isolation_level="REPEATABLE READ")  # noqa: PLW2901
        with connection.begin():
            revision = str(
                connection.execute(text(f"SELECT version_num FROM {_VERSION}")).scalar_one()  # noqa: S608
            )
            for table in _tables(connection):
                with (place / f"{table.name}{_SUFFIX}").open("wb") as stream:
                    keys = list(table.primary_key.columns)
                    rows = connection.execution_options(yield_per=AT_ONCE).execute(
                        select(table).order_by(*keys)
                    )
                    for row in rows:
                        stream.write(msgspec.json.encode(list(row)) + b"\n")
    return revision


def read_rows(engine: Engine, place: Path) -> None:
    """Fill the empty tables of a database at the same revision; raises :class:`DamagedBackup`."""
    with engine.begin() as connection:
        tables = {table.name: table for table in _tables(connection)}
        files = {file.name.removesuffix(_SUFFIX): file for file in place.glob(f"*{_SUFFIX}")}
        if files.keys() != tables.keys():
            odd = sorted(files.keys() ^ tables.keys())
            raise DamagedBackup(
                f"the desk's tables are not those of its schema: {', '.join(odd)}",
                "take another backup",
                zh=f"工作台库的表与其版本不符：{', '.join(odd)}",
                hint_zh="请使用另一份备份",
            )
        for name, table in tables.items():
            rows: list[dict[str, Any]] = []
            for row in _rows(files[name], table):
                rows.append(row)
                if len(rows) == AT_ONCE:
                    connection.execute(insert(table), rows)
                    rows = []
            if rows:
                connection.execute(insert(table), rows)
            _go_on_counting(connection, table)


def _tables(connection: Connection) -> list[Table]:
    """As the database has them, whatever version of this program made it."""
    metadata = MetaData()
    metadata.reflect(connection)
    return [table for table in metadata.sorted_tables if table.name != _VERSION]


def _rows(file: Path, table: Table) -> Iterator[dict[str, Any]]:
    columns = list(table.columns)
    binary = [isinstance(column.type, LargeBinary) for column in columns]
    with file.open("rb") as stream:
        for line in stream:
            values = msgspec.json.decode(line)
            yield {
                column.name: b64decode(value) if is_binary and value is not None else value
                for column, value, is_binary in zip(columns, values, binary, strict=True)
            }


def _go_on_counting(connection: Connection, table: Table) -> None:
    """PostgreSQL's sequences do not see rows that bring their own numbers."""
    if connection.dialect.name != "postgresql":
        return
    for column in table.primary_key.columns:
        question = text("SELECT pg_get_serial_sequence(:table, :column)")
        names = {"table": table.name, "column": column.name}
        sequence = connection.execute(question, names).scalar_one()
        if sequence is not None:
            highest = connection.execute(
                select(column).order_by(column.desc()).limit(1)
            ).scalar_one_or_none()
            if highest is not None:
                connection.execute(
                    text("SELECT setval(CAST(:sequence AS regclass), :highest)"),
                    {"sequence": sequence, "highest": highest},
                )

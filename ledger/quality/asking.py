"""Asking an engine: few rows as dictionaries, many as Arrow batches, and nothing left open.

PostgreSQL is asked within a savepoint: a question that it refuses then costs nothing but itself, and
the snapshot in which the table is read stays the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import ibis.expr.types as ir

BATCH_ROWS = 100_000


def engine_of(table: ir.Table) -> str:
    """Name of the Ibis backend that the table lives in."""
    return str(backend_of(table).name)


def rows_of(table: ir.Table) -> list[dict[str, Any]]:
    """The rows of a small table."""
    backend = backend_of(table)
    if backend.name != "postgres":
        return list(table.to_pyarrow().to_pylist())
    with backend.con.transaction(), backend.con.cursor() as cursor:
        cursor.execute(str(backend.compile(table)))
        return [dict(zip(table.columns, row, strict=True)) for row in cursor]


def value_of(table: ir.Table) -> Any:  # noqa: ANN401 - one number
    """The only value of a table of one row and one column, 0 for NULL."""
    return next(iter(rows_of(table)[0].values())) or 0


def batches_of(table: ir.Table) -> Any:  # noqa: ANN401 - pyarrow carries no types
    """The rows of a table as a stream of Arrow batches, never all at once."""
    import pyarrow as pa  # noqa: PLC0415

    backend = backend_of(table)
    if backend.name == "duckdb":
        return backend.con.sql(str(backend.compile(table))).to_arrow_reader(BATCH_ROWS)
    if backend.name == "postgres":
        schema = table.schema().to_pyarrow()
        return pa.RecordBatchReader.from_batches(schema, _postgresql_batches(table, schema))
    return table.to_pyarrow_batches(chunk_size=BATCH_ROWS)


def _postgresql_batches(table: ir.Table, schema: Any) -> Iterator[Any]:  # noqa: ANN401
    import pyarrow as pa  # noqa: PLC0415

    backend = backend_of(table)
    with backend.con.transaction(), backend.con.cursor(name="govledger_quality") as cursor:
        cursor.execute(str(backend.compile(table)))
        while rows := cursor.fetchmany(BATCH_ROWS // 5):
            columns = [
                pa.array(column, type=kind)
                for column, kind in zip(zip(*rows, strict=True), schema.types, strict=True)
            ]
            yield pa.RecordBatch.from_arrays(columns, schema=schema)


def backend_of(table: ir.Table) -> Any:  # noqa: ANN401
    """The Ibis backend that the table lives in."""
    return table._find_backend()  # noqa: SLF001 - Ibis has no public name for it

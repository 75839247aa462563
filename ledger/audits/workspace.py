"""Where an audit is worked out (审计计算空间): a DuckDB database in memory, filled with columns of the mirror.

The mirror keeps rows for looking them up one by one; an audit walks through all of them a dozen times, which a
database of columns does many times faster, and in the same way whatever the mirror is kept in. Nobody else sees it, and
it goes when the block ends. Inputs stay in Arrow's columns, as they were read; of what is made of them, that which does
not fit into :data:`MEMORY` goes to files, which go too.
"""

from __future__ import annotations

import re
import tempfile
from collections import namedtuple
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any

from ledger.codes import Code

if TYPE_CHECKING:
    import pyarrow as pa
    from duckdb import DuckDBPyConnection

MEMORY = "2GB"
"""What is made of the inputs of one audit may take so much before it goes to files."""
Row = Any
"""A named tuple with a field for each column of a question."""
_CHUNK = 2_000
_AT_A_TIME = 16_384
"""Rows of a table that a thread walks through before it takes the next ones."""
_PARAMETER = re.compile(r":([a-z_]+)")
_WORD = re.compile(r"\w+")
_AS_READ = "_as_read"
"""Ends the name of what was read with words for codes."""


class Workspace:
    """Tables and questions about them.

    One thread runs steps and takes inputs over; meanwhile others may ask, and insert rows, and one that is to run
    steps too does so :meth:`beside`.
    """

    def __init__(self, database: DuckDBPyConnection) -> None:
        self._database = database
        self._read: dict[str, pa.Table] = {}
        """What was read, where it lies: only the connection to which it is shown sees it."""

    def run(self, statement: str, told: Mapping[str, int | str] | None = None) -> None:
        """One step; ``:name`` in it stands for a value of ``told``, a whole number or a word without quotes."""
        self._database.execute(
            _PARAMETER.sub(lambda name: _literal((told or {})[name[1]]), statement)
        )

    def rows(self, asked: str, told: Mapping[str, Any] | None = None) -> Iterator[Row]:
        """What a question finds, some at a time; ``$name`` in it stands for a value of ``told``."""
        with self._database.cursor() as found:
            for name in set(_WORD.findall(asked)):
                for read in (name, name + _AS_READ):
                    if read in self._read:
                        found.register(read, self._read[read])
            found.execute(asked, dict(told or {}))
            made = _row(tuple(column[0] for column in found.description))
            while some := found.fetchmany(_CHUNK):
                yield from map(made._make, some)

    def columns(self, asked: str) -> pa.Table:
        """What a question finds, as columns that outlive the workspace."""
        return self._database.sql(asked).to_arrow_table()

    def put(self, table: str, rows: Sequence[Sequence[Any]]) -> None:
        """Insert rows, each with a value for every column: thousands, but not millions."""
        if rows:
            with self._database.cursor() as putting:
                putting.register("given", _given(rows))
                putting.execute(f"INSERT INTO {table} SELECT * FROM given")  # noqa: S608

    def load(
        self,
        table: str,
        pieces: Iterator[pa.Table],
        codes: Mapping[str, type[Code]] | None = None,
    ) -> None:
        """What was read, under a name; it is not copied. Of ``codes`` it has the numbers."""
        import pyarrow as pa  # noqa: PLC0415 - heavy, and few commands need it

        # A piece that was read row by row may hold what is no digest.
        whole = pa.concat_tables(pieces, promote_options="permissive")
        some = pa.Table.from_batches(whole.to_batches(max_chunksize=_AT_A_TIME), whole.schema)
        read = f"{table}{_AS_READ}" if codes else table
        self._database.register(read, some)
        self._read[read] = some
        if codes:
            shown = ", ".join(f"{_numbered(name, code)} AS {name}" for name, code in codes.items())
            self._database.execute(
                f"CREATE VIEW {table} AS SELECT * REPLACE ({shown}) FROM {read}"  # noqa: S608
            )

    @contextmanager
    def beside(self) -> Iterator[Workspace]:
        """The same tables and inputs for another thread; inputs that it takes over itself go when the block ends."""
        with self._database.cursor() as other:
            for name, read in self._read.items():
                other.register(name, read)
            yield Workspace(other)

    def drop(self, table: str) -> None:
        """What was read, and nothing asks any more."""
        self._database.unregister(table)
        del self._read[table]


def _given(rows: Sequence[Sequence[Any]]) -> pa.Table:
    """Rows as columns: whole numbers, or texts, or digests, each of which may be None."""
    import pyarrow as pa  # noqa: PLC0415 - heavy, and few commands need it

    columns = [_column(values) for values in zip(*rows, strict=True)]
    return pa.Table.from_arrays(columns, names=[str(at) for at in range(len(columns))])


def _column(values: Sequence[Any]) -> pa.Array:
    """Not by pyarrow.array, which looks for pandas first: its import takes longer than most audits."""
    import numpy as np  # noqa: PLC0415
    import pyarrow as pa  # noqa: PLC0415

    here = [value is not None for value in values]
    bits = None if all(here) else pa.py_buffer(np.packbits(here, bitorder="little"))
    first = next((value for value in values if value is not None), None)
    if not isinstance(first, str | bytes):
        numbers = np.array([value or 0 for value in values], np.int64)
        return pa.Array.from_buffers(pa.int64(), len(values), [bits, pa.py_buffer(numbers)])
    told = [(value or "").encode() if isinstance(first, str) else value or b"" for value in values]
    ends = np.zeros(len(told) + 1, np.int32)
    np.cumsum([len(value) for value in told], out=ends[1:])
    kind = pa.string() if isinstance(first, str) else pa.binary()
    buffers = [bits, pa.py_buffer(ends), pa.py_buffer(b"".join(told))]
    return pa.Array.from_buffers(kind, len(values), buffers)


def _numbered(name: str, codes: type[Code]) -> str:
    """SQL for the number of a code, 0 of none."""
    each = " ".join(f"WHEN {_literal(code.value)} THEN {code.number}" for code in codes)
    return f"CAST(CASE {name} {each} ELSE 0 END AS INTEGER)"


@contextmanager
def workspace() -> Iterator[Workspace]:
    """An empty one, with the audit's tables."""
    import duckdb  # noqa: PLC0415 - heavy, and few commands need it

    with tempfile.TemporaryDirectory(prefix="govledger-audit-") as place:
        settings: dict[str, str | bool | int | float | list[str]] = {
            "memory_limit": MEMORY,
            "temp_directory": place,
            "preserve_insertion_order": "false",
        }
        database = duckdb.connect(":memory:", config=settings)
        try:
            database.execute(";".join(steps("tables")))
            yield Workspace(database)
        finally:
            database.close()


@cache
def steps(name: str) -> tuple[str, ...]:
    """The statements of ``name.sql`` beside this module, in order, without comments."""
    source = resources.files("ledger.audits").joinpath(f"{name}.sql").read_text("utf-8")
    bare = "\n".join(line for line in source.splitlines() if not line.startswith("--"))
    return tuple(one.strip() for one in bare.split(";\n") if one.strip())


@cache
def _row(names: tuple[str, ...]) -> Any:  # noqa: ANN401 - a class of named tuples
    return namedtuple("Row", names)  # noqa: PYI024 - its fields come from the question


def _literal(value: int | str) -> str:
    if isinstance(value, str):
        if "'" in value:
            raise ValueError(f"a parameter of an audit's step has a quote: {value!r}")
        return f"'{value}'"
    return str(value)

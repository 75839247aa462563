"""Reading whole columns: a select's rows by the hundred thousand, without a Python object for each value.

The database itself strings the values of a column together (``group_concat``, ``string_agg``), so that what comes is
one row of long byte strings, which NumPy cuts into Arrow's columns. Numbers come as decimals from SQLite and as eight
bytes each from PostgreSQL, truth values as a digit each, texts as UTF-8, and binary columns are digests of 32 bytes.
Where the values of a piece cannot be told apart in that form (a text contains the separator, a digest is not of its
length), that piece is read again row by row, so that what is read is the same.

While the database is at it, other threads run: neither driver holds the interpreter's lock then.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Literal

from sqlalchemy import (
    Boolean,
    ColumnElement,
    Connection,
    CursorResult,
    Engine,
    Integer,
    LargeBinary,
    Select,
    event,
)
from sqlalchemy.sql.elements import Null

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

Kind = Literal["decimal", "word", "truth", "text", "digest"]
"""How values come: whole numbers as decimals between commas, or as eight bytes, the greatest first; truth values as one
digit each.
"""
DIGEST_BYTES = 32
LEAVES = 1 << 16
"""Rows, or leaves of the log whose rows are read at once: so much memory a piece may take."""
_FIRST, _END = "/*first*/0", "/*end*/0"
"""Where the range of a piece stands in a compiled select."""
_BINARY = "govledger_binary"
"""Execution option: PostgreSQL sends bytes as they are, not as hexadecimal digits."""
_COMMA, _SEPARATOR, _NOTHING, _NO_NUMBER, _NO_TRUTH = ",", "\x1f", "\x02", -1, 2
_WORD_BYTES, _DIGITS = 8, 18
"""Of a number in binary, and the most that fit into it, whatever they are."""
_SCANNED = re.compile(r"\w+\.leaf_(?:from|until) (?=<|>=|IS NULL)")
"""What holds at a size is all but always nearly every row, which SQLite finds faster in the order in which rows lie
than through an index. A plus before the column keeps it from the index, and changes nothing else."""
_RECORDED = re.compile(r"(\w+)\.(leaf_from|index_) < \d+")
"""A table whose rows are asked for, its column of leaves, and the condition that they were recorded before a size."""


class _UnclearError(Exception):
    """Values that cannot be told apart."""


def read_columns(
    connection: Connection, asked: Select[Any], *, size: int | None = None, at_once: int = LEAVES
) -> Iterator[pa.Table]:
    """The rows of ``asked``, as Arrow tables of no order; of none there is one table without rows.

    See :class:`Pieces`, of which these are all.
    """
    pieces = Pieces(connection, asked, size=size, at_once=at_once)
    for part in pieces.ranges:
        yield pieces.read(connection, part)


class Pieces:
    """The rows of ``asked``, to be read piece by piece on ``connection``.

    With ``size`` a select with a column ``leaf``, below it, is cut into pieces: on SQLite of so many rows of the table
    whose leaf it is, in the order in which they lie (an index on the leaves leads to each row apart), on PostgreSQL of
    so many leaves. Any other comes in one piece. One that is ``aligned`` joins rows of several tables about the same
    leaf, and all of these are cut, so that no database walks through a whole table for each piece.

    Columns are whole numbers (truth values: 0 and 1) of 64 bits, texts, or digests of 32 bytes, each of which may be
    null; what is null by itself is not asked for.
    """

    def __init__(
        self,
        connection: Connection,
        asked: Select[Any],
        *,
        size: int | None = None,
        at_once: int = LEAVES,
        aligned: bool = False,
    ) -> None:
        self._dialect = connection.dialect
        # Compiled once: that takes longer than many a piece. The rest is put around it as text.
        told = str(asked.compile(dialect=self._dialect, compile_kwargs={"literal_binds": True}))
        self.ranges: list[tuple[int, int]] = [(0, 0)]
        """The first, and the one after the last, of each piece."""
        recorded = _RECORDED.findall(told)
        in_order = self._dialect.name == "sqlite" and len(recorded) == 1 and not aligned
        within = ""
        self.by_leaf = False
        """Whether pieces are those of some leaves, the same on every connection; in order, rows may lie elsewhere."""
        if size is not None and size > at_once and "leaf" in asked.selected_columns:
            one, of = "leaf", f"({told}) AS whole"
            if in_order:
                of, one = recorded[0][0], "rowid"
            elif recorded and "{}.{} AS leaf".format(*recorded[0]) in told:
                # The whole table's: to find the first row that holds, those that ended may all be looked through.
                of, one = recorded[0]
            # One by one, so that each is the first of an index.
            ends = f"(SELECT MIN({one}) FROM {of}), (SELECT MAX({one}) FROM {of})"  # noqa: S608
            lowest, highest = connection.exec_driver_sql(f"SELECT {ends}").one()
            if lowest is not None and highest - lowest >= at_once:
                end = highest + 1 if in_order else min(highest + 1, size)
                starts = range(lowest, end, at_once)
                self.by_leaf = not in_order
                self.ranges = [(first, min(first + at_once, end)) for first in starts]
                cut = rf"{{0}} >= {_FIRST} AND {{0}} < {_END}"
                if in_order:
                    told = _RECORDED.sub(r"\g<0> AND " + cut.format(r"\g<1>.rowid"), told)
                elif aligned:
                    told = _RECORDED.sub(cut.format(r"\g<1>.\g<2>"), told)
                else:
                    within = " WHERE " + cut.format("leaf")
        if self._dialect.name == "sqlite" and not aligned:
            told = _SCANNED.sub(r"+\g<0>", told)
        self._rows = f"FROM ({told}) AS asked{within}"
        columns = asked.subquery().c
        self._columns = [(str(one.key), _kind(one, self._dialect.name)) for one in columns]
        quoted = self._dialect.identifier_preparer.quote
        self._names = ", ".join(quoted(name) for name, _ in self._columns)
        self._packed = ", ".join(
            "NULL, 0"
            if isinstance(getattr(given, "element", None), Null)
            else f"{_strung(one, kind, quoted(name), self._dialect.name)}, "
            f"{f'COUNT({quoted(name)})' if kind != 'truth' and _may_be_null(one) else 'NULL'}"
            for given, one, (name, kind) in zip(
                asked.selected_columns, columns, self._columns, strict=True
            )
        )

    def read(self, connection: Connection, part: tuple[int, int]) -> pa.Table:
        """One of them."""
        import pyarrow as pa  # noqa: PLC0415 - heavy, and few commands need it

        found = self._ask(connection, f"COUNT(*), {self._packed}", part).one()
        count, told, present = found[0], found[1::2], found[2::2]
        try:
            arrays = [
                _array(kind, told[at], count, 0 if present[at] is None else count - present[at])
                for at, (_, kind) in enumerate(self._columns)
            ]
        except _UnclearError:
            rows = self._ask(connection, self._names, part).all()
            arrays = [
                _plain(kind, [row[at] for row in rows])
                for at, (_, kind) in enumerate(self._columns)
            ]
        return pa.Table.from_arrays(arrays, names=[name for name, _ in self._columns])

    def _ask(self, connection: Connection, shown: str, part: tuple[int, int]) -> CursorResult[Any]:
        rows = self._rows.replace(_FIRST, str(part[0])).replace(_END, str(part[1]))
        told = f"SELECT {shown} {rows}"
        return connection.exec_driver_sql(told, execution_options={_BINARY: True})


def _array(kind: Kind, told: bytes | None, count: int, nulls: int) -> pa.Array:
    if nulls == count:
        return _nothing(kind, count)
    if told is None:
        raise _UnclearError
    return _CUT[kind](told, count, nulls)


def _kind(column: ColumnElement[Any], dialect: str) -> Kind:
    if isinstance(column.type, LargeBinary):
        return "digest"
    if isinstance(column.type, Boolean):
        return "truth"
    if isinstance(column.type, Integer):
        return "decimal" if dialect == "sqlite" else "word"
    return "text"


def _may_be_null(column: ColumnElement[Any]) -> bool:
    """One that has no nulls and is null all the same, behind an outer join, lacks a value in its string: unclear."""
    return getattr(column, "nullable", True)


def _strung(column: ColumnElement[Any], kind: Kind, name: str, dialect: str) -> str:
    """SQL for the values of a column in one, null as what hardly any value is."""
    here = dialect == "sqlite"
    each = name
    if kind == "truth":
        # Nulls are told by their digit: what tells a truth is often worked out, and counting would work it out again.
        if here:
            return f"CAST(group_concat(COALESCE({each}, {_NO_TRUTH}), '') AS BLOB)"
        digit = f"CASE {each} WHEN TRUE THEN '1' WHEN FALSE THEN '0' ELSE '{_NO_TRUTH}' END"
        return f"textsend(string_agg({digit}, ''))"
    if _may_be_null(column):
        zeros = "zeroblob(32)" if here else "decode(repeat('00', 32), 'hex')"
        nothing = {"text": f"'{_NOTHING}'", "digest": zeros}.get(kind, str(_NO_NUMBER))
        each = f"COALESCE({each}, {nothing})"
    if here:
        # A comma is what it puts between where nothing else is asked for, and then it is a fifth faster.
        apart = {"digest": ", ''", "decimal": "", "text": f", '{_SEPARATOR}'"}[kind]
        return f"CAST(group_concat({each}{apart}) AS BLOB)"
    if kind == "text":
        return f"textsend(string_agg({each}, '{_SEPARATOR}'))"
    if kind == "word":
        each = f"int8send(CAST({each} AS BIGINT))"
    return f"string_agg({each}, ''::bytea)"


def _decimals(told: bytes, count: int, nulls: int) -> pa.Array:
    """Numbers between commas."""
    import numpy as np  # noqa: PLC0415

    width, rest = divmod(len(told) + 1, count)
    if rest or not 1 < width <= _DIGITS + 1:
        return _numbers(_parsed(told), count, nulls)
    digits = np.full(count * width, ord(_COMMA) - ord("0") & 0xFF, np.uint8)
    np.subtract(np.frombuffer(told, np.uint8), ord("0"), out=digits[:-1])
    table = digits.reshape(count, width)
    # As many commas as there should be, each in its place, and nothing else that is no digit.
    if np.count_nonzero(digits > 9) != count or np.any(table[:, -1] != digits[-1]):  # noqa: PLR2004
        return _numbers(_parsed(told), count, nulls)
    values = table[:, 0].astype(np.int64)
    for place in range(1, width - 1):
        values *= 10
        values += table[:, place]
    return _numbers(values, count, nulls)


def _parsed(told: bytes) -> np.ndarray[Any, np.dtype[np.int64]]:
    import numpy as np  # noqa: PLC0415

    try:
        return np.fromstring(told, np.int64, sep=_COMMA)
    except ValueError as error:
        raise _UnclearError from error


def _words(told: bytes, count: int, nulls: int) -> pa.Array:
    """Numbers of eight bytes."""
    import numpy as np  # noqa: PLC0415

    if len(told) != count * _WORD_BYTES:
        raise _UnclearError
    return _numbers(np.frombuffer(told, ">i8").astype(np.int64), count, nulls)


def _truths(told: bytes, count: int, _: int) -> pa.Array:
    """Truth values as digits."""
    import numpy as np  # noqa: PLC0415

    values = np.frombuffer(told, np.uint8).astype(np.int64) - ord("0")
    if len(values) != count or np.any((values < 0) | (values > _NO_TRUTH)):
        raise _UnclearError
    missing = values == _NO_TRUTH
    values[missing] = _NO_NUMBER
    return _numbers(values, count, int(np.count_nonzero(missing)))


def _numbers(values: np.ndarray[Any, np.dtype[np.int64]], count: int, nulls: int) -> pa.Array:
    import pyarrow as pa  # noqa: PLC0415

    if len(values) != count:
        raise _UnclearError
    present = _validity(values == _NO_NUMBER, nulls) if nulls else None
    return pa.Array.from_buffers(pa.int64(), count, [present, pa.py_buffer(values)])


def _texts(told: bytes, count: int, nulls: int) -> pa.Array:
    """The texts between separators, as Arrow's strings: one run of bytes, and where each begins."""
    import numpy as np  # noqa: PLC0415
    import pyarrow as pa  # noqa: PLC0415

    ends = np.flatnonzero(np.frombuffer(told, np.uint8) == ord(_SEPARATOR))
    if len(ends) != count - 1:
        raise _UnclearError
    starts = np.zeros(count + 1, np.int32)
    np.subtract(ends, np.arange(count - 1), out=starts[1:count], casting="unsafe")
    starts[count] = len(told) - (count - 1)
    data = told.translate(None, _SEPARATOR.encode())
    present = None
    if nulls:
        empty = starts[1:] - starts[:-1] == 1
        empty[empty] = np.frombuffer(data, np.uint8)[starts[:-1][empty]] == ord(_NOTHING)
        present = _validity(empty, nulls)
    buffers = [present, pa.py_buffer(starts), pa.py_buffer(data)]
    return pa.Array.from_buffers(pa.string(), count, buffers)


def _digests(told: bytes, count: int, nulls: int) -> pa.Array:
    import numpy as np  # noqa: PLC0415
    import pyarrow as pa  # noqa: PLC0415

    if len(told) != count * DIGEST_BYTES:
        raise _UnclearError
    present = None
    if nulls:
        words = np.frombuffer(told, np.uint64).reshape(count, -1)
        present = _validity(~np.any(words != 0, axis=1), nulls)
    return pa.Array.from_buffers(pa.binary(DIGEST_BYTES), count, [present, pa.py_buffer(told)])


_CUT = {"decimal": _decimals, "word": _words, "truth": _truths, "text": _texts, "digest": _digests}


def _validity(empty: np.ndarray[Any, Any], nulls: int) -> pa.Buffer:
    """Arrow's bitmap of the values that are there; those that look as if they were not must be as many as the nulls."""
    import numpy as np  # noqa: PLC0415
    import pyarrow as pa  # noqa: PLC0415

    if int(np.count_nonzero(empty)) != nulls:
        raise _UnclearError
    return pa.py_buffer(np.packbits(~empty, bitorder="little"))


def _nothing(kind: Kind, count: int) -> pa.Array:
    """So many nulls, also none."""
    import pyarrow as pa  # noqa: PLC0415

    # Not pyarrow.array: that looks for pandas, whose import takes longer than most audits.
    return pa.nulls(count, _arrow(kind))


def _plain(kind: Kind, values: Sequence[Any]) -> pa.Array:
    import pyarrow as pa  # noqa: PLC0415

    if kind == "digest":
        found = [None if one is None else bytes(one) for one in values]
        whole = all(one is None or len(one) == DIGEST_BYTES for one in found)
        return pa.array(found, pa.binary(DIGEST_BYTES if whole else -1))
    made = str if kind == "text" else int
    return pa.array([None if one is None else made(one) for one in values], _arrow(kind))


def _arrow(kind: Kind) -> pa.DataType:
    import pyarrow as pa  # noqa: PLC0415

    if kind == "digest":
        return pa.binary(DIGEST_BYTES)
    return pa.string() if kind == "text" else pa.int64()


@event.listens_for(Engine, "before_cursor_execute")
def _ask_for_bytes(
    connection: Connection,
    cursor: Any,  # noqa: ANN401 - the driver's
    _statement: str,
    _parameters: Any,  # noqa: ANN401 - the driver's
    context: Any,  # noqa: ANN401 - the driver's
    _many: bool,  # noqa: FBT001 - the event's signature
) -> None:
    if (
        context is not None
        and context.execution_options.get(_BINARY)
        and connection.dialect.name == "postgresql"
    ):
        from psycopg.pq import Format  # noqa: PLC0415

        cursor.format = Format.BINARY

"""Reading whole columns: a select's rows by the hundred thousand, without a Python object for each value.

The database itself strings the values of a column together (``group_concat``, ``string_agg``), so that what comes is
one row of long byte strings, which NumPy cuts at their separators. Numbers come as decimals, texts as UTF-8, and
binary columns are digests of 32 bytes. Where the values of a piece cannot be told apart in that form (a text contains
the separator, a digest is not of its length), that piece is read again row by row, so that what is read is the same.

While the database is at it, other threads run: neither driver holds the interpreter's lock then.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Literal

from sqlalchemy import (
    ColumnElement,
    Connection,
    CursorResult,
    Engine,
    Integer,
    LargeBinary,
    Select,
    String,
    cast,
    event,
    func,
    literal,
    literal_column,
    null,
    select,
)

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

Kind = Literal["number", "text", "digest"]
DIGEST_BYTES = 32
LEAVES = 1 << 18
"""Leaves of the log whose rows are read at once: so much memory a piece may take."""
_FIRST, _END = "/*first*/0", "/*end*/0"
"""Where the range of leaves stands in a compiled select."""
_BINARY = "govledger_binary"
"""Execution option: PostgreSQL sends bytes as they are, not as hexadecimal digits."""
_COMMA, _SEPARATOR, _NOTHING = ",", "\x1f", "\x02"
_SCANNED = re.compile(r"\w+\.leaf_(?:from|until) (?=<|>=|IS NULL)")
_RANGED = re.compile(r"\w+\.leaf_until (?=<|>=|IS NULL)")
"""What holds at a size is all but always nearly every row, which SQLite finds faster in the order in which rows lie
than through an index. A plus before the column keeps it from the index, and changes nothing else."""


class _UnclearError(Exception):
    """Values that cannot be told apart."""


def read_columns(
    connection: Connection, asked: Select[Any], *, size: int | None = None, at_once: int = LEAVES
) -> Iterator[pa.Table]:
    """The rows of ``asked``, as Arrow tables of no order; of none there is one table without rows.

    With ``size`` the select has a column ``leaf``, below it, by which it is cut into pieces of ``at_once`` leaves; else
    it comes in one piece. Columns are numbers, texts, or digests of 32 bytes, each of which may be null; numbers are
    given as strings of decimals, see :func:`numbers`.
    """
    lowest, highest = 0, 0
    if size is not None and size > at_once:
        shown = asked.subquery().c["leaf"]
        found = connection.execute(select(func.min(shown), func.max(shown))).one()
        lowest, highest = (0, 0) if found[0] is None else (found[0], found[1])
    if highest - lowest < at_once:
        yield _Question(connection, asked, _SCANNED).rows()
        return
    leaf = asked.selected_columns["leaf"]
    some = asked.where(leaf >= literal_column(_FIRST), leaf < literal_column(_END))
    question = _Question(connection, some, _RANGED)
    for first in range(lowest, highest + 1, at_once):
        yield question.rows(first, first + at_once)


def numbers(asked: Select[Any]) -> frozenset[str]:
    """The columns of a select that are numbers."""
    return frozenset(str(one.key) for one in asked.selected_columns if _kind(one) == "number")


class _Question:
    """A select in the database's words, asked for one range of leaves after the other."""

    def __init__(
        self, connection: Connection, asked: Select[Any], scanned: re.Pattern[str]
    ) -> None:
        self._connection = connection
        self._columns = [(str(column.key), _kind(column)) for column in asked.selected_columns]
        self._packed = self._compiled(_packed(connection, asked), scanned)
        self._asked_for, self._scanned = asked, scanned

    def rows(self, first: int = 0, end: int = 0) -> pa.Table:
        """Those of the leaves from ``first`` to before ``end``, where the select names them."""
        import pyarrow as pa  # noqa: PLC0415 - heavy, and few commands need it

        found = self._asked(self._packed, first, end).one()
        count, told, present = found[0], found[1::2], found[2::2]
        try:
            arrays = [
                _array(kind, told[at], count, 0 if present[at] is None else count - present[at])
                for at, (_, kind) in enumerate(self._columns)
            ]
        except _UnclearError:
            plain = self._compiled(self._asked_for, self._scanned)
            rows = self._asked(plain, first, end).all()
            arrays = [
                _plain(kind, [row[at] for row in rows])
                for at, (_, kind) in enumerate(self._columns)
            ]
        return pa.Table.from_arrays(arrays, names=[name for name, _ in self._columns])

    def _asked(self, told: str, first: int, end: int) -> CursorResult[Any]:
        ranged = told.replace(_FIRST, str(first)).replace(_END, str(end))
        return self._connection.exec_driver_sql(ranged, execution_options={_BINARY: True})

    def _compiled(self, asked: Select[Any], scanned: re.Pattern[str]) -> str:
        dialect = self._connection.dialect
        told = str(asked.compile(dialect=dialect, compile_kwargs={"literal_binds": True}))
        return scanned.sub(r"+\g<0>", told) if dialect.name == "sqlite" else told


def _array(kind: Kind, told: bytes | None, count: int, nulls: int) -> pa.Array:
    if count == 0:
        return _none(kind)
    if told is None:
        raise _UnclearError
    if kind == "number":
        return _texts(told, count, _COMMA, None)
    if kind == "digest":
        return _digests(told, count, nulls)
    return _texts(told, count, _SEPARATOR, nulls)


def _kind(column: ColumnElement[Any]) -> Kind:
    if isinstance(column.type, LargeBinary):
        return "digest"
    return "number" if isinstance(column.type, Integer) else "text"


def _packed(connection: Connection, asked: Select[Any]) -> Select[Any]:
    """One row: how many rows there are, and for each column its values in one, and how many are not null."""
    strung = _strung_here if connection.dialect.name == "sqlite" else _strung_there
    rows = asked.subquery("asked")
    shown: list[ColumnElement[Any]] = [literal_column("COUNT(*)")]
    for column in rows.c:
        kind, empty = _kind(column), getattr(column, "nullable", True)
        # Of a number nothing looks like null but null. A column that has none and is null all the same, behind an
        # outer join, lacks a value in its string, which is then unclear.
        counted = empty and kind != "number"
        shown += [strung(column, kind, empty), func.count(column) if counted else null()]
    return select(*shown).select_from(rows)


def _strung_here(column: ColumnElement[Any], kind: Kind, empty: bool) -> ColumnElement[Any]:  # noqa: FBT001 - of the column
    separator = {"digest": "", "number": _COMMA, "text": _SEPARATOR}[kind]
    nothing: ColumnElement[Any] = literal(_NOTHING)
    if kind != "text":
        nothing = literal_column("''" if kind == "number" else f"zeroblob({DIGEST_BYTES})")
    each = func.coalesce(column, nothing) if empty else column
    return cast(func.group_concat(each, separator), LargeBinary)


def _strung_there(column: ColumnElement[Any], kind: Kind, empty: bool) -> ColumnElement[Any]:  # noqa: FBT001 - of the column
    if kind == "digest":
        nothing: ColumnElement[Any] = literal_column(f"decode(repeat('00', {DIGEST_BYTES}), 'hex')")
        each = func.coalesce(column, nothing) if empty else column
        return func.string_agg(each, literal_column("''::bytea"))
    number = kind == "number"
    text: ColumnElement[Any] = cast(column, String) if number else column
    nothing = literal_column("''") if number else literal(_NOTHING)
    each = func.coalesce(text, nothing) if empty else text
    return func.convert_to(func.string_agg(each, _COMMA if number else _SEPARATOR), "UTF8")


def _texts(told: bytes, count: int, separator: str, nulls: int | None) -> pa.Array:
    """The texts between separators, as Arrow's strings: one run of bytes, and where each begins.

    Where the number of nulls is not given, they are the empty ones.
    """
    import numpy as np  # noqa: PLC0415
    import pyarrow as pa  # noqa: PLC0415

    raw = np.frombuffer(told, np.uint8)
    parting = raw == ord(separator)
    ends = np.flatnonzero(parting)
    if len(ends) != count - 1:
        raise _UnclearError
    starts = np.zeros(count + 1, np.int32)
    starts[1:count] = ends - np.arange(count - 1)
    starts[count] = len(raw) - (count - 1)
    data = raw[~parting]
    present = None
    if nulls is None:
        empty = starts[1:] == starts[:-1]
        present = _validity(empty) if empty.any() else None
    elif nulls:
        empty = starts[1:] - starts[:-1] == 1
        empty[empty] = data[starts[:-1][empty]] == ord(_NOTHING)
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


def _validity(empty: np.ndarray[Any, Any], nulls: int | None = None) -> pa.Buffer:
    """Arrow's bitmap of the values that are there; those that look as if they were not must be as many as the nulls."""
    import numpy as np  # noqa: PLC0415
    import pyarrow as pa  # noqa: PLC0415

    if nulls is not None and int(np.count_nonzero(empty)) != nulls:
        raise _UnclearError
    return pa.py_buffer(np.packbits(~empty, bitorder="little"))


def _none(kind: Kind) -> pa.Array:
    import pyarrow as pa  # noqa: PLC0415

    # Not pyarrow.array: that looks for pandas, whose import takes longer than most audits.
    if kind == "digest":
        return pa.Array.from_buffers(pa.binary(DIGEST_BYTES), 0, [None, pa.py_buffer(b"")])
    begins = pa.py_buffer(bytes(4))
    return pa.Array.from_buffers(pa.string(), 0, [None, begins, pa.py_buffer(b"")])


def _plain(kind: Kind, values: Sequence[Any]) -> pa.Array:
    import pyarrow as pa  # noqa: PLC0415

    if kind == "digest":
        return pa.array([None if one is None else bytes(one) for one in values], pa.binary())
    return pa.array([None if one is None else str(one) for one in values], pa.string())


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

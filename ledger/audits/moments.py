"""Moments as days (时刻折算为日期): what was recorded at a block's time was recorded on a day in China.

An audit knows days only. So every column of an input whose name ends in ``_at``, in Unix seconds, becomes one that ends
in ``_on`` when it is taken over: YYYYMMDD, and null where the calendar does not reach. A column at a time that is a
look-up in an array; a join for each of them, in every question, takes longer than all that the questions ask.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from ledger.audits.periods import CalendarRow

if TYPE_CHECKING:
    import pyarrow as pa

_MOMENT, _DAY = "_at", "_on"
_CHINA = 8 * 3_600
_SECONDS = 86_400


class Days:
    """The days of an audit's calendar, which has every one from its first to its last."""

    def __init__(self, calendar: Sequence[CalendarRow]) -> None:
        import numpy as np  # noqa: PLC0415 - heavy, and few commands need it

        self._first = calendar[0].epoch if calendar else 0
        self._days = np.array([row.day for row in calendar] or [0], np.int32)
        self._count = len(calendar)

    def of(self, pieces: Iterator[pa.Table]) -> Iterator[pa.Table]:
        """The pieces with days for moments."""
        for piece in pieces:
            shown = piece
            for at, name in enumerate(piece.column_names):
                if name.endswith(_MOMENT):
                    day = name.removesuffix(_MOMENT) + _DAY
                    shown = shown.set_column(at, day, self._column(piece.column(at)))
            yield shown

    def _column(self, moments: pa.ChunkedArray) -> pa.Array:
        import numpy as np  # noqa: PLC0415
        import pyarrow as pa  # noqa: PLC0415

        if not len(moments):
            return pa.nulls(0, pa.int32())
        (chunk,) = moments.chunks
        seconds = np.frombuffer(chunk.buffers()[1], np.int64, len(chunk))
        at = (seconds + _CHINA) // _SECONDS - self._first
        known = (at >= 0) & (at < self._count)
        if chunk.null_count:
            bits = np.frombuffer(chunk.buffers()[0], np.uint8)
            known &= np.unpackbits(bits, count=len(chunk), bitorder="little").astype(bool)
        days = self._days[np.where(known, at, 0)]
        missing = None if known.all() else pa.py_buffer(np.packbits(known, bitorder="little"))
        return pa.Array.from_buffers(pa.int32(), len(chunk), [missing, pa.py_buffer(days)])

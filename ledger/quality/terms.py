"""What a run is told beside rules and data (评估条件), and what it counts."""

from __future__ import annotations

from datetime import date
from typing import NamedTuple

from ledger.codes import UpdateCycle

CYCLE_DAYS: dict[UpdateCycle, int] = {
    UpdateCycle.REALTIME: 1,
    UpdateCycle.DAILY: 1,
    UpdateCycle.WEEKLY: 7,
    UpdateCycle.MONTHLY: 31,
    UpdateCycle.QUARTERLY: 92,
    UpdateCycle.HALF_YEARLY: 184,
    UpdateCycle.YEARLY: 366,
}
"""更新周期 in days: the longest that the calendar makes of it."""


class Terms(NamedTuple):
    """What a run is told beside rules and data. ``day`` is the day of assessment: nothing reads a clock."""

    day: date
    period: tuple[date, date] | None = None
    cycle: UpdateCycle | None = None


class Counts(NamedTuple):
    """B and the failing among them."""

    evaluated: int
    failing: int

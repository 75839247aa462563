"""The demo's calendar (示例日历): its acts are dated in 2026, whenever it is played."""

from __future__ import annotations

import time as machine
from datetime import date, datetime, time, timedelta, timezone

BEIJING = timezone(timedelta(hours=8))
MORNING = time(10)


class Calendar:
    """A clock that stands at ten in the morning of a day, and is set to later days."""

    def __init__(self, first: date) -> None:
        self.day = first
        self._left = False

    def leave(self) -> None:
        """From now on tell this machine's time: the story is over."""
        self._left = True

    def turn(self, day: date) -> None:
        """Go on to a later day; raises :class:`ValueError` for an earlier one."""
        if day < self.day:
            raise ValueError(f"{day} lies before {self.day}")
        self.day = day

    def __call__(self) -> float:
        """Unix seconds."""
        if self._left:
            return machine.time()
        return datetime.combine(self.day, MORNING, BEIJING).timestamp()

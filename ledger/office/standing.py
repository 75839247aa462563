"""Standing duty (值守): round after round, until told to stop or until another process leads."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from ledger.store.leading import LostLeadError

if TYPE_CHECKING:
    from ledger.office.office import Office

STANDBY_SECONDS = 0.5
"""Between two looks of a server that waits to take over."""
AFTER_TROUBLE_SECONDS = 2.0
SHORTEST_PAUSE = 0.01
"""Between two rounds of duty where nothing could be done; it grows while nothing happens."""
TROUBLES = 3
"""Rounds that failed one after the other, after which a leader makes room for others."""


class Watch:
    """The duty of one server, for as long as it runs; a server that may not lead stands by.

    ``on_error`` hears of every round that failed, and the work goes on after a pause; ``on_success`` is called after
    every round that went well. ``pause`` is the longest rest, in seconds, while there is nothing to do.
    """

    def __init__(
        self,
        office: Office,
        stop: threading.Event,
        on_error: Callable[[Exception], None],
        on_success: Callable[[], None],
        pause: float,
    ) -> None:
        self._office = office
        self._stop = stop
        self._tell = on_error
        self._went_well = on_success
        self._pause = pause
        self._looked_at_journal = 0.0

    def stand(self) -> None:
        """Be on duty, or wait to take over, until told to stop."""
        while not self._stop.is_set():
            rest = STANDBY_SECONDS
            try:
                with self._office.duty() as on_duty:
                    if on_duty:
                        rest = self._lead()
                    else:
                        self._anchor_now_and_then()
                self._went_well()  # whoever waits to take over has nothing to complain of
            except Exception as error:  # noqa: BLE001 - told, and tried again
                self._tell(error)
                rest = AFTER_TROUBLE_SECONDS
            self._stop.wait(rest)

    def _lead(self) -> float:
        """Round after round until told to stop, or until another leads; returns the seconds to wait then.

        A leader whose own node fails again and again makes room for one that may have another.
        """
        office, troubles, wait = self._office, 0, SHORTEST_PAUSE
        while not self._stop.is_set() and office.rota.sends():
            try:
                busy = office.work()
                self._anchor_now_and_then()
                self._went_well()
                troubles = 0
            except LostLeadError:
                return STANDBY_SECONDS
            except Exception as error:  # noqa: BLE001 - told, and tried again
                self._tell(error)
                troubles += 1
                if office.rota.is_shared and troubles == TROUBLES:
                    return AFTER_TROUBLE_SECONDS
                self._stop.wait(AFTER_TROUBLE_SECONDS)
                continue
            if busy:
                wait = SHORTEST_PAUSE  # what came in meanwhile makes up the next batch
            elif office.woken.wait(wait):
                office.woken.clear()
                wait = SHORTEST_PAUSE
            else:
                wait = min(wait * 1.5, self._pause)
        return STANDBY_SECONDS

    def _anchor_now_and_then(self) -> None:
        """Anchor this server's own journal where it is due, on duty or not; looks once a second."""
        now = time.monotonic()
        if self._office.settings.journal_key and now - self._looked_at_journal >= 1.0:
            self._looked_at_journal = now
            self._office.anchor_journal()

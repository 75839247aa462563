"""The server on duty: one thread that sends what waits, follows the log and confirms what was verified."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

log = logging.getLogger("govledger.duty")

_JOIN_SECONDS = 20.0

Stand = Callable[[threading.Event, Callable[[Exception], None], Callable[[], None]], None]
"""Works until the event is set, telling each failure and each success (``Office.stand_duty``)."""


class Duty:
    """The thread, and whether its work goes well."""

    def __init__(
        self, stand: Stand, failed: Callable[[], None], name: str = "govledger-duty"
    ) -> None:
        self._name = name
        self._stand = stand
        self._failed = failed
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._failure: str | None = None

    @property
    def error(self) -> str | None:
        """What failed in the last round, None where nothing did; a thread that ended says so."""
        if self._thread is not None and not self._thread.is_alive() and not self._stop.is_set():
            return "the duty thread has ended; restart the server"
        return self._failure

    @property
    def running(self) -> bool:
        return self._thread is not None and self._thread.is_alive() and self.error is None

    def start(self) -> None:
        self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
        self._thread.start()

    def end(self) -> None:
        """Ask the thread to stop and wait for it."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(_JOIN_SECONDS)
            if self._thread.is_alive():
                log.warning("the duty thread did not end within %s s", _JOIN_SECONDS)

    def _run(self) -> None:
        self._stand(self._stop, self._tell, self._went_well)

    def _tell(self, error: Exception) -> None:
        said = f"{type(error).__name__}: {error}"
        if self._failure != said:
            log.warning("the background work failed and is tried again: %s", said)
        self._failure = said
        self._failed()

    def _went_well(self) -> None:
        if self._failure is not None:
            log.warning("the background work goes well again")
        self._failure = None

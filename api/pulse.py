"""A pulse (心跳): whoever waits for a receipt looks again when the duty of this process got something done."""

from __future__ import annotations

import asyncio
import contextlib


class Pulse:
    """Told by any thread, waited for in the event loop of one server."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._waiting: set[asyncio.Future[None]] = set()

    def beat(self) -> None:
        """Wake everybody who waits."""
        loop = self._loop
        if loop is not None and self._waiting:
            with contextlib.suppress(RuntimeError):  # the server has just ended
                loop.call_soon_threadsafe(self._wake)

    async def wait(self, seconds: float) -> None:
        """Until the next beat, at most ``seconds``."""
        self._loop = asyncio.get_running_loop()
        beat: asyncio.Future[None] = self._loop.create_future()
        self._waiting.add(beat)
        try:
            await asyncio.wait_for(beat, seconds)
        except TimeoutError:
            return
        finally:
            self._waiting.discard(beat)

    def _wake(self) -> None:
        for one in self._waiting:
            if not one.done():
                one.set_result(None)

"""Python's search for circles of objects, done less often while rows are made by the hundred thousand.

Hardly anything that statements are made into refers in circles, so nearly all of it is freed without that search, which
yet looks at everything there is again and again: a quarter of the time of a rebuild.
"""

from __future__ import annotations

import contextlib
import gc
import threading
from collections.abc import Iterator

SELDOM = 100_000
"""Objects made, and not freed, before circles are looked for."""
_LOCK = threading.Lock()
_before: list[tuple[int, int, int]] = []
"""The thresholds to go back to, one for each who asked for others."""


@contextlib.contextmanager
def collecting_seldom() -> Iterator[None]:
    """Look for circles seldom, until the last thread that asked for it is done."""
    with _LOCK:
        _before.append(_before[0] if _before else gc.get_threshold())
        gc.set_threshold(SELDOM, *_before[0][1:])
    try:
        yield
    finally:
        with _LOCK:
            before = _before.pop()
            if not _before:
                gc.set_threshold(*before)

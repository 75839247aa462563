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
_before: list[tuple[tuple[int, int, int], bool]] = []
"""What to go back to, once for each who asked: the thresholds, and whether nothing had been left out of the search."""


@contextlib.contextmanager
def collecting_seldom() -> Iterator[None]:
    """Look for circles seldom, and not among what is there already, until the last thread that asked for it is done."""
    with _LOCK:
        _before.append(_before[0] if _before else (gc.get_threshold(), gc.get_freeze_count() == 0))
        if len(_before) == 1:
            gc.freeze()
            gc.set_threshold(SELDOM, *_before[0][0][1:])
    try:
        yield
    finally:
        with _LOCK:
            thresholds, thaw = _before.pop()
            if not _before:
                gc.set_threshold(*thresholds)
                if thaw:
                    gc.unfreeze()

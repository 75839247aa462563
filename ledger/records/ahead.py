"""Work that runs ahead of whoever needs it, in threads and in order."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
Made = TypeVar("Made")

_END = object()


def drawn_ahead(items: Iterator[Item], depth: int) -> Iterator[Item]:
    """The same items, the next ``depth`` of them drawn in a thread of their own meanwhile.

    For sources that compute outside Python's lock. What drawing raises is raised here; the iterator is
    drawn from by that one thread only.
    """
    with ThreadPoolExecutor(1, "drawn-ahead") as thread:
        waiting: deque[Future[object]] = deque()
        for _ in range(depth):
            waiting.append(thread.submit(next, items, _END))
        try:
            while (found := waiting.popleft().result()) is not _END:
                waiting.append(thread.submit(next, items, _END))
                yield found  # type: ignore[misc]
        finally:
            for future in waiting:
                future.cancel()


def made_ahead(
    make: Callable[[Item], Made], items: Iterable[Item], *, workers: int
) -> Iterator[Made]:
    """``make`` of every item, in order, by ``workers`` threads that are at most twice as many ahead."""
    with ThreadPoolExecutor(workers, "made-ahead") as pool:
        waiting: deque[Future[Made]] = deque()
        try:
            for item in items:
                waiting.append(pool.submit(make, item))
                if len(waiting) > 2 * workers:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()

"""A second process that is none: what is asked goes the same way, but for the pipe. Starting one takes a second."""

from __future__ import annotations

import pickle
from concurrent.futures import Future
from typing import Any

import msgspec
import pytest

from ledger.mirror import examining, second_process
from ledger.mirror.second_process import LostError, SecondProcess, Task


def in_this_process(monkeypatch: pytest.MonkeyPatch, lost_after: int | None = None) -> list[object]:
    """Any work is long enough and has a second process, which is lost after so many questions; the questions."""
    asked: list[object] = []

    class Here(SecondProcess):
        def __init__(self, task: Task) -> None:
            self.task = pickle.loads(pickle.dumps(task))  # noqa: S301 - our own

        def ask(self, message: Any) -> Future[Any]:
            asked.append(message)
            future: Future[Any] = Future()
            if lost_after is not None and len(asked) > lost_after:
                future.set_exception(LostError("it is gone"))
                return future
            answer = self.task(msgspec.msgpack.decode(msgspec.msgpack.encode(message)))
            future.set_result(msgspec.msgpack.decode(msgspec.msgpack.encode(answer)))
            return future

        def close(self) -> None:
            """Nothing was started."""

    monkeypatch.setattr(second_process, "LONG", 1)
    monkeypatch.setattr(second_process, "cores", lambda: 2)
    monkeypatch.setattr(second_process, "SecondProcess", Here)
    monkeypatch.setattr(examining, "BEHIND", 1_000)
    return asked

"""What takes long to build, built once for all workers that run tests at the same time."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest


def built_once(factory: pytest.TempPathFactory, name: str, build: Callable[[Path], object]) -> Path:
    """This worker's own copy of what ``build`` made at a path, and beside it; the first worker builds, others wait.

    A build that failed is done again by the next who asks. Without workers nothing is copied.
    """
    own = factory.mktemp(name)
    if "PYTEST_XDIST_WORKER" not in os.environ:
        build(own / name)
        return own / name
    shared = factory.getbasetemp().parent / f"shared-{name}"
    shared.mkdir(exist_ok=True)
    with (shared / "building").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        whole, done = shared / "whole", shared / "done"
        if not done.exists():
            shutil.rmtree(whole, ignore_errors=True)
            whole.mkdir()
            build(whole / name)
            done.touch()
    shutil.copytree(whole, own, dirs_exist_ok=True)
    return own / name

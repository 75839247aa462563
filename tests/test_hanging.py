"""A test that hangs ends as a failure that has its name, whatever it hangs in."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
DEAF = """
import signal
import threading


def test_that_hears_no_signal():
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGALRM})
    threading.Event().wait(60)


def test_after_it():
    pass
"""


def test_a_test_that_takes_no_signal_is_ended_and_named(tmp_path: Path) -> None:
    place = tmp_path / "test_deaf.py"
    place.write_text(DEAF, "utf-8")
    options = ["-c", ROOT / "pyproject.toml", "--rootdir", tmp_path, "-p", "no:cacheprovider"]
    soon = ["-o", "timeout=1", "-o", "faulthandler_timeout=2"]
    known = {name: text for name, text in os.environ.items() if not name.startswith("PYTEST_")}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-n", "1", *options, *soon, place],
        env=known,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1, done
    assert "FAILED test_deaf.py::test_that_hears_no_signal" in done.stdout
    assert "1 failed, 1 passed" in done.stdout
    assert "in test_that_hears_no_signal" in done.stdout + done.stderr

"""Somebody at a terminal: commands typed in this process (fast), or in one of their own.

A :class:`Person` has a data directory and an environment, and nothing else. ``run`` types a command
into ``ledger.cli`` within this process; ``spawn`` and ``running`` start a process, for what only a
process shows: being killed, a full disk, a server.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest import mock

import yaml

from ledger.chain.keystore import DEMO_WORK_FACTOR
from ledger.cli import app as command_tree
from ledger.cli import output, session
from ledger.office import Office

ROOT = Path(__file__).resolve().parents[1]
TIMEOUT = 240
WORK: dict[str, Any] = Office.__init__.__kwdefaults__
PASSPHRASE = "correct horse"


@dataclass(frozen=True)
class Ran:
    """What a command said, and how it ended."""

    words: tuple[str, ...]
    code: int
    out: str
    err: str

    def json(self) -> Any:
        """The one JSON document on standard output."""
        return json.loads(self.out)

    def __str__(self) -> str:
        return f"{' '.join(self.words)}\nexit {self.code}\n{self.out}\n{self.err}"


@dataclass
class Person:
    """Somebody with a data directory and nothing else in the environment."""

    data_dir: Path
    passphrase: str | None = PASSPHRASE
    language: str = "en"
    columns: int = 200
    more: dict[str, str] = field(default_factory=dict)

    @property
    def environment(self) -> dict[str, str]:
        known = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(ROOT),
            "HOME": str(self.data_dir.parent),
            "GOVLEDGER_PASSPHRASE": self.passphrase,
            "GOVLEDGER_LANGUAGE": self.language,
            "COLUMNS": str(self.columns),
        }
        return {name: value for name, value in known.items() if value is not None} | self.more

    @property
    def place(self) -> Path:
        """The working directory."""
        return self.data_dir.parent

    def words(self, *words: object) -> list[str]:
        return ["-C", str(self.data_dir), *map(str, words)]

    def run(self, *words: object, expect: int | None = 0, typed: str = "") -> Ran:
        """Type a command; fails where it ends with another code than ``expect`` (None: any)."""
        ran = _typed(self.words(*words), self.environment, self.place, typed)
        assert expect is None or ran.code == expect, str(ran)
        return ran

    def spawn(self, *words: object, expect: int | None = 0, prefix: tuple[str, ...] = ()) -> Ran:
        """The same in a process of its own; ``prefix`` stands before it, e.g. ``prlimit``."""
        done = subprocess.run(
            [*prefix, *self.command(*words)],
            env=self.environment,
            cwd=self.place,
            capture_output=True,
            text=True,
            timeout=TIMEOUT,
            stdin=subprocess.DEVNULL,
            check=False,
        )
        ran = Ran(tuple(map(str, words)), done.returncode, done.stdout, done.stderr)
        assert expect is None or ran.code == expect, str(ran)
        assert "Traceback" not in ran.err, ran.err
        return ran

    def command(self, *words: object) -> list[str]:
        """The command line of a process of its own."""
        return [sys.executable, "-m", "ledger.cli", *self.words(*words)]

    @contextmanager
    def started(self, *words: object) -> Iterator[Process]:
        """A process while the block runs; one that still lives at the end is killed."""
        said = self.place / f"said-{uuid.uuid4().hex[:8]}.txt"
        with said.open("wb") as output_file:
            process = subprocess.Popen(
                self.command(*words),
                env={**self.environment, "PYTHONUNBUFFERED": "1"},
                cwd=self.place,
                stdout=output_file,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
            )
        try:
            yield Process(process, said)
        finally:
            process.kill()
            process.wait(timeout=30)

    @contextmanager
    def running(self, *words: object) -> Iterator[str]:
        """A server command while the block runs; yields the address it printed."""
        with self.started(*words) as process:
            yield process.address()
            assert process.end(signal.SIGTERM) == 0, process.said.read_text("utf-8")

    def write(self, name: str, value: object) -> Path:
        """A YAML file in the working directory."""
        file = self.place / name
        file.write_text(yaml.safe_dump(value, allow_unicode=True, sort_keys=False), "utf-8")
        return file

    def copy(self, place: Path) -> Person:
        """The same person with a copy of the data directory, free to change it."""
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copytree(self.data_dir, place)
        return Person(place, self.passphrase, self.language, self.columns, dict(self.more))


@dataclass(frozen=True)
class Process:
    """A command that runs in a process of its own, and the file with what it says."""

    process: subprocess.Popen[bytes]
    said: Path

    def address(self) -> str:
        """The first loopback address that it prints; fails where it ends before."""
        ends = time.monotonic() + TIMEOUT
        while time.monotonic() < ends:
            over = self.process.poll() is not None
            said = self.said.read_text("utf-8")
            found = re.search(r"(http://127\.0\.0\.1:\d+)\s", said)
            if found is not None:
                return found.group(1)
            assert not over, f"the server ended early: {said}"
            time.sleep(0.02)
        raise AssertionError(f"no address after {TIMEOUT} s: {said}")

    def end(self, how: signal.Signals) -> int:
        """Send a signal and wait; the exit code."""
        self.process.send_signal(how)
        return self.process.wait(timeout=60)


def _typed(words: list[str], environment: Mapping[str, str], place: Path, typed: str) -> Ran:
    """Run ``ledger.cli`` here, as a process with this environment would."""
    out, err = io.StringIO(), io.StringIO()
    place.mkdir(parents=True, exist_ok=True)
    columns = int(environment.get("COLUMNS", "200"))
    with (
        mock.patch.dict(os.environ, environment, clear=True),
        mock.patch.object(sys, "argv", ["govledger", *words]),
        mock.patch.object(sys, "stdin", io.StringIO(typed)),
        # keys made by tests guard nothing: no second of scrypt for each
        mock.patch.dict(WORK, work_factor=DEMO_WORK_FACTOR),
        mock.patch.object(session, "_flags", {}),
        mock.patch.object(output.out, "_width", columns),
        mock.patch.object(output.err, "_width", columns),
        contextlib.chdir(place),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        try:
            command_tree.main()
            code = 0
        except SystemExit as end:
            code = int(end.code or 0)
    return Ran(tuple(words[2:]), code, out.getvalue(), err.getvalue())

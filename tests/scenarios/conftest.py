"""The command line as a person uses it, and the synthetic district, built once."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
TIMEOUT = 240


@dataclass(frozen=True)
class Ran:
    """What a command said, and how it ended."""

    code: int
    out: str
    err: str

    def json(self) -> Any:
        return json.loads(self.out)


class Person:
    """Somebody at a terminal, with a data directory and nothing else in the environment."""

    def __init__(self, data_dir: Path, passphrase: str = "correct horse", language: str = "en") -> None:
        self.data_dir = data_dir
        self.environment = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(ROOT),
            "HOME": str(data_dir.parent),
            "GOVLEDGER_PASSPHRASE": passphrase,
            "GOVLEDGER_LANGUAGE": language,
            "COLUMNS": "200",
        }

    def command(self, *words: object) -> list[str]:
        return [sys.executable, "-m", "ledger.cli", "-C", str(self.data_dir), *map(str, words)]

    def run(self, *words: object, expect: int | None = 0) -> Ran:
        """Type a command; the test fails where it ends with another code than ``expect``."""
        done = subprocess.run(
            self.command(*words),
            env=self.environment,
            cwd=self.data_dir.parent,
            capture_output=True,
            text=True,
            timeout=TIMEOUT,
            stdin=subprocess.DEVNULL,
            check=False,
        )
        ran = Ran(done.returncode, done.stdout, done.stderr)
        assert expect is None or ran.code == expect, f"{words}: {ran}"
        assert "Traceback" not in ran.err, ran.err
        return ran

    @contextmanager
    def running(self, *words: object, ready: str = r"(http://127\.0\.0\.1:\d+)") -> Iterator[str]:
        """A server command while the block runs; yields the address it printed."""
        process = subprocess.Popen(
            self.command(*words),
            env={**self.environment, "PYTHONUNBUFFERED": "1"},
            cwd=self.data_dir.parent,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        try:
            said = ""
            while (found := re.search(ready, said)) is None:
                line = process.stdout.readline()
                assert line, f"{words} ended early: {said}"
                said += line
            yield found.group(1)
        finally:
            process.terminate()
            process.communicate(timeout=30)


@pytest.fixture(scope="session")
def built_district(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo's directory, built by the command itself; treat it as read-only."""
    place = tmp_path_factory.mktemp("district") / "demo-data"
    person = Person(place, passphrase="")
    del person.environment["GOVLEDGER_PASSPHRASE"]
    ran = person.run("demo", "--no-serve", "--dir", place)
    (place / "tour.txt").write_text(ran.out, "utf-8")
    return place


@pytest.fixture
def district(built_district: Path, tmp_path: Path) -> Person:
    """A person in a copy of the district, free to change it."""
    place = tmp_path / "district"
    shutil.copytree(built_district, place)
    return Person(place, passphrase="synthetic-district")


@pytest.fixture
def newcomer(tmp_path: Path) -> Person:
    """A person with an empty directory."""
    return Person(tmp_path / "ledger")

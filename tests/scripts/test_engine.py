"""Building the consortium's engine: once, within a time, and told why where it cannot be."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from scripts.engine.build import EngineUnavailable, awaited_engine, built_engine, cached_engine
from scripts.engine.network import Network, NetworkError

ROOT = Path(__file__).resolve().parents[2]
UNAVAILABLE = 3
COMPILES = 'touch {begun}; {act}; while [ "$1" != -o ]; do shift; done; echo made > "$2"'
"""A compiler: says that it began, does something, and writes where ``-o`` says."""


@pytest.fixture(autouse=True)
def tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No engine in the cache, and no tools but those of the test and the system's plain ones."""
    place = tmp_path / "tools"
    place.mkdir()
    for name in ("nice", "sh", "sleep", "touch"):
        (place / name).symlink_to(f"/usr/bin/{name}")
    monkeypatch.setenv("PATH", str(place))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return place


def compiler(tools: Path, act: str = ":") -> Path:
    """Puts ``go`` and ``gcc`` there; returns the file that appears when a build has begun."""
    begun = tools / "begun"
    for name in ("go", "gcc"):
        program = tools / name
        program.write_text(f"#!/bin/sh\n{COMPILES.format(begun=begun, act=act)}\n", "ascii")
        program.chmod(0o755)
    return begun


def begun_apart(begun: Path) -> subprocess.Popen[str]:
    """A build in a process of its own, under way."""
    process = subprocess.Popen(
        [sys.executable, "-m", "scripts.engine.build", "--idle"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    until = time.monotonic() + 60
    while not begun.exists():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < until
        time.sleep(0.02)
    return process


def test_an_engine_is_built_once(tools: Path) -> None:
    begun = compiler(tools)
    assert built_engine(60, idle=True).read_text("ascii") == "made\n"
    begun.unlink()
    assert built_engine(60) == awaited_engine(0) == cached_engine()
    assert not begun.exists()


def test_without_go_it_says_so_to_whoever_asks_later(tools: Path) -> None:
    with pytest.raises(EngineUnavailable, match="is not built"):
        awaited_engine(0)
    for ask in (built_engine, awaited_engine):
        with pytest.raises(EngineUnavailable, match="go is not installed"):
            ask(0)
    compiler(tools)
    built_engine(60)
    assert awaited_engine(0).exists()


def test_a_build_that_fails_says_what_go_said(tools: Path) -> None:
    compiler(tools, "echo no such module; exit 1")
    for ask in (built_engine, awaited_engine):
        with pytest.raises(EngineUnavailable, match="go build failed: no such module"):
            ask(60)


def test_a_build_has_an_end_and_its_compilers_end_with_it(tools: Path) -> None:
    compiler(tools, f"sh -c 'echo $$ > {tools}/pid; exec sleep 300'")
    with pytest.raises(EngineUnavailable, match="not done within 1 seconds"):
        built_engine(1)
    assert is_over(int((tools / "pid").read_text("ascii")))
    assert not cached_engine().exists()


def test_who_waits_has_the_engine_that_another_process_builds(tools: Path) -> None:
    process = begun_apart(compiler(tools, "sleep 1"))
    try:
        with pytest.raises(EngineUnavailable, match="goes on"):
            awaited_engine(0)
        assert awaited_engine(60).exists()
        said, _ = process.communicate(timeout=60)
        assert (process.returncode, said.strip()) == (0, str(cached_engine()))
    finally:
        process.kill()
        process.communicate()


def test_a_build_that_is_told_to_end_takes_its_compilers_along(tools: Path) -> None:
    begun = compiler(tools, f"sh -c 'echo $$ > {tools}/pid; exec sleep 300'")
    process = begun_apart(begun)
    try:
        until = time.monotonic() + 60
        while not (tools / "pid").exists() or not (tools / "pid").read_text("ascii"):
            assert time.monotonic() < until
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)
    finally:
        process.kill()
        process.communicate()
    assert is_over(int((tools / "pid").read_text("ascii")))


def is_over(pid: int) -> bool:
    """Whether a process ends within a while."""
    until = time.monotonic() + 20
    while time.monotonic() < until:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        # One that ended and that nobody waited for is still listed.
        if ") Z" in Path(f"/proc/{pid}/stat").read_text("ascii"):
            return True
        time.sleep(0.05)
    return False


@pytest.mark.parametrize("address", ["0x12", "sender", "0x" + "g" * 40, ""])
def test_nothing_is_sent_to_what_is_no_address(tmp_path: Path, address: str) -> None:
    network = Network(tmp_path, {"base": 1, "validators": [{"number": 1}], "isolated": False})
    with pytest.raises(NetworkError, match="is no address: give 0x and 40"):
        network.fund(address)

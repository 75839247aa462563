"""The engine's binary: built once from the Go module proxy, kept in the user's cache.

The engine is geth as BNB Smart Chain keeps it: Parlia, a proof-of-authority engine with BLS votes that make a
block final, Cancun opcodes and no base fee. geth's own Clique refuses Shanghai and Cancun, and Besu is published
to no registry that an office is sure to reach.

    python3 -m scripts.engine.build [--seconds N] [--idle]

needs nothing but Python, Go and gcc, so that it can begin before anything is installed.
"""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import hashlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

HERE = Path(__file__).parent
PACKAGE = "github.com/ethereum/go-ethereum/cmd/geth"
MODULE = ("go.mod", "go.sum", "main.go")
SECONDS = 3000.0
"""How long a build may take where nobody says otherwise."""
UNAVAILABLE = 3
BUILD = (
    *("go", "build", "-trimpath"),
    # Nobody debugs it here, and that takes an eighth of the time.
    "-gcflags=all=-dwarf=false",
    # The linker of Go 1.23 and later refuses the runtime's names that a dependency reaches for.
    "-ldflags=-checklinkname=0 -s -w",
)
C_FLAGS = "-O1"
"""Half the time of what C compilers do by themselves; most of it is a compression that test networks hardly use."""


class EngineUnavailable(Exception):
    """The engine cannot be had on this machine; the text says why."""


def cached_engine() -> Path:
    """Where the binary lies, or would lie: one place for each set of pinned versions."""
    pinned = hashlib.sha256(b"".join((HERE / name).read_bytes() for name in MODULE)).hexdigest()
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return cache / "govledger" / f"engine-{pinned[:16]}" / "geth"


def built_engine(seconds: float = SECONDS, *, idle: bool = False) -> Path:
    """The binary, built now (some minutes) where it is not in the cache; one build at a time.

    ``idle`` takes processor time that nobody else wants. Raises :class:`EngineUnavailable` without Go or gcc,
    where the modules cannot be fetched, or where ``seconds`` do not suffice; why, is kept for
    :func:`awaited_engine`.
    """
    binary = cached_engine()
    if binary.exists():
        return binary
    binary.parent.mkdir(parents=True, exist_ok=True)
    with _building(binary, seconds):
        if not binary.exists():
            why = _why_not(binary)
            why.unlink(missing_ok=True)
            try:
                _build(binary, seconds, idle=idle)
            except EngineUnavailable as problem:
                why.write_text(str(problem), "utf-8")
                raise
    return binary


def awaited_engine(seconds: float) -> Path:
    """The binary that is in the cache, or will be before long because somebody builds it now.

    Raises :class:`EngineUnavailable` where nobody does, where that build failed, or where it is not done within
    ``seconds``.
    """
    binary = cached_engine()
    if not binary.exists() and binary.parent.is_dir():
        with _building(binary, seconds):
            pass
    if binary.exists():
        return binary
    with contextlib.suppress(FileNotFoundError):
        raise EngineUnavailable(_why_not(binary).read_text("utf-8"))
    raise EngineUnavailable("it is not built; `scripts/consortium build` does it once")


@contextlib.contextmanager
def _building(binary: Path, seconds: float) -> Iterator[None]:
    """While this lasts nobody else builds; waits for whoever does, for so long."""
    until = time.monotonic() + seconds
    with (binary.parent / "building").open("w") as lock:
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > until:
                    raise EngineUnavailable(
                        "its build, which another process began, goes on"
                    ) from None
                time.sleep(0.2)
        yield


def _why_not(binary: Path) -> Path:
    return binary.parent / "why-not"


def _build(binary: Path, seconds: float, *, idle: bool) -> None:
    for tool in ("go", "gcc"):
        if shutil.which(tool) is None:
            raise EngineUnavailable(f"{tool} is not installed, and the engine is built from source")
    with tempfile.TemporaryDirectory() as workshop:
        for name in MODULE:
            shutil.copy(HERE / name, workshop)
        draft, said = Path(workshop) / "geth", Path(workshop) / "said"
        with said.open("wb") as output:
            # A group of its own, so that its compilers end with it; not a session of its own, among which
            # Linux may share processors evenly, however nice they are.
            builder = subprocess.Popen(
                [*(("nice", "-n", "19") if idle else ()), *BUILD, "-o", str(draft), PACKAGE],
                cwd=workshop,
                env={"CGO_CFLAGS": C_FLAGS} | os.environ,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                process_group=0,
            )
        try:
            code = builder.wait(seconds)
        except subprocess.TimeoutExpired:
            raise EngineUnavailable(f"go build was not done within {seconds:.0f} seconds") from None
        finally:
            if builder.poll() is None:
                os.killpg(builder.pid, signal.SIGKILL)
                builder.wait()
        if code:
            told = said.read_text("utf-8", "replace").strip()[-600:]
            raise EngineUnavailable(f"go build failed: {told}")
        moved = binary.with_suffix(".new")
        shutil.move(draft, moved)
        moved.replace(binary)


def main() -> int:
    """Build the engine and tell where it is; 3 where it cannot be had."""
    parser = argparse.ArgumentParser(description="Build the engine of the consortium, once.")
    parser.add_argument("--seconds", type=float, default=SECONDS, help="how long it may take")
    parser.add_argument("--idle", action="store_true", help="with time that nobody else wants")
    given = parser.parse_args()
    # Whoever is asked to end takes the compilers along.
    signal.signal(signal.SIGTERM, _end)
    try:
        print(built_engine(given.seconds, idle=given.idle))
    except EngineUnavailable as why:
        print(f"the engine cannot be had here: {why}", file=sys.stderr)
        return UNAVAILABLE
    return 0


def _end(_signal: int, _frame: object) -> NoReturn:
    sys.exit(128 + signal.SIGTERM)


if __name__ == "__main__":
    sys.exit(main())

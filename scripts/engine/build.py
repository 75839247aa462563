"""The engine's binary: built once from the Go module proxy, kept in the user's cache.

The engine is geth as BNB Smart Chain keeps it: Parlia, a proof-of-authority engine with BLS votes that make a
block final, Cancun opcodes and no base fee. geth's own Clique refuses Shanghai and Cancun, and Besu is published
to no registry that an office is sure to reach.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
PACKAGE = "github.com/ethereum/go-ethereum/cmd/geth"
MODULE = ("go.mod", "go.sum", "main.go")


class EngineUnavailable(Exception):
    """The engine cannot be had on this machine; the text says why."""


def cached_engine() -> Path:
    """Where the binary lies, or would lie: one place for each set of pinned versions."""
    pinned = hashlib.sha256(b"".join((HERE / name).read_bytes() for name in MODULE)).hexdigest()
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return cache / "govledger" / f"engine-{pinned[:16]}" / "geth"


def built_engine() -> Path:
    """The binary, built now (some minutes) where it is not in the cache.

    Raises :class:`EngineUnavailable` without Go or gcc, or where the modules cannot be fetched.
    """
    binary = cached_engine()
    if binary.exists():
        return binary
    for tool in ("go", "gcc"):
        if shutil.which(tool) is None:
            raise EngineUnavailable(f"{tool} is not installed, and the engine is built from source")
    binary.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as workshop:
        for name in MODULE:
            shutil.copy(HERE / name, workshop)
        draft = Path(workshop) / "geth"
        # The linker of Go 1.23 and later refuses the runtime's names that a dependency reaches for.
        command = [
            "go",
            "build",
            "-trimpath",
            "-ldflags=-checklinkname=0",
            "-o",
            str(draft),
            PACKAGE,
        ]
        done = subprocess.run(
            command, cwd=workshop, capture_output=True, text=True, check=False, timeout=3000
        )
        if done.returncode:
            raise EngineUnavailable(f"go build failed: {done.stderr.strip()[-600:]}")
        moved = binary.with_suffix(".new")
        shutil.move(draft, moved)
        moved.replace(binary)
    return binary

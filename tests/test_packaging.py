"""What the package imports is what it asks for, and everything that it asks for is pinned."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
PINNED = {
    re.split("==", line)[0]
    for line in (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    if line
}


def canonical(name: str) -> str:
    """A distribution's name as PEP 503 compares it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def asked_for(requirements: list[str]) -> set[str]:
    return {canonical(re.split(r"[^A-Za-z0-9_.-]", one)[0]) for one in requirements}


def imported(folder: Path) -> Iterator[tuple[str, Path]]:
    """Top-level modules from elsewhere that the Python files in a folder import."""
    for file in sorted(folder.rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            names: list[str] = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                names = [node.module]
            for name in names:
                top = name.partition(".")[0]
                if top not in sys.stdlib_module_names and top not in ("ledger", "api"):
                    yield top, file.relative_to(ROOT)


@pytest.mark.parametrize("folder", ["ledger", "api"])
def test_whatever_is_imported_is_asked_for(folder: str) -> None:
    declared = asked_for(PROJECT["dependencies"])
    distributions = packages_distributions()
    missing = {
        (top, str(file))
        for top, file in imported(ROOT / folder)
        if not declared & {canonical(name) for name in distributions.get(top, ())}
    }
    assert missing == set()


def test_whatever_is_asked_for_is_pinned() -> None:
    every = asked_for([*PROJECT["dependencies"], *PROJECT["optional-dependencies"]["dev"]])
    assert every - {canonical(name) for name in PINNED} == set()

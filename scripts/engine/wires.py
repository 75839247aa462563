"""The wires between validators: a network namespace for each, and bridges that can be taken apart.

Everything lives in namespaces of its own; the machine's network is not touched. Needs root and iproute2.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Collection, Iterable
from pathlib import Path

SIDES = ("a", "b")


def can_isolate() -> bool:
    """Whether namespaces can be made here: by root, with iproute2."""
    if os.geteuid() or shutil.which("ip") is None:
        return False
    name = f"govl-probe-{os.getpid()}"
    if subprocess.run(["ip", "netns", "add", name], capture_output=True, check=False).returncode:
        return False
    _ip("netns", "del", name)
    return True


def _ip(*words: str) -> None:
    done = subprocess.run(["ip", *words], capture_output=True, text=True, check=False)
    if done.returncode:
        raise OSError(f"ip {' '.join(words)}: {done.stderr.strip()}")


class Wires:
    """Namespaces ``govl<base>-<n>`` of the nodes and ``govl<base>-hub`` with two bridges."""

    def __init__(self, base: int, numbers: Iterable[int]) -> None:
        self.base = base
        self.numbers = list(numbers)

    @property
    def hub(self) -> str:
        return f"govl{self.base}-hub"

    def namespace(self, number: int) -> str:
        return f"govl{self.base}-{number}"

    @staticmethod
    def address(number: int) -> str:
        """Where a node's peers find it, inside the namespaces."""
        return f"10.77.0.{number}"

    def lay(self) -> None:
        """Make all namespaces and join every node to the first bridge."""
        _ip("netns", "add", self.hub)
        for side in SIDES:
            _ip("-n", self.hub, "link", "add", f"side-{side}", "type", "bridge")
            _ip("-n", self.hub, "link", "set", f"side-{side}", "up")
        for number in self.numbers:
            space = self.namespace(number)
            _ip("netns", "add", space)
            _ip("-n", space, "link", "set", "lo", "up")
            _ip(
                *("-n", self.hub, "link", "add", f"port{number}", "type", "veth"),
                *("peer", "name", "wire", "netns", space),
            )
            _ip("-n", space, "addr", "add", f"{self.address(number)}/24", "dev", "wire")
            _ip("-n", space, "link", "set", "wire", "up")
            _ip("-n", self.hub, "link", "set", f"port{number}", "up")
        self.join(())

    def join(self, apart: Collection[int]) -> None:
        """Put the nodes ``apart`` on the other bridge, all others on the first; () heals."""
        for number in self.numbers:
            side = SIDES[1] if number in apart else SIDES[0]
            _ip("-n", self.hub, "link", "set", f"port{number}", "master", f"side-{side}")

    def clear(self) -> None:
        """Take away every namespace that exists."""
        for space in [self.hub, *(self.namespace(number) for number in self.numbers)]:
            if (Path("/run/netns") / space).exists():
                _ip("netns", "del", space)

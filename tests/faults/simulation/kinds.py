"""The kinds of faults that a run may meet, told from what it wrote down."""

from __future__ import annotations

import re
from collections.abc import Iterable

KINDS: dict[str, str] = {
    "kill -9 between two writes": r"^    killed: (?!no )",
    "database is locked": "SQLITE_BUSY at",
    "disk I/O error": "SQLITE_IOERR at",
    "full disk": r"^    \w+: \w*StoreError: .* full",
    "slow disk": r"slow (0\.5|20) s",
    "no answer from the node": "no answer to",
    "an event left out": "is left out",
    "an event twice": "comes twice",
    "a node behind the others": r"behind [13]",
    "a node that forgets states": "prunes True",
    "blocks replaced": "are replaced",
    "blocks replaced while they are read": "will move",
    "a clock that is set": "the clock jumps",
    "a restart": r"^  restarted",
    "power cut, an older mirror": "falls back",
    "power cut, no mirror": "is lost",
    "another office": "another office records",
}
"""What it is called, and the lines that tell of it."""
_TOLD = {kind: re.compile(lines) for kind, lines in KINDS.items()}


def kinds_in(trace: Iterable[str]) -> set[str]:
    """The kinds that a run's trace tells of."""
    left, found = dict(_TOLD), set()
    for line in trace:
        for kind in [kind for kind, lines in left.items() if lines.search(line)]:
            found.add(kind)
            del left[kind]
    return found

"""What the libraries are made of (库的构成): which entries feed 综合库, 主题库 and 专题库.

A source of an entry is the nearest registered one upstream: of another entry, and reached through data sets that
belong to none. Everything goes upstream at once, a bit for each entry of a library, whatever lies downstream first.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from ledger.codes import Library
from ledger.lineage.findings.dark import is_dark
from ledger.lineage.findings.hops import Hops
from ledger.lineage.findings.picture import Picture

SHARED_LIBRARIES = (Library.COMPREHENSIVE.value, Library.THEME.value, Library.SPECIAL.value)
"""Libraries that are built out of what departments hold."""


class Composed(msgspec.Struct, frozen=True):
    """An entry of a library, and where it comes from."""

    library: str
    entry: str
    name: str | None
    organisation: str
    sources: tuple[str, ...]
    """Codes of the nearest registered entries upstream; empty: it derives from no registered source."""
    dark: int
    """Data sets that no entry covers, between it and its sources or at the beginning."""
    known: bool
    """Whether any job or step writes it at all."""
    leaf: int


def composition(picture: Picture, hops: Hops) -> list[Composed]:
    """Every entry in force of the shared libraries, by library and code."""
    entries = [
        entry
        for _, entry in sorted(picture.entries.items())
        if entry.library in SHARED_LIBRARIES and entry.in_force
    ]
    bits = {entry.code: 1 << at for at, entry in enumerate(entries)}
    fed = _fed(picture, hops, bits)
    sources: dict[int, set[str]] = {}
    dark = np.zeros(len(entries), dtype=np.int64)
    for node, number in enumerate(hops.datasets):
        places = _places(fed[node], len(entries))
        entry = picture.registered(number)
        if entry is not None:
            for place in places.tolist():
                if entries[place].code != entry.code:
                    sources.setdefault(place, set()).add(entry.code)
        elif len(places) and is_dark(picture, number):
            dark[places] += 1
    found = [
        Composed(
            library=entry.library or "",
            entry=entry.code,
            name=entry.name,
            organisation=entry.provider,
            sources=tuple(sorted(sources.get(place, ()))),
            dark=int(dark[place]),
            known=any(one in picture.writers for one in picture.by_entry.get(entry.code, [])),
            leaf=entry.leaf,
        )
        for place, entry in enumerate(entries)
    ]
    return sorted(found, key=lambda one: (SHARED_LIBRARIES.index(one.library), one.entry))


def _fed(picture: Picture, hops: Hops, bits: dict[str, int]) -> list[int]:
    """For each node, a bit for every entry that what it holds flows into before it meets another's data."""
    first, heads = hops.first.tolist(), hops.heads.tolist()
    after = [heads[first[node] : first[node + 1]] for node in range(hops.size)]
    stops = [False] * hops.size
    own = [0] * hops.size
    for node, number in enumerate(hops.datasets):
        stops[node] = picture.registered(number) is not None
        own[node] = bits.get(picture.entry_of(number) or "", 0)
    fed = [0] * hops.size

    def told(node: int) -> int:
        found = fed[node]
        for head in after[node]:
            found |= own[head] if stops[head] else fed[head]
        return found

    order = _last_first(after, stops)
    changed = True
    while changed:  # a second time only where there are cycles, or to see that there are none
        changed = False
        for node in order:
            if (found := told(node)) != fed[node]:
                fed[node], changed = found, True
    return [told(node) if stops[node] else fed[node] for node in range(hops.size)]


def _last_first(after: Sequence[Sequence[int]], stops: Sequence[bool]) -> list[int]:
    """Nodes that let through what comes, each behind all that it leads to, but for cycles."""
    found: list[int] = []
    seen = list(stops)
    for start in range(len(after)):
        if seen[start]:
            continue
        seen[start] = True
        waiting = [(start, iter(after[start]))]
        while waiting:
            node, following = waiting[-1]
            fresh = next((one for one in following if not seen[one]), None)
            if fresh is None:
                found.append(node)
                waiting.pop()
            else:
                seen[fresh] = True
                waiting.append((fresh, iter(after[fresh])))
    return found


def _places(mask: int, count: int) -> NDArray[np.int64]:
    """Which of ``count`` bits are set."""
    if not mask:
        return np.empty(0, dtype=np.int64)
    data = np.frombuffer(mask.to_bytes((count + 7) // 8, "little"), dtype=np.uint8)
    return np.flatnonzero(np.unpackbits(data, bitorder="little"))

"""What the libraries are made of (库的构成): which entries feed 综合库, 主题库 and 专题库.

A source of an entry is the nearest registered one upstream: of another entry, and reached through data sets that
belong to none. Everything goes upstream at once, a bit for each entry of a library, until nothing is new.
"""

from __future__ import annotations

from collections import deque

import msgspec
import numpy as np

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
    dark: dict[int, int] = {}
    for node, number in enumerate(hops.datasets):
        code = picture.entry_of(number)
        registered = picture.registered(number)
        for bit in _bits(fed[node]):
            if registered is None:
                dark[bit] = dark.get(bit, 0) + is_dark(picture, number)
            elif code is not None and bits.get(code) != bit:
                sources.setdefault(bit, set()).add(code)
    found = [
        Composed(
            library=entry.library or "",
            entry=entry.code,
            name=entry.name,
            organisation=entry.provider,
            sources=tuple(sorted(sources.get(bits[entry.code], ()))),
            dark=dark.get(bits[entry.code], 0),
            known=any(one in picture.writers for one in picture.by_entry.get(entry.code, [])),
            leaf=entry.leaf,
        )
        for entry in entries
    ]
    return sorted(found, key=lambda one: (SHARED_LIBRARIES.index(one.library), one.entry))


def _fed(picture: Picture, hops: Hops, bits: dict[str, int]) -> list[int]:
    """For each node, a bit for every entry that what it holds flows into before it meets another's data."""
    order = np.argsort(hops.heads, kind="stable")
    tails = hops.tails[order]
    first = np.searchsorted(hops.heads[order], np.arange(hops.size + 1))
    fed = [0] * hops.size
    stops = [
        node < len(hops.datasets) and picture.registered(hops.datasets[node]) is not None
        for node in range(hops.size)
    ]
    waiting: deque[int] = deque()

    def told(node: int, bit: int) -> None:
        for tail in tails[first[node] : first[node + 1]].tolist():
            if fed[tail] | bit != fed[tail]:
                fed[tail] |= bit
                if not stops[tail]:
                    waiting.append(tail)

    for node, number in enumerate(hops.datasets):
        code = picture.entry_of(number)
        if code in bits:
            told(node, bits[code])
    while waiting:
        node = waiting.popleft()
        told(node, fed[node])
    return fed


def _bits(of: int) -> list[int]:
    found = []
    while of:
        bit = of & -of
        found.append(bit)
        of ^= bit
    return found

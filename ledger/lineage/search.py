"""Walking the graph of lineage level by level, each node once (逐层遍历): what one page of a walk is made of.

A level is one job: from data sets to the jobs beside them, and on to the data sets beside those. A walk is a
sequence of nodes and edges whose order follows from the graph alone, by level and then by number; a page is a
stretch of it that begins with a node. So pages neither overlap nor leave anything out.

*Entries.* A catalogue entry stands in the graph as a data set, because declared steps name it; the data sets
that rules attribute to it are the same thing. Think of it as two doors: what is written to the entry arrives
at each of its data sets, and what any of them holds can be read from the entry. So a walk crosses from a data
set to its entry and to the steps there, and from an entry that a step names to all of its data sets, but it
does not go from one data set through the entry to another: these may be the raw and the standardised table of
one entry, of which neither comes from the other through it. Crossing is no level of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from operator import itemgetter
from typing import NamedTuple

from ledger.lineage.ahead import Ahead, Way
from ledger.lineage.identity import ENTRY_NAMESPACE
from ledger.lineage.reading import INPUT, OUTPUT, Reader, Row, entry_number
from ledger.lineage.walks import Direction, Origin

WAYS: dict[Direction, tuple[tuple[Way, ...], ...]] = {
    "upstream": (("upstream",),),
    "downstream": (("downstream",),),
    "both": (("upstream",), ("downstream",)),
    "around": (("upstream", "downstream"),),
}
"""The searches that a direction means; each goes these ways at every node."""
_FEWEST = 500
"""Rows that are read at once without a thought."""
_IN_ORDER = itemgetter(0, 1, 2)


class Flow(NamedTuple):
    """An edge of a walk in the direction of flow; ``run`` by its number."""

    source: int
    target: int
    origin: Origin
    pos: int | None
    leaf: int | None
    run: int | None


class Page:
    """Nodes and edges in the order of the walk, from the first on; kept are those of one page.

    The page begins with node ``skip`` and ends before node ``end``.
    """

    def __init__(self, skip: int, end: int, *, repeats: bool) -> None:
        self.skip = skip
        self.end = end
        self.depths: dict[int, int] = {}
        """Every node so far, in order."""
        self.jobs: set[int] = set()
        self.flows: list[Flow] = []
        """Every edge so far."""
        self.full = False
        """Whether there is a node beyond the page."""
        self.doubtful = False
        """Whether an edge led back to a node that had its turn: there may be a cycle."""
        self._first = 0
        self._seen: set[tuple[int, int, str]] | None = set() if repeats else None
        self._ties: set[tuple[int, int]] = set()

    @property
    def room(self) -> int:
        """How many nodes still fit."""
        return self.end - len(self.depths)

    def node(self, number: int, depth: int, *, job: bool) -> bool:
        """Take a node; False where the page is full."""
        if number in self.depths:
            return True
        if len(self.depths) >= self.end:
            self.full = True
            return False
        if len(self.depths) == self.skip:
            self._first = len(self.flows)
        self.depths[number] = depth
        if job:
            self.jobs.add(number)
        return True

    def flow(self, flow: Flow) -> None:
        """Take an edge."""
        if self._seen is not None:
            key = (flow.source, flow.target, flow.origin)
            if key in self._seen:
                return
            self._seen.add(key)
        self.flows.append(flow)

    def tie(self, source: int, target: int, leaf: int) -> None:
        """Take the tie between a data set and its entry, once."""
        key = (min(source, target), max(source, target))
        if key not in self._ties:
            self._ties.add(key)
            self.flows.append(Flow(source, target, "rule", None, leaf, None))

    def numbers(self) -> list[int]:
        """The nodes of the page."""
        return list(self.depths)[self.skip :]

    def own_flows(self) -> list[Flow]:
        """The edges of the page."""
        return self.flows[self._first :] if len(self.depths) > self.skip else []


class Search:
    """One search from some roots, in some ways; :meth:`step` goes one level further."""

    def __init__(self, reader: Reader, page: Page, ways: tuple[Way, ...], depth: int) -> None:
        self._reader = reader
        self._page = page
        self._ways = ways
        self._depth = depth
        self._visited: set[int] = set()
        self._turned: set[int] = set()
        """Data sets and jobs from which edges were read, and of them those that had any."""
        self._leading: set[int] = set()
        self._opened: set[int] = set()
        """Entries that gave their data sets."""
        self._datasets: list[int] = []
        self._jobs: list[int] = []
        self._ahead: Ahead | None = None

    @property
    def done(self) -> bool:
        return not (self._datasets or self._jobs)

    def begin(self, datasets: Sequence[int], jobs: Sequence[int]) -> None:
        """Start from roots, which the page has already."""
        self._visited.update(datasets, jobs)
        self._datasets, self._jobs = list(datasets), list(jobs)
        self._open(datasets, 0)

    def step(self, depth: int) -> None:
        """Reach what is ``depth`` jobs away."""
        page, ways = self._page, self._ways
        ties = self._ties_of(self._datasets)
        nears = [*self._datasets, *(number for number in ties if number not in self._turned)]
        jobs = self._jobs
        if self._ahead is not None:
            self._ahead.read(nears, levels=self._depth - depth + 1, room=page.room)
        elif not self._reader.lite and len(ways) == 1:
            # From the next level on: many walks are of one.
            self._ahead = Ahead(self._reader, ways[0])
        self._turned.update(nears)
        for way in ways:
            rows = self._fetch(nears, way, jobs=False)
            self._take(rows, way, depth, fresh=jobs, ties=ties)
            if page.full:
                return
        self._turned.update(jobs)
        self._datasets, self._jobs = [], []
        direct: set[int] = set()
        for way in ways:
            rows = self._fetch(jobs, way, jobs=True)
            self._take(rows, way, depth, fresh=self._datasets)
            if page.full:
                return
            direct.update(row[0] for row in rows)
        self._open(direct, depth)

    def _fetch(self, nears: Sequence[int], way: Way, *, jobs: bool) -> Sequence[Row]:
        """Edges of ``nears``, sorted by the far end; of a hub not many more than fit on the page."""
        if self._ahead is None:
            return self._read(nears, way, jobs=jobs)
        known, missing = self._ahead.edges(nears, jobs=jobs)
        return sorted((*known, *self._read(missing, way, jobs=jobs)), key=_IN_ORDER)

    def _read(self, nears: Sequence[int], way: Way, *, jobs: bool) -> Sequence[Row]:
        direction = INPUT if jobs == (way == "upstream") else OUTPUT
        room = self._page.room
        for most in (max(_FEWEST, room + room // 4), max(4 * _FEWEST, 4 * room)):
            rows = self._reader.expand(nears, jobs=jobs, direction=direction, limit=most)
            if len(rows) < most:
                return rows
            # The last far end may have more edges than were read.
            whole = [row for row in rows if row[0] != rows[-1][0]]
            if len({row[0] for row in whole} - self._page.depths.keys()) > room:
                return whole
        return self._reader.expand(nears, jobs=jobs, direction=direction)

    def _take(
        self,
        rows: Sequence[Row],
        way: Way,
        depth: int,
        *,
        fresh: list[int],
        ties: dict[int, list[tuple[int, int]]] | None = None,
    ) -> None:
        page, visited, leading = self._page, self._visited, self._leading
        leading.update([row[1] for row in rows])
        back, to_jobs = way == "upstream", ties is not None
        for far, near, origin, pos, leaf, run in rows:
            if near not in visited and ties is not None:
                # An entry to which a data set of the level before belongs; it has edges, so it counts.
                if not page.node(near, depth - 1, job=False):
                    return
                visited.add(near)
                self._tie(near, ties[near])
            if far not in visited:
                if not page.node(far, depth, job=to_jobs):
                    return
                visited.add(far)
                fresh.append(far)
            elif far in leading:
                page.doubtful = True
            ends = (far, near) if back else (near, far)
            page.flow(Flow(*ends, origin, pos, leaf, run))

    def _ties_of(self, datasets: Sequence[int]) -> dict[int, list[tuple[int, int]]]:
        """Entry -> the data sets of a level that belong to it, with the leaf of the rule."""
        if not self._reader.crosses:
            return {}
        self._reader.names(datasets)
        ties: dict[int, list[tuple[int, int]]] = {}
        for dataset in datasets:
            rule = self._reader.rule_of(dataset)
            if rule is not None:
                entry = entry_number(rule.entry)
                ties.setdefault(entry, []).append((dataset, rule.leaf_from))
        for entry, members in ties.items():
            if entry in self._visited:
                self._tie(entry, members)
                self._page.doubtful |= entry in self._leading
        return ties

    def _tie(self, entry: int, members: Sequence[tuple[int, int]]) -> None:
        for dataset, leaf in members:
            ends = (entry, dataset) if self._ways[0] == "upstream" else (dataset, entry)
            self._page.tie(*ends, leaf)

    def _open(self, datasets: Sequence[int] | set[int], depth: int) -> None:
        """Cross from the entries among these to their data sets."""
        if not self._reader.crosses:
            return
        names = self._reader.names(datasets)
        codes = {
            number: names[number][1]
            for number in sorted(datasets)
            if number not in self._opened and names[number][0] == ENTRY_NAMESPACE
        }
        members = self._reader.members(codes.values()) if codes else {}
        for entry, code in codes.items():
            self._opened.add(entry)
            for dataset, rule in members[code]:
                if dataset not in self._visited:
                    if not self._page.node(dataset, depth, job=False):
                        return
                    self._visited.add(dataset)
                    self._datasets.append(dataset)
                elif dataset in self._leading:
                    self._page.doubtful = True
                ends = (dataset, entry) if self._ways[0] == "upstream" else (entry, dataset)
                self._page.tie(*ends, rule.leaf_from)

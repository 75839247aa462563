"""Grades and share classes along the flow (分级与共享属性传导).

What a data set holds is as sensitive as where it comes from: a derived table may not be graded lower, nor
shared wider, than any of its sources, unless a de-identifying step (去标识化) that is on record lies between
(GB/T 43697-2024; DOMAIN of a grade: 1 to 4; of a share class: 1 shared with all, 2 on conditions, 3 not shared).

*Classes* are pairs of grade and share class. Each data set of an entry sends its own class along the flow, through
tables of no entry and of others; a step that de-identifies lowers the grade to what it says comes out, and lets go of
the share class, unless it says to take in a lower grade than comes. All classes are sent at once, one hop further in
each round, so that the first to arrive came by a shortest path; a class that is there already goes no further,
which ends cycles.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ledger.lineage.findings.hops import Hops, Numbers
from ledger.lineage.findings.picture import Deidentification, Entry, Picture

SHARES = 4
CLASSES = 5 * SHARES
"""Grades 0 (not stated) to 4, times share classes 0 (not stated) to 3."""
_NONE = -1


def class_of(grade: int, share: int) -> int:
    return grade * SHARES + share


def behind(arrived: int, steps: Sequence[Deidentification]) -> int:
    """The class that an edge lets through of the one that arrives there."""
    grade = arrived // SHARES
    counting = [step for step in steps if step.before is None or grade <= step.before]
    if not counting:
        return arrived
    return class_of(min(grade, *(step.after for step in counting)), 0)


@dataclass(frozen=True)
class Breach:
    """An entry that is classed too low: what it states, what comes in, and by which nodes it comes."""

    kind: str
    """``grade_lowered`` or ``share_widened``."""
    entry: str
    dataset: int
    stated: int
    flowing: int
    path: tuple[tuple[str, int], ...]
    """Nodes of :class:`~ledger.lineage.findings.hops.Hops` from the source to the data set."""


@dataclass(frozen=True)
class Flow:
    """Which classes arrive where, by how many hops, and over which edge and as what before."""

    hops: Hops
    distance: NDArray[np.int32]
    edge: Numbers
    came_as: NDArray[np.int8]

    def path(self, node: int, arrived: int) -> tuple[tuple[str, int], ...]:
        """The nodes by which a class came first, from where it was stated."""
        found = [self.hops.about[node]]
        while (edge := int(self.edge[arrived, node])) != _NONE:
            arrived = int(self.came_as[arrived, node])
            node = int(self.hops.tails[edge])
            found.append(self.hops.about[node])
        return tuple(reversed(found))


def flow(picture: Picture, hops: Hops) -> Flow:
    """Send every class along, until nothing arrives that was not there before."""
    size = hops.size
    found = Flow(
        hops,
        np.full((CLASSES, size), _NONE, dtype=np.int32),
        np.full((CLASSES, size), _NONE, dtype=np.int64),
        np.full((CLASSES, size), _NONE, dtype=np.int8),
    )
    through = np.array(
        [[behind(one, steps) for one in range(CLASSES)] for steps in hops.mappings], dtype=np.int64
    )
    front = _stated(picture, hops)
    for arrived, nodes in front.items():
        found.distance[arrived, nodes] = 0
    distance = 0
    while front:
        distance += 1
        front = _further(found, front, through, distance)
    return found


def _stated(picture: Picture, hops: Hops) -> dict[int, Numbers]:
    """Class -> the data sets whose entries state it, where anything could be below it."""
    nodes: dict[int, list[int]] = {}
    for node, number in enumerate(hops.datasets):
        entry = picture.registered(number)
        if entry is not None and (entry.grade > 1 or entry.share > 1):
            nodes.setdefault(class_of(entry.grade, entry.share), []).append(node)
    return {one: np.array(nodes[one], dtype=np.int64) for one in sorted(nodes)}


def _further(
    found: Flow, front: dict[int, Numbers], through: NDArray[np.int64], distance: int
) -> dict[int, Numbers]:
    """One hop: where each class of the front arrives for the first time."""
    coming: dict[int, list[tuple[Numbers, int]]] = {}
    for arrived, nodes in front.items():
        edges = found.hops.edges_of(nodes)
        becomes = through[found.hops.mapping[edges], arrived]
        for one in np.unique(becomes):
            coming.setdefault(int(one), []).append((edges[becomes == one], arrived))
    ahead: dict[int, Numbers] = {}
    for becoming in sorted(coming):
        fresh: list[Numbers] = []
        for edges, arrived in coming[becoming]:
            heads, at = np.unique(found.hops.heads[edges], return_index=True)
            new = found.distance[becoming, heads] == _NONE
            heads, taken = heads[new], edges[at[new]]
            found.distance[becoming, heads] = distance
            found.edge[becoming, heads] = taken
            found.came_as[becoming, heads] = arrived
            fresh.append(heads)
        nodes = np.sort(np.concatenate(fresh))
        if len(nodes):
            ahead[becoming] = nodes
    return ahead


def arriving(found: Flow, dataset: int) -> tuple[int, int]:
    """The strictest grade and share class that come into a data set, 0 where none above the least does."""
    reached = np.flatnonzero(found.distance[:, found.hops.datasets.index(dataset)] > 0)
    if not len(reached):
        return 0, 0
    return int((reached // SHARES).max()), int((reached % SHARES).max())


def breaches(picture: Picture, found: Flow) -> list[Breach]:
    """Entries classed too low, by code: of each the worst that comes in, by the shortest path to any of its data
    sets.
    """
    reached = found.distance[:, : len(found.hops.datasets)] > 0
    every = np.arange(CLASSES)[:, None]
    entries = [picture.registered(number) for number in found.hops.datasets]
    worst: dict[tuple[str, str], tuple[tuple[int, int, int], int]] = {}
    for kind, parts, stated in (
        ("grade_lowered", every // SHARES, [entry.grade if entry else 0 for entry in entries]),
        ("share_widened", every % SHARES, [entry.share if entry else 0 for entry in entries]),
    ):
        flowing = np.where(reached, parts, 0).max(axis=0)
        limits = np.array(stated, dtype=np.int64)
        for node in np.flatnonzero((flowing > limits) & (limits > 0)):
            entry = entries[node]
            if entry is None:
                continue
            arrived = np.flatnonzero(reached[:, node] & (parts[:, 0] == flowing[node]))
            hops, came = min((int(found.distance[one, node]), int(one)) for one in arrived)
            order = (-int(flowing[node]), hops, int(node))
            key = (entry.code, kind)
            if key not in worst or order < worst[key][0]:
                worst[key] = (order, came)
    return [
        Breach(
            kind=kind,
            entry=code,
            dataset=found.hops.datasets[node],
            stated=_stated_by(picture.entries[code], kind),
            flowing=-negative,
            path=found.path(node, came),
        )
        for (code, kind), ((negative, _, node), came) in sorted(worst.items())
    ]


def _stated_by(entry: Entry, kind: str) -> int:
    return entry.grade if kind == "grade_lowered" else entry.share

"""Which node leads to which, in arrays (血缘流向): what whole sets of data sets are sent along at once.

A job that no de-identifying step is about is one node between its inputs and its outputs. Of others there is a
node for each input, because what the step takes away, it takes from certain inputs to certain outputs.

A catalogue entry that a step names stands for all data sets that belong to it: what flows into the entry flows
into them, and what they hold flows on to whoever reads the entry; but not from one of them to another.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ledger.lineage.findings.picture import Deidentification, Picture, entry_number

Numbers = NDArray[np.int64]
PLAIN = 0
"""The mapping of an edge that lets everything through."""


@dataclass(frozen=True)
class Hops:
    """Nodes 0 .. n-1, data sets first; the edges of node v are ``heads[first[v]:first[v + 1]]``."""

    datasets: Sequence[int]
    """Number of the data set that a node is, for the first nodes."""
    about: Sequence[tuple[str, int]]
    """What each node is: ``dataset``, ``job`` or ``entry`` (whoever reads an entry), and its number."""
    first: Numbers
    heads: Numbers
    tails: Numbers
    mapping: Numbers
    """For each edge a place in ``mappings``."""
    mappings: Sequence[tuple[Deidentification, ...]]
    """The steps that speak for an edge; :data:`PLAIN` has none."""

    @property
    def size(self) -> int:
        return len(self.about)

    def edges_of(self, nodes: Numbers) -> Numbers:
        """The edges that leave ``nodes``, in their order."""
        starts, counts = self.first[nodes], self.first[nodes + 1] - self.first[nodes]
        before = np.cumsum(counts) - counts
        total = int(counts.sum())
        edges: Numbers = np.repeat(starts - before, counts) + np.arange(total)
        return edges


def hops(picture: Picture) -> Hops:
    """The arrays of a picture, with what de-identifying steps say on the edges."""
    return _Building(picture).done()


class _Building:
    """Nodes and edges while they are laid out."""

    def __init__(self, picture: Picture) -> None:
        self.picture = picture
        self.datasets = list(picture.datasets)
        self.place = {number: node for node, number in enumerate(self.datasets)}
        self.about: list[tuple[str, int]] = [("dataset", number) for number in self.datasets]
        self.edges: list[tuple[int, int, int]] = []
        self.mappings: list[tuple[Deidentification, ...]] = [()]
        self.numbers: dict[tuple[str, ...], int] = {(): PLAIN}
        self.reading: dict[int, int] = {}
        """Data set of an entry -> the node from which its readers read."""

    def done(self) -> Hops:
        self._entries()
        spoken = _spoken_for(self.picture)
        for job in self.picture.jobs:
            inputs = self.picture.inputs.get(job, [])
            outputs = [self.place[one] for one in self.picture.outputs.get(job, [])]
            if job in spoken:
                self._pair(job, inputs, spoken[job])
            elif inputs and outputs:
                node = self._node("job", job)
                self.edges += [(self._from(one), node, PLAIN) for one in inputs]
                self.edges += [(node, one, PLAIN) for one in outputs]
        table = np.array(self.edges, dtype=np.int64).reshape(-1, 3)
        table = table[np.lexsort((table[:, 2], table[:, 1], table[:, 0]))]
        first = np.searchsorted(table[:, 0], np.arange(len(self.about) + 1))
        return Hops(
            datasets=self.datasets,
            about=self.about,
            first=first.astype(np.int64),
            heads=table[:, 1].copy(),
            tails=table[:, 0].copy(),
            mapping=table[:, 2].copy(),
            mappings=self.mappings,
        )

    def _entries(self) -> None:
        """An entry that a step names, and the data sets that belong to it."""
        for code, numbers in self.picture.by_entry.items():
            own = entry_number(code)
            if own not in self.place:
                continue
            reader = self.reading[own] = self._node("entry", own)
            for number in numbers:
                self.edges.append((self.place[number], reader, PLAIN))
                if number != own:
                    self.edges.append((self.place[own], self.place[number], PLAIN))

    def _pair(
        self, job: int, inputs: Sequence[int], spoken: dict[tuple[int, int], list[Deidentification]]
    ) -> None:
        for one in inputs:
            node = self._node("job", job)
            self.edges.append((self._from(one), node, PLAIN))
            for output in self.picture.outputs.get(job, []):
                how = self._mapping(spoken.get((one, output), []))
                self.edges.append((node, self.place[output], how))

    def _mapping(self, steps: Sequence[Deidentification]) -> int:
        key = tuple(step.code for step in steps)
        if key not in self.numbers:
            self.numbers[key] = len(self.mappings)
            self.mappings.append(tuple(steps))
        return self.numbers[key]

    def _from(self, dataset: int) -> int:
        return self.reading.get(dataset, self.place[dataset])

    def _node(self, kind: str, number: int) -> int:
        self.about.append((kind, number))
        return len(self.about) - 1


_Spoken = dict[int, dict[tuple[int, int], list[Deidentification]]]


def _spoken_for(picture: Picture) -> _Spoken:
    """Job -> (input, output) -> the de-identifying steps that say something of that pair."""
    found: _Spoken = {}
    for step in picture.deidentified:
        inputs = _meant(picture, step.inputs)
        outputs = _meant(picture, step.outputs)
        jobs = {job for one in inputs for job in picture.readers.get(one, [])}
        jobs &= {job for one in outputs for job in picture.writers.get(one, [])}
        for job in sorted(jobs):
            pairs = found.setdefault(job, {})
            for one in picture.inputs[job]:
                for other in picture.outputs[job]:
                    if one in inputs and other in outputs:
                        pairs.setdefault((one, other), []).append(step)
    return found


def _meant(picture: Picture, ends: Sequence[Any]) -> set[int]:
    """The data sets that the ends of a step mean: an entry means all that belong to it."""
    found = {end.dataset for end in ends}
    for end in ends:
        if end.entry is not None:
            found.update(picture.by_entry.get(end.entry, []))
    return found

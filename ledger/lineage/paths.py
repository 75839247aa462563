"""The shortest way along the flow between two sets of nodes, searched from both ends (最短血缘路径)."""

from __future__ import annotations

from collections.abc import Sequence

from ledger.lineage.identity import ENTRY_NAMESPACE
from ledger.lineage.reading import INPUT, OUTPUT, Reader, entry_number
from ledger.lineage.search import Flow


class _Side:
    """What is reached from one end: places, and how each was reached.

    A place is a node's number. Of an entry there are two (:mod:`ledger.lineage.search`): its number where it
    was reached by an edge, so that the way may go on to its data sets, ``~number`` where a data set of its
    own led to it, so that the way goes on with its edges alone.
    """

    def __init__(self, reader: Reader, starts: Sequence[int], *, forward: bool) -> None:
        self._reader = reader
        self._forward = forward
        self.came: dict[int, tuple[int, Flow] | None] = dict.fromkeys(starts)
        self.frontier = self._crossed(list(self.came))

    def grow(self) -> list[int]:
        """One half of a level further; returns what is new."""
        _, jobs = self._reader.standing([_number(place) for place in self.frontier])
        fresh: list[int] = []
        for are_jobs in (False, True):
            nears = {
                number: place
                for place in self.frontier
                if ((number := _number(place)) in jobs) == are_jobs
            }
            direction = OUTPUT if are_jobs == self._forward else INPUT
            for row in self._reader.expand(list(nears), jobs=are_jobs, direction=direction):
                far, near, origin, pos, leaf, run = row
                ends = (near, far) if self._forward else (far, near)
                self._reach(far, nears[near], Flow(*ends, origin, pos, leaf, run), fresh)
        self.frontier = self._crossed(fresh)
        return self.frontier

    def way_to(self, place: int) -> list[tuple[int, Flow | None]]:
        """From a place back to the start: each number with the flow by which it was reached."""
        way: list[tuple[int, Flow | None]] = []
        at: int | None = place
        while at is not None:
            step = self.came[at]
            way.append((_number(at), step[1] if step else None))
            at = step[0] if step else None
        return way

    def _reach(self, place: int, near: int, flow: Flow, fresh: list[int]) -> None:
        if place not in self.came:
            self.came[place] = (near, flow)
            fresh.append(place)

    def _crossed(self, fresh: list[int]) -> list[int]:
        """``fresh``, and what is the same as one of them."""
        reader = self._reader
        if not reader.crosses:
            return fresh
        names = reader.names([_number(place) for place in fresh])
        codes = {
            place: names[place][1]
            for place in fresh
            if place in names and names[place][0] == ENTRY_NAMESPACE
        }
        members = reader.members(codes.values()) if codes else {}
        for entry, code in codes.items():
            for dataset, counts in members[code]:
                self._reach(dataset, entry, self._tie(entry, dataset, counts.leaf_from), fresh)
        for place in list(fresh):
            rule = reader.rule_of(place)
            if rule is not None:
                entry = entry_number(rule.entry)
                if entry not in self.came:
                    self._reach(~entry, place, self._tie(place, entry, rule.leaf_from), fresh)
        return fresh

    def _tie(self, near: int, far: int, leaf: int) -> Flow:
        ends = (near, far) if self._forward else (far, near)
        return Flow(*ends, "rule", None, leaf, None)


def shortest(
    reader: Reader, a: Sequence[int], b: Sequence[int]
) -> tuple[list[int], list[Flow]] | None:
    """Nodes and flows of a shortest way from one of ``a`` to one of ``b``; None where there is none."""
    ahead, behind = _Side(reader, a, forward=True), _Side(reader, b, forward=False)
    fresh, other = ahead.frontier, behind
    while True:
        met = _meeting(fresh, ahead, behind, forward=other is behind)
        if met is not None:
            return _joined(ahead.way_to(met[0]), behind.way_to(met[1]))
        if not (ahead.frontier and behind.frontier):
            return None
        side, other = (
            (ahead, behind) if len(ahead.frontier) <= len(behind.frontier) else (behind, ahead)
        )
        fresh = side.grow()


def _meeting(
    fresh: Sequence[int], ahead: _Side, behind: _Side, *, forward: bool
) -> tuple[int, int] | None:
    """A place that both sides reached: as it is called ahead, and behind."""
    other = behind if forward else ahead
    best: tuple[int, int, int] | None = None
    for place in fresh:
        # At an entry one of both must have come by an edge: two data sets of it do not lead to each other.
        for called in (place, ~place) if place >= 0 else (~place,):
            if called in other.came:
                pair = (place, called) if forward else (called, place)
                length = len(ahead.way_to(pair[0])) + len(behind.way_to(pair[1]))
                if best is None or (length, *pair) < best:
                    best = (length, *pair)
    return best[1:] if best else None


def _joined(
    first: Sequence[tuple[int, Flow | None]], second: Sequence[tuple[int, Flow | None]]
) -> tuple[list[int], list[Flow]]:
    places = [number for number, _ in reversed(first)] + [number for number, _ in second[1:]]
    flows = [flow for _, flow in reversed(first) if flow is not None]
    flows += [flow for _, flow in second if flow is not None]
    return places, flows


def _number(place: int) -> int:
    return place if place >= 0 else ~place

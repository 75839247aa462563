"""Cycles in a graph of flows (血缘环路): found, so that they can be told; nobody follows them."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Hashable, Iterable
from typing import TypeVar

_Place = TypeVar("_Place", bound=Hashable)


def cycles(flows: Iterable[tuple[_Place, _Place]]) -> list[tuple[_Place, ...]]:
    """One of the shortest closed walks for each set of places that lead to one another.

    Each begins and ends with the place of it that came first in ``flows``.
    """
    onward: dict[_Place, list[_Place]] = {}
    for source, target in flows:
        if source not in onward:
            onward[source] = []
        if target not in onward:
            onward[target] = []
        onward[source].append(target)
    return [
        _shortest(onward, members)
        for members in _knots(onward, _peeled(onward))
        if len(members) > 1 or next(iter(members)) in onward[next(iter(members))]
    ]


def _peeled(onward: dict[_Place, list[_Place]]) -> dict[_Place, None]:
    """What is left after all that nothing leads to is taken away, again and again."""
    coming = dict.fromkeys(onward, 0)
    for targets in onward.values():
        for target in targets:
            coming[target] += 1
    free = [place for place, number in coming.items() if not number]
    for place in free:
        for target in onward[place]:
            coming[target] -= 1
            if not coming[target]:
                free.append(target)
    gone = set(free)
    return {place: None for place in onward if place not in gone}


def _knots(
    onward: dict[_Place, list[_Place]], among: Collection[_Place]
) -> list[dict[_Place, None]]:
    """The strongly connected components (Tarjan), without recursion, in order of their first place."""
    found: dict[_Place, int] = {}
    lowest: dict[_Place, int] = {}
    open_places: list[_Place] = []
    is_open: set[_Place] = set()
    knots: list[set[_Place]] = []
    for root in among:
        if root in found:
            continue
        found[root] = lowest[root] = len(found)
        open_places.append(root)
        is_open.add(root)
        path = [(root, iter(onward[root]))]
        while path:
            place, targets = path[-1]
            for target in targets:
                if target not in among:
                    continue
                if target not in found:
                    found[target] = lowest[target] = len(found)
                    open_places.append(target)
                    is_open.add(target)
                    path.append((target, iter(onward[target])))
                    break
                if target in is_open:
                    lowest[place] = min(lowest[place], found[target])
            else:
                path.pop()
                if path:
                    before = path[-1][0]
                    lowest[before] = min(lowest[before], lowest[place])
                if lowest[place] == found[place]:
                    at = open_places.index(place)
                    knots.append(set(open_places[at:]))
                    is_open.difference_update(open_places[at:])
                    del open_places[at:]
    order = {place: number for number, place in enumerate(among)}
    sorted_knots = [dict.fromkeys(sorted(knot, key=order.__getitem__)) for knot in knots]
    return sorted(sorted_knots, key=lambda knot: order[next(iter(knot))])


def _shortest(
    onward: dict[_Place, list[_Place]], members: Collection[_Place]
) -> tuple[_Place, ...]:
    """A shortest way from the first member back to it."""
    start = next(iter(members))
    came: dict[_Place, _Place] = {}
    waiting = deque([start])
    while waiting:
        place = waiting.popleft()
        for target in onward[place]:
            if target == start:
                way = [place]
                while way[-1] != start:
                    way.append(came[way[-1]])
                return (*reversed(way), start)
            if target in members and target not in came:
                came[target] = place
                waiting.append(target)
    raise ValueError("the members do not lead to one another")

"""Where boxes and arrows stand: layers from left to right along the flow of data (分层布局).

The four steps of the layered method (Sugiyama, Tagawa and Toda, 1981): arrows that would lead back are turned,
layers are longest paths, arrows across several layers get a bend in each, and layers are ordered by the middle of
their neighbours. Lengths are in pixels.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

BOX_WIDTH, BOX_HEIGHT = 232, 46
BETWEEN_LAYERS, BETWEEN_BOXES, BETWEEN_BENDS = 76, 18, 12
_SWEEPS = 6


class Point(NamedTuple):
    x: float
    y: float


class Layout(NamedTuple):
    """``boxes``: top left corners; ``bends``: the points of each arrow, in its own direction."""

    boxes: list[Point]
    bends: list[list[Point]]
    width: float
    height: float


class _Layers(NamedTuple):
    """Boxes first, then bends, by number; ``ways`` lists the numbers that each arrow passes."""

    layers: list[list[int]]
    ways: list[list[int]]
    total: int


def lay_out(count: int, pairs: Sequence[tuple[int, int]]) -> Layout:
    """The layout of ``count`` boxes and the arrows between them; the same for the same input."""
    forward = _without_cycles(count, pairs)
    layers = _with_bends(_layers(count, forward), forward, count)
    _order(layers)
    heights = [BOX_HEIGHT if number < count else 0 for number in range(layers.total)]
    middle = _heights(layers, heights)
    place = {}
    for at, layer in enumerate(layers.layers):
        for number in layer:
            place[number] = Point(at * (BOX_WIDTH + BETWEEN_LAYERS), middle[number])
    boxes = [Point(place[n].x, place[n].y - BOX_HEIGHT / 2) for n in range(count)]
    bends = []
    for (source, target), way in zip(pairs, layers.ways, strict=True):
        inner = [Point(place[n].x + BOX_WIDTH / 2, place[n].y) for n in way[1:-1]]
        turned = way[0] != source
        bends.append(_ends(place, (source, target), inner[::-1] if turned else inner))
    height = max((place[n].y + heights[n] / 2 for n in place), default=0)
    width = max(1, len(layers.layers)) * (BOX_WIDTH + BETWEEN_LAYERS) - BETWEEN_LAYERS
    return Layout(boxes, bends, width, height)


def _ends(place: dict[int, Point], pair: tuple[int, int], inner: list[Point]) -> list[Point]:
    """From the side of one box to the side of the other, whichever sides look at each other."""
    source, target = (place[number] for number in pair)
    if source.x < target.x:
        start, end = Point(source.x + BOX_WIDTH, source.y), target
    elif source.x > target.x:
        start, end = source, Point(target.x + BOX_WIDTH, target.y)
    else:
        start, end = (
            Point(source.x + BOX_WIDTH, source.y),
            Point(target.x + BOX_WIDTH, target.y + 6),
        )
    return [start, *inner, end]


def _without_cycles(count: int, pairs: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """The arrows, turned where a walk in depth meets them leading back."""
    after: dict[int, list[int]] = defaultdict(list)
    for source, target in pairs:
        after[source].append(target)
    state = [0] * count
    back: set[tuple[int, int]] = set()
    entered = {target for source, target in pairs if source != target}
    for first in [n for n in range(count) if n not in entered] + list(range(count)):
        if state[first]:
            continue
        state[first] = 1
        waiting = [(first, iter(after[first]))]
        while waiting:
            here, following = waiting[-1]
            there = next(following, None)
            if there is None:
                state[here] = 2
                waiting.pop()
            elif state[there] == 1:
                back.add((here, there))
            elif state[there] == 0:
                state[there] = 1
                waiting.append((there, iter(after[there])))
    return [(b, a) if (a, b) in back else (a, b) for a, b in pairs]


def _layers(count: int, pairs: Sequence[tuple[int, int]]) -> list[int]:
    """The layer of each box: the longest path to it, and as far right as what it feeds allows."""
    after: dict[int, set[int]] = defaultdict(set)
    left = [0] * count
    for source, target in set(pairs):
        if source != target:
            after[source].add(target)
            left[target] += 1
    layer, ready, order = [0] * count, [n for n in range(count) if not left[n]], []
    while ready:
        here = ready.pop()
        order.append(here)
        for there in sorted(after[here]):
            layer[there] = max(layer[there], layer[here] + 1)
            left[there] -= 1
            if not left[there]:
                ready.append(there)
    for here in reversed(order):
        if after[here]:
            layer[here] = min(layer[there] for there in after[here]) - 1
    return layer


def _with_bends(layer: list[int], pairs: Sequence[tuple[int, int]], count: int) -> _Layers:
    layers: list[list[int]] = [[] for _ in range(max(layer, default=0) + 1)]
    for number, at in enumerate(layer):
        layers[at].append(number)
    ways, bends = [], count
    for source, target in pairs:
        way = [source]
        for at in range(layer[source] + 1, layer[target]):
            layers[at].append(bends)
            way.append(bends)
            bends += 1
        ways.append([*way, target])
    return _Layers(layers, ways, bends)


def _neighbours(layers: _Layers) -> tuple[dict[int, list[int]], dict[int, list[int]]]:
    before: dict[int, list[int]] = defaultdict(list)
    after: dict[int, list[int]] = defaultdict(list)
    for way in layers.ways:
        for here, there in pairwise(way):
            after[here].append(there)
            before[there].append(here)
    return before, after


def _order(layers: _Layers) -> None:
    """Order each layer by the mean place of its neighbours, to and fro."""
    sides = _neighbours(layers)
    place = {n: float(at) for layer in layers.layers for at, n in enumerate(layer)}
    for sweep in range(_SWEEPS):
        side = sides[sweep % 2]
        for layer in layers.layers if sweep % 2 == 0 else reversed(layers.layers):
            wanted = {n: _mean([place[m] for m in side[n]], place[n]) for n in layer}
            layer.sort(key=lambda n, wanted=wanted: (wanted[n], n))  # type: ignore[misc]
            for at, number in enumerate(layer):
                place[number] = float(at)


def _heights(layers: _Layers, heights: list[int]) -> dict[int, float]:
    """The middle of each box and bend: near its neighbours, apart from the next in its layer."""
    sides = _neighbours(layers)
    middle: dict[int, float] = {}
    for layer in layers.layers:
        _stack(layer, dict.fromkeys(layer, 0.0), heights, middle)
    for sweep in range(_SWEEPS):
        side = sides[sweep % 2]
        for layer in layers.layers if sweep % 2 == 0 else reversed(layers.layers):
            wanted = {n: _mean([middle[m] for m in side[n]], middle[n]) for n in layer}
            _stack(layer, wanted, heights, middle)
    top = min((middle[n] - heights[n] / 2 for n in middle), default=0)
    return {number: at - top for number, at in middle.items()}


def _stack(
    layer: list[int], wanted: dict[int, float], heights: list[int], middle: dict[int, float]
) -> None:
    """Place a layer in its order, no two overlapping, and on the whole where it wants to be."""
    if not layer:
        return
    placed: list[float] = []
    for at, number in enumerate(layer):
        least = wanted[number]
        if at:
            last = layer[at - 1]
            gap = BETWEEN_BOXES if heights[last] and heights[number] else BETWEEN_BENDS
            least = max(least, placed[-1] + (heights[last] + heights[number]) / 2 + gap)
        placed.append(least)
    shift = sum(at - wanted[n] for at, n in zip(placed, layer, strict=True)) / len(layer)
    for wished, number in zip(placed, layer, strict=True):
        middle[number] = wished - shift


def _mean(values: list[float], otherwise: float) -> float:
    return sum(values) / len(values) if values else otherwise

"""A picture as lines of text, for a terminal (树形文本)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator

from ledger.lineage.pictures.picture import Arrow, Box, Picture

_TURN, _LAST, _DOWN, _GAP = "├─ ", "└─ ", "│  ", "   "
Label = Callable[[Box], str]


def tree(picture: Picture, label: Label, language: str = "en") -> Iterator[str]:
    """One line a box, below its roots. What is reached again is not repeated but referred to: ``↑2`` is the box
    marked ``[2]`` above, ``↺2`` the same where it closes a cycle (环).
    """
    drawing = _Drawing(picture, label, language)
    for root in picture.roots:
        if root not in drawing.shown:
            yield from drawing.below(root)


class _Drawing:
    """What was shown already, and the marks by which it is referred to."""

    def __init__(self, picture: Picture, label: Label, language: str) -> None:
        self._picture = picture
        self._label = label
        self._language = language
        self._beyond = _beyond(picture)
        self._marks = _marks(picture, self._beyond)
        self.shown: set[int] = set()

    def below(self, root: int) -> Iterator[str]:
        """A root and what lies below it; a stack of our own, for chains are longer than Python's."""
        yield self._text(root)
        self.shown.add(root)
        above = [root]
        waiting = [list(reversed(self._beyond[root].items()))]
        while waiting:
            if not waiting[-1]:
                waiting.pop()
                above.pop()
                continue
            number, arrows = waiting[-1].pop()
            indent = "".join(_DOWN if left else _GAP for left in waiting[:-1])
            head = indent + (_TURN if waiting[-1] else _LAST)
            said = self._said(arrows)
            if number in self.shown:
                sign = "↺" if number in above else "↑"
                yield f"{head}{sign}{self._marks[number]}{said}"
                continue
            self.shown.add(number)
            yield f"{head}{self._text(number)}{said}"
            above.append(number)
            waiting.append(list(reversed(self._beyond[number].items())))

    def _text(self, number: int) -> str:
        mark = f"[{self._marks[number]}] " if number in self._marks else ""
        return mark + self._label(self._picture.boxes[number])

    def _said(self, arrows: list[Arrow]) -> str:
        told = dict.fromkeys(arrow.said(self._language) for arrow in arrows)
        said = "; ".join(one for one in told if one)
        return f"  ({said})" if said else ""


def _beyond(picture: Picture) -> dict[int, dict[int, list[Arrow]]]:
    """What comes next, seen from the roots, and by which arrows."""
    found: dict[int, dict[int, list[Arrow]]] = defaultdict(dict)
    for arrow in picture.arrows:
        here, there = arrow.target, arrow.source
        if not picture.upstream:
            here, there = there, here
        found[here].setdefault(there, []).append(arrow)
    return defaultdict(dict, {here: dict(sorted(each.items())) for here, each in found.items()})


def _marks(picture: Picture, beyond: dict[int, dict[int, list[Arrow]]]) -> dict[int, int]:
    """Numbers for the boxes that are reached more than once, in their order."""
    times: dict[int, int] = defaultdict(int)
    for root in picture.roots:
        times[root] += 1
    reached, waiting = set(picture.roots), list(picture.roots)
    while waiting:
        for there in beyond[waiting.pop()]:
            times[there] += 1
            if there not in reached:
                reached.add(there)
                waiting.append(there)
    often = sorted(box for box, count in times.items() if count > 1)
    return {box: number for number, box in enumerate(often, 1)}

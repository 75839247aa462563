"""Walking from column to column (数据项血缘), level by level, each column once.

What :mod:`ledger.lineage.search` says of levels, pages and entries holds here too. An empty field is a whole
data set: whatever comes from the whole comes from each of its columns, and whatever decides over the whole (a
filter, a join) decides over each of them. Crossing between an entry and its data sets goes from a column to the
one of the same name, or to the item's other name (数据项的中英文名称); a column that was only guessed so counts if an
edge begins there.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from sqlalchemy import select

from ledger.catalogue import queries as catalogue
from ledger.lineage.ahead import Way
from ledger.lineage.identity import ENTRY_NAMESPACE
from ledger.lineage.reading import Reader, entry_number

Place = tuple[int, str]
"""A data set's number and a field, empty for the whole."""


class ColumnFlow(NamedTuple):
    """An edge of a column walk, from input to output; ``job`` 0 for a tie between data set and entry."""

    input: int
    input_field: str
    output: int
    output_field: str
    job: int
    kind: str
    subtype: str
    masking: bool
    pos: int | None
    leaf: int | None

    @property
    def source(self) -> Place:
        return self.input, self.input_field

    @property
    def target(self) -> Place:
        return self.output, self.output_field


class ColumnPage:
    """Columns and edges in the order of the walk; kept are those of one page, from ``skip`` to before ``end``."""

    def __init__(self, skip: int, end: int) -> None:
        self.skip = skip
        self.end = end
        self.depths: dict[Place, int] = {}
        self.flows: dict[ColumnFlow, int] = {}
        """Every edge so far, with the level at which it was found."""
        self.full = False
        self.doubtful = False
        """Whether an edge led back to a column that had its turn: there may be a cycle."""
        self._first = 0

    def column(self, place: Place, depth: int) -> bool:
        """Take a column; False where the page is full."""
        if place in self.depths:
            return True
        if len(self.depths) >= self.end:
            self.full = True
            return False
        if len(self.depths) == self.skip:
            self._first = len(self.flows)
        self.depths[place] = depth
        return True

    def columns(self) -> list[tuple[Place, int]]:
        """The columns of the page, with their depths."""
        return list(self.depths.items())[self.skip :]

    def own_flows(self) -> list[tuple[ColumnFlow, int]]:
        """The edges of the page, with their levels."""
        return list(self.flows.items())[self._first :] if len(self.depths) > self.skip else []


class ColumnSearch:
    """One search from some columns, in some ways; :meth:`step` goes one level further."""

    def __init__(self, reader: Reader, page: ColumnPage, ways: tuple[Way, ...]) -> None:
        self._reader = reader
        self._page = page
        self._ways = ways
        self._visited: set[Place] = set()
        self._direct: set[Place] = set()
        """Those of them that an edge led to; the others were guessed."""
        self._tried: set[Place] = set()
        self._turned: set[int] = set()
        """Columns from which edges were read, and their data sets."""
        self._guessed: dict[Place, dict[Place, int]] = {}
        """Columns that are one with a visited column, if an edge begins there: with that and the rule's leaf."""
        self._frontier: list[Place] = []

    @property
    def done(self) -> bool:
        return not self._frontier

    def begin(self, starts: Sequence[Place]) -> None:
        """Start from columns, which the page has already."""
        self._visited.update(starts)
        self._direct.update(starts)
        self._frontier = list(starts)

    def step(self, depth: int) -> None:
        """Reach the columns that are ``depth`` jobs away."""
        guesses = self._guess(self._frontier)
        nears = dict.fromkeys(
            (*self._frontier, *(one for one in guesses if one not in self._tried))
        )
        self._tried.update(nears)
        self._turned.update(dataset for dataset, _ in nears)
        self._frontier = []
        for way in self._ways:
            for near, far, flow in self._expand(list(nears), way):
                if not (self._arrive(near, depth - 1) and self._reach(far, depth)):
                    return
                self._page.flows.setdefault(flow, depth)

    def _arrive(self, near: Sequence[Place], depth: int) -> bool:
        """Let guessed columns count, because an edge begins there; False where the page is full."""
        for place in near:
            told = self._guessed.pop(place, None)
            if told is None:
                continue
            if not self._page.column(place, depth):
                return False
            self._visited.add(place)
            for other, leaf in told.items():
                self._tie(other, place, leaf, depth)
        return True

    def _reach(self, far: Place, depth: int) -> bool:
        if far not in self._visited:
            if not self._page.column(far, depth):
                return False
            self._visited.add(far)
            self._guessed.pop(far, None)
        if far[0] in self._turned:
            self._page.doubtful = True
        if far not in self._direct:
            self._direct.add(far)
            self._frontier.append(far)
        return True

    def _expand(
        self, nears: Sequence[Place], way: Way
    ) -> Iterator[tuple[list[Place], Place, ColumnFlow]]:
        """Edges from these columns: which of them each begins at, its far end, and itself."""
        fields: dict[int, set[str]] = {}
        for dataset, field in nears:
            fields.setdefault(dataset, set()).add(field)
        back = way == "upstream"
        for row in self._reader.column_edges(fields, upstream=back):
            flow = ColumnFlow(*row)
            near, far = (flow.target, flow.source) if back else (flow.source, flow.target)
            known = fields[near[0]]
            if near[1]:
                begins = [(near[0], one) for one in (near[1], "") if one in known]
            else:
                begins = [(near[0], one) for one in sorted(known)]
            if begins:
                yield begins, far, flow

    def _guess(self, places: Sequence[Place]) -> Iterable[Place]:
        """Columns that are one with these: of the entry, or of its data sets."""
        reader = self._reader
        if not reader.crosses:
            return ()
        names = reader.names({dataset for dataset, _ in places})
        pairs: list[tuple[Place, int, str, int]] = []
        datasets = dict.fromkeys(dataset for dataset, _ in places)
        entries = {one: names[one][1] for one in datasets if names[one][0] == ENTRY_NAMESPACE}
        rules = {one: reader.rule_of(one) for one in datasets if one not in entries}
        for place in places:
            belongs = rules.get(place[0])
            if belongs is not None:
                told = (entry_number(belongs.entry), belongs.entry, belongs.leaf_from)
                pairs.append((place, *told))
        members = reader.members(entries.values()) if entries else {}
        for place in places:
            code = entries.get(place[0])
            for dataset, rule in members.get(code, ()) if code is not None else ():
                pairs.append((place, dataset, rule.entry, rule.leaf_from))
        others = other_names(reader, {code for _, _, code, _ in pairs})
        found: dict[Place, None] = {}
        for place, dataset, code, leaf in pairs:
            for field in (place[1], *others.get(code, {}).get(place[1], ())):
                guess = (dataset, field)
                found[guess] = None
                if guess in self._visited:
                    self._page.doubtful = True
                    self._tie(place, guess, leaf, self._page.depths[place])
                else:
                    self._guessed.setdefault(guess, {})[place] = leaf
        return found

    def _tie(self, near: Place, far: Place, leaf: int, depth: int) -> None:
        source, target = (far, near) if self._ways[0] == "upstream" else (near, far)
        if _tied(target, source, leaf) not in self._page.flows:
            self._page.flows.setdefault(_tied(source, target, leaf), depth)


def _tied(source: Place, target: Place, leaf: int) -> ColumnFlow:
    return ColumnFlow(
        *source, *target, job=0, kind="RULE", subtype="", masking=False, pos=None, leaf=leaf
    )


def other_names(reader: Reader, entries: Iterable[str]) -> dict[str, dict[str, dict[str, None]]]:
    """Entry -> what an item's Chinese or English name is in the other language, in any edition."""
    listed = sorted(set(entries))
    found: dict[str, dict[str, dict[str, None]]] = {}
    items = catalogue.items_at(reader.held).subquery()
    for first in range(0, len(listed), 500):
        some = items.c.code.in_(listed[first : first + 500])
        for code, name, name_en in reader.conn.execute(
            select(items.c.code, items.c.name, items.c.name_en).where(some)
        ):
            if name and name_en and name != name_en:
                found.setdefault(code, {}).setdefault(name, {})[name_en] = None
                found[code].setdefault(name_en, {})[name] = None
    return found

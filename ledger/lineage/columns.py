"""Questions about columns (数据项血缘): what a column is made of, and what is made of it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from itertools import pairwise

from sqlalchemy import Connection

from ledger.lineage.column_search import ColumnFlow, ColumnPage, ColumnSearch, Place, other_names
from ledger.lineage.continuation import Continuation, read_continuation, write_continuation
from ledger.lineage.cycles import cycles
from ledger.lineage.description import described
from ledger.lineage.limits import DEFAULT_CAP, check_cap, opened, standing
from ledger.lineage.reading import Reader
from ledger.lineage.search import WAYS
from ledger.lineage.walks import Column, ColumnEdge, ColumnWalk, Direction


def columns(
    conn: Connection,
    starts: Sequence[Place],
    *,
    direction: Direction,
    depth: int,
    as_of: int | None = None,
    kinds: Collection[str] | None = None,
    cap: int = DEFAULT_CAP,
    continuation: str | None = None,
) -> ColumnWalk:
    """What the columns ``starts`` (data set's number, field; empty: the whole) are made of, or what is made of
    them, up to ``depth`` jobs away.

    ``kinds``, ``cap`` (in columns) and ``continuation`` are those of :func:`ledger.lineage.graph.walk`.
    Raises :class:`~ledger.lineage.walks.LineageQueryError` alike.
    """
    check_cap(cap, depth)
    asked = [list(one) for one in starts]
    question = ["columns", asked, direction, depth, as_of, sorted(kinds or ()), kinds is None]
    at = None if continuation is None else read_continuation(continuation, question)
    reader = opened(conn, as_of, kinds, at)
    standing(reader, list(dict.fromkeys(dataset for dataset, _ in starts)))
    skip = at.skip if at else 0
    page = ColumnPage(skip, skip + cap)
    _search(reader, page, direction, depth, list(dict.fromkeys(starts)))
    flows = page.own_flows()
    shown = page.columns()
    first: dict[int, int] = {}
    for (dataset, _), level in page.depths.items():
        first.setdefault(dataset, level)
    depths = {dataset: first[dataset] for (dataset, _), _ in shown}
    jobs: set[int] = set()
    for flow, level in flows:
        depths.setdefault(flow.input, first[flow.input])
        depths.setdefault(flow.output, first[flow.output])
        if flow.job:
            jobs.add(flow.job)
            depths.setdefault(flow.job, level)
    followed = (
        write_continuation(Continuation(reader.size, reader.journal, skip + cap), question)
        if page.full
        else None
    )
    return ColumnWalk(
        starts=tuple(starts),
        direction=direction,
        as_of=as_of,
        journal=reader.journal,
        columns=tuple(Column(dataset, field, level) for (dataset, field), level in shown),
        nodes=tuple(described(reader, list(depths.items()), jobs, (), {})),
        edges=tuple(ColumnEdge(*flow) for flow, _ in flows),
        cycles=_cycles(reader, page) if page.doubtful else (),
        truncated=page.full,
        continuation=followed,
    )


def item_columns(
    conn: Connection, datasets: Sequence[int], code: str, item: str, as_of: int | None = None
) -> list[Place]:
    """Where an entry's item stands in its data sets: under its name, and under its name in the other language."""
    reader = Reader(conn, as_of)
    others = other_names(reader, [code]).get(code, {}).get(item, {})
    return [(dataset, field) for dataset in datasets for field in (item, *others)]


def _search(
    reader: Reader, page: ColumnPage, direction: Direction, depth: int, starts: Sequence[Place]
) -> None:
    for start in starts:
        if not page.column(start, 0):
            return
    searches = [ColumnSearch(reader, page, ways) for ways in WAYS[direction]]
    for search in searches:
        search.begin(starts)
    for level in range(1, depth + 1):
        for search in searches:
            search.step(level)
            if page.full:
                return
        if all(search.done for search in searches):
            return


def _cycles(reader: Reader, page: ColumnPage) -> tuple[tuple[Place, ...], ...]:
    """Cycles among all columns walked so far, those that an edge of this page belongs to.

    Entries, and data sets as wholes, have two doors: the third member tells the way in (0) from the way out (1).
    """
    fields: dict[int, list[str]] = {}
    for number, name in page.depths:
        fields.setdefault(number, []).append(name)

    def door(place: Place, *, out: bool) -> tuple[int, str, int]:
        split = not place[1] or reader.is_entry(place[0])
        return (*place, int(out and split))

    ways: list[tuple[tuple[int, str, int], tuple[int, str, int]]] = []
    for flow in page.flows:
        if flow.kind == "RULE":
            ends = (flow.source, flow.target)
            entry, dataset = ends if reader.is_entry(flow.input) else ends[::-1]
            ways += [
                (door(entry, out=False), door(dataset, out=False)),
                (door(dataset, out=True), door(entry, out=True)),
            ]
        else:
            ways.append((door(flow.source, out=True), door(flow.target, out=False)))
    wholes = {place for flow in page.flows for place in (flow.source, flow.target) if not place[1]}
    for whole in sorted(wholes):
        ways.append((door(whole, out=False), door(whole, out=True)))
        for field in filter(None, fields.get(whole[0], ())):
            column = (whole[0], field)
            ways += [
                (door(whole, out=False), door(column, out=False)),
                (door(column, out=True), door(whole, out=True)),
            ]
    entries = {place for place in page.depths if reader.is_entry(place[0])}
    ways += [(door(place, out=False), door(place, out=True)) for place in sorted(entries)]
    own = {ends for flow, _ in page.own_flows() for ends in _ends(flow)}
    told = []
    for closed in cycles(ways):
        plain = [(dataset, field) for dataset, field, _ in closed]
        walked = [place for at, place in enumerate(plain) if at == 0 or place != plain[at - 1]]
        if len(walked) > 1 and not own.isdisjoint(pairwise(walked)):
            told.append(tuple(walked))
    return tuple(told)


def _ends(flow: ColumnFlow) -> tuple[tuple[Place, Place], ...]:
    ends = (flow.source, flow.target)
    return (ends, ends[::-1]) if flow.kind == "RULE" else (ends,)

"""Questions about the graph of lineage (血缘图): what a table comes from, what it feeds, and by which way.

Every function takes a connection to the mirror. ``as_of`` is a size of the ledger, None for the present: what
declared steps and rules said by then, and the journal as it was anchored by then
(:func:`ledger.lineage.queries.journal_size`). How entries and their data sets are one, and what a level is,
stands in :mod:`ledger.lineage.search`.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from itertools import pairwise

from sqlalchemy import Connection

from ledger.lineage.columns import columns, item_columns
from ledger.lineage.continuation import (
    Continuation,
    moment_of,
    read_continuation,
    write_continuation,
)
from ledger.lineage.cycles import cycles
from ledger.lineage.description import described, edges_of
from ledger.lineage.identity import dataset_number, job_number
from ledger.lineage.limits import DEFAULT_CAP, check_cap, opened, standing
from ledger.lineage.paths import shortest
from ledger.lineage.reading import Reader, entry_number
from ledger.lineage.search import WAYS, Flow, Page, Search
from ledger.lineage.walks import (
    Column,
    ColumnEdge,
    ColumnWalk,
    Direction,
    Edge,
    LineageQueryError,
    Node,
    Walk,
)


def walk(
    conn: Connection,
    roots: Sequence[int],
    *,
    direction: Direction,
    depth: int,
    as_of: int | None = None,
    kinds: Collection[str] | None = None,
    cap: int = DEFAULT_CAP,
    continuation: str | None = None,
) -> Walk:
    """What ``roots`` (numbers of data sets and jobs) come from, or feed, up to ``depth`` jobs away.

    ``kinds`` are the kinds of edges to follow (:data:`ledger.lineage.reading.KINDS`), None for all. A page
    has at most ``cap`` nodes (1..100,000) and the edges that end on it: an edge stands on the page of that
    one of its ends which was reached later. ``continuation`` of the page before, with the same question,
    gives the page after. Raises :class:`LineageQueryError` for a root that is none at this moment, an
    impossible cap, depth or kind, and a continuation that does not belong here.
    """
    check_cap(cap, depth)
    question = ["walk", list(roots), direction, depth, as_of, sorted(kinds or ()), kinds is None]
    at = None if continuation is None else read_continuation(continuation, question)
    reader = opened(conn, as_of, kinds, at)
    skip = at.skip if at else 0
    page = Page(skip, skip + cap, repeats=direction in ("both", "around"))
    datasets, jobs = standing(reader, roots)
    _search(reader, page, direction, depth, (datasets, jobs))
    flows = page.own_flows()
    names = reader.runs(sorted({flow.run for flow in flows if flow.run is not None}))
    numbers = page.numbers()
    followed = (
        write_continuation(Continuation(reader.size, reader.journal, skip + cap), question)
        if page.full
        else None
    )
    return Walk(
        roots=tuple(roots),
        direction=direction,
        as_of=as_of,
        journal=reader.journal,
        nodes=tuple(
            described(reader, [(n, page.depths[n]) for n in numbers], page.jobs, flows, names)
        ),
        edges=tuple(edges_of(flows, names)),
        cycles=_cycles(reader, page) if page.doubtful else (),
        truncated=page.full,
        continuation=followed,
    )


def path(
    conn: Connection, a: Sequence[int], b: Sequence[int], *, as_of: int | None = None
) -> Walk | None:
    """A shortest way along the flow from one of ``a`` to one of ``b``; None where there is none.

    Its nodes come in the order of the way, ``depth`` counts the jobs from the beginning. Raises
    :class:`LineageQueryError` for a number that is no data set or job at this moment.
    """
    reader = Reader(conn, as_of)
    for ends in (a, b):
        standing(reader, ends)
    found = shortest(reader, a, b)
    if found is None:
        return None
    places, flows = found
    names = reader.runs(sorted({flow.run for flow in flows if flow.run is not None}))
    _, jobs = reader.standing(places)
    depths = [(places[0], 0)]
    for number in places[1:]:
        before = depths[-1][1]
        depths.append((number, before + (number in jobs or (not before and places[0] in jobs))))
    return Walk(
        roots=(places[0],),
        direction="downstream",
        as_of=as_of,
        journal=reader.journal,
        nodes=tuple(described(reader, depths, jobs, flows, names)),
        edges=tuple(edges_of(flows, names)),
        cycles=(),
        truncated=False,
        continuation=None,
    )


def nodes_of_entry(
    conn: Connection, code: str, as_of: int | None = None, *, continuation: str | None = None
) -> list[int]:
    """The data sets that rules attribute to a catalogue entry, and its own where steps name it.

    Empty where nothing is known of it. With the ``continuation`` of a walk: as of that walk's moment.
    """
    reader = opened(conn, as_of, None, None if continuation is None else moment_of(continuation))
    return _of_entry(reader, code)


def resolve(
    conn: Connection, text: str, as_of: int | None = None, *, continuation: str | None = None
) -> list[int]:
    """The nodes that a text names: an entry's code, ``namespace:name``, ``dataset:…:…`` or ``job:…:…``.

    Names hold colons, so every place where the text may be divided is tried; more than one may fit. An
    entry's code comes first. Raises :class:`LineageQueryError` where nothing is known by this name.
    """
    reader = opened(conn, as_of, None, None if continuation is None else moment_of(continuation))
    kind, _, rest = text.partition(":")
    as_dataset, as_job = kind == "dataset", kind == "job"
    if not (as_dataset or as_job):
        found = _of_entry(reader, text)
        if found:
            return found
        rest = text
    pairs = [(rest[:at], rest[at + 1 :]) for at, sign in enumerate(rest) if sign == ":"]
    datasets = [] if as_job else [dataset_number(*pair) for pair in pairs]
    jobs = [] if as_dataset else [job_number(*pair) for pair in pairs]
    known_datasets, known_jobs = reader.standing([*datasets, *jobs])
    named = [n for n in datasets if n in known_datasets] or [n for n in jobs if n in known_jobs]
    if named:
        return named
    raise LineageQueryError(
        f"nothing in the lineage is called {text!r}",
        "give an entry's code, dataset:<namespace>:<name> or job:<namespace>:<name>",
        zh=f"血缘中没有 {text}",
        hint_zh="请给出目录代码、dataset:<命名空间>:<名称> 或 job:<命名空间>:<名称>",
    )


def _of_entry(reader: Reader, code: str) -> list[int]:
    own = entry_number(code)
    found = [number for number, _ in reader.members([code])[code]]
    return [own, *found] if own in reader.standing([own])[0] else found


def _search(
    reader: Reader,
    page: Page,
    direction: Direction,
    depth: int,
    roots: tuple[Sequence[int], Sequence[int]],
) -> None:
    datasets, jobs = roots
    for numbers, are_jobs in ((datasets, False), (jobs, True)):
        for number in numbers:
            if not page.node(number, 0, job=are_jobs):
                return
    searches = [Search(reader, page, ways, depth) for ways in WAYS[direction]]
    for search in searches:
        search.begin(datasets, jobs)
        if page.full:
            return
    for level in range(1, depth + 1):
        for search in searches:
            search.step(level)
            if page.full:
                return
        if all(search.done for search in searches):
            return


def _cycles(reader: Reader, page: Page) -> tuple[tuple[int, ...], ...]:
    """Cycles among everything walked so far, those that an edge of this page belongs to.

    An entry has two doors (:mod:`ledger.lineage.search`), told apart here by the sign: what is written to it
    arrives at ``number``, what is read from it leaves at ``~number``.
    """
    ties = [flow for flow in page.flows if flow.origin == "rule"]
    entries = {
        number for flow in ties for number in (flow.source, flow.target) if reader.is_entry(number)
    }

    ways = [
        (~source if source in entries else source, target)
        for source, target, origin, *_ in page.flows
        if origin != "rule"
    ]
    for source, target, *_ in ties:
        entry, dataset = (source, target) if source in entries else (target, source)
        ways += [(entry, dataset), (dataset, ~entry)]
    ways += [(entry, ~entry) for entry in sorted(entries)]
    own = {ends for flow in page.own_flows() for ends in _ends(flow)}
    told = []
    for closed in cycles(ways):
        plain = [number if number >= 0 else ~number for number in closed]
        walked = [number for at, number in enumerate(plain) if at == 0 or number != plain[at - 1]]
        if not own.isdisjoint(pairwise(walked)):
            told.append(tuple(walked))
    return tuple(told)


def _ends(flow: Flow) -> tuple[tuple[int, int], ...]:
    ends = (flow.source, flow.target)
    return (ends, ends[::-1]) if flow.origin == "rule" else (ends,)


__all__ = [
    "Column",
    "ColumnEdge",
    "ColumnWalk",
    "Direction",
    "Edge",
    "LineageQueryError",
    "Node",
    "Walk",
    "columns",
    "item_columns",
    "nodes_of_entry",
    "path",
    "resolve",
    "walk",
]

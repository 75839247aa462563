"""Which deliveries hang on the graph of lineage (血缘图上的交付): of its entries, and what a run read or wrote.

*Of an entry*: the newest delivery at the moment of the walk.

*What a job read*, where the data set belongs to an entry: what its newest run read that named the data set.
A run may name the delivery: the ``datasetVersion`` of the
OpenLineage facet ``version`` is ``delivery:<number>``, or the root of its rows (64 hex digits, with or without
``0x``). Where it names none, the newest delivery that was on the ledger when the event says that the run read.

*What a job wrote*: only what it names, since a delivery follows on the run and not the other way.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Literal, NamedTuple

import msgspec
from sqlalchemy import Connection

from ledger.deliveries import standing
from ledger.deliveries.answers import Delivery
from ledger.lineage.models import INPUT, OUTPUT
from ledger.lineage.reading import End, Reader, RunSaid
from ledger.lineage.walks import Edge, Walk

How = Literal["number", "root", "time"]
_MICROSECONDS = 1_000_000
_NUMBER = re.compile(r"delivery:([1-9][0-9]{0,17})")
_ROOT = re.compile(r"(?:0x)?([0-9a-fA-F]{64})")


class Hung(msgspec.Struct, frozen=True):
    """A delivery that a run read or wrote, and what tells so: its number, its root, or the time alone.

    ``run`` is the run's UUID.
    """

    delivery: Delivery
    how: How
    run: str


class _Said(NamedTuple):
    entry: str
    reads: bool
    run: RunSaid
    version: str


def deliveries_of(
    conn: Connection, entries: Iterable[str], as_of: int | None = None
) -> dict[str, Delivery]:
    """The newest delivery of each entry; those without one are left out."""
    return standing.newest(conn, set(entries), as_of)


def hung(
    conn: Connection, walk: Walk, entries: Mapping[int, str], as_of: int | None = None
) -> dict[Edge, Hung]:
    """The deliveries that the runs of a walk read or wrote, by edge.

    ``entries`` are the entries of data sets by number; ``as_of`` is the ledger size that deliveries are of.
    """
    said = _said(conn, walk, entries)
    numbers = {
        edge: (one.entry, int(found[1]))
        for edge, one in said.items()
        if (found := _NUMBER.fullmatch(one.version))
    }
    roots = {
        edge: (one.entry, bytes.fromhex(found[1]))
        for edge, one in said.items()
        if (found := _ROOT.fullmatch(one.version))
    }
    told: dict[Edge, tuple[Delivery, How]] = {}
    by_number = standing.numbered(conn, set(numbers.values()), as_of)
    for edge, number in numbers.items():
        if number in by_number:
            told[edge] = (by_number[number], "number")
    by_root = standing.with_roots(conn, set(roots.values()), as_of)
    for edge, root in roots.items():
        if root in by_root:
            told[edge] = (by_root[root], "root")
    moments = {
        edge: (one.entry, one.run.said_at // _MICROSECONDS)
        for edge, one in said.items()
        if one.reads and edge not in told
    }
    by_time = standing.newest_at(conn, set(moments.values()), as_of)
    for edge, moment in moments.items():
        if moment in by_time:
            told[edge] = (by_time[moment], "time")
    return {edge: Hung(delivery, how, said[edge].run.run) for edge, (delivery, how) in told.items()}


def _said(conn: Connection, walk: Walk, entries: Mapping[int, str]) -> dict[Edge, _Said]:
    """What the newest runs said of the data sets of entries, by edge."""
    ends: dict[Edge, End] = {}
    for edge in walk.edges:
        if edge.origin == "run" and edge.source in entries:
            ends[edge] = (edge.target, INPUT, edge.source)
        elif edge.origin == "run" and edge.target in entries:
            ends[edge] = (edge.source, OUTPUT, edge.target)
    runs = Reader(conn, walk.as_of, journal=walk.journal).newest_runs(list(ends.values()))
    return {
        edge: _Said(entries[end[2]], end[1] == INPUT, run, (run.version or "").strip())
        for edge, end in ends.items()
        if (run := runs.get(end)) is not None
    }

"""Stale and broken chains (链路陈旧、断链).

*Stale*: a table of a shared library (综合库、主题库、专题库) was last made or delivered before the last delivery of a
source that it derives from. *Broken*: jobs go on with data sets of an entry that was revoked or is unknown, or name
a column whose item a later edition of its entry dropped.

Latest deliveries are sent along the flow, the latest first, each node taking the first two of different entries:
two, because what an entry's own deliveries say of itself must not hide what comes from others.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec
from sqlalchemy import Connection, and_, func, select

from ledger.catalogue import queries as catalogue
from ledger.codes import EntryState
from ledger.deliveries import queries as deliveries
from ledger.lineage.findings.composition import SHARED_LIBRARIES
from ledger.lineage.findings.hops import Hops
from ledger.lineage.findings.picture import Picture, before, holding
from ledger.lineage.models import COLUMN_EDGES, COLUMN_SETS, OUTPUT, RUN_IO, RUNS, STEP_COLUMNS
from ledger.store.ranged import held

_KEPT = 2
_CHUNK = 500
_MICROSECONDS = 1_000_000


class Stale(msgspec.Struct, frozen=True):
    """An entry that is older than a source of it. Times in Unix seconds."""

    entry: str
    made: int
    source: str
    delivered: int
    leaf: int
    """Of the source's delivery."""
    path: tuple[tuple[str, int], ...]


class BrokenItem(msgspec.Struct, frozen=True):
    """A column that lineage names, of an item that the entry had up to ``edition`` and has no more."""

    entry: str
    dataset: int
    item: str
    edition: int


class BrokenEntry(msgspec.Struct, frozen=True):
    """Data sets in use whose entry was revoked, or is not in the catalogue."""

    entry: str
    dataset: int
    known: bool
    jobs: int


def stale(connection: Connection, picture: Picture, hops: Hops) -> list[Stale]:
    """Entries of shared libraries older than a source, by code; those of which nothing tells when they were made
    cannot be judged, and are left out.
    """
    delivered = _delivered(connection, picture)
    made = {code: time for code, (time, _) in delivered.items()}
    for code, time in _ran(connection, picture).items():
        made[code] = max(time, made.get(code, time))
    came = _Latest(picture, hops, delivered)
    found: dict[str, Stale] = {}
    for node, number in enumerate(hops.datasets):
        entry = picture.registered(number)
        if entry is None or entry.library not in SHARED_LIBRARIES or entry.code not in made:
            continue
        for source in came.at[node]:
            time, leaf = delivered[source]
            if source == entry.code or time <= made[entry.code]:
                continue
            path = came.path(node, source)
            one = Stale(entry.code, made[entry.code], source, time, leaf, path)
            before_it = found.get(entry.code)
            if before_it is None or _order(one) < _order(before_it):
                found[entry.code] = one
    return [found[code] for code in sorted(found)]


def _order(one: Stale) -> tuple[int, int, str]:
    return (-one.delivered, len(one.path), one.source)


class _Latest:
    """At each node the entries with the latest deliveries upstream, and whence each came."""

    def __init__(
        self, picture: Picture, hops: Hops, delivered: Mapping[str, tuple[int, int]]
    ) -> None:
        self._hops = hops
        self.at: list[dict[str, int]] = [{} for _ in range(hops.size)]
        """Node -> entry -> the node before, itself where it begins."""
        place = {number: node for node, number in enumerate(hops.datasets)}
        for source in sorted(delivered, key=lambda code: (-delivered[code][0], code)):
            self._send(source, [place[one] for one in picture.by_entry.get(source, [])])

    def _send(self, source: str, starts: Iterable[int]) -> None:
        front = []
        for node in starts:
            # An entry's own word is kept beside the two.
            self.at[node][source] = node
            front.append(node)
        first, heads = self._hops.first, self._hops.heads
        while front:
            ahead = []
            for node in front:
                for head in heads[first[node] : first[node + 1]].tolist():
                    known = self.at[head]
                    if source not in known and len(known) < _KEPT:
                        known[source] = node
                        ahead.append(head)
            front = ahead

    def path(self, node: int, source: str) -> tuple[tuple[str, int], ...]:
        found = [self._hops.about[node]]
        while (came := self.at[node][source]) != node:
            node = came
            found.append(self._hops.about[node])
        return tuple(reversed(found))


def _delivered(connection: Connection, picture: Picture) -> dict[str, tuple[int, int]]:
    """Entry -> when its last delivery was recorded, and by which leaf."""
    told = deliveries.deliveries_at(picture.as_of).subquery()
    newest = select(told.c.entry, func.max(told.c.leaf).label("leaf")).group_by(told.c.entry)
    last = newest.subquery()
    asked = select(told.c.entry, told.c.recorded_at, told.c.leaf).join(
        last, and_(last.c.entry == told.c.entry, last.c.leaf == told.c.leaf)
    )
    return {row.entry: (row.recorded_at, row.leaf) for row in connection.execute(asked)}


def _ran(connection: Connection, picture: Picture) -> dict[str, int]:
    """Entry -> when the last run that completed wrote one of its data sets, Unix seconds."""
    asked = (
        select(RUN_IO.c.dataset_id, func.max(RUNS.c.ended_at))
        .join(RUNS, RUNS.c.id == RUN_IO.c.run)
        .where(
            RUN_IO.c.direction == OUTPUT,
            RUNS.c.state == "COMPLETE",
            before(RUN_IO, picture.journal),
            *([] if picture.journal is None else [RUNS.c.ended_pos < picture.journal]),
        )
        .group_by(RUN_IO.c.dataset_id)
    )
    found: dict[str, int] = {}
    for dataset, ended in connection.execute(asked):
        if dataset in picture.datasets and (code := picture.entry_of(dataset)) is not None:
            found[code] = max(ended // _MICROSECONDS, found.get(code, 0))
    return found


def broken_entries(picture: Picture) -> list[BrokenEntry]:
    """Entries that are gone, or never were, and whose data sets are in use, by code: the most used of each."""
    found = []
    for code in sorted(picture.by_entry):
        entry = picture.entries.get(code)
        if entry is not None and entry.state != EntryState.REVOKED.value:
            continue
        numbers = picture.by_entry[code]
        jobs = {
            job
            for number in numbers
            for job in (*picture.readers.get(number, []), *picture.writers.get(number, []))
        }
        found.append(BrokenEntry(code, numbers[0], entry is not None, len(jobs)))
    return found


def broken_items(connection: Connection, picture: Picture) -> list[BrokenItem]:
    """Columns that lineage names and whose items are gone, by entry, data set and item."""
    named = _columns(connection, picture)
    wanted: dict[str, list[tuple[int, str]]] = {}
    for number, column in sorted(named):
        entry = picture.registered(number) if number in picture.datasets else None
        if entry is not None:
            wanted.setdefault(entry.code, []).append((number, column))
    if not wanted:
        return []
    items = _items(connection, picture, wanted)
    found = []
    for code, columns in sorted(wanted.items()):
        entry = picture.entries[code]
        for number, column in columns:
            editions = items.get((code, column.casefold()), set())
            if editions and entry.edition not in editions and max(editions) < entry.edition:
                found.append(BrokenItem(code, number, column, max(editions)))
    return found


def _items(
    connection: Connection, picture: Picture, wanted: Mapping[str, object]
) -> dict[tuple[str, str], set[int]]:
    """Entry and name of an item, in either language -> the editions that have it."""
    found: dict[tuple[str, str], set[int]] = {}
    told = catalogue.items_at(picture.as_of)
    codes = sorted(wanted)
    for at in range(0, len(codes), _CHUNK):
        some = told.where(told.selected_columns["code"].in_(codes[at : at + _CHUNK]))
        for row in connection.execute(some):
            for name in (row.name, row.name_en):
                if name:
                    found.setdefault((row.code, name.casefold()), set()).add(row.edition)
    return found


def _columns(connection: Connection, picture: Picture) -> set[tuple[int, str]]:
    """Data set and column, of all that column lineage in force names."""
    told = select(COLUMN_SETS.c.output_id, COLUMN_EDGES).join(
        COLUMN_EDGES, COLUMN_EDGES.c.set_id == COLUMN_SETS.c.set_id
    )
    declared = select(STEP_COLUMNS).where(held(STEP_COLUMNS, picture.as_of))
    found: set[tuple[int, str]] = set()
    for asked in (told.where(holding(COLUMN_SETS, picture.journal)), declared):
        for row in connection.execute(asked):
            found |= {(row.output_id, row.output_field), (row.input_id, row.input_field)}
    return {(number, column) for number, column in found if column}

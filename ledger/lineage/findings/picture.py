"""All that findings look at, read in a handful of queries (血缘全貌): edges that hold, rules, entries.

Data sets, jobs and edges stand in the order of their names, so that whatever follows is the same on every
database and in every run.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Connection, Table, and_, or_, select, true

from ledger.catalogue import queries as catalogue
from ledger.codes import ShareType
from ledger.lineage import queries
from ledger.lineage.attribution import Rule
from ledger.lineage.identity import ENTRY_NAMESPACE, dataset_number
from ledger.lineage.models import DATASETS, EDGES, INPUT, JOBS, STEP_EDGES, STEPS
from ledger.lineage.projection import STEP_NAMESPACE
from ledger.organisations import queries as organisations
from ledger.store.ranged import held

Names = tuple[str, str]
"""Namespace and name."""


class Entry(msgspec.Struct, frozen=True):
    """A catalogue entry as far as lineage asks; ``share`` 1 (shared with all) to 3, 0 where not stated."""

    code: str
    leaf: int
    state: str
    edition: int
    in_force: bool
    name: str | None
    provider: str
    library: str | None
    grade: int
    """1 to 4, 0 where not stated."""
    share: int


class End(msgspec.Struct, frozen=True):
    """What a step reads or writes: a data set, or an entry with all that belongs to it."""

    dataset: int
    entry: str | None


class Deidentification(msgspec.Struct, frozen=True):
    """A declared step that de-identifies (去标识化): what it takes away holds from each input to each output."""

    code: str
    job: int
    inputs: tuple[End, ...]
    outputs: tuple[End, ...]
    before: int | None
    """The highest grade that it says to take in; null: any."""
    after: int
    """The grade of what comes out."""


@dataclass(frozen=True)
class Picture:
    """Edges that hold at ``as_of`` (None: now), by the numbers of :mod:`ledger.lineage.identity`."""

    as_of: int | None
    journal: int | None
    datasets: Mapping[int, Names]
    jobs: Mapping[int, Names]
    reads: Sequence[tuple[int, int]]
    """Job, data set; each pair once, in the order of names."""
    writes: Sequence[tuple[int, int]]
    rules: Mapping[int, Rule]
    """The rule that counts for a data set, where one does."""
    entries: Mapping[str, Entry]
    step_leaves: Mapping[int, int]
    """Job of a declared step in force -> the statement's leaf."""
    step_organisations: Mapping[int, str]
    deidentified: Sequence[Deidentification] = field(default=())

    def entry_of(self, dataset: int) -> str | None:
        """The code of the entry that a data set belongs to, whether the catalogue knows it or not."""
        namespace, name = self.datasets[dataset]
        if namespace == ENTRY_NAMESPACE:
            return name
        rule = self.rules.get(dataset)
        return None if rule is None else rule.entry

    def registered(self, dataset: int) -> Entry | None:
        """The entry that a data set belongs to, where the catalogue knows it."""
        code = self.entry_of(dataset)
        return None if code is None else self.entries.get(code)

    @cached_property
    def by_entry(self) -> dict[str, list[int]]:
        """Data sets of each entry, its own among them, in the order of names."""
        found: dict[str, list[int]] = {}
        for dataset in self.datasets:
            code = self.entry_of(dataset)
            if code is not None:
                found.setdefault(code, []).append(dataset)
        return found

    @cached_property
    def readers(self) -> dict[int, list[int]]:
        """Data set -> jobs that read it."""
        return _grouped((dataset, job) for job, dataset in self.reads)

    @cached_property
    def writers(self) -> dict[int, list[int]]:
        """Data set -> jobs that write it."""
        return _grouped((dataset, job) for job, dataset in self.writes)

    @cached_property
    def inputs(self) -> dict[int, list[int]]:
        """Job -> data sets that it reads."""
        return _grouped(self.reads)

    @cached_property
    def outputs(self) -> dict[int, list[int]]:
        """Job -> data sets that it writes."""
        return _grouped(self.writes)


def picture(connection: Connection, as_of: int | None = None) -> Picture:
    """Everything at a size of the ledger: of the journal what was anchored by then, or all (None)."""
    journal = queries.journal_size(connection, as_of)
    asked = select(EDGES.c.job_id, EDGES.c.direction, EDGES.c.dataset_id)
    edges = {
        (job, direction, dataset)
        for job, direction, dataset in connection.execute(
            asked.where(holding(EDGES, journal))
        ).fetchall()
    }
    names: dict[int, Names] = {}
    for row in connection.execute(select(STEP_EDGES).where(held(STEP_EDGES, as_of))):
        edges.add((row.job_id, row.direction, row.dataset_id))
        names[row.dataset_id] = (row.namespace, row.name)
    datasets = _named(connection, DATASETS, {dataset for _, _, dataset in edges}, names)
    steps = {
        row.job_id: row
        for row in connection.execute(
            select(STEPS).where(held(STEPS, as_of), STEPS.c.active).order_by(STEPS.c.code)
        )
    }
    codes = {job: (STEP_NAMESPACE, row.code) for job, row in steps.items()}
    jobs = _named(connection, JOBS, {job for job, _, _ in edges}, codes)
    numbers = (*jobs, *datasets)
    place = {number: at for at, number in enumerate(numbers)}
    ordered = sorted((place[job], place[dataset], direction) for job, direction, dataset in edges)
    attribution = queries.attribution(connection, as_of)
    found = ((number, attribution.rule_of(*name)) for number, name in datasets.items())
    speakers = organisations.names(
        connection, {bytes(row.organisation) for row in steps.values()}, as_of
    )
    return Picture(
        as_of=as_of,
        journal=journal,
        datasets=datasets,
        jobs=jobs,
        reads=[(numbers[a], numbers[b]) for a, b, direction in ordered if direction == INPUT],
        writes=[(numbers[a], numbers[b]) for a, b, direction in ordered if direction != INPUT],
        rules={number: rule for number, rule in found if rule is not None},
        entries=_entries(connection, as_of),
        step_leaves={job: row.leaf_from for job, row in steps.items()},
        step_organisations={
            job: name.code
            for job, row in steps.items()
            if (name := speakers.get(bytes(row.organisation)))
        },
        deidentified=_deidentified(connection, list(steps.values()), as_of),
    )


def holding(table: Table, journal: int | None) -> ColumnElement[bool]:
    """Which ranged rows hold at a size of the journal, None: now."""
    if journal is None:
        return table.c.pos_until.is_(None)
    until = or_(table.c.pos_until.is_(None), table.c.pos_until >= journal)
    return and_(table.c.pos_from < journal, until)


def before(table: Table, journal: int | None) -> ColumnElement[bool]:
    """Which rows with a ``pos`` come from entries before a size of the journal."""
    return true() if journal is None else table.c.pos < journal


def _named(
    connection: Connection, table: Table, wanted: set[int], known: Mapping[int, Names]
) -> dict[int, Names]:
    """Names of those wanted, in their order; ``known`` are names that the ledger itself says."""
    found = {number: name for number, name in known.items() if number in wanted}
    asked = select(table.c.id, table.c.namespace, table.c.name)
    for number, namespace, name in connection.execute(asked).fetchall():
        if number in wanted:
            found[number] = (namespace, name)
    return dict(sorted(found.items(), key=lambda one: one[1]))


def _entries(connection: Connection, as_of: int | None) -> dict[str, Entry]:
    shares = {code.value: code.number for code in ShareType}
    return {
        row.code: Entry(
            code=row.code,
            leaf=row.leaf,
            state=row.state,
            edition=row.edition,
            in_force=bool(row.in_force),
            name=row.name,
            provider=row.provider,
            library=row.library,
            grade=row.grade or 0,
            share=shares.get(row.share_type, 0),
        )
        for row in connection.execute(catalogue.classes_at(as_of))
    }


def _deidentified(
    connection: Connection, steps: Sequence[Any], as_of: int | None
) -> list[Deidentification]:
    told = {row.code: row for row in steps if row.deidentified}
    ends: dict[tuple[str, int], list[End]] = {}
    if told:
        asked = select(STEP_EDGES).where(held(STEP_EDGES, as_of))
        for row in connection.execute(asked.order_by(*STEP_EDGES.primary_key.columns)):
            ends.setdefault((row.code, row.direction), []).append(End(row.dataset_id, row.entry))
    found = []
    for code, row in told.items():
        how = json.loads(row.deidentification)
        found.append(
            Deidentification(
                code=code,
                job=row.job_id,
                inputs=tuple(ends.get((code, INPUT), ())),
                outputs=tuple(ends.get((code, 1 - INPUT), ())),
                before=how.get("grade_before"),
                after=how.get("grade_after") or 1,
            )
        )
    return found


def _grouped(pairs: Iterable[tuple[int, int]]) -> dict[int, list[int]]:
    found: dict[int, list[int]] = {}
    for of, one in pairs:
        if of in found:
            found[of].append(one)
        else:
            found[of] = [one]
    return found


def entry_number(code: str) -> int:
    """The number of the data set that an entry itself is."""
    return dataset_number(ENTRY_NAMESPACE, code)

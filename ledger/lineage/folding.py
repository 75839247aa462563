"""From events to edges, one event after another: which rows begin, which end (pure; no database).

A :class:`Shelf` holds the rows that a run of events may touch, as they stand before it; :func:`fold` changes
them. The rules stand in :mod:`ledger.lineage.models`. What holds in the end depends on the events and not on
the order in which they came; only positions do.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from ledger.lineage.models import INPUT, OUTPUT
from ledger.lineage.said import (
    DESIGNED,
    RAN,
    TERMINAL,
    Column,
    Columns,
    DatasetSaid,
    Facet,
    JobSaid,
    RunSaid,
    Said,
)

_RANKS = {"START": 0, "RUNNING": 1, "COMPLETE": 2, "ABORT": 3, "FAIL": 4}


@dataclass(slots=True)
class Job:
    """A job's row."""

    id: int
    namespace: str
    name: str
    first_pos: int
    completed_at: int | None = None
    completed_run: int | None = None
    inputs_at: int | None = None
    outputs_at: int | None = None
    is_new: bool = True
    changed: bool = False

    @classmethod
    def kept(cls, row: Sequence[Any]) -> Job:
        """A job that has a row."""
        job = cls(*row)
        job.is_new = False
        return job


@dataclass(slots=True)
class Run:
    """A run's row, and the data sets that its events named: (direction, data set)."""

    id: int
    run_id: str
    job_id: int
    first_pos: int
    last_pos: int
    event_at: int
    organisation: str | None = None
    state: str | None = None
    state_at: int | None = None
    started_at: int | None = None
    ended_at: int | None = None
    ended_pos: int | None = None
    nominal_start: str | None = None
    nominal_end: str | None = None
    parent_run: str | None = None
    parent_namespace: str | None = None
    parent_name: str | None = None
    named: set[tuple[int, int]] = field(default_factory=set)
    is_new: bool = True
    changed: bool = False

    @classmethod
    def kept(cls, row: Mapping[str, Any]) -> Run:
        """A run that has a row."""
        run = cls(**row)
        run.is_new = False
        return run


@dataclass(slots=True)
class Edge:
    """An edge that holds, or that ended within this run of events."""

    job_id: int
    direction: int
    dataset_id: int
    source: str
    pos_from: int
    run: int | None
    named_at: int
    pos_until: int | None = None
    is_new: bool = True
    changed: bool = False

    @classmethod
    def kept(cls, row: Sequence[Any]) -> Edge:
        """An edge that has a row, and holds."""
        edge = cls(*row)
        edge.is_new = False
        return edge


@dataclass(slots=True)
class Ranged:
    """A facet or a set of columns that holds, or that ended within this run of events."""

    pos_from: int
    value: int | None
    said_at: int
    pos_until: int | None = None
    is_new: bool = True
    changed: bool = False

    @classmethod
    def kept(cls, row: Sequence[Any]) -> Ranged:
        """One that has a row, and holds."""
        ranged = cls(*row)
        ranged.is_new = False
        return ranged


class Named(NamedTuple):
    """A row of ``lineage_run_io``."""

    run: int
    direction: int
    dataset_id: int
    pos: int
    said_at: int
    version: str | None


class Dataset(NamedTuple):
    """A row of ``lineage_dataset``."""

    id: int
    namespace: str
    name: str
    first_pos: int


EdgeKey = tuple[int, int]
FacetKey = tuple[int, str]
ColumnsKey = tuple[int, int, str]


@dataclass
class Shelf:
    """The rows in reach: present ones as they stand, and what becomes of them."""

    jobs: dict[int, Job] = field(default_factory=dict)
    runs: dict[int, Run] = field(default_factory=dict)
    edges: dict[tuple[int, str], dict[EdgeKey, Edge]] = field(default_factory=dict)
    """Edges that hold, by job and source, then by direction and data set."""
    facets: dict[FacetKey, Ranged] = field(default_factory=dict)
    columns: dict[ColumnsKey, Ranged] = field(default_factory=dict)
    datasets: set[int] = field(default_factory=set)
    """Data sets that have a row."""
    values: set[int] = field(default_factory=set)
    """Facet values that have a row."""
    sets: set[int] = field(default_factory=set)
    """Sets of columns that have their edges."""

    new_datasets: list[Dataset] = field(default_factory=list)
    new_named: list[Named] = field(default_factory=list)
    new_values: list[tuple[int, str]] = field(default_factory=list)
    told: dict[int, list[Column]] = field(default_factory=dict)
    """The columns of sets that have no edges yet."""
    new_sets: list[tuple[int, list[Column]]] = field(default_factory=list)
    ended_edges: list[Edge] = field(default_factory=list)
    ended_facets: list[tuple[FacetKey, Ranged]] = field(default_factory=list)
    ended_columns: list[tuple[ColumnsKey, Ranged]] = field(default_factory=list)


def fold(shelf: Shelf, position: int, said: Said) -> None:
    """Let one event change the rows."""
    for dataset in said.datasets:
        _see_dataset(shelf, position, dataset.id, dataset.namespace, dataset.name)
        _see_facets(shelf, position, said.at, dataset.id, dataset.facets)
    if said.job is None:
        return
    job = _see_job(shelf, position, said.job)
    _see_facets(shelf, position, said.at, job.id, said.job.facets)
    if said.run is None:
        _design(shelf, position, said, job)
    else:
        _run(shelf, position, said, job, said.run)
    source = DESIGNED if said.run is None else RAN
    for dataset in said.datasets:
        if dataset.columns is not None:
            key = (job.id, dataset.id, source)
            _see_columns(shelf, position, said.at, key, dataset.columns)


def _see_dataset(shelf: Shelf, position: int, number: int, namespace: str, name: str) -> None:
    if number not in shelf.datasets:
        shelf.datasets.add(number)
        shelf.new_datasets.append(Dataset(number, namespace, name, position))


def _see_job(shelf: Shelf, position: int, said: JobSaid) -> Job:
    job = shelf.jobs.get(said.id)
    if job is None:
        job = shelf.jobs[said.id] = Job(said.id, said.namespace, said.name, position)
    return job


def _see_facets(shelf: Shelf, position: int, at: int, node: int, facets: tuple[Facet, ...]) -> None:
    for facet in facets:
        key = (node, facet.name)
        number = None if facet.value is None else facet.number
        present = shelf.facets.get(key)
        if facet.value is not None and facet.number not in shelf.values:
            shelf.values.add(facet.number)
            shelf.new_values.append((facet.number, facet.value))
        fresh = _supersede(present, position, at, number)
        if fresh is not None:
            if present is not None:
                shelf.ended_facets.append((key, present))
            shelf.facets[key] = fresh


def _see_columns(shelf: Shelf, position: int, at: int, key: ColumnsKey, columns: Columns) -> None:
    present = shelf.columns.get(key)
    fresh = _supersede(present, position, at, columns.number)
    if columns.number not in shelf.sets:
        shelf.sets.add(columns.number)
        told = shelf.told[columns.number]
        shelf.new_sets.append((columns.number, told))
        for one in told:
            _see_dataset(shelf, position, one.input_id, one.input_namespace, one.input_name)
    if fresh is not None:
        if present is not None:
            shelf.ended_columns.append((key, present))
        shelf.columns[key] = fresh


def _supersede(present: Ranged | None, position: int, at: int, value: int | None) -> Ranged | None:
    """What takes the place of ``present``, None where nothing does; the newest by event time holds."""
    if present is None:
        return Ranged(position, value, at)
    if at < present.said_at:
        return None
    if present.value == value:
        if at > present.said_at:
            present.said_at, present.changed = at, True
        return None
    if present.pos_from == position:
        # One event that names a data set twice: the later naming stands, in the same row.
        present.value, present.said_at, present.changed = value, at, True
        return None
    present.pos_until, present.changed = position, True
    return Ranged(position, value, at)


def _design(shelf: Shelf, position: int, said: Said, job: Job) -> None:
    """A JobEvent: what the newest one names holds, by direction; one that is silent changes nothing."""
    edges = shelf.edges.setdefault((job.id, DESIGNED), {})
    for direction, speaks, before in (
        (INPUT, said.names_inputs, job.inputs_at),
        (OUTPUT, said.names_outputs, job.outputs_at),
    ):
        if not speaks or (before is not None and said.at < before):
            continue
        if direction == INPUT:
            job.inputs_at = said.at
        else:
            job.outputs_at = said.at
        job.changed = True
        named = {one.id for one in said.datasets if one.direction == direction}
        for dataset in named:
            _hold(edges, Edge(job.id, direction, dataset, DESIGNED, position, None, said.at))
        for key in [key for key in edges if key[0] == direction and key[1] not in named]:
            _end(shelf, edges, key, position)


def _run(shelf: Shelf, position: int, said: Said, job: Job, told: RunSaid) -> None:
    run = _see_run(shelf, position, said, job, told)
    edges = shelf.edges.setdefault((job.id, RAN), {})
    newly_decided = _decide(job, run, said.at, told.state)
    for dataset in said.datasets:
        key = (dataset.direction, dataset.id)
        if key not in run.named:
            run.named.add(key)
            shelf.new_named.append(Named(run.id, *key, position, said.at, dataset.version))
        if key in edges or _counts(job, run, said.at):
            _hold(edges, Edge(job.id, *key, RAN, position, run.id, said.at))
    if not newly_decided or job.completed_at is None:
        return
    for key in run.named:
        _hold(edges, Edge(job.id, *key, RAN, position, run.id, job.completed_at))
    for key, edge in list(edges.items()):
        if key not in run.named and edge.named_at <= job.completed_at:
            _end(shelf, edges, key, position)


def _counts(job: Job, run: Run, at: int) -> bool:
    """Whether an edge that this run names at this time holds."""
    return job.completed_at is None or job.completed_run == run.id or at > job.completed_at


def _decide(job: Job, run: Run, at: int, state: str | None) -> bool:
    """Take a completion into account; True where another run decides now, or the same one later."""
    if state != "COMPLETE":
        return False
    before = (
        (-1 << 63, -1) if job.completed_at is None else (job.completed_at, job.completed_run or 0)
    )
    if (at, run.id) <= before:
        return False
    job.completed_at, job.completed_run, job.changed = at, run.id, True
    return True


def _see_run(shelf: Shelf, position: int, said: Said, job: Job, told: RunSaid) -> Run:
    run = shelf.runs.get(told.id)
    if run is None:
        run = shelf.runs[told.id] = Run(
            told.id, told.run_id, job.id, position, position, said.at, said.organisation
        )
    run.last_pos, run.changed = position, True
    run.event_at = max(run.event_at, said.at)
    if told.state == "START":
        run.started_at = said.at if run.started_at is None else min(run.started_at, said.at)
    if told.state in TERMINAL:
        run.ended_at = said.at if run.ended_at is None else max(run.ended_at, said.at)
        if run.ended_pos is None:
            run.ended_pos = position
    if told.state is not None and _order(told.state, said.at) > _order(run.state, run.state_at):
        run.state, run.state_at = told.state, said.at
    for name in ("nominal_start", "nominal_end", "parent_run", "parent_namespace", "parent_name"):
        value = getattr(told, name)
        # Of two events that differ the greater counts, so that order of arrival does not matter.
        if value is not None and value > (getattr(run, name) or ""):
            setattr(run, name, value)
    return run


def _order(state: str | None, at: int | None) -> tuple[bool, int, int]:
    """A run that ended has ended, whatever comes late; else the newest event counts."""
    if state is None or at is None:
        return (False, -1 << 63, -1)
    return (state in TERMINAL, at, _RANKS.get(state, -1))


def _hold(edges: dict[EdgeKey, Edge], named: Edge) -> None:
    """Let an edge hold as ``named`` says, from there or from before."""
    edge = edges.setdefault((named.direction, named.dataset_id), named)
    if named.named_at > edge.named_at:
        edge.named_at, edge.changed = named.named_at, True


def _end(shelf: Shelf, edges: dict[EdgeKey, Edge], key: EdgeKey, position: int) -> None:
    edge = edges.pop(key)
    edge.pos_until, edge.changed = position, True
    shelf.ended_edges.append(edge)


__all__ = [
    "Columns",
    "Dataset",
    "DatasetSaid",
    "Edge",
    "Job",
    "Named",
    "Ranged",
    "Run",
    "Shelf",
    "fold",
]

"""Loading and saving the rows that a run of events touches: sets at a time, never row by row."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from operator import attrgetter
from typing import Any, NamedTuple

from sqlalchemy import Connection, Table

from ledger.lineage.folding import Edge, Job, Ranged, Run, Shelf
from ledger.lineage.models import (
    COLUMN_EDGES,
    COLUMN_SETS,
    DATASETS,
    EDGES,
    FACET_VALUES,
    FACETS,
    JOBS,
    RUN_IO,
    RUNS,
)
from ledger.lineage.said import Columns, Facet, Said, columns_of
from ledger.store.bulk import insert_rows

_AT_ONCE = 5_000


class _Wanted:
    """The numbers of everything that some events name."""

    def __init__(self, events: Iterable[Said]) -> None:
        self.jobs: set[int] = set()
        self.runs: set[int] = set()
        self.nodes: set[int] = set()
        self.datasets: set[int] = set()
        self.values: set[int] = set()
        self.columns: dict[int, Columns] = {}
        for said in events:
            if said.job is not None:
                self.jobs.add(said.job.id)
                self._facets(said.job.id, said.job.facets)
            if said.run is not None:
                self.runs.add(said.run.id)
            for dataset in said.datasets:
                self.datasets.add(dataset.id)
                self._facets(dataset.id, dataset.facets)
                if dataset.columns is not None:
                    self.columns[dataset.columns.number] = dataset.columns

    def _facets(self, node: int, facets: Sequence[Facet]) -> None:
        if facets:
            self.nodes.add(node)
            self.values.update(facet.number for facet in facets)


def load(conn: Connection, events: Iterable[Said]) -> Shelf:
    """The rows that these events may touch."""
    wanted = _Wanted(events)
    shelf = Shelf()
    sets = _Among("set_id", wanted.columns)
    known_sets = _rows(conn, COLUMN_EDGES, ("set_id",), sets, "ordinal = 0")
    shelf.sets.update(row[0] for row in known_sets)
    for number in wanted.columns.keys() - shelf.sets:
        told = list(dict.fromkeys(columns_of(wanted.columns[number].raw)))
        shelf.told[number] = told
        wanted.datasets.update(column.input_id for column in told)
    for known, table, numbers in (
        (shelf.datasets, DATASETS, wanted.datasets),
        (shelf.values, FACET_VALUES, wanted.values),
    ):
        known.update(row[0] for row in _rows(conn, table, ("id",), _Among("id", numbers)))
    _load_acts(conn, shelf, wanted)
    _load_ranged(conn, shelf, wanted)
    return shelf


def _load_acts(conn: Connection, shelf: Shelf, wanted: _Wanted) -> None:
    jobs, runs = _Among("job_id", wanted.jobs), _Among("run", wanted.runs)
    for row in _rows(conn, JOBS, _JOB, _Among("id", wanted.jobs)):
        shelf.jobs[row[0]] = Job.kept(row)
    for row in _rows(conn, RUNS, _RUN, _Among("id", wanted.runs)):
        shelf.runs[row[0]] = Run.kept(dict(zip(_RUN, row, strict=True)))
    for run, direction, dataset in _rows(conn, RUN_IO, ("run", "direction", "dataset_id"), runs):
        shelf.runs[run].named.add((direction, dataset))
    for row in _rows(conn, EDGES, _EDGE, jobs, "pos_until IS NULL"):
        edge = Edge.kept(row)
        held = shelf.edges.setdefault((edge.job_id, edge.source), {})
        held[edge.direction, edge.dataset_id] = edge


def _load_ranged(conn: Connection, shelf: Shelf, wanted: _Wanted) -> None:
    nodes = _Among("node_id", wanted.nodes)
    for node, name, *rest in _rows(conn, FACETS, _FACET, nodes, "pos_until IS NULL"):
        shelf.facets[node, name] = Ranged.kept(rest)
    if wanted.columns:
        jobs = _Among("job_id", wanted.jobs)
        for job, output, source, *rest in _rows(
            conn, COLUMN_SETS, _COLUMNS, jobs, "pos_until IS NULL"
        ):
            shelf.columns[job, output, source] = Ranged.kept(rest)


def save(conn: Connection, shelf: Shelf) -> None:
    """Write what became of the rows."""
    insert_rows(conn, DATASETS, shelf.new_datasets)
    insert_rows(conn, FACET_VALUES, shelf.new_values)
    insert_rows(conn, COLUMN_EDGES, list(_column_rows(shelf)))
    insert_rows(conn, RUN_IO, shelf.new_named)
    insert_rows(conn, JOBS, [_job_values(job) for job in shelf.jobs.values() if job.is_new])
    insert_rows(conn, RUNS, [_run_values(run) for run in shelf.runs.values() if run.is_new])
    _update(
        conn,
        JOBS,
        _JOB_MOVES,
        ("id",),
        (j for j in shelf.jobs.values() if j.changed and not j.is_new),
    )
    _update(
        conn,
        RUNS,
        _RUN_MOVES,
        ("id",),
        (r for r in shelf.runs.values() if r.changed and not r.is_new),
    )
    edges = [*shelf.ended_edges, *(edge for held in shelf.edges.values() for edge in held.values())]
    moved = [edge for edge in edges if edge.changed and not edge.is_new]
    _update(conn, EDGES, ("named_at",), _EDGE_KEY, (e for e in moved if e.pos_until is None))
    _update(conn, EDGES, _MOVES, _EDGE_KEY, (e for e in moved if e.pos_until is not None))
    insert_rows(conn, EDGES, [_edge_values(edge) for edge in edges if edge.is_new])
    facets = [*shelf.ended_facets, *shelf.facets.items()]
    _save_ranged(conn, FACETS, ("node_id", "name"), facets)
    columns = [*shelf.ended_columns, *shelf.columns.items()]
    _save_ranged(conn, COLUMN_SETS, ("job_id", "output_id", "source"), columns)


def _values(table: Table) -> Callable[[object], tuple[Any, ...]]:
    """The values of a row, in the order of a table's columns."""
    return attrgetter(*(column.name for column in table.columns))


_JOB = (
    "id",
    "namespace",
    "name",
    "first_pos",
    "completed_at",
    "completed_run",
    "inputs_at",
    "outputs_at",
)
_JOB_MOVES = _JOB[4:]
_RUN = tuple(column.name for column in RUNS.columns)
_RUN_MOVES = tuple(
    name for name in _RUN if name not in {"id", "run_id", "job_id", "first_pos", "organisation"}
)
_EDGE = ("job_id", "direction", "dataset_id", "source", "pos_from", "run", "named_at")
_EDGE_KEY = ("job_id", "direction", "dataset_id", "source", "pos_from")
_MOVES = ("pos_until", "named_at")
"""Of an edge that ends; one that goes on is named anew, and no index of it needs to be written."""
_job_values, _run_values, _edge_values = _values(JOBS), _values(RUNS), _values(EDGES)
_FACET = ("node_id", "name", "pos_from", "value", "said_at")
_COLUMNS = ("job_id", "output_id", "source", "pos_from", "set_id", "said_at")


class _Among(NamedTuple):
    """A column, and the numbers it may have."""

    column: str
    numbers: Collection[int]


def _rows(
    conn: Connection, table: Table, columns: Sequence[str], among: _Among, also: str = ""
) -> Iterator[Sequence[Any]]:
    """``columns`` of a table's rows, as the driver gives them."""
    if not among.numbers:
        return
    also = f" AND {also}" if also else ""
    head = f"SELECT {', '.join(columns)} FROM {table.name} WHERE {among.column} "  # noqa: S608 - ours
    listed = sorted(among.numbers)
    if conn.dialect.name != "sqlite":
        yield from conn.exec_driver_sql(f"{head}= ANY(%s){also}", (listed,))
        return
    for first in range(0, len(listed), _AT_ONCE):
        some = listed[first : first + _AT_ONCE]
        marks = ", ".join(["?"] * len(some))
        yield from conn.exec_driver_sql(f"{head}IN ({marks}){also}", tuple(some))


def _update(
    conn: Connection, table: Table, moves: Sequence[str], key: Sequence[str], rows: Iterable[object]
) -> None:
    values = list(map(attrgetter(*moves, *key), rows))
    _execute_update(conn, table, moves, key, values)


def _execute_update(
    conn: Connection,
    table: Table,
    moves: Sequence[str],
    key: Sequence[str],
    values: list[tuple[Any, ...]],
) -> None:
    if not values:
        return
    mark = "?" if conn.dialect.name == "sqlite" else "%s"
    changes = ", ".join(f"{name} = {mark}" for name in moves)
    where = " AND ".join(f"{name} = {mark}" for name in key)
    conn.exec_driver_sql(f"UPDATE {table.name} SET {changes} WHERE {where}", values)  # noqa: S608


def _save_ranged(
    conn: Connection,
    table: Table,
    key: Sequence[str],
    rows: Iterable[tuple[tuple[Any, ...], Ranged]],
) -> None:
    fresh: list[tuple[Any, ...]] = []
    moved: list[tuple[Any, ...]] = []
    said_again: list[tuple[Any, ...]] = []
    for name, row in rows:
        if row.is_new:
            fresh.append((*name, row.pos_from, row.pos_until, row.value, row.said_at))
        elif row.changed and row.pos_until is not None:
            moved.append((row.pos_until, row.said_at, *name, row.pos_from))
        elif row.changed:  # of a row that is kept, and holds, only the time can have changed
            said_again.append((row.said_at, *name, row.pos_from))
    _execute_update(conn, table, ("said_at",), (*key, "pos_from"), said_again)
    _execute_update(conn, table, ("pos_until", "said_at"), (*key, "pos_from"), moved)
    insert_rows(conn, table, fresh)


def _column_rows(shelf: Shelf) -> Iterator[tuple[Any, ...]]:
    for number, told in shelf.new_sets:
        for ordinal, one in enumerate(told):
            yield (
                number,
                ordinal,
                one.output_field,
                one.input_id,
                one.input_field,
                one.kind,
                one.subtype,
                one.masking,
                one.description,
            )

"""A graph of lineage drawn straight into the tables, and what a walk over it must find, in plain Python."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from sqlalchemy import Connection, delete

from ledger.lineage.identity import ENTRY_NAMESPACE, dataset_number, job_number
from ledger.lineage.models import (
    CURSORS,
    DATASETS,
    EDGES,
    INPUT,
    JOBS,
    OUTPUT,
    RULES,
    RUNS,
    STEP_COLUMNS,
    STEP_EDGES,
    STEPS,
)
from ledger.lineage.projection import STEP_NAMESPACE
from ledger.lineage.walks import Walk
from ledger.store.bulk import insert_mappings

SPACE = "postgres://db"
TABLES = (CURSORS, DATASETS, EDGES, JOBS, RULES, RUNS, STEP_COLUMNS, STEP_EDGES, STEPS)


@dataclass
class Drawing:
    """Jobs and steps with what they read and write; names that begin with ``E`` are entries."""

    jobs: dict[str, tuple[Sequence[str], Sequence[str]]] = field(default_factory=dict)
    steps: dict[str, tuple[Sequence[str], Sequence[str]]] = field(default_factory=dict)
    rules: dict[str, str] = field(default_factory=dict)
    """Data set -> its entry."""

    def number(self, name: str) -> int:
        if name in self.jobs:
            return job_number("airflow", name)
        if name in self.steps:
            return job_number(STEP_NAMESPACE, name)
        return dataset_number(ENTRY_NAMESPACE if name.startswith("E") else SPACE, name)

    @property
    def places(self) -> dict[int, str]:
        """Everything that is in the graph, by number."""
        ends = [
            name
            for acts in (self.jobs, self.steps)
            for reads, writes in acts.values()
            for name in (*reads, *writes)
        ]
        return {self.number(name): name for name in (*self.jobs, *self.steps, *ends)}

    def flows(self) -> set[tuple[str, str]]:
        """Who flows into whom."""
        acts = [*self.jobs.items(), *self.steps.items()]
        return {(name, job) for job, (reads, _) in acts for name in reads} | {
            (job, name) for job, (_, writes) in acts for name in writes
        }

    def put(self, conn: Connection) -> None:
        """Make the tables hold this graph and nothing else."""
        for table in TABLES:
            conn.execute(delete(table))
        insert_mappings(
            conn,
            CURSORS,
            [{"origin": "test/lineage", "version": 1, "size": 1_000, "root": b""}],
        )
        named = {name: number for number, name in self.places.items()}
        of_events = {name for reads, writes in self.jobs.values() for name in (*reads, *writes)}
        insert_mappings(
            conn,
            DATASETS,
            [
                {
                    "id": named[name],
                    "namespace": ENTRY_NAMESPACE if name.startswith("E") else SPACE,
                    "name": name,
                    "first_pos": 0,
                }
                for name in sorted(of_events)
            ],
        )
        undecided = dict.fromkeys(("completed_at", "completed_run", "inputs_at", "outputs_at"))
        insert_mappings(
            conn,
            JOBS,
            [
                {"id": named[job], "namespace": "airflow", "name": job, "first_pos": 0, **undecided}
                for job in self.jobs
            ],
        )
        insert_mappings(
            conn,
            EDGES,
            [
                {
                    "job_id": named[job],
                    "direction": direction,
                    "dataset_id": named[name],
                    "source": "run",
                    "pos_from": at,
                    "pos_until": None,
                    "run": None,
                    "named_at": 0,
                }
                for at, (job, ends) in enumerate(self.jobs.items())
                for direction, names in zip((INPUT, OUTPUT), ends, strict=True)
                for name in sorted(set(names))
            ],
        )
        self.put_statements(conn, {})

    def put_statements(
        self,
        conn: Connection,
        columns: Mapping[str, Sequence[tuple[str, str, str, str]]],
    ) -> None:
        """Rules and steps; ``columns`` are by step: input, its field, output, its field."""
        named = {name: number for number, name in self.places.items()}
        said = {"leaf_until": None, "version": 1, "recorded_at": 0}
        silent = dict.fromkeys(("name_en", "deidentification", "note"))
        insert_mappings(
            conn,
            STEPS,
            [
                {
                    **said,
                    **silent,
                    "code": step,
                    "leaf_from": 100 + at,
                    "active": True,
                    "job_id": named[step],
                    "organisation": b"",
                    "name": step,
                    "type": "derive",
                    "deidentified": False,
                }
                for at, step in enumerate(self.steps)
            ],
        )
        insert_mappings(
            conn,
            STEP_EDGES,
            [
                {
                    "code": step,
                    "leaf_from": 100 + at,
                    "leaf_until": None,
                    "direction": direction,
                    "dataset_id": named[name],
                    "job_id": named[step],
                    "namespace": ENTRY_NAMESPACE if name.startswith("E") else SPACE,
                    "name": name,
                    "entry": name if name.startswith("E") else None,
                }
                for at, (step, ends) in enumerate(self.steps.items())
                for direction, names in zip((INPUT, OUTPUT), ends, strict=True)
                for name in sorted(set(names))
            ],
        )
        insert_mappings(
            conn,
            RULES,
            [
                {
                    **said,
                    "code": f"R-{name}",
                    "leaf_from": 200 + at,
                    "active": True,
                    "holder": "TMP-WATER",
                    "entry": entry,
                    "namespace": "postgres://*",
                    "name": name,
                    "system": None,
                    "priority": 0,
                    "note": None,
                }
                for at, (name, entry) in enumerate(self.rules.items())
            ],
        )

        insert_mappings(
            conn,
            STEP_COLUMNS,
            [
                {
                    "code": step,
                    "leaf_from": 100 + list(self.steps).index(step),
                    "leaf_until": None,
                    "ordinal": ordinal,
                    "output_id": named[output],
                    "output_field": output_field,
                    "input_id": named[reads],
                    "input_field": input_field,
                    "kind": "DIRECT",
                    "subtype": "",
                    "masking": False,
                }
                for step, told in columns.items()
                for ordinal, (reads, input_field, output, output_field) in enumerate(told)
            ],
        )

    def links(self) -> list[tuple[str, str]]:
        """Flows, with two doors at each entry: data come in at ``E…/in``, go on to its data sets, and leave at
        ``E…/out``.
        """
        present = set(self.places.values())
        found: list[tuple[str, str]] = []
        for source, target in self.flows():
            out = f"{source}/out" if source.startswith("E") else source
            found.append((out, f"{target}/in" if target.startswith("E") else target))
        for dataset, entry in self.rules.items():
            if dataset in present:
                found += [(f"{entry}/in", dataset), (dataset, f"{entry}/out")]
        return found + [(f"{one}/in", f"{one}/out") for one in {*self.rules.values(), *present}]

    def reached(self, roots: Iterable[str], way: str, depth: int) -> dict[str, int]:
        """What a walk in one way must find, with depths: relaxed until nothing changes."""
        links = self.links()
        if way == "upstream":
            links = [(target, source) for source, target in links]
        wide, narrow = ("in", "out") if way == "downstream" else ("out", "in")
        found = {f"{one}/{wide}" if one.startswith("E") else one: 0 for one in roots}
        acts = {*self.jobs, *self.steps}
        starts = set(found) & acts
        for _ in range(len(links) + 1):
            for near, far in links:
                cost = found.get(near, depth) + (far in acts or near in starts)
                if near in found and cost <= depth and cost < found.get(far, depth + 1):
                    found[far] = cost
        goes_on = {near for near, far in links if far in acts and far in found}
        present = set(self.places.values())
        told: dict[str, int] = {}
        for place, cost in found.items():
            name, _, door = place.partition("/")
            # An entry that only a data set of its own led to counts where its edges lead on.
            led_to = door != narrow or f"{name}/{wide}" in found
            if name in present and (led_to or (place in goes_on and cost < depth)):
                told[name] = min(cost, told.get(name, cost))
        return told


def shown(drawing: Drawing, found: Walk) -> dict[str, int]:
    """Names and depths of a walk."""
    return {drawing.places[node.id]: node.depth for node in found.nodes}


def arrows(drawing: Drawing, found: Walk, *, ties: bool = False) -> set[tuple[str, str]]:
    """Flows of a walk by name, or its ties."""
    return {
        (drawing.places[edge.source], drawing.places[edge.target])
        for edge in found.edges
        if (edge.origin == "rule") == ties
    }


def leads(found: Walk, places: dict[int, str]) -> set[str]:
    """What a reader reaches who follows a walk's edges in its direction from its roots."""
    onward: dict[int, set[int]] = {}
    for edge in found.edges:
        ends = (edge.source, edge.target)
        near, far = ends if found.direction == "downstream" else ends[::-1]
        onward.setdefault(near, set()).add(far)
    reached = set(found.roots)
    while fresh := {far for near in reached for far in onward.get(near, ())} - reached:
        reached |= fresh
    return {places[number] for number in reached}


def is_closed_walk(drawing: Drawing, closed: Sequence[int]) -> bool:
    """Whether every step of a cycle is a flow, or a data set and its entry, and it ends where it began."""
    names = [drawing.places[number] for number in closed]
    flows = drawing.flows()
    ties = {frozenset(pair) for pair in drawing.rules.items()}
    steps = all(pair in flows or frozenset(pair) in ties for pair in pairwise(names))
    return steps and len(names) > 1 and names[0] == names[-1]

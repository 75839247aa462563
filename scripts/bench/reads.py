"""What people and machines read, over HTTP, from a mirror of a million entries and five million statements.

    python scripts/bench/reads.py [--quick | --short]

The log comes from a node that makes it up (:mod:`scripts.bench.long_log`) and is followed, so that proofs hold; the
rows of entries are written by the database itself, as if their statements had been projected, with Chinese names made
of real words, and the index of searches is built as a follower builds it. A server of two processes behind one port
answers, like ``govledger serve --workers 2``. *Latency*: one client, one request after the other. *Sustained*: eight
connections, each of which sends its next request when the last one is answered;
of twenty requests eleven ask for the page of an entry, eight for an inclusion proof and one searches. *Beside
datasette*: the same SQLite file served by datasette, which is installed into a virtual environment outside the
repository (``GOVLEDGER_BENCH_DATASETTE``), and asked for the row that the page of an entry is made of, and for the
rows whose search text holds a word.
"""

from __future__ import annotations

import contextlib
import http.client
import os
import random
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import quote

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from sqlalchemy import Connection, text

from ledger.capabilities import PROJECTIONS
from ledger.chain.deployment import load_deployment
from ledger.chain.jsonrpc import JsonRpcChain
from ledger.log import verify_proof
from ledger.mirror import Mirror, Origin
from ledger.mirror.applying import write_projection_versions
from ledger.mirror.building import build_indexes
from ledger.store.engine import open_database, writing
from scripts.bench.http_latency import wait_until_up
from scripts.bench.long_log import OWNER, long_log
from scripts.bench.measuring import (
    NotHereError,
    Row,
    absent,
    at_least,
    at_most,
    bench_main,
    percentile,
    plain,
    tell,
)
from scripts.bench.off_duty import serve
from tests.chain_nodes import free_port

TITLE = "Reads at a million entries"
ENTRIES, STATEMENTS = 1_000_000, 5_000_000
SHORT, QUICK = (100_000, 500_000), (100, 500)
SEARCH_BUDGET_MS, PAGE_BUDGET_MS, PROOF_BUDGET_MS = 50, 10, 3
RATE_BUDGET = 500
CONNECTIONS, PROCESSES = 8, 2
BYTES_A_STATEMENT = 1_300
DATASETTE = "datasette==0.65.1"
SUBJECTS = (
    *("居民", "企业", "学校", "医院", "道路", "桥梁", "公园", "河道", "社区", "养老"),
    *("残疾", "低保", "户籍", "婚姻", "房屋", "土地", "车辆", "机动车", "餐饮", "食品"),
)
THINGS = (
    *("登记", "许可", "处罚", "检查", "投诉", "补贴", "排名", "名录", "统计", "床位", "执照"),
    *("证照", "缴费", "巡查", "监测", "事故", "预约", "评价", "备案", "年报"),
)
KINDS = ("信息", "数据", "清单", "记录", "明细", "台账")
SEARCHES, SCANS = 200, 20
"""Searches of ours, and of what reads every row for each."""


def words(column: str, chosen: Sequence[str], every: int) -> str:
    """SQL that picks a word by a number."""
    cases = " ".join(f"WHEN {n} THEN '{word}'" for n, word in enumerate(chosen))
    return f"CASE ({column} / {every}) % {len(chosen)} {cases} END"


def fill(conn: Connection, entries: int) -> None:
    """Rows of the catalogue for the first ``entries`` drafts of the log."""
    # The first draft is leaf 2; its number in the code counts from 0.
    name = (
        f"{words('i', SUBJECTS, 1)} || {words('i', THINGS, len(SUBJECTS))} || "
        f"{words('i', KINDS, 7)} || '第' || (i % 9973) || '号'"
    )
    code = "'307015/' || substr('00000000' || i, -8)"
    conn.execute(
        text(
            "CREATE TEMPORARY TABLE made AS WITH RECURSIVE g(i) AS (SELECT 0 UNION ALL "  # noqa: S608
            f"SELECT i + 1 FROM g WHERE i < {entries - 1}) SELECT i, {code} AS code, {name} AS name "
            "FROM g"
        )
    )
    standing = "1 AS version, 'published' AS state, 1 AS edition"
    conn.execute(
        text(
            "INSERT INTO catalogue_entry (code, leaf_from, subject, version, state, edition, "  # noqa: S608
            "published_edition, filed_leaf, published_leaf, name, provider, share_type, open_type, grade, "
            "update_cycle, library, level, origin, restricted, complete, missing, item_count, search, recorded_at) "
            f"SELECT code, i + 2, s.subject, {standing}, 1, i + 2, i + 2, name, '{OWNER}', 'conditional', 'not_open', "
            "2, 'quarterly', 'department', 'district', 'district_supplement', 0, 1, '[]', 3, "
            "code || char(10) || name || char(10) || name || '的主要内容、来源与更新方式', s.recorded_at "
            "FROM made JOIN statement s ON s.index_ = i + 2"
        )
    )


def build(place: Path, entries: int, statements: int) -> list[Row]:
    """A mirror in ``place`` with so many of each, and the deployment beside it; what the index of searches costs."""
    free = os.statvfs(place)
    needed = statements * BYTES_A_STATEMENT + entries * 2_000
    if free.f_bavail * free.f_frsize < needed:
        raise NotHereError(f"it needs {needed / 1e9:.0f} GB of disk")
    engine = open_database(f"sqlite:///{place / 'mirror.db'}", "mirror")
    with long_log(statements) as log:
        log.deployment.save(place)
        with JsonRpcChain(log.url) as chain:
            Mirror(engine, chain, Origin.of(log.deployment)).catch_up()
    tell(f"{statements:,} statements followed")
    with writing(engine) as conn:
        fill(conn, entries)
        write_projection_versions(conn, PROJECTIONS)
    tell(f"{entries:,} entries written")
    begun = time.process_time()
    build_indexes(engine, PROJECTIONS)
    seconds = time.process_time() - begun
    with engine.connect() as conn:
        # What its rows hold, and a dozen bytes beside them: pages say it only where SQLite was built to.
        asked = "SELECT sum(length(leaves) + 12) FROM catalogue_gram"
        size = int(conn.exec_driver_sql(asked).scalar_one() or 0)
    with engine.connect() as conn:
        conn.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    engine.dispose()
    return [
        at_most(
            "index of searches, building it", seconds / entries * 1e6, "µs of processor an entry"
        ),
        at_most("index of searches, its size", size / entries, "bytes an entry"),
    ]


@contextlib.contextmanager
def running(command: Sequence[str]) -> Iterator[int]:
    """A server of its own process, which gets ``{port}`` on its command line; gives the port."""
    port = free_port()
    asked = [word.replace("{port}", str(port)) for word in command]
    with subprocess.Popen(asked, stdout=subprocess.DEVNULL) as process:
        try:
            wait_until_up(port, process)
            yield port
        finally:
            process.terminate()
            process.wait(20)


def code_of(number: int) -> str:
    """The code of a draft."""
    return f"307015/{number:08d}"


def substrings(dice: random.Random) -> Iterator[str]:
    """Two to five characters that stand in names: whole words and cuts across them."""
    while True:
        name = dice.choice(SUBJECTS) + dice.choice(THINGS) + dice.choice(KINDS)
        length = dice.randint(2, 5)
        start = dice.randint(0, max(0, len(name) - length))
        yield name[start : start + length]


def latencies(port: int, paths: Sequence[str], warming: float = 0.1) -> list[float]:
    """Milliseconds of each request over one connection; what warms up is left out, a tenth of them."""
    line = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    times = []
    for path in paths:
        started = time.perf_counter()
        line.request("GET", path)
        answer = line.getresponse()
        content = answer.read()
        times.append((time.perf_counter() - started) * 1000)
        if answer.status != http.HTTPStatus.OK:
            raise RuntimeError(f"{path}: {answer.status} {content[:300]!r}")
    line.close()
    return times[int(len(times) * warming) :]


def sustained(port: int, paths: Sequence[str]) -> tuple[float, list[float]]:
    """Requests a second over :data:`CONNECTIONS` connections, and the milliseconds of each; what warms up every
    process of the server, a tenth more of them, is left out.
    """

    def all_of(some: Sequence[str]) -> list[float]:
        shares = [some[start::CONNECTIONS] for start in range(CONNECTIONS)]
        times = pool.map(lambda share: latencies(port, share, warming=0), shares)
        return [each for one in times for each in one]

    with ThreadPoolExecutor(CONNECTIONS) as pool:
        all_of(paths[: len(paths) // 10])
        started = time.perf_counter()
        times = all_of(paths)
        return len(paths) / (time.perf_counter() - started), times


def measure(entries: int, statements: int, turns: int, *, others: bool) -> list[Row]:
    """Latencies, the sustained mix, and datasette where it may be installed."""
    dice = random.Random(9162)  # noqa: S311 - the same requests in every run
    some = substrings(dice)

    def page() -> str:
        return f"/api/v1/catalogue/entries/{code_of(dice.randrange(entries))}"

    def proof() -> str:
        leaf = dice.randrange(statements)
        return f"/api/v1/log/proofs/inclusion?index={leaf}&size={statements}"

    def search() -> str:
        return f"/api/v1/catalogue/entries?q={quote(next(some))}&limit=20"

    with tempfile.TemporaryDirectory(prefix="govledger-reads-") as name:
        place = Path(name)
        built = build(place, entries, statements)
        ours = [sys.executable, __file__, "--serve", "{port}", name, str(PROCESSES)]
        with running(ours) as port:
            _check_a_proof(port, statements)
            found = [
                _latency("search, Chinese substring of 2 to 5 characters", 95, SEARCH_BUDGET_MS,
                         latencies(port, [search() for _ in range(min(turns, SEARCHES))])),
                _latency("page of an entry", 95, PAGE_BUDGET_MS,
                         latencies(port, [page() for _ in range(turns)])),
                _latency("inclusion proof", 50, PROOF_BUDGET_MS,
                         latencies(port, [proof() for _ in range(turns)])),
            ]  # fmt: skip
            mixed = [
                search() if turn % 20 == 0 else page() if turn % 20 < 12 else proof()  # noqa: PLR2004
                for turn in range(turns)
            ]
            what = "sustained: pages, proofs, one search in twenty"
            found.append(_rate(what, port, PROCESSES, mixed, RATE_BUDGET))
            read = [one for one in mixed if "?q=" not in one]
            found.append(_rate("the same without searches", port, PROCESSES, read))
        found += _datasette(place, dice, entries, turns, others=others)
    size = f"{entries:,} entries, {statements:,} statements"
    return [plain("in the mirror", size), *built, *found]


def _latency(what: str, per_cent: int, budget: float, times: Sequence[float]) -> Row:
    middle = percentile(times, 50)
    note = f"p50 {middle:.1f} ms, p99 {percentile(times, 99):.1f} ms"
    return at_most(f"{what}, p{per_cent}", percentile(times, per_cent), "ms", budget, note)


def _rate(what: str, port: int, processes: int, paths: Sequence[str], budget: float = 0) -> Row:
    rate, times = sustained(port, paths)
    spread = f"p50 {percentile(times, 50):.1f} ms, p99 {percentile(times, 99):.1f} ms"
    note = f"{CONNECTIONS} connections, server processes: {processes}; {spread}"
    return at_least(what, rate, "requests/s", budget, note)


def _check_a_proof(port: int, statements: int) -> None:
    line = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    line.request("GET", f"/api/v1/log/proofs/inclusion?index=5&size={statements}")
    verdict = verify_proof(line.getresponse().read())
    line.close()
    if not verdict.ok:
        raise RuntimeError(f"a proof does not verify: {verdict}")


def _datasette(
    place: Path, dice: random.Random, entries: int, turns: int, *, others: bool
) -> list[Row]:
    what = "datasette on the same file"
    if not others:
        return [absent(what, "only to see that the bench runs")]
    try:
        program = datasette()
    except NotHereError as problem:
        return [absent(what, str(problem))]
    flags = ["--port", "{port}", "--setting", "sql_time_limit_ms", "60000"]
    with running([str(program), "serve", str(place / "mirror.db"), *flags]) as port:
        some = substrings(dice)
        numbers = [dice.randrange(entries) for _ in range(turns)]
        rows = [f"/mirror/catalogue_entry/{n + 2}.json" for n in numbers]
        asked = quote(
            "select code, name from catalogue_entry where search like '%' || :q || '%' "
            "and leaf_until is null order by code limit 20"
        )
        found = [
            f"/mirror.json?sql={asked}&q={quote(next(some))}&_shape=array"
            for _ in range(min(turns, SCANS))
        ]
        return [
            _latency(f"{what}: search, the first twenty, uncounted", 95, 0, latencies(port, found)),
            _latency(f"{what}: the row of an entry", 95, 0, latencies(port, rows)),
            _rate(f"{what}: rows of entries", port, 1, rows),
        ]


def datasette() -> Path:
    """The program, installed where it is not there; raises :class:`NotHereError` where it cannot be."""
    place = Path(
        os.environ.get(
            "GOVLEDGER_BENCH_DATASETTE", f"{tempfile.gettempdir()}/govledger-bench-datasette"
        )
    )
    program = place / "bin" / "datasette"
    if program.exists():
        return program
    tell(f"installing {DATASETTE} into {place}")
    venv.create(place, with_pip=True)
    done = subprocess.run(
        [str(place / "bin" / "python"), "-m", "pip", "install", "-q", DATASETTE],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise NotHereError(f"pip cannot install it: {done.stderr.strip()[-120:]}")
    return program


def rows(quick: bool) -> list[Row]:  # noqa: FBT001
    """At full size, or just enough to see that it runs."""
    return (
        measure(*QUICK, 10, others=False)
        if quick
        else measure(ENTRIES, STATEMENTS, 4_000, others=True)
    )


def short() -> list[Row]:
    """A tenth of everything."""
    return measure(*SHORT, 2_000, others=True)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--serve"]:
        place = Path(sys.argv[3])
        serve(place, int(sys.argv[2]), load_deployment(place), int(sys.argv[4]))
    else:
        bench_main(TITLE, rows, short)

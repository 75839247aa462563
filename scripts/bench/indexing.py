"""How fast a mirror takes a log over from anvil into SQLite, verified, and with how much memory.

    python scripts/bench/indexing.py [--statements 200000] [--rounds 3]

Each round is a process of its own with an empty database, so that its peak memory is its own. *Bare* only
asks for the events, cuts them up and inserts them, and verifies nothing: what this machine can do. *Log* is
leaves, authorisations, blocks, tree and the comparison with the contract; *projected* also fills the tables
of every capability.
"""

from __future__ import annotations

import argparse
import http.client
import resource
import sqlite3
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import msgspec

from ledger.chain.deployment import Deployment
from ledger.chain.jsonrpc import JsonRpcChain
from ledger.mirror import Mirror, Origin
from ledger.mirror.events import RECORDED
from ledger.office import PROJECTIONS
from ledger.store.engine import open_database
from scripts.bench.filled_log import filled_anvil

STATEMENTS = 200_000
ROUNDS = 3
BUDGET = 50_000
WAYS = ("bare", "log", "projected")
BARE_BLOCKS = 80


@dataclass(frozen=True)
class Measurement:
    """One round: statements a second, the process's peak memory in MiB before and after."""

    way: str
    round: int
    leaves: int
    seconds: float
    before_mib: int
    peak_mib: int

    @property
    def rate(self) -> float:
        return self.leaves / self.seconds


def measure(statements: int = STATEMENTS, rounds: int = ROUNDS) -> list[Measurement]:
    """Fill an anvil once, then index it ``rounds`` times each way."""
    found = []
    with filled_anvil(statements) as log:
        print(
            f"filled with {log.leaves:,} leaves in {log.seconds:.0f} s "
            f"({log.leaves / log.seconds:,.0f}/s)",
            flush=True,
        )
        for number in range(1, rounds + 1):
            for way in WAYS:
                deployment = msgspec.json.encode(log.deployment).decode()
                done = subprocess.run(
                    [sys.executable, __file__, "--index", way, log.url, deployment],
                    check=True,
                    capture_output=True,
                    text=True,
                )
                leaves, seconds, before, peak = done.stdout.split()
                found.append(
                    Measurement(way, number, int(leaves), float(seconds), int(before), int(peak))
                )
                print(f"{way}, round {number}: {found[-1].rate:,.0f}/s", flush=True)
    return found


def bare(place: str, url: str, deployment: Deployment) -> int:
    """Events into a table, as fast as Python goes; returns how many."""
    node = http.client.HTTPConnection(url.removeprefix("http://"))
    database = sqlite3.connect(f"{place}/bare.db", isolation_level=None)
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
        rows = []
        for event in _asked(node, "eth_getLogs", question):
            _, index_, kind, subject = event["topics"]
            data = bytes.fromhex(event["data"][2:])
            rows.append((int(index_, 16), kind, subject, data))
        database.execute("BEGIN")
        database.executemany("INSERT INTO event VALUES (?, ?, ?, ?)", rows)
        database.execute("COMMIT")
        total, first = total + len(rows), first + BARE_BLOCKS
    database.close()
    node.close()
    return total


def _asked(node: http.client.HTTPConnection, method: str, *params: object) -> Any:  # noqa: ANN401
    question = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
    node.request("POST", "/", msgspec.json.encode(question), {"Content-Type": "application/json"})
    return msgspec.json.decode(node.getresponse().read())["result"]


def index(way: str, url: str, deployment: Deployment) -> str:
    """One round in this process."""
    if way == "bare":
        before, begun = _peak_mib(), time.monotonic()
        with tempfile.TemporaryDirectory() as place:
            leaves = bare(place, url, deployment)
        return f"{leaves} {time.monotonic() - begun:.3f} {before} {_peak_mib()}"
    projections = PROJECTIONS if way == "projected" else ()
    with tempfile.TemporaryDirectory() as place, JsonRpcChain(url) as chain:
        engine = open_database(f"sqlite:///{place}/mirror.db", "mirror")
        mirror = Mirror(engine, chain, Origin.of(deployment), projections)
        before = _peak_mib()
        begun = time.monotonic()
        cursor = mirror.catch_up()
        seconds = time.monotonic() - begun
        engine.dispose()
    return f"{cursor.size} {seconds:.3f} {before} {_peak_mib()}"


def _peak_mib() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def table(found: list[Measurement]) -> str:
    """The rounds as a Markdown table."""
    lines = [
        "| indexing from anvil | round | statements/s | memory before | peak | budget |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    for each in found:
        budget = f">= {BUDGET:,}" if each.way == "log" else ""
        lines.append(
            f"| {each.leaves:,}, {each.way} | {each.round} | {each.rate:,.0f} "
            f"| {each.before_mib} MiB | {each.peak_mib} MiB | {budget} |"
        )
    return "\n".join(lines)


def main() -> None:
    """Measure and print, or do one round where asked to by another process."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--statements", type=int, default=STATEMENTS)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--index", nargs=3, metavar=("WAY", "URL", "DEPLOYMENT"))
    given = parser.parse_args()
    if given.index:
        way, url, deployment = given.index
        print(index(way, url, msgspec.json.decode(deployment, type=Deployment)))
    else:
        print(table(measure(given.statements, given.rounds)))


if __name__ == "__main__":
    main()

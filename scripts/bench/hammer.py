"""Writes and reads at once through the API of real servers, every read verified; or under fire, for minutes.

    python scripts/bench/hammer.py [--quick]
    python scripts/bench/hammer.py --minutes 30 [--seed N] [--world embedded|node|shared]

The bench measures what a department waits for: from handing in what it signed until a verified receipt, alone and
among many, while others read and check proofs. How much goes into one block or one turn of the sender is
chosen by the load: whatever came in while the turn before was under way.

Under fire (``--minutes``) eight clients write while servers, node and database are killed at random: every
acknowledged statement must be on the ledger once, and every refusal must have had a reason. A seed that fails is
printed, and plays the same kills again. ``embedded`` is one server with its own chain; ``node`` one server and an
anvil; ``shared`` two servers, an anvil and a PostgreSQL.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import itertools
import json
import random
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from ledger.chain.deployment import Deployment
from ledger.log import verify_proof
from scripts.bench.measuring import (
    ROOT,
    NotHereError,
    Row,
    absent,
    at_least,
    at_most,
    bench_main,
    percentile,
    tell,
)
from tests.chain_nodes import anvil_binary, funded, kept_port
from tests.faults.fire import STATEMENTS, Department, Node, Server, firing, found, signed_draft

TITLE = "Writing and reading through the API"
READS_A_SECOND = 500
CONSORTIUM = ROOT / "consortium-data"
"""Where `scripts/consortium` keeps the one that it starts."""


@dataclass(frozen=True)
class Load:
    """``clients`` at once, each of which hands in ``batches`` of ``size`` statements, one after the other."""

    clients: int
    batches: int
    size: int

    def __str__(self) -> str:
        who = "one client" if self.clients == 1 else f"{self.clients} clients"
        return f"{who}, {self.size} under a signature" if self.size > 1 else f"{who}, one by one"


LOADS = (Load(1, 30, 1), Load(16, 25, 1), Load(16, 4, 20))
QUICK_LOADS = (Load(2, 2, 2),)


class Line:
    """A connection that is kept, as a client's is."""

    def __init__(self, port: int) -> None:
        self._line = http.client.HTTPConnection("127.0.0.1", port, timeout=120)

    def ask(self, method: str, path: str, body: bytes | None = None) -> tuple[int, bytes]:
        headers = {} if body is None else {"content-type": "application/json"}
        self._line.request(method, path, body, headers)
        answer = self._line.getresponse()
        return answer.status, answer.read()

    def get(self, path: str, body: bytes | None = None) -> dict[str, Any]:
        """The JSON answer to a GET, or to a POST of ``body``; raises where it is not a good one."""
        status, content = self.ask("GET" if body is None else "POST", path, body)
        if status not in (http.client.OK, http.client.ACCEPTED):
            raise RuntimeError(f"{path}: {status} {content[:300]!r}")
        told: dict[str, Any] = json.loads(content)
        return told

    def hand_in(self, body: bytes) -> int:
        """Hand in a signed batch, and wait until its receipt is verified; returns the number of its block."""
        receipt = self.get(STATEMENTS, body)["receipt"]
        while told := self.get(f"{STATEMENTS}/{receipt}?wait=60&until=verified"):
            if told["state"] == "verified":
                return int(told["block_number"])
            if told["state"] == "refused":
                raise RuntimeError(f"refused: {told['error']}")
        raise RuntimeError(f"receipt {receipt} is not known")

    def close(self) -> None:
        self._line.close()


@dataclass
class Writing:
    """What became of a load: the seconds that each batch took to be verified, and in which block it stands."""

    seconds: float = 0.0
    times: list[float] = field(default_factory=list)
    blocks: list[int] = field(default_factory=list)


@dataclass
class Reading:
    """Proofs that were read: how long each took, and what was answered, to be verified."""

    times: list[float] = field(default_factory=list)
    proofs: list[tuple[bytes, str, int]] = field(default_factory=list)

    def verify(self) -> None:
        """Every proof leads to the root of the checkpoint that was asked for before; raises where one does not."""
        for proof, root, size in self.proofs:
            verdict = verify_proof(proof, root, size)
            if not (verdict.ok and verdict.root_compared):
                raise RuntimeError(f"a proof does not hold: {verdict}")


def write(port: int, placed: Deployment, load: Load, first: Iterator[int]) -> Writing:
    """Put the load on a server; raises :class:`RuntimeError` where a client failed."""
    queues = []
    for number in range(1, load.clients + 1):
        who = Department(number)
        codes = [[who.entry(next(first)) for _ in range(load.size)] for _ in range(load.batches)]
        queues.append([json.dumps(signed_draft(placed, who, some)).encode() for some in codes])
    written = Writing()
    failures: list[str] = []

    def client(bodies: Sequence[bytes]) -> None:
        line = Line(port)
        try:
            for body in bodies:
                begun = time.perf_counter()
                written.blocks.append(line.hand_in(body))
                written.times.append(time.perf_counter() - begun)
        except (RuntimeError, OSError, http.client.HTTPException) as error:
            failures.append(str(error))
        finally:
            line.close()

    written.seconds = _together([lambda bodies=bodies: client(bodies) for bodies in queues])  # type: ignore[misc]
    if failures:
        raise RuntimeError(f"{len(failures)} clients failed: {failures[0]}")
    return written


def _together(acts: Sequence[Callable[[], None]]) -> float:
    threads = [threading.Thread(target=act) for act in acts]
    begun = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return time.perf_counter() - begun


def read_until(
    port: int, stop: threading.Event, kept: Reading, seed: int, pause: float = 0.0
) -> None:
    """Ask for the proof of one leaf after another, of all that there are by then."""
    choice = random.Random(seed)  # noqa: S311 - which leaf, not a secret
    line = Line(port)
    held = line.get("/api/v1/log/checkpoint")
    while not stop.is_set():
        root, size = str(held["root"]), int(held["size"])
        begun = time.perf_counter()
        path = f"/api/v1/log/proofs/inclusion?index={choice.randrange(size)}&size={size}"
        status, content = line.ask("GET", path)
        kept.times.append(time.perf_counter() - begun)
        if status != http.client.OK:
            raise RuntimeError(f"{path}: {status}")
        kept.proofs.append((content, root, size))
        if len(kept.times) % 20 == 0:
            held = line.get("/api/v1/log/checkpoint")
        if pause:
            time.sleep(pause)
    line.close()


def written_and_read(
    name: str, server: Server, placed: Deployment, loads: Sequence[Load], first: Iterator[int]
) -> list[Row]:
    """The rows of one chain: each load, while two readers ask for proofs."""
    rows = []
    for load in loads:
        stop, kept = threading.Event(), [Reading(), Reading()]
        readers = [
            threading.Thread(target=read_until, args=(server.port, stop, one, number, 0.05))
            for number, one in enumerate(kept)
        ]
        for reader in readers:
            reader.start()
        try:
            written = write(server.port, placed, load, first)
        finally:
            stop.set()
            for reader in readers:
                reader.join()
        for one in kept:
            one.verify()
        p50, p99 = (1000 * percentile(written.times, part) for part in (50, 99))
        proofs = sum(len(one.proofs) for one in kept)
        batches, blocks = len(written.blocks), len(set(written.blocks))
        rate = batches * load.size / written.seconds
        note = (
            f"to a verified receipt: p50 {p50:.0f} ms, p99 {p99:.0f} ms; {batches / blocks:.1f} batches a block; "
            f"{proofs} proofs read and verified meanwhile"
        )
        rows.append(at_least(f"{name}: {load}", rate, "statements/s", note=note))
        tell(f"{name}: {load}: {rate:.0f}/s, {note}")
    return rows


def sustained_reads(server: Server, seconds: float, workers: int, readers: int = 4) -> list[Row]:
    """As many proofs as the server gives to some connections, each verified after the clock stops."""
    stop, kept = threading.Event(), [Reading() for _ in range(readers)]
    threads = [
        threading.Thread(target=read_until, args=(server.port, stop, one, number))
        for number, one in enumerate(kept)
    ]
    begun = time.perf_counter()
    for thread in threads:
        thread.start()
    stop.wait(seconds)
    stop.set()
    for thread in threads:
        thread.join()
    elapsed = time.perf_counter() - begun
    for one in kept:
        one.verify()
    times = [spent for one in kept for spent in one.times]
    note = (
        f"{workers} workers, {readers} connections, {elapsed:.0f} s, all {len(times)} proofs verified "
        "afterwards; who asks shares the two cores"
    )
    return [
        at_least("proofs sustained", len(times) / elapsed, "requests/s", READS_A_SECOND, note),
        at_most("proof at that rate, p50", 1000 * percentile(times, 50), "ms"),
        at_most("proof at that rate, p99", 1000 * percentile(times, 99), "ms"),
    ]


@contextlib.contextmanager
def served(
    place: Path, settings: dict[str, Any], departments: int, *more: str
) -> Iterator[tuple[Server, Deployment]]:
    """A ledger of some departments, and a server for it."""
    placed = found({"data_dir": place, **settings}, departments)
    lines = "".join(f'{name} = "{value}"\n' for name, value in settings.items())
    (place / "config.toml").write_text(lines, "utf-8")
    server = Server(place, *more)
    with firing([server]):
        yield server, placed


@contextlib.contextmanager
def consortium(place: Path) -> Iterator[str]:
    """The first validator of the consortium that `scripts/consortium up` started, or of one that is started for this.

    Raises :class:`NotHereError` where neither can be had.
    """
    from scripts.engine.build import cached_engine  # noqa: PLC0415 - where it is
    from scripts.engine.network import Network, NetworkError  # noqa: PLC0415
    from scripts.engine.wires import can_isolate  # noqa: PLC0415

    try:
        network = Network.load(CONSORTIUM)
        network.fund(funded().address)
    except (NetworkError, OSError):
        if not cached_engine().exists():
            raise NotHereError("its engine is not built (scripts/consortium build)") from None
    else:
        yield network.url(1)
        return
    tell("starting five validators")
    network = Network.make(place, cached_engine(), 5, kept_port(), isolated=can_isolate())
    try:
        network.up()
        network.fund(funded().address)
        yield network.url(1)
    finally:
        network.down()


def rows(quick: bool) -> list[Row]:  # noqa: FBT001
    """Every chain that can be had, then reads alone."""
    loads = QUICK_LOADS if quick else LOADS
    departments = max(load.clients for load in loads)
    two = () if quick else ("--workers", "2")
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as scratch, contextlib.ExitStack() as stack:
        place = Path(scratch)
        first = itertools.count(1)
        with served(place / "embedded", {}, departments, *two) as (server, placed):
            rows += written_and_read("embedded", server, placed, loads, first)
            rows += sustained_reads(server, 1 if quick else 15, 1 if quick else 2)
        if anvil_binary() is None:
            rows.append(absent("anvil", "it is not installed (npm ci brings it)"))
        else:
            node = Node(place)
            stack.enter_context(firing([node]))
            with served(place / "anvil", {"rpc_url": node.url}, departments) as (server, placed):
                rows += written_and_read("anvil", server, placed, loads, first)
        if quick:
            rows.append(absent("consortium", "a short run does not wait for validators to meet"))
            return rows
        try:
            with (
                consortium(place / "validators") as url,
                served(place / "consortium", {"rpc_url": url}, departments) as (server, placed),
            ):
                rows += written_and_read("consortium", server, placed, loads, first)
        except NotHereError as why:
            rows.append(absent("consortium", str(why)))
    return rows


def under_fire(minutes: float, seed: int, world: str) -> int:
    """Kill at random for some minutes; 0 where every promise held."""
    from scripts.bench.siege import siege  # noqa: PLC0415 - only here

    return siege(minutes, seed, world)


if __name__ == "__main__":
    if any(word.startswith("--minutes") for word in sys.argv[1:]):
        parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
        parser.add_argument("--minutes", type=float, required=True, help="how long to go on")
        parser.add_argument("--seed", type=int, default=int(time.time()), help="of the kills")
        parser.add_argument("--world", choices=("embedded", "node", "shared"), default="shared")
        given = parser.parse_args()
        sys.exit(under_fire(given.minutes, given.seed, given.world))
    bench_main(TITLE, rows)

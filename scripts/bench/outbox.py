"""Statements a second through the outbox, from signed to verified.

    python scripts/bench/outbox.py [--quick]

On the embedded chain and on anvil (where npm's modules are installed), one statement a signature and
100 a signature, with bodies of 600 bytes. Signing is done before the clock starts; what is measured
is what an office waits for: durable acceptance, the check before sending, the block, the receipt,
and the mirror that has verified it.
"""

from __future__ import annotations

import contextlib
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from ledger.capabilities import PROJECTIONS, RULEBOOKS
from ledger.chain.deploying import deploy
from ledger.chain.embedded import EmbeddedChain
from ledger.chain.interface import Chain
from ledger.chain.jsonrpc import JsonRpcChain
from ledger.chain.outbox import Outbox, State
from ledger.confirming import confirm
from ledger.mirror import Mirror, Origin
from ledger.statements import SignedBatch
from ledger.store.engine import open_database
from scripts.bench.measuring import Row, absent, at_least, bench_main
from tests.chain import district
from tests.chain_nodes import anvil_binary, anvil_node, funded

TITLE = "From signed to verified"
BODY = b'{"text":"' + b"x" * 589 + b'"}'
BATCH = 100
SIGNATURES = ((1, 300), (BATCH, 12))
QUICK_SIGNATURES = ((1, 10), (BATCH, 1))
"""Statements under one signature, and how many signatures."""
BUDGETS = {("embedded", 1): 80, ("embedded", BATCH): 200}
"""Statements a second on two cores, by chain and statements under one signature."""


@contextlib.contextmanager
def chains() -> Iterator[list[tuple[str, Chain]]]:
    """The chains that can be had here."""
    with contextlib.ExitStack() as stack:
        place = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        embedded = EmbeddedChain.open(place / "chain.db", 26476, create=True)
        found: list[tuple[str, Chain]] = [("embedded", stack.enter_context(embedded))]
        if anvil_binary() is not None:
            url = stack.enter_context(anvil_node())
            found.append(("anvil", stack.enter_context(JsonRpcChain(url))))
        yield found


class Desk:
    """An outbox and a mirror for a fresh log on a chain."""

    def __init__(self, chain: Chain, place: Path) -> None:
        authority = district.GENESIS.address
        self.deployment = deploy(chain, funded(), authority, authority, 0)
        self._desk = open_database(f"sqlite:///{place}/desk.db", "desk")
        self._mirrored = open_database(f"sqlite:///{place}/mirror.db", "mirror")
        self._outbox = Outbox(self._desk, chain, self.deployment, funded())
        origin = Origin.of(self.deployment)
        self._mirror = Mirror(self._mirrored, chain, origin, PROJECTIONS, RULEBOOKS)
        self.send([district.root_organisation(self.deployment), district.keys(self.deployment)])

    def send(self, signed: list[SignedBatch]) -> tuple[float, float, float]:
        """Seconds until all are accepted, from there until recorded, from there until verified."""
        started = time.perf_counter()
        receipts = [self._outbox.submit(one) for one in signed]
        accepted = time.perf_counter()
        if not self._outbox.drain(600):
            raise RuntimeError("the batches are not through after ten minutes")
        recorded = time.perf_counter()
        self._mirror.catch_up()
        with self._mirrored.connect() as connection:
            confirm(self._outbox, connection)
        verified = time.perf_counter()
        if any(self._outbox.receipt(one.id).state is not State.VERIFIED for one in receipts):
            raise RuntimeError("not everything was verified")
        return accepted - started, recorded - accepted, verified - recorded

    def checkpoint(self) -> None:
        """Fold what was written into the desk's file."""
        with self._desk.connect() as connection:
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")

    def close(self) -> None:
        self._outbox.close()
        self._desk.dispose()
        self._mirrored.dispose()


def measure_chain(name: str, chain: Chain, signatures: tuple[tuple[int, int], ...]) -> list[Row]:
    """A fresh log on the chain, singles first, then batches."""
    found = []
    with tempfile.TemporaryDirectory() as place:
        desk = Desk(chain, Path(place))
        for batch, count in signatures:
            signed = [
                district.filing(
                    desk.deployment,
                    *(f"{batch}/{number:04}{part:04}" for part in range(batch)),
                    body=BODY,
                )
                for number in range(count)
            ]
            accepting, recording, verifying = desk.send(signed)
            rate = batch * count / (accepting + recording + verifying)
            what = f"{name}, {batch} under a signature" if batch > 1 else f"{name}, one by one"
            note = (
                f"{batch * count} statements: accepted in {accepting:.2f} s, recorded in "
                f"{recording:.2f} s, verified in {verifying:.2f} s"
            )
            found.append(at_least(what, rate, "statements/s", BUDGETS.get((name, batch), 0), note))
        desk.close()
    return found


def rows(quick: bool) -> list[Row]:  # noqa: FBT001
    """Every chain, singles and batches."""
    signatures = QUICK_SIGNATURES if quick else SIGNATURES
    with chains() as opened:
        found = [row for name, chain in opened for row in measure_chain(name, chain, signatures)]
        if len(opened) == 1:
            found.append(absent("anvil", "it is not installed (npm ci brings it)"))
    return found


if __name__ == "__main__":
    bench_main(TITLE, rows)

"""Statements a second through the outbox: handed in, sent, recorded, and the receipt seen.

    python scripts/bench/outbox.py

On the embedded chain and on anvil (where npm's modules are installed), one statement a signature and
100 a signature, with bodies of 600 bytes. Signing is done before the clock starts; what is measured
is what an office waits for: durable acceptance, the check before sending, the block, the receipt.
"""

from __future__ import annotations

import contextlib
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from ledger.chain.deployment import deploy
from ledger.chain.embedded import EmbeddedChain
from ledger.chain.interface import Chain
from ledger.chain.jsonrpc import JsonRpcChain
from ledger.chain.outbox import Outbox, State
from ledger.store.engine import open_database
from tests.chain import district
from tests.chain_nodes import anvil_binary, anvil_node, funded

BODY = b'{"text":"' + b"x" * 589 + b'"}'
SINGLES = 300
BATCHES = 12
BATCH = 100
BUDGETS = {("embedded", 1): 80, ("embedded", BATCH): 200}
"""Statements a second on two cores, by chain and statements under one signature."""


@dataclass(frozen=True)
class Measurement:
    """How fast statements went through, in seconds for all of them."""

    chain: str
    batch: int
    statements: int
    handing_in: float
    recording: float

    @property
    def rate(self) -> float:
        """Statements a second, from the first handed in to the last receipt."""
        return self.statements / (self.handing_in + self.recording)


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


def measure_chain(name: str, chain: Chain) -> list[Measurement]:
    """A fresh log on the chain, singles first, then batches."""
    authority = district.GENESIS.address
    deployment = deploy(chain, funded(), authority, authority, 0)
    with tempfile.TemporaryDirectory() as place:
        engine = open_database(f"sqlite:///{place}/desk.db", "desk")
        outbox = Outbox(engine, chain, deployment, funded())
        outbox.submit(district.root_organisation(deployment))
        outbox.submit(district.keys(deployment))
        outbox.drain()
        found = []
        for batch, count in ((1, SINGLES), (BATCH, BATCHES)):
            signed = [
                district.filing(
                    deployment,
                    *(f"{batch}/{number:04}{part:04}" for part in range(batch)),
                    body=BODY,
                )
                for number in range(count)
            ]
            start = time.perf_counter()
            receipts = [outbox.submit(one) for one in signed]
            accepted = time.perf_counter()
            if not outbox.drain(600):
                raise RuntimeError(f"{name}: the batches are not through after ten minutes")
            done = time.perf_counter()
            if any(outbox.receipt(one.id).state is not State.RECORDED for one in receipts):
                raise RuntimeError(f"{name}: not everything was recorded")
            found.append(Measurement(name, batch, batch * count, accepted - start, done - accepted))
        outbox.close()
        engine.dispose()
    return found


def measure() -> list[Measurement]:
    """Every chain, singles and batches."""
    with chains() as found:
        return [item for name, chain in found for item in measure_chain(name, chain)]


def table(found: list[Measurement]) -> str:
    """The measurements as a Markdown table."""
    lines = [
        "| through the outbox | a signature | statements/s | handing in | recording | budget |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    for item in found:
        budget = BUDGETS.get((item.chain, item.batch))
        lines.append(
            f"| {item.chain} | {item.batch} | {item.rate:,.0f} | {item.handing_in:.2f} s "
            f"| {item.recording:.2f} s | {'' if budget is None else f'>= {budget}'} |"
        )
    return "\n".join(lines)


def main() -> None:
    """Measure and print."""
    print(table(measure()))


if __name__ == "__main__":
    main()

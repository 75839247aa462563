"""How fast the embedded chain records signed statements of the real contracts.

    python scripts/bench/embedded_chain.py [--quick]

Statements a second one to a transaction (sent one after the other, each waited
for), from eight threads that share blocks, and in batches of 100 under one signature; how long a
chain of many blocks takes to open; how large a block is; ``fsck`` and ``replay``. Signing is done
beforehand: what is timed is the chain.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from eth.vm.forks.cancun.state import CancunState
from eth_abi.abi import encode
from eth_account import Account
from eth_account.signers.local import LocalAccount
from eth_typing import Hash32
from eth_utils.crypto import keccak

from ledger.chain.deploying import deploy
from ledger.chain.deployment import Deployment
from ledger.chain.embedded import FILE_NAME, EmbeddedChain, evm
from ledger.chain.interface import ChainError
from ledger.codes import Role
from ledger.statements import (
    FILING,
    KEY,
    ORGANISATION,
    Batch,
    SignedBatch,
    StructType,
    Value,
    address_bytes,
)
from scripts.bench.measuring import Row, at_least, at_most, bench_main

CHAIN_ID = 26476
DISTRICT = "TMP-BENCH-DISTRICT"
BODY_BYTES = 600
BATCH = 100
DEADLINE = 1 << 40
THREADS = 8
TITLE = "The embedded chain"
SINGLES, BATCHES, BLOCKS = 400, 8, 3_000
SINGLES_BUDGET, ENTRIES_BUDGET, OPENING_BUDGET_MS = 80, 200, 50


def account(name: str) -> LocalAccount:
    """A key that is the same in every run."""
    made: LocalAccount = Account.from_key(keccak(text=f"bench {name}"))
    return made


def body(code: str) -> bytes:
    """A canonical JSON body of exactly :data:`BODY_BYTES`."""
    text = json.dumps({"code": code, "name": ""}, separators=(",", ":"))
    return text.replace('""', f'"{"x" * (BODY_BYTES - len(text))}"').encode()


@dataclass
class Ledger:
    """A deployed ledger, and a sender that signs its transactions."""

    chain: EmbeddedChain
    deployment: Deployment
    sender: LocalAccount
    nonce: int

    def statement(
        self, struct: StructType, rows: Sequence[dict[str, Value]], signer: LocalAccount
    ) -> bytes:
        """The calldata of one signed batch."""
        bodies = tuple(body(str(row.get("code", ""))) for row in rows)
        batch = Batch(struct, DISTRICT, DEADLINE, tuple(rows), bodies)
        digest = batch.digest(self.deployment.domain(struct.contract))
        signature = bytes(signer.unsafe_sign_hash(Hash32(digest)).signature)
        method, arguments = SignedBatch(batch, signer.address, signature).method_arguments()
        kinds = _kinds(method)
        return bytes(keccak(text=method))[:4] + encode(kinds, arguments)

    def transaction(
        self, struct: StructType, data: bytes, sender: LocalAccount, nonce: int
    ) -> bytes:
        members: dict[str, Any] = {
            "chainId": self.chain.chain_id,
            "nonce": nonce,
            "to": self.deployment.registries[struct.contract],
            "value": 0,
            "data": data,
            "gas": 20_000_000,
            "gasPrice": 0,
        }
        return bytes(sender.sign_transaction(members).raw_transaction)

    def say(
        self, struct: StructType, rows: Sequence[dict[str, Value]], signer: LocalAccount
    ) -> None:
        raw = self.transaction(
            struct, self.statement(struct, rows, signer), self.sender, self.nonce
        )
        self.nonce += 1
        outcome = self.chain.outcome(self.chain.send_raw(raw))
        if outcome is None or not outcome.succeeded:
            raise ChainError(f"{struct.name} was refused: {outcome}")

    def filings(
        self, codes: Sequence[str], signer: LocalAccount, sender: LocalAccount, nonce: int
    ) -> bytes:
        rows: list[dict[str, Value]] = [
            {
                "code": code,
                "version": 1,
                "state": 1,
                "shareType": 1,
                "openType": 2,
                "grade": 2,
                "updateCycle": 4,
                "library": 4,
            }
            for code in codes
        ]
        return self.transaction(FILING, self.statement(FILING, rows, signer), sender, nonce)


def _kinds(method: str) -> list[str]:
    """The types between the outer brackets of a method's signature."""
    inner, depth, start, kinds = method[method.index("(") + 1 : -1], 0, 0, []
    for at, letter in enumerate(inner + ","):
        depth += {"(": 1, ")": -1}.get(letter, 0)
        if letter == "," and depth == 0:
            kinds.append(inner[start:at])
            start = at + 1
    return kinds


def prepare(chain: EmbeddedChain) -> tuple[Ledger, LocalAccount]:
    """Deploy, register the district, and give it a steward."""
    genesis, sender, steward = account("genesis"), account("sender"), account("steward")
    deployment = deploy(chain, sender, genesis.address, sender.address, 0)
    ledger = Ledger(chain, deployment, sender, chain.nonce(address_bytes(sender.address)))
    ledger.say(
        ORGANISATION,
        [{"code": DISTRICT, "version": 1, "parent": "", "level": 2, "status": 1}],
        genesis,
    )
    ledger.say(
        KEY,
        [
            {
                "key": steward.address,
                "version": 1,
                "holder": DISTRICT,
                "roles": int(Role.STEWARD),
                "status": 1,
            }
        ],
        genesis,
    )
    return ledger, steward


@dataclass(frozen=True)
class Spent:
    """Seconds that went by, and seconds of processor time (of all threads)."""

    wall: float
    processor: float

    def row(self, what: str, count: int, unit: str, budget: float = 0) -> Row:
        """``count`` a second by the clock; a processor second is what an idle machine would do."""
        note = f"{count / self.processor:,.0f} a processor second"
        return at_least(what, count / self.wall, unit, budget, note)


def timed(work: Callable[[], object]) -> Spent:
    """What ``work`` takes."""
    wall, processor = time.perf_counter(), time.process_time()
    work()
    return Spent(time.perf_counter() - wall, time.process_time() - processor)


def check(chain: EmbeddedChain, raws: Sequence[bytes]) -> None:
    """Everything that was sent was recorded, or the figures mean nothing."""
    for raw in raws:
        outcome = chain.outcome(bytes(keccak(raw)))
        if outcome is None or not outcome.succeeded:
            raise ChainError(f"a statement was not recorded: {outcome}")


def measure(place: Path, singles: int, batches: int, blocks: int) -> list[Row]:
    """The rows of the table."""
    path = place / FILE_NAME
    found: list[Row] = []
    with EmbeddedChain.open(path, CHAIN_ID, create=True) as chain:
        ledger, steward = prepare(chain)
        one = [
            ledger.filings([f"S-{n}"], steward, ledger.sender, ledger.nonce + n)
            for n in range(singles)
        ]
    before = path.stat().st_size
    with EmbeddedChain.open(path, CHAIN_ID) as chain:
        spent = timed(lambda: [chain.send_raw(raw) for raw in one])
        check(chain, one)
    grown = path.stat().st_size - before
    found.append(spent.row("one statement a transaction", singles, "statements/s", SINGLES_BUDGET))
    found.append(at_most("a block of one statement on disk", grown / singles, "bytes"))
    with EmbeddedChain.open(path, CHAIN_ID) as chain:
        lanes = [account(f"lane {n}") for n in range(THREADS)]
        each = singles // THREADS
        many = [
            [ledger.filings([f"T-{lane}-{n}"], steward, key, n) for n in range(each)]
            for lane, key in enumerate(lanes)
        ]
        whole = [
            ledger.filings([f"B-{n}-{i}" for i in range(BATCH)], steward, account("batches"), n)
            for n in range(batches)
        ]
        with ThreadPoolExecutor(THREADS) as pool:
            spent = timed(
                lambda: list(pool.map(lambda lane: [chain.send_raw(raw) for raw in lane], many))
            )
        for lane in many:
            check(chain, lane)
        found.append(
            spent.row(f"the same, {THREADS} senders at once", each * THREADS, "statements/s")
        )
        spent = timed(lambda: [chain.send_raw(raw) for raw in whole])
        check(chain, whole)
        found.append(spent.row(f"batches of {BATCH}", batches * BATCH, "entries/s", ENTRIES_BUDGET))
        idle = account("idle")
        for nonce in range(max(0, blocks - chain.head().number)):
            members: dict[str, Any] = {
                "chainId": CHAIN_ID,
                "nonce": nonce,
                "to": idle.address,
                "value": 0,
                "gas": 21_000,
                "gasPrice": 0,
            }
            chain.send_raw(bytes(idle.sign_transaction(members).raw_transaction))
        height = chain.head().number
    opened = sorted(
        timed(lambda: EmbeddedChain.open(path, CHAIN_ID).close()).wall for _ in range(9)
    )
    found.append(
        at_most(
            f"open and close after {height:,} blocks", opened[4] * 1000, "ms", OPENING_BUDGET_MS
        )
    )
    with EmbeddedChain.open(path, CHAIN_ID) as chain:
        spent = timed(lambda: _sound(chain.fsck))
        found.append(spent.row("fsck", height, "blocks/s"))
        spent = timed(lambda: _sound(chain.replay))
        found.append(spent.row("replay", height, "blocks/s"))
    return found


def _sound(look: Callable[[], Any]) -> None:
    report = look()
    if not report.sound:
        raise ChainError("; ".join(report.problems))


def before(place: Path, singles: int, batches: int) -> list[Row]:
    """Statements one by one and in batches, executed by py-evm's own loop."""
    ours, evm.FastState = evm.FastState, CancunState  # type: ignore[assignment, misc]
    try:
        with EmbeddedChain.open(place / FILE_NAME, CHAIN_ID, create=True) as chain:
            ledger, steward = prepare(chain)
            one = [
                ledger.filings([f"S-{n}"], steward, ledger.sender, ledger.nonce + n)
                for n in range(singles)
            ]
            alone = timed(lambda: [chain.send_raw(raw) for raw in one])
            check(chain, one)
            whole = [
                ledger.filings([f"B-{n}-{i}" for i in range(BATCH)], steward, account("batches"), n)
                for n in range(batches)
            ]
            together = timed(lambda: [chain.send_raw(raw) for raw in whole])
            check(chain, whole)
    finally:
        evm.FastState = ours  # type: ignore[misc]
    return [
        alone.row("before: one statement a transaction", singles, "statements/s"),
        together.row(f"before: batches of {BATCH}", batches * BATCH, "entries/s"),
    ]


def rows(quick: bool) -> list[Row]:  # noqa: FBT001
    """On fresh chains in directories of their own."""
    numbers = (16, 1, 50) if quick else (SINGLES, BATCHES, BLOCKS)
    with tempfile.TemporaryDirectory() as place, tempfile.TemporaryDirectory() as other:
        return [
            *measure(Path(place), *numbers),
            *before(Path(other), numbers[0] // 4, max(1, numbers[1] // 4)),
        ]


if __name__ == "__main__":
    bench_main(TITLE, rows)

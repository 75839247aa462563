"""A log with many statements on an anvil of its own, for the benchmarks of mirror and verification.

Drafts of catalogue entries, batches of 100 under one signature, up to twenty batches a block: what the import of
a large catalogue looks like. A block for every batch would fill anvil's memory with a state for each.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from eth_abi.abi import encode
from eth_account import Account
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak

from ledger.canonical import canonical_json
from ledger.chain.deploying import deploy
from ledger.chain.deployment import Deployment
from ledger.chain.jsonrpc import JsonRpcChain
from ledger.codes import Role
from ledger.statements import FILING, KEY, ORGANISATION, Batch, SignedBatch, Value, address_bytes
from tests.chain_nodes import anvil_node, funded

ROOT = "TMP-BENCH"
DEADLINE = 4_102_444_800
BATCH = 100
SENT_AT_ONCE = 20
NOT_STATED = ("shareType", "openType", "grade", "updateCycle", "library")
GENESIS = Account.from_key(keccak(text="bench genesis"))
STEWARD = Account.from_key(keccak(text="bench steward"))


@dataclass(frozen=True)
class FilledLog:
    """Where the log is, how many leaves it has, and how long filling it took."""

    url: str
    deployment: Deployment
    leaves: int
    seconds: float


@contextmanager
def filled_anvil(
    statements: int, body_bytes: int = 100, empty_blocks: int = 0
) -> Iterator[FilledLog]:
    """An anvil whose log has ``statements`` drafts with bodies of ``body_bytes`` bytes (at least 90),
    after the two statements that found the district; ``empty_blocks`` follow on the last one.
    """
    flags = ["--gas-limit", "1000000000", "--base-fee", "0", "--gas-price", "0"]
    with anvil_node(*flags) as url, JsonRpcChain(url, timeout=120) as chain:
        deployment = deploy(chain, funded(), GENESIS.address, funded().address, admin_delay=0)
        begun = time.monotonic()
        chain.endpoint.call("evm_setAutomine", False)  # noqa: FBT003 - as the node takes it
        sender = _Sender(chain, deployment)
        sender.send([sender.call(_root(deployment))])
        sender.send([sender.call(_key(deployment))])
        waiting = []
        for first in range(0, statements, BATCH):
            count = min(BATCH, statements - first)
            waiting.append(sender.call(_drafts(deployment, first, count, body_bytes)))
            if len(waiting) == SENT_AT_ONCE:
                sender.send(waiting)
                waiting = []
        sender.send(waiting)
        if empty_blocks:
            chain.endpoint.call("anvil_mine", hex(empty_blocks))
        leaves = sender.size()
        if leaves != statements + 2:
            raise RuntimeError(f"the log has {leaves} leaves, not {statements + 2}")
        yield FilledLog(url, deployment, leaves, time.monotonic() - begun)


class _Sender:
    """Sends what it is given, several transactions a request, and has them mined in one block."""

    def __init__(self, chain: JsonRpcChain, deployment: Deployment) -> None:
        self._chain = chain
        self._deployment = deployment
        self._account = funded()
        self._nonce = chain.nonce(address_bytes(self._account.address))

    def call(self, signed: SignedBatch) -> tuple[str, list[str]]:
        signature, arguments = signed.method_arguments()
        rows, mandate = signature.removeprefix(signed.batch.struct.method)[1:-1].split("[],")
        data = keccak(text=signature)[:4] + encode([rows + "[]", mandate], arguments)
        registry = self._deployment.registries[signed.batch.struct.contract]
        transaction: dict[str, Any] = {
            "chainId": self._chain.chain_id,
            "nonce": self._nonce,
            "gas": 200_000 + 90_000 * len(signed.batch.values),
            "value": 0,
            "data": data,
            "gasPrice": 0,
            "to": to_checksum_address(registry),
        }
        self._nonce += 1
        raw = bytes(self._account.sign_transaction(transaction).raw_transaction)
        return "eth_sendRawTransaction", ["0x" + raw.hex()]

    def send(self, calls: list[tuple[str, list[str]]]) -> None:
        for raw in self._chain.endpoint.call_many([*calls, ("evm_mine", [])]):
            if not bytes(raw).startswith(b'"0x'):
                raise RuntimeError(f"anvil refused: {bytes(raw)!r}")

    def size(self) -> int:
        """Leaves that the log has."""
        answer = self._chain.call(self._deployment.log_address, bytes(keccak(text="size()"))[:4])
        return int.from_bytes(answer, "big")


def _signed(deployment: Deployment, batch: Batch, signer: Any) -> SignedBatch:  # noqa: ANN401
    digest = batch.digest(deployment.domain(batch.struct.contract))
    return SignedBatch(batch, signer.address, bytes(signer.unsafe_sign_hash(digest).signature))


def _root(deployment: Deployment) -> SignedBatch:
    values: dict[str, Value] = {"code": ROOT, "version": 1, "parent": "", "level": 2, "status": 1}
    body = canonical_json({"code": ROOT, "name": "基准测试区", "uscc": "missing"})
    return _signed(deployment, Batch(ORGANISATION, ROOT, DEADLINE, (values,), (body,)), GENESIS)


def _key(deployment: Deployment) -> SignedBatch:
    values: dict[str, Value] = {
        "key": STEWARD.address,
        "version": 1,
        "holder": ROOT,
        "roles": int(Role.STEWARD),
        "status": 1,
    }
    body = canonical_json({"holder": ROOT})
    return _signed(deployment, Batch(KEY, ROOT, DEADLINE, (values,), (body,)), GENESIS)


def _drafts(deployment: Deployment, first: int, count: int, body_bytes: int) -> SignedBatch:
    values: list[dict[str, Value]] = []
    bodies = []
    for number in range(first, first + count):
        code = f"307015/{number:06d}"
        values.append({"code": code, "version": 1, "state": 1, **dict.fromkeys(NOT_STATED, 0)})
        body = {"abstract": "", "code": code, "name": f"床位 {number:06d}", "provider": ROOT}
        missing = body_bytes - len(canonical_json(body))
        body["abstract"] = "x" * max(1, missing)
        bodies.append(canonical_json(body))
    batch = Batch(FILING, ROOT, DEADLINE, tuple(values), tuple(bodies))
    return _signed(deployment, batch, STEWARD)

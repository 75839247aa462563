"""The outbox when chain, network or process fail: nothing lost, nothing anchored twice."""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from eth_account import Account
from sqlalchemy import Engine, select

from ledger.chain.authorised import AUTHORISED
from ledger.chain.deployment import Deployment
from ledger.chain.embedded import EmbeddedChain
from ledger.chain.interface import Chain
from ledger.chain.jsonrpc import JsonRpcChain
from ledger.chain.lane import RESEND_MS
from ledger.chain.outbox import Outbox, State
from ledger.chain.outbox_models import ATTEMPT, AttemptState
from ledger.store.engine import open_database
from tests.chain import district
from tests.chain.conftest import OutboxFactory, new_log
from tests.chain.proxy import DROP, Answer, Proxy, calls, proxy_for
from tests.chain_nodes import ROOT, anvil_node, funded, rpc

JSON = {"Content-Type": "application/json"}
ON, OFF = (True,), (False,)


def digests(chain: Chain, deployment: Deployment) -> list[bytes]:
    """The digests of all batches on the log, in chain order, as often as they are there."""
    events = chain.logs(deployment.log_address, deployment.deploy_block, chain.head().number)
    return [event.topics[1] for event in events if event.topics[0] == AUTHORISED]


@pytest.fixture
def proxy(anvil: str) -> Iterator[Proxy]:
    with proxy_for(anvil) as made:
        yield made


@pytest.fixture
def shaky(
    proxy: Proxy, deployment: Deployment, make_outbox: OutboxFactory
) -> Iterator[tuple[Proxy, Outbox]]:
    """An outbox that reaches its chain through a proxy; root, steward and head are recorded."""
    with JsonRpcChain(proxy.url, tries=1) as chain:
        outbox = make_outbox(chain, deployment)
        outbox.submit(district.root_organisation(deployment))
        outbox.submit(district.keys(deployment))
        assert outbox.drain(30)
        yield proxy, outbox


def test_a_chain_that_is_gone_keeps_batches_until_it_is_back(
    shaky: tuple[Proxy, Outbox], chain: JsonRpcChain, deployment: Deployment
) -> None:
    proxy, outbox = shaky
    proxy.before = lambda _: DROP
    receipt = outbox.wait(outbox.submit(district.filing(deployment, "310/000001")).id, timeout=1)
    assert receipt.state is State.ACCEPTED
    assert receipt.note is not None
    assert "broke off" in receipt.note
    proxy.before = lambda _: None
    receipt = outbox.wait(receipt.id)
    assert (receipt.state, receipt.note) == (State.RECORDED, None)
    assert len(digests(chain, deployment)) == 3


def test_an_answer_that_is_lost_after_the_node_took_the_batch_does_no_harm(
    shaky: tuple[Proxy, Outbox], chain: JsonRpcChain, deployment: Deployment
) -> None:
    proxy, outbox = shaky
    proxy.after = lambda question, answer: (
        DROP if calls(question, "eth_sendRawTransaction") else answer
    )
    ids = [outbox.submit(district.filing(deployment, f"310/{n:06}")).id for n in range(4)]
    assert outbox.drain(30)
    assert {outbox.receipt(one).state for one in ids} == {State.RECORDED}
    assert len(digests(chain, deployment)) == 6


def test_a_batch_that_never_reached_the_node_is_sent_again(
    shaky: tuple[Proxy, Outbox], chain: JsonRpcChain, deployment: Deployment
) -> None:
    proxy, outbox = shaky
    proxy.before = lambda question: DROP if calls(question, "eth_sendRawTransaction") else None
    receipt = outbox.submit(district.filing(deployment, "310/000001"))
    assert outbox.wait(receipt.id, timeout=0.5).state is State.SENT
    proxy.before = lambda _: None
    receipt = outbox.wait(receipt.id, timeout=RESEND_MS / 1000 + 5)
    assert receipt.state is State.RECORDED
    assert len(digests(chain, deployment)) == 3


def test_a_node_without_its_mind_is_noted_in_the_receipt(
    shaky: tuple[Proxy, Outbox], deployment: Deployment
) -> None:
    proxy, outbox = shaky
    proxy.before = lambda _: (200, {}, b"<html>maintenance</html>")
    receipt = outbox.wait(outbox.submit(district.filing(deployment, "310/000001")).id, timeout=1)
    assert receipt.state is State.ACCEPTED
    assert receipt.note is not None
    assert "a web page" in receipt.note


def test_a_batch_the_node_will_never_take_is_refused_and_the_next_one_goes_on(
    shaky: tuple[Proxy, Outbox], chain: JsonRpcChain, deployment: Deployment
) -> None:
    proxy, outbox = shaky
    fault = {"code": -32000, "message": "oversized data: transaction size 140000"}

    def oversized(question: Any) -> Answer | None:
        if not calls(question, "eth_sendRawTransaction"):
            return None
        body = {"jsonrpc": "2.0", "id": question["id"], "error": fault}
        return 200, JSON, json.dumps(body).encode()

    proxy.before = oversized
    first = outbox.submit(district.filing(deployment, "310/000001"))
    refused = outbox.wait(first.id)
    assert refused.error is not None
    assert "oversized" in refused.error.message_zh
    assert refused.error.hint_zh
    proxy.before = lambda _: None
    second = outbox.submit(district.filing(deployment, "310/000002"))
    assert outbox.wait(second.id).state is State.RECORDED
    again = outbox.submit(district.filing(deployment, "310/000001"))
    assert outbox.wait(again.id).state is State.RECORDED
    assert len(digests(chain, deployment)) == 4


def test_a_nonce_that_somebody_else_used_costs_only_a_new_attempt(
    outbox: Outbox, chain: JsonRpcChain, deployment: Deployment, desk: Engine, anvil: str
) -> None:
    rpc(anvil, "evm_setAutomine", *OFF)
    try:
        receipt = outbox.submit(district.filing(deployment, "310/000001"))
        assert outbox.pump()
        (nonce,) = _open_nonces(desk)
        rpc(anvil, "anvil_dropTransaction", outbox.receipt(receipt.id).transaction_hash)
        fees = {name: 4 * value for name, value in chain.fees().items()}
        other = {"to": funded().address, "value": 1, "gas": 21_000, "nonce": nonce, **fees}
        signed = funded().sign_transaction({**other, "chainId": chain.chain_id})
        chain.send_raw(bytes(signed.raw_transaction))
    finally:
        rpc(anvil, "evm_setAutomine", *ON)
    rpc(anvil, "evm_mine")
    receipt = outbox.wait(receipt.id)
    assert receipt.state is State.RECORDED
    assert len(digests(chain, deployment)) == 3
    with desk.connect() as connection:
        states = connection.execute(select(ATTEMPT.c.state).order_by(ATTEMPT.c.number)).scalars()
        assert list(states)[-2:] == [AttemptState.DROPPED, AttemptState.MINED]


def _open_nonces(desk: Engine) -> list[int]:
    with desk.connect() as connection:
        query = select(ATTEMPT.c.nonce).where(ATTEMPT.c.state == AttemptState.OPEN)
        return list(connection.execute(query).scalars())


def test_a_transaction_that_blocks_pass_by_is_replaced_by_one_that_offers_more(
    make_outbox: OutboxFactory, desk: Engine
) -> None:
    with anvil_node() as url, JsonRpcChain(url) as chain:
        deployment = new_log(chain)
        outbox = make_outbox(chain, deployment)
        rpc(url, "evm_setAutomine", *OFF)
        receipt = outbox.submit(district.root_organisation(deployment))
        assert outbox.pump()
        for _ in range(9):
            rpc(url, "anvil_setNextBlockBaseFeePerGas", hex(50 * 10**9))
            rpc(url, "anvil_mine", "0x1")
        assert outbox.receipt(receipt.id).state is State.SENT
        rpc(url, "evm_setAutomine", *ON)
        assert outbox.wait(receipt.id, timeout=20).state is State.RECORDED
        assert len(digests(chain, deployment)) == 1
        with desk.connect() as connection:
            rows = connection.execute(select(ATTEMPT).order_by(ATTEMPT.c.number)).all()
        assert [row.state for row in rows] == [AttemptState.DROPPED, AttemptState.MINED]
        assert rows[0].nonce == rows[1].nonce
        assert rows[1].price > rows[0].price


def test_a_sender_without_funds_is_told_and_goes_on_once_it_has_some(
    chain: JsonRpcChain, deployment: Deployment, desk: Engine, anvil: str
) -> None:
    poor = Account.create()
    outbox = Outbox(desk, chain, deployment, poor)
    receipt = outbox.submit(district.root_organisation(deployment))
    waiting = outbox.wait(receipt.id, timeout=1)
    assert waiting.state in (State.ACCEPTED, State.SENT)
    assert waiting.note is not None
    assert "funds" in waiting.note.lower()
    rpc(anvil, "anvil_setBalance", poor.address, hex(10**20))
    assert outbox.wait(receipt.id, timeout=20).state is State.RECORDED
    outbox.close()


def test_a_batch_mined_too_late_is_refused_with_the_contracts_reason(
    make_outbox: OutboxFactory,
) -> None:
    with anvil_node() as url, JsonRpcChain(url) as chain:
        deployment = new_log(chain)
        outbox = make_outbox(chain, deployment)
        for signed in (district.root_organisation(deployment), district.keys(deployment)):
            outbox.submit(signed)
        assert outbox.drain(30)
        rpc(url, "evm_setAutomine", *OFF)
        now = chain.head().timestamp
        late = district.filing(deployment, "310/000001", deadline=now + 60)
        receipt = outbox.submit(late)
        assert outbox.pump()
        rpc(url, "evm_increaseTime", hex(3600))
        rpc(url, "evm_setAutomine", *ON)
        rpc(url, "evm_mine")
        refused = outbox.wait(receipt.id)
        assert refused.error is not None
        assert refused.error.name == "DeadlinePassed"
        assert len(digests(chain, deployment)) == 2


WORKER = """
import sys, time
from pathlib import Path
from ledger.chain.deployment import load_deployment
from ledger.chain.embedded import EmbeddedChain
from ledger.chain.jsonrpc import JsonRpcChain
from ledger.chain.outbox import Outbox
from ledger.store.engine import open_database
from tests.chain import district
from tests.chain_nodes import funded

name, place, first, count = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
deployment = load_deployment(place)
engine = open_database(f"sqlite:///{place / 'desk.db'}", "desk")
remote = name.startswith("http")
with (
    JsonRpcChain(name) if remote else EmbeddedChain.open(Path(name), 26476)
) as chain, (place / "accepted").open("a") as accepted:
    outbox = Outbox(engine, chain, deployment, funded(), in_flight=8)
    outbox.pump()
    for number in range(first, first + count):
        # every third one builds on the one before
        version = 2 if number % 3 == 2 else 1
        code = f"310/{number - 1 if version == 2 else number:06}"
        receipt = outbox.submit(district.filing(deployment, code, version=version))
        accepted.write(receipt.id + "\\n")
        accepted.flush()
        if number % 2:
            outbox.pump()
    outbox.drain(60)
"""


@contextlib.contextmanager
def kept_chain(kind: str, place: Path) -> Iterator[tuple[str, Callable[[], Chain]]]:
    """A chain that outlives the process that uses it: what names it, and how to open it."""
    if kind == "anvil":
        with anvil_node("--block-time", "0.2") as url:
            yield url, lambda: JsonRpcChain(url)
    else:
        store = place / "chain.db"
        EmbeddedChain.open(store, 26476, create=True).close()
        yield str(store), lambda: EmbeddedChain.open(store, 26476)


@pytest.mark.parametrize(("kind", "kills"), [("anvil", 10), ("embedded", 4)])
def test_a_process_killed_at_any_moment_loses_nothing_and_anchors_nothing_twice(
    tmp_path: Path, kind: str, kills: int
) -> None:
    chance = random.Random(26476)  # noqa: S311
    engine = open_database(f"sqlite:///{tmp_path / 'desk.db'}", "desk")
    with kept_chain(kind, tmp_path) as (name, opened):
        with contextlib.closing(opened()) as chain:
            deployment = new_log(chain)
            deployment.save(tmp_path)
            outbox = Outbox(engine, chain, deployment, funded())
            outbox.submit(district.root_organisation(deployment))
            outbox.submit(district.keys(deployment))
            assert outbox.drain(30)
            outbox.close()
        killed = 0
        for run in range(kills):
            process = _worker(name, tmp_path, first=run * 60, count=60)
            _await_submission(tmp_path, process, seen=_accepted(tmp_path))
            time.sleep(chance.uniform(0, 1.2))
            if process.poll() is None:
                os.kill(process.pid, signal.SIGKILL)
                killed += 1
            process.wait(30)
        assert killed > kills // 2
        with contextlib.closing(opened()) as chain:
            outbox = Outbox(engine, chain, deployment, funded())
            assert outbox.drain(120)
            receipts = outbox.receipts(limit=10_000)
            on_chain = ["0x" + digest.hex() for digest in digests(chain, deployment)]
    engine.dispose()
    accepted = _accepted(tmp_path)
    assert len(accepted) > kills
    assert set(accepted) <= set(on_chain)
    assert len(on_chain) == len(set(on_chain))
    assert {receipt.id for receipt in receipts} == set(on_chain)
    assert {receipt.state for receipt in receipts} == {State.RECORDED}


def _worker(name: str, place: Path, first: int, count: int) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-c", WORKER, name, str(place), str(first), str(count)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )


def _accepted(place: Path) -> list[str]:
    file = place / "accepted"
    return file.read_text().split() if file.exists() else []


def _await_submission(place: Path, process: subprocess.Popen[bytes], seen: list[str]) -> None:
    end = time.monotonic() + 60
    while len(_accepted(place)) == len(seen) and process.poll() is None:
        assert time.monotonic() < end
        time.sleep(0.01)

"""The same outbox on other chains and other databases."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from ledger.chain.authorised import AUTHORISED
from ledger.chain.deployment import Deployment
from ledger.chain.embedded import EmbeddedChain
from ledger.chain.interface import Chain
from ledger.chain.jsonrpc import JsonRpcChain
from ledger.chain.outbox import Outbox, State
from ledger.statements import address_bytes
from ledger.store.engine import open_database
from tests.chain import district
from tests.chain.conftest import OutboxFactory, new_log, verified
from tests.chain_nodes import funded, hardhat_node


def use(outbox: Outbox, chain: Chain, deployment: Deployment) -> None:
    """Found the district, file and revise, and be refused once; the log holds exactly that."""
    for signed in (district.root_organisation(deployment), district.keys(deployment)):
        outbox.submit(signed)
    good = [outbox.submit(district.filing(deployment, f"310/{n:06}")).id for n in range(20)]
    good += [
        outbox.submit(district.filing(deployment, f"310/{n:06}", version=2)).id for n in range(5)
    ]
    bad = outbox.submit(district.filing(deployment, "310/000001", version=7))
    assert outbox.drain(60)
    assert {outbox.receipt(one).state for one in good} == {State.RECORDED}
    refused = outbox.receipt(bad.id)
    assert refused.error is not None
    assert refused.error.expected_version == 3
    first = [outbox.receipt(one).first_index for one in good]
    assert first == list(range(3, 28))
    events = chain.logs(deployment.log_address, deployment.deploy_block, chain.head().number)
    assert sum(event.topics[0] == AUTHORISED for event in events) == 27
    assert outbox.confirm(verified(chain, deployment)) == 27


def test_the_embedded_chain(tmp_path: Path, make_outbox: OutboxFactory) -> None:
    with EmbeddedChain.open(tmp_path / "chain.db", 26476, create=True) as chain:
        deployment = new_log(chain)
        deployment.verify_code(chain)
        before = chain.head().number
        use(make_outbox(chain, deployment), chain, deployment)
        # what did not build on one another went into the same blocks
        assert chain.head().number - before < 15


def test_a_refusal_leaves_no_trace_on_the_embedded_chain(
    tmp_path: Path, make_outbox: OutboxFactory
) -> None:
    with EmbeddedChain.open(tmp_path / "chain.db", 26476, create=True) as chain:
        deployment = new_log(chain)
        outbox = make_outbox(chain, deployment)
        outbox.submit(district.root_organisation(deployment))
        outbox.submit(district.keys(deployment))
        assert outbox.drain()
        before, nonce = chain.head(), chain.nonce(address_bytes(funded().address))
        refused = outbox.submit(district.filing(deployment, "310/000001", version=2))
        assert outbox.drain()
        assert outbox.receipt(refused.id).state is State.REFUSED
        assert (chain.head(), chain.nonce(address_bytes(funded().address))) == (before, nonce)
        # good ones around bad ones: each gets its own answer, and one block holds the good ones
        receipts = [
            outbox.submit(district.filing(deployment, "310/000001", version=version))
            for version in (1, 5, 2, 9, 3)
        ]
        assert outbox.drain()
        states = [outbox.receipt(one.id) for one in receipts]
        assert [one.state.value for one in states] == [
            "recorded",
            "refused",
            "recorded",
            "refused",
            "recorded",
        ]
        assert [one.error.expected_version for one in states if one.error] == [2, 3]
        assert chain.fsck().sound
        assert chain.replay().sound


def test_a_hardhat_node(make_outbox: OutboxFactory) -> None:
    with hardhat_node() as url, JsonRpcChain(url) as chain:
        deployment = new_log(chain)
        use(make_outbox(chain, deployment), chain, deployment)


def test_a_desk_in_postgresql(
    postgresql_url: str, chain: JsonRpcChain, deployment: Deployment
) -> None:
    engine = open_database(postgresql_url, "desk")
    outbox = Outbox(engine, chain, deployment, funded())
    use(outbox, chain, deployment)
    outbox.close()
    engine.dispose()


@pytest.mark.parametrize("place", ["sqlite", "postgresql"])
def test_offices_that_share_a_desk_hand_in_the_same_batch_at_once(
    place: str,
    request: pytest.FixtureRequest,
    tmp_path: Path,
    chain: JsonRpcChain,
    deployment: Deployment,
) -> None:
    url = f"sqlite:///{tmp_path / 'desk.db'}"
    if place == "postgresql":
        url = str(request.getfixturevalue("postgresql_url"))
    engines = [open_database(url, "desk") for _ in range(4)]
    outboxes = [Outbox(engine, chain, deployment, funded()) for engine in engines]
    signed = district.root_organisation(deployment)
    start = threading.Barrier(len(outboxes))
    states: list[State] = []

    def office(outbox: Outbox) -> None:
        start.wait()
        receipt = outbox.submit(signed)
        states.append(outbox.wait(receipt.id).state)

    threads = [threading.Thread(target=office, args=(outbox,)) for outbox in outboxes]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert states == [State.RECORDED] * 4
    assert len(outboxes[0].receipts()) == 1
    for outbox, engine in zip(outboxes, engines, strict=True):
        outbox.close()
        engine.dispose()

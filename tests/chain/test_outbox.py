"""The outbox against anvil: what a caller sees of a batch, from handing in to the log."""

from __future__ import annotations

import threading

import pytest
from sqlalchemy import Engine, select
from web3.types import RPCEndpoint

from ledger.chain.authorised import AUTHORISED, authorised_in
from ledger.chain.deployment import Deployment
from ledger.chain.errors import explain
from ledger.chain.interface import Chain
from ledger.chain.jsonrpc import JsonRpcChain
from ledger.chain.outbox import Outbox, State, UnknownReceipt
from ledger.chain.outbox_models import ATTEMPT, AttemptState
from ledger.statements import sha256
from ledger.store.engine import open_database
from tests.chain import district
from tests.chain.conftest import OutboxFactory, new_log, verified
from tests.chain_nodes import anvil_node, funded, rpc

ON, OFF = (True,), (False,)


def recorded(chain: Chain, deployment: Deployment) -> list[bytes]:
    """The digests of all batches on the log, in chain order; fails where one is there twice."""
    events = chain.logs(deployment.log_address, deployment.deploy_block, chain.head().number)
    found = authorised_in(events)
    assert sum(event.topics[0] == AUTHORISED for event in events) == len(found)
    return list(found)


def test_a_batch_goes_from_accepted_to_verified(
    outbox: Outbox, chain: JsonRpcChain, deployment: Deployment
) -> None:
    signed = district.filing(deployment, "310/000001", "310/000002")
    receipt = outbox.submit(signed)
    digest = signed.batch.digest(deployment.domain("Catalogue"))
    assert (receipt.id, receipt.state) == ("0x" + digest.hex(), State.ACCEPTED)
    receipt = outbox.wait(receipt.id)
    assert (receipt.state, receipt.first_index, receipt.count) == (State.RECORDED, 3, 2)
    assert receipt.transaction_hash is not None
    assert receipt.gas_used
    assert receipt.block_number is not None
    before = verified(chain, deployment, receipt.block_number - 1)
    assert outbox.confirm(before) == 2  # the two batches before
    assert outbox.receipt(receipt.id).state is State.RECORDED
    assert outbox.confirm(verified(chain, deployment)) == 1
    assert outbox.wait(receipt.id, State.VERIFIED, timeout=0).state is State.VERIFIED


def test_handing_in_twice_gives_one_receipt_and_one_record(
    outbox: Outbox, chain: JsonRpcChain, deployment: Deployment
) -> None:
    signed = district.filing(deployment, "310/000001")
    first = outbox.submit(signed)
    assert outbox.submit(signed).id == first.id
    outbox.wait(first.id)
    again = outbox.submit(signed)
    assert (again.id, again.state) == (first.id, State.RECORDED)
    assert not outbox.pump()
    assert recorded(chain, deployment).count(bytes.fromhex(first.id[2:])) == 1


def test_a_stale_version_is_refused_with_the_one_expected_and_costs_nothing(
    outbox: Outbox, chain: JsonRpcChain, deployment: Deployment
) -> None:
    outbox.wait(outbox.submit(district.filing(deployment, "310/000001")).id)
    height = chain.head().number
    receipt = outbox.wait(
        outbox.submit(district.filing(deployment, "310/000001", body=b'{"other":1}')).id
    )
    assert receipt.state is State.REFUSED
    assert receipt.error is not None
    assert receipt.error.name == "StaleVersion"
    assert receipt.error.expected_version == 2
    assert "310/000001" in receipt.error.message_en
    assert "第 2 版" in receipt.error.message_zh
    assert receipt.transaction_hash is None
    assert chain.head().number == height


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("RoleMissing", {"signer": district.OUTSIDER}),
        ("DeadlinePassed", {"deadline": 1}),
        ("IllegalTransition", {"state": 4}),
        ("StaleVersion", {"version": 7}),
        ("CosignatureMissing", {"state": 2}),
    ],
)
def test_a_broken_rule_is_refused_with_reason_and_advice(
    outbox: Outbox, deployment: Deployment, name: str, change: dict[str, object]
) -> None:
    receipt = outbox.wait(outbox.submit(district.filing(deployment, "310/000001", **change)).id)
    assert receipt.error is not None
    assert receipt.error.name == name
    assert receipt.error.hint_en
    assert receipt.error.hint_zh


def test_a_signature_over_other_data_is_refused(outbox: Outbox, deployment: Deployment) -> None:
    good = district.filing(deployment, "310/000001")
    other = district.filing(deployment, "310/000002")
    forged = type(good)(good.batch, good.signer, other.signature)
    receipt = outbox.wait(outbox.submit(forged).id)
    assert receipt.error is not None
    assert receipt.error.name == "BadSignature"
    assert good.signer in receipt.error.message_zh
    # the same statements, signed properly, have the same digest and get their chance
    assert outbox.wait(outbox.submit(good).id).state is State.RECORDED


def test_a_refused_batch_may_be_handed_in_again_once_its_reason_is_gone(
    outbox: Outbox, deployment: Deployment
) -> None:
    second = district.filing(deployment, "310/000001", version=2)
    refused = outbox.wait(outbox.submit(second).id)
    assert refused.state is State.REFUSED
    outbox.submit(district.filing(deployment, "310/000001"))
    again = outbox.submit(second)
    assert (again.id, again.state) == (refused.id, State.ACCEPTED)
    assert outbox.wait(again.id).state is State.RECORDED


def test_versions_handed_in_one_after_the_other_are_recorded_in_that_order(
    outbox: Outbox, deployment: Deployment
) -> None:
    batches = [
        district.filing(deployment, f"310/00000{entry}", version=version)
        for version in (1, 2, 3)
        for entry in (1, 2)
    ]
    receipts = [outbox.submit(batch) for batch in batches]
    assert outbox.drain(60)
    states = [outbox.receipt(receipt.id) for receipt in receipts]
    assert [receipt.state for receipt in states] == [State.RECORDED] * 6
    assert [receipt.first_index for receipt in states] == [3, 4, 5, 6, 7, 8]


def test_independent_batches_share_blocks(make_outbox: OutboxFactory) -> None:
    with anvil_node() as url, JsonRpcChain(url) as chain:
        deployment = new_log(chain)
        outbox = make_outbox(chain, deployment)
        outbox.submit(district.root_organisation(deployment))
        outbox.submit(district.keys(deployment))
        assert outbox.drain(60)
        # Only now a block every second: the contracts take a transaction each.
        assert "error" not in chain.w3.provider.make_request(
            RPCEndpoint("evm_setIntervalMining"), [1]
        )
        ids = [outbox.submit(district.filing(deployment, f"310/{n:06}")).id for n in range(30)]
        assert outbox.drain(60)
        blocks = {outbox.receipt(one).block_number for one in ids}
        assert len(blocks) <= 2
        assert len(recorded(chain, deployment)) == 32


def test_the_same_statement_recorded_by_another_office_counts_as_recorded(
    outbox: Outbox,
    chain: JsonRpcChain,
    deployment: Deployment,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    signed = district.filing(deployment, "310/000001")
    place = tmp_path_factory.mktemp("elsewhere")
    engine = open_database(f"sqlite:///{place / 'desk.db'}", "desk")
    elsewhere = Outbox(engine, chain, deployment, funded())
    there = elsewhere.wait(elsewhere.submit(signed).id)
    engine.dispose()
    here = outbox.wait(outbox.submit(signed).id)
    assert here.state is State.RECORDED
    assert (here.first_index, here.transaction_hash) == (
        there.first_index,
        there.transaction_hash,
    )
    assert len(recorded(chain, deployment)) == 3


def test_two_batches_for_the_same_version_leave_one_recorded_and_one_refused(
    outbox: Outbox, chain: JsonRpcChain, deployment: Deployment
) -> None:
    one = outbox.submit(district.filing(deployment, "310/000001", body=b"{}"))
    two = outbox.submit(district.filing(deployment, "310/000001", body=b"[]"))
    assert outbox.drain(30)
    assert outbox.receipt(one.id).state is State.RECORDED
    assert outbox.receipt(two.id).state is State.REFUSED
    assert len(recorded(chain, deployment)) == 3


def test_threads_may_hand_in_and_wait_at_once(
    outbox: Outbox, chain: JsonRpcChain, deployment: Deployment
) -> None:
    batches = [district.filing(deployment, f"310/{n:06}") for n in range(12)]
    states: list[State] = []

    def office(signed: object) -> None:
        states.append(outbox.wait(outbox.submit(signed).id).state)

    threads = [threading.Thread(target=office, args=(batch,)) for batch in batches]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert states == [State.RECORDED] * 12
    assert len(recorded(chain, deployment)) == 14


@pytest.mark.usefixtures("outbox")
def test_one_of_two_processes_sends_and_the_other_takes_over_when_it_closes(
    make_outbox: OutboxFactory, chain: JsonRpcChain, deployment: Deployment
) -> None:
    first = make_outbox(chain, deployment)
    second = make_outbox(chain, deployment)
    rpc_url = chain.endpoint._url
    rpc(rpc_url, "evm_setAutomine", *OFF)
    try:
        waiting = first.submit(district.filing(deployment, "310/000001"))
        assert first.pump()
        assert first.receipt(waiting.id).state is State.SENT
        later = second.submit(district.filing(deployment, "310/000002"))
        assert not second.pump()
        assert second.receipt(later.id).state is State.ACCEPTED
        first.close()
        assert second.pump()
        assert second.receipt(later.id).state is State.SENT
    finally:
        rpc(rpc_url, "evm_setAutomine", *ON)
    rpc(rpc_url, "evm_mine")
    assert second.drain(30)
    assert len(recorded(chain, deployment)) == 4


def test_an_unknown_receipt_is_told_apart(outbox: Outbox) -> None:
    with pytest.raises(UnknownReceipt, match="handed in"):
        outbox.receipt("0x" + sha256(b"nothing").hex())


def test_a_reorganisation_sends_again_what_it_took_away(make_outbox: OutboxFactory) -> None:
    with anvil_node() as url, JsonRpcChain(url) as chain:
        deployment = new_log(chain)
        outbox = make_outbox(chain, deployment)
        for signed in (district.root_organisation(deployment), district.keys(deployment)):
            outbox.submit(signed)
        assert outbox.drain(30)
        before = rpc(url, "evm_snapshot")
        receipt = outbox.wait(outbox.submit(district.filing(deployment, "310/000001")).id)
        outbox.confirm(verified(chain, deployment))
        rpc(url, "evm_revert", before)
        assert outbox.rolled_back(3) == 1
        assert outbox.receipt(receipt.id).first_index is None
        assert outbox.wait(receipt.id).first_index == 3
        assert len(recorded(chain, deployment)) == 3


def test_a_reorganisation_that_no_mirror_saw_sends_again_what_it_took_away(
    make_outbox: OutboxFactory,
) -> None:
    """The mirror was behind when the block came and went: nothing was ever cut."""
    with anvil_node() as url, JsonRpcChain(url) as chain:
        deployment = new_log(chain)
        outbox = make_outbox(chain, deployment)
        for signed in (district.root_organisation(deployment), district.keys(deployment)):
            outbox.submit(signed)
        assert outbox.drain(30)
        before = rpc(url, "evm_snapshot")
        receipt = outbox.wait(outbox.submit(district.filing(deployment, "310/000001")).id)
        rpc(url, "evm_revert", before)
        rpc(url, "anvil_mine", "0x2")
        assert outbox.confirm(verified(chain, deployment)) == 2
        assert outbox.receipt(receipt.id).state is State.SENT
        assert outbox.wait(receipt.id).first_index == 3
        assert outbox.confirm(verified(chain, deployment)) == 1


def test_a_mirror_that_was_lost_makes_receipts_recorded_until_it_has_them_again(
    outbox: Outbox, chain: JsonRpcChain, deployment: Deployment
) -> None:
    assert outbox.confirm(verified(chain, deployment)) == 2
    assert outbox.not_verified_beyond(3) == 0
    assert outbox.not_verified_beyond(1) == 1
    assert [one.state for one in outbox.receipts()] == [State.VERIFIED, State.RECORDED]
    assert outbox.not_verified_beyond(0) == 1
    assert outbox.confirm(verified(chain, deployment)) == 2


def test_a_refusal_that_a_node_made_up_gives_way_to_the_log(
    outbox: Outbox, chain: JsonRpcChain, deployment: Deployment
) -> None:
    """A node that is behind does not know that another office recorded the very same batch."""
    receipt = outbox.wait(outbox.submit(district.filing(deployment, "310/000001")).id)
    outbox.confirm(verified(chain, deployment))
    row = {"sequence": 3, "texts": "{}"}
    outbox._lane._desk.refuse(row, explain(b""))  # type: ignore[union-attr, arg-type]
    assert outbox.receipt(receipt.id).state is State.REFUSED
    rpc(chain.endpoint._url, "anvil_mine", "0x1")
    assert outbox.confirm(verified(chain, deployment)) == 1
    assert outbox.receipt(receipt.id).state is State.VERIFIED
    assert outbox.receipt(receipt.id).error is None


@pytest.mark.usefixtures("outbox")
def test_the_desk_keeps_every_transaction_that_was_tried(desk: Engine) -> None:
    with desk.connect() as connection:
        rows = connection.execute(select(ATTEMPT.c.state, ATTEMPT.c.nonce)).all()
    assert [row.state for row in rows] == [AttemptState.MINED] * 2
    assert rows[1].nonce == rows[0].nonce + 1

"""JSON-RPC chains: what they answer is what the chain holds, however the node limits its answers."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest

from ledger.chain.deployment import Deployment
from ledger.chain.errors import explain
from ledger.chain.interface import CallReverted, ChainError, RawLog, TransactionOutcome
from ledger.chain.jsonrpc import JsonRpcChain, TransactionRefused
from ledger.chain.outbox import Outbox, State, calldata_of
from ledger.statements import SignedBatch, address_bytes
from tests.chain import district
from tests.chain.conftest import new_log
from tests.chain.proxy import Answer, calls, proxy_for
from tests.chain_nodes import anvil_node, funded, rpc

JSON = {"Content-Type": "application/json"}


Log = tuple[str, Deployment, list[RawLog]]


@pytest.fixture(scope="module")
def sparse() -> Iterator[Log]:
    """A chain of its own, with a batch every 40 blocks in 620; its URL, log, and all its events."""
    with anvil_node() as url, JsonRpcChain(url) as chain:
        deployment = new_log(chain)
        send(chain, deployment, district.root_organisation(deployment))
        send(chain, deployment, district.keys(deployment))
        for number in range(15):
            rpc(url, "anvil_mine", hex(39))
            send(chain, deployment, district.filing(deployment, f"310/{number:06}"))
        head = chain.head().number
        one_by_one = [
            event
            for block in range(head + 1)
            for event in chain.logs(deployment.log_address, block, block)
        ]
        yield url, deployment, one_by_one


def send(chain: JsonRpcChain, deployment: Deployment, signed: SignedBatch) -> bytes:
    """Send a batch without an outbox, and wait until it is in a block."""
    sent = chain.send_raw(transaction(chain, deployment, signed))
    mined(chain, sent)
    return sent


def mined(chain: JsonRpcChain, sent: bytes) -> TransactionOutcome:
    """anvil mines at once, but a moment after it answers."""
    for _ in range(200):
        outcome = chain.outcome(sent)
        if outcome is not None:
            return outcome
        time.sleep(0.01)
    raise AssertionError(f"0x{sent.hex()} is in no block")


def transaction(chain: JsonRpcChain, deployment: Deployment, signed: SignedBatch) -> bytes:
    sender = funded()
    raw = sender.sign_transaction(
        {
            "chainId": chain.chain_id,
            "nonce": chain.nonce(address_bytes(sender.address)),
            "to": deployment.registries[signed.batch.struct.contract],
            "value": 0,
            "gas": 3_000_000,
            "data": calldata_of(signed),
            **chain.fees(),
        }
    )
    return bytes(raw.raw_transaction)


def question_of(question: Any) -> dict[str, Any]:
    return question["params"][0]


def scan_first_ten(question: Any, answer: Any) -> Any:
    """FISCO BCOS 3: a long range is answered with the events of its first ten blocks, no error."""
    if not calls(question, "eth_getLogs"):
        return answer
    first = int(question_of(question)["fromBlock"], 16)
    rows = [row for row in answer["result"] if int(row["blockNumber"], 16) < first + 10]
    return {**answer, "result": rows}


def refuse_wide(limit: int) -> Any:
    """Besu and gateways: more than so many blocks, or results, are an error."""

    def before(question: Any) -> Answer | None:
        if not calls(question, "eth_getLogs"):
            return None
        asked = question_of(question)
        if int(asked["toBlock"], 16) - int(asked["fromBlock"], 16) < limit:
            return None
        error = {"code": -32005, "message": f"Requested range exceeds maximum of {limit} blocks"}
        body = {"jsonrpc": "2.0", "id": question["id"], "error": error}
        return 200, JSON, json.dumps(body).encode()

    return before


def test_a_node_that_silently_scans_ten_blocks_loses_no_event(sparse: Log) -> None:
    url, deployment, events = sparse
    with proxy_for(url) as proxy:
        proxy.after = scan_first_ten
        with JsonRpcChain(proxy.url) as chain:
            head = chain.head().number
            assert chain.logs(deployment.log_address, 0, head) == events
            assert chain.max_log_range <= 10


@pytest.mark.parametrize("limit", [1, 64, 5000])
def test_a_node_that_refuses_wide_ranges_is_asked_for_narrower_ones(
    sparse: Log, limit: int
) -> None:
    url, deployment, events = sparse
    with proxy_for(url) as proxy:
        proxy.before = refuse_wide(limit)
        with JsonRpcChain(proxy.url) as chain:
            head = chain.head().number
            assert chain.logs(deployment.log_address, 0, head) == events
            assert chain.max_log_range <= limit


def test_a_range_whose_answer_is_too_long_is_asked_for_in_parts(
    sparse: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    url, deployment, events = sparse
    monkeypatch.setattr("ledger.chain.wire.MOST", 1 << 14)
    with JsonRpcChain(url, span=5_000) as chain:
        assert chain.logs(deployment.log_address, 0, chain.head().number) == events


def test_a_range_is_proven_by_an_event_at_its_end(sparse: Log) -> None:
    url, deployment, events = sparse
    with proxy_for(url) as proxy, JsonRpcChain(proxy.url) as chain:
        assert chain.max_log_range == 10
        head = chain.head().number
        assert chain.logs(deployment.log_address, 0, head) == events
        assert chain.max_log_range > 500
        proxy.asked.clear()
        assert chain.logs(deployment.log_address, 0, head) == events
        assert len(proxy.asked) <= 3


def test_part_of_a_range_is_exactly_its_part(sparse: Log) -> None:
    url, deployment, events = sparse
    with JsonRpcChain(url) as chain:
        first, last = 100, 400
        expected = [event for event in events if first <= event.block_number <= last]
        assert chain.logs(deployment.log_address, first, last) == expected
        assert chain.logs(deployment.log_address, last, first) == []


def test_events_that_nobody_asked_for_are_not_believed(sparse: Log) -> None:
    url, deployment, _ = sparse

    def foreign(question: Any, answer: Any) -> Any:
        if calls(question, "eth_getLogs"):
            for row in answer["result"]:
                row["address"] = "0x" + "11" * 20
        return answer

    with proxy_for(url) as proxy:
        proxy.after = foreign
        with JsonRpcChain(proxy.url) as chain, pytest.raises(ChainError, match="not asked for"):
            chain.logs(deployment.log_address, 0, chain.head().number)


def test_fisco_spells_the_block_hash_in_lower_case(sparse: Log) -> None:
    url, deployment, events = sparse

    def lower(question: Any, answer: Any) -> Any:
        if calls(question, "eth_getLogs"):
            for row in answer["result"]:
                row["blockhash"] = row.pop("blockHash")
        return answer

    with proxy_for(url) as proxy:
        proxy.after = lower
        with JsonRpcChain(proxy.url) as chain:
            assert chain.logs(deployment.log_address, 0, chain.head().number) == events


def test_blocks_come_in_the_order_asked_and_link_up(sparse: Log) -> None:
    with JsonRpcChain(sparse[0]) as chain:
        blocks = chain.blocks([7, 5, 6])
        assert [block.number for block in blocks] == [7, 5, 6]
        assert blocks[0].parent_hash == blocks[2].hash
        assert blocks[2].parent_hash == blocks[1].hash
        assert chain.blocks([chain.head().number]) == [chain.head()]


def test_a_block_that_is_not_there_is_an_error_and_no_guess(sparse: Log) -> None:
    with JsonRpcChain(sparse[0]) as chain, pytest.raises(ChainError, match="no block 999999"):
        chain.blocks([999_999])


def test_a_contracts_refusal_comes_with_its_data(sparse: Log) -> None:
    url, deployment, _ = sparse
    with JsonRpcChain(url) as chain:
        again = calldata_of(district.filing(deployment, "310/000001"))
        registry = deployment.registry("Catalogue")
        with pytest.raises(CallReverted) as caught:
            chain.estimate_gas(address_bytes(funded().address), registry, again)
        assert explain(caught.value.data).name == "StaleVersion"
        with pytest.raises(CallReverted) as caught:
            chain.call(registry, again)
        assert explain(caught.value.data).expected_version == 2


def test_sending_the_same_bytes_twice_is_no_error(sparse: Log) -> None:
    url, deployment, _ = sparse
    with JsonRpcChain(url) as chain:
        raw = transaction(chain, deployment, district.filing(deployment, "310/900001"))
        before = rpc(url, "evm_snapshot")
        sent = chain.send_raw(raw)
        assert mined(chain, sent).succeeded
        assert chain.send_raw(raw) == sent  # its nonce is used now, by itself
        rpc(url, "evm_revert", before)


def test_an_error_for_a_transaction_that_was_mined_all_the_same_is_seen_through(
    sparse: Log,
) -> None:
    """FISCO BCOS with sync_transaction, Hardhat: reverted, mined, and answered with an error."""
    url, deployment, _ = sparse

    def error(question: Any, answer: Any) -> Any:
        if calls(question, "eth_sendRawTransaction"):
            fault = {"code": -32603, "message": "execution reverted"}
            return {"jsonrpc": "2.0", "id": answer["id"], "error": fault}
        return answer

    before = rpc(url, "evm_snapshot")
    with proxy_for(url) as proxy:
        proxy.after = error
        with JsonRpcChain(proxy.url) as chain:
            stale = transaction(chain, deployment, district.filing(deployment, "310/000001"))
            assert not mined(chain, chain.send_raw(stale)).succeeded
    rpc(url, "evm_revert", before)


def test_what_a_node_will_never_take_is_refused_for_good(sparse: Log) -> None:
    url, deployment, _ = sparse

    def oversized(question: Any) -> Answer | None:
        if not calls(question, "eth_sendRawTransaction"):
            return None
        fault = {"code": -32000, "message": "oversized data: transaction size 140000, limit 131072"}
        body = {"jsonrpc": "2.0", "id": question["id"], "error": fault}
        return 200, JSON, json.dumps(body).encode()

    with proxy_for(url) as proxy:
        proxy.before = oversized
        with JsonRpcChain(proxy.url) as chain:
            raw = transaction(chain, deployment, district.filing(deployment, "310/900002"))
            with pytest.raises(TransactionRefused, match="smaller statements"):
                chain.send_raw(raw)


def test_fees_follow_the_chain(sparse: Log) -> None:
    def no_base_fee(question: Any, answer: Any) -> Any:
        if calls(question, "eth_getBlockByNumber"):
            answer["result"].pop("baseFeePerGas")
        return answer

    def free(question: Any, answer: Any) -> Any:
        if calls(question, "eth_getBlockByNumber"):
            answer["result"]["baseFeePerGas"] = "0x0"
        return {**answer, "result": "0x0"} if calls(question, "eth_gasPrice") else answer

    with proxy_for(sparse[0]) as proxy, JsonRpcChain(proxy.url) as chain:
        assert chain.fees()["maxFeePerGas"] > chain.fees()["maxPriorityFeePerGas"] > 0
        proxy.after = no_base_fee
        assert set(chain.fees()) == {"gasPrice"}
        proxy.after = free
        assert chain.fees() == {"maxFeePerGas": 0, "maxPriorityFeePerGas": 0}


def test_web3_speaks_through_the_same_endpoint(sparse: Log) -> None:
    with JsonRpcChain(sparse[0]) as chain:
        assert chain.w3.eth.block_number == chain.head().number
        assert bytes(chain.w3.eth.get_block("latest")["hash"]) == chain.head().hash
        assert chain.w3.is_connected()


def test_a_legacy_chain_records_statements(make_outbox: Any) -> None:
    with anvil_node("--base-fee", "0", "--gas-price", "0") as url, JsonRpcChain(url) as chain:
        deployment = new_log(chain)
        outbox: Outbox = make_outbox(chain, deployment)
        chain.fees = lambda: {"gasPrice": 0}  # type: ignore[method-assign]
        receipt = outbox.wait(outbox.submit(district.root_organisation(deployment)).id)
        assert receipt.state is State.RECORDED

"""The capability probe: what it says of real nodes, and of nodes that are worse than they look."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ledger.chain import probe
from ledger.chain.deployment import Deployment, DeploymentError
from ledger.chain.jsonrpc import JsonRpcChain
from ledger.chain.node_faults import RpcError
from ledger.chain.probe import Capabilities
from tests.chain.conftest import new_log
from tests.chain.proxy import Answer, calls, proxy_for
from tests.chain.test_jsonrpc import JSON, scan_first_ten
from tests.chain_nodes import anvil_node, hardhat_node, rpc


def only(*unknown: str) -> Any:
    """A node that knows all methods but these."""

    def before(question: Any) -> Answer | None:
        if isinstance(question, list) or question["method"] not in unknown:
            return None
        fault = {"code": -32601, "message": "method not found"}
        body = {"jsonrpc": "2.0", "id": question["id"], "error": fault}
        return 200, JSON, json.dumps(body).encode()

    return before


def test_anvil_is_found_able(chain: JsonRpcChain, deployment: Deployment) -> None:
    found = probe.probe(chain, deployment)
    assert found.client.startswith("anvil/")
    assert (found.chain_id, found.fees, found.cancun, found.batch) == (31337, "eip1559", True, 100)
    assert found.finality == "finalized"
    assert found.fee_history
    assert found.proofs
    assert found.block_receipts
    assert found.obstacles() == []
    assert found.log_range > deployment.deploy_block


def test_hardhat_is_found_able() -> None:
    with hardhat_node() as url, JsonRpcChain(url) as chain:
        found = probe.probe(chain, new_log(chain))
        assert "HardhatNetwork" in found.client
        assert found.cancun
        assert found.obstacles() == []


def test_a_chain_before_cancun_is_told_before_anything_is_deployed() -> None:
    with anvil_node("--hardfork", "shanghai", level=None) as url, JsonRpcChain(url) as chain:
        found = probe.probe(chain)
        assert not found.cancun
        (english,), (chinese,) = found.obstacles("en"), found.obstacles("zh")
        assert "Cancun" in english
        assert "newer node" in english
        assert "升级节点" in chinese
        with pytest.raises(DeploymentError, match="Cancun"):
            new_log(chain)


def test_a_silent_limit_of_ten_blocks_is_found_by_the_canary() -> None:
    with anvil_node() as url, proxy_for(url) as proxy, JsonRpcChain(proxy.url) as chain:
        rpc(url, "anvil_mine", hex(200))
        deployment = new_log(chain)
        proxy.after = scan_first_ten
        found = probe.probe(chain, deployment)
        assert found.log_range <= 10
        assert found.log_range_limited
        assert "wider ranges fail" in dict(found.words("en"))["getLogs range"]
        assert "不可信" in dict(found.words("zh"))["事件查询范围"]


def test_a_range_is_measured_as_far_as_the_chain_is_long() -> None:
    with anvil_node() as url, JsonRpcChain(url) as chain:
        rpc(url, "anvil_mine", hex(600))
        deployment = new_log(chain)
        found = probe.probe(chain, deployment)
        assert found.log_range > 600
        assert not found.log_range_limited
        assert "at least" in dict(found.words("en"))["getLogs range"]


def test_a_poor_node_is_described_and_used_all_the_same(anvil: str) -> None:
    """FISCO BCOS: no feeHistory, getProof, getBlockReceipts, no finalized tag, no batches."""
    missing = ("eth_feeHistory", "eth_getProof", "eth_getBlockReceipts", "web3_clientVersion")

    def poor(question: Any) -> Answer | None:
        if isinstance(question, list):
            return 400, {}, b"batch not supported"
        if question["params"][:1] == ["finalized"]:
            return only("eth_getBlockByNumber")(question)
        return only(*missing)(question)

    with proxy_for(anvil) as proxy, JsonRpcChain(proxy.url) as chain:
        proxy.before = poor
        found = probe.probe(chain)
        assert (found.fee_history, found.proofs, found.block_receipts) == (False, False, False)
        assert (found.finality, found.client, found.batch) == ("latest", "?", 1)
        words = dict(found.words("en"))
        assert words["finality"] == "newest block counts as final"
        assert words["batch"] == "no"
        assert found.obstacles() == []


def test_the_widest_range_that_is_asked_for_is_not_said_to_fail_beyond() -> None:
    def span(blocks: int) -> str:
        found = Capabilities(
            node="http://127.0.0.1",
            chain_id=1,
            client="besu",
            block=9000,
            fees="legacy",
            free_gas=True,
            finality="latest",
            cancun=True,
            log_range=blocks,
            log_range_limited=True,
            batch=8,
            fee_history=False,
            proofs=False,
            block_receipts=True,
        )
        return dict(found.words("en"))["getLogs range"]

    assert span(5000) == "5000 blocks"
    assert span(10) == "10 blocks (wider ranges fail)"


def test_what_a_node_says_of_itself_cannot_speak_to_the_terminal(anvil: str) -> None:
    def odd(question: Any, answer: Any) -> Any:
        if calls(question, "web3_clientVersion"):
            return {**answer, "result": "\x1b[2Jbesu" + "!" * 5000}
        if calls(question, "eth_feeHistory"):
            return {"jsonrpc": "2.0", "id": question["id"], "error": {"code": 1, "message": "\x1b"}}
        return answer

    with proxy_for(anvil) as proxy:
        proxy.after = odd
        with JsonRpcChain(proxy.url) as chain:
            found = probe.probe(chain)
            with pytest.raises(RpcError, match=r"refuses eth_feeHistory: \\u001b \(code 1\)"):
                chain.endpoint.call("eth_feeHistory")
    assert found.client.startswith("\\u001b[2Jbesu!!!")
    assert len(found.client) == 120


def test_chain_id_zero_is_an_obstacle(anvil: str) -> None:
    def zero(question: Any, answer: Any) -> Any:
        return {**answer, "result": "0x0"} if calls(question, "eth_chainId") else answer

    with proxy_for(anvil) as proxy:
        proxy.after = zero
        with JsonRpcChain(proxy.url) as chain:
            found = probe.probe(chain)
            with pytest.raises(DeploymentError, match="web3_chain_id"):
                new_log(chain)
        assert "chain id is 0" in found.obstacles("en")[0]
        assert "web3_chain_id" in found.obstacles("zh")[0]


def test_findings_are_kept_and_older_ones_are_passed_over(
    chain: JsonRpcChain, deployment: Deployment, tmp_path: Path
) -> None:
    assert probe.kept(tmp_path) is None
    found = probe.probe(chain, deployment)
    found.save(tmp_path)
    assert probe.kept(tmp_path) == found
    assert [file.name for file in tmp_path.iterdir()] == ["chain.json"]
    (tmp_path / "chain.json").write_text('{"node": "http://old"}')
    assert probe.kept(tmp_path) is None


@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_finding_is_told_in_both_languages(language: probe.Language) -> None:
    found = Capabilities(
        node="http://127.0.0.1",
        chain_id=1,
        client="besu",
        block=1,
        fees="legacy",
        free_gas=True,
        finality="latest",
        cancun=True,
        log_range=5000,
        log_range_limited=False,
        batch=8,
        fee_history=False,
        proofs=False,
        block_receipts=True,
    )
    words = found.words(language)
    assert len(words) == len(found.words("en"))
    assert all(name and value for name, value in words)
    assert any("5000" in value for _, value in words)
    assert any("free" in value or "免费" in value for _, value in words)


def test_the_bloom_of_a_block_without_events_names_nobody() -> None:
    assert not probe.in_bloom(bytes(256), b"\x11" * 20)
    assert not probe.in_bloom(b"", b"\x11" * 20)
    assert probe.in_bloom(b"\xff" * 256, b"\x11" * 20)

"""The JSON-RPC methods: shapes, tags, proofs that hold, batches, and errors with their codes."""

from __future__ import annotations

from typing import Any

import pytest
import rlp
from eth.constants import BLANK_ROOT_HASH
from eth_hash.auto import keccak
from eth_utils.address import to_checksum_address
from trie.hexary import HexaryTrie
from web3.exceptions import ContractCustomError, ContractLogicError, Web3RPCError

from ledger.chain.embedded import EmbeddedChain
from ledger.chain.embedded.evm import encode_receipt, trie_root
from ledger.chain.embedded.rpc import MAX_BATCH
from tests.chain.embedded.machine_code import (
    CHAIN_ID,
    CLOCK,
    REVERTER,
    STORE,
    Sender,
    creation,
    logger,
    word,
)

HASHES, FULL = (False,), (True,)
"""The second parameter of ``eth_getBlockBy…``: hashes of transactions, or all of them."""


def ask(chain: EmbeddedChain, method: str, *params: object) -> Any:
    answer = chain.rpc.handle(question(method, *params))
    assert isinstance(answer, dict)
    assert "error" not in answer, answer
    return answer["result"]


def question(method: str, *params: object, identity: object = 1) -> dict[str, object]:
    return {"jsonrpc": "2.0", "id": identity, "method": method, "params": list(params)}


def refusal(chain: EmbeddedChain, request: object) -> tuple[int, str]:
    answer = chain.rpc.handle(request)
    assert isinstance(answer, dict)
    assert answer["jsonrpc"] == "2.0"
    assert "result" not in answer
    return answer["error"]["code"], answer["error"]["message"]


def test_a_block_is_found_by_number_tag_and_hash(chain: EmbeddedChain, sender: Sender):
    sender.deploy(STORE)
    head = chain.head()
    by_number = ask(chain, "eth_getBlockByNumber", "0x1", *HASHES)
    assert by_number["hash"] == "0x" + head.hash.hex()
    for tag in ("latest", "pending", "safe", "finalized"):
        assert ask(chain, "eth_getBlockByNumber", tag, *HASHES) == by_number
    assert ask(chain, "eth_getBlockByHash", by_number["hash"], *HASHES) == by_number
    assert ask(chain, "eth_getBlockByNumber", "earliest", *FULL)["number"] == "0x0"
    assert ask(chain, "eth_getBlockByNumber", "0x2", *HASHES) is None
    assert ask(chain, "eth_getBlockByHash", "0x" + "11" * 32, *FULL) is None
    full = ask(chain, "eth_getBlockByNumber", "0x1", *FULL)["transactions"]
    assert full == [ask(chain, "eth_getTransactionByHash", by_number["transactions"][0])]
    assert ask(chain, "eth_getBlockTransactionCountByNumber", "0x1") == "0x1"
    assert ask(chain, "eth_getTransactionByBlockNumberAndIndex", "0x1", "0x0") == full[0]
    assert ask(chain, "eth_getTransactionByBlockHashAndIndex", by_number["hash"], "0x0") == full[0]
    assert ask(chain, "eth_getTransactionByBlockNumberAndIndex", "0x1", "0x1") is None


def test_a_block_hash_follows_from_the_fields_that_are_served(chain: EmbeddedChain, sender: Sender):
    sender.send(sender.deploy(logger(2)), word(1) + word(2) + b"data")
    block = ask(chain, "eth_getBlockByNumber", "latest", *HASHES)
    names = [
        "parentHash",
        "sha3Uncles",
        "miner",
        "stateRoot",
        "transactionsRoot",
        "receiptsRoot",
        "logsBloom",
        "difficulty",
        "number",
        "gasLimit",
        "gasUsed",
        "timestamp",
        "extraData",
        "mixHash",
        "nonce",
        "baseFeePerGas",
        "withdrawalsRoot",
        "blobGasUsed",
        "excessBlobGas",
        "parentBeaconBlockRoot",
    ]
    numbers = [
        "difficulty",
        "number",
        "gasLimit",
        "gasUsed",
        "timestamp",
        "baseFeePerGas",
        "blobGasUsed",
        "excessBlobGas",
    ]
    fields = [
        int(block[name], 16) if name in numbers else bytes.fromhex(block[name][2:])
        for name in names
    ]
    assert "0x" + keccak(rlp.encode(fields)).hex() == block["hash"]


def test_receipts_tell_what_happened(chain: EmbeddedChain, sender: Sender):
    created = ask(
        chain, "eth_getTransactionReceipt", "0x" + sender.send(None, creation(STORE)).hex()
    )
    assert created["status"] == "0x1"
    assert created["to"] is None
    address = bytes.fromhex(created["contractAddress"][2:])
    assert chain.code(address) == STORE
    event, reverter = sender.deploy(logger(1)), sender.deploy(REVERTER)
    first, second = sender.sign(event, word(5) + b"hello"), sender.sign(reverter, b"\x01\x02")
    logged, failed = (
        ask(chain, "eth_getTransactionReceipt", "0x" + sent.hex())
        for sent in chain.send_many([first, second])
    )
    assert logged["logs"][0]["topics"] == ["0x" + word(5).hex()]
    assert logged["logs"][0]["data"] == "0x" + b"hello".hex()
    assert failed["status"] == "0x0"
    assert failed["revertReason"] == "0x0102"
    assert failed["contractAddress"] is None
    assert int(failed["cumulativeGasUsed"], 16) == int(logged["gasUsed"], 16) + int(
        failed["gasUsed"], 16
    )
    assert ask(chain, "eth_getBlockReceipts", "latest") == [logged, failed]
    assert ask(chain, "eth_getTransactionReceipt", "0x" + "00" * 32) is None
    assert ask(chain, "eth_getTransactionByHash", "0x" + "00" * 32) is None
    assert ask(chain, "eth_getRawTransactionByHash", logged["transactionHash"]) == (
        "0x" + first.hex()
    )


def test_receipts_and_transactions_prove_themselves_against_the_header(
    chain: EmbeddedChain, sender: Sender
):
    event = sender.deploy(logger(1))
    chain.send_many([sender.sign(event, word(n) + b"body") for n in range(20)])
    header = chain.header()
    rows, logs = chain.store.transactions(2), chain.store.block_logs(2)
    receipts = [
        encode_receipt(row, [log for log in logs if log.position == row.position]) for row in rows
    ]
    for items, root in (
        (receipts, header.receipt_root),
        ([row.raw for row in rows], header.transaction_root),
    ):
        found, trie = trie_root(items)
        assert found == root
        key = rlp.encode(13)
        assert HexaryTrie.get_from_proof(root, key, trie.get_proof(key)) == items[13]


def test_a_proof_of_state_holds_against_the_state_root(chain: EmbeddedChain, sender: Sender):
    store = sender.deploy(STORE)
    for n in range(1, 40):
        sender.send(store, word(n) + word(n * n))
    number = chain.head().number
    for block in (hex(number), hex(number - 20), "latest", {"blockNumber": hex(number)}):
        root = bytes.fromhex(
            ask(chain, "eth_getBlockByNumber", _plain(block), *HASHES)["stateRoot"][2:]
        )
        proof = ask(chain, "eth_getProof", "0x" + store.hex(), ["0x5", hex(38), hex(999)], block)
        account = rlp.decode(_proven(root, store, proof["accountProof"]))
        assert [int.from_bytes(part, "big") for part in account[:2]] == [
            int(proof["nonce"], 16),
            int(proof["balance"], 16),
        ]
        assert "0x" + account[2].hex() == proof["storageHash"]
        assert "0x" + account[3].hex() == proof["codeHash"] == "0x" + keccak(STORE).hex()
        for entry in proof["storageProof"]:
            slot = int(entry["key"], 16)
            value = _proven(account[2], word(slot), entry["proof"])
            shown = int.from_bytes(rlp.decode(value), "big") if value else 0
            assert shown == int(entry["value"], 16)
            expected = ask(chain, "eth_getStorageAt", "0x" + store.hex(), entry["key"], block)
            assert shown == int(expected, 16)
    assert proof["storageProof"][0]["value"] == hex(25)
    absent = ask(chain, "eth_getProof", "0x" + "77" * 20, ["0x0"], "latest")
    assert _proven(root, b"\x77" * 20, absent["accountProof"]) == b""
    assert absent["storageHash"] == "0x" + BLANK_ROOT_HASH.hex()
    assert absent["storageProof"] == [{"key": "0x0", "value": "0x0", "proof": []}]
    assert ask(chain, "eth_getProof", "0x" + store.hex(), [], "earliest")["accountProof"] == []


def _plain(block: Any) -> Any:
    return block["blockNumber"] if isinstance(block, dict) else block


def _proven(root: bytes, key: bytes, nodes: list[str]) -> bytes:
    proof = [rlp.decode(bytes.fromhex(node[2:])) for node in nodes]
    return bytes(HexaryTrie.get_from_proof(root, keccak(key), proof))


def test_state_is_told_at_every_block(chain: EmbeddedChain, sender: Sender):
    store = sender.deploy(STORE)
    sender.send(store, word(3) + word(4))
    me, it = sender.account.address, "0x" + store.hex()
    assert [ask(chain, "eth_getTransactionCount", me, hex(n)) for n in range(3)] == [
        "0x0",
        "0x1",
        "0x2",
    ]
    assert ask(chain, "eth_getCode", it, "earliest") == "0x"
    assert ask(chain, "eth_getCode", it) == "0x" + STORE.hex()
    assert ask(chain, "eth_getStorageAt", it, "0x3", "0x1") == "0x" + word(0).hex()
    assert ask(chain, "eth_getStorageAt", it, "0x" + word(3).hex()) == "0x" + word(4).hex()
    assert ask(chain, "eth_getBalance", me, "latest") == "0x0"
    by_hash = {"blockHash": "0x" + chain.blocks([1])[0].hash.hex()}
    assert ask(chain, "eth_getStorageAt", it, "0x3", by_hash) == "0x" + word(0).hex()
    assert ask(chain, "eth_call", {"to": it, "data": "0x" + word(3).hex()}, "0x1") == (
        "0x" + word(0).hex()
    )


def test_pending_calls_see_the_time_of_the_next_block(chain: EmbeddedChain, sender: Sender):
    clock = "0x" + sender.deploy(CLOCK).hex()
    newest = int(ask(chain, "eth_call", {"to": clock})[2:66], 16)
    pending = int(ask(chain, "eth_call", {"to": clock}, "pending")[2:66], 16)
    assert newest == chain.head().timestamp < pending


def test_a_node_that_charges_nothing_says_so(chain: EmbeddedChain, sender: Sender):
    for _ in range(3):
        sender.send(sender.address)
    for method in ("eth_gasPrice", "eth_maxPriorityFeePerGas"):
        assert ask(chain, method) == "0x0"
    history = ask(chain, "eth_feeHistory", "0x2", "latest", [25, 75])
    assert history["oldestBlock"] == "0x2"
    assert history["baseFeePerGas"] == ["0x0"] * 3
    assert history["gasUsedRatio"] == [21_000 / 500_000_000] * 2
    assert history["reward"] == [["0x0", "0x0"]] * 2
    assert ask(chain, "eth_feeHistory", 100, "latest")["oldestBlock"] == "0x0"
    assert chain.w3.eth.fee_history(2, "latest")["oldestBlock"] == 2


def test_identity_is_told(chain: EmbeddedChain):
    assert ask(chain, "eth_chainId") == hex(CHAIN_ID)
    assert ask(chain, "net_version") == str(CHAIN_ID)
    assert ask(chain, "web3_clientVersion").startswith("govledger/")
    assert ask(chain, "eth_accounts") == []
    assert ask(chain, "eth_syncing") is False
    assert ask(chain, "eth_mining") is False
    assert ask(chain, "eth_blockNumber") == "0x0"
    assert ask(chain, "web3_sha3", "0x68656c6c6f") == "0x" + keccak(b"hello").hex()


def test_every_method_answers_or_refuses_what_is_wrong_with_its_parameters(chain: EmbeddedChain):
    for method in chain.rpc.methods:
        for params in ([], [None], ["0xzz"], [{}], [1, 2, 3, 4, 5, 6], ["0x1", "0x2", "0x3"]):
            answer = chain.rpc.handle(question(method, *params))
            assert isinstance(answer, dict)
            if "error" in answer:
                assert answer["error"]["code"] in {-32602, -32000, 3}, (method, params, answer)


PARAMETERS = {
    "address": ("eth_getBalance", ["0x12", "latest"]),
    "block": ("eth_getBalance", ["0x" + "00" * 20, "newest"]),
    "a number": ("eth_getBlockByNumber", [5, False]),
    "hash": ("eth_getTransactionReceipt", ["0x1234"]),
    "filter": ("eth_getLogs", ["all"]),
    "topics": ("eth_getLogs", [{"topics": [None] * 5}]),
    "topic": ("eth_getLogs", [{"topics": ["0x12"]}]),
    "range": ("eth_getLogs", [{"fromBlock": "0x1", "toBlock": "0x0"}]),
    "both": ("eth_getLogs", [{"fromBlock": "0x0", "blockHash": "0x" + "00" * 32}]),
    "object": ("eth_call", ["0x"]),
    "overrides": ("eth_call", [{}, "latest", {"0x" + "00" * 20: {}}]),
    "input": ("eth_call", [{"input": "0x01", "data": "0x02"}]),
    "slots": ("eth_getProof", ["0x" + "00" * 20, "0x0", "latest"]),
    "full": ("eth_getBlockByNumber", ["latest", "yes"]),
    "negative": ("eth_feeHistory", [-1, "latest"]),
}


@pytest.mark.parametrize("case", PARAMETERS)
def test_wrong_parameters_are_named(chain: EmbeddedChain, case: str):
    method, params = PARAMETERS[case]
    code, message = refusal(chain, question(method, *params))
    assert code == -32602
    assert message.startswith("invalid params: ")


def test_what_is_no_request_is_refused_by_the_code_of_the_standard(chain: EmbeddedChain):
    for request in (
        5,
        "eth_chainId",
        None,
        {},
        {"method": "eth_chainId", "id": 1},
        {"jsonrpc": "2.0", "id": 1},
        {"jsonrpc": "2.0", "method": 5, "id": 1},
        {"jsonrpc": "2.0", "method": "eth_chainId", "id": {}},
        [],
    ):
        if isinstance(request, dict) and "id" not in request:
            assert chain.rpc.handle(request) is None
        else:
            assert refusal(chain, request)[0] == -32600
    assert refusal(chain, question("eth_mineNow"))[0] == -32601
    assert refusal(chain, question("eth_chainId", 1))[0] == -32602
    named = {"jsonrpc": "2.0", "id": 1, "method": "eth_chainId", "params": {"a": 1}}
    assert refusal(chain, named)[0] == -32602
    unknown = question("eth_call", {"to": "0x" + "00" * 20}, "0x999")
    assert refusal(chain, unknown) == (
        -32000,
        "header not found: block 2457 is not on this chain",
    )


def test_a_batch_is_answered_in_order_and_notifications_not_at_all(chain: EmbeddedChain):
    notification = {"jsonrpc": "2.0", "method": "eth_chainId"}
    batch = [question("eth_chainId", identity="a"), notification, 7, question("no", identity=3)]
    answers = chain.rpc.handle(batch)
    assert isinstance(answers, list)
    assert [answer["id"] for answer in answers] == ["a", None, 3]
    assert answers[0]["result"] == hex(CHAIN_ID)
    assert [answer["error"]["code"] for answer in answers[1:]] == [-32600, -32601]
    assert chain.rpc.handle([notification]) is None
    code, message = refusal(chain, [question("eth_chainId")] * (MAX_BATCH + 1))
    assert code == -32600
    assert str(MAX_BATCH) in message


def test_transactions_of_one_batch_share_a_block(chain: EmbeddedChain, sender: Sender):
    raws = [sender.sign(sender.address) for _ in range(5)]
    raws.insert(2, sender.sign(sender.address, nonce=55))
    batch = [
        question("eth_sendRawTransaction", "0x" + raw.hex(), identity=n)
        for n, raw in enumerate(raws)
    ]
    answers = chain.rpc.handle([*batch, question("eth_blockNumber", identity="last")])
    assert isinstance(answers, list)
    assert [answer["id"] for answer in answers] == [0, 1, 2, 3, 4, 5, "last"]
    assert "nonce too high" in answers[2]["error"]["message"]
    assert [row.hash.hex() for row in chain.store.transactions(1)] == [
        answer["result"][2:] for answer in answers[:-1] if "result" in answer
    ]
    assert answers[-1]["result"] == "0x1"


def test_web3_turns_reverts_into_its_errors(chain: EmbeddedChain, sender: Sender):
    reverter = to_checksum_address(sender.deploy(REVERTER))
    with pytest.raises(ContractCustomError) as custom:
        chain.w3.eth.call({"to": reverter, "data": "0xdeadbeef"})
    assert custom.value.data == "0xdeadbeef"
    reason = bytes.fromhex("08c379a0") + word(32) + word(3) + b"why".ljust(32, b"\0")
    with pytest.raises(ContractLogicError, match="why"):
        chain.w3.eth.estimate_gas({"to": reverter, "data": "0x" + reason.hex()})
    with pytest.raises(Web3RPCError, match="nonce too high"):
        chain.w3.eth.send_raw_transaction(sender.sign(sender.address, nonce=9))


def test_web3_sends_and_waits_without_being_told_any_fee(chain: EmbeddedChain, sender: Sender):
    w3, account = chain.w3, sender.account
    transaction = {
        "from": account.address,
        "to": account.address,
        "value": 0,
        "nonce": w3.eth.get_transaction_count(account.address),
        "chainId": w3.eth.chain_id,
        "gas": w3.eth.estimate_gas({"from": account.address, "to": account.address}),
        "maxFeePerGas": 2 * w3.eth.get_block("latest")["baseFeePerGas"],
        "maxPriorityFeePerGas": w3.eth.max_priority_fee,
    }
    sent = w3.eth.send_raw_transaction(account.sign_transaction(transaction).raw_transaction)
    receipt = w3.eth.wait_for_transaction_receipt(sent)
    assert receipt["status"] == 1
    assert receipt["effectiveGasPrice"] == 0
    with w3.batch_requests() as batch:
        batch.add(w3.eth.get_block(0))
        batch.add(w3.eth.get_transaction_receipt(sent))
        genesis, again = batch.execute()
    assert genesis["number"] == 0
    assert again == receipt

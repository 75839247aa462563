"""The chain over HTTP: any Ethereum tool may look, from this machine only."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import rlp
from eth_hash.auto import keccak
from eth_utils.address import to_checksum_address
from trie.hexary import HexaryTrie
from web3 import Web3

from ledger.chain import node
from ledger.chain.embedded import ChainLocked, EmbeddedChain
from ledger.chain.interface import ChainError
from tests.chain.embedded.machine_code import CHAIN_ID, STORE, Sender, creation, logger, word

ROOT = Path(__file__).resolve().parents[2]
CAST = ROOT / "node_modules" / ".bin" / "cast"
KEY = "0x" + word(1).hex()
SERVER = textwrap.dedent("""
    import sys
    from pathlib import Path
    from ledger.chain import node
    from ledger.chain.embedded import EmbeddedChain

    place = Path(sys.argv[1])
    with EmbeddedChain.open(place / "chain.db", 26476, create=True) as chain:
        node.serve(chain, place, port=0, ready=lambda info: print(info.url, flush=True))
    print("closed", flush=True)
""")


class Served:
    """A node in a process of its own."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self.process = subprocess.Popen(
            [sys.executable, "-c", SERVER, str(place)], cwd=ROOT, text=True, stdout=subprocess.PIPE
        )
        assert self.process.stdout is not None
        self.url = self.process.stdout.readline().strip()

    def stop(self, number: int = signal.SIGTERM) -> str:
        self.process.send_signal(number)
        rest, _ = self.process.communicate(timeout=30)
        return rest


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    one = Served(tmp_path_factory.mktemp("served"))
    yield one
    one.stop()


@pytest.fixture
def chain(tmp_path: Path) -> Iterator[EmbeddedChain]:
    with EmbeddedChain.open(tmp_path / "chain.db", CHAIN_ID, create=True) as opened:
        yield opened


class Client:
    """Asks the application without a socket, as a peer of the given address."""

    def __init__(self, chain: EmbeddedChain, peer: str = "127.0.0.1") -> None:
        self._transport = httpx.ASGITransport(node.create_app(chain), client=(peer, 4))

    def request(self, method: str, path: str, **members: Any) -> httpx.Response:
        async def send() -> httpx.Response:
            async with httpx.AsyncClient(
                transport=self._transport, base_url="http://127.0.0.1:8545"
            ) as client:
                return await client.request(method, path, **members)

        return asyncio.run(send())

    def get(self, path: str) -> httpx.Response:
        return self.request("GET", path)

    def post(self, path: str, **members: Any) -> httpx.Response:
        return self.request("POST", path, **members)


@pytest.fixture
def client(chain: EmbeddedChain) -> Client:
    return Client(chain)


def question(method: str, *params: object) -> dict[str, object]:
    return {"jsonrpc": "2.0", "id": 1, "method": method, "params": list(params)}


# -- a served node and its clients --------------------------------------------------------------


def test_web3_deploys_sends_and_reads_over_http(served: Served):
    provider = Web3.HTTPProvider(served.url)
    w3 = Web3(provider)
    account = w3.eth.account.from_key(word(7))

    def send(data: bytes, to: str | None = None) -> Any:
        members = {
            "nonce": w3.eth.get_transaction_count(account.address),
            "gas": w3.eth.estimate_gas(
                {"from": account.address, "data": data} | ({"to": to} if to else {})
            ),
            "gasPrice": w3.eth.gas_price,
            "chainId": w3.eth.chain_id,
            "value": 0,
            "data": data,
        } | ({"to": to} if to else {})
        raw = account.sign_transaction(members).raw_transaction
        return w3.eth.wait_for_transaction_receipt(w3.eth.send_raw_transaction(raw))

    store = send(creation(STORE))["contractAddress"]
    event = send(creation(logger(2)))["contractAddress"]
    assert send(word(5) + word(25), store)["status"] == 1
    receipt = send(word(1) + word(2) + "数据".encode(), event)
    found = w3.eth.get_logs({"fromBlock": 0, "toBlock": "latest", "address": event})
    assert [bytes(log["data"]).decode() for log in found] == ["数据"]
    assert found[0]["transactionHash"] == receipt["transactionHash"]
    block = w3.eth.get_block("latest", full_transactions=True)
    assert block["transactions"][-1]["hash"] == receipt["transactionHash"]
    assert w3.eth.call({"to": store, "data": word(5)}) == word(25)
    proof = w3.eth.get_proof(store, [5])
    account_nodes = [rlp.decode(part) for part in proof["accountProof"]]
    address_key = keccak(bytes.fromhex(store[2:]))
    leaf = HexaryTrie.get_from_proof(block["stateRoot"], address_key, account_nodes)
    storage_nodes = [rlp.decode(part) for part in proof["storageProof"][0]["proof"]]
    value = HexaryTrie.get_from_proof(rlp.decode(leaf)[2], keccak(word(5)), storage_nodes)
    assert rlp.decode(value) == b"\x19"
    provider._request_session_manager.session_cache.clear()


@pytest.mark.skipif(not CAST.exists(), reason=f"cast is not here: npm ci ({CAST})")
def test_cast_looks_calls_sends_and_proves(served: Served):
    def run(command: str, *arguments: str) -> tuple[str, str]:
        done = subprocess.run(
            [CAST, command, "--rpc-url", served.url, *arguments],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        return done.stdout.strip(), done.stderr.strip()

    def cast(command: str, *arguments: str) -> str:
        told, complaint = run(command, *arguments)
        assert told, complaint
        return told

    free = ("--legacy", "--gas-price", "0", "--private-key", KEY, "--json")
    assert cast("chain-id") == str(CHAIN_ID)
    created = json.loads(cast("send", *free, "--create", "0x" + creation(STORE).hex()))
    store = created["contractAddress"]
    event = json.loads(cast("send", *free, "--create", "0x" + creation(logger(1)).hex()))
    height = int(cast("block-number"))
    sent = json.loads(cast("send", *free, store, "0x" + (word(3) + word(9)).hex()))
    assert sent["status"] == "0x1"
    dynamic = ("--gas-price", "0", "--priority-gas-price", "0", "--private-key", KEY, "--json")
    logged = json.loads(
        cast("send", *dynamic, event["contractAddress"], "0x" + (word(8) + b"hi").hex())
    )
    assert logged["type"] == "0x2"
    assert int(cast("block-number")) == height + 2
    assert cast("call", store, "--data", "0x" + word(3).hex()) == "0x" + word(9).hex()
    assert int(cast("estimate", store, "0x" + (word(4) + word(9)).hex())) >= 43_000
    assert cast("storage", store, "3") == "0x" + word(9).hex()
    assert cast("code", store) == "0x" + STORE.hex()
    assert json.loads(cast("tx", sent["transactionHash"], "--json"))["blockNumber"] == hex(
        height + 1
    )
    receipt = json.loads(cast("receipt", logged["transactionHash"], "--json"))
    assert receipt["logs"][0]["data"] == "0x6869"
    logs = json.loads(
        cast("logs", "--address", event["contractAddress"], "--from-block", "0", "--json")
    )
    assert [log["topics"] for log in logs] == [["0x" + word(8).hex()]]
    proof = json.loads(cast("proof", store, "3"))
    assert proof["storageProof"][0]["value"] == "0x9"
    assert json.loads(cast("block", "latest", "--json"))["hash"] == receipt["blockHash"]
    assert cast("nonce", _address_of(KEY)) == "4"
    # cast offers at least one wei unless it is told otherwise.
    told, complaint = run("send", "--private-key", KEY, store, "0x")
    assert told == ""
    assert "this chain asks no fee, so set gasPrice" in complaint


def _address_of(key: str) -> str:
    return str(Web3().eth.account.from_key(key).address)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_stopped_node_closes_its_chain_and_withdraws_its_note(tmp_path: Path, number: int):
    served = Served(tmp_path)
    info = node.running(tmp_path)
    assert info == node.NodeInfo(served.process.pid, served.url, CHAIN_ID)
    with pytest.raises(ChainLocked, match=f"process {served.process.pid}: use that one"):
        EmbeddedChain.open(tmp_path / "chain.db", CHAIN_ID)
    assert served.stop(number) == "closed\n"
    assert served.process.returncode == 0
    assert sorted(one.name for one in tmp_path.iterdir()) == ["chain.db", "chain.db.lock"]
    assert node.running(tmp_path) is None


def test_the_note_of_a_killed_node_is_passed_over(tmp_path: Path):
    served = Served(tmp_path)
    served.stop(signal.SIGKILL)
    assert (tmp_path / "node.json").exists()
    assert node.running(tmp_path) is None
    EmbeddedChain.open(tmp_path / "chain.db", CHAIN_ID).close()


# -- the note -----------------------------------------------------------------------------------


def test_a_note_is_only_believed_if_a_node_of_that_chain_answers(tmp_path: Path):
    assert node.running(tmp_path) is None
    assert node.running(tmp_path / "absent") is None
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        node.publish(tmp_path, url, CHAIN_ID)
        assert node.running(tmp_path) is None
    for broken in (b"", b"{", b'{"pid": 1}', b'{"pid": 1, "url": "http://[", "chain_id": 1}'):
        (tmp_path / "node.json").write_bytes(broken)
        assert node.running(tmp_path) is None


def test_a_node_of_another_chain_is_not_taken_for_ours(served: Served, tmp_path: Path):
    node.publish(tmp_path, served.url, CHAIN_ID)
    assert node.running(tmp_path) == node.NodeInfo(os.getpid(), served.url, CHAIN_ID)
    node.publish(tmp_path, served.url, 1)
    assert node.running(tmp_path) is None


def test_only_the_own_note_is_withdrawn(tmp_path: Path):
    node.publish(tmp_path, "http://127.0.0.1:1", CHAIN_ID)
    node.withdraw(tmp_path)
    assert list(tmp_path.iterdir()) == []
    other = node.NodeInfo(os.getpid() + 1, "http://127.0.0.1:1", CHAIN_ID)
    text = json.dumps({"pid": other.pid, "url": other.url, "chain_id": other.chain_id})
    (tmp_path / "node.json").write_text(text)
    node.withdraw(tmp_path)
    assert (tmp_path / "node.json").exists()


def test_a_port_in_use_is_named(tmp_path: Path, chain: EmbeddedChain):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(
            ChainError, match=rf"port {port} on 127\.0\.0\.1 cannot be used.*--port"
        ):
            node.serve(chain, tmp_path, port=port)
    assert not (tmp_path / "node.json").exists()


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.4", "::", "example.org", ""])  # noqa: S104
def test_it_is_never_served_to_other_machines(chain: EmbeddedChain, tmp_path: Path, host: str):
    with pytest.raises(ChainError, match="is not this machine alone"):
        node.serve(chain, tmp_path, host=host, port=0)


# -- what the application lets in ---------------------------------------------------------------


def test_a_question_is_answered_and_a_visitor_is_told_how_to_ask(client: Client):
    answer = client.post("/", json=question("eth_chainId"))
    assert answer.json() == {"jsonrpc": "2.0", "id": 1, "result": hex(CHAIN_ID)}
    assert answer.headers["content-type"] == "application/json"
    assert "access-control-allow-origin" not in answer.headers
    hint = client.get("/")
    assert hint.status_code == 200
    assert "cast block-number --rpc-url http://127.0.0.1:8545/" in hint.text


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"host": "evil.example"}, 403),
        ({"host": "127.0.0.1.evil.example:8545"}, 403),
        ({"host": "192.168.1.4"}, 403),
        ({"host": ""}, 403),
        ({"host": "[::1"}, 403),
        ({"origin": "https://evil.example"}, 403),
        ({"origin": "null"}, 403),
        ({"content-type": "text/plain"}, 415),
        ({"content-type": "application/x-www-form-urlencoded"}, 415),
        ({"host": "localhost:8545"}, 200),
        ({"host": "[::1]:8545"}, 200),
        ({"origin": "http://localhost:8080"}, 200),
        ({"content-type": "application/json; charset=utf-8"}, 200),
    ],
)
def test_only_this_machine_and_its_own_pages_may_ask(
    client: Client, headers: dict[str, str], status: int
):
    body = json.dumps(question("eth_chainId"))
    answer = client.post("/", content=body, headers={"content-type": "application/json"} | headers)
    assert answer.status_code == status
    assert (b"0x676c" in answer.content) == (status == 200)


def test_a_peer_on_another_machine_is_refused(chain: EmbeddedChain):
    assert Client(chain, "10.0.0.5").post("/", json=question("eth_chainId")).status_code == 403


def test_a_request_that_is_too_large_is_refused_before_it_is_read(
    client: Client, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(node, "MAX_REQUEST_BYTES", 200)
    large = [question("eth_chainId")] * 9
    answer = client.post("/", json=large)
    assert answer.status_code == 413
    assert "at most 200 bytes" in answer.text
    assert client.post("/", json=large[0]).status_code == 200


@pytest.mark.parametrize("body", [b"", b"{", b"\xff\xfe", b"[" * 100_000], ids=len)
def test_what_is_no_json_is_named_so(client: Client, body: bytes):
    answer = client.post("/", content=body, headers={"content-type": "application/json"})
    assert answer.status_code == 200
    assert answer.json()["error"]["code"] == -32700
    assert answer.json()["id"] is None


def test_a_notification_has_no_answer(client: Client):
    answer = client.post("/", json={"jsonrpc": "2.0", "method": "eth_chainId"})
    assert (answer.status_code, answer.content) == (204, b"")


def test_a_transaction_sent_over_http_is_on_the_chain(client: Client, chain: EmbeddedChain):
    sender = Sender(chain)
    raw = "0x" + sender.sign(None, creation(STORE)).hex()
    sent = client.post("/", json=question("eth_sendRawTransaction", raw)).json()["result"]
    assert client.post("/", json=question("eth_sendRawTransaction", raw)).json()["result"] == sent
    outcome = chain.outcome(bytes.fromhex(sent[2:]))
    assert outcome is not None
    assert outcome.block_number == chain.head().number == 1
    address = to_checksum_address(chain.store.transactions(1)[0].created)
    assert chain.w3.eth.get_code(address) == STORE


def test_the_client_of_the_served_node_sees_the_errors_of_the_chain(served: Served):
    raw = "0x" + b"junk".hex()
    answer = httpx.post(served.url, json=question("eth_sendRawTransaction", raw)).json()
    assert answer["error"]["code"] == -32000
    assert "not a transaction" in answer["error"]["message"]

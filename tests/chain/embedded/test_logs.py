"""What a filter finds is what a reader of all receipts would have picked, at any height."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.chain.embedded import EmbeddedChain, UnknownBlock, rpc_methods
from ledger.chain.interface import ChainError
from tests.chain.embedded.machine_code import CHAIN_ID, Sender, logger, word

WORDS = [word(n) for n in range(4)]
BLOCKS = 14


@pytest.fixture(scope="module")
def chain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedChain]:
    path = tmp_path_factory.mktemp("logs") / "chain.db"
    with EmbeddedChain.open(path, CHAIN_ID, create=True) as opened:
        sender = Sender(opened)
        contracts = [sender.deploy(logger(topics)) for topics in (0, 1, 2, 3, 4, 4)]
        for n in range(BLOCKS - 6):
            raws = []
            for at, contract in enumerate(contracts):
                topics = [WORDS[(n + at * shift) % 4] for shift in range(4)]
                data = b"".join(topics) + bytes([n])
                raws += [sender.sign(contract, data) for _ in range(1 + (n + at) % 2)]
            opened.send_many(raws)
        assert opened.head().number == BLOCKS
        yield opened


def _ask(chain: EmbeddedChain, method: str, *params: object) -> Any:
    question = {"jsonrpc": "2.0", "id": 1, "method": method, "params": list(params)}
    answer = chain.rpc.handle(question)
    assert isinstance(answer, dict)
    assert "error" not in answer, answer
    return answer["result"]


def _brute_force(chain: EmbeddedChain, wanted: dict[str, Any]) -> list[Any]:
    """The logs of all receipts that match, by the words of the execution API's specification."""
    addresses = wanted.get("address")
    accepted = [addresses] if isinstance(addresses, str) else addresses
    found = []
    for number in range(int(wanted["fromBlock"], 16), int(wanted["toBlock"], 16) + 1):
        for receipt in _ask(chain, "eth_getBlockReceipts", hex(number)):
            for log in receipt["logs"]:
                log.pop("blockTimestamp")
                right = not accepted or log["address"] in accepted
                topics = wanted.get("topics") or []
                right = right and len(log["topics"]) >= len(topics)
                for given_topic, there in zip(topics, log["topics"], strict=False):
                    options = given_topic if isinstance(given_topic, list) else [given_topic]
                    right = right and (not options or None in options or there in options)
                if right:
                    found.append(log)
    return found


topic = st.one_of(
    st.none(),
    st.sampled_from(WORDS).map(lambda one: "0x" + one.hex()),
    st.lists(st.sampled_from([*WORDS, word(99)]).map(lambda one: "0x" + one.hex()), max_size=3),
)


@st.composite
def filters(draw: st.DrawFn) -> dict[str, Any]:
    first = draw(st.integers(0, BLOCKS))
    last = draw(st.integers(first, BLOCKS))
    wanted: dict[str, Any] = {"fromBlock": hex(first), "toBlock": hex(last)}
    positions = draw(st.lists(st.integers(0, 6), max_size=3, unique=True))
    if positions:
        wanted["address"] = positions if len(positions) > 1 else positions[0]
    if draw(st.booleans()):
        wanted["topics"] = draw(st.lists(topic, max_size=4))
    return wanted


@given(wanted=filters(), probe=st.sampled_from([1, 3, 512]))
@settings(max_examples=150)
def test_a_filter_finds_what_reading_every_receipt_would(
    chain: EmbeddedChain, wanted: dict[str, Any], probe: int
):
    contracts = [
        "0x" + chain.store.transactions(number)[0].created.hex() for number in range(1, 7)
    ] + ["0x" + "ab" * 20]
    named = wanted.get("address")
    if named is not None:
        wanted["address"] = (
            [contracts[at] for at in named] if isinstance(named, list) else contracts[named]
        )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("ledger.chain.embedded.logindex.PROBE", probe)
        found = _ask(chain, "eth_getLogs", wanted)
    assert found == _brute_force(chain, wanted)


def test_logs_of_an_address_come_in_chain_order_with_their_place(chain: EmbeddedChain):
    address = chain.store.transactions(5)[0].created
    found = chain.logs(address, 0, BLOCKS)
    places = [(log.block_number, log.log_index) for log in found]
    assert places == sorted(places)
    assert len(found) == sum(1 + n % 2 for n in range(BLOCKS - 6))
    for log in found:
        assert chain.blocks([log.block_number])[0].hash == log.block_hash
        outcome = chain.outcome(log.transaction_hash)
        assert outcome is not None
        assert outcome.block_number == log.block_number
        assert len(log.topics) == 4
    assert chain.logs(address, 0, 6) == []


def test_a_range_beyond_the_head_is_refused_rather_than_cut(chain: EmbeddedChain):
    address = chain.store.transactions(5)[0].created
    with pytest.raises(UnknownBlock, match=f"block {BLOCKS + 1} is not on this chain yet"):
        chain.logs(address, 0, BLOCKS + 1)


def test_too_wide_a_range_is_refused(chain: EmbeddedChain, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("ledger.chain.embedded.chain.MAX_LOG_RANGE", 5)
    assert chain.max_log_range == 5
    assert chain.logs(bytes(20), 1, 5) == []
    with pytest.raises(ChainError, match="more than 5: ask in parts"):
        chain.logs(bytes(20), 0, 5)


def test_too_many_events_are_an_error_and_never_a_shorter_list(
    chain: EmbeddedChain, monkeypatch: pytest.MonkeyPatch
):
    every = {"fromBlock": "earliest", "toBlock": "latest"}
    total = len(_ask(chain, "eth_getLogs", every))
    monkeypatch.setattr(rpc_methods, "MAX_LOGS", total)
    assert len(_ask(chain, "eth_getLogs", every)) == total
    monkeypatch.setattr(rpc_methods, "MAX_LOGS", total - 1)
    question = {"jsonrpc": "2.0", "id": 1, "method": "eth_getLogs", "params": [every]}
    answer = chain.rpc.handle(question)
    assert isinstance(answer, dict)
    assert answer["error"]["code"] == -32005
    assert f"more than {total - 1} events" in answer["error"]["message"]

"""What becomes of transactions: blocks, their time and fees, refusals, outcomes, calls."""

from __future__ import annotations

import itertools
import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import rlp
from eth.abc import ComputationAPI, SignedTransactionAPI
from eth.constants import SECPK1_N
from eth_account import Account
from eth_hash.auto import keccak
from eth_utils.exceptions import ValidationError

from ledger.chain.embedded import EmbeddedChain, NonceRefused, UnknownBlock
from ledger.chain.embedded.interpreter import FastState
from ledger.chain.embedded.sequencer import MAX_LEAD
from ledger.chain.embedded.simulate import CALL_GAS
from ledger.chain.interface import CallReverted, Chain, ChainError, TransactionRefused
from tests.chain.embedded.machine_code import (
    BURNER,
    CHAIN_ID,
    CLOCK,
    ENDLESS,
    REVERTER,
    STORE,
    Sender,
    creation,
    logger,
    nested,
    word,
)


def test_an_account_without_money_sends_without_a_fee(chain: EmbeddedChain, sender: Sender):
    assert chain.w3.eth.get_balance(sender.account.address) == 0
    store = sender.deploy(STORE)
    sender.send(store, word(1) + word(7))
    assert chain.call(store, word(1)) == word(7)
    assert chain.fees() == {"gasPrice": 0}


def test_the_base_fee_stays_zero_after_many_blocks_over_half_full(path: Path):
    with EmbeddedChain.open(path, CHAIN_ID, create=True, gas_limit=100_000) as chain:
        sender = Sender(chain)
        burner = sender.deploy(BURNER, gas=90_000)
        for _ in range(30):
            sender.send(burner, gas=90_000)
        assert chain.head().number == 31
        headers = [chain.header(number) for number in range(32)]
        assert {header.base_fee_per_gas for header in headers} == {0}
        assert all(header.gas_used == 90_000 for header in headers[2:])
        assert chain.rpc.handle(_ask("eth_gasPrice"))["result"] == "0x0"
        assert {header.gas_limit for header in headers} == {100_000}


def test_block_times_increase_while_the_clock_stands_still_or_goes_back(path: Path):
    clock = itertools.chain([1_000] * 20, [400] * 20, itertools.repeat(5_000))
    with EmbeddedChain.open(path, CHAIN_ID, create=True, clock=lambda: next(clock)) as chain:
        sender = Sender(chain)
        for _ in range(50):
            sender.send(sender.address)
        times = [block.timestamp for block in chain.blocks(range(51))]
    assert times[0] == 0
    assert times[1] == 1_000
    assert all(later > earlier for earlier, later in itertools.pairwise(times))
    assert times[-1] == 5_009


def test_block_time_never_runs_further_ahead_than_the_lead(path: Path):
    clock = itertools.chain([1_000 + MAX_LEAD - 3], itertools.repeat(1_000))
    with EmbeddedChain.open(path, CHAIN_ID, create=True, clock=lambda: next(clock)) as chain:
        sender = Sender(chain)
        for _ in range(7):
            sender.send(sender.address)
        times = [block.timestamp - 1_000 - MAX_LEAD for block in chain.blocks(range(1, 8))]
    assert times == [-3, -2, -1, 0, 0, 0, 0]


def test_the_same_settings_give_the_same_first_block_anywhere(tmp_path: Path):
    def first_block(name: str, chain_id: int, timestamp: int) -> bytes:
        where = tmp_path / name / "chain.db"
        with EmbeddedChain.open(where, chain_id, create=True, genesis_timestamp=timestamp) as chain:
            return chain.head().hash

    assert first_block("a", 1, 5) == first_block("b", 1, 5)
    assert len({first_block("c", 1, 5), first_block("d", 2, 5), first_block("e", 1, 6)}) == 3


def test_sending_the_same_bytes_twice_is_no_error(chain: EmbeddedChain, sender: Sender):
    raw = sender.sign(sender.address)
    sent = chain.send_raw(raw)
    head = chain.head()
    assert chain.send_raw(raw) == sent
    assert chain.head() == head
    again = sender.sign(sender.address)
    assert chain.send_many([again, raw, again]) == [
        chain.send_raw(again),
        sent,
        chain.send_raw(again),
    ]
    assert chain.head().number == head.number + 1


REFUSALS = {
    "nonce-too-low": ({"nonce": 0, "data": b"other"}, "nonce too low.*sent 0, the next is 1"),
    "nonce-too-high": ({"nonce": 9}, "nonce too high.*sent 9, the next is 1"),
    "chain-id": ({"chainId": 1}, "signed for chain 1, this is chain 26476"),
    "gas-limit": ({"gas": 500_000_001}, "exceeds block gas limit"),
    "intrinsic-gas": ({"gas": 20_999}, "20999 given, 21000 needed"),
    "funds": ({"gasPrice": 1}, "insufficient funds.*set gasPrice"),
}


@pytest.mark.parametrize("reason", REFUSALS)
def test_a_transaction_that_no_block_can_take_is_refused_and_costs_nothing(
    chain: EmbeddedChain, sender: Sender, reason: str
):
    sender.send(sender.address)
    before, nonce = chain.head(), sender.nonce
    changes, words = REFUSALS[reason]
    raw = sender.sign(sender.address, **changes)
    kind = NonceRefused if reason.startswith("nonce") else TransactionRefused
    with pytest.raises(kind, match=words):
        chain.send_raw(raw)
    assert chain.head() == before
    sender.nonce = nonce
    sender.send(sender.address)
    assert chain.head().number == before.number + 1


def test_a_tip_above_the_highest_fee_is_refused(chain: EmbeddedChain, sender: Sender):
    fees = {"gasPrice": None, "maxFeePerGas": 0, "maxPriorityFeePerGas": 1}
    with pytest.raises(TransactionRefused, match="set both to 0"):
        sender.send(sender.address, type=2, **fees)
    assert chain.head().number == 0


def test_a_transaction_that_the_evm_cannot_execute_takes_no_other_with_it_for_good(
    chain: EmbeddedChain, sender: Sender, monkeypatch: pytest.MonkeyPatch
):
    store = sender.deploy(STORE)
    good = Sender(chain, 2)
    raws = [good.sign(store, word(1) + word(7)), sender.sign(store, word(1))]
    apply = FastState.apply_transaction

    def broken(state: FastState, transaction: SignedTransactionAPI) -> ComputationAPI:
        done = apply(state, transaction)
        if transaction.data == word(1):
            raise ValidationError("an internal limit")
        return done

    monkeypatch.setattr(FastState, "apply_transaction", broken)
    results = chain.send_many(raws)
    assert all("cannot be executed (an internal limit)" in str(result) for result in results)
    assert chain.head().number == 1
    assert chain.send_raw(raws[0]) == keccak(raws[0])
    assert chain.call(store, word(1)) == word(7)
    assert chain.replay().sound


def test_a_transaction_of_value_without_money_is_refused(chain: EmbeddedChain, sender: Sender):
    with pytest.raises(TransactionRefused, match="insufficient funds"):
        sender.send(sender.address, value=1)
    assert chain.head().number == 0


@pytest.mark.parametrize(
    "raw",
    [b"", b"\x00", b"\x02", b"\x05" + bytes(40), b"\xc0", bytes(200), b"\xf8\x6c" + bytes(20)],
    ids=lambda raw: raw[:4].hex() or "empty",
)
def test_bytes_that_are_no_transaction_are_refused(chain: EmbeddedChain, raw: bytes):
    with pytest.raises(TransactionRefused, match="not a transaction"):
        chain.send_raw(raw)
    assert chain.head().number == 0


def test_a_transaction_without_chain_id_is_refused(sender: Sender):
    with pytest.raises(TransactionRefused, match="signed for chain none"):
        sender.send(sender.address, chainId=None)


def test_a_signature_that_is_none_or_was_mirrored_is_refused(chain: EmbeddedChain, sender: Sender):
    *members, s = rlp.decode(sender.sign(sender.address))
    other = SECPK1_N - int.from_bytes(s, "big")
    for damaged in (b"", other.to_bytes(32, "big"), b"\xff" * 32):
        with pytest.raises(TransactionRefused, match="invalid transaction"):
            chain.send_raw(rlp.encode([*members, damaged]))
    assert chain.head().number == 0


def test_blob_transactions_are_refused(chain: EmbeddedChain, sender: Sender):
    raw = Account.sign_transaction(
        {
            "type": 3,
            "chainId": CHAIN_ID,
            "nonce": 0,
            "gas": 100_000,
            "maxFeePerGas": 0,
            "maxPriorityFeePerGas": 0,
            "maxFeePerBlobGas": 0,
            "value": 0,
            "data": b"",
            "to": sender.account.address,
            "blobVersionedHashes": [b"\x01" + bytes(31)],
        },
        sender.account.key,
    ).raw_transaction
    with pytest.raises(TransactionRefused, match="blob transactions"):
        chain.send_raw(bytes(raw))


@pytest.mark.parametrize("kind", [1, 2])
def test_typed_transactions_are_taken(chain: EmbeddedChain, sender: Sender, kind: int):
    store = sender.deploy(STORE)
    access = [{"address": "0x" + store.hex(), "storageKeys": ["0x" + word(1).hex()]}]
    fees = (
        {"gasPrice": 0}
        if kind == 1
        else {"gasPrice": None, "maxFeePerGas": 0, "maxPriorityFeePerGas": 0}
    )
    sent = sender.send(store, word(1) + word(9), type=kind, accessList=access, **fees)
    found = chain.w3.eth.get_transaction(sent)
    receipt = chain.w3.eth.get_transaction_receipt(sent)
    assert found["type"] == receipt["type"] == kind
    assert found["accessList"][0]["storageKeys"] == ["0x" + word(1).hex()]
    assert chain.call(store, word(1)) == word(9)


def test_one_refused_transaction_does_not_keep_the_others_out(chain: EmbeddedChain, sender: Sender):
    good = [sender.sign(sender.address) for _ in range(2)]
    bad = sender.sign(sender.address, nonce=77)
    last = sender.sign(sender.address)
    results = chain.send_many([good[0], b"junk", bad, good[1], last])
    assert [isinstance(result, ChainError) for result in results] == [
        False,
        True,
        True,
        False,
        False,
    ]
    assert chain.head().number == 1
    assert len(chain.store.transactions(1)) == 3


def test_transactions_handed_over_together_share_a_block_in_the_order_of_their_nonces(
    chain: EmbeddedChain, sender: Sender
):
    raws = [sender.sign(sender.address) for _ in range(6)]
    results = chain.send_many(list(reversed(raws)))
    assert not any(isinstance(result, ChainError) for result in results)
    assert chain.head().number == 1
    assert [row.raw for row in chain.store.transactions(1)] == raws


def test_what_a_full_block_cannot_hold_goes_into_the_next(path: Path):
    with EmbeddedChain.open(path, CHAIN_ID, create=True, gas_limit=100_000) as chain:
        sender = Sender(chain)
        raws = [sender.sign(sender.address, gas=40_000) for _ in range(10)]
        assert not any(isinstance(result, ChainError) for result in chain.send_many(raws))
        blocks = range(1, chain.head().number + 1)
        assert [row.raw for number in blocks for row in chain.store.transactions(number)] == raws
        assert max(chain.header(number).gas_used for number in blocks) <= 100_000


def test_what_follows_a_transaction_that_has_to_wait_waits_with_it(path: Path):
    with EmbeddedChain.open(path, CHAIN_ID, create=True, gas_limit=100_000) as chain:
        one, other = Sender(chain, 1), Sender(chain, 2)
        first = [one.sign(one.address, gas=60_000), one.sign(one.address, gas=90_000)]
        raws = [*first, one.sign(one.address, gas=21_000), other.sign(one.address, gas=30_000)]
        assert not any(isinstance(result, ChainError) for result in chain.send_many(raws))
        made = [
            [raws.index(row.raw) for row in chain.store.transactions(number)]
            for number in range(1, chain.head().number + 1)
        ]
        assert made == [[0, 3], [1, 2]]


def test_many_threads_send_at_once_and_every_transaction_is_recorded(chain: EmbeddedChain):
    store = Sender(chain, 99).deploy(STORE)

    def send(seed: int) -> list[bytes]:
        sender = Sender(chain, seed)
        return [sender.send(store, word(100 * seed + n) + word(seed)) for n in range(12)]

    with ThreadPoolExecutor(8) as pool:
        sent = [one for batch in pool.map(send, range(1, 9)) for one in batch]
    assert len(set(sent)) == 96
    for one in sent:
        outcome = chain.outcome(one)
        assert outcome is not None
        assert outcome.succeeded
    assert chain.head().number <= 97
    assert chain.fsck().sound
    assert chain.replay().sound


def test_readers_see_whole_blocks_while_others_write(chain: EmbeddedChain):
    sender = Sender(chain)
    store = sender.deploy(STORE)
    event = sender.deploy(logger(1))

    def write() -> None:
        for n in range(40):
            pair = [sender.sign(store, word(1) + word(n)), sender.sign(event, word(n))]
            chain.send_many(pair)

    def read() -> list[tuple[int, int]]:
        seen = []
        for _ in range(60):
            head = chain.head()
            stored = int.from_bytes(chain.call(store, word(1), head.number), "big")
            events = chain.logs(event, 0, head.number)
            seen.append((stored, len(events)))
        return seen

    with ThreadPoolExecutor(3) as pool:
        writing = pool.submit(write)
        readings = [pool.submit(read) for _ in range(2)]
        writing.result()
        for reading in readings:
            for stored, events in reading.result():
                assert events in ((stored, stored + 1) if stored == 0 else (stored + 1,))


def test_a_contract_sees_the_block_it_is_in(chain: EmbeddedChain, sender: Sender):
    clock = sender.deploy(CLOCK)
    sender.send(sender.address)
    head = chain.head()
    seen = chain.call(clock, b"")
    values = [int.from_bytes(seen[at : at + 32], "big") for at in range(0, 128, 32)]
    assert values == [head.timestamp, head.number, 0, CHAIN_ID]
    assert seen[128:] == head.parent_hash


def test_a_reverted_transaction_is_recorded_with_its_data(chain: EmbeddedChain, sender: Sender):
    reverter = sender.deploy(REVERTER)
    outcome = chain.outcome(sender.send(reverter, b"\x12\x34\x56\x78" + word(5)))
    assert outcome is not None
    assert not outcome.succeeded
    assert outcome.revert_data == b"\x12\x34\x56\x78" + word(5)
    assert outcome.block_hash == chain.head().hash
    burner = sender.deploy(BURNER)
    outcome = chain.outcome(sender.send(burner, gas=60_000))
    assert outcome is not None
    assert (outcome.succeeded, outcome.gas_used, outcome.revert_data) == (False, 60_000, b"")
    assert chain.outcome(word(1)) is None


def test_a_call_answers_at_any_block(chain: EmbeddedChain, sender: Sender):
    store = sender.deploy(STORE)
    for value in (5, 6):
        sender.send(store, word(1) + word(value))
    assert [chain.call(store, word(1), block) for block in (0, 1, 2, 3)] == [
        b"",
        word(0),
        word(5),
        word(6),
    ]
    with pytest.raises(UnknownBlock, match="block 4 is not on this chain"):
        chain.call(store, word(1), 4)


def test_a_refused_call_gives_the_data_of_its_error(chain: EmbeddedChain, sender: Sender):
    reverter, burner = sender.deploy(REVERTER), sender.deploy(BURNER)
    with pytest.raises(CallReverted, match="custom error 0xdeadbeef") as refusal:
        chain.call(reverter, b"\xde\xad\xbe\xef" + word(3))
    assert refusal.value.data == b"\xde\xad\xbe\xef" + word(3)
    reason = bytes.fromhex("08c379a0") + word(32) + word(6) + "理由".encode().ljust(32, b"\0")
    with pytest.raises(CallReverted, match="execution reverted: 理由"):
        chain.estimate_gas(sender.address, reverter, reason)
    overflow = bytes.fromhex("4e487b71") + word(0x11)
    with pytest.raises(CallReverted, match="panic 0x11"):
        chain.call(reverter, overflow)
    cheap = {"to": "0x" + burner.hex(), "gas": hex(100_000)}
    answer = chain.rpc.handle(_ask("eth_call", cheap))
    assert answer["error"]["message"] == "execution failed: OutOfGas"
    assert CALL_GAS >= 100_000


@pytest.mark.parametrize("depth", [0, 1, 2, 8, 40])
def test_a_transaction_with_the_estimated_gas_succeeds_at_any_depth_of_calls(
    chain: EmbeddedChain, sender: Sender, depth: int
):
    contract = sender.deploy(nested())
    gas = chain.estimate_gas(sender.address, contract, word(depth))
    outcome = chain.outcome(sender.send(contract, word(depth), gas=gas))
    assert outcome is not None
    assert outcome.succeeded
    assert outcome.gas_used <= gas <= outcome.gas_used * 2
    too_little = chain.outcome(sender.send(contract, word(depth), gas=outcome.gas_used - 1))
    assert too_little is not None
    assert not too_little.succeeded


def test_calls_nested_as_deep_as_gas_allows_end_without_harm(chain: EmbeddedChain, sender: Sender):
    endless = sender.deploy(ENDLESS)
    with ThreadPoolExecutor(1) as pool:
        raw = sender.sign(endless, gas=chain.genesis.gas_limit)
        outcome = chain.outcome(pool.submit(chain.send_raw, raw).result())
    assert outcome is not None
    assert outcome.succeeded
    assert chain.call(endless, b"") == b""


@pytest.mark.usefixtures("chain")
def test_deeply_nested_json_is_an_error_in_a_process_that_has_a_chain():
    for text in ("[" * 200_000, '{"a":' * 200_000):
        with pytest.raises(RecursionError):
            json.loads(text)


def test_the_estimate_of_a_creation_suffices(chain: EmbeddedChain, sender: Sender):
    code = creation(STORE * 50)
    gas = chain.estimate_gas(sender.address, None, code)
    outcome = chain.outcome(sender.send(None, code, gas=gas))
    assert outcome is not None
    assert outcome.succeeded


def test_the_chain_has_the_shape_that_the_rest_of_the_project_asks_for(
    chain: EmbeddedChain, sender: Sender
):
    asked: Chain = chain
    store = sender.deploy(STORE)
    assert (asked.name, asked.chain_id, asked.w3.eth.chain_id) == ("embedded", CHAIN_ID, CHAIN_ID)
    assert asked.code(store) == STORE
    assert asked.code(sender.address) == b""
    assert asked.nonce(sender.address) == sender.nonce == 1
    numbers = [1, 0, 1]
    assert [block.number for block in asked.blocks(numbers)] == numbers
    assert asked.blocks([1])[0].parent_hash == asked.blocks([0])[0].hash
    with pytest.raises(UnknownBlock):
        asked.blocks([0, 2])


def _ask(method: str, *params: object) -> dict[str, object]:
    return {"jsonrpc": "2.0", "id": 1, "method": method, "params": list(params)}

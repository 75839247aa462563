"""The faster loop does what py-evm's own does, in everything that can be seen from outside."""

from __future__ import annotations

from typing import Any

import pytest
from eth.constants import BLANK_ROOT_HASH, ZERO_HASH32
from eth.db.atomic import AtomicDB
from eth.vm.execution_context import ExecutionContext
from eth.vm.forks.cancun.state import CancunState
from eth.vm.message import Message
from eth_typing import Address, BlockNumber
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ledger.chain.embedded.interpreter import FastState, analyse, expansion
from tests.chain.embedded.machine_code import BURNER, CLOCK, ENDLESS, STORE, logger, nested, word

SENDER, TARGET = Address(b"\x11" * 20), Address(b"\x22" * 20)
PLAIN = (
    "01 02 03 04 05 06 07 08 09 0a 0b 10 11 12 13 14 15 16 17 18 19 1a 1b 1c 1d 20 30 32 33 34 35"
    " 36 38 3d 42 43 46 50 51 52 53 54 55 58 59 5a 5b 5c 5d 5e 5f a0 a1 f3 fd 37 39 3e fe f1 fa"
)
INSTRUCTIONS = bytes.fromhex(PLAIN)
EDGES = [0, 1, 2, 31, 32, 33, 255, 256, 1 << 127, (1 << 255) - 1, 1 << 255, (1 << 256) - 1]


@st.composite
def programs(draw: st.DrawFn) -> bytes:
    """Instructions with mostly enough small words on the stack, and jumps that mostly arrive."""
    code = bytearray()
    for _ in range(draw(st.integers(1, 60))):
        kind = draw(st.integers(0, 9))
        if kind <= 3:
            value = draw(st.one_of(st.integers(0, 100), st.sampled_from(EDGES)))
            length = max(1, (value.bit_length() + 7) // 8)
            code += bytes([0x5F + length]) + value.to_bytes(length, "big")
        elif kind <= 5:
            code.append(draw(st.sampled_from([*range(0x80, 0x84), *range(0x90, 0x93), 0x8F, 0x9F])))
        elif kind == 6:
            target = draw(st.integers(0, len(code) + 12))
            code += bytes([0x60, min(target, 255), draw(st.sampled_from([0x56, 0x57])), 0x5B])
        else:
            code.append(draw(st.sampled_from(INSTRUCTIONS)))
    return bytes(code[: draw(st.integers(1, len(code)))])


def run(kind: type[CancunState], code: bytes, data: bytes, gas: int) -> dict[str, Any]:
    """Everything that an execution leaves behind."""
    context = ExecutionContext(
        coinbase=Address(bytes(20)),
        timestamp=1_700_000_000,
        block_number=BlockNumber(5),
        difficulty=0,
        mix_hash=ZERO_HASH32,
        gas_limit=10**9,
        prev_hashes=(),
        chain_id=7,
        base_fee_per_gas=0,
        excess_blob_gas=0,
    )
    state = kind(AtomicDB(), context, BLANK_ROOT_HASH)
    state.set_balance(SENDER, 10**6)
    state.set_code(TARGET, code)
    message = Message(gas=gas, to=TARGET, sender=SENDER, value=3, data=data, code=code)
    transaction = state.get_transaction_context_class()(gas_price=0, origin=SENDER)
    state.mark_address_warm(TARGET)
    done = state.computation_class.apply_message(state, message, transaction)
    seen: dict[str, Any] = {
        "failed": done.is_error,
        "burns": done.is_error and done.error.burns_gas,
        "output": bytes(done.output),
        "gas": done.get_gas_remaining(),
        "children": len(done.children),
    }
    if not done.is_error:
        stack = done._stack.values
        seen |= {
            "refund": done.get_gas_refund(),
            "logs": done.get_log_entries(),
            "stack": [x if isinstance(x, int) else int.from_bytes(x, "big") for x in stack],
            "memory": bytes(done._memory._bytes),
        }
    return seen | {"root": state.make_state_root()}


@given(
    code=programs(),
    data=st.binary(max_size=70),
    gas=st.one_of(st.integers(0, 400), st.just(60_000)),
)
@settings(max_examples=600)
@example(code=b"\x60", data=b"", gas=100)
@example(code=b"\x7f\x01", data=b"", gas=100)
@example(code=b"\x5f" * 1025, data=b"", gas=60_000)
@example(code=b"\x5f" * 1024 + b"\x36", data=b"", gas=60_000)
@example(code=b"\x5f" * 1024 + b"\x80", data=b"", gas=60_000)
@example(code=b"\x5f" * 1024 + b"\x5a", data=b"", gas=60_000)
@example(code=bytes.fromhex("61ffff61ffff51"), data=b"", gas=60_000)
@example(code=bytes.fromhex("7f" + "ff" * 32 + "51"), data=b"", gas=60_000)
@example(code=bytes.fromhex("600456005b"), data=b"", gas=60_000)
@example(code=bytes.fromhex("600456605b00"), data=b"", gas=60_000)
@example(code=bytes.fromhex("6001601f526001601f5160015500"), data=b"", gas=60_000)
def test_random_programs_end_the_same(code: bytes, data: bytes, gas: int):
    assert run(FastState, code, data, gas) == run(CancunState, code, data, gas)


@given(
    instruction=st.sampled_from(bytes.fromhex("01020304060b101112131415161718191a1b1c1d")),
    words=st.tuples(*[st.one_of(st.sampled_from(EDGES), st.integers(0, (1 << 256) - 1))] * 3),
)
@settings(max_examples=300)
def test_arithmetic_is_exact_at_the_edges(instruction: int, words: tuple[int, ...]):
    pushes = b"".join(b"\x7f" + word(one) for one in words)
    code = pushes + bytes([instruction])
    fast, plain = (run(kind, code, b"", 60_000) for kind in (FastState, CancunState))
    assert fast == plain
    assert not fast["failed"]


@pytest.mark.parametrize("gas", [0, 10, 100, 2_200, 2_300, 25_000, 300_000])
@pytest.mark.parametrize(
    ("code", "data"),
    [
        (STORE, word(1) + word(2)),
        (STORE, word(1)),
        (logger(4), b"".join(map(word, range(5)))),
        (BURNER, b""),
        (CLOCK, b""),
        (nested(), word(6)),
        (ENDLESS, b""),
    ],
)
def test_contracts_end_the_same_with_any_gas(code: bytes, data: bytes, gas: int):
    assert run(FastState, code, data, gas) == run(CancunState, code, data, gas)


def test_data_after_a_push_is_no_place_to_jump_to():
    targets, pushed = analyse(bytes.fromhex("605b5b615b5b5b7f5b"))
    assert targets == {2, 6}
    assert pushed[0] == 0x5B
    assert pushed[3] == 0x5B5B
    assert pushed[7] == 0x5B << 248


def test_memory_costs_what_the_yellow_paper_says():
    assert expansion(0, 1) == expansion(0, 32) == 3
    assert expansion(32, 32) == 0
    assert expansion(0, 32 * 724) == 3 * 724 + 724**2 // 512
    assert expansion(64, 32 * 724) == expansion(0, 32 * 724) - expansion(0, 64)
    greedy = run(FastState, bytes.fromhex("63ffffffff51"), b"", 60_000)
    assert greedy["failed"]
    assert greedy["gas"] == 0

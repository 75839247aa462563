"""Calls without a transaction: ``eth_call`` and ``eth_estimateGas`` on a state then dropped."""

from __future__ import annotations

from eth._utils.address import generate_contract_address
from eth.abc import BlockHeaderAPI, ComputationAPI
from eth.constants import CREATE_CONTRACT_ADDRESS
from eth.vm.forks.cancun.state import CancunState
from eth.vm.forks.cancun.transactions import CancunTransactionBuilder
from eth.vm.forks.london.constants import EIP3529_MAX_REFUND_QUOTIENT
from eth.vm.message import Message
from eth_abi.abi import decode as abi_decode
from eth_abi.exceptions import DecodingError
from eth_typing import Address
from msgspec import Struct

from ledger.chain.embedded.evm import execution_state, lost_nodes
from ledger.chain.embedded.nodes import StateNodes
from ledger.chain.embedded.store import Store
from ledger.chain.interface import CallReverted, TransactionRefused

CALL_GAS = 100_000_000
"""Gas of an ``eth_call`` that names none, and the most that one may name."""
ERROR_SELECTOR = bytes.fromhex("08c379a0")
"""``Error(string)``: what ``require(…, "text")`` gives."""
PANIC_SELECTOR = bytes.fromhex("4e487b71")
"""``Panic(uint256)``: an assertion, an overflow, an index out of range."""


class Call(Struct, frozen=True):
    """What is asked: ``to`` None creates a contract of ``data``; ``gas`` None takes the default."""

    sender: bytes = bytes(20)
    to: bytes | None = None
    data: bytes = b""
    value: int = 0
    gas: int | None = None


def revert_message(data: bytes, error: Exception | None) -> str:
    """Words for a failed call: the reason in ``Error(string)`` or ``Panic``, else the EVM's."""
    try:
        if data[:4] == ERROR_SELECTOR:
            return f"execution reverted: {abi_decode(['string'], data[4:])[0]}"
        if data[:4] == PANIC_SELECTOR:
            return f"execution reverted: panic 0x{abi_decode(['uint256'], data[4:])[0]:02x}"
    except (DecodingError, UnicodeDecodeError):
        return "execution reverted"
    if data:
        return f"execution reverted: custom error 0x{data[:4].hex()}"
    name = type(error).__name__
    return "execution reverted" if name == "Revert" else f"execution failed: {name}"


def _execute(state: CancunState, call: Call, gas: int) -> ComputationAPI:
    sender = Address(call.sender)
    nonce = state.get_nonce(sender)
    state.increment_nonce(sender)
    if call.to is None:
        message = Message(
            gas=gas,
            to=CREATE_CONTRACT_ADDRESS,
            sender=sender,
            value=call.value,
            data=b"",
            code=call.data,
            create_address=generate_contract_address(sender, nonce),
        )
    else:
        target = Address(call.to)
        message = Message(
            gas=gas,
            to=target,
            sender=sender,
            value=call.value,
            data=call.data,
            code=state.get_code(target),
        )
    context = state.get_transaction_context_class()(gas_price=0, origin=sender)
    state.mark_address_warm(sender)
    state.mark_address_warm(message.storage_address)
    apply = (
        state.computation_class.apply_message
        if not message.is_create
        else state.computation_class.apply_create_message
    )
    return apply(state, message, context)


def run(
    store: Store, header: BlockHeaderAPI, chain_id: int, call: Call, gas: int
) -> ComputationAPI:
    """Execute as in the block of ``header``, on the state that it names; nothing is kept.

    Raises :class:`CallReverted` with the revert data, or :class:`ChainCorrupt`.
    """
    with lost_nodes(store.path):
        state = execution_state(StateNodes(store), store, header, chain_id)
        computation = _execute(state, call, gas)
    if computation.is_error:
        output = bytes(computation.output)
        raise CallReverted(revert_message(output, computation.error), output)
    return computation


def call(store: Store, header: BlockHeaderAPI, chain_id: int, what: Call) -> bytes:
    """``eth_call``: the returned bytes; raises :class:`CallReverted`."""
    gas = CALL_GAS if what.gas is None else min(what.gas, CALL_GAS)
    return bytes(run(store, header, chain_id, what, gas).output)


def _depth(computation: ComputationAPI) -> int:
    return 1 + max((_depth(child) for child in computation.children), default=-1)


def estimate(store: Store, header: BlockHeaderAPI, chain_id: int, what: Call) -> int:
    """Gas with which this transaction succeeds in the block of ``header``, from one execution.

    A frame may pass on 63/64 of its gas (EIP-150), and refunds come only at the end (EIP-3529):
    with (gas used + refund) x 64/63 per level of calls every frame gets what it needed in the
    trial, so no second execution is needed to find out. The answer is up to a few per cent above
    the least that would do. Raises :class:`CallReverted` where the call fails with a whole
    block's gas.
    """
    limit = header.gas_limit if what.gas is None else min(what.gas, header.gas_limit)
    intrinsic = CancunTransactionBuilder.create_unsigned_transaction(
        nonce=0,
        gas_price=0,
        gas=limit,
        to=Address(what.to) if what.to is not None else CREATE_CONTRACT_ADDRESS,
        value=what.value,
        data=what.data,
    ).intrinsic_gas
    if intrinsic > limit:
        raise TransactionRefused(f"intrinsic gas too low: {limit} given, {intrinsic} needed")
    computation = run(store, header, chain_id, what, limit - intrinsic)
    gross = limit - computation.get_gas_remaining()
    refund = min(computation.get_gas_refund(), gross // EIP3529_MAX_REFUND_QUOTIENT)
    needed = gross + refund
    for _ in range(_depth(computation)):
        needed = -(-needed * 64 // 63)
    return min(needed, limit)

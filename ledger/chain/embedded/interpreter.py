"""A faster inner loop for py-evm: the plain instructions without a method call each.

py-evm walks over ``computation.code`` and calls an object for every instruction it is given. Here the
walk executes stack, arithmetic, jump and memory instructions itself, and hands out only the others
(storage, calls, logs, hashing, …), so py-evm keeps every rule that is more than arithmetic. Statements
of this ledger run three times as fast. Gas is the Cancun schedule (Yellow Paper, appendix G and H);
tests run both loops over random programs and compare everything that can be seen.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any, cast

from eth.abc import MessageAPI, StateAPI, TransactionContextAPI
from eth.exceptions import FullStack, InsufficientStack, InvalidJumpDestination, OutOfGas
from eth.vm.code_stream import CodeStream
from eth.vm.forks.cancun.computation import CancunComputation
from eth.vm.forks.cancun.state import CancunState
from eth.vm.memory import Memory
from eth.vm.stack import Stack

MAX = (1 << 256) - 1
SIGN = 1 << 255
WORD = 32
BITS = 256
STACK_LIMIT = 1024
ANALYSED = 256
"""How many pieces of code are kept analysed; a ledger has some ten contracts."""

STOP, ADD, MUL, SUB, DIV, MOD = 0x00, 0x01, 0x02, 0x03, 0x04, 0x06
LT, GT, SLT, EQ, ISZERO, AND, OR, XOR, NOT = 0x10, 0x11, 0x12, 0x14, 0x15, 0x16, 0x17, 0x18, 0x19
SHL, SHR = 0x1B, 0x1C
CALLVALUE, CALLDATALOAD, CALLDATASIZE, RETURNDATASIZE = 0x34, 0x35, 0x36, 0x3D
POP, MLOAD, MSTORE, JUMP, JUMPI, GAS, JUMPDEST = 0x50, 0x51, 0x52, 0x56, 0x57, 0x5A, 0x5B
PUSH0, PUSH32, DUP1, DUP16, SWAP1, SWAP16 = 0x5F, 0x7F, 0x80, 0x8F, 0x90, 0x9F


@lru_cache(ANALYSED)
def analyse(code: bytes) -> tuple[frozenset[int], list[int]]:
    """Where ``code`` may jump to, and the value of the PUSH at each position (0 elsewhere).

    A PUSH that runs over the end is filled with zeros (Yellow Paper, section 9.4.1).
    """
    targets, pushed = set(), [0] * len(code)
    at, size = 0, len(code)
    while at < size:
        instruction = code[at]
        if instruction == JUMPDEST:
            targets.add(at)
        elif PUSH0 < instruction <= PUSH32:
            length = instruction - PUSH0
            pushed[at] = int.from_bytes(code[at + 1 : at + 1 + length].ljust(length, b"\0"), "big")
            at += length
        at += 1
    return frozenset(targets), pushed


class FastCode(CodeStream):
    """Code that executes its plain instructions while it is walked over."""

    __slots__ = ("_computation",)

    def __init__(self, code: bytes, computation: FastComputation) -> None:
        super().__init__(code)
        self._computation = computation

    def __iter__(self) -> Iterator[int]:
        """Execute up to the next instruction that is py-evm's, give it out, go on after it.

        All words on the stack are integers here; what py-evm pushes as bytes is turned into one.
        Raises what py-evm raises: OutOfGas, InsufficientStack, FullStack, InvalidJumpDestination.
        """
        try:
            yield from self._walk()
        except IndexError as error:
            raise InsufficientStack(
                "an instruction wanted more words than the stack has"
            ) from error

    def _walk(self) -> Iterator[int]:  # noqa: C901, PLR0912, PLR0915
        # One function on purpose: a call for each instruction is what this is here to avoid.
        code, size = self._raw_code_bytes, self._length_cache
        targets, pushed = analyse(code)
        computation = self._computation
        stack = computation.words
        push, pop = stack.append, stack.pop
        memory, meter = computation.memory, computation.get_gas_meter()
        message = computation.msg
        gas, at = meter.gas_remaining, self.program_counter
        while at < size:
            instruction = code[at]
            at += 1
            if instruction >= PUSH0:
                if instruction <= DUP16:
                    gas -= 3 if instruction > PUSH0 else 2
                    if gas < 0 or len(stack) >= STACK_LIMIT:
                        raise OutOfGas("PUSH or DUP") if gas < 0 else FullStack("PUSH or DUP")
                    if instruction > PUSH32:
                        push(stack[PUSH32 - instruction])
                    else:
                        push(pushed[at - 1])
                        at += instruction - PUSH0
                    continue
                if instruction <= SWAP16:
                    gas -= 3
                    if gas < 0:
                        raise OutOfGas("SWAP")
                    other = DUP16 - 1 - instruction
                    stack[-1], stack[other] = stack[other], stack[-1]
                    continue
            elif instruction >= POP:
                if instruction == JUMPDEST:
                    gas -= 1
                    if gas < 0:
                        raise OutOfGas("JUMPDEST")
                    continue
                if instruction == JUMPI:
                    gas -= 10
                    if gas < 0:
                        raise OutOfGas("JUMPI")
                    target, condition = pop(), pop()
                    if condition:
                        if target not in targets:
                            raise InvalidJumpDestination("JUMPI")
                        at = target
                    continue
                if instruction == JUMP:
                    gas -= 8
                    if gas < 0:
                        raise OutOfGas("JUMP")
                    at = pop()
                    if at not in targets:
                        raise InvalidJumpDestination("JUMP")
                    continue
                if instruction in (MSTORE, MLOAD):
                    gas -= 3
                    start = pop()
                    held = len(memory)
                    if start + WORD > held:
                        gas -= expansion(held, start + WORD)
                        if gas >= 0:
                            memory.extend(start, WORD)
                    if gas < 0:
                        raise OutOfGas("MSTORE or MLOAD")
                    if instruction == MSTORE:
                        memory._bytes[start : start + WORD] = pop().to_bytes(WORD, "big")  # noqa: SLF001 - a copy less
                    else:
                        push(int.from_bytes(memory._bytes[start : start + WORD], "big"))  # noqa: SLF001
                    continue
                if instruction == POP:
                    gas -= 2
                    if gas < 0:
                        raise OutOfGas("POP")
                    pop()
                    continue
                if instruction == GAS:
                    gas -= 2
                    if gas < 0 or len(stack) >= STACK_LIMIT:
                        raise OutOfGas("GAS") if gas < 0 else FullStack("GAS")
                    push(gas)
                    continue
            elif instruction >= CALLVALUE:
                if instruction == CALLDATALOAD:
                    gas -= 3
                    if gas < 0:
                        raise OutOfGas("CALLDATALOAD")
                    start = stack[-1]
                    word = bytes(message.data[start : start + WORD])
                    stack[-1] = int.from_bytes(word.ljust(WORD, b"\0"), "big")
                    continue
                if instruction in (CALLDATASIZE, CALLVALUE, RETURNDATASIZE):
                    gas -= 2
                    if gas < 0 or len(stack) >= STACK_LIMIT:
                        raise OutOfGas("environment") if gas < 0 else FullStack("environment")
                    if instruction == CALLDATASIZE:
                        push(len(message.data))
                    elif instruction == CALLVALUE:
                        push(message.value)
                    else:
                        push(len(computation.return_data))
                    continue
            elif instruction == ISZERO:
                gas -= 3
                if gas < 0:
                    raise OutOfGas("ISZERO")
                stack[-1] = 0 if stack[-1] else 1
                continue
            elif instruction == NOT:
                gas -= 3
                if gas < 0:
                    raise OutOfGas("NOT")
                stack[-1] ^= MAX
                continue
            elif instruction in BINARY:
                gas -= 5 if instruction == MUL or DIV <= instruction <= MOD else 3
                if gas < 0:
                    raise OutOfGas("arithmetic")
                left, right = pop(), stack[-1]
                if instruction == ADD:
                    result = (left + right) & MAX
                elif instruction == AND:
                    result = left & right
                elif instruction == SUB:
                    result = (left - right) & MAX
                elif instruction == SHL:
                    result = (right << left) & MAX if left < BITS else 0
                elif instruction == SHR:
                    result = right >> left if left < BITS else 0
                elif instruction == EQ:
                    result = 1 if left == right else 0
                elif instruction == LT:
                    result = 1 if left < right else 0
                elif instruction == GT:
                    result = 1 if left > right else 0
                elif instruction == SLT:
                    result = 1 if left ^ SIGN < right ^ SIGN else 0
                elif instruction == OR:
                    result = left | right
                elif instruction == MUL:
                    result = left * right & MAX
                elif instruction == XOR:
                    result = left ^ right
                elif instruction == DIV:
                    result = left // right if right else 0
                else:
                    result = left % right if right else 0
                stack[-1] = result
                continue
            meter.gas_remaining = gas
            self.program_counter = at
            yield instruction
            gas, at = meter.gas_remaining, self.program_counter
            if stack and stack[-1].__class__ is bytes:
                stack[-1] = int.from_bytes(stack[-1], "big")
        meter.gas_remaining = gas
        self.program_counter = at
        yield STOP


BINARY = frozenset((ADD, MUL, SUB, DIV, MOD, LT, GT, SLT, EQ, AND, OR, XOR, SHL, SHR))


def expansion(held: int, end: int) -> int:
    """Gas for memory that grows from ``held`` bytes, a multiple of 32, to reach ``end``."""
    before, after = held // WORD, -(-end // WORD)
    return 3 * (after - before) + after * after // 512 - before * before // 512


class FastComputation(CancunComputation):
    """A Cancun computation that runs :class:`FastCode`."""

    def __init__(
        self, state: StateAPI, message: MessageAPI, transaction_context: TransactionContextAPI
    ) -> None:
        super().__init__(state, message, transaction_context)
        # py-evm's own stack and memory, by the classes behind their interfaces.
        self.words: list[Any] = cast("Stack", self._stack).values
        self.memory = cast("Memory", self._memory)
        self.code = FastCode(message.code, self)


class FastState(CancunState):
    """Cancun's state, whose messages are executed by :class:`FastComputation`."""

    computation_class = FastComputation

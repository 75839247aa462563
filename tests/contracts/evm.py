"""A real EVM for contract tests: py-evm's Cancun rules over a state in memory, without blocks.

Transactions run one after the other on one open block, so that a test costs milliseconds; gas is
what a block would charge. Time stands still until a test moves it. Plain instructions run in the
embedded chain's own loop, which takes a third of the time; ``Evm(loop=CancunVM)`` is py-evm's, and
``test_loops.py`` holds that both leave the same behind.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from eth.chains.base import MiningChain
from eth.consensus import ConsensusApplier, NoProofConsensus
from eth.db.atomic import AtomicDB
from eth.exceptions import Revert
from eth.vm.forks.cancun import CancunVM
from eth.vm.spoof import SpoofTransaction
from eth_abi import decode, encode
from eth_abi.grammar import TupleType, parse
from eth_utils import keccak, to_checksum_address

from ledger.chain.artifacts import NAMES, Artifact, load
from ledger.chain.embedded.interpreter import FastState

CHAIN_ID = 26476
START = 1_750_000_000
GAS_LIMIT = 4_000_000_000
TRANSACTION_GAS = 1_000_000_000
SENDER = bytes.fromhex("00000000000000000000000000000000000000aa")


class RefusedError(Exception):
    """A transaction or call that reverted with a custom error, and the error's arguments."""

    def __init__(self, name: str, arguments: tuple[Any, ...], data: bytes) -> None:
        super().__init__(f"{name}{arguments}")
        self.name = name
        self.arguments = arguments
        self.data = data


@dataclass(frozen=True)
class Event:
    address: bytes
    name: str
    values: dict[str, Any]


@dataclass(frozen=True)
class Done:
    """A transaction that succeeded: gas as charged, refund deducted."""

    gas_used: int
    output: bytes
    events: list[Event]

    def named(self, name: str) -> list[dict[str, Any]]:
        return [event.values for event in self.events if event.name == name]


def type_of(item: dict[str, Any]) -> str:
    """The canonical ABI type of one parameter."""
    kind: str = item["type"]
    if not kind.startswith("tuple"):
        return kind
    inner = ",".join(type_of(part) for part in item["components"])
    return f"({inner}){kind.removeprefix('tuple')}"


def signature_of(item: dict[str, Any]) -> str:
    return f"{item['name']}({','.join(type_of(part) for part in item['inputs'])})"


def encode_call(signature: str, arguments: Sequence[Any]) -> bytes:
    """Selector and ABI-encoded arguments for ``name(type,…)``."""
    selector = keccak(text=signature)[:4]
    if signature.endswith("()"):
        return selector
    arguments_type = parse(signature[signature.index("(") :])
    assert isinstance(arguments_type, TupleType)
    types = [part.to_type_str() for part in arguments_type.components]
    return selector + encode(types, arguments)


class Abi:
    """Errors and events of every contract that takes part, by selector and topic."""

    def __init__(self) -> None:
        self.errors: dict[bytes, dict[str, Any]] = {}
        self.events: dict[bytes, dict[str, Any]] = {}
        for name in NAMES:
            self.add(load(name))

    def add(self, artifact: Artifact) -> None:
        for item in artifact.abi:
            if item["type"] == "error":
                self.errors[keccak(text=signature_of(item))[:4]] = item
            elif item["type"] == "event":
                self.events[keccak(text=signature_of(item))] = item

    def refusal(self, data: bytes) -> RefusedError:
        item = self.errors.get(data[:4])
        if item is None:
            return RefusedError("", (), data)
        return RefusedError(
            item["name"], decode([type_of(part) for part in item["inputs"]], data[4:]), data
        )

    def event(self, address: bytes, topics: Sequence[int], data: bytes) -> Event:
        words = [topic.to_bytes(32, "big") for topic in topics]
        item = self.events[words[0]]
        indexed = [part for part in item["inputs"] if part["indexed"]]
        plain = [part for part in item["inputs"] if not part["indexed"]]
        values = {
            part["name"]: decode([type_of(part)], word)[0]
            for part, word in zip(indexed, words[1:], strict=True)
        }
        decoded = decode([type_of(part) for part in plain], data)
        values.update(zip((part["name"] for part in plain), decoded, strict=True))
        return Event(address, item["name"], values)


class FastVM(CancunVM):
    """Cancun's rules with the embedded chain's loop."""

    _state_class = FastState


class Evm:
    """One open block. ``snapshot`` and ``revert`` bring back an earlier state, in any order."""

    def __init__(self, *, loop: type[CancunVM] = FastVM) -> None:
        rules = ConsensusApplier(NoProofConsensus).amend_vm_configuration(((0, loop),))
        chain_class = MiningChain.configure(
            __name__="TestChain", vm_configuration=rules, chain_id=CHAIN_ID
        )
        parameters = {
            "difficulty": 0,
            "gas_limit": GAS_LIMIT,
            "timestamp": START - 1,
            "base_fee_per_gas": 0,
        }
        self._chain = chain_class.from_genesis(AtomicDB(), parameters, {})
        self._vm = self._chain.get_vm()
        self.abi = Abi()
        self.time = START
        self.writes = 0
        """Grows with all that may change what a contract keeps; only the time passing does not."""
        self._open(self._chain.header.state_root)

    def _open(self, state_root: bytes) -> None:
        header = self._vm.get_header().copy(
            state_root=state_root, timestamp=self.time, base_fee_per_gas=0, gas_limit=GAS_LIMIT
        )
        self._vm = self._chain.get_vm(header)

    def snapshot(self) -> tuple[bytes, int]:
        self._vm.state.lock_changes()
        self._vm.state.persist()
        return self._vm.state.state_root, self.time

    def revert(self, snapshot: tuple[bytes, int]) -> None:
        state_root, self.time = snapshot
        self.writes += 1
        self._open(state_root)

    def at(self, time: int) -> None:
        """Moves the block's time, Unix seconds."""
        state_root, _ = self.snapshot()
        self.time = time
        self._open(state_root)

    def code(self, address: str) -> bytes:
        return bytes(self._vm.state.get_code(bytes.fromhex(address[2:])))

    def _execute(
        self, to: bytes, data: bytes, sender: bytes, gas: int = TRANSACTION_GAS
    ) -> tuple[Any, Any]:
        state = self._vm.state
        unsigned = self._vm.create_unsigned_transaction(
            nonce=state.get_nonce(sender), gas_price=0, gas=gas, to=to, value=0, data=data
        )
        transaction = SpoofTransaction(unsigned, from_=sender)
        return transaction, state.apply_transaction(transaction)

    def send(self, to: str | None, data: bytes, sender: bytes = SENDER) -> Done:
        """Runs a transaction for good; raises :class:`RefusedError` where it reverts."""
        target = bytes.fromhex(to[2:]) if to else b""
        self._vm.state.lock_changes()
        transaction, computation = self._execute(target, data, sender)
        if computation.is_error:
            if isinstance(computation.error, Revert):
                raise self.abi.refusal(bytes(computation.output))
            raise computation.error
        self.writes += 1
        events = [
            self.abi.event(address, topics, log_data)
            for address, topics, log_data in computation.get_log_entries()
        ]
        gas_used = self._vm.finalize_gas_used(transaction, computation)
        created = to_checksum_address(computation.msg.storage_address) if to is None else None
        output = bytes.fromhex(created[2:]) if created else bytes(computation.output)
        return Done(gas_used, output, events)

    def call(self, to: str, data: bytes, sender: bytes = SENDER) -> bytes:
        """What a contract answers; nothing of it stays. Raises :class:`RefusedError` where it reverts."""
        state, address = self._vm.state, bytes.fromhex(to[2:])
        state.lock_changes()
        before = state.snapshot()
        try:
            # A whole transaction around it, with nonce and fees, would take as long again.
            computation = self._vm.execute_bytecode(
                origin=sender,
                gas_price=0,
                gas=TRANSACTION_GAS,
                to=address,
                sender=sender,
                value=0,
                data=data,
                code=state.get_code(address),
            )
        finally:
            state.revert(before)
        if computation.is_error:
            raise self.abi.refusal(bytes(computation.output))
        return bytes(computation.output)

    @staticmethod
    def decode(done: Done, kind: str) -> Any:
        """What a transaction returned, where it returns one value of this type."""
        return decode([kind], done.output)[0]

    def deploy(self, artifact: Artifact, *arguments: Any) -> Contract:
        self.abi.add(artifact)
        inputs = next(
            (item["inputs"] for item in artifact.abi if item["type"] == "constructor"), []
        )
        encoded = encode([type_of(part) for part in inputs], arguments)
        created = self.send(None, bytes.fromhex(artifact.bytecode[2:]) + encoded)
        return Contract(self, to_checksum_address(created.output), artifact)


class Contract:
    """A deployed contract: ``read("size")`` calls, ``write("admit", kind, registry)`` sends."""

    def __init__(self, evm: Evm, address: str, artifact: Artifact) -> None:
        self.evm = evm
        self.address = address
        self.artifact = artifact
        self._functions = {
            item["name"]: item for item in artifact.abi if item["type"] == "function"
        }

    def data(self, name: str, *arguments: Any) -> bytes:
        return encode_call(signature_of(self._functions[name]), arguments)

    def write(self, name: str, *arguments: Any, sender: bytes = SENDER) -> Done:
        return self.evm.send(self.address, self.data(name, *arguments), sender)

    def read(self, name: str, *arguments: Any) -> Any:
        output = self.evm.call(self.address, self.data(name, *arguments))
        types = [type_of(part) for part in self._functions[name]["outputs"]]
        values = decode(types, output)
        return values[0] if len(values) == 1 else values

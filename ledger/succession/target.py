"""The new log's contracts on the new chain: deployed one by one, remembered, and never twice."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
from eth_abi.abi import decode
from eth_utils.address import to_checksum_address

from ledger.chain import artifacts
from ledger.chain.artifacts import OF_SUCCESSORS, OPENINGS
from ledger.chain.deploying import ADMIN_ROLE, ADMISSION, Sender, admit, calldata, kinds_of
from ledger.chain.deployment import REGISTRIES, Deployment, SealedLog
from ledger.chain.interface import Chain
from ledger.mirror.fetching import ContractState, contract_state
from ledger.statements import LogIdentity, SignedBatch, address_bytes, kind_word
from ledger.succession.begun import Begun

if TYPE_CHECKING:
    from eth_account.signers.local import LocalAccount

MANAGER, LOG, ORGANISATIONS = "AccessManager", "GovernanceLog", "Organisations"
STATIC = tuple(name for name in (*REGISTRIES, OPENINGS) if name != ORGANISATIONS)
"""Registries that need nothing but the log. Organisations must know how many there are already."""


@dataclass
class Target:
    """The new contracts of a migration that ``begun`` remembers in ``data_dir``."""

    chain: Chain
    sender: LocalAccount
    data_dir: Path
    begun: Begun
    old: Deployment
    wait: float
    say: Callable[[str], None]

    def __post_init__(self) -> None:
        self._send = Sender(self.chain, self.sender, self.wait)

    @property
    def log(self) -> bytes:
        """Address of the new log, 20 bytes."""
        return address_bytes(self.begun.places[LOG])

    def begin(self, genesis: str) -> None:
        """The access manager and the empty log."""
        manager = self._stands(MANAGER, ["address"], [self.sender.address])
        kinds = ["address", "address", "uint256", "address", "bytes32"]
        values = [manager, self.old.genesis_authority, self.old.chain_id, self.old.log]
        self._stands(LOG, kinds, [*values, bytes.fromhex(genesis.removeprefix("0x"))])

    def registries(self) -> None:
        """Every registry that does not need to know the history."""
        for name in STATIC:
            self._stands(name, ["address"], [self.begun.places[LOG]])

    def organisations(self, count: int) -> None:
        """The registry of organisations, which goes on counting after ``count``."""
        self._stands(ORGANISATIONS, ["address", "uint32"], [self.begun.places[LOG], count])

    def state(self) -> ContractState:
        """Size and root of the new log now."""
        block = self.chain.head().number
        return contract_state(self.chain, LogIdentity(self.chain.chain_id, self.log), block)

    def inherited(self) -> int:
        """How many leaves the new log was concluded with, 0 before."""
        return self._number(self.log, "inheritedSize")

    def conclude(self, size: int, root: bytes) -> None:
        """End the carrying over, where that is not done."""
        if not self.inherited():
            self._call("concluding the history", "conclude", ["uint64", "bytes32"], [size, root])

    def admit(self, names: Sequence[str]) -> None:
        """Let these registries write their kinds, as far as they may not yet: all in one transaction."""
        wanted = [
            (kind_word(kind), self.begun.places[name]) for name in names for kind in kinds_of(name)
        ]
        missing = [
            each
            for each in wanted
            if not int.from_bytes(
                self.chain.call(self.log, calldata("admitted", ADMISSION, each)), "big"
            )
        ]
        if missing:
            manager = address_bytes(self.begun.places[MANAGER])
            admit(self._send, manager, self.begun.places[LOG], missing)

    def record(self, signed: SignedBatch) -> None:
        """Send a signed opening."""
        signature, arguments = signed.method_arguments()
        method, _, kinds = signature.partition("(")
        data = calldata(method, _split(kinds[:-1]), arguments)
        self._send.send("opening the log", address_bytes(self.begun.places[OPENINGS]), data)

    def hand_over(self, admin: str, delay: int) -> None:
        """Make ``admin`` the only administrator of the new log, ``delay`` seconds after each announcement."""
        manager = address_bytes(self.begun.places[MANAGER])
        kinds = ["uint64", "address", "uint32"]
        if not self._administers(admin):
            values = [ADMIN_ROLE, to_checksum_address(admin), delay]
            self._send.call("handing over", manager, "grantRole", kinds, values)
        if address_bytes(admin) != address_bytes(self.sender.address) and self._administers(
            self.sender.address
        ):
            values = [ADMIN_ROLE, self.sender.address]
            self._send.call(
                "giving up the administration", manager, "renounceRole", kinds[:2], values
            )

    def remember(self, **changes: str | int | SealedLog | Deployment | dict[str, str]) -> None:
        """Keep what has become known, member by member of :class:`Begun`."""
        self.begun = msgspec.structs.replace(self.begun, **changes).save(self.data_dir)

    def _administers(self, account: str) -> bool:
        manager = address_bytes(self.begun.places[MANAGER])
        question = calldata("hasRole", ["uint64", "address"], [ADMIN_ROLE, account])
        member, _ = decode(["bool", "uint32"], self.chain.call(manager, question))
        return bool(member)

    def _stands(self, name: str, kinds: Sequence[str], values: Sequence[Any]) -> str:
        """Where a contract stands; it is deployed unless it does already."""
        artifact = OF_SUCCESSORS.get(name, name)
        place = self.begun.places.get(name)
        if place is not None:
            found = self.chain.code(address_bytes(place))
            if artifacts.load(artifact).matches(found):
                return place
        self.say(name)
        place = str(to_checksum_address(self._send.next_contract()))
        outcome = self._send.create(artifact, kinds, values)
        changes: dict[str, Any] = {"places": {**self.begun.places, name: place}}
        if name == LOG:
            changes["deploy_block"] = outcome.block_number
            changes["deploy_block_hash"] = "0x" + outcome.block_hash.hex()
        self.remember(**changes)
        return place

    def _call(self, what: str, method: str, kinds: Sequence[str], values: Sequence[Any]) -> None:
        self.say(what)
        self._send.call(what, self.log, method, kinds, values)

    def _number(self, to: bytes, method: str) -> int:
        return int.from_bytes(self.chain.call(to, calldata(method, [], [])), "big")


def _split(kinds: str) -> list[str]:
    """The types of a parameter list, its tuples whole."""
    parts, depth, start = [], 0, 0
    for at, character in enumerate(kinds):
        depth += (character == "(") - (character == ")")
        if character == "," and not depth:
            parts.append(kinds[start:at])
            start = at + 1
    return [*parts, kinds[start:]]

"""Where the contracts of one log are on one chain, and whether they are still there.

``deployment.json`` in the data directory is written once, after everything stands; a deployment
that was broken off leaves contracts on the chain that nothing refers to, and is simply begun anew.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import msgspec
from eth_utils.address import to_checksum_address

from ledger.chain import artifacts
from ledger.chain.interface import Chain, ChainError
from ledger.statements import (
    Domain,
    LogIdentity,
    Predecessor,
    address_bytes,
)

FILE_NAME = "deployment.json"
REGISTRIES = artifacts.REGISTRIES


class DeploymentError(ChainError):
    """The contracts are not where, or not what, the data directory says; the text advises."""


class RegistryMissing(DeploymentError):
    """The log was deployed before there was this registry; ``zh`` and ``hint_zh`` say it in Chinese."""

    def __init__(self, contract: str) -> None:
        super().__init__(
            f"this log has no registry {contract}: it was deployed by an earlier version; "
            "'govledger chain upgrade' adds what it lacks"
        )
        self.contract = contract
        self.zh = f"该账本没有登记合约 {contract}：部署它的程序版本较早"
        self.hint = "run `govledger chain upgrade`; it needs the key of the log's administration"
        self.hint_zh = "请运行 `govledger chain upgrade`；需要账本管理方的密钥"


class SealedLog(msgspec.Struct, frozen=True):
    """A log that another one carries on: where its contracts are, and what it held when it was sealed.

    ``genesis`` is the hash of block 0 of its chain; ``size`` and ``root`` are those at ``sealed_block``;
    ``seal`` is the contract that took the place of its administration. ``accounts`` are the signers that are
    contracts on that chain, whose word only that chain can confirm.
    """

    chain_id: int
    log: str
    registries: dict[str, str]
    access_manager: str
    deploy_block: int
    deploy_block_hash: str
    genesis: str
    size: int
    root: str
    seal: str
    sealed_block: int
    sealed_block_hash: str
    accounts: tuple[str, ...] = ()

    @property
    def predecessor(self) -> Predecessor:
        """What leaves and rules need to know of it."""
        return Predecessor(
            LogIdentity(self.chain_id, address_bytes(self.log)),
            self.size,
            bytes.fromhex(self.root.removeprefix("0x")),
            bytes.fromhex(self.genesis.removeprefix("0x")),
            frozenset(map(address_bytes, self.accounts)),
        )


class Deployment(msgspec.Struct, frozen=True, omit_defaults=True):
    """Where the contracts of a log are. Addresses in checksum form, hashes as hex text with 0x.

    ``admin`` may admit and retire registries ``admin_delay`` seconds after it has announced so.
    ``deploy_block`` is the block from which on there can be events of the log. ``predecessors`` are the
    logs that it carries on, oldest first.
    """

    chain_id: int
    log: str
    registries: dict[str, str]
    access_manager: str
    genesis_authority: str
    admin: str
    admin_delay: int
    deploy_block: int
    deploy_block_hash: str
    predecessors: tuple[SealedLog, ...] = ()

    @property
    def identity(self) -> LogIdentity:
        """The log, with those that it carries on."""
        earlier = tuple(each.predecessor for each in self.predecessors)
        return LogIdentity(self.chain_id, self.log_address, earlier)

    @property
    def log_address(self) -> bytes:
        """The address of the log, 20 bytes."""
        return address_bytes(self.log)

    def registry(self, contract: str) -> bytes:
        """The address of a registry, 20 bytes.

        Raises :class:`RegistryMissing` for one that this log has not got yet, and
        :class:`DeploymentError` for one that does not exist.
        """
        if contract not in self.registries:
            if contract in REGISTRIES:
                raise RegistryMissing(contract)
            raise DeploymentError(
                f"this log has no registry {contract}; it has {', '.join(sorted(self.registries))}"
            )
        return address_bytes(self.registries[contract])

    @property
    def missing(self) -> tuple[str, ...]:
        """The registries of this version that the log has not got yet, in the order of deployment."""
        return tuple(name for name in REGISTRIES if name not in self.registries)

    def with_registries(self, more: Mapping[str, str]) -> Deployment:
        """The same log with registries added; raises :class:`ValueError` where one is there already."""
        if again := sorted(more.keys() & self.registries.keys()):
            raise ValueError(f"{', '.join(again)}: known already")
        known = {**self.registries, **more}
        # Those of this version in their order, then whatever else there is.
        order = [*(name for name in REGISTRIES if name in known), *sorted(known)]
        return msgspec.structs.replace(self, registries={name: known[name] for name in order})

    def _carries_on(self, earlier: Deployment) -> bool:
        """Whether this is the same log, with every registry where it was."""
        kept = {name: self.registries.get(name) for name in earlier.registries}
        return earlier == msgspec.structs.replace(self, registries=kept)

    def contract_at(self, address: bytes) -> str:
        """The name of the registry at an address, "" where there is none."""
        for name, place in self.registries.items():
            if address_bytes(place) == address:
                return name
        return ""

    def artifact_of(self, contract: str) -> str:
        """Which compiled contract stands for ``contract`` in this log: successors have some of their own."""
        return artifacts.OF_SUCCESSORS.get(contract, contract) if self.predecessors else contract

    def domain(self, contract: str) -> Domain:
        """The EIP-712 domain of a registry."""
        return Domain(contract, self.chain_id, to_checksum_address(self.registry(contract)))

    def save(self, data_dir: Path) -> Path:
        """Write ``deployment.json`` in one step.

        Refuses to replace one that names another log, or a registry elsewhere.
        """
        place = data_dir / FILE_NAME
        if place.exists() and not self._carries_on(load_deployment(data_dir)):
            raise DeploymentError(
                f"{place} names another log already; choose another data directory, or move "
                "the file away if that log is given up"
            )
        data_dir.mkdir(parents=True, exist_ok=True)
        write_document(place, self)
        return place

    def check(self, chain: Chain) -> None:
        """Raise :class:`DeploymentError` where ``chain`` is not the one that holds this log."""
        if chain.chain_id != self.chain_id:
            raise DeploymentError(
                f"the data directory knows chain {self.chain_id}, but {chain.name} is chain "
                f"{chain.chain_id}; correct the setting rpc_url, or use another data directory"
            )
        if chain.head().number < self.deploy_block:
            raise DeploymentError(
                f"{chain.name} ends before block {self.deploy_block}, in which the log was "
                "deployed: it is not synchronised yet, or was started anew; wait, or use another "
                "data directory"
            )
        (block,) = chain.blocks([self.deploy_block])
        if "0x" + block.hash.hex() != self.deploy_block_hash:
            raise DeploymentError(
                f"{chain.name} has another block {self.deploy_block} than the one in which the log "
                "was deployed: the chain was started anew or rewritten; use another data "
                "directory, and keep this one as evidence"
            )

    def verify_code(self, chain: Chain) -> None:
        """Compare the code on the chain with the checked-in artifacts, immutables left out.

        Raises :class:`DeploymentError` naming the first contract whose code is missing or differs.
        """
        places = {"AccessManager": self.access_manager, "GovernanceLog": self.log}
        for name, address in {**places, **self.registries}.items():
            if name not in artifacts.NAMES:
                raise DeploymentError(
                    f"this version knows no registry {name}, which the log has at {address}: "
                    "use the version that added it, or a later one"
                )
            found = chain.code(address_bytes(address))
            if not found:
                raise DeploymentError(
                    f"{chain.name} has no contract at {address}, where {name} should be; it is "
                    "another chain, or one that was started anew"
                )
            if not artifacts.load(self.artifact_of(name)).matches(found):
                raise DeploymentError(
                    f"the contract {name} at {address} is not the one that this version was built "
                    "with; use the version that deployed it, or find out who deployed another"
                )


def load_deployment(data_dir: Path) -> Deployment:
    """Read ``deployment.json``; raises :class:`DeploymentError` where it is missing or damaged."""
    place = data_dir / FILE_NAME
    try:
        return msgspec.json.decode(place.read_bytes(), type=Deployment)
    except FileNotFoundError as problem:
        raise DeploymentError(
            f"there is no {place}; make a data directory with 'govledger init', or name "
            "the right one"
        ) from problem
    except msgspec.DecodeError as problem:
        raise DeploymentError(
            f"{place} is damaged ({problem}); restore it from a backup: it can be had from anyone "
            "who uses the same log"
        ) from problem


def write_document(place: Path, document: msgspec.Struct) -> None:
    """Write a small JSON document in one step and durably; what stood there stays on any error."""
    draft = place.with_suffix(".json.new")
    text = msgspec.json.format(msgspec.json.encode(document), indent=2)
    with draft.open("wb") as file:
        file.write(text + b"\n")
        file.flush()
        os.fsync(file.fileno())
    draft.replace(place)

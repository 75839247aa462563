"""The contracts of one log on one chain: putting them there, and remembering where they are.

``deployment.json`` in the data directory is written once, after everything stands; a deployment
that was broken off leaves contracts on the chain that nothing refers to, and is simply begun anew.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
from eth_abi.abi import encode
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak

from ledger.chain import artifacts
from ledger.chain.cancun import runs_cancun
from ledger.chain.errors import explain
from ledger.chain.interface import CallReverted, Chain, ChainError, TransactionOutcome
from ledger.statements import (
    STRUCTS,
    Domain,
    LogIdentity,
    Predecessor,
    address_bytes,
    kind_word,
)

if TYPE_CHECKING:
    from eth_account.signers.local import LocalAccount

FILE_NAME = "deployment.json"
REGISTRIES = artifacts.REGISTRIES
ADMIN_ROLE = 0
"""OpenZeppelin AccessManager's role that may do every restricted act."""
WAIT = 120.0
GAS_MARGIN = 1.25


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


def kinds_of(contract: str) -> tuple[str, ...]:
    """The kinds of statements that a registry writes."""
    return tuple(dict.fromkeys(each.kind for each in STRUCTS if each.contract == contract))


def calldata(method: str, kinds: Sequence[str], values: Sequence[Any]) -> bytes:
    """Selector and ABI-encoded arguments of a call."""
    selector = bytes(keccak(text=f"{method}({','.join(kinds)})"))[:4]
    return selector + encode(kinds, values)


class Sender:
    """Sends the transactions of a deployment one after the other and waits for each."""

    def __init__(self, chain: Chain, account: LocalAccount, wait: float) -> None:
        self._chain = chain
        self._account = account
        self._wait = wait
        self._address = address_bytes(account.address)

    def create(self, name: str, kinds: Sequence[str], values: Sequence[Any]) -> TransactionOutcome:
        code = bytes.fromhex(artifacts.load(name).bytecode.removeprefix("0x"))
        return self.send(f"deploying {name}", None, code + encode(kinds, values))

    def call(
        self, what: str, to: bytes, method: str, kinds: Sequence[str], values: Sequence[Any]
    ) -> TransactionOutcome:
        return self.send(what, to, calldata(method, kinds, values))

    def next_contract(self) -> bytes:
        """The address that the next contract created by this account will have."""
        # with all of web3, only where something is deployed
        from web3.types import Nonce  # noqa: PLC0415
        from web3.utils import get_create_address  # noqa: PLC0415

        nonce = Nonce(self._chain.nonce(self._address))
        return address_bytes(get_create_address(self._account.address, nonce))

    def send(self, what: str, to: bytes | None, data: bytes) -> TransactionOutcome:
        """One transaction, mined; raises :class:`DeploymentError`, from the revert where there is one."""
        chain = self._chain
        try:
            gas = chain.estimate_gas(self._address, to, data)
        except CallReverted as problem:
            raise DeploymentError(f"{what}: {explain(problem.data)}") from problem
        transaction: dict[str, Any] = {
            "chainId": chain.chain_id,
            "nonce": chain.nonce(self._address),
            "gas": int(gas * GAS_MARGIN),
            "value": 0,
            "data": data,
            **chain.fees(),
        }
        if to is not None:
            transaction["to"] = to_checksum_address(to)
        raw = bytes(self._account.sign_transaction(transaction).raw_transaction)
        sent = chain.send_raw(raw)
        until = time.monotonic() + self._wait
        pause = 0.005
        while (outcome := chain.outcome(sent)) is None:
            if time.monotonic() > until:
                raise DeploymentError(
                    f"{what}: transaction 0x{sent.hex()} is in no block after "
                    f"{self._wait:.0f} s; check that {chain.name} makes blocks and that "
                    f"{self._account.address} can pay gas, then begin the deployment anew"
                )
            time.sleep(pause)
            pause = min(pause * 2, 1.0)
        if not outcome.succeeded:
            raise DeploymentError(
                f"{what}: transaction 0x{sent.hex()} failed; check with 'govledger chain status' "
                "that the chain is at the Cancun level, then begin the deployment anew"
            )
        return outcome


def deploy(
    chain: Chain,
    sender: LocalAccount,
    genesis_authority: str,
    admin: str,
    admin_delay: int,
    *,
    registries: Sequence[str] = REGISTRIES,
    wait: float = WAIT,
    progress: Callable[[str], None] | None = None,
) -> Deployment:
    """Deploy a log with its ``registries``, and hand its administration over.

    ``sender`` pays and administers only until the end; then ``admin`` does, with ``admin_delay``
    seconds between announcing and doing. ``wait`` is the longest time for one transaction, in
    seconds. Nothing is written to disk: save the result. Raises :class:`DeploymentError` or another
    ChainError; then begin anew.
    """
    if chain.chain_id == 0:
        raise DeploymentError(
            f"{chain.name} has the chain id 0, so that signatures would hold on other chains too: set "
            "one in the node's configuration (FISCO BCOS: web3_chain_id)"
        )
    if not runs_cancun(chain):
        raise DeploymentError(
            f"{chain.name} is not at the Cancun level, which the contracts need: use a newer node "
            "(Besu, geth 1.13 or later), on FISCO BCOS switch its Cancun feature on"
        )
    say = progress or (lambda _: None)
    send = Sender(chain, sender, wait)

    def create(name: str, kinds: Sequence[str], values: Sequence[Any]) -> tuple[str, int]:
        say(name)
        address = send.next_contract()
        outcome = send.create(name, kinds, values)
        return str(to_checksum_address(address)), outcome.block_number

    manager, _ = create("AccessManager", ["address"], [sender.address])
    log, deploy_block = create(
        "GovernanceLog", ["address", "address"], [manager, genesis_authority]
    )
    places = {name: create(name, ["address"], [log])[0] for name in registries}
    for contract, place in places.items():
        for kind in kinds_of(contract):
            send.call(
                f"admitting {contract} for {kind}",
                address_bytes(log),
                "admit",
                ["bytes32", "address"],
                [kind_word(kind), place],
            )
    say("administration")
    _hand_over(send, address_bytes(manager), sender.address, admin, admin_delay)
    (block,) = chain.blocks([deploy_block])
    deployment = Deployment(
        chain_id=chain.chain_id,
        log=log,
        registries=places,
        access_manager=manager,
        genesis_authority=str(to_checksum_address(genesis_authority)),
        admin=str(to_checksum_address(admin)),
        admin_delay=admin_delay,
        deploy_block=deploy_block,
        deploy_block_hash="0x" + block.hash.hex(),
    )
    deployment.verify_code(chain)
    return deployment


def _hand_over(send: Sender, manager: bytes, sender: str, admin: str, delay: int) -> None:
    """Make ``admin`` the only administrator, with the delay."""
    send.call(
        "handing the administration over",
        manager,
        "grantRole",
        ["uint64", "address", "uint32"],
        [ADMIN_ROLE, to_checksum_address(admin), delay],
    )
    if address_bytes(admin) != address_bytes(sender):
        send.call(
            "giving up the administration",
            manager,
            "renounceRole",
            ["uint64", "address"],
            [ADMIN_ROLE, sender],
        )

"""Putting the contracts of a log on a chain, and handing their administration over."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from eth_abi.abi import encode
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak

from ledger.chain import artifacts
from ledger.chain.cancun import runs_cancun
from ledger.chain.deployment import REGISTRIES, Deployment, DeploymentError
from ledger.chain.errors import explain
from ledger.chain.interface import CallReverted, Chain, TransactionOutcome
from ledger.statements import STRUCTS, address_bytes, kind_word

if TYPE_CHECKING:
    from eth_account.signers.local import LocalAccount

ADMIN_ROLE = 0
"""OpenZeppelin AccessManager's role that may do every restricted act."""
WAIT = 120.0
"""Longest time for one transaction, in seconds."""
GAS_MARGIN = 1.25


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
    say("administration")
    admit(
        send,
        address_bytes(manager),
        log,
        [(kind_word(kind), place) for name, place in places.items() for kind in kinds_of(name)],
    )
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


ADMISSION = ("bytes32", "address")
"""What the log's ``admit`` and ``admitted`` are asked about: a kind's word, and a registry."""


def admit(send: Sender, manager: bytes, log: str, admissions: Sequence[tuple[bytes, str]]) -> None:
    """Let registries write kinds, all in one transaction of the administration, which must need no delay."""
    acts = [
        calldata("execute", ["address", "bytes"], [log, calldata("admit", ADMISSION, each)])
        for each in admissions
    ]
    send.call("admitting the registries", manager, "multicall", ["bytes[]"], [acts])


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

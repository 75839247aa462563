"""The administration of a log (账本管理): OpenZeppelin's AccessManager, asked and told.

An act of the administration is announced and done when its delay has passed (``schedule``, then
``execute``); without a delay it is done at once. All acts of one kind go into one transaction.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak

from ledger.chain.answers import decoded
from ledger.chain.deploying import ADMIN_ROLE, Sender, calldata
from ledger.chain.deployment import Deployment, DeploymentError
from ledger.chain.interface import CallReverted, Chain
from ledger.statements import address_bytes

if TYPE_CHECKING:
    from eth_account.signers.local import LocalAccount

NOT_READY = bytes(keccak(text="AccessManagerNotReady(bytes32)"))[:4]
EXPIRED = bytes(keccak(text="AccessManagerExpired(bytes32)"))[:4]
"""An announced act is forgotten a week after it was ripe."""


class Act(NamedTuple):
    """A call that only the administration may make; ``to`` is an address in hex."""

    to: str
    data: bytes


class AdminCall(msgspec.Struct, frozen=True):
    """A transaction that the log's administration has to make; ``data`` is hex text with 0x.

    ``step`` is ``schedule``, which announces, or ``execute``, which does what was announced.
    """

    step: str
    sender: str
    to: str
    data: str


@dataclass(frozen=True)
class Administration:
    """The access manager of ``deployment``; ``say`` is told of every step."""

    chain: Chain
    deployment: Deployment
    wait: float
    say: Callable[[str], None]

    @property
    def _manager(self) -> bytes:
        return address_bytes(self.deployment.access_manager)

    def ask(
        self, to: bytes, method: str, answer: list[str], *arguments: tuple[str, object]
    ) -> tuple[Any, ...]:
        """One question to a contract, its arguments given as (type, value)."""
        kinds, values = [kind for kind, _ in arguments], [value for _, value in arguments]
        return decoded(self.chain, answer, self.chain.call(to, calldata(method, kinds, values)))

    def delay_of(self, admin: str) -> int:
        """Seconds between announcing and doing; raises where ``admin`` does not administer the log."""
        member, delay = self.ask(
            self._manager,
            "hasRole",
            ["bool", "uint32"],
            ("uint64", ADMIN_ROLE),
            ("address", to_checksum_address(admin)),
        )
        if not member:
            raise DeploymentError(
                f"the key {admin} does not administer the log at {self.deployment.log} (when it was "
                f"deployed {self.deployment.admin} did): use the administration's key"
            )
        return int(delay)

    def perform(
        self, acts: Sequence[Act], account: LocalAccount | None
    ) -> tuple[int | None, AdminCall | None]:
        """Announce what is not announced and do what is ripe; returns when the rest is ripe.

        All acts are done in one transaction, or none. Without the key, what the administration has to do is
        returned beside it.
        """
        admin = self.deployment.admin if account is None else account.address
        if self.delay_of(admin):
            unannounced = [act for act in acts if not self._ripe_at(admin, act)]
            if unannounced:
                self.say("schedule")
                call = self._call("schedule", admin, unannounced)
                if account is None:
                    return None, call
                self._send(call, account)
        self.say("execute")
        call = self._call("execute", admin, acts)
        ripe_at = max(self._ripe_at(admin, act) for act in acts) or None
        if account is None:
            return ripe_at, call
        try:
            self._send(call, account)
        except DeploymentError as problem:
            refusal = _refusal(problem)
            if refusal == EXPIRED:
                self._send(self._call("schedule", admin, acts), account)
                return max(self._ripe_at(admin, act) for act in acts), None
            if refusal == NOT_READY:
                return ripe_at, None
            raise
        return None, None

    def _ripe_at(self, admin: str, act: Act) -> int:
        """When an announced act may be done, Unix seconds; 0 where it is not announced, or expired."""
        (operation,) = self.ask(
            self._manager,
            "hashOperation",
            ["bytes32"],
            ("address", admin),
            ("address", act.to),
            ("bytes", act.data),
        )
        (when,) = self.ask(self._manager, "getSchedule", ["uint48"], ("bytes32", operation))
        return int(when)

    def _call(self, step: str, admin: str, acts: Sequence[Act]) -> AdminCall:
        """All acts as one call of the access manager."""
        if step == "schedule":
            kinds = ["address", "bytes", "uint48"]
            calls = [calldata(step, kinds, [act.to, act.data, 0]) for act in acts]
        else:
            calls = [calldata(step, ["address", "bytes"], [act.to, act.data]) for act in acts]
        data = calldata("multicall", ["bytes[]"], [calls])
        return AdminCall(step, admin, self.deployment.access_manager, "0x" + data.hex())

    def _send(self, call: AdminCall, account: LocalAccount) -> None:
        send = Sender(self.chain, account, self.wait)
        send.send(
            f"{call.step} of the administration's acts",
            address_bytes(call.to),
            bytes.fromhex(call.data[2:]),
        )


def _refusal(problem: DeploymentError) -> bytes:
    """The selector of the error with which a contract refused, empty where none did."""
    cause = problem.__cause__
    return cause.data[:4] if isinstance(cause, CallReverted) else b""

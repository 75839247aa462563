"""Registries that a log has not got yet, because an earlier version deployed it.

They are deployed by whoever pays, and admitted by the log's administration, which announces every act and
does it when its delay has passed (OpenZeppelin AccessManager: ``schedule``, then ``execute``). What is
deployed and not admitted yet stands in ``upgrade.json`` in the data directory; an upgrade that was broken
off goes on from there, and so does the second run that executes what the first announced. A registry that
somebody else brought into the log already is taken over as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
from eth_abi.abi import decode
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak

from ledger.chain import artifacts
from ledger.chain.deployment import (
    ADMIN_ROLE,
    WAIT,
    Deployment,
    DeploymentError,
    Sender,
    calldata,
    kinds_of,
    write_document,
)
from ledger.chain.interface import CallReverted, Chain
from ledger.statements import address_bytes, kind_word

if TYPE_CHECKING:
    from eth_account.signers.local import LocalAccount

FILE_NAME = "upgrade.json"
ADMITTED = bytes(keccak(text="Admitted(bytes32,address)"))
NOT_READY = bytes(keccak(text="AccessManagerNotReady(bytes32)"))[:4]
EXPIRED = bytes(keccak(text="AccessManagerExpired(bytes32)"))[:4]
"""An announced act is forgotten a week after it was ripe."""


class Begun(msgspec.Struct, frozen=True):
    """``upgrade.json``: registries that are deployed for a log, and not admitted to it yet."""

    chain_id: int
    log: str
    registries: dict[str, str]


class AdminCall(msgspec.Struct, frozen=True):
    """A transaction that the log's administration has to make; ``data`` is hex text with 0x.

    ``step`` is ``schedule``, which announces, or ``execute``, which does what was announced.
    """

    step: str
    sender: str
    to: str
    data: str


class Upgrade(msgspec.Struct, frozen=True):
    """What became of an upgrade: the deployment as it is now, and what it waits for.

    ``added`` are the registries that this run brought into the deployment, ``waiting`` those that are
    deployed and not admitted. ``ripe_at`` (Unix seconds) is when the last announced act may be done,
    ``call`` what the administration must do itself where its key is not here.
    """

    deployment: Deployment
    added: tuple[str, ...]
    waiting: tuple[str, ...] = ()
    ripe_at: int | None = None
    call: AdminCall | None = None


def upgrade(
    chain: Chain,
    deployment: Deployment,
    data_dir: Path,
    sender: LocalAccount,
    admin: LocalAccount | None,
    *,
    wait: float = WAIT,
    progress: Callable[[str], None] | None = None,
) -> Upgrade:
    """Bring the log up to this version as far as that is possible now; run it again for the rest.

    ``sender`` pays for new contracts; ``admin`` is the administration's key, None where it is
    elsewhere. ``deployment.json`` is rewritten once every new registry is admitted. Raises
    :class:`~ledger.chain.deployment.DeploymentError` or another ChainError; then run it again.
    """
    deployment.check(chain)
    deployment.verify_code(chain)
    work = _Work(chain, deployment, data_dir, wait, progress or (lambda _: None))
    places = work.found()
    if admin is not None and len(places) < len(deployment.missing):
        # before anybody pays for contracts that would never be admitted
        work.delay_of(admin.address)
    places |= work.deployed(sender, [name for name in deployment.missing if name not in places])
    acts = [act for name, place in places.items() for act in work.acts(name, place)]
    ripe_at, call = work.admit(acts, admin) if acts else (None, None)
    waiting = tuple(name for name, place in places.items() if any(work.acts(name, place)))
    if waiting:
        return Upgrade(deployment, (), waiting, ripe_at, call)
    grown = deployment.with_registries(places)
    grown.verify_code(chain)
    grown.save(data_dir)
    (data_dir / FILE_NAME).unlink(missing_ok=True)
    return Upgrade(grown, tuple(places))


@dataclass(frozen=True)
class _Work:
    """What an upgrade asks of the chain, and tells it."""

    chain: Chain
    deployment: Deployment
    data_dir: Path
    wait: float
    say: Callable[[str], None]

    @property
    def _manager(self) -> bytes:
        return address_bytes(self.deployment.access_manager)

    def _ask(
        self, to: bytes, method: str, answer: list[str], *arguments: tuple[str, object]
    ) -> tuple[Any, ...]:
        """One question to a contract, its arguments given as (type, value)."""
        kinds, values = [kind for kind, _ in arguments], [value for _, value in arguments]
        return decode(answer, self.chain.call(to, calldata(method, kinds, values)))

    def found(self) -> dict[str, str]:
        """The missing registries that the log has admitted already, whoever deployed them.

        All kinds of a registry must be admitted, and its code must be ours; of several the newest is
        taken.
        """
        missing = self.deployment.missing
        if not missing:
            return {}
        self.say("Admitted")
        seen: dict[bytes, list[bytes]] = {}
        for kind, place in self._admissions():
            seen.setdefault(kind, []).append(place)
        found = {}
        for name in missing:
            words = [kind_word(kind) for kind in kinds_of(name)]
            for place in reversed(seen.get(words[0], [])):
                address = str(to_checksum_address(place))
                if self._is(name, address) and not any(self.acts(name, address)):
                    found[name] = address
                    break
        return found

    def _admissions(self) -> Iterator[tuple[bytes, bytes]]:
        """Kind and registry of every admission that the log ever told of, oldest first."""
        first, last = self.deployment.deploy_block, self.chain.head().number
        log, width = self.deployment.log_address, self.chain.max_log_range
        while first <= last:
            until = min(first + width - 1, last)
            for event in self.chain.logs(log, first, until, [ADMITTED]):
                yield event.topics[1], event.topics[2][12:]
            first = until + 1

    def deployed(self, sender: LocalAccount, names: list[str]) -> dict[str, str]:
        """Where these registries stand; those that do not yet are deployed, and remembered."""
        begun = {name: place for name, place in self._begun().items() if self._is(name, place)}
        send = Sender(self.chain, sender, self.wait)
        places = {}
        for name in names:
            self.say(name)
            place = begun.get(name)
            if place is None:
                place = str(to_checksum_address(send.next_contract()))
                send.create(name, ["address"], [self.deployment.log])
                begun[name] = place
                self._remember(begun)
            places[name] = place
        return places

    def _begun(self) -> Mapping[str, str]:
        place = self.data_dir / FILE_NAME
        try:
            begun = msgspec.json.decode(place.read_bytes(), type=Begun)
        except (FileNotFoundError, msgspec.DecodeError):
            # At worst contracts are deployed a second time, to which nothing refers.
            return {}
        mine = (self.deployment.chain_id, self.deployment.log)
        return begun.registries if (begun.chain_id, begun.log) == mine else {}

    def _remember(self, registries: dict[str, str]) -> None:
        begun = Begun(self.deployment.chain_id, self.deployment.log, registries)
        write_document(self.data_dir / FILE_NAME, begun)

    def _is(self, name: str, place: str) -> bool:
        """Whether the contract there is this registry, of this log."""
        if not artifacts.load(name).matches(self.chain.code(address_bytes(place))):
            return False
        (log,) = self._ask(address_bytes(place), "log", ["address"])
        return address_bytes(log) == self.deployment.log_address

    def acts(self, name: str, place: str) -> Iterator[bytes]:
        """The calls of the log that still have to be made, so that the registry may write its kinds."""
        for kind in kinds_of(name):
            arguments = (("bytes32", kind_word(kind)), ("address", place))
            (admitted,) = self._ask(self.deployment.log_address, "admitted", ["bool"], *arguments)
            if not admitted:
                yield calldata("admit", ["bytes32", "address"], [kind_word(kind), place])

    def delay_of(self, admin: str) -> int:
        """Seconds between announcing and doing; raises where ``admin`` does not administer the log."""
        member, delay = self._ask(
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

    def admit(
        self, acts: list[bytes], account: LocalAccount | None
    ) -> tuple[int | None, AdminCall | None]:
        """Announce what is not announced and do what is ripe; returns when the rest is ripe.

        Without the key, what the administration has to do is returned beside it.
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

    def _ripe_at(self, admin: str, act: bytes) -> int:
        """When an announced act may be done, Unix seconds; 0 where it is not announced, or expired."""
        log = self.deployment.log
        (operation,) = self._ask(
            self._manager,
            "hashOperation",
            ["bytes32"],
            ("address", admin),
            ("address", log),
            ("bytes", act),
        )
        (when,) = self._ask(self._manager, "getSchedule", ["uint48"], ("bytes32", operation))
        return int(when)

    def _call(self, step: str, admin: str, acts: list[bytes]) -> AdminCall:
        """All acts as one call of the access manager."""
        log = self.deployment.log
        if step == "schedule":
            kinds = ["address", "bytes", "uint48"]
            calls = [calldata(step, kinds, [log, act, 0]) for act in acts]
        else:
            calls = [calldata(step, ["address", "bytes"], [log, act]) for act in acts]
        data = calldata("multicall", ["bytes[]"], [calls])
        return AdminCall(step, admin, self.deployment.access_manager, "0x" + data.hex())

    def _send(self, call: AdminCall, account: LocalAccount) -> None:
        send = Sender(self.chain, account, self.wait)
        send.send(
            f"{call.step} of admissions", address_bytes(call.to), bytes.fromhex(call.data[2:])
        )


def _refusal(problem: DeploymentError) -> bytes:
    """The selector of the error with which a contract refused, empty where none did."""
    cause = problem.__cause__
    return cause.data[:4] if isinstance(cause, CallReverted) else b""

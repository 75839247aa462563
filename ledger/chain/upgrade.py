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
from typing import TYPE_CHECKING

import msgspec
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak

from ledger.chain import artifacts
from ledger.chain.administration import Act, AdminCall, Administration
from ledger.chain.deploying import WAIT, Sender, calldata, kinds_of
from ledger.chain.deployment import Deployment, write_document
from ledger.chain.interface import Chain
from ledger.statements import address_bytes, kind_word

if TYPE_CHECKING:
    from eth_account.signers.local import LocalAccount

FILE_NAME = "upgrade.json"
ADMITTED = bytes(keccak(text="Admitted(bytes32,address)"))


class Begun(msgspec.Struct, frozen=True):
    """``upgrade.json``: registries that are deployed for a log, and not admitted to it yet."""

    chain_id: int
    log: str
    registries: dict[str, str]


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
        work.administration.delay_of(admin.address)
    places |= work.deployed(sender, [name for name in deployment.missing if name not in places])
    acts = [
        Act(deployment.log, act) for name, place in places.items() for act in work.acts(name, place)
    ]
    ripe_at, call = work.administration.perform(acts, admin) if acts else (None, None)
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
    def administration(self) -> Administration:
        """Who admits registries to the log."""
        return Administration(self.chain, self.deployment, self.wait, self.say)

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
        (log,) = self.administration.ask(address_bytes(place), "log", ["address"])
        return address_bytes(log) == self.deployment.log_address

    def acts(self, name: str, place: str) -> Iterator[bytes]:
        """The calls of the log that still have to be made, so that the registry may write its kinds."""
        for kind in kinds_of(name):
            arguments = (("bytes32", kind_word(kind)), ("address", place))
            (admitted,) = self.administration.ask(
                self.deployment.log_address, "admitted", ["bool"], *arguments
            )
            if not admitted:
                yield calldata("admit", ["bytes32", "address"], [kind_word(kind), place])

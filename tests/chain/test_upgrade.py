"""A log that an earlier version deployed gets the registries of this one, when its administration may."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest
from eth_account import Account
from eth_account.signers.local import LocalAccount

from ledger.chain import artifacts
from ledger.chain.deploying import Sender, calldata, deploy, kinds_of
from ledger.chain.deployment import (
    REGISTRIES,
    Deployment,
    DeploymentError,
    RegistryMissing,
    load_deployment,
)
from ledger.chain.embedded import EmbeddedChain
from ledger.chain.interface import TransactionOutcome
from ledger.chain.upgrade import FILE_NAME, Begun, Upgrade, upgrade
from ledger.statements import address_bytes, kind_word, sha256

EARLIER = ("Organisations", "Catalogue", "Quality")
LATER = tuple(name for name in REGISTRIES if name not in EARLIER)
START = 1_760_000_000
DELAY = 3600
WEEK = 7 * 86_400
PAYER, ADMIN, OUTSIDER = (Account.from_key("0x" + digit * 64) for digit in "123")


class Office:
    """A chain with a log of the first version, its data directory, and a clock that a test moves."""

    def __init__(self, place: Path) -> None:
        self.now = START
        self.place = place
        self.chain = EmbeddedChain.open(
            place / "chain.db", 26476, create=True, clock=lambda: self.now
        )

    def begin(self, delay: int) -> Deployment:
        found = deploy(self.chain, PAYER, PAYER.address, ADMIN.address, delay, registries=EARLIER)
        found.save(self.place)
        return found

    @property
    def deployment(self) -> Deployment:
        return load_deployment(self.place)

    def upgrade(self, admin: LocalAccount | None = ADMIN, place: Path | None = None) -> Upgrade:
        data_dir = place or self.place
        return upgrade(self.chain, load_deployment(data_dir), data_dir, PAYER, admin)

    def admits(self, name: str, place: str) -> bool:
        log = self.deployment.log_address
        return all(
            int.from_bytes(
                self.chain.call(
                    log,
                    calldata("admitted", ["bytes32", "address"], [kind_word(kind), place]),
                )
            )
            for kind in kinds_of(name)
        )


def ripe_at(found: Upgrade) -> int:
    """When what was announced may be done."""
    assert found.ripe_at is not None
    return found.ripe_at


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    opened = Office(tmp_path)
    opened.begin(DELAY)
    yield opened
    opened.chain.close()


@pytest.fixture
def hasty(tmp_path: Path) -> Iterator[Office]:
    """An administration without a delay."""
    opened = Office(tmp_path)
    opened.begin(0)
    yield opened
    opened.chain.close()


def test_there_is_something_to_upgrade(office: Office) -> None:
    assert office.deployment.missing == LATER
    assert {"Obligations", "Deliveries", "Audits"} <= set(LATER)


def test_the_administration_announces_waits_and_executes(office: Office) -> None:
    before = office.deployment
    first = office.upgrade()
    assert (first.added, first.waiting, first.call) == ((), LATER, None)
    ripe = ripe_at(first)
    # Blocks that come faster than the clock ticks run ahead of it by seconds.
    assert START + DELAY <= ripe < START + DELAY + 60
    assert office.deployment == before, "nothing is in use before it is admitted"

    office.now = ripe - 1
    early = office.upgrade()
    assert (early.waiting, early.ripe_at) == (LATER, ripe)
    assert office.deployment == before

    office.now = ripe
    done = office.upgrade()
    assert set(done.added) == set(LATER)
    assert office.deployment == done.deployment
    assert tuple(done.deployment.registries) == REGISTRIES
    assert not (office.place / FILE_NAME).exists()
    for name in LATER:
        assert office.admits(name, done.deployment.registries[name])
    done.deployment.verify_code(office.chain)
    assert msgspec.structs.replace(done.deployment, registries=before.registries) == before


def test_without_a_delay_it_is_done_at_once_and_only_once(hasty: Office) -> None:
    done = hasty.upgrade()
    assert set(done.added) == set(LATER)
    head = hasty.chain.head()
    again = hasty.upgrade()
    assert (again.added, again.waiting) == ((), ())
    assert hasty.chain.head() == head, "nothing is sent where nothing is missing"


def test_an_announcement_that_expired_is_made_again(office: Office) -> None:
    office.now = ripe_at(office.upgrade()) + WEEK
    late = office.upgrade()
    assert late.waiting == LATER
    assert ripe_at(late) == office.now + DELAY
    office.now = ripe_at(late)
    assert set(office.upgrade().added) == set(LATER)


def test_a_key_that_does_not_administer_costs_nobody_anything(office: Office) -> None:
    head = office.chain.head()
    with pytest.raises(DeploymentError, match="does not administer the log"):
        office.upgrade(OUTSIDER)
    assert office.chain.head() == head
    assert not (office.place / FILE_NAME).exists()


def test_an_administration_elsewhere_is_told_what_to_send(office: Office) -> None:
    send = Sender(office.chain, ADMIN, 5)
    for step in ("schedule", "execute"):
        told = office.upgrade(None)
        assert told.waiting == LATER
        assert (told.ripe_at is None) == (step == "schedule")
        office.now = told.ripe_at or office.now
        call = told.call
        assert call is not None
        assert (call.step, call.sender) == (step, ADMIN.address)
        assert call.to == office.deployment.access_manager
        send.send(step, address_bytes(call.to), bytes.fromhex(call.data[2:]))
    assert set(office.upgrade(None).added) == set(LATER)


def test_another_office_of_the_same_log_takes_over_what_is_there(
    hasty: Office, tmp_path: Path
) -> None:
    other = tmp_path / "other"
    hasty.deployment.save(other)
    done = hasty.upgrade()
    head = hasty.chain.head()
    assert set(hasty.upgrade(None, other).added) == set(LATER)
    assert load_deployment(other) == done.deployment
    assert hasty.chain.head() == head


def test_an_upgrade_that_breaks_off_goes_on_with_what_is_deployed(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    created: list[str] = []
    whole: Callable[..., TransactionOutcome] = Sender.create

    def breaks(self: Sender, name: str, *arguments: object) -> TransactionOutcome:
        if len(created) == 2:
            raise DeploymentError("the machine stopped")
        created.append(name)
        return whole(self, name, *arguments)

    monkeypatch.setattr(Sender, "create", breaks)
    with pytest.raises(DeploymentError, match="the machine stopped"):
        office.upgrade()
    begun = msgspec.json.decode((office.place / FILE_NAME).read_bytes(), type=Begun)
    assert list(begun.registries) == created == list(LATER[:2])
    assert office.deployment.missing == LATER

    monkeypatch.undo()
    office.now = ripe_at(office.upgrade())
    done = office.upgrade()
    assert {name: done.deployment.registries[name] for name in LATER[:2]} == begun.registries


@pytest.mark.parametrize("text", ["", "{", '{"chain_id": 1, "log": "0x00", "registries": {}}'])
def test_what_is_remembered_of_another_log_or_damaged_counts_for_nothing(
    hasty: Office, text: str
) -> None:
    (hasty.place / FILE_NAME).write_text(text)
    assert set(hasty.upgrade().added) == set(LATER)


def test_a_contract_that_is_another_is_not_taken_for_a_registry(hasty: Office) -> None:
    catalogue = hasty.deployment.registries["Catalogue"]
    begun = Begun(26476, hasty.deployment.log, dict.fromkeys(LATER, catalogue))
    (hasty.place / FILE_NAME).write_bytes(msgspec.json.encode(begun))
    done = hasty.upgrade()
    assert catalogue not in {done.deployment.registries[name] for name in LATER}


def test_a_registry_of_another_log_is_not_taken_over(hasty: Office) -> None:
    other = deploy(hasty.chain, PAYER, PAYER.address, ADMIN.address, 0)
    send = Sender(hasty.chain, ADMIN, 5)
    foreign = other.registries["Audits"]
    act = calldata("admit", ["bytes32", "address"], [kind_word(kinds_of("Audits")[0]), foreign])
    manager, log = address_bytes(hasty.deployment.access_manager), hasty.deployment.log
    send.call("admit", manager, "execute", ["address", "bytes"], [log, act])
    done = hasty.upgrade()
    assert done.deployment.registries["Audits"] != foreign


def test_a_missing_registry_is_named_with_the_way_out(office: Office) -> None:
    with pytest.raises(RegistryMissing, match=r"no registry Deliveries.*govledger chain upgrade"):
        office.deployment.domain("Deliveries")
    with pytest.raises(DeploymentError, match="no registry Nothing; it has"):
        office.deployment.registry("Nothing")


def test_deployment_json_grows_and_nothing_in_it_moves(office: Office) -> None:
    before = office.deployment
    grown = before.with_registries({"Audits": ADMIN.address})
    grown.save(office.place)
    assert office.deployment == grown
    with pytest.raises(DeploymentError, match="another log already"):
        before.save(office.place)
    moved = msgspec.structs.replace(
        grown, registries={**grown.registries, "Quality": ADMIN.address}
    )
    with pytest.raises(DeploymentError, match="another log already"):
        moved.save(office.place)
    with pytest.raises(ValueError, match="Audits: known already"):
        grown.with_registries({"Audits": ADMIN.address})


def test_a_registry_of_a_later_version_asks_for_that_version(office: Office) -> None:
    place = office.place / "deployment.json"
    value = json.loads(place.read_text())
    value["registries"]["Later"] = value["registries"]["Quality"]
    place.write_text(json.dumps(value))
    with pytest.raises(DeploymentError, match="knows no registry Later"):
        office.deployment.verify_code(office.chain)


def test_the_code_of_the_first_registries_is_still_what_earlier_versions_deployed() -> None:
    """A ledger that runs today is compared with these artifacts: another compiler, another order of
    functions or another constant in what they inherit would make its code look forged.
    """
    digests = {
        name: sha256(bytes.fromhex(artifacts.load(name).deployed_bytecode[2:])).hex()[:16]
        for name in ("AccessManager", "GovernanceLog", *EARLIER)
    }
    assert digests == {
        "AccessManager": "c054b017a55b0cf5",
        "GovernanceLog": "69b7666ee5494540",
        "Organisations": "0b13a4314cede1d3",
        "Catalogue": "e1fa0c53088a25dc",
        "Quality": "4b879a01fece923d",
    }

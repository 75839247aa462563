"""A data directory of an earlier version: everything goes on, and what is missing says how to get it."""

from __future__ import annotations

import functools
import json
import time
from pathlib import Path

import pytest

from ledger.chain.deploying import deploy
from ledger.chain.deployment import REGISTRIES, load_deployment
from ledger.office import Office
from tests.person import Person
from tests.small_office import PUBLISHED, build, entry, file_entry

UNAVAILABLE = 6
DELAY = 3600
EARLIER = ("Organisations", "Catalogue", "Quality")
MOUNT = (
    *("deliver", "mount", "school-table", "--entry", PUBLISHED, "--name", "学校表"),
    *("--key", "education-steward"),
)


@pytest.fixture(scope="module")
def built_earlier(tmp_path_factory: pytest.TempPathFactory) -> Person:
    """The small ledger as the first version deployed it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("ledger.cli.setup.deploy", functools.partial(deploy, registries=EARLIER))
        place = tmp_path_factory.mktemp("earlier") / "ledger"
        return build(Person(place), "--admin-delay", DELAY)


@pytest.fixture
def earlier(built_earlier: Person, tmp_path: Path) -> Person:
    return built_earlier.copy(tmp_path / "ledger")


def test_an_earlier_ledger_works_as_before_and_names_what_it_lacks(earlier: Person) -> None:
    file_entry(earlier, entry("318001/000002"))
    assert earlier.run("mirror", "verify", "--json").json()["findings"] == []
    status = earlier.run("chain", "status")
    assert "lacks Obligations" in status.err
    assert "govledger chain upgrade" in status.err
    refused = earlier.run(*MOUNT, expect=UNAVAILABLE)
    assert "no registry Deliveries" in refused.err
    assert "govledger chain upgrade" in refused.err
    earlier.language = "zh"
    refused = earlier.run(*MOUNT, expect=UNAVAILABLE)
    assert "该账本没有登记合约 Deliveries" in refused.err
    assert "请运行 `govledger chain upgrade`" in refused.err


def test_an_upgrade_is_announced_waited_for_and_done(
    earlier: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = earlier.run("chain", "upgrade")
    assert "deployed, not admitted yet: Obligations, Deliveries, Audits" in told.out
    assert "+08:00" in told.out
    assert "run `govledger chain upgrade` again then" in told.out
    assert load_deployment(earlier.data_dir).missing
    waits = earlier.run("chain", "upgrade", "--json").json()
    assert waits["registries"] == list(EARLIER)
    assert waits["ripe_at"] >= time.time() + DELAY - 60
    clock = Office.__init__.__kwdefaults__
    monkeypatch.setitem(clock, "clock", lambda: waits["ripe_at"])

    done = earlier.run("chain", "upgrade")
    assert "✓ registries added: Obligations, Deliveries, Audits" in done.out
    assert tuple(load_deployment(earlier.data_dir).registries) == REGISTRIES
    assert "upgrade" not in earlier.run("chain", "status").err
    earlier.run(*MOUNT)
    assert earlier.run("mirror", "verify", "--json").json()["findings"] == []
    again = earlier.run("chain", "upgrade")
    assert "has every registry" in again.out


def test_who_has_no_key_of_the_administration_is_told_what_to_send(earlier: Person) -> None:
    (key,) = [
        file
        for file in (earlier.data_dir / "keys").glob("*.json")
        if file.stem == "admin" or json.loads(file.read_text()).get("name") == "admin"
    ]
    key.unlink()
    told = earlier.run("chain", "upgrade", "--json").json()
    deployment = load_deployment(earlier.data_dir)
    assert told["added"] == []
    assert told["call"]["step"] == "schedule"
    assert told["call"]["sender"] == deployment.admin
    assert told["call"]["to"] == deployment.access_manager
    earlier.language = "zh"
    shown = earlier.run("chain", "upgrade").out
    assert f"管理方 {deployment.admin} 须发送以下交易" in shown
    assert told["call"]["data"] in shown


def test_another_key_does_not_administer(earlier: Person) -> None:
    refused = earlier.run("chain", "upgrade", "--key", "authority", expect=UNAVAILABLE)
    assert "does not administer the log" in refused.err
    assert not (earlier.data_dir / "upgrade.json").exists()


def test_an_upgrade_does_not_run_beside_a_server(earlier: Person) -> None:
    with earlier.running("serve", "--port", "0"):
        refused = earlier.run("chain", "upgrade", expect=UNAVAILABLE)
    assert "another process is at work" in refused.err
    assert load_deployment(earlier.data_dir).missing

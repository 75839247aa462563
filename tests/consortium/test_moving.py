"""A ledger moves from its embedded chain to the consortium, and its whole history is proven there."""

from __future__ import annotations

import json
import signal
import time
from pathlib import Path

import pytest

from ledger.chain.deployment import load_deployment
from ledger.chain.keystore import Keystore
from scripts.engine.network import Network
from tests.consortium.mirrors import everything_in
from tests.person import Person
from tests.small_office import PUBLISHED, build, entry, file_entry

pytestmark = pytest.mark.timeout(600)


def test_a_ledger_that_moves_to_the_consortium_is_proven_over_both_logs(
    validators: Network, tmp_path: Path
) -> None:
    """One long test, so that one process of a run in several starts one validators."""
    person = build(Person(tmp_path / "one" / "ledger"), "--admin-delay", 0)
    report = person.place / "report.json"
    person.run("audit", "publish", "--key", "auditor", "-o", report)
    old = json.loads(person.run("log", "checkpoint").out)
    checkpoint = person.place / "old-checkpoint.json"
    checkpoint.write_text(json.dumps(old), "utf-8")
    other = person.copy(tmp_path / "two" / "ledger")

    validators.fund(Keystore(person.data_dir / "keys").find("sender").address)
    is_moved_though_it_and_a_validator_are_killed(person, validators)

    told = person.run("mirror", "verify", "--since", checkpoint, "--json").json()
    assert told["findings"] == []
    assert told["size"] == old["size"] + 1
    assert told["counts"]["rules"] == told["counts"]["chain_leaves"] == old["size"] + 1
    assert load_deployment(person.data_dir).predecessors[0].size == old["size"]
    # what was anchored on the embedded chain is reproduced from the mirror of the new log
    person.run("audit", "verify", report)

    # the other department changes over through a node of its own, and only then goes on
    file = person.data_dir / "deployment.json"
    other.run("chain", "adopt", file, "--to", validators.url(3))
    file_entry(person, entry("318001/000002"))
    person.run("catalogue", "suspend", PUBLISHED, "--key", "authority", "--reason", "核对")
    proofs_lead_over_both_logs(person, old)
    person.run("mirror", "follow", "--once")
    other.run("mirror", "follow", "--once")
    first, second = (everything_in(one.data_dir / "mirror.db") for one in (person, other))
    assert first == second
    assert other.run("mirror", "verify", "--since", checkpoint, "--json").json()["findings"] == []


def is_moved_though_it_and_a_validator_are_killed(person: Person, validators: Network) -> None:
    moving = ("chain", "migrate", "--to", validators.url(1), "--yes")
    with person.started(*moving) as first:
        ends = time.monotonic() + 120
        while not (person.data_dir / "migration.json").exists():
            assert first.process.poll() is None, first.said.read_text("utf-8")
            assert time.monotonic() < ends
            time.sleep(0.1)
        first.end(signal.SIGKILL)
    assert load_deployment(person.data_dir).predecessors == ()
    validators.kill(2)
    with person.started(*moving) as again:
        time.sleep(2)
        validators.start(2)
        assert again.process.wait(300) == 0, again.said.read_text("utf-8")
    status = person.run("chain", "migrate", "--status", "--json").json()
    assert status["stage"] == "done"


def proofs_lead_over_both_logs(person: Person, old: dict[str, str]) -> None:
    """Statements from before, the opening, and one from after, against the newest head and the old root."""
    head = person.run("log", "checkpoint").json()
    was = int(old["size"])
    for index in (0, was - 1, was, was + 1):
        file = person.place / f"proof-{index}.json"
        person.run("log", "prove", index, "-o", file)
        told = person.run("log", "verify", file, "--root", head["root"], "--size", head["size"])
        assert ("carries on log" in told.out) == (index < was)
    told = person.run(
        *("log", "verify", person.place / "proof-0.json", "--root", old["root"], "--size", was)
    )
    assert "The root that you gave is that of log" in told.out
    grew = person.place / "grew.json"
    person.run("log", "prove", "--since", was, "-o", grew)
    person.run("log", "verify", grew, "--root", old["root"], "--size", was)

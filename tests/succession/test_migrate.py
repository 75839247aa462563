"""A ledger moves from the embedded chain to an anvil, and everything that was said stays said."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from eth_utils.crypto import keccak

from ledger.canonical import canonical_json
from ledger.chain.deploying import Sender, kinds_of
from ledger.chain.deployment import DeploymentError, load_deployment
from ledger.chain.embedded import EmbeddedChain
from ledger.chain.jsonrpc import JsonRpcChain
from ledger.chain.keystore import Keystore
from ledger.succession import changing
from ledger.succession.sealing import Sealing
from ledger.succession.sending import Carrier
from ledger.succession.target import Target
from tests.chain_nodes import anvil_node
from tests.person import Person
from tests.small_office import PUBLISHED, ROOT_ORGANISATION, entry, file_entry
from tests.succession.conftest import MUCH, ask, fund

UNAVAILABLE, NOT_PROVEN, USAGE, REFUSED = 6, 5, 2, 3
SIZE = 12
SUSPEND = ("catalogue", "suspend", PUBLISHED, "--key", "authority", "--reason", "核对")


def receipts_of(person: Person) -> list[tuple[str, int]]:
    """State and block of every receipt, in the order in which batches were handed in."""
    with closing(sqlite3.connect(person.data_dir / "desk.db")) as desk:
        question = "SELECT state, block_number FROM outbox_receipt ORDER BY sequence"
        return list(desk.execute(question))


def leaves(person: Person) -> list[dict[str, object]]:
    listed: list[dict[str, object]] = person.run("log", "list", "--first", 0, "--json").json()[
        "statements"
    ]
    return listed


def stage(person: Person) -> str:
    return str(person.run("chain", "migrate", "--status", "--json").json()["stage"])


def migrate(person: Person, url: str, *more: object, expect: int | None = 0) -> str:
    ran = person.run("chain", "migrate", "--to", url, "--yes", *more, expect=expect)
    return ran.out + ran.err


def test_every_statement_keeps_its_number_time_and_signer(settled: Person, moved: Person) -> None:
    assert leaves(moved)[:SIZE] == leaves(settled)
    assert leaves(moved)[SIZE]["kind"] == "log.opening"
    before, after = load_deployment(settled.data_dir), load_deployment(moved.data_dir)
    (sealed,) = after.predecessors
    assert (sealed.chain_id, sealed.log, sealed.size) == (before.chain_id, before.log, SIZE)
    assert sealed.registries == before.registries
    assert after.genesis_authority == before.genesis_authority
    assert stage(moved) == "done"


def test_the_whole_history_verifies_with_a_checkpoint_of_the_old_chain(moved: Person) -> None:
    kept = moved.place / "old-checkpoint.json"
    report = moved.run("mirror", "verify", "--since", kept, "--json").json()
    assert report["findings"] == []
    assert report["counts"]["rules"] == report["counts"]["chain_leaves"] == SIZE + 1
    assert report["counts"]["signatures"] >= SIZE
    old = json.loads(kept.read_text())
    kept_badly = moved.place / "bad-checkpoint.json"
    kept_badly.write_text(json.dumps(old | {"root": "0x" + "11" * 32}))
    moved.run("mirror", "verify", "--since", kept_badly, expect=NOT_PROVEN)
    beyond = moved.place / "beyond.json"
    beyond.write_text(json.dumps(old | {"size": SIZE + 1}))
    moved.run("mirror", "verify", "--since", beyond, expect=NOT_PROVEN)


def test_old_and_new_statements_are_proven_against_the_new_head(moved: Person) -> None:
    head = moved.run("log", "checkpoint").json()
    old = json.loads((moved.place / "old-checkpoint.json").read_text())
    for index in (0, 10, SIZE):
        file = moved.place / f"proof-{index}.json"
        moved.run("log", "prove", index, "-o", file)
        told = moved.run("log", "verify", file, "--root", head["root"], "--size", head["size"])
        assert ("carries on log" in told.out) == (index < SIZE)
    file = moved.place / "proof-10.json"
    told = moved.run("log", "verify", file, "--root", old["root"], "--size", SIZE)
    assert "The root that you gave is that of log" in told.out
    refused = moved.run("log", "prove", 10, "--size", SIZE, expect=None)
    assert refused.code != 0
    assert f"ask for a size of {SIZE + 1}" in refused.err
    grew = moved.place / "grew.json"
    moved.run("log", "prove", "--since", SIZE, "-o", grew)
    moved.run("log", "verify", grew, "--root", old["root"], "--size", SIZE)


def test_an_audit_of_the_old_log_is_reproduced_from_the_new_one(
    settled: Person, moved: Person
) -> None:
    person = settled.copy(moved.place / "before" / "ledger")
    kept = moved.place / "audit-of-before.json"
    person.run("audit", "completeness", "-o", kept)
    told = moved.run("audit", "verify", kept, "--json").json()
    assert told["ok"], told
    report = json.loads(kept.read_text())
    assert report["log"]["chain_id"] == load_deployment(settled.data_dir).chain_id
    # one of the new log, of a size that the old one never had, names the new one
    after = moved.place / "audit-of-after.json"
    moved.run("audit", "completeness", "-o", after)
    assert moved.run("audit", "verify", after, "--json").json()["ok"]
    for lie in ({"chain_id": 1}, {"address": "0x" + "11" * 20}):
        kept.write_text(canonical(report | {"log": report["log"] | lie}), "utf-8")
        told = moved.run("audit", "verify", kept, "--json", expect=NOT_PROVEN).json()
        (name,) = lie
        assert f"/log/{name}" in [one["pointer"] for one in told["differences"]]


def canonical(document: dict[str, object]) -> str:
    return canonical_json(document).decode()


def test_times_and_sizes_mean_what_they_meant(settled: Person, moved: Person) -> None:
    for one in leaves(settled)[3:6]:
        asked = ("org", "list", "--as-of", str(one["recorded_at"]), "--json")
        assert moved.run(*asked).json() == settled.run(*asked).json()
    asked = ("catalogue", "show", PUBLISHED, "--as-of", SIZE, "--json")
    assert moved.run(*asked).json() == settled.run(*asked).json()


def test_the_ledger_goes_on_where_it_was(moved: Person, tmp_path: Path) -> None:
    person = moved.copy(tmp_path / "ledger")
    url = str(person.run("chain", "status", "--json").json()["chain"])
    snapshot = ask(url, "evm_snapshot")
    try:
        file_entry(person, entry("318001/000002"))
        person.run(*SUSPEND)
        (version,) = [one["version"] for one in leaves(person)[-1:]]
        assert version == 3, "versions go on counting"
        assert person.run("mirror", "verify", "--json").json()["findings"] == []
    finally:
        # other tests read the same chain
        ask(url, "evm_revert", snapshot)


def test_the_old_chain_is_sealed_for_ever_and_still_checked(moved: Person, tmp_path: Path) -> None:
    before = load_deployment(moved.data_dir).predecessors[0]
    archive = next(moved.data_dir.glob("deployment-*.json"))
    place = tmp_path / "old"
    place.mkdir()
    shutil.copy(archive, place / "deployment.json")
    shutil.copy(moved.data_dir / "chain.db", place / "chain.db")
    old = load_deployment(place)
    chain = EmbeddedChain.open(place / "chain.db", old.chain_id)
    try:
        sealing = Sealing(chain, old)
        assert sealing.successor() == (31337, load_deployment(moved.data_dir).log)
        assert sealing.admitted() == []
        assert sealing.authority() == before.seal
    finally:
        chain.close()
    shutil.copytree(moved.data_dir / "keys", place / "keys")
    refused = Person(place).run(*SUSPEND, expect=REFUSED)
    assert "may not write statements of the kind" in refused.err
    for command in ("fsck", "replay"):
        moved.run("chain", command)


def test_a_preview_changes_nothing(mover: Person, target: str) -> None:
    fund(mover, target)
    told = mover.run("chain", "migrate", "--to", target, "--dry-run", "--json").json()["preview"]
    assert (told["statements"], told["transactions"]) == (SIZE, 1)
    assert stage(mover) == "none"
    assert not (mover.data_dir / "migration.json").exists()
    assert load_deployment(mover.data_dir).predecessors == ()


def test_what_cannot_be_moved_is_refused_before_anything_is_sent(
    mover: Person, target: str, tmp_path: Path
) -> None:
    said = migrate(mover, target, expect=UNAVAILABLE)
    assert "owns nothing on the new chain" in said
    unasked = mover.run("chain", "migrate", "--to", target, expect=None)
    assert unasked.code != 0
    assert mover.run("chain", "migrate", expect=USAGE).err
    assert stage(mover) == "none"

    altered = mover.copy(tmp_path / "altered" / "ledger")
    with sqlite3.connect(altered.data_dir / "mirror.db") as mirror:
        mirror.execute("UPDATE statement SET body = x'7b7d' WHERE index_ = 10")
    mirror.close()
    fund(altered, target)
    said = migrate(altered, target, expect=NOT_PROVEN)
    assert "leaf 10" in said
    assert "not migrated" in said
    assert stage(altered) == "none"


def test_batches_in_the_outbox_come_first(mover: Person, target: str) -> None:
    with sqlite3.connect(mover.data_dir / "desk.db") as desk:
        desk.execute("UPDATE outbox_receipt SET state = 'accepted' WHERE sequence = 3")
    desk.close()
    fund(mover, target)
    said = migrate(mover, target, expect=UNAVAILABLE)
    assert "waiting in the outbox: 1 batch" in said
    assert stage(mover) == "none"


BREAKS: tuple[tuple[type[object], str, int, str], ...] = (
    (Sender, "create", 0, "none"),
    (Sender, "create", 1, "carrying"),
    (Carrier, "carry", 0, "carrying"),
    (Target, "registries", 0, "carrying"),
    (Sealing, "acts", 0, "announced"),
    (Target, "conclude", 0, "sealed"),
    (Target, "organisations", 0, "sealed"),
    (Target, "record", 0, "sealed"),
    (Target, "hand_over", 0, "sealed"),
    (Target, "_administers", 1, "sealed"),
)
"""Which step is broken off after how many calls, and how far the migration has then come."""


def test_a_migration_is_taken_up_wherever_it_breaks_off(
    mover: Person, target: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    fund(mover, target)
    for where, name, after, expected in BREAKS:
        with monkeypatch.context() as patch:
            patch.setattr(where, name, breaking(getattr(where, name), after))
            said = migrate(mover, target, expect=UNAVAILABLE)
        assert "the machine stopped" in said, name
        assert stage(mover) == expected, name
        assert load_deployment(mover.data_dir).predecessors == ()
        # Until the seal the old log is the ledger, and grows.
        if name == "carry":
            mover.run(*SUSPEND)
        elif name == "acts":
            mover.run("catalogue", "resume", PUBLISHED, "--key", "authority")
    migrate(mover, target)
    assert stage(mover) == "done"
    assert load_deployment(mover.data_dir).predecessors[0].size == SIZE + 2
    assert mover.run("mirror", "verify", "--json").json()["size"] == SIZE + 3


def breaking(whole: Callable[..., object], after: int) -> Callable[..., object]:
    """A function that works ``after`` times and fails ever after."""
    calls = 0

    def breaks(*arguments: object, **more: object) -> object:
        nonlocal calls
        calls += 1
        if calls > after:
            raise DeploymentError("the machine stopped")
        return whole(*arguments, **more)

    return breaks


def test_a_change_over_that_breaks_off_is_finished(
    mover: Person, target: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    fund(mover, target)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device", "config.toml")

    monkeypatch.setattr(changing, "_set_rpc_url", full)
    assert "no space is left" in migrate(mover, target, expect=UNAVAILABLE)
    monkeypatch.undo()
    assert "the change-over is finished" in migrate(mover, target)
    assert stage(mover) == "done"
    assert mover.run("mirror", "verify", "--json").json()["findings"] == []


def test_registries_are_admitted_in_two_transactions_however_many_there_are(moved: Person) -> None:
    """On a chain that makes a block every few seconds each transaction costs one of them."""
    url = str(moved.run("chain", "status", "--json").json()["chain"])
    made = load_deployment(moved.data_dir)
    with JsonRpcChain(url) as chain:
        topic = bytes(keccak(text="Admitted(bytes32,address)"))
        events = chain.logs(made.log_address, 0, chain.head().number, [topic])
    assert len(events) == sum(len(kinds_of(name)) for name in made.registries)
    assert len({event.transaction_hash for event in events}) == 2


def test_another_department_adopts_what_it_has_verified(
    settled: Person, moved: Person, tmp_path: Path
) -> None:
    url = str(moved.run("chain", "status", "--json").json()["chain"])
    other = settled.copy(tmp_path / "other" / "ledger")
    file = moved.data_dir / "deployment.json"
    with closing(sqlite3.connect(other.data_dir / "desk.db")) as desk, desk:
        desk.execute(
            "UPDATE outbox_receipt SET id = substr(id, 1, 64) || '00', state = 'accepted', "
            "block_number = NULL WHERE sequence = 11"
        )
    told = other.run("chain", "adopt", file, "--to", url)
    again = other.run("chain", "adopt", file, "--to", url)
    assert "already: nothing to change over" in again.out
    assert "statements verified" in told.out
    assert "not recorded before the seal, and refused: 1 batch;" in told.err
    assert load_deployment(other.data_dir) == load_deployment(moved.data_dir)
    assert leaves(other)[: SIZE + 1] == leaves(moved)[: SIZE + 1]

    receipts = receipts_of(other)
    assert {state for state, _ in receipts[:-1]} == {"verified"}
    assert receipts[-1][0] == "refused", "it was signed for the old log and never recorded"
    blocks = [block for _, block in receipts[:-1]]
    assert blocks == [blocks[0]] * len(blocks), "all were carried over in one block"

    forked = settled.copy(tmp_path / "forked" / "ledger")
    # This office knows a statement that the migrated history lacks.
    forked.run(*SUSPEND)
    refused = forked.run("chain", "adopt", file, "--to", url, expect=NOT_PROVEN)
    assert "nothing was switched" in refused.err
    assert load_deployment(forked.data_dir).predecessors == ()

    stranger = settled.copy(tmp_path / "stranger" / "ledger")
    place = stranger.data_dir / "deployment.json"
    text = json.loads(file.read_text())
    text["predecessors"][0]["log"] = "0x" + "11" * 20
    foreign = tmp_path / "foreign.json"
    foreign.write_text(json.dumps(text))
    kept = place.read_bytes()
    refused = stranger.run("chain", "adopt", foreign, "--to", url, expect=UNAVAILABLE)
    assert "does not carry on" in refused.err
    assert place.read_bytes() == kept


def test_a_seal_with_a_delay_is_announced_first(tmp_path: Path, target: str) -> None:
    person = Person(tmp_path / "slow" / "ledger")
    person.run("init", "--code", ROOT_ORGANISATION, "--name", "示范区", "--admin-delay", 3600)
    fund(person, target)
    said = migrate(person, target)
    assert "the seal is announced and waits until" in said
    assert stage(person) == "announced"
    # The ledger is used as ever meanwhile.
    person.run("org", "list")
    again = migrate(person, target)
    assert "waits until" in again
    assert load_deployment(person.data_dir).predecessors == ()


def test_a_signature_of_the_old_log_must_be_a_keys_unless_the_opening_lists_an_account(
    moved: Person, tmp_path: Path
) -> None:
    person = moved.copy(tmp_path / "ledger")
    with closing(sqlite3.connect(person.data_dir / "mirror.db")) as mirror, mirror:
        mirror.execute("UPDATE authorisation SET signature = x'00' WHERE first_index = 10")
        question = "SELECT signer FROM authorisation WHERE first_index = 10"
        (signer,) = mirror.execute(question).fetchone()
    report = person.run("mirror", "verify", "--offline", "--json", expect=NOT_PROVEN).json()
    assert [(one["kind"], one["leaf"]) for one in report["findings"]] == [("signature", 10)]

    # An account that the old chain confirmed when the ledger moved cannot be asked any more.
    place = person.data_dir / "deployment.json"
    told = json.loads(place.read_text())
    told["predecessors"][0]["accounts"] = ["0x" + signer.hex()]
    place.write_text(json.dumps(told))
    report = person.run("mirror", "verify", "--offline", "--json").json()
    assert report["findings"] == []
    assert any("contract account" in one["en"] for one in report["unchecked"])


def test_a_mirror_of_other_predecessors_does_not_verify(moved: Person, tmp_path: Path) -> None:
    person = moved.copy(tmp_path / "ledger")
    place = person.data_dir / "deployment.json"
    told = json.loads(place.read_text())
    told["predecessors"][0] |= {"root": "0x" + "11" * 32}
    place.write_text(json.dumps(told))
    report = person.run("mirror", "verify", "--offline", "--json", expect=NOT_PROVEN).json()
    kinds = {one["kind"] for one in report["findings"]}
    assert {"cursor", "predecessor", "rule"} <= kinds


def test_a_ledger_can_move_again(moved: Person, target: str, tmp_path: Path) -> None:
    person = moved.copy(tmp_path / "ledger")
    said = migrate(person, target, expect=UNAVAILABLE)
    assert "signatures would hold on both" in said, "both anvils have the same chain id"
    url = str(person.run("chain", "status", "--json").json()["chain"])
    snapshot = ask(url, "evm_snapshot")
    try:
        with anvil_node(chain_id=1337) as third:
            fund(person, third)
            said = migrate(person, third, expect=UNAVAILABLE)
            assert "owns nothing on the old chain" in said
            admin = Keystore(person.data_dir / "keys").find("admin").address
            ask(url, "anvil_setBalance", admin, MUCH)
            ask(third, "evm_increaseTime", 3600)
            migrate(person, third)
            kept = moved.place / "old-checkpoint.json"
            assert person.run("mirror", "verify", "--since", kept, "--json").code == 0
            head = person.run("log", "checkpoint").json()
            for index, openings in ((0, 2), (SIZE, 1), (head["size"] - 1, 0)):
                file = person.place / f"proof-{index}.json"
                person.run("log", "prove", index, "-o", file)
                told = person.run("log", "verify", file, "--root", head["root"])
                assert told.out.count("carries on log") == openings
            person.run("chain", "fsck")
    finally:
        ask(url, "evm_revert", snapshot)

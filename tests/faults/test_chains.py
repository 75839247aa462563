"""A chain that is gone, or is another one; ports that are taken; a second server; passphrases."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from ledger.office import office as offices
from tests.chain_nodes import FUNDED, anvil_node, free_port
from tests.faults.test_stores import SUSPEND, in_both_languages
from tests.person import Person
from tests.small_office import PUBLISHED, ROOT_ORGANISATION, build, entry

UNAVAILABLE, REFUSED, USAGE = 6, 3, 2


@pytest.fixture(scope="module")
def remote(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Person, str]]:
    """A small ledger on an anvil, and the anvil's address."""
    place = tmp_path_factory.mktemp("remote")
    payer = place / "payer.hex"
    payer.write_text(FUNDED)
    with anvil_node() as url:
        person = Person(place / "ledger")
        build(person, "--rpc", url, "--sender-key-file", payer)
        yield person, url


def set_rpc(person: Person, url: str) -> None:
    (person.data_dir / "config.toml").write_text(f'rpc_url = "{url}"\n', "utf-8")


def test_a_chain_that_is_gone_leaves_reading_and_stops_signing(
    remote: tuple[Person, str], tmp_path: Path
) -> None:
    person = remote[0].copy(tmp_path / "ledger")
    before = person.run("catalogue", "export").out
    gone = f"http://127.0.0.1:{free_port()}"
    set_rpc(person, gone)

    read = person.run("catalogue", "export")
    assert read.out == before
    assert f"! {gone} cannot be reached" in read.err
    assert "what the mirror holds" in read.err
    person.language = "zh"
    assert "无法连接区块链节点" in person.run("catalogue", "show", PUBLISHED).err
    person.language = "en"

    english, _ = in_both_languages(person, *SUSPEND)
    assert gone in english
    assert "start the node" in english
    assert gone in person.run("mirror", "status").out
    assert "not checked" in person.run("mirror", "verify", "--offline").out
    english, _ = in_both_languages(person, "chain", "status")
    assert gone in english


def test_what_was_accepted_while_the_chain_went_away_is_recorded_when_it_is_back(
    remote: tuple[Person, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The chain goes between the signing and the sending; the statement waits in the outbox."""
    monkeypatch.setattr(offices, "PATIENCE", 0.5)
    person = remote[0].copy(tmp_path / "ledger")
    plain = offices.Office.work

    def gone(_: offices.Office) -> None:
        raise offices.ChainError("the node was switched off")

    monkeypatch.setattr(offices.Office, "work", gone)
    ran = person.run(*SUSPEND, expect=UNAVAILABLE)
    assert "accepted, but not on the ledger yet: the node was switched off" in ran.err
    assert "nothing is lost" in ran.err

    monkeypatch.setattr(offices.Office, "work", plain)
    person.run("catalogue", "resume", PUBLISHED, "--key", "authority")
    acts = person.run("catalogue", "history", PUBLISHED, "--json").json()["acts"]
    assert [act["state"] for act in acts] == ["submitted", "published", "suspended", "published"]


def test_another_chain_than_the_directory_knows_is_refused(
    remote: tuple[Person, str], office: Person, tmp_path: Path
) -> None:
    """By its id, and where the id is the same by the block of the deployment."""
    person = remote[0].copy(tmp_path / "ledger2" / "ledger")
    before = person.run("catalogue", "export").out
    with anvil_node(chain_id=4242) as url:
        set_rpc(person, url)
        english, chinese = in_both_languages(person, *SUSPEND)
        assert "knows chain 31337" in english
        assert "is chain 4242" in english
        assert "链与本账本不符" in chinese
        read = person.run("catalogue", "export")
        assert read.out == before
        assert "4242" in read.err
        english, _ = in_both_languages(person, "serve", "--port", "0")
        assert "4242" in english
    with anvil_node() as url:
        set_rpc(person, url)
        english, _ = in_both_languages(person, *SUSPEND)
        assert "deployed" in english
    set_rpc(office, remote[1])
    english, _ = in_both_languages(office, *SUSPEND)
    assert "knows chain 26476" in english


def test_an_address_that_is_no_chain_is_told(office: Person) -> None:
    with office.running("serve", "--port", "0") as url:
        person = office.copy(office.place / "copy" / "ledger")
        set_rpc(person, f"{url}/livez")
        english, _ = in_both_languages(person, *SUSPEND)
        assert url in english
    set_rpc(office, "ftp://example.org")
    english, _ = in_both_languages(office, *SUSPEND)
    assert "no address of a node" in english


def test_a_port_in_use_is_named_with_another_way(office: Person) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        for command in ("serve", "node"):
            english, chinese = in_both_languages(office, command, "--port", port)
            assert f"port {port}" in english
            assert "--port" in english
            assert str(port) in chinese
    assert not (office.data_dir / "node.json").exists()


@pytest.mark.timeout(120)
def test_a_second_server_or_node_is_refused_and_the_first_goes_on(office: Person) -> None:
    with office.running("serve", "--port", "0") as url:
        english, _ = in_both_languages(office, "serve", "--port", "0")
        assert "already" in english
        assert "stop it first" in english
        english, _ = in_both_languages(office, "node", "--port", "0")
        assert url in english
        english, _ = in_both_languages(office, "chain", "fsck")
        assert "stop the server" in english
        assert httpx.get(f"{url}/readyz").status_code == 200
        office.run(*SUSPEND)
    with office.running("node", "--port", "0"):
        english, _ = in_both_languages(office, "node", "--port", "0")
        assert "serves this chain already" in english
        office.run("catalogue", "resume", PUBLISHED, "--key", "authority")


def test_other_than_loopback_is_refused(office: Person) -> None:
    for host in ("0.0.0.0", "192.0.2.1", "example.org"):  # noqa: S104 - must be refused
        english = office.run("serve", "--host", host, expect=USAGE).err
        assert host in english
        assert "127.0.0.1" in english


def test_passphrases_that_are_wrong_missing_or_unreadable(office: Person) -> None:
    office.passphrase = "a guess"
    english, chinese = in_both_languages(office, *SUSPEND, code=REFUSED)
    assert "does not open the key" in english
    assert "口令不正确" in chinese
    in_both_languages(office, "serve", "--port", "0", code=REFUSED)

    office.passphrase = None
    english, _ = in_both_languages(office, *SUSPEND, code=REFUSED)
    assert "GOVLEDGER_PASSPHRASE_FILE" in english

    file = office.place / "passphrase"
    office.more["GOVLEDGER_PASSPHRASE_FILE"] = str(file)
    english, _ = in_both_languages(office, *SUSPEND, code=REFUSED)
    assert str(file) in english
    file.write_text("\n")
    english, _ = in_both_languages(office, *SUSPEND, code=REFUSED)
    assert "is empty" in english
    file.write_text("correct horse\n")
    office.run(*SUSPEND)


def test_reading_needs_no_passphrase(office: Person) -> None:
    office.passphrase = None
    for words in (
        ("catalogue", "search"),
        ("org", "list"),
        ("key", "list"),
        ("log", "checkpoint"),
        ("mirror", "verify"),
        ("chain", "fsck"),
    ):
        office.run(*words)


def test_keys_that_are_unknown_or_damaged_are_named(office: Person) -> None:
    english, _ = in_both_languages(office, *SUSPEND[:4], "nobody", *SUSPEND[5:], code=REFUSED)
    assert "there is no key 'nobody'" in english
    assert "education-steward" in english
    english, _ = in_both_languages(office, "key", "create", "assessor", code=REFUSED)
    assert "assessor" in english
    english, _ = in_both_languages(office, "key", "create", "../x", code=REFUSED)
    assert "'../x'" in english
    (office.data_dir / "keys" / "authority.json").write_text("{}")
    english, _ = in_both_languages(office, *SUSPEND, code=REFUSED)
    assert "authority" in english


def test_where_there_is_no_ledger_every_command_says_so(newcomer: Person) -> None:
    for words in (
        ("catalogue", "search"),
        SUSPEND,
        ("serve",),
        ("node",),
        ("mirror", "status"),
        ("mirror", "rebuild"),
        ("chain", "status"),
        ("log", "prove", "0"),
        ("key", "list"),
    ):
        english, _ = in_both_languages(newcomer, *words)
        assert "holds no ledger yet" in english
        assert "govledger init" in english
    assert not newcomer.data_dir.exists()


def test_init_does_not_touch_a_ledger_that_is_there(office: Person) -> None:
    before = (office.data_dir / "deployment.json").read_bytes()
    english, _ = in_both_languages(office, "init", code=REFUSED)
    assert "holds a ledger already" in english
    assert (office.data_dir / "deployment.json").read_bytes() == before


def test_init_that_cannot_reach_its_chain_can_be_done_again(newcomer: Person) -> None:
    gone = f"http://127.0.0.1:{free_port()}"
    english, _ = in_both_languages(newcomer, "init", "--rpc", gone)
    assert gone in english
    assert not (newcomer.data_dir / "deployment.json").exists()
    assert not (newcomer.data_dir / "config.toml").exists()
    with anvil_node("--accounts", "1") as url:
        ran = newcomer.run("init", "--rpc", url, expect=UNAVAILABLE)
        assert "sender" in ran.err or "funds" in ran.err
    newcomer.run("init", "--code", ROOT_ORGANISATION, "--name", "示范区人民政府")
    assert newcomer.run("org", "list", "--json").json()["organisations"][0]["level"] == "district"


def test_a_deployment_that_is_damaged_is_named(office: Person) -> None:
    place = office.data_dir / "deployment.json"
    known = json.loads(place.read_text("utf-8"))
    place.write_text("{", "utf-8")
    english, _ = in_both_languages(office, "catalogue", "search")
    assert str(place) in english
    known["log"] = known["registries"]["Quality"]
    place.write_text(json.dumps(known), "utf-8")
    file = office.write("entry.yaml", entry())
    ran = office.run(
        *("catalogue", "register", file, "--key", "education-steward"),
        *("--head", "education-head"),
        expect=None,
    )
    assert ran.code in (5, 6)
    assert "mirrors log" in ran.err or "log" in ran.err

"""Beginning: passphrases typed at a terminal, init, organisations out of files, the demo's directory."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import select
import shutil
import sys
import time
from pathlib import Path

import openpyxl
import pytest

from ledger.chain.keystore import Keystore
from tests.chain_nodes import FUNDED, anvil_node
from tests.person import Person
from tests.small_office import EDUCATION, ORGANISATIONS, ROOT_ORGANISATION

REFUSED, UNAVAILABLE = 3, 6


def typed_at_a_terminal(person: Person, answers: list[bytes], *words: object) -> tuple[int, str]:
    """Run a command at a pseudo terminal; each answer is typed when a prompt asks."""
    child, terminal = pty.fork()
    if child == 0:
        os.chdir(person.place)
        os.execve(sys.executable, person.command(*words), person.environment)  # noqa: S606
    said, waiting = b"", list(answers)
    ends = time.monotonic() + 60
    while time.monotonic() < ends:
        if not select.select([terminal], [], [], 1)[0]:
            continue
        try:
            part = os.read(terminal, 4096)
        except OSError:  # the other side has ended
            break
        said += part
        if waiting and said.endswith(b": "):
            time.sleep(0.2)  # what is typed before the echo is off is thrown away
            os.write(terminal, waiting.pop(0) + b"\n")
            said += b"\n"
    os.close(terminal)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert not waiting, said.decode()
    return code, said.decode()


def test_a_passphrase_is_asked_for_once_unseen_and_confirmed_where_keys_begin(
    office: Person, newcomer: Person
) -> None:
    newcomer.passphrase = None
    fresh = Person(newcomer.place / "fresh" / "ledger", passphrase=None)
    fresh.place.mkdir()
    code, said = typed_at_a_terminal(
        fresh, [b"one", b"another", b"my secret", b"my secret"], "init"
    )
    assert code == 0, said
    assert "do not match" in said
    assert "my secret" not in said
    assert said.count("Passphrase") == 2

    office.passphrase = None
    code, said = typed_at_a_terminal(
        office,
        [b"correct horse"],
        *("catalogue", "suspend", "318001/000001", "--key", "authority", "--reason", "x"),
    )
    assert code == 0, said
    assert said.count("Passphrase") == 1
    office.language = "zh"
    code, said = typed_at_a_terminal(
        office, [b"wrong"], "catalogue", "resume", "318001/000001", "--key", "authority"
    )
    assert code == REFUSED
    assert "密钥库口令" in said
    assert "口令不正确" in said


def test_a_new_key_is_not_made_under_another_passphrase_than_the_others(office: Person) -> None:
    office.passphrase = "correct hrose"
    ran = office.run("key", "create", "spare", expect=REFUSED)
    assert "does not open the key" in ran.err
    assert not (office.data_dir / "keys" / "spare.json").exists()


def test_init_says_what_to_do_next_in_this_directory(newcomer: Person) -> None:
    said = newcomer.run("init", "--code", ROOT_ORGANISATION, "--name", "示范区人民政府").out
    assert f"govledger -C {newcomer.data_dir} key create education-steward" in said
    assert "serve" in said
    answer = Person(newcomer.place / "b" / "ledger").run("init", "--json").json()
    assert set(answer) == {"data_dir", "deployment"}


def test_init_refuses_a_code_or_name_that_cannot_be(newcomer: Person) -> None:
    ran = newcomer.run("init", "--code", "11990118000000000X", "--name", "区", expect=REFUSED)
    assert "--code 11990118000000000X, evidence: character 18 should be" in ran.err
    ran = newcomer.run("init", "--code", ROOT_ORGANISATION, expect=2)
    assert "--name" in ran.err
    assert not newcomer.data_dir.exists()


def test_init_keeps_what_a_person_wrote_into_the_settings(newcomer: Person) -> None:
    newcomer.data_dir.mkdir()
    config = newcomer.data_dir / "config.toml"
    config.write_text('language = "zh"\nlog_level = "warning"\n', "utf-8")
    payer = newcomer.write("payer.hex", None)
    payer.write_text(FUNDED)
    with anvil_node() as url:
        newcomer.run("init", "--rpc", url, "--sender-key-file", payer)
        assert config.read_text("utf-8").endswith('language = "zh"\nlog_level = "warning"\n')
        assert url in newcomer.run("chain", "status").out


@pytest.mark.parametrize("content", [b"\xff\xfe", "密钥".encode(), b"0x1234", b""])
def test_a_payers_key_that_is_none_is_refused(newcomer: Person, content: bytes) -> None:
    payer = newcomer.place / "payer.hex"
    payer.write_bytes(content)
    ran = newcomer.run(
        "init", "--rpc", "http://127.0.0.1:9", "--sender-key-file", payer, expect=REFUSED
    )
    assert "no private key" in ran.err


def test_a_payers_key_is_not_passed_over_for_one_that_a_broken_init_made(newcomer: Person) -> None:
    payer = newcomer.place / "payer.hex"
    payer.write_text(FUNDED)
    words = ("init", "--rpc", "http://127.0.0.1:9")
    assert "cannot be reached" in newcomer.run(*words, expect=UNAVAILABLE).err
    refused = newcomer.run(*words, "--sender-key-file", payer, expect=REFUSED).err
    assert f"another key called sender already, {sender_of(newcomer)}" in refused
    assert "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266" in refused
    assert f"remove {newcomer.data_dir / 'keys'}" in refused
    shutil.rmtree(newcomer.data_dir / "keys")
    for _ in range(2):  # the same key again is no other
        ran = newcomer.run(*words, "--sender-key-file", payer, expect=UNAVAILABLE)
        assert "cannot be reached" in ran.err
    assert sender_of(newcomer) == "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266"


def sender_of(person: Person) -> str:
    return next(
        one.address for one in Keystore(person.data_dir / "keys").list() if one.name == "sender"
    )


@pytest.mark.parametrize("kind", ["gbk.csv", "utf-8-sig.csv", "book.xlsx"])
def test_organisations_come_out_of_the_files_that_offices_have(newcomer: Person, kind: str) -> None:
    newcomer.run("init", "--code", ROOT_ORGANISATION, "--name", "示范区人民政府")
    file = newcomer.place / kind
    if kind.endswith(".xlsx"):
        book = openpyxl.Workbook()
        for line in ORGANISATIONS.splitlines():
            book.active.append(line.split(","))
        book.save(file)
    else:
        file.write_text(ORGANISATIONS, kind.removesuffix(".csv"))
    newcomer.run("org", "register", "--key", "authority", "--file", file)
    names = {
        o["code"]: o["name"] for o in newcomer.run("org", "list", "--json").json()["organisations"]
    }
    assert names[EDUCATION] == "示范区教育局"


def test_a_row_that_cannot_be_registered_is_named_with_its_line(office: Person) -> None:
    file = office.place / "organisations.csv"
    file.write_text(ORGANISATIONS + f"12345,示范区某局,{ROOT_ORGANISATION},district,\n", "utf-8")
    for language, where in (("en", "organisations.csv, line 4, code"), ("zh", "第 4 行")):
        office.language = language
        ran = office.run("org", "register", "--key", "authority", "--file", file, expect=REFUSED)
        assert where in ran.err
    file.write_text("a,b\n1,2\n", "utf-8")
    office.language = "en"
    ran = office.run("org", "register", "--key", "authority", "--file", file, expect=REFUSED)
    assert "organisations.csv, line 2, code" in ran.err


def test_the_demo_touches_nothing_that_is_not_its_own(newcomer: Person) -> None:
    place = newcomer.place / "papers"
    place.mkdir()
    (place / "letter.txt").write_text("keep me")
    ran = newcomer.run("demo", "--no-serve", "--dir", place, expect=UNAVAILABLE)
    assert "is not empty and no demo" in ran.err
    newcomer.language = "zh"
    assert "不是示例区" in newcomer.run("demo", "--dir", place, expect=UNAVAILABLE).err
    assert (place / "letter.txt").read_text() == "keep me"


def test_a_demo_that_is_being_built_or_has_another_seed_is_left_alone(newcomer: Person) -> None:
    place = newcomer.place / "demo-data"
    place.mkdir()
    marker = place / "demo.json"
    marker.write_text(json.dumps({"synthetic": True, "seed": 2026, "complete": False}))
    with (place / "chain.db.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        ran = newcomer.run("demo", "--no-serve", "--dir", place, expect=UNAVAILABLE)
        assert "another process is building" in ran.err
    assert marker.exists()
    ran = newcomer.run("demo", "--no-serve", "--dir", place, "--seed", "7", expect=UNAVAILABLE)
    assert "seed 2026" in ran.err


def test_a_file_that_is_not_there_is_named(office: Person) -> None:
    nowhere = Path("nowhere.yaml")
    for words in (
        ("catalogue", "register", nowhere, "--key", "education-steward", "--draft"),
        ("catalogue", "import", "nowhere.csv", "--mapping", "wuhu"),
        ("quality", "score", nowhere, "--key", "assessor"),
        ("org", "register", "--key", "authority", "--file", "nowhere.csv"),
        ("log", "verify", nowhere),
        ("mirror", "verify", "--since", nowhere),
    ):
        ran = office.run(*words, expect=2)
        assert "nowhere" in ran.err
        assert "→" in ran.err


def test_an_import_that_lacks_columns_says_which(office: Person) -> None:
    file = office.place / "catalogue.csv"
    file.write_text("title,publisher\n名称,某局\n", "utf-8")
    ran = office.run("catalogue", "import", file, "--mapping", "wuhu", expect=None)
    assert ran.code in (2, 3)
    assert "no column 'access'" in ran.err
    ran = office.run("catalogue", "import", file, "--mapping", "wuhu", "--apply", expect=2)
    assert "--authority" in ran.err

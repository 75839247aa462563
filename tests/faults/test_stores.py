"""Damaged, newer, full and locked stores: what is said, what still works, and the way back."""

from __future__ import annotations

import re
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from tests.person import Person, Ran
from tests.small_office import PUBLISHED, entry

UNAVAILABLE = 6
NOT_PROVEN = 5
SUSPEND = ("catalogue", "suspend", PUBLISHED, "--key", "authority", "--reason", "系统升级")
HAN = re.compile(r"[\u4e00-\u9fff]")


def in_both_languages(person: Person, *words: object, code: int = UNAVAILABLE) -> tuple[str, str]:
    """What a refused command says in English and in Chinese."""
    said = []
    for language in ("en", "zh"):
        person.language = language
        ran = person.run(*words, expect=code)
        assert ran.err.startswith("✗ "), ran
        said.append(ran.err)
    person.language = "en"
    assert not HAN.search(said[0].replace(str(person.data_dir), "")), said[0]
    assert HAN.search(said[1])
    assert "→" in said[1]
    return said[0], said[1]


def damage(person: Person, name: str) -> Path:
    """Garbage where a database was."""
    forget(person, name)
    file = person.data_dir / name
    file.write_bytes(b"this was a database once. " * 400)
    return file


def forget(person: Person, name: str) -> None:
    for file in person.data_dir.glob(f"{name}*"):
        file.unlink()


def test_a_deleted_mirror_costs_an_indexing_and_answers_the_same(office: Person) -> None:
    office.run("quality", "list", "--json")
    questions = (
        ("catalogue", "export"),
        ("catalogue", "history", PUBLISHED, "--json"),
        ("org", "list", "--json"),
        ("log", "checkpoint"),
        ("log", "prove", "--entry", PUBLISHED),
    )
    before = [office.run(*words).out for words in questions]
    forget(office, "mirror.db")
    assert [office.run(*words).out for words in questions] == before
    assert office.run("mirror", "verify", "--json").json()["findings"] == []


def test_a_damaged_mirror_says_that_it_can_be_thrown_away_and_it_can(office: Person) -> None:
    before = office.run("catalogue", "export").out
    file = damage(office, "mirror.db")
    english, _ = in_both_languages(office, "catalogue", "search")
    assert str(file) in english
    assert "delete it" in english
    forget(office, "mirror.db")
    assert office.run("catalogue", "export").out == before


def test_a_page_of_the_mirror_that_is_damaged_is_told_not_answered(office: Person) -> None:
    file = office.data_dir / "mirror.db"
    with closing(sqlite3.connect(file)) as database:
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        database.execute("PRAGMA journal_mode=DELETE")
    with file.open("r+b") as pages:
        for page in range(1, file.stat().st_size // 4096):
            pages.seek(page * 4096)
            pages.write(b"\xff" * 64)
    english, _ = in_both_languages(office, "catalogue", "search")
    assert "damaged" in english
    assert "delete it" in english


def test_a_damaged_desk_stops_what_signs_and_not_what_reads(office: Person) -> None:
    file = damage(office, "desk.db")
    english, _ = in_both_languages(office, *SUSPEND)
    assert str(file) in english
    assert "backup" in english
    assert (
        office.run("catalogue", "show", PUBLISHED, "--json").json()["entry"]["state"] == "published"
    )


def test_a_damaged_chain_leaves_the_mirror_answering_with_a_warning(office: Person) -> None:
    before = office.run("catalogue", "export").out
    kept = shutil.copy(office.data_dir / "chain.db", office.place / "backup.db")
    file = damage(office, "chain.db")
    read = office.run("catalogue", "export")
    assert read.out == before
    assert f"! {file} is damaged" in read.err
    assert "mirror" in read.err
    for words in (SUSPEND, ("chain", "fsck"), ("chain", "status"), ("serve", "--port", "0")):
        # what a check looks for, it has found
        code = NOT_PROVEN if "fsck" in words else UNAVAILABLE
        english, _ = in_both_languages(office, *words, code=code)
        assert f"{file} is damaged" in english
        assert "backup" in english
    assert "is damaged" in office.run("mirror", "status").out

    shutil.copy(kept, file)
    office.run(*SUSPEND)
    office.run("chain", "fsck")


def test_a_chain_that_is_missing_is_told(office: Person) -> None:
    forget(office, "chain.db")
    english, _ = in_both_languages(office, *SUSPEND)
    assert "there is no chain at" in english
    assert "restore it from a backup" in english
    assert "chain.db" in office.run("org", "list").err


@pytest.mark.parametrize(
    ("name", "newer", "words"),
    [
        (
            "mirror.db",
            "UPDATE alembic_version SET version_num='mirror_9999'",
            ("catalogue", "search"),
        ),
        ("desk.db", "UPDATE alembic_version SET version_num='desk_9999'", SUSPEND),
        ("chain.db", "PRAGMA user_version=99", SUSPEND),
    ],
)
def test_a_database_newer_than_the_program_is_left_alone(
    office: Person, name: str, newer: str, words: tuple[str, ...]
) -> None:
    with closing(sqlite3.connect(office.data_dir / name)) as database, database:
        database.execute(newer)
    english, _ = in_both_languages(office, *words)
    assert name in english
    assert "newer" in english or "upgrade" in english


def test_databases_that_were_swapped_are_told_apart(office: Person) -> None:
    office.more["GOVLEDGER_MIRROR_URL"] = f"sqlite:///{office.data_dir / 'desk.db'}"
    english, _ = in_both_languages(office, "catalogue", "search")
    assert "not a mirror database" in english


def test_a_mirror_of_another_log_is_refused(office: Person, newcomer_ledger: Person) -> None:
    newcomer_ledger.run("org", "list")
    office.more["GOVLEDGER_MIRROR_URL"] = f"sqlite:///{newcomer_ledger.data_dir / 'mirror.db'}"
    english, _ = in_both_languages(office, "catalogue", "search", code=5)
    assert "mirrors log 0x" in english


@pytest.fixture
def newcomer_ledger(tmp_path: Path) -> Person:
    """Another ledger, with nothing in it."""
    person = Person(tmp_path / "other" / "ledger")
    person.run("init")
    return person


def limited(person: Person, size: int, *words: object, code: int | None = UNAVAILABLE) -> Ran:
    """The command where no file may grow beyond ``size`` bytes: a disk that is full."""
    tool = shutil.which("prlimit")
    if tool is None:
        pytest.skip("prlimit (util-linux) is not installed")
    # or Python itself would leave half a module in its cache
    prefix = ("env", "PYTHONDONTWRITEBYTECODE=1", tool, f"--fsize={size}")
    return person.spawn(*words, prefix=prefix, expect=code)


@pytest.mark.parametrize("size", [4_096, 40_000, 90_000])
def test_a_full_disk_is_told_and_the_act_is_recorded_once_when_there_is_room(
    office: Person, size: int
) -> None:
    ran = limited(office, size, *SUSPEND)
    assert re.search(r"(desk|chain|mirror)\.db\b", ran.err)
    assert re.search("no space is left|no room left", ran.err)
    assert ran.err.startswith("✗ ")

    # What was accepted is finished by the next command that signs; what was not is done by it.
    again = office.run(*SUSPEND, expect=None)
    assert again.code == 0 or "cannot go from suspended to suspended" in again.err, again
    acts = office.run("catalogue", "history", PUBLISHED, "--json").json()["acts"]
    assert [act["state"] for act in acts] == ["submitted", "published", "suspended"]
    assert office.run("mirror", "verify", "--json").json()["findings"] == []
    office.run("chain", "fsck")


def test_init_on_a_full_disk_can_simply_be_done_again(newcomer: Person) -> None:
    newcomer.run("init", "--rpc", "http://127.0.0.1:9", expect=UNAVAILABLE)  # makes the keys
    ran = limited(newcomer, 100_000, "init")
    assert "no room left" in ran.err
    assert "chain.db" in ran.err
    assert not (newcomer.data_dir / "deployment.json").exists()
    newcomer.run("init")
    newcomer.run("chain", "fsck")
    newcomer.run("org", "list")


def test_a_full_disk_leaves_no_half_of_a_file_that_was_asked_for(office: Person) -> None:
    file = office.place / "export.ndjson"
    file.write_text("what was here before\n", "utf-8")
    items = [
        {"name": f"{word}类信息", "data_type": "char", "description": word * 300}
        for word in "甲乙丙丁戊己庚辛壬癸子丑寅卯辰巳午未申酉戌亥天地玄黄宇宙洪荒日月盈昃列张寒来暑往秋收冬藏"
    ]
    large = office.write("large.yaml", entry("318001/000002", items=items))
    office.run("catalogue", "register", large, "--key", "education-steward", "--draft")
    ran = limited(office, 33_000, "catalogue", "export", file)
    assert "export.ndjson" in ran.err
    assert "space" in ran.err
    assert file.read_text("utf-8") == "what was here before\n"
    assert list(office.place.glob("*export*")) == [file]


def test_a_directory_that_may_not_be_written_is_named(office: Person) -> None:
    nowhere = office.place / "nowhere" / "proof.json"
    for words in (
        ("catalogue", "export", nowhere),
        ("log", "prove", "--entry", PUBLISHED, "-o", nowhere),
        ("log", "checkpoint", "-o", nowhere),
    ):
        english, _ = in_both_languages(office, *words)
        assert "nowhere/proof.json" in english
    english, _ = in_both_languages(office, "catalogue", "export", office.place)
    assert "directory" in english


@pytest.mark.parametrize(
    ("words", "refused"),
    [
        (("catalogue", "register", "secret.yaml", "--key", "education-steward", "--draft"), 6),
        (("quality", "score", "secret.yaml", "--key", "assessor"), 6),
        (("org", "register", "--key", "authority", "--file", "secret.csv"), 6),
        (("log", "verify", "secret.yaml"), 6),
        (("mirror", "verify", "--since", "secret.yaml"), 6),
    ],
)
def test_a_file_that_may_not_be_read_is_named(
    office: Person, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], refused: int
) -> None:
    office.write("secret.yaml", entry())
    office.write("secret.csv", "code,name")

    def denied(plain: Callable[..., object]) -> Callable[..., object]:
        def opened(path: Path, *rest: object, **more: object) -> object:
            if path.stem == "secret":
                raise PermissionError(13, "Permission denied", str(path))
            return plain(path, *rest, **more)

        return opened

    # The tests may run as root, to whom nothing is denied.
    monkeypatch.setattr(Path, "open", denied(Path.open))
    monkeypatch.setattr(Path, "read_bytes", denied(Path.read_bytes))
    english, _ = in_both_languages(office, *words, code=refused)
    assert re.search(r"secret\.(yaml|csv): permission denied", english)

"""Backups: whole or refused, restored and verified; a mirror that is lost costs a re-index and nothing else."""

from __future__ import annotations

import errno
import hashlib
import json
import re
import shutil
import sqlite3
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ledger.backup import making
from ledger.backup.manifest import FILE_NAME, BackupError, DamagedBackup, check, read
from ledger.backup.restoring import put_back
from ledger.journal.journal import Journal
from ledger.lineage.keeper import PLACE
from ledger.store.engine import create_at, revisions
from tests.person import Person
from tests.small_office import PUBLISHED, entry, file_entry

USAGE, REFUSED, NOT_PROVEN, UNAVAILABLE = 2, 3, 5, 6
SUSPEND = ("catalogue", "suspend", PUBLISHED, "--key", "authority", "--reason", "核对")


@pytest.fixture(scope="module")
def written(built_office: Person, tmp_path_factory: pytest.TempPathFactory) -> Person:
    """The small ledger with a lineage journal, a kept result and a passphrase in its settings."""
    person = built_office.copy(tmp_path_factory.mktemp("written") / "ledger")
    with Journal.create(person.data_dir / PLACE, "govledger/test/lineage") as journal:
        journal.append([b'{"n":%d}' % number for number in range(300)])
    (person.data_dir / "records" / "manifest" / "ab").mkdir(parents=True)
    (person.data_dir / "records" / "manifest" / "ab" / "leaves").write_bytes(bytes(1000))
    (person.data_dir / "config.toml").write_text('passphrase = "hidden"\nport = 8099\n', "utf-8")
    (person.data_dir / "passphrase").write_text("hidden\n", "utf-8")
    return person


@pytest.fixture(scope="module")
def backup(written: Person) -> Path:
    place = written.place / "backup"
    written.run("backup", place, "--keys")
    return place


@pytest.fixture
def copied(backup: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(backup, tmp_path / "backup"))


def restored(place: Path, where: Path, *more: object, expect: int = 0) -> tuple[Person, str]:
    person = Person(where)
    ran = person.run("restore", place, *more, expect=expect)
    return person, ran.out + ran.err


def tables(database: Path) -> dict[str, str]:
    """A digest of every table's rows, whatever pages they lie on."""
    found = {}
    connection = sqlite3.connect(database)
    try:
        names = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        for (name,) in names:
            rows = sorted(map(repr, connection.execute(f'SELECT * FROM "{name}"').fetchall()))  # noqa: S608
            found[name] = hashlib.sha256("\n".join(rows).encode()).hexdigest()
    finally:
        connection.close()
    return found


def test_what_is_restored_is_the_same_ledger(written: Person, backup: Path, tmp_path: Path) -> None:
    told = json.loads((backup / FILE_NAME).read_text())
    paths = {file["path"] for file in told["files"]}
    assert {"chain.db", "desk.db", "deployment.json", "keys/authority.json"} <= paths
    assert f"{PLACE}/size" in paths
    assert "records/manifest/ab/leaves" in paths
    assert not any(path.startswith("mirror.db") or path.endswith(".lock") for path in paths)

    person, said = restored(backup, tmp_path / "new" / "ledger")
    assert "everything that was checked holds" in said
    assert person.run("log", "checkpoint").out == written.run("log", "checkpoint").out
    assert tables(person.data_dir / "mirror.db") == tables(written.data_dir / "mirror.db")
    desks = [tables(each.data_dir / "desk.db") for each in (person, written)]
    # receipts were confirmed anew
    assert [desk.pop("outbox_receipt") for desk in desks]
    assert desks[0] == desks[1]
    with Journal(person.data_dir / PLACE) as journal:
        assert journal.size == 300
        assert next(journal.entries(299)) == b'{"n":299}'
    person.run(*SUSPEND)
    person.run("chain", "fsck")


def test_no_passphrase_is_in_it(written: Person, backup: Path) -> None:
    assert "hidden" in (written.data_dir / "config.toml").read_text()
    assert (backup / "config.toml").read_text() == "port = 8099\n"
    assert not (backup / "passphrase").exists()


def test_losing_the_mirror_costs_a_re_index_and_nothing_else(
    written: Person, tmp_path: Path
) -> None:
    person = written.copy(tmp_path / "ledger")
    before = tables(person.data_dir / "mirror.db")
    for file in person.data_dir.glob("mirror.db*"):
        file.unlink()
    person.run("mirror", "follow", "--once")
    assert tables(person.data_dir / "mirror.db") == before


def test_without_keys_it_says_what_is_missing(written: Person, tmp_path: Path) -> None:
    refused = written.run("backup", tmp_path / "unsaid", expect=USAGE)
    assert "--keys or --no-keys" in refused.err
    assert not (tmp_path / "unsaid").exists()
    ran = written.run("backup", tmp_path / "keyless", "--no-keys")
    assert "without keys" in ran.err
    assert not (tmp_path / "keyless" / "keys").exists()
    person, _ = restored(tmp_path / "keyless", tmp_path / "new" / "ledger")
    assert person.run("catalogue", "show", PUBLISHED, "--json").code == 0


def test_a_server_may_run_and_write_meanwhile(written: Person, tmp_path: Path) -> None:
    person = written.copy(tmp_path / "ledger")
    (person.data_dir / "config.toml").unlink()
    with person.running("serve", "--port", 0):
        file_entry(person, entry("318001/000002"))
        person.run("backup", tmp_path / "backup", "--keys")
        person.run(*SUSPEND)
    other, said = restored(tmp_path / "backup", tmp_path / "new" / "ledger")
    assert "everything that was checked holds" in said
    assert other.run("catalogue", "show", "318001/000002").code == 0


def test_what_the_desk_knows_beyond_the_chain_is_sent_again(
    written: Person, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    person = written.copy(tmp_path / "ledger")
    whole: Callable[..., object] = making._copy_desk

    def later(*arguments: object) -> object:
        # Between the copy of the chain and that of the desk somebody signs.
        with pytest.MonkeyPatch.context() as inner:
            inner.setattr(making, "_copy_desk", whole)
            person.run(*SUSPEND)
        return whole(*arguments)

    monkeypatch.setattr(making, "_copy_desk", later)
    person.run("backup", tmp_path / "backup", "--keys")
    monkeypatch.undo()
    size = person.run("log", "checkpoint").json()["size"]
    other, _ = restored(tmp_path / "backup", tmp_path / "new" / "ledger")
    assert other.run("log", "checkpoint").json()["size"] == size - 1
    other.run("catalogue", "resume", PUBLISHED, "--key", "authority")
    states = [one["kind"] for one in other.run("log", "list", "--json").json()["statements"]]
    assert len(states) == size + 1, "the suspension came first, then the resumption"


def damaged(copied: Path, where: Path) -> str:
    person, said = restored(copied, where, expect=NOT_PROVEN)
    assert not person.data_dir.exists()
    return said


def test_a_backup_that_is_not_whole_is_refused(copied: Path, tmp_path: Path) -> None:
    where = tmp_path / "new" / "ledger"
    manifest = (copied / FILE_NAME).read_bytes()

    (copied / FILE_NAME).unlink()
    assert "one that was broken off" in damaged(copied, where)
    (copied / FILE_NAME).write_bytes(manifest[:-20])
    assert "no manifest" in damaged(copied, where)
    (copied / FILE_NAME).write_bytes(manifest)

    (copied / "more").write_bytes(b"x")
    assert "not in the manifest" in damaged(copied, where)
    (copied / "more").unlink()

    desk = copied / "desk.db"
    kept = desk.read_bytes()
    desk.write_bytes(kept[:100] + bytes([kept[100] ^ 1]) + kept[101:])
    assert "desk.db is not what was backed up" in damaged(copied, where)
    desk.unlink()
    assert "desk.db is missing" in damaged(copied, where)
    desk.symlink_to(copied / "chain.db")
    assert "desk.db is missing" in damaged(copied, where)


def test_a_manifest_cannot_point_outside(copied: Path) -> None:
    told = json.loads((copied / FILE_NAME).read_text())
    told["files"].append({"path": "../escaped", "size": 1, "sha256": "00" * 32})
    (copied / FILE_NAME).write_text(json.dumps(told))
    (copied.parent / "escaped").write_bytes(b"x")
    with pytest.raises(DamagedBackup, match="escaped is missing"):
        check(copied, read(copied))


def test_another_manifest_has_another_digest(copied: Path, backup: Path, tmp_path: Path) -> None:
    where = tmp_path / "new" / "ledger"
    digest = read(backup).digest()
    told = json.loads((copied / FILE_NAME).read_text())
    told["made_at"] += 1
    (copied / FILE_NAME).write_text(json.dumps(told))
    _, said = restored(copied, where, "--digest", digest, expect=REFUSED)
    assert "somebody altered it" in said
    assert restored(backup, where, "--digest", digest)


def test_nothing_is_overwritten(written: Person, backup: Path, tmp_path: Path) -> None:
    where = tmp_path / "full"
    where.mkdir()
    (where / "something").write_text("precious")
    _, said = restored(backup, where, expect=REFUSED)
    assert "is not empty" in said
    assert [file.name for file in where.iterdir()] == ["something"]
    refused = written.run("backup", backup, "--keys", expect=REFUSED)
    assert "exists already" in refused.err
    read(backup)


def test_a_backup_that_breaks_off_leaves_nothing(
    written: Person, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> Iterator[object]:
        raise OSError(28, "No space left on device", "desk.db")

    monkeypatch.setattr(making, "_copy_desk", full)
    refused = written.run("backup", tmp_path / "broken", "--keys", expect=UNAVAILABLE)
    assert "no space is left" in refused.err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(shutil.which("prlimit") is None, reason="prlimit is not here")
def test_a_full_disk_is_named_with_the_file_and_nothing_is_left(
    written: Person, backup: Path, tmp_path: Path
) -> None:
    """As large as a file may be is as full as a disk may be: also within what SQLite writes."""
    largest = max(file.stat().st_size for file in backup.iterdir() if file.is_file())
    full = ("prlimit", f"--fsize={largest - 4096}")
    refused = written.spawn(
        "backup", tmp_path / "b", "--keys", expect=UNAVAILABLE, prefix=full
    ).err.splitlines()
    assert re.fullmatch(r"✗ .*chain\.db: no space is left", refused[0])
    assert refused[1].strip() == "→ free some space and try again"
    again = Person(tmp_path / "again")
    refused = again.spawn("restore", backup, expect=UNAVAILABLE, prefix=full).err.splitlines()
    assert re.fullmatch(r"✗ .*chain\.db: no space is left", refused[0])
    assert len(refused) == 2
    assert list(tmp_path.iterdir()) == []


def test_a_chain_that_cannot_be_read_is_not_backed_up(written: Person, tmp_path: Path) -> None:
    person = written.copy(tmp_path / "damaged")
    chain = person.data_dir / "chain.db"
    with chain.open("r+b") as file:
        file.truncate(chain.stat().st_size // 2)
    refused = person.spawn("backup", tmp_path / "b", "--keys", expect=REFUSED)
    assert "chain.db cannot be copied" in refused.err
    assert "govledger chain fsck" in refused.err
    assert not (tmp_path / "b").exists()


def test_keys_are_for_their_owner_alone_wherever_they_are(
    written: Person, backup: Path, tmp_path: Path
) -> None:
    there, _ = restored(backup, tmp_path / "there")
    for place in (written.data_dir, backup, there.data_dir):
        assert stat.S_IMODE((place / "keys").stat().st_mode) == 0o700
        assert {stat.S_IMODE(file.stat().st_mode) for file in (place / "keys").iterdir()} == {0o600}


def test_an_empty_directory_is_filled_where_nobody_may_write_beside_it(
    backup: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a volume that is mounted there would be: it is not replaced."""
    where = tmp_path / "volume"
    where.mkdir()
    number = where.stat().st_ino
    there, _ = restored(backup, where)
    assert where.stat().st_ino == number
    assert [one.name for one in tmp_path.iterdir()] == ["volume"]
    assert there.run("mirror", "verify").code == 0

    moved: list[str] = []
    real = Path.replace

    def breaks(self: Path, target: Path) -> Path:
        moved.append(self.name)
        if self.name == "deployment.json":
            raise OSError(errno.EIO, "Input/output error", str(self))
        return real(self, target)

    monkeypatch.setattr(Path, "replace", breaks)
    empty = tmp_path / "other"
    empty.mkdir()
    with pytest.raises(OSError, match="Input/output"):
        put_back(backup, read(backup), empty)
    assert moved[-1] == "deployment.json"
    assert list(empty.iterdir()) == []


@pytest.mark.parametrize(
    "settings",
    ['passphrase = """\nhidden"""\n', "[[passphrase]]\nhidden = 1\n"],
)
def test_a_passphrase_that_cannot_be_left_out_stops_the_backup(
    tmp_path: Path, settings: str
) -> None:
    config = tmp_path / "config.toml"
    config.write_text(settings, "utf-8")
    with pytest.raises(BackupError, match="cannot be left out"):
        making._without_passphrase(config)
    config.write_text("\"passphrase\" = 'hidden'\nport = 1\n", "utf-8")
    assert making._without_passphrase(config) == "port = 1\n"


@pytest.mark.parametrize(
    ("name", "words"), [("nothing", "there is no "), ("backup.tar.gz", " is a file")]
)
def test_what_is_no_directory_is_told_from_a_broken_backup(
    tmp_path: Path, name: str, words: str
) -> None:
    (tmp_path / "backup.tar.gz").write_bytes(b"\x1f\x8b")
    _, said = restored(tmp_path / name, tmp_path / "there", expect=REFUSED)
    assert words in said
    assert "unpack an archive" in said


def test_a_chain_that_was_rewritten_does_not_verify(copied: Path, tmp_path: Path) -> None:
    """Whoever alters a file and the manifest with it is found by what the backup knew of the log."""
    told = json.loads((copied / FILE_NAME).read_text())
    told["checkpoint"]["root"] = "0x" + "11" * 32
    (copied / FILE_NAME).write_text(json.dumps(told))
    _, said = restored(copied, tmp_path / "new" / "ledger", expect=NOT_PROVEN)
    assert "does not verify" in said


def test_an_older_desk_is_brought_up_to_date(copied: Path, tmp_path: Path) -> None:
    older = revisions("desk")[-2]
    place = tmp_path / "older.db"
    engine = create_at(f"sqlite:///{place}", "desk", older)
    assert engine is not None
    engine.dispose()
    (copied / "desk.db").write_bytes(place.read_bytes())
    told = json.loads((copied / FILE_NAME).read_text())
    for file in told["files"]:
        if file["path"] == "desk.db":
            file["size"] = place.stat().st_size
            file["sha256"] = hashlib.sha256(place.read_bytes()).hexdigest()
    (copied / FILE_NAME).write_text(json.dumps(told))
    person, _ = restored(copied, tmp_path / "new" / "ledger")
    connection = sqlite3.connect(person.data_dir / "desk.db")
    (version,) = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    connection.close()
    assert version == revisions("desk")[-1]


def test_a_desk_in_postgresql_is_kept_as_rows(
    built_office: Person, make_database: Callable[[], str], tmp_path: Path
) -> None:
    person = built_office.copy(tmp_path / "ledger")
    for file in person.data_dir.glob("desk.db*"):
        file.unlink()
    person.more["GOVLEDGER_DESK_URL"] = make_database()
    person.run(*SUSPEND)
    told = person.run("backup", tmp_path / "backup", "--keys", "--json").json()["manifest"]
    assert (told["desk"], told["desk_revision"]) == ("rows", revisions("desk")[-1])

    other = Person(tmp_path / "new" / "ledger", more={"GOVLEDGER_DESK_URL": make_database()})
    other.run("restore", tmp_path / "backup")
    other.run("catalogue", "resume", PUBLISHED, "--key", "authority")
    again = Person(tmp_path / "again" / "ledger", more=dict(other.more))
    refused = again.run("restore", tmp_path / "backup", expect=REFUSED)
    assert "holds something already" in refused.err

    plain = Person(tmp_path / "plain" / "ledger")
    plain.run("restore", tmp_path / "backup")
    plain.run("catalogue", "resume", PUBLISHED, "--key", "authority")

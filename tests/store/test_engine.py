"""Opening databases: what is there afterwards, and what is said when it cannot be."""

from __future__ import annotations

import importlib
import pkgutil
import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import MetaData, event, insert, inspect, select, text

import api
import ledger
from ledger.mirror.tables import flag
from ledger.store.engine import FAMILIES, MIGRATIONS, Family, open_database, revisions, writing
from ledger.store.errors import (
    CorruptStoreError,
    ForeignStoreError,
    FullStoreError,
    LockedStoreError,
    NewerStoreError,
    UnreachableStoreError,
)
from ledger.store.tables import DeskTable, MirrorTable

METADATA: dict[Family, MetaData] = {"mirror": MirrorTable.metadata, "desk": DeskTable.metadata}


def load_every_table() -> None:
    """Import each module, for any may define a table."""
    for package in (ledger, api):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if not module.name.endswith("__main__") and ".migrations." not in module.name:
                importlib.import_module(module.name)


def url_of(path: Path) -> str:
    return f"sqlite:///{path}"


@pytest.mark.parametrize("family", FAMILIES)
def test_the_migrated_schema_is_the_one_the_tables_describe(
    family: Family, database_url: str
) -> None:
    load_every_table()
    engine = open_database(database_url, family)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, METADATA[family]) == []
        present = set(inspect(connection).get_table_names()) - {"alembic_version"}
    assert present == set(METADATA[family].tables)
    engine.dispose()


@pytest.mark.parametrize("family", FAMILIES)
def test_revisions_form_one_line_in_the_order_of_their_files(family: Family) -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.set_main_option("version_locations", str(MIGRATIONS / family))
    config.set_main_option("path_separator", "newline")
    line = [script.revision for script in ScriptDirectory.from_config(config).walk_revisions()]
    assert line[::-1] == revisions(family)


def test_a_second_opening_finds_everything_in_place(database_url: str) -> None:
    open_database(database_url, "mirror").dispose()
    engine = open_database(database_url, "mirror")
    with engine.connect() as connection:
        found = connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one()
    assert found == revisions("mirror")[-1]
    engine.dispose()


def test_two_programs_may_open_a_new_database_at_the_same_time(database_url: str) -> None:
    failures: list[BaseException] = []

    def open_it() -> None:
        try:
            open_database(database_url, "mirror").dispose()
        except BaseException as error:  # noqa: BLE001  (handed to the test's own thread)
            failures.append(error)

    threads = [threading.Thread(target=open_it) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


def test_threads_may_open_new_databases_at_the_same_time(tmp_path: Path) -> None:
    """A server's drills open a database of their own while others do."""
    start = threading.Barrier(4)

    def opened(number: int) -> set[str]:
        start.wait()
        engine = open_database(f"sqlite:///{tmp_path / str(number)}.db", FAMILIES[number % 2])
        try:
            return set(inspect(engine).get_table_names())
        finally:
            engine.dispose()

    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(opened, range(4)))
    assert found[0] == found[2] != found[1] == found[3]
    assert set(MirrorTable.metadata.tables) < found[0]
    assert set(DeskTable.metadata.tables) < found[1]


def test_a_newer_database_is_refused_and_left_alone(database_url: str) -> None:
    engine = open_database(database_url, "mirror")
    with writing(engine) as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = 'mirror_9999'"))
    engine.dispose()
    with pytest.raises(NewerStoreError, match=r"mirror_9999.*use the newer program"):
        open_database(database_url, "mirror")


def test_a_mirror_is_not_opened_as_a_desk(database_url: str) -> None:
    open_database(database_url, "mirror").dispose()
    with pytest.raises(ForeignStoreError, match="not a desk database"):
        open_database(database_url, "desk")


def test_a_file_that_is_no_database_is_named(tmp_path: Path) -> None:
    place = tmp_path / "mirror.db"
    place.write_bytes(b"this is a letter, not a database" * 200)
    with pytest.raises(CorruptStoreError, match=r"mirror\.db is no SQLite database"):
        open_database(url_of(place), "mirror")
    assert place.read_bytes().startswith(b"this is a letter")


def test_a_damaged_page_is_reported_as_damage(tmp_path: Path) -> None:
    place = tmp_path / "mirror.db"
    engine = open_database(url_of(place), "mirror")
    with writing(engine) as connection:
        connection.exec_driver_sql("CREATE TABLE letters (words TEXT)")
        connection.exec_driver_sql("INSERT INTO letters VALUES (hex(randomblob(20000)))")
    engine.dispose()
    raw = bytearray(place.read_bytes())
    raw[4096:] = b"\xff" * (len(raw) - 4096)
    place.write_bytes(raw)
    with pytest.raises(CorruptStoreError, match="damaged"):
        open_database(url_of(place), "mirror")


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("mirror.db", "not a database URL"),
        ("postgresql:/nobody:secret@127.0.0.1/none", "not a database URL"),
        ("postgresql://127.0.0.1:1/none?user=nobody&password=secret", "cannot be reached"),
        ("sqlite://", "needs a file"),
        ("sqlite:////nowhere/at/all/mirror.db", "see that its directory exists"),
        ("mysql://127.0.0.1/x", "not supported"),
        ("postgresql://nobody:secret@127.0.0.1:1/none", "cannot be reached"),
    ],
)
def test_an_address_that_leads_nowhere_says_so(url: str, words: str) -> None:
    with pytest.raises(UnreachableStoreError, match=words) as caught:
        open_database(url, "mirror")
    assert "secret" not in str(caught.value)


def test_a_database_held_by_another_process_is_reported_after_the_wait(tmp_path: Path) -> None:
    place = tmp_path / "desk.db"
    engine = open_database(url_of(place), "mirror", busy_timeout_ms=50)
    other = sqlite3.connect(place, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(LockedStoreError, match="held by another process"), writing(engine):
        pass
    other.close()
    with writing(engine) as connection:
        connection.exec_driver_sql("CREATE TABLE free_again (x INTEGER)")
    engine.dispose()


def test_a_failed_write_leaves_nothing_behind(database_url: str) -> None:
    engine = open_database(database_url, "mirror")

    def write_and_fail() -> None:
        with writing(engine) as connection:
            connection.execute(insert(flag), [{"index_": 1, "source": "x", "reason": "y"}])
            raise RuntimeError("half-way")

    with pytest.raises(RuntimeError, match="half-way"):
        write_and_fail()
    with engine.connect() as connection:
        assert connection.execute(select(flag)).all() == []
    engine.dispose()


@pytest.mark.parametrize(
    ("value", "kept", "kind"),
    [
        (None, None, "null"),
        (True, 1, "integer"),
        (False, 0, "integer"),
        (b"", b"", "blob"),
        (b"\0\xff", b"\0\xff", "blob"),
        ("", "", "text"),
    ],
)
def test_sqlite_keeps_a_value_as_what_it_is(
    tmp_path: Path, value: object, kept: object, kind: str
) -> None:
    engine = open_database(f"sqlite:///{tmp_path / 'desk.db'}", "desk")
    with engine.connect() as conn:
        assert conn.exec_driver_sql("SELECT ?1, typeof(?1)", (value,)).one() == (kept, kind)
    engine.dispose()


def test_a_full_disk_is_reported_and_the_database_survives(tmp_path: Path) -> None:
    url = url_of(tmp_path / "mirror.db")
    engine = open_database(url, "mirror")
    # SQLite's own limit of pages behaves as a disk that is full.
    event.listen(
        engine, "connect", lambda raw, _: raw.execute("PRAGMA max_page_count = 80").fetchall()
    )
    engine.dispose()

    def fill() -> None:
        with writing(engine) as connection:
            connection.exec_driver_sql("CREATE TABLE filler (x BLOB)")
            for _ in range(100):
                connection.exec_driver_sql("INSERT INTO filler VALUES (randomblob(100000))")

    with pytest.raises(FullStoreError, match=r"was not written, .*free some space"):
        fill()
    engine.dispose()
    again = open_database(url, "mirror")
    assert "filler" not in inspect(again).get_table_names()
    again.dispose()

"""Whatever is changed in the file is found, and named."""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path

import pytest

from ledger.chain.embedded import EmbeddedChain, IntegrityReport
from ledger.chain.embedded.integrity import fsck, replay
from ledger.chain.embedded.store import Store
from tests.chain.embedded.machine_code import CHAIN_ID, REVERTER, STORE, Sender, logger, word

COLUMNS = {
    "genesis": ["chain_id", "gas_limit", "timestamp"],
    "head": ["number", "hash"],
    "node": ["key", "value"],
    "block": ["number", "hash", "parent_hash", "timestamp", "header"],
    "transact": [
        "id",
        "hash",
        "sender",
        "raw",
        "succeeded",
        "gas_used",
        "cumulative_gas",
        "created",
        "output",
    ],
    "log": ["id", "position", "address", "topic0", "topic1", "topic2", "topic3", "data"],
}
CASES = [(table, column) for table, columns in COLUMNS.items() for column in columns]


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A chain with calls, creations, reverts and logs of every number of topics."""
    path = tmp_path_factory.mktemp("sound") / "chain.db"
    with EmbeddedChain.open(path, CHAIN_ID, create=True) as chain:
        sender = Sender(chain)
        store, reverter = sender.deploy(STORE), sender.deploy(REVERTER)
        events = [sender.deploy(logger(topics)) for topics in range(5)]
        for n in range(6):
            raws = [sender.sign(store, word(n) + word(n + 1)), sender.sign(reverter, b"no")]
            raws += [sender.sign(event, b"".join(map(word, range(9)))) for event in events]
            chain.send_many(raws)
    return path


@pytest.fixture
def copy(sound: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(sound, tmp_path / "chain.db"))


def _report(path: Path) -> IntegrityReport:
    """What fsck says, and where it is satisfied, what replay says."""
    store = Store(path)
    try:
        report = fsck(store)
        return replay(store) if report.sound else report
    finally:
        store.close()


def _change(path: Path, sql: str) -> int:
    connection = sqlite3.connect(path)
    connection.create_function("longer", 1, lambda value: (value or b"") + b"\x07")
    changed = connection.execute(sql).rowcount
    connection.commit()
    connection.close()
    return changed


def test_a_sound_store_is_found_sound_and_counted(copy: Path):
    seen: list[tuple[str, int, int]] = []
    with EmbeddedChain.open(copy, CHAIN_ID) as chain:
        checked = chain.fsck(lambda *told: seen.append(told))
        again = chain.replay(lambda *told: seen.append(told))
        assert checked.sound
        assert again.sound
        assert checked.blocks == again.blocks == chain.head().number + 1 == 14
        assert checked.transactions == again.transactions == 49
        assert checked.logs == again.logs == 30
        assert checked.nodes == again.nodes > 50
    assert {what for what, _, _ in seen} == {"nodes", "blocks", "state"}
    assert ("blocks", 14, 14) in seen
    assert sorted(one.name for one in copy.parent.iterdir()) == ["chain.db", "chain.db.lock"]


def test_the_cases_cover_every_column_of_every_table(copy: Path):
    connection = sqlite3.connect(copy)
    tables = [
        row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type='table'")
    ]
    columns = {
        table: [
            row[1]
            for row in connection.execute(f"PRAGMA table_info({table})")
            if (table, row[1]) not in {("genesis", "id"), ("head", "id")}
        ]
        for table in tables
    }
    connection.close()
    assert columns == COLUMNS


@pytest.mark.parametrize(("table", "column"), CASES)
def test_a_changed_value_is_found_whatever_column_it_is_in(copy: Path, table: str, column: str):
    new = (
        f"{column} + 1000000"
        if column in {"chain_id", "gas_limit", "number", "gas_used", "cumulative_gas", "id"}
        else f"1 - {column}"
        if column == "succeeded"
        else f"{column} + 1"
        if column in {"timestamp", "position"}
        else f"longer({column})"
    )
    key = {"node": "key", "transact": "id", "log": "id", "block": "number"}.get(table, "id")
    last = f"{key} = (SELECT max({key}) FROM {table})"  # noqa: S608
    assert _change(copy, f"UPDATE {table} SET {column} = {new} WHERE {last}") == 1  # noqa: S608
    report = _report(copy)
    assert report.problems
    assert all(report.problems)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (
            "UPDATE log SET data = x'99' WHERE id >> 24 = 9 AND id & 16777215 = 2",
            "block 9: its receipts and logs do not give the receipt root",
        ),
        ("DELETE FROM log WHERE id >> 24 = 9", "block 9: its receipts and logs do not give"),
        (
            "UPDATE transact SET succeeded = 1, output = x'' WHERE id >> 20 = 10 AND succeeded = 0",
            "block 10: its receipts and logs do not give the receipt root",
        ),
        ("DELETE FROM transact WHERE id >> 20 = 9", "block 9: its transactions do not give"),
        ("DELETE FROM block WHERE number = 3", "block 3 is missing"),
        ("UPDATE head SET number = 5", "the head is not the last block"),
        (
            "UPDATE transact SET output = x'6c6965' WHERE id >> 20 = 9 AND succeeded = 0",
            "block 9, executed again: the row of transaction 1 is not the one that follows",
        ),
        (
            "UPDATE log SET topic0 = x'00', topic1 = NULL WHERE id >> 24 = 9 AND topic1 IS NOT NULL",
            "block 9: its receipts and logs do not give the receipt root",
        ),
        (
            "INSERT INTO log VALUES (99 << 24, 0, x'01', NULL, NULL, NULL, NULL, x'')",
            "belongs to no block",
        ),
        (
            "INSERT INTO transact VALUES (99 << 20, x'0b', x'', x'00', 1, 1, 1, x'', x'')",
            "belongs to no block",
        ),
    ],
)
def test_a_change_is_named_by_its_block(copy: Path, change: str, words: str):
    assert _change(copy, change) >= 1
    assert any(words in problem for problem in _report(copy).problems)


@pytest.mark.parametrize("part", range(1, 8))
def test_a_file_that_the_disk_damaged_is_reported_and_not_given_up_on(copy: Path, part: int):
    size = copy.stat().st_size
    with copy.open("r+b") as file:
        file.seek(size * part // 8 // 4096 * 4096)
        file.write(b"\xa5" * 4096)
    store = Store(copy)
    try:
        checked, executed = fsck(store), replay(store)
    finally:
        store.close()
    assert checked.problems
    assert all(problem.strip() for problem in checked.problems + executed.problems)


def test_a_tampered_node_is_named_by_its_key(copy: Path):
    connection = sqlite3.connect(copy)
    key = connection.execute("SELECT key FROM node ORDER BY key LIMIT 1 OFFSET 7").fetchone()[0]
    connection.execute("UPDATE node SET value = zeroblob(40) WHERE key = ?", (key,))
    connection.commit()
    connection.close()
    assert f"node 0x{key.hex()} does not have that hash" in _report(copy).problems


def test_a_node_that_is_gone_from_the_newest_state_is_named(copy: Path):
    connection = sqlite3.connect(copy)
    keys = {row[0] for row in connection.execute("SELECT key FROM node")}
    missed = 0
    for key in sorted(keys)[::4]:
        value = connection.execute("SELECT value FROM node WHERE key=?", (key,)).fetchone()[0]
        connection.execute("DELETE FROM node WHERE key=?", (key,))
        connection.commit()
        fresh = Store(copy)
        problems = fsck(fresh).problems
        fresh.close()
        missed += not problems
        assert not problems or any(key.hex() in problem for problem in problems)
        connection.execute("INSERT INTO node VALUES (?,?)", (key, value))
        connection.commit()
    connection.close()
    # Some belong to older states only, which need not be whole for the chain to go on.
    assert 0 < missed < len(keys) / 4

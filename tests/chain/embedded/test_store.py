"""The file: what survives, who may write, and what is refused with a way out."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from ledger.chain.embedded import (
    ChainClosed,
    ChainConflict,
    ChainCorrupt,
    ChainFull,
    ChainLocked,
    ChainMismatch,
    ChainMissing,
    ChainTooNew,
    EmbeddedChain,
)
from ledger.chain.interface import ChainError
from tests.chain.embedded.machine_code import CHAIN_ID, STORE, Sender, logger, word

ROOT = Path(__file__).resolve().parents[3]

WRITER = textwrap.dedent("""
    import sys
    from pathlib import Path
    from ledger.chain.embedded import EmbeddedChain
    from tests.chain.embedded.machine_code import CHAIN_ID, Sender, word

    with EmbeddedChain.open(Path(sys.argv[1]), CHAIN_ID) as chain:
        sender = Sender(chain)
        store = bytes.fromhex(sys.argv[2])
        print("open", chain.head().number, flush=True)
        while True:
            raws = [sender.sign(store, word(sender.nonce) + word(1)) for _ in range(3)]
            for sent in chain.send_many(raws):
                print(sent.hex(), flush=True)
""")


def _start(script: str, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", script, *arguments], cwd=ROOT, text=True, stdout=subprocess.PIPE
    )


def test_killing_the_writer_loses_no_acknowledged_block(path: Path):
    with EmbeddedChain.open(path, CHAIN_ID, create=True) as chain:
        store = Sender(chain).deploy(STORE)
    acknowledged: list[bytes] = []
    chance = random.Random(8)  # noqa: S311
    for _ in range(8):
        with _start(WRITER, str(path), store.hex()) as writer:
            assert writer.stdout is not None
            assert writer.stdout.readline().startswith("open")
            time.sleep(0.05 + 0.3 * chance.random())
            writer.send_signal(signal.SIGKILL)
            acknowledged += [bytes.fromhex(line) for line in writer.stdout if len(line) == 65]
    assert len(acknowledged) > 16
    with EmbeddedChain.open(path, CHAIN_ID) as chain:
        for sent in acknowledged:
            outcome = chain.outcome(sent)
            assert outcome is not None
            assert outcome.succeeded
        assert chain.fsck().sound
        assert chain.replay().sound
        Sender(chain).send(store, word(10**6) + word(2))


def test_a_second_writer_is_refused_and_told_who_writes(path: Path):
    with EmbeddedChain.open(path, CHAIN_ID, create=True) as chain:
        store = Sender(chain).deploy(STORE)
    with _start(WRITER, str(path), store.hex()) as writer:
        assert writer.stdout is not None
        writer.stdout.readline()
        with pytest.raises(ChainLocked, match=f"written by process {writer.pid}") as refusal:
            EmbeddedChain.open(path, CHAIN_ID)
        assert refusal.value.pid == writer.pid
        writer.kill()
    with EmbeddedChain.open(path, CHAIN_ID) as chain:
        with pytest.raises(ChainLocked) as refusal:
            EmbeddedChain.open(path, CHAIN_ID)
        assert refusal.value.pid == os.getpid()
        Sender(chain).send(store, word(10**6) + word(2))


def test_a_writer_that_got_past_the_lock_cannot_fork_the_chain(path: Path):
    with EmbeddedChain.open(path, CHAIN_ID, create=True) as chain:
        sender = Sender(chain)
        sender.send(sender.address)
        path.with_name("chain.db.lock").unlink()
        with EmbeddedChain.open(path, CHAIN_ID) as intruder:
            Sender(intruder, 2).send(sender.address)
            with pytest.raises(ChainConflict, match="head is no longer block 1"):
                sender.send(sender.address)
            assert intruder.head().number == 2
            assert intruder.fsck().sound


def test_a_chain_is_the_same_after_it_was_closed_and_opened(path: Path):
    with EmbeddedChain.open(path, CHAIN_ID, create=True) as chain:
        sender = Sender(chain)
        store, event = sender.deploy(STORE), sender.deploy(logger(2))
        for n in range(5):
            sender.send(store, word(n) + word(n + 1))
            sender.send(event, word(n) + word(7) + b"data")
        before = chain.head(), chain.logs(event, 0, 12)
    assert sorted(one.name for one in path.parent.iterdir()) == ["chain.db", "chain.db.lock"]
    with EmbeddedChain.open(path, CHAIN_ID, create=True) as chain:
        assert (chain.head(), chain.logs(event, 0, 12)) == before
        assert chain.call(store, word(4)) == word(5)
        assert chain.nonce(sender.address) == sender.nonce


def test_a_full_disk_is_named_and_writes_nothing(chain: EmbeddedChain, sender: Sender):
    store = sender.deploy(STORE)
    event = sender.deploy(logger(1))
    writer = chain.store._writer
    pages = writer.execute("PRAGMA page_count").fetchone()[0]
    head, nonce = chain.head(), sender.nonce
    writer.execute(f"PRAGMA max_page_count={pages}")
    large = word(1) + bytes(20_000)
    with pytest.raises(ChainFull, match="free disk space and send again"):
        sender.send(event, large)
    sender.nonce = nonce
    results = chain.send_many([sender.sign(event, large), sender.sign(store, word(1) + word(2))])
    assert [type(result) for result in results] == [ChainFull, ChainFull]
    assert chain.head() == head
    assert chain.fsck().sound
    writer.execute("PRAGMA max_page_count=1000000")
    sender.nonce = nonce
    sender.send(event, large)
    assert chain.head().number == head.number + 1
    assert len(chain.logs(event, 0, head.number + 1)) == 1
    assert chain.replay().sound


def test_a_chain_of_another_id_is_refused(path: Path):
    EmbeddedChain.open(path, CHAIN_ID, create=True).close()
    for create in (False, True):
        with pytest.raises(ChainMismatch, match=r"is chain 26476, but chain 5 .*GOVLEDGER_CHAIN"):
            EmbeddedChain.open(path, 5, create=create)
    EmbeddedChain.open(path, CHAIN_ID).close()


def test_where_there_is_no_chain_none_is_made_unasked(tmp_path: Path):
    for where in (tmp_path / "chain.db", tmp_path / "absent" / "chain.db"):
        with pytest.raises(ChainMissing, match="govledger init"):
            EmbeddedChain.open(where, CHAIN_ID)
        assert not where.exists()
    (tmp_path / "chain.db").touch()
    with pytest.raises(ChainMissing, match="is empty"):
        EmbeddedChain.open(tmp_path / "chain.db", CHAIN_ID)


def test_a_file_that_is_no_chain_is_refused_and_left_alone(path: Path):
    path.write_bytes(b"not a database" * 1_000)
    with pytest.raises(ChainCorrupt, match="damaged"):
        EmbeddedChain.open(path, CHAIN_ID, create=True)
    assert path.read_bytes() == b"not a database" * 1_000
    path.unlink()
    with sqlite3.connect(path) as other:
        other.execute("CREATE TABLE visitors (name TEXT)")
    other.close()
    with pytest.raises(ChainCorrupt, match="not a chain of this program"):
        EmbeddedChain.open(path, CHAIN_ID, create=True)


def test_a_store_of_a_newer_release_is_refused(path: Path):
    EmbeddedChain.open(path, CHAIN_ID, create=True).close()
    _change(path, "PRAGMA user_version=99")
    with pytest.raises(ChainTooNew, match=r"format 99.*upgrade govledger"):
        EmbeddedChain.open(path, CHAIN_ID)


def test_a_truncated_file_is_refused(path: Path):
    with EmbeddedChain.open(path, CHAIN_ID, create=True) as chain:
        sender = Sender(chain)
        store = sender.deploy(STORE)
        for n in range(60):
            sender.send(store, word(n) + word(1))
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ChainError, match=r"chain\.db.*(damaged|backup)"):
        _open_and_look(path)


def _open_and_look(path: Path) -> None:
    with EmbeddedChain.open(path, CHAIN_ID) as chain:
        chain.fsck()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("UPDATE block SET header=zeroblob(20) WHERE number=1", "no header"),
        ("UPDATE block SET header=(SELECT header FROM block WHERE number=0)", "does not have its"),
        ("UPDATE block SET hash=x'00' WHERE number=0", "block 0 does not follow"),
        ("UPDATE head SET hash=x'00'", "the head names a block that is not here"),
        ("UPDATE genesis SET gas_limit=1", "block 0 does not follow"),
        ("DELETE FROM genesis", "lost its genesis row"),
        ("DELETE FROM node", "lacks the node 0x"),
    ],
)
def test_a_store_that_cannot_go_on_is_refused_when_it_is_opened(
    path: Path, change: str, words: str
):
    with EmbeddedChain.open(path, CHAIN_ID, create=True) as chain:
        Sender(chain).deploy(STORE)
    _change(path, change)
    with pytest.raises(ChainCorrupt, match=words):
        EmbeddedChain.open(path, CHAIN_ID)


def test_a_tampered_node_is_never_answered_from(path: Path):
    with EmbeddedChain.open(path, CHAIN_ID, create=True) as chain:
        sender = Sender(chain)
        store = sender.deploy(STORE)
        sender.send(store, word(1) + word(7))
        account = chain.account()
        code = account.get_code_hash(store)
    _change(path, "UPDATE node SET value=? WHERE key=?", (b"\x00", code))
    with EmbeddedChain.open(path, CHAIN_ID) as chain:
        for ask in (lambda: chain.call(store, word(1)), lambda: chain.code(store)):
            with pytest.raises(ChainCorrupt, match=f"0x{code.hex()}") as refusal:
                ask()
            assert refusal.value.key == code
        with pytest.raises(ChainCorrupt, match=f"0x{code.hex()}"):
            Sender(chain).send(store, word(1) + word(8))
        assert chain.head().number == 2


def test_a_missing_node_is_named(path: Path):
    with EmbeddedChain.open(path, CHAIN_ID, create=True) as chain:
        sender = Sender(chain)
        store = sender.deploy(STORE)
        sender.send(store, word(1) + word(7))
        root = chain.account()._get_account(store).storage_root
    _change(path, "DELETE FROM node WHERE key=?", (root,))
    with EmbeddedChain.open(path, CHAIN_ID) as chain:
        with pytest.raises(ChainCorrupt, match=f"lacks the node 0x{root.hex()}") as refusal:
            chain.call(store, word(1))
        assert refusal.value.key == root
        with pytest.raises(ChainCorrupt, match=f"0x{root.hex()}"):
            Sender(chain).send(store, word(1) + word(8))
        answer = chain.rpc.handle(
            {
                "jsonrpc": "2.0",
                "id": 1,
                "method": "eth_getProof",
                "params": ["0x" + store.hex(), ["0x1"], "latest"],
            }
        )
        assert root.hex() in answer["error"]["message"]


def test_a_closed_chain_says_so(path: Path):
    chain = EmbeddedChain.open(path, CHAIN_ID, create=True)
    raw = Sender(chain).sign(bytes(20))
    chain.close()
    chain.close()
    for ask in (
        lambda: chain.send_raw(raw),
        lambda: chain.outcome(bytes(32)),
        lambda: chain.blocks([0]),
    ):
        with pytest.raises(ChainClosed, match="was closed: open the chain again"):
            ask()


def _change(path: Path, sql: str, values: tuple[bytes, ...] = ()) -> None:
    connection = sqlite3.connect(path)
    connection.execute(sql, values)
    connection.commit()
    connection.close()

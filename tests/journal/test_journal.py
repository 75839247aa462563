"""A journal keeps what it acknowledged, whoever dies when."""

from __future__ import annotations

import errno
import os
import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.journal import writing
from ledger.journal.committing import Committer
from ledger.journal.errors import (
    DamagedJournal,
    FullJournal,
    JournalError,
    UnknownEntry,
    UnwritableJournal,
)
from ledger.journal.fsck import check
from ledger.journal.journal import Checkpoint, Journal
from ledger.journal.layout import bundle_path, tile_name, tile_path
from ledger.merkle import EMPTY_ROOT, leaf_hash, root_of
from ledger.merkle_verify import verify_consistency, verify_inclusion

ORIGIN = "ledger.test/lineage"


@pytest.fixture
def journal(tmp_path: Path):
    with Journal.create(tmp_path / "journal", ORIGIN) as made:
        yield made


def told(count: int, start: int = 0) -> list[bytes]:
    return [f"entry {number} ".encode() * (number % 5) for number in range(start, start + count)]


def again(journal: Journal) -> Journal:
    return Journal(journal.place)


def test_an_empty_journal_has_the_empty_root(journal: Journal) -> None:
    assert journal.checkpoint() == Checkpoint(ORIGIN, 0, EMPTY_ROOT)
    assert list(journal.entries()) == []


def test_entries_come_back_byte_for_byte_and_the_root_is_theirs(journal: Journal) -> None:
    entries = told(700)
    for first in (0, 1, 255, 256, 300):
        end = {0: 1, 1: 255, 255: 256, 256: 300, 300: 700}[first]
        assert journal.append(entries[first:end]) == first
    assert list(journal.entries()) == entries
    assert journal.entry(513) == entries[513]
    assert list(journal.entries(250, 260)) == entries[250:260]
    with again(journal) as other:
        assert other.root() == root_of([leaf_hash(entry) for entry in entries])
        assert other.root(300) == root_of([leaf_hash(entry) for entry in entries[:300]])


def test_tiles_have_the_names_of_tlog_tiles() -> None:
    assert tile_name(5) == "005"
    assert tile_name(1_234_067) == "x001/x234/067"


def test_every_entry_is_proven_and_every_size_extends_the_one_before(journal: Journal) -> None:
    entries = told(520)
    journal.append(entries)
    root = journal.root()
    for position in (0, 255, 256, 511, 519):
        path = journal.inclusion(position)
        verify_inclusion(leaf_hash(entries[position]), position, 520, path, root)
    for old in (1, 256, 257, 519, 520):
        verify_consistency(old, 520, journal.consistency(old), journal.root(old), root)


@pytest.mark.parametrize(
    "question",
    [
        lambda journal: journal.entry(3),
        lambda journal: list(journal.entries(2, 9)),
        lambda journal: journal.root(4),
        lambda journal: journal.inclusion(3),
        lambda journal: journal.consistency(0),
    ],
)
def test_what_lies_beyond_the_size_is_refused(journal: Journal, question) -> None:
    journal.append(told(3))
    with pytest.raises(UnknownEntry):
        question(journal)


def test_a_directory_keeps_its_name(journal: Journal) -> None:
    with pytest.raises(JournalError, match=ORIGIN):
        Journal.create(journal.place, "another/name")
    with pytest.raises(JournalError, match="without blanks"):
        Journal.create(journal.place, "two words")
    with pytest.raises(JournalError, match="no journal"):
        Journal(journal.place / "elsewhere")


def test_two_writers_take_turns_and_readers_see_both(journal: Journal) -> None:
    with again(journal) as other:
        journal.append([b"a"])
        assert other.append([b"b"]) == 1
        assert journal.append([b"c"]) == 2
        assert list(journal.entries()) == list(other.entries()) == [b"a", b"b", b"c"]
        journal.append(told(300))
        other.append(told(300))
        assert journal.root() == other.root()
    assert not list(check(journal))


@given(
    size=st.integers(0, 20) | st.integers(250, 262) | st.integers(505, 520),
    cut=st.integers(0, 400),
    hashes=st.integers(0, 200),
)
@settings(max_examples=60, deadline=None)
def test_whatever_was_half_written_is_cut_and_nothing_acknowledged_is_lost(
    tmp_path_factory: pytest.TempPathFactory, size: int, cut: int, hashes: int
) -> None:
    place = tmp_path_factory.mktemp("cut")
    kept, more = told(size), told(30, start=size)
    with Journal.create(place, ORIGIN) as journal:
        if kept:
            journal.append(kept)
        before = (place / "size").read_bytes()
        journal.append(more)
    # As if the writer had died: of what came last, some bytes reached the disk, and no word of it.
    (place / "size").write_bytes(before)
    last = (size + len(more)) // 256
    for path, missing in ((bundle_path(place, last), cut), (tile_path(place, 0, last), hashes)):
        if size // 256 == last:
            whole = path.stat().st_size
            floor = sum(4 + len(entry) for entry in kept[last * 256 :])
            least = floor if path.name and "entries" in str(path) else (size - last * 256) * 32
            os.truncate(path, max(least, whole - missing))
    with Journal(place) as journal:
        assert list(journal.entries()) == kept
        first = journal.append([b"next"])
        assert first >= size
        entries = list(journal.entries())
        assert entries == [*(kept + more)[:first], b"next"]
        assert journal.root() == root_of([leaf_hash(entry) for entry in entries])
        assert not list(check(journal))


def test_a_journal_without_its_size_is_counted_again(journal: Journal) -> None:
    entries = told(600)
    journal.append(entries)
    (journal.place / "size").write_bytes(b"")
    shutil.rmtree(journal.place / "tile" / "1")
    with again(journal) as other:
        assert other.append([b"more"]) == 600
        assert list(other.entries()) == [*entries, b"more"]
        assert not list(check(other))


def test_acknowledged_entries_that_are_gone_stop_the_writer(journal: Journal) -> None:
    journal.append(told(20))
    os.truncate(bundle_path(journal.place, 0), 40)
    with again(journal) as other:
        with pytest.raises(DamagedJournal, match="20 were kept"):
            other.append([b"more"])
        with pytest.raises(DamagedJournal, match="ends before entry"):
            list(other.entries())


def test_fsck_names_the_entry_the_tile_and_the_anchor(journal: Journal) -> None:
    journal.append(told(600))
    anchors = [journal.checkpoint(size) for size in (100, 256, 599)]
    assert not list(check(journal, anchors))
    bundle = bundle_path(journal.place, 1)
    data = bytearray(bundle.read_bytes())
    data[-1] ^= 1
    bundle.write_bytes(data)
    tile = tile_path(journal.place, 1, 0)
    tile.write_bytes(tile.read_bytes()[:32] + bytes(32))
    found = [(one.what, one.position) for one in check(journal, anchors)]
    assert found == [("entry", 511), ("checkpoint", 599), ("tile", 256)]
    longer = Checkpoint(ORIGIN, 700, bytes(32))
    assert ("checkpoint", 700) in [(one.what, one.position) for one in check(journal, [longer])]


def test_a_full_disk_is_told_and_the_next_entries_are_kept(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal.append(told(3))
    real = os.pwrite
    budget = [60]

    def short(handle: int, data, offset: int) -> int:
        taken = min(len(data), budget[0])
        budget[0] -= taken
        if not taken:
            raise OSError(28, "No space left on device")
        return real(handle, bytes(data)[:taken], offset)

    monkeypatch.setattr(os, "pwrite", short)
    with pytest.raises(UnwritableJournal, match="No space left"):
        journal.append([b"x" * 100])
    monkeypatch.undo()
    assert journal.append([b"after"]) == 3
    assert list(journal.entries(3)) == [b"after"]
    assert not list(check(journal))


def test_a_sync_that_fails_in_any_thread_keeps_nothing_of_it(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal.append(told(250))
    asked: list[int] = []
    failing = [1]
    sync = os.fdatasync

    def fails_once(handle: int) -> None:
        asked.append(handle)
        if len(asked) == failing[0]:
            raise OSError(errno.EIO, "the disk does not answer")
        sync(handle)

    monkeypatch.setattr(os, "fdatasync", fails_once)
    for failing[0] in (1, 2, 3, 4):
        asked.clear()
        with pytest.raises(UnwritableJournal):
            journal.append(told(300, 250))
        # all of one append is handed to the disk before any of it is waited for
        assert len(asked) > 4
        assert journal.size == 250
    failing[0] = 0
    assert journal.append(told(300, 250)) == 250
    assert list(journal.entries()) == told(550)
    assert list(check(journal)) == []


def test_a_next_bundle_that_cannot_be_made_is_told_and_made_later(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin = writing._Growing.__init__
    second = bundle_path(journal.place, 1)
    refused = [{second}, {tile_path(journal.place, 0, 1)}]

    def refuses(growing: Any, path: Path, length: int) -> None:
        if path in refused[-1]:
            raise OSError(errno.ENOSPC, "no space left")
        begin(growing, path, length)

    monkeypatch.setattr(writing._Growing, "__init__", refuses)
    while refused:
        with pytest.raises(UnwritableJournal):
            journal.append(told(300))
        assert journal.size == 0
        assert not second.exists()
        refused.pop()
    monkeypatch.undo()
    assert journal.append(told(300)) == 0
    assert list(journal.entries()) == told(300)


def test_the_checkpoint_is_written_as_tlog_checkpoints_are(journal: Journal) -> None:
    journal.append([b"a"])
    journal.write_checkpoint(journal.checkpoint())
    lines = (journal.place / "checkpoint").read_text("utf-8").split("\n")
    assert lines[:2] == [ORIGIN, "1"]
    assert len(lines[2]) == 44


def test_many_callers_share_one_sync(journal: Journal) -> None:
    committer = Committer(journal)
    positions: list[int] = []

    def call(number: int) -> None:
        positions.extend(committer.keep([f"{number}/{turn}".encode()]) for turn in range(20))

    threads = [threading.Thread(target=call, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    committer.start()
    for thread in threads:
        thread.join()
    committer.end()
    assert sorted(positions) == list(range(160))
    assert sorted(journal.entries()) == sorted(
        f"{number}/{turn}".encode() for number in range(8) for turn in range(20)
    )


def test_what_waits_is_bounded_and_an_ended_writer_takes_nothing(journal: Journal) -> None:
    committer = Committer(journal, most_waiting=100)
    told_back: list[int | None] = []
    committer.submit([b"x" * 90], lambda position, _: told_back.append(position))
    with pytest.raises(FullJournal):
        committer.submit([b"x" * 20], lambda *_: None)
    committer.start()
    committer.end()
    assert told_back == [0]
    with pytest.raises(FullJournal):
        committer.submit([b"y"], lambda *_: None)


def test_a_writer_that_fails_tells_everybody_who_waits(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    committer = Committer(journal)
    committer.start()

    def broken(*_: object) -> int:
        raise UnwritableJournal("the disk is full")

    monkeypatch.setattr(journal, "append", broken)
    with pytest.raises(UnwritableJournal, match="full"):
        committer.keep([b"x"])
    monkeypatch.setattr(journal, "append", lambda _: 1 / 0)
    with pytest.raises(JournalError, match="ZeroDivisionError"):
        committer.keep([b"x"])
    committer.end()


WRITER = """
import sys
from pathlib import Path
from ledger.journal.journal import Journal

with Journal.create(Path(sys.argv[1]), "ledger.test/lineage") as journal:
    number = journal.append([])
    while True:
        entries = [b"%d " % (number + at) * 200 for at in range(1 + number % 7)]
        journal.append(entries)
        number += len(entries)
        sys.stdout.write(f"{number}\\n")
        sys.stdout.flush()
"""


def test_a_killed_writer_loses_nothing_that_it_acknowledged(tmp_path: Path) -> None:
    acknowledged = 0
    for turn in range(6):
        writer = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(tmp_path)], stdout=subprocess.PIPE, text=True
        )
        assert writer.stdout is not None
        for _ in range(40 + 13 * turn):
            acknowledged = int(writer.stdout.readline())
        writer.send_signal(signal.SIGKILL)
        for line in writer.stdout:
            acknowledged = int(line) if line.endswith("\n") else acknowledged
        writer.stdout.close()
        writer.wait()
    with Journal(tmp_path) as journal:
        size = journal.append([b"end"])
        assert size >= acknowledged > 300
        for number, entry in enumerate(journal.entries(0, size)):
            assert entry == b"%d " % number * 200
        assert not list(check(journal))

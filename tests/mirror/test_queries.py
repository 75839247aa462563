"""What others may ask of the mirror."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from sqlalchemy import Connection, Engine

from ledger.days import CHINA_TIME, china_day
from ledger.merkle import inclusion_path
from ledger.merkle_verify import verify_inclusion
from ledger.mirror import moments, queries
from ledger.mirror.follower import Follower
from ledger.mirror.queries import MirrorQueryError
from ledger.statements import text_hash
from tests.mirror.world import HEALTH, District
from tests.simulator import BLOCK_SECONDS, GENESIS_TIME


@pytest.fixture
def conn(district: District, sqlite_engine: Engine) -> Iterator[Connection]:
    """Leaves 0 to 5 found the district in blocks 2 to 4; 6 to 8 are filings in blocks 5 and 6."""
    district.file("beds", "staff")
    district.file("beds")
    Follower(sqlite_engine, district.sim, district.sim.origin).catch_up()
    with sqlite_engine.connect() as connection:
        yield connection


def iso(block: int, seconds: int = 0) -> str:
    return datetime.fromtimestamp(GENESIS_TIME + block * BLOCK_SECONDS + seconds, UTC).isoformat()


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("0", 0),
        ("7", 7),
        ("9", 9),
        (" 9 ", 9),
        (iso(0), 0),
        (iso(2), 1),
        (iso(4), 6),
        (iso(5, -1), 6),
        (iso(5), 8),
        (iso(6), 9),
        ("2030-01-01", 9),
        ("2020-01-01", 0),
        ("2030-01-01T00:00:00", 9),
    ],
)
def test_a_size_or_a_time_is_resolved_to_a_size(conn: Connection, text: str, size: int) -> None:
    assert moments.resolve_as_of(conn, text) == size


def test_a_time_without_offset_is_beijing_time_and_a_date_its_end(conn: Connection) -> None:
    day = datetime.fromtimestamp(GENESIS_TIME, CHINA_TIME)
    assert moments.resolve_as_of(conn, day.replace(tzinfo=None).isoformat()) == 0
    assert moments.resolve_as_of(conn, day.date().isoformat()) == 9


def test_a_size_is_judged_on_the_day_of_its_last_leaf(conn: Connection) -> None:
    assert moments.day_at(conn, 0) is None
    assert moments.day_at(conn, 6) == china_day(GENESIS_TIME + 4 * BLOCK_SECONDS)
    with pytest.raises(MirrorQueryError, match="no leaf 9"):
        moments.day_at(conn, 10)


@pytest.mark.parametrize(
    "text", ["10", "yesterday", "-1", "", "2026-13-01", "1.5", "٣", "0001-01-01T00:00:00+23:59"]
)
def test_what_is_neither_size_nor_time_is_refused(conn: Connection, text: str) -> None:
    with pytest.raises(MirrorQueryError, match="as_of"):
        moments.resolve_as_of(conn, text)


def test_a_leaf_that_is_not_there_is_named(conn: Connection) -> None:
    with pytest.raises(MirrorQueryError, match="no leaf 9: it holds leaves 0 to 8"):
        queries.statement_at(conn, 9)
    with pytest.raises(MirrorQueryError, match="no leaf 9"):
        queries.authorisation_of(conn, 9)
    with pytest.raises(MirrorQueryError, match="no leaf -1"):
        queries.recorded(conn, -1)
    with pytest.raises(MirrorQueryError, match="holds 9 leaves, not 10"):
        queries.checkpoint(conn, 10)


def test_the_statements_about_a_subject_come_as_of_any_size(conn: Connection) -> None:
    subject = text_hash(f"{HEALTH}/beds")
    found = queries.statements_about(conn, "catalogue.entry", subject)
    assert [(each.index, each.version) for each in found] == [(6, 1), (8, 2)]
    assert len(queries.statements_about(conn, "catalogue.entry", subject, as_of=8)) == 1
    assert queries.statements_about(conn, "quality.score", subject) == []


def test_a_checkpoint_names_the_block_that_recorded_its_last_leaf(
    conn: Connection, district: District
) -> None:
    chain = district.sim.chain
    for size, block in ((6, 4), (7, 5), (8, 5), (9, 6)):
        found = queries.checkpoint(conn, size)
        assert (found.size, found.block_number) == (size, block)
        assert found.block_hash == "0x" + chain[block].ref.hash.hex()
        assert found.timestamp == chain[block].ref.timestamp
        if chain[block].size == size:
            assert found.root == "0x" + chain[block].root.hex()
    assert queries.checkpoint(conn) == queries.checkpoint(conn, 9)


def test_every_leaf_is_proven_from_the_tiles(conn: Connection, district: District) -> None:
    subtree = queries.tree(conn)
    for index in range(9):
        leaf = queries.statement_at(conn, index).leaf_hash(district.sim.log)
        path = inclusion_path(index, 9, subtree)
        verify_inclusion(leaf, index, 9, path, district.sim.root)


def test_an_empty_mirror_says_so(sqlite_engine: Engine) -> None:
    with sqlite_engine.connect() as conn:
        assert queries.cursor_of(conn) is None
        assert queries.size_of(conn) == 0
        assert moments.resolve_as_of(conn, "2026-01-01") == 0
        with pytest.raises(MirrorQueryError, match="has taken over nothing yet"):
            queries.checkpoint(conn)
        with pytest.raises(MirrorQueryError, match="it is empty"):
            queries.statement_at(conn, 0)

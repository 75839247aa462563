"""Searches by the index of pairs, held against a look at every row; and the index against its rows."""

from __future__ import annotations

import unicodedata
import uuid
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sqlalchemy import (
    Connection,
    Engine,
    NullPool,
    create_engine,
    delete,
    insert,
    make_url,
    select,
    update,
)

from ledger.catalogue import queries, search_index, searching
from ledger.catalogue.drafted_rows import search_text
from ledger.catalogue.filters import Filters, matching
from ledger.catalogue.grams import FOURS, held_by_all, held_by_any, pairs_from, pairs_of, postings
from ledger.catalogue.models import ENTRIES, GRAMS
from ledger.catalogue.names import folded
from ledger.catalogue.projection import PROJECTION
from ledger.catalogue.search_index import HEAD, INDEX, Block, blocks, reach
from ledger.mirror.applying import cut
from ledger.store.engine import open_database

LETTERS = "019目录数据库%_\\'\"aAbÉée\u0301ß①ﬁ👩\u200d👦🈶 \u3000/:;[]{}-"
WORDS = st.text(st.sampled_from(LETTERS), min_size=1, max_size=4)
TEXTS = st.lists(st.text(st.sampled_from(LETTERS), max_size=9), min_size=1, max_size=3)


@pytest.fixture(params=["sqlite", "postgresql"], scope="module")
def engine(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Engine]:
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path_factory.mktemp('index') / 'mirror.db'}"
    else:
        server = make_url(request.getfixturevalue("postgresql_server"))
        server = server.set(drivername="postgresql+psycopg")
        name = f"index_{uuid.uuid4().hex}"
        admin = create_engine(server, isolation_level="AUTOCOMMIT", poolclass=NullPool)
        with admin.connect() as connection:
            connection.exec_driver_sql(f"CREATE DATABASE {name}")
        url = server.set(database=name).render_as_string(hide_password=False)
    made = open_database(url, "mirror")
    yield made
    made.dispose()


@pytest.fixture
def conn(engine: Engine) -> Iterator[Connection]:
    """A connection whose transaction is undone."""
    with engine.connect() as connection:
        yield connection
        connection.rollback()


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that few rows fill whole blocks and small ones, and many rows come into question soon."""
    for module, name, value in (
        (search_index, "BLOCK", 32),
        (search_index, "SMALL", 8),
        (searching, "FEW", 6),
        (searching, "COUNTED", 3),
        (searching, "_BLOCKS_AT_ONCE", 2),
        (searching, "_LEAVES_AT_ONCE", 4),
        (searching, "_PAIRS", 3),
        (searching, "_WALKED", 1),
        (searching, "_PATIENCE", 1),
    ):
        monkeypatch.setattr(module, name, value)


def row(leaf: int, code: str, texts: list[str], provider: str = "A") -> dict[str, Any]:
    return {
        "code": code,
        "leaf_from": leaf,
        "leaf_until": None,
        "subject": code.encode(),
        "version": 1,
        "state": "published",
        "edition": 1,
        "published_edition": 1,
        "provider": provider,
        "restricted": False,
        "complete": True,
        "missing": "[]",
        "item_count": 0,
        "search": search_text(*texts),
        "recorded_at": 0,
    }


def fill(conn: Connection, said: list[tuple[int, list[str]]], gaps: int) -> int:
    """Rows of ``said`` (the number of an entry, its texts), with ``gaps`` leaves of others between; the log's size."""
    conn.execute(delete(ENTRIES))
    conn.execute(delete(GRAMS))
    newest: dict[str, dict[str, Any]] = {}
    rows = []
    for place, (number, texts) in enumerate(said):
        one = row(place * (gaps + 1), f"c/{number:02d}", texts, "AB"[number % 2])
        if one["code"] in newest:
            newest[one["code"]]["leaf_until"] = one["leaf_from"]
        newest[one["code"]] = one
        rows.append(one)
    conn.execute(insert(ENTRIES), rows)
    return len(said) * (gaps + 1)


def build(conn: Connection, size: int) -> None:
    while INDEX.build_next(conn, size):
        pass


def plain(conn: Connection, filters: Filters, as_of: int | None) -> list[str]:
    """Codes that a look at every row finds."""
    asked = matching(select(ENTRIES.c.code), filters, as_of).order_by(ENTRIES.c.code)
    return list(conn.execute(asked).scalars())


def by_index(conn: Connection, filters: Filters, as_of: int | None, limit: int) -> list[str]:
    """Codes on all pages; each page's total is held against what there is."""
    wanted = plain(conn, filters, as_of)
    cursor, codes = None, []
    while True:
        page = queries.search(conn, filters, as_of=as_of, limit=limit, cursor=cursor, counted=True)
        most = len(wanted) if filters.q is None or not filters.q.split() else searching.COUNTED
        assert page.total == min(len(wanted), most)
        assert page.total_exact == (len(wanted) <= most)
        assert len(page.entries) <= limit
        codes += [one.code for one in page.entries]
        if page.next is None:
            return codes
        cursor = page.next


@settings(
    max_examples=70, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    said=st.lists(st.tuples(st.integers(0, 30), TEXTS), min_size=1, max_size=75),
    gaps=st.integers(0, 2),
    filters=st.builds(
        Filters,
        q=st.lists(WORDS, min_size=1, max_size=2).map(" ".join),
        organisation=st.sampled_from([None, "A"]),
    ),
    limit=st.sampled_from([1, 4, 50]),
    data=st.data(),
)
@example(
    said=[(n % 31, ["数据库"]) for n in range(75)],
    gaps=1,
    filters=Filters(q="数据"),
    limit=4,
    data=None,
)
@example(
    said=[(n % 31, ["a%b_c\\d"]) for n in range(75)], gaps=0, filters=Filters(q="%b_", organisation="A"),
    limit=4, data=None
)  # fmt: skip
def test_the_index_finds_what_a_look_at_every_row_finds(
    *,
    conn: Connection,
    said: list[tuple[int, list[str]]],
    gaps: int,
    filters: Filters,
    limit: int,
    data: st.DataObject | None,
) -> None:
    size = fill(conn, said, gaps)
    built = data.draw(st.integers(0, size)) if data else size
    build(conn, built)
    pieces = [text for _, texts in said for text in texts if text]
    if data and pieces:
        piece = data.draw(st.sampled_from(pieces))
        start = data.draw(st.integers(0, len(piece) - 1))
        some = filters.q.split(" ")[1:] if filters.q else []
        filters = replace(filters, q=" ".join([*some, piece[start : start + 3]]))
    as_of = data.draw(st.none() | st.integers(1, size)) if data else None
    expected = plain(conn, filters, as_of)
    assert by_index(conn, filters, as_of, limit) == expected
    assert queries.count(conn, filters, as_of=as_of) == len(expected)


def test_blocks_reach_as_far_as_the_log_and_small_ones_become_whole(conn: Connection) -> None:
    fill(conn, [(n, [f"目录{n}"]) for n in range(90)], 0)
    build(conn, 7)
    assert blocks(conn) == []
    build(conn, 31)
    assert blocks(conn) == [Block(0, 7), Block(8, 15), Block(16, 23)]
    build(conn, 90)
    assert blocks(conn) == [Block(0, 31), Block(32, 63), *(Block(n, n + 7) for n in (64, 72, 80))]
    assert reach(conn) == blocks(conn)
    grown = conn.execute(select(GRAMS).order_by(GRAMS.c.last, GRAMS.c.pair)).all()
    conn.execute(delete(GRAMS))
    build(conn, 90)
    assert conn.execute(select(GRAMS).order_by(GRAMS.c.last, GRAMS.c.pair)).all() == grown


def test_a_rollback_takes_what_the_index_says_of_lost_leaves(conn: Connection) -> None:
    size = fill(conn, [(n, [f"目录{n}"]) for n in range(90)], 0)
    build(conn, size)
    cut(conn, 40, 0, [PROJECTION])
    assert blocks(conn) == [Block(0, 31)]
    conn.execute(insert(ENTRIES), [row(n, f"d/{n}", ["另一条"]) for n in range(40, 90)])
    assert len(by_index(conn, Filters(q="另一"), None, 50)) == 50
    build(conn, size)
    assert len(by_index(conn, Filters(q="另一"), None, 50)) == 50
    assert by_index(conn, Filters(q="录"), None, 50) == [f"c/{n:02d}" for n in range(40)]
    assert not INDEX.wrong_parts(conn, size, {})


def test_what_the_index_hides_or_invents_is_found(conn: Connection) -> None:
    size = fill(conn, [(n, [f"目录{n}"]) for n in range(90)], 0)
    build(conn, size)
    assert INDEX.wrong_parts(conn, size, {}) == []
    (pair,) = pairs_of("目录")
    hides = update(GRAMS).where(GRAMS.c.last == 63, GRAMS.c.pair == pair).values(leaves=b"\0" * 4)
    conn.execute(hides)
    assert INDEX.wrong_parts(conn, size, {}) == [(32, 63)]
    conn.execute(insert(GRAMS), [{"last": 70, "pair": 9, "leaves": b""}])
    assert INDEX.wrong_parts(conn, size, {}) == [(32, 63), (64, 71)]
    conn.execute(insert(GRAMS), [{"last": 500, "pair": 9, "leaves": b""}])
    assert INDEX.wrong_parts(conn, size, {}) == [(32, 63), (70, 500)]
    conn.execute(delete(GRAMS).where((GRAMS.c.last == 500) | (GRAMS.c.last == 70)))
    conn.execute(delete(GRAMS).where(GRAMS.c.last == 31, GRAMS.c.pair == HEAD))
    assert INDEX.wrong_parts(conn, size, {}) == [(0, 31), (32, 63)]
    build(conn, size)
    assert INDEX.wrong_parts(conn, size, {}) == [(32, 63)]


@given(
    st.dictionaries(
        st.integers(0, 255), st.text(st.sampled_from("目录a "), max_size=8), max_size=256
    ),
    st.lists(st.text(st.sampled_from("目录a"), min_size=2, max_size=4), min_size=1, max_size=2),
)
@example(dict.fromkeys(range(256), "目录"), ["目录"])
def test_postings_say_where_pairs_stand(texts: dict[int, str], words: list[str]) -> None:
    kept = dict(postings([(at, " ".join(text.split())) for at, text in texts.items()], 256))
    assert list(kept) == sorted(kept)
    assert all(len(each) <= 256 // 8 for each in kept.values())
    assert all(pair < FOURS for word in words for pair in pairs_of(word))
    pairs = sorted({pair for word in words for pair in pairs_of(word)})
    holding = sorted(
        at
        for at, text in texts.items()
        if all(word[n : n + 2] in text for word in words for n in range(len(word) - 1))
    )
    if all(pair in kept for pair in pairs):
        assert held_by_all([kept[pair] for pair in pairs], 256).tolist() == holding
    else:
        assert holding == []
    first, beyond = pairs_from("目")
    some = [leaves for pair, leaves in kept.items() if first <= pair < beyond]
    assert held_by_any(some, 256).tolist() == sorted(
        at for at, text in texts.items() if "目" in text
    )


@given(
    st.dictionaries(st.integers(0, 63), st.text(st.sampled_from("12目 "), max_size=9), max_size=64),
    st.text(st.sampled_from("12目"), min_size=2, max_size=7),
)
@example({3: "a 12121"}, "12121")
def test_a_text_that_holds_a_word_holds_its_pairs_and_fours(
    texts: dict[int, str], word: str
) -> None:
    kept = dict(postings([(at, " ".join(text.split())) for at, text in texts.items()], 64))
    asked = pairs_of(word)
    assert any(pair >= FOURS for pair in asked) == any(
        word[n : n + 4].isdecimal() and len(word[n : n + 4]) == 4 for n in range(len(word))
    )
    holding = {at for at, text in texts.items() if word in text}
    found = held_by_all([kept[pair] for pair in asked], 64) if set(asked) <= set(kept) else []
    assert holding <= {int(at) for at in found}


@given(
    st.text(
        st.one_of(st.characters(), st.sampled_from(" \t\n\u00a0\u3000\u2028\u00a8Σ")), max_size=12
    )
)
def test_white_space_is_folded_in_whatever_it_hides(text: str) -> None:
    plain = unicodedata.normalize("NFKC", text).lower()
    assert folded(text) == " ".join(plain.split())

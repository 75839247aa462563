"""Whole columns: whatever is in them, they are the rows that an ordinary select gives."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Connection,
    Engine,
    Integer,
    LargeBinary,
    MetaData,
    Select,
    String,
    Table,
    insert,
    null,
    select,
)

from ledger.store.columns import LEAVES, Pieces, read_columns
from ledger.store.engine import open_database, writing

METADATA = MetaData()
ROWS = Table(
    "columns_row",
    METADATA,
    Column("leaf_from", Integer, primary_key=True, autoincrement=False),
    Column("leaf_until", Integer),
    Column("told", String),
    Column("mark", LargeBinary),
    Column("many", BigInteger),
    Column("here", Boolean),
)
NAMES = Table(
    "columns_name",
    METADATA,
    Column("leaf", Integer, primary_key=True, autoincrement=False),
    Column("name", String, nullable=False),
    Column("digest", LargeBinary, nullable=False),
)
SIZE = 100

ordinary = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12)
texts = (
    st.none()
    | st.sampled_from(("", "\x02", "\x1f", "a\x1fb", "\x02\x02", "水务局", ","))
    | ordinary
)
digests = (
    st.none() | st.just(bytes(32)) | st.binary(min_size=32, max_size=32) | st.binary(max_size=40)
)
whole = st.none() | st.sampled_from((-1, 0, 10, -10)) | st.integers(-(2**63), 2**63 - 1)
truth = st.none() | st.booleans()
plain_numbers = st.none() | st.integers(0, 99)
plain_texts = st.none() | st.sampled_from(("", "T-1", "水务局"))
plain_digests = st.none() | st.binary(min_size=32, max_size=32).filter(any)
anything = st.lists(st.tuples(texts, digests, whole, truth), max_size=6)
usual = st.lists(st.tuples(plain_texts, plain_digests, plain_numbers, truth), max_size=12)


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    engine = open_database(database_url, "mirror")
    METADATA.create_all(engine)
    yield engine
    engine.dispose()


def asked() -> Select[Any]:
    shown = ROWS.c
    held = shown.leaf_until.is_(None) | (shown.leaf_until >= SIZE)
    return select(
        shown.leaf_from.label("leaf"), shown.told, shown.mark, shown.many, shown.here
    ).where(shown.leaf_from < SIZE, held)


def read(connection: Connection, *, at_once: int = LEAVES) -> tuple[int, Counter[Any]]:
    """How many pieces, and their rows, each as often as it comes."""
    pieces = list(read_columns(connection, asked(), size=SIZE, at_once=at_once))
    rows = Counter(
        row
        for piece in pieces
        for row in zip(
            *(piece.column(name).to_pylist() for name in ("leaf", "told", "mark", "many", "here")),
            strict=True,
        )
    )
    return len(pieces), rows


@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(anything | usual, st.data())
def test_columns_are_the_rows(engine: Engine, rows: list[Any], data: st.DataObject) -> None:
    leaves = data.draw(
        st.lists(st.integers(0, SIZE - 1), min_size=len(rows), max_size=len(rows), unique=True)
    )
    untils = data.draw(
        st.lists(st.none() | st.integers(0, 2 * SIZE), min_size=len(rows), max_size=len(rows))
    )
    made = [
        {
            "leaf_from": leaf,
            "leaf_until": until,
            "told": told,
            "mark": mark,
            "many": many,
            "here": here,
        }
        for leaf, until, (told, mark, many, here) in zip(leaves, untils, rows, strict=True)
    ]
    with writing(engine) as connection:
        connection.execute(ROWS.delete())
        if made:
            connection.execute(insert(ROWS), made)
        plain = Counter(
            (
                row.leaf,
                row.told,
                row.mark if row.mark is None else bytes(row.mark),
                row.many,
                row.here,
            )
            for row in connection.execute(asked())
        )
        pieces, found = read(connection)
        assert (pieces, found) == (1, plain)
        pieces, found = read(connection, at_once=30)
        assert found == plain
        assert pieces <= 4


def test_usual_columns_are_never_read_row_by_row(engine: Engine) -> None:
    with writing(engine) as connection:
        made = [
            {"leaf_from": leaf, "told": told, "mark": mark, "many": many, "here": here}
            for leaf, (told, mark, many, here) in enumerate(
                [
                    ("T-1", b"\1" * 32, 5, True),
                    ("", None, None, None),
                    (None, b"\2" * 32, -3, False),
                ]
            )
        ]
        connection.execute(insert(ROWS), made)
        statements: list[str] = []
        ask = connection.exec_driver_sql

        def noted(statement: str, *given: Any, **options: Any) -> Any:
            statements.append(statement)
            return ask(statement, *given, **options)

        connection.exec_driver_sql = noted  # type: ignore[method-assign]
        _, found = read(connection)
    assert len(statements) == 1
    assert found == Counter(
        [
            (0, "T-1", b"\1" * 32, 5, 1),
            (1, "", None, None, None),
            (2, None, b"\2" * 32, -3, 0),
        ]
    )


def test_what_is_null_by_itself_is_not_asked_for(engine: Engine) -> None:
    asked = select(ROWS.c.leaf_from.label("leaf"), null().label("told"))
    with writing(engine) as connection:
        assert [piece.num_rows for piece in read_columns(connection, asked)] == [0]
        connection.execute(insert(ROWS), [{"leaf_from": leaf} for leaf in range(3)])
        (piece,) = read_columns(connection, asked)
    assert sorted(piece.column("leaf").to_pylist()) == [0, 1, 2]
    assert piece.column("told").to_pylist() == [None] * 3


def test_what_an_outer_join_leaves_empty_is_empty(engine: Engine) -> None:
    asked = select(ROWS.c.leaf_from.label("leaf"), NAMES.c.name, NAMES.c.digest).select_from(
        ROWS.outerjoin(NAMES, NAMES.c.leaf == ROWS.c.leaf_from)
    )
    with writing(engine) as connection:
        connection.execute(insert(ROWS), [{"leaf_from": leaf} for leaf in range(3)])
        for named in ({}, {1: ("b", b"\1" * 32)}, {0: ("a", bytes(32)), 2: ("", b"\2" * 32)}):
            connection.execute(NAMES.delete())
            for leaf, (name, digest) in named.items():
                connection.execute(insert(NAMES), {"leaf": leaf, "name": name, "digest": digest})
            (piece,) = read_columns(connection, asked, size=SIZE)
            found = zip(*(piece.column(at).to_pylist() for at in range(3)), strict=True)
            assert sorted(found) == [(leaf, *named.get(leaf, (None, None))) for leaf in range(3)]


@pytest.mark.parametrize("at_once", [SIZE, 30, 7])
def test_rows_about_the_same_leaf_are_cut_together(engine: Engine, at_once: int) -> None:
    other = ROWS.alias("other")
    asked = (
        select(ROWS.c.leaf_from.label("leaf"), other.c.many)
        .join(other, other.c.leaf_from == ROWS.c.leaf_from)
        .where(ROWS.c.leaf_from < SIZE - 3, other.c.leaf_from < SIZE - 3, other.c.many > 0)
    )
    with writing(engine) as connection:
        made = [{"leaf_from": leaf, "many": leaf % 5} for leaf in range(2, SIZE + 20)]
        connection.execute(insert(ROWS), made)
        pieces = Pieces(connection, asked, size=SIZE - 3, at_once=at_once, aligned=True)
        parts = [pieces.read(connection, part) for part in pieces.ranges]
    assert pieces.by_leaf == (len(parts) > 1) == (at_once < SIZE - 3)
    assert all(part.num_rows <= at_once for part in parts)
    found = [tuple(row.values()) for part in parts for row in part.to_pylist()]
    assert sorted(found) == [(leaf, leaf % 5) for leaf in range(2, SIZE - 3) if leaf % 5]


def test_leaves_of_another_table_than_the_one_that_is_bound(engine: Engine) -> None:
    asked = select(NAMES.c.leaf, ROWS.c.many).where(
        NAMES.c.leaf == ROWS.c.many, ROWS.c.leaf_from < SIZE
    )
    with writing(engine) as connection:
        named = [{"leaf": leaf, "name": "", "digest": bytes(32)} for leaf in range(SIZE)]
        connection.execute(insert(NAMES), named)
        rows = [{"leaf_from": 50 + leaf, "many": SIZE - 2 * leaf} for leaf in range(1, 50)]
        connection.execute(insert(ROWS), rows)
        found = [
            row["leaf"]
            for piece in read_columns(connection, asked, size=SIZE, at_once=7)
            for row in piece.to_pylist()
        ]
    assert sorted(found) == list(range(2, SIZE, 2))

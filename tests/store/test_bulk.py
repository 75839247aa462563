"""Rows written by the thousand are the rows that were given, whatever they have in common."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import (
    Column,
    Connection,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    create_engine,
)

from ledger.store import bulk
from ledger.store.bulk import insert_rows

THINGS = Table(
    "things",
    MetaData(),
    Column("place", Integer, primary_key=True),
    Column("text", Text),
    Column("group", LargeBinary),
    Column("number", Integer),
    Column("more", Text),
)
NAMES = ", ".join(f'"{column.name}"' for column in THINGS.columns)
KINDS = ", ".join(f'typeof("{column.name}")' for column in THINGS.columns)
VALUES = st.sampled_from([None, "", "目录", "1", b"", b"\0x"]) | st.booleans()
NUMBERS = st.sampled_from([None, True, False, 0, 1, 1.0, 2**40])
ROWS = st.lists(st.tuples(VALUES, VALUES, NUMBERS, VALUES), max_size=9)


@pytest.fixture(scope="module")
def conn() -> Iterator[Connection]:
    engine = create_engine("sqlite://")
    with engine.connect() as connection:
        THINGS.create(connection)
        yield connection
    engine.dispose()


def written(conn: Connection) -> list[Any]:
    rows = conn.exec_driver_sql(f"SELECT {NAMES}, {KINDS} FROM things ORDER BY rowid").all()  # noqa: S608
    conn.exec_driver_sql("DELETE FROM things")
    return list(rows)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(rows=ROWS, alike=st.integers(0, 12), at_once=st.integers(1, 30))
def test_what_many_rows_have_in_common_is_written_in_each_of_them(
    conn: Connection,
    rows: list[tuple[Any, ...]],
    alike: int,
    at_once: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(bulk, "MANY", 2)
    monkeypatch.setattr(bulk, "SQLITE_VALUES", at_once)
    rows += rows[:1] * alike
    given = [(place, *row) for place, row in enumerate(rows)]
    insert_rows(conn, THINGS, given)
    found = written(conn)
    for row in given:
        conn.exec_driver_sql("INSERT INTO things VALUES (?, ?, ?, ?, ?)", row)
    assert found == written(conn)

"""A second connection beside one that reads: only where it sees the same, and where one is to spare."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from sqlalchemy import Engine, text

from ledger.store.beside import beside, by_itself, may_read_beside
from ledger.store.engine import open_database, writing


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    engine = open_database(database_url, "mirror")
    with writing(engine) as connection:
        connection.execute(text("CREATE TABLE beside_row (told INTEGER)"))
    yield engine
    engine.dispose()


def test_a_connection_that_reads_has_one_beside_it_that_sees_the_same(engine: Engine) -> None:
    asked = text("SELECT COUNT(*) FROM beside_row")
    with engine.connect() as connection:
        assert connection.execute(asked).scalar_one() == 0
        assert may_read_beside(connection)
        with beside(connection) as second:
            assert second.execute(asked).scalar_one() == 0


def test_what_is_not_committed_is_not_read_beside(engine: Engine) -> None:
    wrote = text("INSERT INTO beside_row VALUES (1)")
    with writing(engine) as connection:
        connection.execute(wrote)
        assert not may_read_beside(connection)
    with engine.connect() as connection:
        connection.execute(text("SELECT 1"))
        assert may_read_beside(connection)
        connection.execute(wrote)
        assert not may_read_beside(connection)
        connection.rollback()
        connection.execute(text("SELECT 1"))
        assert may_read_beside(connection)


def test_the_last_connections_of_a_pool_are_left_to_others(engine: Engine) -> None:
    with ExitStack() as held:
        connections = [held.enter_context(engine.connect()) for _ in range(5)]
        connections[0].execute(text("SELECT 1"))
        assert not may_read_beside(connections[0])


def test_a_database_asked_twice_at_once_takes_less_for_each(engine: Engine) -> None:
    workers, cache = "SHOW max_parallel_workers_per_gather", "PRAGMA cache_size"
    asked = text(cache if engine.dialect.name == "sqlite" else workers)
    with engine.connect() as connection:
        before = abs(int(connection.execute(asked).scalar_one()))
        with by_itself(connection):
            assert abs(int(connection.execute(asked).scalar_one())) < before
        assert abs(int(connection.execute(asked).scalar_one())) == before

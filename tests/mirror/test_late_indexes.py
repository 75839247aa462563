"""A first sync of a long log does without some indexes, and nothing is missing once it is through."""

from __future__ import annotations

import pytest
from sqlalchemy import Engine, inspect

from ledger.mirror import late_indexes, tables
from ledger.mirror.follower import Follower
from ledger.mirror.queries import Cursor
from ledger.store.engine import open_database, writing
from tests.mirror.world import District

INDEX = "ix_statement_subject_version"


def indexes(engine: Engine) -> set[str | None]:
    return {index["name"] for index in inspect(engine).get_indexes("statement")}


@pytest.fixture
def any_log_is_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(late_indexes, "LONG", 1)


@pytest.mark.usefixtures("any_log_is_long")
def test_a_long_first_sync_builds_its_indexes_at_the_end(
    district: District, follower: Follower
) -> None:
    district.file("beds", "staff")
    seen: list[bool] = []
    cursor = follower.catch_up(lambda _: seen.append(INDEX in indexes(follower.engine)))
    assert cursor.root == district.sim.root
    assert seen
    assert not any(seen)
    assert INDEX in indexes(follower.engine)


@pytest.mark.usefixtures("any_log_is_long")
def test_a_sync_that_broke_off_is_finished_with_its_indexes(
    district: District, engine: Engine
) -> None:
    district.file("beds", "staff")

    class KilledError(Exception):
        pass

    def kill(_: Cursor) -> None:
        raise KilledError

    with pytest.raises(KilledError):
        Follower(engine, district.sim, district.sim.origin).catch_up(kill)
    assert INDEX not in indexes(engine)
    Follower(engine, district.sim, district.sim.origin).catch_up()
    assert INDEX in indexes(engine)


def test_a_short_log_keeps_its_indexes_all_along(district: District, follower: Follower) -> None:
    district.file("beds")
    seen: list[bool] = []
    follower.catch_up(lambda _: seen.append(INDEX in indexes(follower.engine)))
    assert all(seen)


def test_what_is_missing_is_asked_of_the_database(tmp_path) -> None:
    engine = open_database(f"sqlite:///{tmp_path / 'mirror.db'}", "mirror")
    late = late_indexes.late_indexes([])
    assert late_indexes.missing(engine, late) == []
    with writing(engine) as connection:
        late_indexes.drop(connection, late)
        late_indexes.drop(connection, late)
    assert [str(index.name) for index in late_indexes.missing(engine, late)] == [INDEX]
    late_indexes.build(engine, late)
    assert late_indexes.missing(engine, late) == []
    assert tables.statement.indexes == set(late)
    engine.dispose()

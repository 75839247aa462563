"""Verification that holds drafts against the rows in use: it finds and says what copies of the tables would."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import Connection, delete, insert, select, update

from ledger.capabilities import PROJECTIONS, RULEBOOKS
from ledger.catalogue.models import ENTRIES, ITEM_NAMES, ITEMS
from ledger.catalogue.projection import PROJECTION
from ledger.mirror import Mirror, late_indexes, side_by_side
from ledger.mirror.verification import derived
from ledger.mirror.verification.comparing import Comparison
from ledger.mirror.verification.report import Report
from ledger.store.engine import open_database, writing
from tests.mirror.world import District
from tests.simulator import SimulatedChain


@pytest.fixture(scope="module")
def world() -> District:
    """A little of everything, some of it malformed, in stretches that entries outlive."""
    return District(SimulatedChain(District.genesis, rulebooks=RULEBOOKS)).found().live()


@pytest.fixture(scope="module")
def mirror(world: District, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mirror]:
    place = tmp_path_factory.mktemp("comparing") / "mirror.db"
    sim = world.sim
    mirror = Mirror(
        open_database(f"sqlite:///{place}", "mirror"), sim, sim.origin, PROJECTIONS, RULEBOOKS
    )
    mirror.catch_up()
    yield mirror
    mirror.engine.dispose()


@pytest.fixture(autouse=True, params=[1, 2_000])
def stretch(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(side_by_side, "CHUNK", request.param)


def by_copies(mirror: Mirror) -> Report:
    """What is told where nothing is compared as it comes."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(derived, "comparisons", lambda *_: {})
        return mirror.verify(use_chain=False)


def test_rows_that_are_as_they_must_be_are_never_copied(
    mirror: Mirror, monkeypatch: pytest.MonkeyPatch
) -> None:
    with mirror.engine.connect() as conn:
        ended = conn.execute(select(ENTRIES).where(ENTRIES.c.leaf_until.is_not(None))).all()
    assert ended
    told = by_copies(mirror)

    def never(*_: object) -> None:
        raise AssertionError("rows were looked for that differ")

    monkeypatch.setattr(derived, "_unflagged", never)
    assert mirror.verify(use_chain=False) == told
    assert told.ok


CHANGES = {
    "a row that never ends": update(ENTRIES).values(leaf_until=None),
    "a row that ends later": update(ENTRIES).values(leaf_until=ENTRIES.c.leaf_until + 1),
    "a row that ends": update(ENTRIES)
    .where(ENTRIES.c.leaf_until.is_(None))
    .values(leaf_until=9_999),
    "a state": update(ENTRIES).values(state="published", published_edition=7),
    "no rows of entries": delete(ENTRIES),
    "a first row that is missing": delete(ENTRIES).where(ENTRIES.c.version == 1),
    "a last row that is missing": delete(ENTRIES).where(ENTRIES.c.leaf_until.is_(None)),
    "text where a number stands": update(ENTRIES).values(edition="many"),
    "an item's place": update(ITEMS).values(position=ITEMS.c.position + 1),
    "another filing": update(ENTRIES).values(filed_leaf=ENTRIES.c.filed_leaf + 1),
    "no items": delete(ITEMS),
    "items of nobody": insert(ITEM_NAMES).from_select(
        ITEM_NAMES.columns.keys(),
        select(*(c if c.name != "leaf_from" else c + 10_000 for c in ITEM_NAMES.c)).limit(1),
    ),
    "items before the log": insert(ITEM_NAMES).from_select(
        ITEM_NAMES.columns.keys(),
        select(*(c if c.name != "leaf_from" else c - 10_000 for c in ITEM_NAMES.c)).limit(1),
    ),
    "an item between others": insert(ITEMS).from_select(
        ITEMS.columns.keys(),
        select(*(c if c.name != "code" else c + "x" for c in ITEMS.c)).limit(1),
    ),
}


@pytest.mark.parametrize("change", CHANGES)
def test_what_is_compared_is_told_as_copies_tell_it(
    mirror: Mirror, change: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    conn: Connection
    with mirror.engine.connect() as conn:
        kept = {table: conn.execute(select(table)).all() for table in PROJECTION.tables}
    judged: list[bool] = []
    alike = Comparison.alike
    monkeypatch.setattr(Comparison, "alike", lambda one: judged.append(alike(one)) or judged[-1])
    with writing(mirror.engine) as conn:
        conn.execute(CHANGES[change])
    try:
        told = mirror.verify(use_chain=False)
        assert told == by_copies(mirror)
        assert not told.ok
        assert judged == [False]
    finally:
        with writing(mirror.engine) as conn:
            for table, rows in kept.items():
                conn.execute(delete(table))
                conn.execute(insert(table), [row._asdict() for row in rows])


def test_rows_in_another_order_than_that_of_leaves_are_found_all_the_same(mirror: Mirror) -> None:
    with mirror.engine.connect() as conn:
        kept = conn.execute(select(ITEMS).order_by(ITEMS.c.leaf_from, ITEMS.c.position)).all()
    with writing(mirror.engine) as conn:
        conn.execute(delete(ITEMS))
        conn.execute(insert(ITEMS), [row._asdict() for row in reversed(kept)])
    try:
        assert mirror.verify(use_chain=False).ok
    finally:
        with writing(mirror.engine) as conn:
            conn.execute(delete(ITEMS))
            conn.execute(insert(ITEMS), [row._asdict() for row in kept])


def test_rows_are_read_in_the_order_of_leaves_without_an_index(mirror: Mirror) -> None:
    index = next(each for each in ITEMS.indexes if "leaf_from" in str(each.name))
    told = by_copies(mirror)
    with writing(mirror.engine) as conn:
        late_indexes.drop(conn, [index])
    try:
        assert mirror.verify(use_chain=False) == told
    finally:
        late_indexes.build(mirror.engine, [index])

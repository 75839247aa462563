"""The index of searches as the mirror keeps it: in step with the log, through reorganisations, verified and mended."""

from __future__ import annotations

import pytest
from sqlalchemy import Connection, Engine, delete, select, update

from ledger.catalogue import queries, search_index
from ledger.catalogue.models import GRAMS
from ledger.catalogue.projection import PROJECTION
from ledger.catalogue.queries import Filters
from ledger.catalogue.search_index import INDEX, Block, blocks
from ledger.mirror import Mirror
from ledger.store.engine import writing
from tests.mirror.world import HEALTH, District


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search_index, "BLOCK", 16)
    monkeypatch.setattr(search_index, "SMALL", 8)


@pytest.fixture
def mirror(district: District, engine: Engine) -> Mirror:
    """A log of thirty leaves, mirrored."""
    sim = district.sim
    district.file(*(f"床位{n}" for n in range(30 - sim.size)))
    mirror = Mirror(engine, sim, sim.origin, [PROJECTION])
    mirror.catch_up()
    return mirror


def reach(mirror: Mirror) -> list[Block]:
    with mirror.engine.connect() as conn:
        return blocks(conn)


def found(mirror: Mirror, q: str) -> list[str]:
    with mirror.engine.connect() as conn:
        return [one.code for one in queries.search(conn, Filters(q=q), limit=100).entries]


def test_a_follower_keeps_the_index_in_step(mirror: Mirror, district: District) -> None:
    assert district.sim.size == 30
    assert reach(mirror) == [Block(0, 15), Block(16, 23)]
    district.file("床位1", "诊室1")
    mirror.catch_up()
    assert reach(mirror) == [Block(0, 15), Block(16, 31)]
    assert found(mirror, "诊室") == [f"{HEALTH}/诊室1"]


def test_a_follower_writes_only_where_a_block_is_missing(
    mirror: Mirror, district: District, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []
    build = INDEX.build_next

    def counted(connection: Connection, size: int) -> bool:
        asked.append(size)
        return build(connection, size)

    monkeypatch.setattr(INDEX, "build_next", counted)
    district.file("诊室1")
    mirror.catch_up()
    assert asked == []
    district.file("诊室2", "诊室3")
    mirror.catch_up()
    assert set(asked) == {33}
    assert reach(mirror) == [Block(0, 15), Block(16, 31)]


def test_a_reorganisation_leaves_no_trace_in_the_index(mirror: Mirror, district: District) -> None:
    sim = district.sim
    fork = sim.chain[-1].ref.number
    district.file("旧一", "旧二", "旧三")
    mirror.catch_up()
    assert reach(mirror)[-1] == Block(16, 31)
    sim.fork(fork)
    district.file("新一", "新二")
    mirror.catch_up()
    assert reach(mirror)[-1] == Block(16, 31)
    assert (found(mirror, "旧"), len(found(mirror, "新"))) == ([], 2)
    assert mirror.verify(use_chain=False).ok


def test_an_index_that_hides_an_entry_is_named_and_mended(mirror: Mirror) -> None:
    before = found(mirror, "床位1")
    newest = select(GRAMS.c.last).order_by(GRAMS.c.last).limit(1).scalar_subquery()
    with writing(mirror.engine) as conn:
        conn.execute(update(GRAMS).where(GRAMS.c.last == newest).values(leaves=b"\0\0"))
    report = mirror.verify(use_chain=False)
    assert {finding.table for finding in report.findings} == {"catalogue_gram"}
    assert any("rebuild" in line for line in report.lines("en"))
    mirror.rebuild()
    assert mirror.verify(use_chain=False).ok
    assert found(mirror, "床位1") == before
    with writing(mirror.engine) as conn:
        conn.execute(delete(GRAMS))
    assert found(mirror, "床位1") == before

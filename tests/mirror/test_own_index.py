"""The index of searches as the mirror keeps it: in step with the log, through reorganisations, verified and mended."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, delete, select, update

from ledger.catalogue import queries, search_index
from ledger.catalogue.models import GRAMS
from ledger.catalogue.projection import PROJECTION
from ledger.catalogue.queries import Filters
from ledger.catalogue.search_index import INDEX, Block, blocks
from ledger.mirror import Mirror, side_by_side
from ledger.mirror.projections import Decoded
from ledger.mirror.side_by_side import rebuild
from ledger.store.engine import writing
from tests.mirror.here import in_this_process
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


@pytest.fixture
def built(monkeypatch: pytest.MonkeyPatch) -> list[Block]:
    """What is built of rows that are read again."""
    seen: list[Block] = []
    rows = search_index._rows

    def counted(connection: Connection, block: Block) -> Any:
        seen.append(block)
        return rows(connection, block)

    monkeypatch.setattr(search_index, "_rows", counted)
    return seen


def grams(mirror: Mirror) -> list[Any]:
    with mirror.engine.connect() as conn:
        return [tuple(row) for row in conn.execute(select(GRAMS).order_by(*GRAMS.primary_key))]


def test_whole_blocks_are_made_while_rows_are_and_are_those_that_are_built(
    mirror: Mirror, district: District, built: list[Block], monkeypatch: pytest.MonkeyPatch
) -> None:
    district.file(*(f"诊室{n}" for n in range(41)))
    district.file("床位1", body={"code": f"{HEALTH}/床位1", "name": "早先的床位"})
    mirror.catch_up()
    before = grams(mirror)
    assert reach(mirror) == [*(Block(n, n + 15) for n in (0, 16, 32, 48)), Block(64, 71)]
    in_this_process(monkeypatch)
    built.clear()
    mirror.rebuild()
    assert built == [Block(64, 71)]
    assert grams(mirror) == before
    built.clear()
    assert mirror.verify(use_chain=False).ok
    assert built == [Block(64, 71)]
    with writing(mirror.engine) as conn:
        conn.execute(delete(GRAMS).where(GRAMS.c.last == 31, GRAMS.c.pair > 1000))
    (finding,) = mirror.verify(use_chain=False).findings
    assert (finding.table, finding.leaf) == ("catalogue_gram", 16)


def test_a_first_sync_writes_whole_blocks_with_their_rows(
    district: District, engine: Engine, built: list[Block], monkeypatch: pytest.MonkeyPatch
) -> None:
    in_this_process(monkeypatch)
    sim = district.sim
    for n in range(60 - sim.size):
        district.file(f"床位{n}")
    sim.max_log_range = 2
    mirror = Mirror(engine, sim, sim.origin, [PROJECTION])
    lengths: list[int] = []
    mirror.catch_up(lambda _: lengths.append(len(reach(mirror))))
    assert max(lengths) > 1
    assert Block(0, 15) not in built
    assert reach(mirror) == [*(Block(n, n + 15) for n in (0, 16, 32)), Block(48, 55)]
    made = grams(mirror)
    mirror.rebuild()
    assert grams(mirror) == made


@pytest.mark.parametrize("questions", [0, 1, 2, 3])
def test_blocks_are_built_all_the_same_where_the_second_process_is_lost(
    mirror: Mirror, built: list[Block], monkeypatch: pytest.MonkeyPatch, questions: int
) -> None:
    monkeypatch.setattr(side_by_side, "CHUNK", 20)
    before = grams(mirror)
    in_this_process(monkeypatch, questions)
    built.clear()
    mirror.rebuild()
    assert built == [Block(0, 15), Block(16, 23)][questions == 3 :]
    assert grams(mirror) == before


class Silent:
    """Writes the same rows, and tells nobody which."""

    name, version, kinds = PROJECTION.name, PROJECTION.version, PROJECTION.kinds
    tables, index = PROJECTION.tables, PROJECTION.index

    def malformed(self, decoded: Decoded) -> str | None:
        return PROJECTION.malformed(decoded)

    def apply(self, connection: Connection, statements: Sequence[Decoded]) -> None:
        PROJECTION.apply(connection, statements)


def test_an_index_of_a_projection_that_tells_no_rows_is_built_of_those_that_are_there(
    mirror: Mirror, built: list[Block], monkeypatch: pytest.MonkeyPatch
) -> None:
    before = grams(mirror)
    in_this_process(monkeypatch)
    built.clear()
    rebuild(mirror.engine, [Silent()])
    assert grams(mirror) == before
    assert built == [Block(0, 15), Block(16, 23)]

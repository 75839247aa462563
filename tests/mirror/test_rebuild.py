"""Projections that change: filled afresh side by side, then put in place at once."""

from __future__ import annotations

import pytest
from sqlalchemy import Connection, Engine, delete, select, text, update

from ledger.mirror import Mirror, flags, queries
from ledger.mirror.follower import Follower
from ledger.mirror.projections import Decoded
from ledger.store.engine import writing
from tests.mirror.world import HEALTH, NOTES, District, Notes
from tests.simulator import SimulatedChain


def rows(engine: Engine) -> list[tuple[object, ...]]:
    with engine.connect() as conn:
        found = conn.execute(select(NOTES).order_by(NOTES.c.code, NOTES.c.leaf_from))
        return [tuple(row) for row in found]


def test_a_new_version_of_a_projection_fills_its_tables_afresh(
    district: District, engine: Engine
) -> None:
    sim = district.sim
    district.file("beds", "staff")
    district.file("beds", body={"code": f"{HEALTH}/beds", "name": "later"})
    Follower(engine, sim, sim.origin, [Notes()]).catch_up()
    before = rows(engine)
    mirror = Mirror(engine, sim, sim.origin, [Notes(version=2, prefix="* ")])
    assert mirror.status().stale_projections == ["notes"]
    seen: list[tuple[int, int]] = []
    sim.questions.clear()
    mirror.catch_up(progress=lambda done, total: seen.append((done, total)))
    assert not any(question.startswith("logs") for question in sim.questions)
    assert rows(engine) == [(*row[:-1], f"* {row[-1]}") for row in before]
    assert seen == [(9, 9)]
    assert mirror.status().stale_projections == []
    assert mirror.status().projections == {"notes": 2, "statement": 1}


def test_a_projection_that_is_new_catches_up_from_the_statements(
    district: District, engine: Engine
) -> None:
    sim = district.sim
    district.file("beds")
    Follower(engine, sim, sim.origin).catch_up()
    assert rows(engine) == []
    Follower(engine, sim, sim.origin, [Notes()]).catch_up()
    assert [row[0] for row in rows(engine)] == [f"{HEALTH}/beds"]


class Stricter(Notes):
    """A version that finds other statements malformed."""

    def malformed(self, decoded: Decoded) -> str | None:
        return "body/name: too short" if decoded.body["name"].endswith("beds") else None


def test_flags_follow_the_projection_s_new_version(district: District, engine: Engine) -> None:
    sim = district.sim
    leaf = district.file("beds")
    district.file("staff")
    Follower(engine, sim, sim.origin, [Notes()]).catch_up()
    Follower(engine, sim, sim.origin, [Stricter(version=2)]).catch_up()
    with engine.connect() as conn:
        assert flags.flags(conn) == [flags.Flag(leaf, "notes", "body/name: too short")]
    assert [row[0] for row in rows(engine)] == [f"{HEALTH}/staff"]


def test_rebuilding_mends_rows_that_were_altered(district: District, engine: Engine) -> None:
    sim = district.sim
    district.file("beds", "staff")
    mirror = Mirror(engine, sim, sim.origin, [Notes()])
    mirror.catch_up()
    before = rows(engine)
    with writing(engine) as conn:
        conn.execute(update(NOTES).values(name="altered"))
        conn.execute(delete(NOTES).where(NOTES.c.code == f"{HEALTH}/staff"))
    assert not mirror.verify(use_chain=False).ok
    assert mirror.rebuild() == 8
    assert rows(engine) == before
    assert mirror.verify(use_chain=False).ok


class Failing(Notes):
    def apply(self, connection: Connection, statements: object) -> None:
        super().apply(connection, statements)
        raise RuntimeError("half-way through")


def test_a_rebuild_that_fails_leaves_the_old_rows_in_place(
    district: District, engine: Engine
) -> None:
    sim = district.sim
    district.file("beds")
    Follower(engine, sim, sim.origin, [Notes()]).catch_up()
    before = rows(engine)
    with pytest.raises(RuntimeError, match="half-way"):
        Follower(engine, sim, sim.origin, [Failing(version=2)]).catch_up()
    assert rows(engine) == before
    with engine.connect() as conn:
        assert (
            conn.execute(
                text("SELECT version FROM projection_state WHERE name = 'notes'")
            ).scalar_one()
            == 1
        )
    Follower(engine, sim, sim.origin, [Notes(version=3)]).catch_up()
    assert rows(engine) == before


def test_readers_see_the_old_rows_until_the_new_ones_are_there(
    district: District, engine: Engine
) -> None:
    sim = district.sim
    district.file("beds")
    Follower(engine, sim, sim.origin, [Notes()]).catch_up()
    before = rows(engine)
    seen: list[list[tuple[object, ...]]] = []

    class Watched(Notes):
        def apply(self, connection: Connection, statements: object) -> None:
            super().apply(connection, statements)
            seen.append(rows(engine))

    Follower(engine, sim, sim.origin, [Watched(version=2, prefix="new ")]).catch_up()
    assert seen == [before]
    assert rows(engine) != before


def test_a_projection_that_fails_stops_the_step_and_nothing_of_it_stays(
    district: District, engine: Engine
) -> None:
    sim = district.sim
    Follower(engine, sim, sim.origin, [Failing()]).catch_up()
    district.file("beds")
    with pytest.raises(RuntimeError, match="half-way"):
        Follower(engine, sim, sim.origin, [Failing()]).catch_up()
    with engine.connect() as conn:
        assert queries.size_of(conn) == 6
        assert len(queries.statements(conn, 0, 100)) == 6


def test_verifying_changes_nothing_and_leaves_no_tables_behind(
    district: District, engine: Engine
) -> None:
    sim = district.sim
    district.file("beds")
    mirror = Mirror(engine, sim, sim.origin, [Notes()])
    mirror.catch_up()
    for _ in range(2):
        assert mirror.verify().ok
    sim_rows = rows(engine)
    district.file("staff")
    mirror.catch_up()
    assert mirror.verify().ok
    assert len(rows(engine)) == len(sim_rows) + 1


def test_the_status_tells_where_mirror_and_chain_are(sim: SimulatedChain, engine: Engine) -> None:
    mirror = Mirror(engine, sim, sim.origin, [Notes()])
    assert (mirror.status().size, mirror.status().root) == (0, None)
    district = District(sim).found()
    mirror.catch_up()
    district.file("odd", raw=b"no json")
    sim.mine(2)
    before = mirror.status()
    assert (before.size, before.lag_blocks, before.malformed) == (6, 3, 0)
    mirror.catch_up()
    after = mirror.status()
    assert (after.size, after.lag_blocks, after.malformed) == (7, 0, 1)
    assert after.root == "0x" + sim.root.hex()
    assert after.block_time == sim.chain[-1].ref.timestamp
    sim.faults.unreachable = True
    gone = mirror.status()
    assert gone.head_number is None
    assert "cannot be reached" in str(gone.trouble)

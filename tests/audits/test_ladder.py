"""The ladder: where an obligation stops, why, who must act, since when and by when."""

from __future__ import annotations

from ledger.codes import EntryState
from tests.audits.world import ENTRY, TABLE, World


def test_every_rung_in_turn(either_world: World) -> None:
    world = either_world
    world.chain(update_cycle="quarterly")
    assert world.gap() == (1, "not_bound", 20260105, 20260119)
    world.file()
    world.bind()
    # submitted on Monday 5 January: the competent department has two working days
    assert world.gap() == (1, "awaiting_publication", 20260105, 20260107)
    world.decide(EntryState.PUBLISHED)
    assert world.gap() == (2, "not_mounted", 20260105, 20260119)
    world.mount()
    assert world.gap() == (3, "no_manifest", 20260105, 20260202)
    world.on(4, 7).manifest("2026-01-01", "2026-03-31")
    assert world.gap() == (4, "not_delivered", 20260105, 20260202)
    world.deliver("2026-01-01", "2026-03-31")
    assert world.gap() is None
    world.wait(4, 30)
    assert world.gap() is None
    line = world.states()
    assert (line["cataloguing"], line["collection"], line["records"]) == (1, 1, 1)
    assert (line["timeliness"], line["quality"]) == (1, 5)
    world.score(5000)
    assert world.gap() == (8, "low_score", 20260430, 20260601)
    world.score(8000)
    assert world.gap() is None
    # the second quarter falls due on 14 July
    world.wait(7, 14)
    assert world.gap() is None
    world.wait(7, 15)
    assert world.gap() == (3, "manifest_outdated", 20260630, 20260714)
    world.manifest("2026-04-01", "2026-06-30")
    assert world.gap() == (4, "delivery_outdated", 20260630, 20260714)
    world.deliver("2026-04-01", "2026-06-30")
    assert world.gap() == (7, "late", 20260630, 20260714)
    assert world.states()["entry"] == ENTRY
    assert world.scribe.flags == {}


def test_a_table_that_is_not_due_yet_is_a_gap_and_not_overdue(world: World) -> None:
    world.chain()
    world.publish()
    world.bind()
    world.mount()
    with world.audit() as found:
        (gap,) = found.gaps(overdue=False)
        assert not list(found.gaps(overdue=True))
    assert (gap.code, gap.rung, gap.due) == (TABLE, 3, 20260202)

"""The report: canonical, complete, and the same for ever."""

from __future__ import annotations

from collections import Counter
from typing import Any

from ledger.audits.metrics import CLOCKS, METRICS, State
from ledger.audits.report import digest_of, report_bytes
from ledger.canonical import is_canonical, parse_json
from tests.audits.world import DATA, PARKS, ROADS, WATER, World


def report(world: World, size: int | None = None, **options: Any) -> tuple[bytes, dict[str, Any]]:
    with world.audit(size, **options) as found:
        whole = b"".join(report_bytes(found))
    return whole, parse_json(whole)


def lived_in(world: World) -> World:
    """A little of everything."""
    world.chain(update_cycle="monthly")
    world.oblige("QP-2", "duty", responsible=ROADS)
    world.oblige("QP-2-T1", "table", "QP-2", responsible=ROADS)
    world.oblige("QP-2-T2", "table", "QP-2", responsible=ROADS)
    world.oblige("QP-3", "duty", responsible=ROADS, produces_data=False)
    world.publish()
    world.bind()
    world.mount()
    world.exempt("QP-2-T2", "catalogue")
    world.on(2, 3).supply("2026-01-01", "2026-01-31")
    world.score(9000)
    return world


def test_a_report_is_canonical_json(either_world: World) -> None:
    whole, _ = report(lived_in(either_world))
    assert is_canonical(whole, len(whole))


def test_every_state_of_a_metric_is_counted_as_often_as_it_is_listed(world: World) -> None:
    _, told = report(lived_in(world))
    by_unit = {metric.id: metric.unit for metric in METRICS}
    for metric in told["metrics"]:
        lines = told[by_unit[metric["id"]]]
        listed = Counter(
            line["state"] if "states" not in line else line["states"][metric["id"]]
            for line in lines
            if line.get("part_of") is None
            and (metric["unit"] != "clocks" or CLOCKS[line["clock"]] == metric["id"])
        )
        assert {state.word: metric[state.word] for state in State} == {
            state.word: listed[state.word] for state in State
        }


def test_no_organisation_is_lost_and_those_at_zero_come_first(world: World) -> None:
    _, told = report(lived_in(world))
    collection = next(one for one in told["metrics"] if one["id"] == "collection")
    assert [
        (one["organisation"], one["rate_basis_points"]) for one in collection["organisations"]
    ] == [
        (ROADS, 0),
        (WATER, 10_000),
        (DATA, None),
        (PARKS, None),
    ]
    for metric in told["metrics"]:
        assert {one["organisation"] for one in metric["organisations"]} == {
            DATA,
            PARKS,
            ROADS,
            WATER,
        }


def test_the_same_size_gives_the_same_bytes_for_ever(world: World) -> None:
    lived_in(world)
    size = world.size
    before, _ = report(world)
    world.wait(5, 6).publish("307015/000002", ROADS)
    world.oblige("QP-4", "duty", responsible=PARKS)
    with world.audit(size) as found:
        assert digest_of(report_bytes(found)) == digest_of([before])
    assert report(world, size)[0] == before

"""What lineage finds: dark data, falling grades, stale and broken chains, and what libraries are made of."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ledger.codes import EntryState
from ledger.lineage.findings.listing import KINDS, composed
from ledger.lineage.findings.noise import is_noise
from tests.audits.world import DATA, PARKS, ROADS, WATER
from tests.lineage.events import columns, dataset
from tests.lineage.finding_world import NAMESPACE, Pipelines

PEOPLE, STREETS, THEME = "307015/000001", "307015/000002", "307015/000003"
OPEN = {"share_type": "unconditional", "share_scope": None, "share_purpose": None}
PLAIN_ITEMS = [{"name": "街道", "data_type": "char", "length": 50, "grade": 1}]


def graded(grade: int) -> list[dict[str, Any]]:
    return [{"name": "街道", "data_type": "char", "length": 50, "grade": grade}]


@pytest.fixture
def pipelines(tmp_path: Path) -> Iterator[Pipelines]:
    made = Pipelines(tmp_path)
    yield made
    made.close()


@pytest.fixture
def either(tmp_path: Path, database_url: str) -> Iterator[Pipelines]:
    made = Pipelines(tmp_path, database_url)
    yield made
    made.close()


def told(path: Any) -> list[str]:
    return [place.name for place in path]


def test_every_kind_is_found_the_same_on_both_databases(either: Pipelines) -> None:
    """One district with one of each kind."""
    world = either.world
    either.table(PEOPLE, "ods.people", items=graded(2), library="comprehensive", **OPEN)
    either.table(STREETS, "dm.streets", items=graded(1), library="theme", **OPEN)
    either.table(THEME, "dm.gone", name="名录丙", library="theme")
    either.job("clean", ["ods.people"], ["dwd.people"], minute=1)
    either.job(
        "sum",
        ["dwd.people"],
        [dataset("dm.streets", columnLineage=columns(街道=[("ods.people", "街道")]))],
        minute=2,
    )
    either.job("left", ["dm.gone"], ["tmp.left_tmp"], minute=3)
    world.on(6, 1)
    world.supply("2026-01-01", "2026-03-31", entry=PEOPLE)
    world.file(
        PEOPLE, items=[{"name": "镇", "data_type": "char", "length": 50, "grade": 2}], **OPEN
    )
    world.decide(EntryState.PUBLISHED, PEOPLE)
    world.decide(EntryState.REVOKED, THEME)

    found = either.found()

    assert found.counts() == dict.fromkeys(KINDS, 1) | {"share_widened": 0}
    by_kind = {one.kind: one for one in found.findings}
    assert by_kind["dark_data"].name == "dwd.people"
    assert told(by_kind["grade_lowered"].path) == [
        "ods.people",
        "clean",
        "dwd.people",
        "sum",
        "dm.streets",
    ]
    assert by_kind["stale_chain"].source == PEOPLE
    assert by_kind["stale_chain"].made < by_kind["stale_chain"].delivered
    assert (by_kind["broken_item"].item, by_kind["broken_item"].edition) == ("街道", 1)
    assert (by_kind["broken_entry"].entry, by_kind["broken_entry"].jobs) == (THEME, 1)
    with either.read() as connection:
        libraries = composed(connection)
    assert [(one.library, one.entry, one.sources, one.dark) for one in libraries] == [
        ("comprehensive", PEOPLE, (), 0),
        ("theme", STREETS, (PEOPLE,), 1),
    ]


def test_dark_data_is_ranked_by_jobs_then_runs_then_time(pipelines: Pipelines) -> None:
    pipelines.job("a", ["ods.busy"], ["ods.once"], minute=1)
    pipelines.job("b", ["ods.busy"], ["ods.often"], minute=2)
    for minute in (3, 4, 5):
        pipelines.job("c", [], ["ods.often"], minute=minute)
    dark = pipelines.only("dark_data")

    assert [(one.name, one.jobs, one.reads, one.writes, one.runs) for one in dark] == [
        ("ods.often", 2, 0, 2, 4),
        ("ods.busy", 2, 2, 0, 2),
        ("ods.once", 1, 0, 1, 1),
    ]
    assert dark[0].last_seen == dark[1].last_seen + 180


def test_what_was_used_and_is_no_more_is_not_dark(pipelines: Pipelines) -> None:
    pipelines.job("a", ["ods.old"], ["ods.out"], minute=1)
    before = pipelines.anchor()
    pipelines.job("a", ["ods.new"], ["ods.out"], minute=2)
    after = pipelines.anchor()
    pipelines.job("a", ["ods.later"], ["ods.out"], minute=3)

    assert {one.name for one in pipelines.only("dark_data", before)} == {"ods.old", "ods.out"}
    assert {one.name for one in pipelines.only("dark_data", after)} == {"ods.new", "ods.out"}
    assert {one.name for one in pipelines.only("dark_data")} == {"ods.later", "ods.out"}
    assert pipelines.only("dark_data", before)[0].runs == 1
    assert pipelines.found(1).findings == ()


@pytest.mark.parametrize(
    "name",
    [
        "ods.tmp_people",
        "dw.x__dbt_tmp",
        "information_schema.tables",
        "/tmp/a",  # noqa: S108 - a name
        "s3/logs",
        "a.b_LOG",
    ],
)
def test_temporary_tables_and_logs_are_noise(name: str) -> None:
    assert is_noise(name)


@pytest.mark.parametrize("name", ["ods.people", "ods.template", "ods.catalogue", "blog.posts"])
def test_tables_that_are_called_alike_are_not(name: str) -> None:
    assert not is_noise(name)


def test_the_owner_of_dark_data_is_whose_rules_cover_most_of_the_namespace(
    pipelines: Pipelines,
) -> None:
    pipelines.table(PEOPLE, "ods.people")
    pipelines.table(STREETS, "ods.streets", name="名录乙", owner=ROADS)
    pipelines.rule(PEOPLE, "ods.houses")
    pipelines.job("a", ["ods.people", "ods.houses", "ods.streets"], ["ods.x"], by=PARKS)
    (dark,) = pipelines.only("dark_data")
    owner = dark.owner
    assert owner is not None
    assert (owner.organisation, owner.by, owner.count, owner.of) == (WATER, "namespace", 2, 3)
    assert dark.organisation == WATER


def test_where_rules_tie_the_owner_is_for_whom_the_runs_came_that_wrote_it(
    pipelines: Pipelines,
) -> None:
    pipelines.table(PEOPLE, "ods.people")
    pipelines.table(STREETS, "ods.streets", name="名录乙", owner=ROADS)
    pipelines.job("a", ["ods.people", "ods.streets"], ["ods.x"], by=PARKS)
    pipelines.job("b", ["ods.x"], [], by=ROADS)
    (dark,) = pipelines.only("dark_data")
    assert dark.owner is not None
    assert (dark.owner.organisation, dark.owner.by) == (PARKS, "writer")


def test_else_the_owner_is_who_provides_most_of_its_neighbours(pipelines: Pipelines) -> None:
    pipelines.table(PEOPLE, "ods.people")
    pipelines.table(STREETS, "ods.streets", name="名录乙", owner=ROADS)
    pipelines.job("a", ["ods.people", "ods.streets"], ["ods.x"])
    (dark,) = pipelines.only("dark_data")
    assert dark.owner is not None
    assert (dark.owner.by, dark.owner.count, dark.owner.of) == ("neighbours", 1, 2)
    assert dark.owner.organisation == min(WATER, ROADS)


def test_nobody_is_named_where_nothing_tells(pipelines: Pipelines) -> None:
    pipelines.job("a", [], ["ods.x"])
    (dark,) = pipelines.only("dark_data")
    assert dark.owner is None
    assert dark.organisation is None


def test_a_declared_step_speaks_for_who_declared_it(pipelines: Pipelines) -> None:
    pipelines.step("S-1", ["ods.a"], ["ods.b"], by=ROADS)
    dark = {one.name: one for one in pipelines.only("dark_data")}
    assert set(dark) == {"ods.a", "ods.b"}
    assert dark["ods.b"].organisation == ROADS
    assert dark["ods.a"].organisation is None
    assert dark["ods.b"].runs == 0


def lowered(pipelines: Pipelines) -> None:
    """A table graded 1 out of one graded 2, by way of a table of nobody."""
    pipelines.table(PEOPLE, "ods.people", items=graded(2))
    pipelines.table(STREETS, "dm.streets", name="名录乙", items=graded(1))
    pipelines.job("clean", ["ods.people"], ["dwd.people"], minute=1)
    pipelines.job("sum", ["dwd.people"], ["dm.streets"], minute=2)


def test_a_recorded_deidentification_of_the_hop_lets_the_grade_fall(pipelines: Pipelines) -> None:
    lowered(pipelines)
    assert len(pipelines.only("grade_lowered")) == 1
    before = pipelines.world.size
    pipelines.step(
        "S-1",
        ["dwd.people"],
        [{"entry": STREETS}],
        deidentification={"method": "汇总", "grade_before": 2, "grade_after": 1},
    )
    assert pipelines.only("grade_lowered") == []
    pipelines.anchor()
    assert pipelines.only("grade_lowered", before) == [], "the journal was not anchored then"

    pipelines.step(
        "S-1",
        ["dwd.people"],
        [{"entry": STREETS}],
        status="withdrawn",
        reasons=["不再汇总"],
    )
    assert len(pipelines.only("grade_lowered")) == 1


@pytest.mark.parametrize(
    ("how", "count"),
    [
        ({"method": "汇总"}, 0),
        ({"method": "汇总", "grade_before": 2}, 0),
        ({"method": "汇总", "grade_after": 2}, 1),
        ({"method": "汇总", "grade_before": 1}, 1),
    ],
    ids=["any", "of grade 2", "down to 2 only", "of grade 1 only"],
)
def test_a_deidentification_counts_for_what_it_says(
    pipelines: Pipelines, how: dict[str, Any], count: int
) -> None:
    lowered(pipelines)
    pipelines.step("S-1", ["dwd.people"], ["dm.streets"], deidentification=how)
    assert len(pipelines.only("grade_lowered")) == count


def test_a_deidentification_elsewhere_does_not_help(pipelines: Pipelines) -> None:
    lowered(pipelines)
    pipelines.step("S-1", ["dwd.people"], ["dm.other"], deidentification={"method": "汇总"})
    pipelines.step("S-2", ["ods.people"], ["dm.streets"], deidentification={"method": "汇总"})
    assert len(pipelines.only("grade_lowered")) == 1


def test_one_way_around_the_deidentification_is_enough(pipelines: Pipelines) -> None:
    lowered(pipelines)
    pipelines.step("S-1", ["dwd.people"], ["dm.streets"], deidentification={"method": "汇总"})
    pipelines.job("raw", ["ods.people"], ["dm.streets"], minute=9)
    (one,) = pipelines.only("grade_lowered")
    assert told(one.path) == ["ods.people", "raw", "dm.streets"]


def test_a_table_shared_wider_than_its_source_is_found(pipelines: Pipelines) -> None:
    pipelines.table(PEOPLE, "ods.people", items=graded(1))
    pipelines.table(STREETS, "dm.streets", name="名录乙", items=graded(1), **OPEN)
    pipelines.job("sum", ["ods.people"], ["dm.streets"])
    (one,) = pipelines.only("share_widened")
    assert (one.stated, one.flowing, one.source, one.organisation) == (1, 2, PEOPLE, WATER)
    assert pipelines.only("grade_lowered") == []


def test_entries_that_a_step_names_stand_for_their_data_sets_but_do_not_join_them(
    pipelines: Pipelines,
) -> None:
    """People flow into the entry of streets, and so into its tables; one table of it does not feed another."""
    pipelines.table(PEOPLE, "ods.people", items=graded(2))
    pipelines.table(STREETS, "dm.streets", name="名录乙", items=graded(1))
    pipelines.rule(STREETS, "dm.roads")
    pipelines.table(THEME, "dm.theme", name="名录丙", items=graded(1))
    pipelines.job("read", ["dm.roads"], ["dm.theme"])
    pipelines.job("fill", ["ods.people"], ["dm.streets"])
    assert {one.entry for one in pipelines.only("grade_lowered")} == {STREETS}

    pipelines.step("S-1", [{"entry": STREETS}], [{"entry": "307015/000009"}])
    assert {one.entry for one in pipelines.only("grade_lowered")} == {STREETS}

    pipelines.step("S-2", [{"entry": PEOPLE}], [{"entry": STREETS}])
    paths = {one.entry: told(one.path) for one in pipelines.only("grade_lowered")}
    assert paths[THEME] == [PEOPLE, "S-2", STREETS, "dm.roads", "read", "dm.theme"]


def test_a_draft_does_not_change_what_is_in_force(pipelines: Pipelines) -> None:
    lowered(pipelines)
    pipelines.world.file(STREETS, name="名录乙", items=graded(2))
    assert len(pipelines.only("grade_lowered")) == 1
    pipelines.world.decide(EntryState.PUBLISHED, STREETS)
    assert pipelines.only("grade_lowered") == []


def test_a_library_table_made_after_its_sources_is_not_stale(pipelines: Pipelines) -> None:
    """Runs are of 1 May; what was delivered before is in it, what came later is not."""
    world = pipelines.world
    pipelines.table(PEOPLE, "ods.people", items=PLAIN_ITEMS)
    pipelines.table(STREETS, "dm.streets", name="名录乙", library="theme", items=PLAIN_ITEMS)
    pipelines.job("sum", ["ods.people"], ["dm.streets"])
    world.on(4, 30).supply("2026-01-01", "2026-03-31", entry=PEOPLE)
    assert pipelines.only("stale_chain") == []
    early = pipelines.anchor()
    world.on(5, 9).supply("2026-04-01", "2026-04-30", entry=PEOPLE)
    (one,) = pipelines.only("stale_chain")
    assert (one.entry, one.source, one.leaf) == (STREETS, PEOPLE, world.size - 1)
    assert told(one.path) == ["ods.people", "sum", "dm.streets"]
    assert pipelines.only("stale_chain", early) == []
    # A delivery of the table itself is as good as a run.
    world.on(5, 10).supply("2026-04-01", "2026-04-30", entry=STREETS)
    assert pipelines.only("stale_chain") == []


def test_the_latest_of_many_sources_is_named_even_where_the_table_feeds_itself(
    pipelines: Pipelines,
) -> None:
    world = pipelines.world
    codes = [f"307015/00001{number}" for number in range(4)]
    for number, code in enumerate(codes):
        pipelines.table(code, f"ods.s{number}", name=f"来源{number}", items=PLAIN_ITEMS)
    pipelines.table(STREETS, "dm.streets", name="名录乙", library="theme", items=PLAIN_ITEMS)
    pipelines.job("all", [*(f"ods.s{number}" for number in range(4)), "dm.streets"], ["dm.streets"])
    world.on(5, 2).supply("2026-04-01", "2026-04-30", entry=STREETS)
    for day, code in enumerate((codes[2], codes[0], codes[3], codes[1]), start=5):
        world.on(5, day).supply("2026-04-01", "2026-04-30", entry=code)
    (one,) = pipelines.only("stale_chain")
    assert one.source == codes[1]


def test_a_theme_of_which_nothing_tells_when_it_was_made_is_not_judged(
    pipelines: Pipelines,
) -> None:
    pipelines.table(PEOPLE, "ods.people", items=PLAIN_ITEMS)
    pipelines.entry(STREETS, name="名录乙", library="theme", items=PLAIN_ITEMS)
    pipelines.step("S-1", ["ods.people"], [{"entry": STREETS}])
    pipelines.world.on(5, 9).supply("2026-04-01", "2026-04-30", entry=PEOPLE)
    assert pipelines.only("stale_chain") == []


def test_a_column_that_never_was_an_item_is_not_broken(pipelines: Pipelines) -> None:
    pipelines.table(PEOPLE, "ods.people", items=PLAIN_ITEMS)
    pipelines.job(
        "sum",
        ["ods.people"],
        [dataset("dm.x", columnLineage=columns(a=[("ods.people", "row_id")]))],
    )
    pipelines.world.publish(
        PEOPLE, items=[*graded(1), {"name": "镇", "data_type": "char", "length": 9}]
    )
    assert pipelines.only("broken_item") == []


def test_a_rule_to_an_entry_that_is_not_in_the_catalogue_is_a_broken_link(
    pipelines: Pipelines,
) -> None:
    pipelines.rule("307015/000077", "ods.lost")
    pipelines.job("a", ["ods.lost"], ["tmp_x"])
    (one,) = pipelines.only("broken_entry")
    assert (one.entry, one.organisation, one.leaf) == ("307015/000077", WATER, None)
    assert pipelines.only("dark_data") == []


def test_a_library_entry_without_a_registered_source_is_told(pipelines: Pipelines) -> None:
    pipelines.table(PEOPLE, "dm.people", library="theme")
    pipelines.table(STREETS, "dm.streets", name="名录乙", library="special")
    pipelines.entry(THEME, name="名录丙", library="comprehensive")
    pipelines.job("a", ["raw.files"], ["dm.people"])
    pipelines.job("b", ["dm.people", "raw.more"], ["dm.streets"])
    with pipelines.read() as connection:
        found = {one.entry: one for one in composed(connection)}
    assert list(found) == [THEME, PEOPLE, STREETS], "by library"
    assert (found[PEOPLE].sources, found[PEOPLE].dark, found[PEOPLE].known) == ((), 1, True)
    assert (found[STREETS].sources, found[STREETS].dark) == ((PEOPLE,), 1)
    assert (found[THEME].sources, found[THEME].known) == ((), False)


def test_sources_are_found_through_tables_that_feed_one_another(pipelines: Pipelines) -> None:
    pipelines.table(PEOPLE, "ods.people")
    pipelines.table(STREETS, "dm.streets", library="theme")
    pipelines.job("into", ["ods.people", "raw.c"], ["raw.a"])
    pipelines.job("round", ["raw.a"], ["raw.b", "raw.c"])
    pipelines.job("out", ["raw.b"], ["dm.streets", "dm.more"])
    with pipelines.read() as connection:
        found = {one.entry: one for one in composed(connection)}
    assert (found[STREETS].sources, found[STREETS].dark) == ((PEOPLE,), 3)


def test_findings_go_to_who_should_see_to_them(pipelines: Pipelines) -> None:
    lowered(pipelines)
    found = pipelines.found()
    assert {one.kind for one in found.of(organisation=WATER)} == {"dark_data", "grade_lowered"}
    assert found.of(organisation=DATA) == []
    assert found.of("grade_lowered")[0].id == f"grade_lowered:{NAMESPACE}:dm.streets"

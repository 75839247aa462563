"""Questions about quality: what is newest, what was before, and a league that loses nobody."""

from __future__ import annotations

from datetime import date

import pytest

from ledger.catalogue.entry import Entry
from ledger.catalogue.statements import Revision, Verdict, decision, filing
from ledger.codes import EntryState
from ledger.organisations.statements import OrganisationDraft, register
from ledger.quality import queries
from ledger.quality.statements import ScoreDraft, score
from tests.catalogue.conftest import whole_entry
from tests.organisations.scribe import FAR, Scribe

DATA = "TMP-DATA"
WATER = "TMP-WATER"
ROADS = "TMP-ROADS"
PARKS = "TMP-PARKS"
CLOSED = "TMP-CLOSED"
FIRST, SECOND, THIRD, ASIDE = (f"307015/00000{n}" for n in range(1, 5))


def organisation(code: str, name: str, **more: object) -> OrganisationDraft:
    parent = None if code == DATA else DATA
    return OrganisationDraft.model_validate(
        {"code": code, "name": name, "parent": parent, "level": "district", **more}
    )


def scored(entry: str, total: int, **changes: object) -> ScoreDraft:
    return ScoreDraft.model_validate(
        {
            "entry": entry,
            "edition": 1,
            "period_start": "2025-01-01",
            "period_end": "2025-03-31",
            "scores": {"accuracy": total},
            "rule_set": "ab" * 32,
            **changes,
        }
    )


@pytest.fixture
def scribe(scribe: Scribe) -> Scribe:
    """Leaves 0-5 organisations, 6-9 filings, 10-12 publications, then nobody has a score."""
    scribe.write(
        register(
            [
                organisation(DATA, "数据局"),
                organisation(WATER, "水务局"),
                organisation(ROADS, "交通委"),
                organisation(PARKS, "绿化市容局"),
                organisation(CLOSED, "已撤并单位"),
            ],
            speaker=DATA,
            deadline=FAR,
        ),
        register(
            [organisation(CLOSED, "已撤并单位", status="dissolved", version=2)],
            speaker=DATA,
            deadline=FAR,
        ),
    )
    for code, owner in ((FIRST, WATER), (SECOND, WATER), (THIRD, ROADS), (ASIDE, ROADS)):
        entry = Entry.parse(whole_entry(code, provider=owner))
        made = filing(owner, [Revision(entry, 1, EntryState.SUBMITTED)], FAR)
        scribe.write(made.batch)
    published = [Verdict(code, 2, EntryState.PUBLISHED) for code in (FIRST, SECOND, THIRD)]
    scribe.write(decision(DATA, published, FAR))
    assert scribe.size == 13
    assert scribe.flags == {}
    return scribe


def assess(scribe: Scribe, *drafts: ScoreDraft, by: str = DATA) -> None:
    scribe.write(score(drafts, speaker=by, deadline=FAR))


def league(scribe: Scribe, as_of: int | None = None) -> dict[str, queries.Standing]:
    with scribe.engine.connect() as connection:
        return {one.code: one for one in queries.league(connection, as_of=as_of)}


def test_without_a_single_score_everybody_is_in_the_league(scribe: Scribe) -> None:
    standings = league(scribe)
    assert list(standings) == [DATA, PARKS, ROADS, WATER]
    assert {(one.scored, one.mean, one.grade) for one in standings.values()} == {(0, None, None)}
    assert (standings[WATER].entries, standings[WATER].rate) == (2, 0)
    assert (standings[ROADS].entries, standings[ROADS].rate) == (1, 0)
    assert (standings[PARKS].entries, standings[PARKS].rate) == (0, None)


def test_the_league_orders_by_mean_and_keeps_zero_above_none(scribe: Scribe) -> None:
    assess(scribe, scored(FIRST, 9000), scored(SECOND, 8001), scored(THIRD, 0))
    standings = league(scribe)
    assert list(standings) == [WATER, ROADS, DATA, PARKS]
    water = standings[WATER]
    # (9000 + 8001) / 2 = 8500.5, half to even
    assert (water.mean, water.lowest, water.grade, water.rate) == (8500, 8001, "B", 10_000)
    assert water.grades == {"A": 0, "B": 1, "C": 1, "D": 0, "E": 0}
    assert (standings[ROADS].mean, standings[ROADS].grade, standings[ROADS].scored) == (0, "E", 1)


def test_scores_of_unpublished_entries_do_not_lift_a_mean(scribe: Scribe) -> None:
    assess(scribe, scored(THIRD, 5000), scored(ASIDE, 10_000))
    assert league(scribe)[ROADS].mean == 5000


def test_a_revision_under_review_takes_no_bad_score_out_of_the_mean(scribe: Scribe) -> None:
    assess(scribe, scored(FIRST, 1000), scored(SECOND, 9000))
    entry = Entry.parse(whole_entry(FIRST, provider=WATER))
    scribe.write(filing(WATER, [Revision(entry, 3, EntryState.SUBMITTED)], FAR).batch)
    assert (league(scribe)[WATER].entries, league(scribe)[WATER].mean) == (2, 5000)
    scribe.write(decision(DATA, [Verdict(FIRST, 4, EntryState.RETURNED, ("请改正",))], FAR))
    assert (league(scribe)[WATER].entries, league(scribe)[WATER].mean) == (2, 5000)
    scribe.write(decision(DATA, [Verdict(FIRST, 5, EntryState.REVOKED, ("重复",))], FAR))
    assert (league(scribe)[WATER].entries, league(scribe)[WATER].mean) == (1, 9000)


def test_what_an_owner_scored_itself_counts_only_where_nobody_else_did(scribe: Scribe) -> None:
    far = {"period_start": "2025-01-01", "period_end": "2999-12-31"}
    assess(scribe, scored(FIRST, 1000))
    assess(scribe, scored(FIRST, 10_000, **far), scored(SECOND, 6000, **far), by=WATER)
    assert league(scribe)[WATER].mean == 3500
    assess(scribe, scored(FIRST, 0, scores={}, version=2, **far), by=WATER)
    assert league(scribe)[WATER].mean == 3500


def test_an_entry_where_nothing_could_be_assessed_is_not_scored(scribe: Scribe) -> None:
    assess(scribe, scored(THIRD, 0, scores={}))
    roads = league(scribe)[ROADS]
    assert (roads.entries, roads.scored, roads.rate, roads.mean) == (1, 0, 0, None)


def test_a_league_as_of_earlier_is_as_it_was(scribe: Scribe) -> None:
    before = league(scribe)
    assess(scribe, scored(FIRST, 9000))
    assert league(scribe) != before
    assert league(scribe, as_of=13) == before
    assert league(scribe, as_of=0) == {}
    # Before leaf 5 the closed organisation was still open.
    assert CLOSED in league(scribe, as_of=5)


def test_the_latest_score_is_of_the_latest_period_then_the_latest_statement(
    scribe: Scribe,
) -> None:
    later = {"period_start": "2025-04-01", "period_end": "2025-06-30"}
    assess(scribe, scored(FIRST, 7000, **later), scored(FIRST, 1000), scored(SECOND, 10))
    assess(scribe, scored(FIRST, 8000, **later), by=WATER)
    with scribe.engine.connect() as connection:
        newest = queries.latest(connection)
        asked = queries.latest(connection, [FIRST, THIRD])
        before = queries.latest(connection, as_of=16)
    assert {code: one.total for code, one in newest.items()} == {FIRST: 8000, SECOND: 10}
    assert asked == {FIRST: newest[FIRST]}
    assert before[FIRST].total == 7000
    assert (newest[FIRST].assessor, newest[FIRST].self_assessment) == (WATER, True)
    assert (before[FIRST].assessor_name, before[FIRST].self_assessment) == ("数据局", False)


def test_a_rescored_period_replaces_the_score_and_keeps_the_old_one(scribe: Scribe) -> None:
    assess(scribe, scored(FIRST, 7000))
    assess(scribe, scored(FIRST, 7500, version=2, notes="更正", data_root="cd" * 32))
    with scribe.engine.connect() as connection:
        [held] = queries.scores(connection, entry=FIRST)
        [then] = queries.scores(connection, entry=FIRST, as_of=14)
        every = queries.history(connection, FIRST)
        early = queries.history(connection, FIRST, as_of=14)
    assert (held.total, held.version, held.notes, held.data_root) == (
        7500,
        2,
        "更正",
        "0x" + "cd" * 32,
    )
    assert (then.total, then.data_root, then.leaf_until) == (7000, None, 14)
    assert [one.total for one in every] == [7000, 7500]
    assert [one.total for one in early] == [7000]


def test_a_score_tells_dimensions_and_leaves_unassessed_ones_blank(scribe: Scribe) -> None:
    assess(scribe, scored(FIRST, 0, scores={"accuracy": 0, "completeness": 9000}))
    with scribe.engine.connect() as connection:
        [one] = queries.scores(connection)
    assert one.dimensions == {
        "normativity": None,
        "completeness": 9000,
        "accuracy": 0,
        "consistency": None,
        "timeliness": None,
        "accessibility": None,
    }
    assert (one.total, one.grade, one.coverage) == (4500, "E", 5000)
    assert (one.period_start, one.period_end) == (date(2025, 1, 1), date(2025, 3, 31))
    assert one.weights == (1500, 2500, 2500, 1500, 1500, 500)
    assert one.rule_set == "0x" + "ab" * 32


def test_scores_are_listed_newest_first_in_pages(scribe: Scribe) -> None:
    later = {"period_start": "2025-04-01", "period_end": "2025-06-30"}
    assess(scribe, scored(FIRST, 1), scored(SECOND, 2), scored(THIRD, 3, **later))
    assess(scribe, scored(FIRST, 4), by=WATER)
    with scribe.engine.connect() as connection:

        def totals(**asked: object) -> list[int | None]:
            found = queries.scores(connection, **asked)  # type: ignore[arg-type]
            return [one.total for one in found]

        assert totals() == [4, 3, 2, 1]
        assert totals(limit=2) == [4, 3]
        assert totals(limit=2, before=15) == [2, 1]
        assert totals(entry=FIRST) == [4, 1]
        assert totals(assessor=WATER) == [4]
        assert totals(period=date(2025, 5, 1)) == [3]
        assert totals(period=date(2025, 3, 31)) == [4, 2, 1]
        assert totals(as_of=14) == [1]


def test_a_score_of_an_entry_that_is_not_projected_says_so(scribe: Scribe) -> None:
    assess(scribe, scored("999999/000001", 5), by="TMP-NOBODY")
    with scribe.engine.connect() as connection:
        [one] = queries.scores(connection)
    assert (one.assessor, one.assessor_name, one.self_assessment) == (None, None, None)
    assert one.assessor_hash.startswith("0x")

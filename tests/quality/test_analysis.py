"""Trends, worst rules and a league by dimension, as of any size of the log."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from ledger.quality import analysis, queries
from ledger.quality.statements import ScoreDraft, score
from tests.organisations.scribe import FAR, Scribe
from tests.quality.test_queries import (
    DATA,
    FIRST,
    PARKS,
    ROADS,
    SECOND,
    THIRD,
    WATER,
    assess,
    scored,
)
from tests.quality.test_queries import scribe as published

scribe = published


def by_rules(entry: str, *counts: tuple[str, int, int], **changes: object) -> ScoreDraft:
    outcomes = [
        {
            "rule": rule,
            "indicator": "020100",
            "severity": "major",
            "state": "assessed",
            "evaluated": b,
            "failing": f,
        }
        for rule, b, f in counts
    ]
    return scored(entry, 9000, outcomes=outcomes, **changes)


def test_a_trend_goes_from_period_to_period(scribe: Scribe) -> None:
    second = {"period_start": "2025-04-01", "period_end": "2025-06-30"}
    third = {"period_start": "2025-07-01", "period_end": "2025-09-30"}
    assess(scribe, scored(FIRST, 9000), scored(SECOND, 8000))
    assess(scribe, scored(FIRST, 7001, **second), scored(SECOND, 8000, **second))
    assess(scribe, scored(FIRST, 0, scores={}, **third))
    with scribe.engine.connect() as connection:
        points = analysis.trend(connection, organisation=WATER)
        assert [(one.mean, one.change, one.entries) for one in points] == [
            (8500, None, 2),
            (7500, -1000, 2),
            (None, None, 0),
        ]
        assert points[0].dimensions["accuracy"] == 8500
        assert points[0].dimensions["timeliness"] is None
        alone = analysis.trend(connection, entry=FIRST)
        assert [one.mean for one in alone] == [9000, 7001, None]
        assert analysis.trend(connection, organisation=PARKS) == []
        assert len(analysis.trend(connection, as_of=15)) == 1


def test_the_owners_own_score_counts_where_nobody_elses_does(scribe: Scribe) -> None:
    assess(scribe, by_rules(FIRST, ("own", 10, 9)), by=WATER)
    with scribe.engine.connect() as connection:
        assert [one.rule for one in analysis.worst_rules(connection)] == ["own"]
    assess(scribe, by_rules(FIRST, ("seen", 10, 2)))
    with scribe.engine.connect() as connection:
        assert [one.rule for one in analysis.worst_rules(connection)] == ["seen"]
        assert [one.rule for one in analysis.worst_rules(connection, as_of=14)] == ["own"]


def test_the_worst_rules_are_those_that_fail_the_greatest_share(scribe: Scribe) -> None:
    assess(
        scribe,
        by_rules(FIRST, ("a", 100, 50), ("b", 1_000, 500), ("fine", 10, 0)),
        by_rules(SECOND, ("c", 3, 2)),
        by_rules(THIRD, ("d", 10**12, 1)),
    )
    with scribe.engine.connect() as connection:
        worst = analysis.worst_rules(connection)
        assert [(one.entry, one.rule) for one in worst] == [
            (SECOND, "c"),
            (FIRST, "b"),
            (FIRST, "a"),
            (THIRD, "d"),
        ]
        assert worst[0].rate == 3333
        assert [one.rule for one in analysis.worst_rules(connection, limit=1)] == ["c"]
        assert [one.rule for one in analysis.worst_rules(connection, organisation=ROADS)] == ["d"]
        assert analysis.worst_rules(connection, indicator="03") == []
        assert [one.rule for one in analysis.worst_rules(connection, entry=SECOND)] == ["c"]


def test_a_league_by_dimension_keeps_those_without_it(scribe: Scribe) -> None:
    assess(scribe, scored(FIRST, 9000), scored(THIRD, 0, scores={"timeliness": 0}))
    with scribe.engine.connect() as connection:
        league = {one.code: one for one in queries.league(connection, dimension="timeliness")}
        assert set(league) == {DATA, WATER, ROADS, PARKS}
        assert (league[ROADS].mean, league[ROADS].grade) == (0, "E")
        assert (league[WATER].mean, league[WATER].scored) == (None, 0)
        assert next(iter(league)) == ROADS
        with pytest.raises(ValueError, match="no dimension"):
            queries.league(connection, dimension="beauty")


def test_outcomes_go_when_their_score_is_taken_back(scribe: Scribe) -> None:
    assess(scribe, by_rules(FIRST, ("a", 10, 5)))
    size = scribe.size
    assess(scribe, by_rules(FIRST, ("a", 10, 1), version=2))
    with scribe.engine.connect() as connection:
        assert [one.failing for one in analysis.worst_rules(connection)] == [1]
    scribe.cut(size)
    with scribe.engine.connect() as connection:
        assert [one.failing for one in analysis.worst_rules(connection)] == [5]


def test_audits_get_scores_in_force_at_a_size(scribe: Scribe) -> None:
    assess(scribe, scored(FIRST, 9000, data_root="cd" * 32, delivery=3))
    scribe.write(score([scored(FIRST, 8000, version=2)], speaker=DATA, deadline=FAR))
    with scribe.engine.connect() as connection:
        first = connection.execute(queries.scores_at(14)).one()
        assert (first.leaf, first.entry, first.accuracy, first.delivery) == (13, FIRST, 9000, 3)
        assert bytes(first.data_root) == b"\xcd" * 32
        now = connection.execute(queries.scores_at()).one()
        assert (now.leaf, now.accuracy, now.data_root) == (14, 8000, None)
        inner = queries.scores_at(13).subquery()
        assert connection.execute(select(inner.c.leaf)).all() == []


@pytest.mark.parametrize(
    ("outcome", "words"),
    [
        ({"evaluated": 1, "failing": 2}, "more elements fail"),
        ({"evaluated": 0}, "only where, the rule was assessed"),
        ({"evaluated": 3, "state": "not_assessable"}, "only where, the rule was assessed"),
        ({"indicator": "990100", "evaluated": 1}, "indicator"),
        ({"rule": "Bad Id", "evaluated": 1}, "rule"),
    ],
)
def test_outcomes_that_cannot_be_are_refused(outcome: dict[str, object], words: str) -> None:
    whole = {
        "rule": "a",
        "indicator": "020100",
        "severity": "major",
        "state": "assessed",
        **outcome,
    }
    with pytest.raises(ValueError, match=words):
        scored(FIRST, 9000, outcomes=[whole])

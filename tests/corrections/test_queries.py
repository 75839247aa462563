"""Questions about requests: lists, filters, pages, one request's story, numbers for new ones."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from ledger.codes import CorrectionState, CorrectionType
from ledger.corrections import queries
from ledger.corrections.queries import Filters
from ledger.organisations import queries as organisations
from tests.corrections.told import (
    BEDS,
    DATA,
    LANES,
    MONDAY,
    PIPES,
    ROADS,
    WATER,
    Office,
    moment,
)


def days(count: int) -> timedelta:
    return timedelta(days=count)


@pytest.fixture
def busy(desk: Office) -> Office:
    """Four requests: open, taken up, answered and evaluated, rejected."""
    return filled(desk)


def filled(office: Office) -> Office:
    office.say(MONDAY, "JH-1", reasons=["missing_rows", "outdated"])
    office.say(MONDAY, "JH-2", entry=LANES, by=WATER, type="directory", hour=11)
    office.say(MONDAY + days(1), "JH-2", "handling", entry=LANES, type="directory")
    office.say(MONDAY + days(1), "JH-3", entry=PIPES, follows="JH-0")
    office.say(MONDAY + days(2), "JH-3", "handled", entry=PIPES, outcome="confirmed")
    office.say(MONDAY + days(3), "JH-3", "evaluated", entry=PIPES, score=4, solved=False)
    office.say(MONDAY + days(3), "JH-4", entry=LANES)
    office.say(MONDAY + days(4), "JH-4", "rejected", entry=LANES)
    return office


def codes(office: Office, filters: Filters, as_of: int | None = None) -> list[str]:
    with office.reading() as connection:
        found = queries.requests(connection, filters, as_of=as_of)
        assert queries.count(connection, filters, as_of=as_of) == len(found)
    return [one.code for one in found]


def test_a_request_tells_its_parties_its_times_and_its_end(busy: Office) -> None:
    with busy.reading() as connection:
        one = queries.request(connection, "JH-3")
    assert one is not None
    assert (one.requester, one.provider, one.entry, one.entry_name) == (
        DATA,
        WATER,
        PIPES,
        "数据 001",
    )
    assert (one.filed_at, one.taken_at) == (moment(MONDAY + days(1)), None)
    assert (one.answered_at, one.ended_at) == (
        moment(MONDAY + days(2)),
        moment(MONDAY + days(3)),
    )
    assert (one.state, one.outcome, one.score, one.solved) == ("evaluated", "confirmed", 4, False)
    assert (one.version, one.follows, one.is_open) == (3, "JH-0", False)
    assert one.received == MONDAY + days(1)


def test_every_filter_finds_what_it_names(office: Office) -> None:
    busy = filled(office)
    assert codes(busy, Filters()) == ["JH-4", "JH-3", "JH-2", "JH-1"]
    assert codes(busy, Filters(state=CorrectionState.HANDLING)) == ["JH-2"]
    assert codes(busy, Filters(type=CorrectionType.DIRECTORY)) == ["JH-2"]
    assert codes(busy, Filters(entry=LANES)) == ["JH-4", "JH-2"]
    assert codes(busy, Filters(requester=WATER)) == ["JH-2"]
    assert codes(busy, Filters(provider=WATER)) == ["JH-3", "JH-1"]
    assert codes(busy, Filters(provider=ROADS, open=True)) == ["JH-2"]
    assert codes(busy, Filters(open=False)) == ["JH-4", "JH-3"]
    assert codes(busy, Filters(reason="outdated")) == ["JH-1"]
    assert codes(busy, Filters(reason="out")) == []
    assert codes(busy, Filters(reason="missing%")) == []
    assert codes(busy, Filters(follows="JH-0")) == ["JH-3"]
    assert codes(busy, Filters(provider="TMP-NOBODY")) == []


def test_pages_follow_one_another_without_gap_or_repetition(busy: Office) -> None:
    seen: list[str] = []
    before: int | None = None
    with busy.reading() as connection:
        while page := queries.requests(connection, before=before, limit=1):
            seen += [one.code for one in page]
            before = page[-1].filed_leaf
    assert seen == ["JH-4", "JH-3", "JH-2", "JH-1"]


def test_the_past_is_told_as_it_was(busy: Office) -> None:
    with busy.reading() as connection:
        story = queries.history(connection, "JH-3")
        answered = story[1].leaf_from
        then = queries.request(connection, "JH-3", as_of=answered + 1)
        before = queries.request(connection, "JH-3", as_of=answered)
        assert queries.history(connection, "JH-3", as_of=answered) == [
            story[0],
        ]
    assert then is not None
    assert (then.state, then.ended_at, then.score) == ("handled", None, None)
    assert before is not None
    assert (before.state, before.answered_at, before.outcome) == ("filed", None, None)
    assert codes(busy, Filters(open=True), as_of=answered) == ["JH-3", "JH-2", "JH-1"]


def test_who_takes_up_again_is_found_from_the_old_request(busy: Office) -> None:
    with busy.reading() as connection:
        assert [one.code for one in queries.followers(connection, "JH-0")] == ["JH-3"]
        assert queries.followers(connection, "JH-3") == []
        assert queries.request(connection, "JH-0") is None


def test_new_codes_count_on_from_the_largest_number(busy: Office) -> None:
    busy.say(MONDAY, "JH-A-9")
    busy.say(MONDAY, "JH-A-10")
    busy.say(MONDAY, "JH-A-x")
    with busy.reading() as connection:
        assert queries.next_number(connection, "JH-") == 5
        assert queries.next_number(connection, "JH-A-") == 11
        assert queries.next_number(connection, "JH_") == 1


def test_the_select_joins_with_those_of_others(busy: Office) -> None:
    asked = queries.corrections_at(None).subquery("asked")
    with busy.reading() as connection:
        rows = connection.execute(select(asked).order_by(asked.c.code)).mappings().all()
        known = {one.code for one in organisations.organisations(connection)}
    assert [row["code"] for row in rows] == ["JH-1", "JH-2", "JH-3", "JH-4"]
    assert {row["provider"] for row in rows} <= known
    assert all(row["leaf"] >= row["filed_leaf"] for row in rows)
    assert [row["recorded_at"] == row["ended_at"] for row in rows] == [False, False, True, False]


def test_an_entry_that_is_not_projected_has_no_known_provider(desk: Office) -> None:
    desk.say(MONDAY, "JH-1", entry=BEDS)
    with desk.reading() as connection:
        # before the entries were recorded, nobody knew whose this one is
        size = desk.scribe.size
        assert queries.request(connection, "JH-1", as_of=size) is not None
    with desk.scribe.engine.begin() as connection:
        connection.exec_driver_sql("DELETE FROM catalogue_entry")
    with desk.reading() as connection:
        one = queries.request(connection, "JH-1")
    assert one is not None
    assert (one.provider, one.entry_name) == (None, None)


def test_a_list_by_provider_looks_each_request_up_by_its_code(desk: Office) -> None:
    asked = queries.corrections_at(None)
    asked = asked.where(asked.selected_columns["provider"] == WATER)
    with desk.reading() as connection:
        told = asked.compile(desk.scribe.engine, compile_kwargs={"literal_binds": True})
        plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {told}").all()
    steps = [row[3] for row in plan]
    assert not [step for step in steps if step.startswith("SCAN")], steps
    for name in ("newest", "taken", "answer", "ending"):
        (lookup,) = [step for step in steps if step.startswith(f"SEARCH {name} ")]
        assert "(code=?" in lookup

"""Overdue requests, breaches, rates and reasons; and laws that hold whatever the departments do."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ledger.catalogue.projection import PROJECTION as CATALOGUE
from ledger.codes import CORRECTION_TRANSITIONS, CorrectionState
from ledger.corrections import measures, queries
from ledger.corrections.projection import PROJECTION as CORRECTIONS
from ledger.corrections.vocabulary import load_vocabulary
from ledger.organisations.projection import PROJECTION as ORGANISATIONS
from ledger.store.engine import open_database
from ledger.workdays import LAST_YEAR, CalendarError, is_workday
from tests.corrections.told import BEDS, DATA, LANES, MONDAY, OWNER, ROADS, WATER, Office
from tests.organisations.scribe import Scribe

DUE = date(2026, 3, 16)
DAY = timedelta(days=1)


@pytest.fixture
def late(desk: Office) -> Office:
    """On 2 March five requests, due on the 16th: open, late, on time, cancelled in and out of time."""
    return filled(desk)


def filled(office: Office) -> Office:
    office.say(MONDAY, "JH-OPEN", reasons=["outdated"])
    office.say(MONDAY, "JH-LATE")
    office.say(MONDAY, "JH-GOOD", entry=LANES)
    office.say(MONDAY, "JH-GONE")
    office.say(MONDAY, "JH-LAPSED")
    office.say(DUE, "JH-GOOD", "handled", entry=LANES, hour=23)
    office.say(DUE, "JH-GONE", "cancelled")
    office.say(DUE + DAY, "JH-LATE", "rejected")
    office.say(DUE + 2 * DAY, "JH-LAPSED", "cancelled")
    return office


def test_the_overdue_list_names_who_is_late_and_by_how_much(late: Office) -> None:
    with late.reading() as connection:
        assert measures.overdue(connection, DUE) == []
        (first,) = measures.overdue(connection, date(2026, 3, 23))
        assert (first.request.code, first.request.provider) == ("JH-OPEN", WATER)
        assert (first.due_on, first.days_late) == (DUE, 5)
        assert measures.overdue(connection, date(2026, 3, 23), provider=ROADS) == []


def test_a_past_day_is_judged_by_what_had_happened_then(late: Office) -> None:
    with late.reading() as connection:
        then = measures.overdue(connection, DUE + DAY)
        assert [one.request.code for one in then] == ["JH-LAPSED", "JH-OPEN"]
        earlier = measures.overdue(connection, DUE + DAY, as_of=late.scribe.size - 2)
    assert [one.request.code for one in earlier] == ["JH-LAPSED", "JH-LATE", "JH-OPEN"]


def test_a_shorter_clock_runs_out_earlier(late: Office) -> None:
    with late.reading() as connection:
        found = measures.overdue(connection, MONDAY + 8 * DAY, workdays=5)
    assert [one.due_on for one in found] == [date(2026, 3, 9)] * 5


def test_breaches_stay_after_a_late_answer(late: Office) -> None:
    with late.reading() as connection:
        found = {one.code: one for one in measures.breaches(connection, date(2026, 3, 23))}
        after = measures.breaches(connection, date(2026, 3, 23), since=DUE + DAY)
        of_roads = measures.breaches(connection, date(2026, 3, 23), provider=ROADS)
    assert set(found) == {"JH-OPEN", "JH-LATE", "JH-LAPSED"}
    assert after == of_roads == []
    one = found["JH-LATE"]
    assert (one.finding, one.provider, one.requester, one.entry) == ("39(6)", WATER, DATA, BEDS)
    assert (one.received_on, one.due_on, one.since) == (MONDAY, DUE, DUE + DAY)
    assert (one.until, one.days_late, one.standing) == (DUE + DAY, 1, "late")
    assert (found["JH-OPEN"].until, found["JH-OPEN"].days_late) == (None, 5)
    assert (found["JH-LAPSED"].days_late, found["JH-LAPSED"].standing) == (2, "lapsed")


def test_the_rate_is_exact_and_names_what_it_counts(office: Office) -> None:
    with filled(office).reading() as connection:
        whole, by_provider = measures.answer_rates(
            connection, date(2026, 3, 1), date(2026, 3, 31), date(2026, 4, 1)
        )
    assert (whole.numerator, whole.denominator, whole.rate) == (1, 4, 2500)
    assert whole.due == ("JH-GOOD", "JH-LAPSED", "JH-LATE", "JH-OPEN")
    assert whole.on_time == ("JH-GOOD",)
    assert (whole.median_to_take, whole.median_to_answer, whole.median_to_evaluate) == (
        None,
        10,
        None,
    )
    rates = {one.provider: (one.numerator, one.denominator, one.rate) for one in by_provider}
    assert rates == {DATA: (0, 0, None), ROADS: (1, 1, 10_000), WATER: (0, 3, 0)}


def test_the_time_of_each_step_is_told_in_working_days(desk: Office) -> None:
    for number, days in enumerate(((0, 1, 3), (1, 4, 4), (2, 8, 10))):
        take, reply, end = (MONDAY + timedelta(days=count) for count in days)
        desk.say(MONDAY, f"JH-{number}")
        desk.say(take, f"JH-{number}", "handling")
        desk.say(reply, f"JH-{number}", "handled")
        desk.say(end, f"JH-{number}", "evaluated")
    with desk.reading() as connection:
        whole, _ = measures.answer_rates(connection, MONDAY, DUE, DUE + DAY)
    assert (whole.rate, whole.median_to_take, whole.median_to_answer) == (10_000, 1, 4)
    assert whole.median_to_evaluate == 2


def test_what_is_not_certain_yet_does_not_count(late: Office) -> None:
    with late.reading() as connection:
        on_the_day, _ = measures.answer_rates(connection, MONDAY, DUE, DUE)
        elsewhere, _ = measures.answer_rates(connection, MONDAY, DUE - DAY, DUE + 9 * DAY)
        with pytest.raises(ValueError, match="before it begins"):
            measures.answer_rates(connection, DUE, MONDAY, DUE)
    assert on_the_day.due == ("JH-GOOD",)
    assert (elsewhere.denominator, elsewhere.rate) == (0, None)


def test_reasons_are_counted_the_unused_and_the_forgotten_too(late: Office) -> None:
    late.say(MONDAY, "JH-5", reasons=["outdated", "long_gone"], entry=LANES)
    with late.reading() as connection:
        found = {
            (one.stage, one.code): one
            for one in measures.reason_counts(connection, load_vocabulary())
        }
        of_roads = measures.reason_counts(connection, load_vocabulary(), provider=ROADS)
    assert (found["filed", "outdated"].count, found["filed", "outdated"].open) == (2, 2)
    assert (found["filed", "missing_rows"].count, found["filed", "missing_rows"].open) == (4, 0)
    assert found["filed", "format"].count == 0
    assert (found["filed", "long_gone"].count, found["filed", "long_gone"].zh) == (1, "long_gone")
    assert found["rejected", "no_basis"].count == 1
    assert found["cancelled", "settled"].zh == "问题已解决"
    assert {one.code: one.count for one in of_roads if one.count} == {
        "long_gone": 1,
        "missing_rows": 1,
        "outdated": 1,
    }


def test_the_past_has_the_reasons_that_were_given_by_then(late: Office) -> None:
    with late.reading() as connection:
        then = measures.reason_counts(connection, load_vocabulary(), as_of=late.scribe.size - 2)
    assert sum(one.count for one in then if one.stage == "rejected") == 0
    assert sum(one.count for one in then if one.stage == "cancelled") == 1


def test_years_beyond_the_calendar_are_an_error_only_where_they_matter(desk: Office) -> None:
    desk.say(date(LAST_YEAR, 12, 28), "JH-1")
    with desk.reading() as connection:
        assert measures.overdue(connection, date(LAST_YEAR, 12, 31)) == []
        assert measures.breaches(connection, date(LAST_YEAR, 12, 31)) == []
        for ask in (measures.overdue, measures.breaches):
            with pytest.raises(CalendarError, match=str(LAST_YEAR + 1)):
                ask(connection, date(LAST_YEAR + 1, 1, 20))
        with pytest.raises(CalendarError, match=str(LAST_YEAR + 1)):
            measures.answer_rates(
                connection, date(LAST_YEAR, 12, 1), date(LAST_YEAR + 1, 1, 31), MONDAY
            )


# Laws


class Told(NamedTuple):
    """What a search made happen to one request: the day of each state."""

    code: str
    provider: str
    days: dict[str, date]


@st.composite
def lives(draw: st.DrawFn) -> list[tuple[str, str, str, date]]:
    """Steps of a few requests, by day; each request goes only ways that the rules know."""
    acts: list[tuple[str, str, str, date]] = []
    for number in range(draw(st.integers(1, 4))):
        entry = draw(st.sampled_from((BEDS, LANES)))
        state: CorrectionState | None = None
        day = date(2026, 1, 5) + timedelta(days=draw(st.integers(0, 40)))
        while ways := sorted(CORRECTION_TRANSITIONS[state], key=lambda one: one.number):
            state = draw(st.sampled_from(ways))
            acts.append((f"JH-{number}", entry, str(state.value), day))
            if draw(st.booleans()):
                break
            day += timedelta(days=draw(st.integers(0, 25)))
    acts.sort(key=lambda act: act[3])
    return acts


@pytest.fixture
def quiet(tmp_path: Path) -> Iterator[Office]:
    """SQLite with the table of steps to wipe, and organisations and entries to keep."""
    engine = open_database(f"sqlite:///{tmp_path / 'laws.db'}", "mirror")
    office = Office(Scribe(engine, [ORGANISATIONS, CATALOGUE, CORRECTIONS])).found()
    yield office
    engine.dispose()


def naive_due(received: date) -> date:
    day, left = received, 10
    while left:
        day += DAY
        left -= is_workday(day)
    return day


law = settings(suppress_health_check=list(HealthCheck), max_examples=25)


@law
@given(lives(), st.integers(0, 120), st.integers(0, 60))
def test_overdue_breaches_and_rate_are_what_counting_by_hand_gives(
    quiet: Office, acts: list[tuple[str, str, str, date]], later: int, window: int
) -> None:
    keep = 4
    quiet.scribe.cut(keep)
    quiet.versions.clear()
    told: dict[str, Told] = {}
    for code, entry, state, day in acts:
        quiet.say(day, code, state, entry=entry)
        told.setdefault(code, Told(code, OWNER[entry], {})).days[state] = day
    today = date(2026, 1, 5) + timedelta(days=later)
    first, last = date(2026, 1, 5), date(2026, 1, 5) + timedelta(days=window)

    overdue, broken, due_codes, good = set(), set(), set(), set()
    for one in told.values():
        due = naive_due(one.days["filed"])
        reply = min((one.days[s] for s in ("handled", "rejected") if s in one.days), default=None)
        gone = one.days.get("cancelled")
        closed = [day for day in (reply, gone) if day is not None and day <= today]
        if today > due and not closed:
            overdue.add(one.code)
        if today > due and not (closed and min(closed) <= due):
            broken.add(one.code)
        answered = reply is not None and reply <= today
        if first <= due <= last:
            if answered and reply is not None and reply <= due:
                good.add(one.code)
                due_codes.add(one.code)
            elif one.code in broken:
                due_codes.add(one.code)
    with quiet.reading() as connection:
        assert {o.request.code for o in measures.overdue(connection, today)} == overdue
        assert {b.code for b in measures.breaches(connection, today)} == broken
        whole, by_provider = measures.answer_rates(connection, first, last, today)
        alive = {one.code for one in queries.requests(connection)}
    assert alive == set(told)
    assert (set(whole.on_time), set(whole.due)) == (good, due_codes)
    expected = round(Fraction(10_000 * len(good), len(due_codes))) if due_codes else None
    assert whole.rate == expected
    assert sum(one.denominator for one in by_provider) == whole.denominator
    assert {one.provider for one in by_provider} >= {DATA, WATER, ROADS}
    assert overdue <= broken

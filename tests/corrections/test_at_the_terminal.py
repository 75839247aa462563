"""A correction from the first word to the evaluation, typed by the departments on a real ledger."""

from __future__ import annotations

import hashlib
from datetime import date, timedelta

from tests.corrections.ledger import (
    ASSESSOR,
    CIVIL,
    SCHOOLS,
    Calendar,
    filed,
    requests,
)
from tests.corrections.told import MONDAY
from tests.person import Person
from tests.small_office import CIVIL_AFFAIRS, EDUCATION, PUBLISHED, score

DUE = date(2026, 3, 16)
DAY = timedelta(days=1)
CITIZEN = "11010519491231002X"


CODE = f"JH-{CIVIL_AFFAIRS}-0001"
SECOND = f"JH-{CIVIL_AFFAIRS}-0002"


def test_a_request_is_answered_on_its_last_day_and_evaluated(
    person: Person, calendar: Calendar
) -> None:
    ran = filed(person, "--item", "学校名称", "--basis", "2025 年教育年报")
    assert CODE in ran.out
    (one,) = requests(person, "--day", MONDAY)
    assert (one["state"], one["provider"], one["requester"]) == ("filed", EDUCATION, CIVIL_AFFAIRS)
    assert (one["clock"]["due_on"], one["clock"]["days_left"]) == ("2026-03-16", 10)

    calendar.turn(MONDAY + DAY)
    person.run("correction", "take", CODE, "--comment", "已转信息科", *SCHOOLS)
    calendar.turn(DUE, 23)
    answer = ("--outcome", "corrected", "--answer", "已补录 3 所。", "--edition", 1)
    person.run("correction", "answer", CODE, *answer, *SCHOOLS)
    calendar.turn(DUE + DAY)
    person.run("correction", "evaluate", CODE, "--score", 4, "--solved", *CIVIL)

    shown = person.run("correction", "show", CODE, "--day", DUE + 9 * DAY, "--json").json()
    assert [step["state"] for step in shown["steps"]] == [
        "filed",
        "handling",
        "handled",
        "evaluated",
    ]
    assert shown["request"]["clock"]["standing"] == "on_time"
    window = ("--from", MONDAY, "--to", DUE, "--day", DUE + DAY)
    rate = person.run("correction", "rate", *window, "--json").json()
    assert (rate["all"]["numerator"], rate["all"]["denominator"], rate["all"]["rate"]) == (
        1,
        1,
        10_000,
    )
    assert [one["provider"] for one in rate["providers"] if one["denominator"]] == [EDUCATION]
    assert person.run("correction", "overdue", "--day", DUE + DAY, "--json").json()["overdue"] == []

    again = person.run("correction", "take", CODE, *SCHOOLS, expect=3)
    assert "not opened anew" in again.err
    follow = filed(person, follows=CODE)
    assert SECOND in follow.out
    assert f"taken up again by: {SECOND}" in person.run("correction", "show", CODE).out
    person.run("mirror", "verify")


def test_what_nobody_answers_is_overdue_and_stays_a_breach(
    person: Person, calendar: Calendar
) -> None:
    filed(person)
    listed = person.run("correction", "overdue", "--day", DUE + 4 * DAY, "--json").json()
    (late,) = listed["overdue"]
    assert (late["request"]["provider"], late["due_on"], late["days_late"]) == (
        EDUCATION,
        "2026-03-16",
        4,
    )
    person.language = "zh"
    table = person.run("correction", "overdue", "--day", DUE + 4 * DAY).out
    assert "示范区教育局" in table
    assert "2026-03-16" in table
    assert "逾期未答复 4 个工作日" in person.run("correction", "list", "--day", DUE + 4 * DAY).out
    calendar.turn(DUE + 4 * DAY)
    reject = ("--reason", "no_basis", "--comment", "未附比对依据")
    person.run("correction", "reject", CODE, *reject, *SCHOOLS)
    shown = person.run("correction", "show", CODE, "--day", DUE + 9 * DAY).out
    assert "逾期答复 4 个工作日" in shown
    assert "依据不足；未附比对依据" in shown
    rate = person.run("correction", "rate", "--from", MONDAY, "--to", DUE, "--day", DUE + 9 * DAY)
    assert "0.00" in rate.out
    asked = ("correction", "findings", "--since", MONDAY, "--day", DUE + 9 * DAY)
    (found,) = person.run(*asked, "--json").json()["findings"]
    assert (found["finding"], found["provider"], found["days_late"]) == ("39(6)", EDUCATION, 4)
    assert "逾期答复" in person.run(*asked).out
    assert "YYYY-MM-DD" in person.run("correction", "findings", "--since", "x", expect=2).err
    before = person.run("correction", "overdue", "--as-of", "2026-03-20T09:00", "--json").json()
    assert (before["day"], before["overdue"]) == ("2026-03-02", [])


def test_a_shorter_clock_is_a_setting_and_a_longer_one_is_refused(person: Person) -> None:
    filed(person)
    person.more["GOVLEDGER_CORRECTION_WORKDAYS"] = "5"
    (one,) = requests(person, "--day", MONDAY)
    assert one["clock"]["due_on"] == "2026-03-09"
    person.more["GOVLEDGER_CORRECTION_WORKDAYS"] = "11"
    refused = person.run("correction", "list", expect=2)
    assert "between 1 and 10" in refused.err


REFUSED: list[tuple[dict[str, str], int, str]] = [
    ({"entry": "318001/000009"}, 4, "the catalogue has no entry 318001/000009"),
    ({"reason": "bad_mood"}, 3, "'bad_mood' is no reason"),
    ({"description": f"身份证号 {CITIZEN} 有误"}, 2, "public for ever"),
    ({"follows": "JH-NONE"}, 4, "no request JH-NONE to take up again"),
    ({"code": "a b"}, 2, "a request's code has 1 to 64"),
    ({"title": " "}, 2, "title"),
]


def test_what_cannot_be_filed_says_why_and_nothing_is_written(person: Person) -> None:
    for changes, code, words in REFUSED:
        assert words in filed(person, expect=code, **changes).err, changes
    assert requests(person) == []


def test_nobody_takes_another_party_s_step(person: Person) -> None:
    filed(person)
    own = ("--title", "t", "--description", "d", "--reason", "other")
    mine = person.run("correction", "file", "--entry", PUBLISHED, *own, *SCHOOLS, expect=3)
    assert f"{EDUCATION}'s own: correct it" in mine.err
    taken = person.run("correction", "take", CODE, *CIVIL, expect=3)
    assert f"only the provider {EDUCATION}" in taken.err
    cancelled = ("--reason", "mistaken", "--comment", "x")
    wrong = person.run("correction", "cancel", CODE, *cancelled, *SCHOOLS, expect=3)
    assert f"only the requester {CIVIL_AFFAIRS}" in wrong.err
    early = person.run(
        "correction", "evaluate", CODE, "--score", 1, "--not-solved", *CIVIL, expect=3
    )
    assert "cannot become evaluated" in early.err
    unknown = person.run("correction", "take", "JH-9", *SCHOOLS, expect=4)
    assert "no correction request JH-9" in unknown.err
    assert "no correction request JH-9" in person.run("correction", "show", "JH-9", expect=4).err
    twice = filed(person, code=CODE, expect=3)
    assert "there is a request" in twice.err
    open_still = filed(person, follows=CODE, expect=3)
    assert "still open" in open_still.err
    absent = ("--outcome", "partly", "--answer", "x", "--edition", 7, "--delivery", 2)
    told = person.run("correction", "answer", CODE, *absent, *SCHOOLS, expect=3)
    assert "has 1 editions, not 7" in told.err
    assert "has no delivery 2" in told.err
    person.run("correction", "cancel", CODE, *cancelled, *CIVIL)
    assert [one["state"] for one in requests(person, "--closed")] == ["cancelled"]


def test_a_file_may_hold_many_requests_and_its_faults_have_lines(person: Person) -> None:
    one = {
        "entry": PUBLISHED,
        "type": "directory",
        "category": "error",
        "title": "目录名称有误",
        "description": "与职责清单不一致",
        "reasons": ["metadata"],
    }
    many = person.write(
        "many.yaml", [one, {**one, "type": "use", "code": "校核-1", "reasons": ["other"]}]
    )
    person.run("correction", "file", many, *CIVIL)
    assert {found["code"] for found in requests(person)} == {CODE, "校核-1"}
    bad = person.write("bad.yaml", [one, {**one, "reasons": ["nonsense"]}])
    refused = person.run("correction", "file", bad, *CIVIL, expect=3)
    assert "bad.yaml:" in refused.err
    assert "'nonsense' is no reason" in refused.err
    worse = person.write("worse.yaml", {**one, "colour": "red"})
    refused = person.run("correction", "file", worse, *CIVIL, expect=2)
    assert "worse.yaml:" in refused.err
    assert "colour" in refused.err
    assert person.run("correction", "file", person.write("no.yaml", ["x"]), *CIVIL, expect=3)
    assert len(requests(person)) == 2


def test_an_attachment_is_named_by_its_digest_and_stays_where_it_is(person: Person) -> None:
    table = person.place / "比对表.csv"
    table.write_bytes(b"school\n")
    filed(person, "--attachment", table)
    shown = person.run("correction", "show", CODE, "--json").json()
    assert shown["steps"][0]["attachments"] == [
        {"name": "比对表.csv", "sha256": hashlib.sha256(b"school\n").hexdigest()}
    ]
    assert (
        hashlib.sha256(b"school\n").hexdigest()[:16] in person.run("correction", "show", CODE).out
    )
    absent = filed(person, "--attachment", person.place / "none.csv", expect=2)
    assert "none.csv" in absent.err


def test_reasons_are_an_office_s_own(person: Person) -> None:
    rows = [
        {"code": "broken", "zh": "坏了", "en": "it is broken", "for": ["filed"]},
        {"code": "fine", "zh": "没坏", "en": "it is fine", "for": ["rejected", "cancelled"]},
    ]
    person.more["GOVLEDGER_CORRECTION_REASONS"] = str(
        person.write("reasons.yaml", {"reasons": rows})
    )
    filed(person, reason="broken")
    counted = person.run("correction", "reasons", "--json").json()["reasons"]
    assert [(row["code"], row["count"], row["open"]) for row in counted] == [
        ("broken", 1, 1),
        ("fine", 0, 0),
        ("fine", 0, 0),
    ]
    assert "it is broken" in person.run("correction", "reasons").out
    person.write("reasons.yaml", {"reasons": rows[:1]})
    assert "no reason for a request" in filed(person, expect=2).err


def test_a_failing_assessment_opens_one_request_by_rule(person: Person) -> None:
    person.run("quality", "score", person.write("score.yaml", score()), *ASSESSOR)
    none = person.run("correction", "open-from-score", *ASSESSOR, "--json").json()
    assert none == {"drafts": [], "skipped": []}
    rule = person.write("rule.yaml", {"dimensions": {"completeness": 8500}})
    open_it = ("correction", "open-from-score", PUBLISHED, "--rule", rule)
    (draft,) = person.run(*open_it, *ASSESSOR, "--preview", "--json").json()["drafts"]
    assert draft["reasons"] == ["missing_values"]
    assert requests(person) == []
    person.run(*open_it, *ASSESSOR)
    (one,) = requests(person)
    assert one["code"] == draft["code"]
    assert "完整性 80.00 < 85.00" in person.run("correction", "show", one["code"]).out
    twice = person.run(*open_it, *ASSESSOR)
    assert f"{one['code']} is open about it already" in twice.out
    own = person.run(*open_it, *SCHOOLS)
    assert "its own entry" in own.out
    missing = person.run("correction", "open-from-score", "x/1", *ASSESSOR, expect=4)
    assert "no quality score" in missing.err
    bad = person.write("bad.yaml", {"total": 10_001})
    refused = person.run("correction", "open-from-score", "--rule", bad, *ASSESSOR, expect=2)
    assert "bad.yaml: total" in refused.err
    assert len(requests(person)) == 1


def test_days_that_are_none_and_years_that_nobody_knows_are_told(person: Person) -> None:
    filed(person)
    assert "YYYY-MM-DD" in person.run("correction", "overdue", "--day", "1.4.26", expect=2).err
    far = person.run("correction", "overdue", "--day", "2099-01-01", expect=6)
    assert "working days are known for" in far.err
    assert "chinesecalendar" in far.err
    window = ("--from", "2026-03-31", "--to", "2026-03-01", "--day", DUE)
    assert "before it begins" in person.run("correction", "rate", *window, expect=2).err

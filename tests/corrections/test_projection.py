"""From steps to rows: what disagrees is kept out, and rows depend on nothing but the log."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import structs

from ledger.canonical import canonical_json
from ledger.codes import CORRECTION_TRANSITIONS, CorrectionState
from ledger.corrections import queries
from ledger.corrections.projection import PROJECTION
from ledger.corrections.statements import CorrectionDraft, steps
from ledger.statements import CORRECTION, Batch, Statement
from ledger.store.engine import open_database
from tests.corrections.told import BEDS, DATA, LANES, MONDAY, PIPES, WATER, Office, draft
from tests.organisations.scribe import FAR, Scribe, decoded, in_steps_of, recorded


def said(state: str = "filed", body: dict[str, Any] | None = None, **values: Any) -> Statement:
    """A step whose body or members are bent."""
    more = {} if state == "filed" else {"version": 2}
    step = CorrectionDraft.model_validate(draft("JH-1", state, **more)).root
    whole = {**json.loads(step.body(DATA).text()), **(body or {})}
    text = canonical_json({name: value for name, value in whole.items() if value is not None})
    batch = Batch(CORRECTION, DATA, FAR, ({**step.values(), **values},), (text,))
    return recorded(batch, 0)[0]


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        (said(body={"code": "JH-2"}), "body/code: JH-2 is not the code that was signed"),
        (said(body={"entry": LANES}), f"body/entry: {LANES} is not the entry"),
        (said(body={"type": "other"}), "body/type: other is not the type"),
        (said(body={"type": "gossip"}), "body/type: .*'gossip' is no CorrectionType"),
        (said(body={"requester": WATER}), f"body/requester: {WATER} is not the organisation"),
        (said(body={"requester": None}), "body/requester: Field required"),
        (said(body={"state": "handled"}), "body/state: .*'filed'"),
        (said(body={"reasons": []}), "body/reasons: .*at least 1"),
        (said(body={"reasons": "outdated"}), "body/reasons: .*list"),
        (said(body={"follows": "JH-1"}), "body/follows: a request does not follow itself"),
        (said(body={"description": "\u0001"}), r"body/description: .*U\+0001"),
        (said("handled", {"outcome": "lost"}), "body/outcome: .*'lost' is no Outcome"),
        (said("evaluated", {"score": "5"}), "body/score: .*integer"),
        (said("evaluated", {"solved": 1}), "body/solved: .*boolean"),
        (said("rejected", {"comment": None}), "body/comment: Field required"),
        (said(), None),
    ],
)
def test_a_body_that_disagrees_with_what_was_signed_is_named(
    statement: Statement, words: str | None
) -> None:
    why = PROJECTION.malformed(decoded(statement))
    assert (why is None) == (words is None), why
    assert words is None or re.search(words, why or ""), why


@pytest.mark.parametrize("number", [0, 7, 255])
def test_a_state_that_no_table_has_is_named(number: int) -> None:
    whole = decoded(said())
    bent = structs.replace(whole, values={**whole.values, "state": number})
    assert PROJECTION.malformed(bent) == f"state: {number} is no CorrectionState"


def test_unknown_members_of_a_body_are_left_alone() -> None:
    assert PROJECTION.malformed(decoded(said(body={"extra": {"x": 1}}))) is None


def test_a_life_is_four_rows_that_say_who_did_what(office: Office) -> None:
    office.say(MONDAY, "JH-1", items=["床位数"], basis="年报", contact="信息科", resource="R-1")
    office.say(MONDAY + timedelta(days=1), "JH-1", "handling", comment="已转科室")
    office.say(MONDAY + timedelta(days=4), "JH-1", "handled", edition=2, delivery=7)
    office.say(MONDAY + timedelta(days=7), "JH-1", "evaluated", score=2, solved=False)
    with office.reading() as connection:
        filed, taken, answer, end = queries.history(connection, "JH-1")
    assert [one.state for one in (filed, taken, answer, end)] == [
        "filed",
        "handling",
        "handled",
        "evaluated",
    ]
    assert (filed.title, filed.text) == ("床位数与年报不符", "3 月清单较年报少 12 个机构。")
    assert (filed.items, filed.basis, filed.contact) == (("床位数",), "年报", "信息科")
    assert (filed.requester, filed.resource, filed.reasons) == (DATA, "R-1", ("missing_rows",))
    assert taken.text == "已转科室"
    assert (answer.outcome, answer.edition, answer.delivery) == ("corrected", 2, 7)
    assert (end.score, end.solved, end.text) == (2, False, None)
    assert filed.organisation == end.organisation != taken.organisation == answer.organisation
    assert [one.leaf_until for one in (filed, taken, answer, end)] == [
        taken.leaf_from,
        answer.leaf_from,
        end.leaf_from,
        None,
    ]


def test_a_request_whose_filing_was_malformed_is_none(desk: Office) -> None:
    step = CorrectionDraft.model_validate(draft("JH-1")).root
    batch = replace(steps([step], speaker=DATA, deadline=FAR), bodies=(b"{}",))
    desk.take(batch, 1_780_000_000)
    desk.versions["JH-1"] = 1
    desk.say(MONDAY, "JH-1", "handled")
    with desk.reading() as connection:
        assert queries.request(connection, "JH-1") is None
        assert queries.requests(connection) == []
        assert [one.state for one in queries.history(connection, "JH-1")] == ["handled"]
    assert list(desk.scribe.flags) == [desk.scribe.size - 2]


@st.composite
def logs(draw: st.DrawFn) -> list[Statement]:
    """Lives of a few requests as the rules allow them, some steps malformed."""
    held: dict[str, tuple[int, CorrectionState | None, str]] = {}
    statements: list[Statement] = []
    for _ in range(draw(st.integers(1, 14))):
        code = draw(st.sampled_from(("JH-1", "JH-2", "JH-3")))
        version, state, entry = held.get(code, (0, None, draw(st.sampled_from((BEDS, PIPES)))))
        ways = sorted(CORRECTION_TRANSITIONS[state], key=lambda one: one.number)
        if not ways:
            continue
        to = draw(st.sampled_from(ways))
        given = draft(code, str(to.value), entry)
        if version:
            given["version"] = version + 1
        step = CorrectionDraft.model_validate(given).root
        batch = steps([step], speaker=DATA, deadline=FAR)
        if draw(st.integers(0, 7)) == 0:
            batch = replace(batch, bodies=(b"{}",))
        statements += recorded(batch, len(statements))
        held[code] = (version + 1, to, entry)
    return statements


law = settings(suppress_health_check=list(HealthCheck), max_examples=25)


@pytest.fixture
def bare(tmp_path: Path) -> Iterator[Scribe]:
    """The table of steps alone, and nothing in the others."""
    engine = open_database(f"sqlite:///{tmp_path / 'bare.db'}", "mirror")
    yield Scribe(engine, [PROJECTION])
    engine.dispose()


@law
@given(logs(), st.integers(1, 4))
def test_rows_do_not_depend_on_how_the_log_was_cut_into_steps(
    bare: Scribe, statements: list[Statement], size: int
) -> None:
    bare.check_steps(statements, in_steps_of(size, statements))


@law
@given(logs(), st.integers(0, 14))
def test_a_rollback_leaves_what_the_shorter_log_gives(
    bare: Scribe, statements: list[Statement], size: int
) -> None:
    bare.check_rollback(statements, size)


@law
@given(logs(), st.data())
def test_what_was_asked_as_of_a_size_is_answered_the_same_for_ever(
    bare: Scribe, statements: list[Statement], data: st.DataObject
) -> None:
    size = data.draw(st.integers(0, len(statements)))
    bare.wipe()
    bare.take(statements[:size])
    with bare.engine.connect() as connection:
        then = queries.requests(connection)
        assert queries.requests(connection, as_of=size) == then
    bare.take(statements[size:])
    with bare.engine.connect() as connection:
        assert queries.requests(connection, as_of=size) == then
        assert queries.count(connection, as_of=size) == len(then)

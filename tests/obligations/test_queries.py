"""Questions about obligations: lists, chains, histories, and how all of it stood before."""

from __future__ import annotations

from datetime import date

import pytest
from sqlalchemy import Connection, Select

from ledger.catalogue.entry import Entry
from ledger.catalogue.statements import Revision, filing
from ledger.codes import (
    EntryState,
    ExemptionScope,
    ExemptionTarget,
    Library,
    ObjectionState,
    ObligationStatus,
    ObligationType,
)
from ledger.obligations import queries
from ledger.obligations.queries import ExemptionFilters, ObligationFilters
from ledger.statements import text_hash
from tests.catalogue.conftest import whole_entry
from tests.obligations.conftest import (
    DATA,
    DUTY,
    ENTRY,
    EXPECTED,
    ROADS,
    SYSTEM,
    TABLE,
    WATER,
    answer,
    binding,
    chain,
    duty,
    excuse,
    exemption,
    file,
    objection,
    on_both,
    protest,
)
from tests.organisations.scribe import FAR, START, Scribe


@pytest.fixture
def scribe(scribe: Scribe) -> Scribe:
    """Leaves 0-3 a chain of duty, 4 another duty, 5 a binding, 6-7 objections, 8 an exemption, 9 its end,
    10 a release, 11 an amended duty, 12 an objection answered.
    """
    file(scribe, *chain())
    file(
        scribe,
        duty(
            "ROAD-1", name="占路许可", responsible=ROADS, library="theme", valid_until="2026-06-30"
        ),
    )
    answer(scribe, binding())
    protest(scribe, objection())
    protest(scribe, objection("ROAD-1"), by=ROADS)
    excuse(scribe, exemption())
    ended = exemption(version=2, status="withdrawn", reasons=["已收"], scope=["collect", "share"])
    excuse(scribe, ended)
    answer(scribe, binding(status="released", reasons=["合并"], version=2))
    file(scribe, duty("ROAD-1", name="道路占用许可", responsible=ROADS, version=2))
    protest(scribe, objection(state="dismissed", version=2), by=DATA)
    assert scribe.flags == {}
    return scribe


def listed(connection: Connection, as_of: int | None = None, **asked: object) -> list[str]:
    filters = ObligationFilters(**asked)  # type: ignore[arg-type]
    found = [one.code for one in queries.obligations(connection, filters, as_of=as_of)]
    assert queries.count(connection, filters, as_of=as_of) == len(found)
    return found


@on_both
def test_obligations_are_found_by_what_they_say(scribe: Scribe) -> None:
    with scribe.engine.connect() as connection:
        assert listed(connection) == [DUTY, SYSTEM, TABLE, EXPECTED, "ROAD-1"]
        assert listed(connection, organisation=ROADS) == ["ROAD-1"]
        assert listed(connection, type=ObligationType.TABLE) == [TABLE]
        assert listed(connection, status=ObligationStatus.WITHDRAWN) == []
        assert listed(connection, library=Library.THEME) == []
        assert listed(connection, 5, library=Library.THEME) == ["ROAD-1"]
        assert listed(connection, parent=SYSTEM) == [TABLE]
        assert listed(connection, q="道路 占用") == ["ROAD-1"]
        assert listed(connection, 5, q="道路") == []
        assert listed(connection, 5, expiring_before=date(2026, 7, 1)) == ["ROAD-1"]
        assert listed(connection, 5, expiring_before=date(2026, 6, 30)) == []
        assert listed(connection, 10, bound=True) == [TABLE]
        assert listed(connection, bound=True) == []
        assert len(listed(connection, bound=False)) == 5


def test_a_list_is_read_in_pages(scribe: Scribe) -> None:
    with scribe.engine.connect() as connection:
        first = queries.obligations(connection, limit=3)
        rest = queries.obligations(connection, after=first[-1].code, limit=3)
    assert [one.code for one in first + rest] == [DUTY, SYSTEM, TABLE, EXPECTED, "ROAD-1"]


def test_an_obligation_tells_all_that_was_said_of_it(scribe: Scribe) -> None:
    with scribe.engine.connect() as connection:
        now = queries.obligation(connection, "ROAD-1")
        then = queries.obligation(connection, "ROAD-1", as_of=11)
        assert queries.obligation(connection, "ROAD-1", as_of=4) is None
    assert now is not None
    assert then is not None
    assert (now.name, now.version, now.leaf_from, now.leaf_until) == ("道路占用许可", 2, 11, None)
    assert (then.name, then.leaf_from, then.leaf_until) == ("占路许可", 4, 11)
    assert (then.valid_from, then.valid_until) == (date(2026, 1, 1), date(2026, 6, 30))
    assert now.organisation == "0x" + text_hash(DATA).hex()
    assert then.in_force_on(date(2026, 6, 30))
    assert not then.in_force_on(date(2026, 7, 1))
    assert not then.in_force_on(date(2025, 12, 31))


def test_a_chain_leads_from_the_duty_to_the_entry_that_answers(scribe: Scribe) -> None:
    with scribe.engine.connect() as connection:
        found = queries.chain_of(connection, TABLE, as_of=10)
        whole = queries.chain_of(connection, EXPECTED)
        assert queries.chain_of(connection, "nothing") is None
        following = queries.below(connection, [DUTY])
    assert found is not None
    assert whole is not None
    assert [one.code for one in found.links] == [DUTY, SYSTEM, TABLE]
    assert found.binding is not None
    assert (found.binding.entry, found.binding.status) == (ENTRY, "bound")
    assert [one.code for one in whole.links] == [DUTY, SYSTEM, TABLE, EXPECTED]
    assert (whole.binding, whole.missing) == (None, None)
    assert [one.code for one in following] == [SYSTEM, TABLE, EXPECTED]


def test_a_chain_says_where_it_is_broken(scribe: Scribe) -> None:
    file(scribe, duty("LOST", type="table", parent="UNKNOWN"))
    with scribe.engine.connect() as connection:
        found = queries.chain_of(connection, "LOST")
    assert found is not None
    assert ([one.code for one in found.links], found.missing) == (["LOST"], "UNKNOWN")


def test_a_history_has_every_statement_in_the_order_of_the_log(scribe: Scribe) -> None:
    with scribe.engine.connect() as connection:
        told = queries.history(connection, TABLE)
        before = queries.history(connection, TABLE, as_of=6)
    assert [(type(one).__name__, one.leaf_from) for one in told] == [
        ("Obligation", 2),
        ("Binding", 5),
        ("Binding", 10),
    ]
    assert [one.leaf_from for one in before] == [2, 5]


def test_open_objections_are_listed_and_answered_ones_are_told_apart(scribe: Scribe) -> None:
    raised = ObjectionState.RAISED
    with scribe.engine.connect() as connection:
        now = queries.objections(connection, state=raised)
        then = queries.objections(connection, state=raised, as_of=12)
        theirs = queries.objections(connection, organisation=WATER)
        paged = queries.objections(connection, after=DUTY, limit=1)
    assert [one.obligation for one in now] == ["ROAD-1"]
    assert [one.obligation for one in then] == [DUTY, "ROAD-1"]
    assert [(one.obligation, one.state) for one in theirs] == [(DUTY, "dismissed")]
    assert [one.obligation for one in paged] == ["ROAD-1"]


def test_an_exemption_ends_by_itself_after_its_last_day(scribe: Scribe) -> None:
    with scribe.engine.connect() as connection:
        [granted] = queries.exemptions(connection, as_of=9)
        [ended] = queries.exemptions(connection)
        every = queries.exemption_history(connection, "EX-1")
    assert [granted.effect_on(date(2026, month, 31)) for month in (1, 12)] == ["counting"] * 2
    assert granted.effect_on(date(2025, 12, 31)) == "pending"
    assert granted.effect_on(date(2027, 1, 1)) == "expired"
    assert ended.effect_on(date(2026, 5, 5)) == "withdrawn"
    assert (granted.scopes, ended.scopes) == (("collect",), ("collect", "share"))
    assert [one.version for one in every] == [1, 2]


@on_both
def test_exemptions_are_found_by_what_they_say(scribe: Scribe) -> None:
    entry = Entry.parse(whole_entry(ENTRY, provider=ROADS))
    scribe.write(filing(ROADS, [Revision(entry, 1, EntryState.SUBMITTED)], FAR).batch)
    excuse(scribe, exemption("EX-2", target=ENTRY, target_type="entry", expires="2028-01-01"))
    with scribe.engine.connect() as connection:

        def codes(**asked: object) -> list[str]:
            filters = ExemptionFilters(**asked)  # type: ignore[arg-type]
            return [one.code for one in queries.exemptions(connection, filters)]

        assert codes() == ["EX-1", "EX-2"]
        assert codes(target=ENTRY) == ["EX-2"]
        assert codes(target_type=ExemptionTarget.OBLIGATION) == ["EX-1"]
        assert codes(scope=ExemptionScope.SHARE) == ["EX-1"]
        assert codes(approver=DATA) == ["EX-1", "EX-2"]
        assert codes(approver=WATER) == []
        assert codes(organisation=WATER) == ["EX-1"]
        assert codes(organisation=ROADS) == ["EX-2"]
        assert codes(organisation=DATA) == []
        assert codes(counting_on=date(2027, 12, 31)) == ["EX-2"]
        assert codes(counting_on=date(2025, 12, 31)) == []
        assert codes(expiring_before=date(2027, 1, 1)) == ["EX-1"]
        found = queries.exemptions_of(connection, [ENTRY, "nothing"])
        assert [one.code for one in found] == ["EX-2"]
        assert queries.exemption(connection, "EX-2", as_of=14) is None


def rows(connection: Connection, asked: Select[tuple[object, ...]], key: str) -> dict[str, int]:
    return {row[key]: row["leaf"] for row in connection.execute(asked).mappings()}


@on_both
def test_selects_for_others_hold_one_row_a_subject(scribe: Scribe) -> None:
    with scribe.engine.connect() as connection:
        assert rows(connection, queries.obligations_at(None), "code")["ROAD-1"] == 11
        assert rows(connection, queries.obligations_at(11), "code")["ROAD-1"] == 4
        assert rows(connection, queries.bindings_at(10), "obligation") == {TABLE: 5}
        assert rows(connection, queries.objections_at(None), "obligation") == {
            DUTY: 12,
            "ROAD-1": 7,
        }
        assert rows(connection, queries.exemptions_at(9), "code") == {"EX-1": 8}
        assert rows(connection, queries.exemptions_at(8), "code") == {}
        one = connection.execute(queries.exemptions_at(None)).mappings().one()
    assert (one["valid_from"], one["expires"], one["scope"]) == (20260101, 20261231, 18)
    assert one["recorded_at"] == START + 90


@on_both
def test_what_is_owed_is_joined_with_what_answers_and_what_frees(scribe: Scribe) -> None:
    excuse(scribe, exemption("EX-2", target=EXPECTED, scope=["update"], expires="2026-03-31"))
    excuse(scribe, exemption("EX-3", target=ENTRY, target_type="entry", scope=["share"]))

    def owed(size: int | None, day: date) -> dict[str, tuple[str | None, int]]:
        with scribe.engine.connect() as connection:
            rows = connection.execute(queries.owed_at(size, day)).all()
        return {row.code: (row.entry, row.exempt) for row in rows}

    assert owed(9, date(2026, 5, 1)) == {
        DUTY: (None, 0),
        SYSTEM: (None, 0),
        TABLE: (ENTRY, 2),
        EXPECTED: (None, 0),
        "ROAD-1": (None, 0),
    }
    assert owed(None, date(2026, 3, 31))[EXPECTED] == (None, 4)
    assert owed(None, date(2026, 4, 1))[EXPECTED] == (None, 0)
    assert "ROAD-1" not in owed(9, date(2026, 7, 1))
    assert owed(None, date(2025, 12, 31)) == {}
    answer(scribe, binding(version=3))
    assert owed(None, date(2026, 5, 1))[TABLE] == (ENTRY, 16)
    file(scribe, duty(TABLE, responsible=DATA, version=2))
    assert owed(None, date(2026, 5, 1))[TABLE] == (ENTRY, 0)

"""Nothing moves a denominator unseen: the changes that are listed add up to the difference, always."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import date, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from msgspec import structs

from ledger.mirror.queries import MirrorQueryError
from ledger.mirror.tables import flag
from ledger.obligations import queries
from ledger.obligations.denominator import (
    FREED_BY,
    PURPOSES,
    Changes,
    Group,
    changes_between,
    denominators_at,
)
from ledger.obligations.statements import bind, exempt, oblige
from ledger.statements import Batch, text_hash
from ledger.store.engine import writing
from tests.obligations.conftest import (
    DATA,
    DUTY,
    ENTRY,
    ROADS,
    SYSTEM,
    TABLE,
    WATER,
    binding,
    chain,
    duty,
    exemption,
)
from tests.organisations.scribe import FAR, START, Scribe, recorded

FIRST_DAY = datetime.fromtimestamp(START, timezone(timedelta(hours=8))).date()
SCOPES = ("catalogue", "collect", "update", "quality", "share")
FREES = {
    "catalogue": set(SCOPES),
    "collect": {"collect", "update", "quality"},
    "update": {"update"},
    "quality": {"quality"},
    "share": {"share"},
}
"""From which denominators each scope takes an obligation."""
DAYS = st.integers(-2, 3)
"""Days from the day it is."""


class Told:
    """A log whose days pass as a test wants them to."""

    def __init__(self, scribe: Scribe) -> None:
        self.scribe = scribe
        self.days = 0
        scribe.wipe()
        with writing(scribe.engine) as connection:
            connection.execute(flag.delete())

    @property
    def size(self) -> int:
        return self.scribe.size

    def say(self, batch: Batch) -> None:
        """Record a batch on the day it is now; flags go where the mirror keeps them."""
        when = START + 86_400 * self.days
        fresh = [structs.replace(one, recorded_at=when) for one in recorded(batch, self.size)]
        known = set(self.scribe.flags)
        self.scribe.take(fresh)
        with writing(self.scribe.engine) as connection:
            for index in set(self.scribe.flags) - known:
                connection.execute(
                    flag.insert(),
                    {"index_": index, "source": "obligations", "reason": self.scribe.flags[index]},
                )

    def oblige(self, *drafts: Any, by: str = DATA) -> None:
        self.say(oblige(drafts, speaker=by, deadline=FAR))

    def bind(self, *drafts: Any) -> None:
        self.say(bind(drafts, speaker=WATER, deadline=FAR))

    def exempt(self, *drafts: Any) -> None:
        self.say(exempt(drafts, speaker=DATA, deadline=FAR))

    def changes(self, first: int, last: int) -> Changes:
        with self.scribe.engine.connect() as connection:
            return changes_between(connection, first, last)


def day(offset: int) -> str:
    return (FIRST_DAY + timedelta(days=offset)).isoformat()


class Histories(RuleBasedStateMachine):
    """Random histories, beside a model that recounts everything from the drafts each time."""

    scribe: Scribe

    def __init__(self) -> None:
        super().__init__()
        self.told = Told(self.scribe)
        self.said: list[tuple[str, Any, date]] = []
        """What, draft (None: malformed), and the day it was said."""
        self.versions: Counter[tuple[str, str]] = Counter()

    def day(self, offset: int) -> date:
        return FIRST_DAY + timedelta(days=self.told.days + offset)

    def version(self, what: str, code: str) -> int:
        self.versions[what, code] += 1
        return self.versions[what, code]

    def note(self, what: str, draft: Any) -> None:
        self.said.append((what, draft, self.day(0)))

    @rule(
        code=st.sampled_from((DUTY, TABLE, "T-2")),
        responsible=st.sampled_from((WATER, ROADS, DATA)),
        library=st.sampled_from((None, "theme")),
        produces=st.integers(0, 4),
        withdrawn=st.integers(0, 3),
        valid=st.tuples(DAYS, st.one_of(st.none(), st.integers(0, 4))),
    )
    def obliges(
        self,
        *,
        code: str,
        responsible: str,
        library: str | None,
        produces: int,
        withdrawn: int,
        valid: tuple[int, int | None],
    ) -> None:
        start, length = valid
        draft = duty(
            code,
            type="duty" if code == DUTY else "table",
            parent=None if code == DUTY else DUTY,
            responsible=responsible,
            library=library,
            produces_data=produces > 0,
            status="in_force" if withdrawn else "withdrawn",
            reasons=["更正"],
            valid_from=self.day(start),
            valid_until=None if length is None else self.day(start + length),
            version=self.version("obligation", code),
        )
        self.told.oblige(draft)
        self.note("obligation", draft)

    @rule(
        code=st.sampled_from((TABLE, "T-2")),
        entry=st.sampled_from((ENTRY, "307015/000002")),
        status=st.sampled_from(("bound", "bound", "released")),
    )
    def binds(self, code: str, entry: str, status: str) -> None:
        draft = binding(
            code,
            entry,
            status=status,
            reasons=["更正"],
            version=self.version("binding", code),
        )
        self.told.bind(draft)
        self.note("binding", draft)

    @rule(
        code=st.sampled_from(("EX-1", "EX-2")),
        freed=st.sampled_from((TABLE, "T-2", ENTRY)),
        scope=st.sets(st.sampled_from(SCOPES), min_size=1).map(sorted),
        granted=st.integers(0, 3),
        valid=st.tuples(DAYS, st.integers(1, 4)),
    )
    def exempts(
        self, *, code: str, freed: str, scope: list[str], granted: int, valid: tuple[int, int]
    ) -> None:
        draft = exemption(
            code,
            target=freed,
            target_type="entry" if freed == ENTRY else "obligation",
            scope=scope,
            status="granted" if granted else "withdrawn",
            reasons=["更正"],
            valid_from=self.day(valid[0]),
            expires=self.day(sum(valid)),
            version=self.version("exemption", code),
        )
        self.told.exempt(draft)
        self.note("exemption", draft)

    @rule(code=st.sampled_from((DUTY, TABLE)))
    def contradicts_itself(self, code: str) -> None:
        draft = duty(code, type="table", parent=DUTY) if code == TABLE else duty(code)
        one = draft.model_copy(update={"version": self.version("obligation", code)})
        self.told.say(replace(oblige([one], speaker=DATA, deadline=FAR), bodies=(b"{}",)))
        self.note("obligation", None)

    @rule(days=st.integers(1, 3))
    def days_pass(self, days: int) -> None:
        self.told.days += days

    @precondition(lambda self: self.told.size > 0)
    @rule(data=st.data())
    def the_changes_between_any_two_sizes_explain_the_difference(self, data: st.DataObject) -> None:
        last = data.draw(st.integers(0, self.told.size))
        self.explain(data.draw(st.integers(0, last)), last)

    @invariant()
    def the_changes_since_the_beginning_explain_all(self) -> None:
        if self.said:
            self.explain(0, self.told.size)

    def explain(self, first: int, last: int) -> None:
        found = self.told.changes(first, last)
        moved = self.recount(first)
        for change in found.changes:
            for one in change.effects:
                moved[Group(one.organisation, one.type, one.library), one.purpose] += one.change
        assert +moved == self.recount(last)
        assert all(number >= 0 for number in moved.values())
        listed = [one.leaf for one in found.changes if not one.by_day]
        unread = [one.leaf for one in found.unread]
        assert sorted(listed + unread) == list(range(first, last))
        for purpose in PURPOSES:
            total = sum(one.total(purpose) for one in found.changes)
            assert found.before[purpose] + total == found.after[purpose]

    @invariant()
    def counting_is_recounting(self) -> None:
        if not self.said:
            return
        expected = self.recount(self.told.size)
        today = self.said[-1][2]
        with self.scribe.engine.connect() as connection:
            assert +denominators_at(connection, self.told.size) == expected
            in_sql: Counter[tuple[Group, str]] = Counter()
            for row in connection.execute(queries.owed_at(self.told.size, today)):
                group = Group(row.responsible, row.type, row.library)
                for purpose, scopes in FREED_BY.items():
                    in_sql[group, purpose] += not row.exempt & scopes
        assert +in_sql == expected

    def recount(self, size: int) -> Counter[tuple[Group, str]]:
        """The denominators after ``size`` statements, from the drafts alone."""
        counts: Counter[tuple[Group, str]] = Counter()
        if size == 0:
            return counts
        today = self.said[size - 1][2]
        newest: dict[str, dict[str, Any]] = {"obligation": {}, "binding": {}, "exemption": {}}
        for what, draft, _ in self.said[:size]:
            if draft is not None:
                code = draft.obligation if what == "binding" else draft.code
                newest[what][code] = draft
        for code, owed in newest["obligation"].items():
            if owed.status.value == "withdrawn" or not owed.produces_data:
                continue
            if owed.valid_from > today or (owed.valid_until or today) < today:
                continue
            targets = {code}
            bound = newest["binding"].get(code)
            if bound is not None and bound.status.value == "bound":
                targets.add(bound.entry)
            free = {
                purpose
                for one in newest["exemption"].values()
                if one.target in targets
                and one.status.value == "granted"
                and one.valid_from <= today <= one.expires
                and owed.responsible != DATA
                for scope in one.scope
                for purpose in FREES[scope]
            }
            library = owed.library.value if owed.library else None
            group = Group(owed.responsible, owed.type.value, library)
            for purpose in PURPOSES:
                if purpose not in free:
                    counts[group, purpose] += 1
        return counts


def test_whatever_happens_the_changes_add_up_to_the_difference(sqlite_scribe: Scribe) -> None:
    Histories.scribe = sqlite_scribe
    run_state_machine_as_test(
        Histories, settings=settings(max_examples=30, stateful_step_count=30, deadline=None)
    )


@pytest.fixture
def told(sqlite_scribe: Scribe) -> Told:
    return Told(sqlite_scribe)


def acts(found: Changes) -> list[tuple[int, str, str, int, int]]:
    return [
        (one.leaf, one.act, one.code, one.total("owed"), one.total("collect"))
        for one in found.changes
    ]


def test_each_way_to_shrink_it_is_named_with_who_signed(told: Told) -> None:
    told.oblige(*chain(), duty("ROAD-1", responsible=ROADS))
    told.exempt(exemption(target=TABLE))
    told.oblige(duty(SYSTEM, status="withdrawn", reasons=["并入市级系统"], version=2))
    told.oblige(duty(produces_data=False, version=2))
    told.oblige(duty("ROAD-1", responsible=WATER, version=2))
    found = told.changes(5, told.size)
    assert acts(found) == [
        (5, "granted", "EX-1", 0, -1),
        (6, "withdrawn", SYSTEM, -1, -1),
        (7, "amended", DUTY, -1, -1),
        (8, "amended", "ROAD-1", 0, 0),
    ]
    granted, withdrawn, silent, moved = found.changes
    assert all(one.shrinks for one in found.changes)
    assert (granted.about, granted.law, granted.name) == (TABLE, "某法 第十条", f"取水许可 {TABLE}")
    assert withdrawn.reasons == ("并入市级系统",)
    assert withdrawn.organisation == "0x" + text_hash(DATA).hex()
    assert withdrawn.signer == "0x" + (bytes(19) + b"\x07").hex()
    assert silent.members == {"produces_data": (True, False)}
    assert moved.members == {"responsible": (ROADS, WATER)}
    assert {(one.organisation, one.change) for one in moved.effects if one.purpose == "owed"} == {
        (ROADS, -1),
        (WATER, 1),
    }
    assert (found.before["owed"], found.after["owed"]) == (5, 3)
    assert (found.before["collect"], found.after["collect"]) == (5, 2)


def test_an_exemption_ends_with_its_day_and_names_the_statement_that_set_it(told: Told) -> None:
    told.oblige(*chain())
    told.exempt(exemption(valid_from=day(1), expires=day(3)))
    told.days = 2
    told.oblige(duty("D-2"))
    told.days = 9
    told.oblige(duty("D-3"))
    assert acts(told.changes(5, told.size)) == [
        (4, "begins", "EX-1", 0, -1),
        (5, "registered", "D-2", 1, 1),
        (4, "ends", "EX-1", 0, 1),
        (6, "registered", "D-3", 1, 1),
    ]
    ended = told.changes(6, 7).changes[0]
    assert (ended.by_day, ended.day) == (True, FIRST_DAY + timedelta(days=4))


def test_an_entry_that_is_exempt_frees_what_it_is_bound_to(told: Told) -> None:
    told.oblige(*chain())
    told.exempt(exemption(target=ENTRY, target_type="entry"))
    told.bind(binding())
    told.bind(binding(version=2, status="released", reasons=["误绑"]))
    assert acts(told.changes(4, told.size)) == [
        (4, "granted", "EX-1", 0, 0),
        (5, "bound", TABLE, 0, -1),
        (6, "released", TABLE, 0, 1),
    ]


def test_what_is_restored_and_what_never_changed_is_told_apart(told: Told) -> None:
    told.oblige(duty())
    told.oblige(duty(status="withdrawn", reasons=["误"], version=2))
    told.oblige(duty(version=3))
    told.oblige(duty(version=4))
    assert [(one.act, one.total("owed")) for one in told.changes(0, 4).changes] == [
        ("registered", 1),
        ("withdrawn", -1),
        ("restored", 1),
        ("amended", 0),
    ]
    assert told.changes(2, 2).changes == ()


def test_sizes_must_be_in_order_and_known(told: Told) -> None:
    told.oblige(duty())
    with pytest.raises(ValueError, match="size 1 comes after size 0"):
        told.changes(1, 0)
    with pytest.raises(MirrorQueryError, match="no leaf 4"):
        told.changes(0, 5)


def test_what_was_prolonged_does_not_end_on_the_day_first_set(told: Told) -> None:
    told.oblige(duty(valid_until=day(2)))
    told.exempt(exemption(target=DUTY, valid_from=day(-1), expires=day(2)))
    told.days = 1
    told.oblige(duty(valid_until=day(8), version=2))
    told.exempt(exemption(target=DUTY, valid_from=day(-1), expires=day(5), version=2))
    told.days = 6
    told.oblige(duty("D-2"))
    assert acts(told.changes(4, 5)) == [(3, "ends", "EX-1", 0, 1), (4, "registered", "D-2", 1, 1)]
    told.days = 9
    told.oblige(duty("D-3"))
    assert acts(told.changes(5, 6)) == [(2, "ends", DUTY, -1, -1), (5, "registered", "D-3", 1, 1)]
    whole = told.changes(0, 6)
    assert (whole.after["owed"], whole.after["collect"]) == (2, 2)
    assert [one.act for one in whole.changes if one.by_day] == ["ends", "ends"]


def test_an_exemption_frees_nobody_who_approved_it_even_if_responsibility_moved(
    told: Told,
) -> None:
    told.oblige(duty(DUTY))
    told.exempt(exemption(target=DUTY))
    told.oblige(duty(DUTY, responsible=DATA, version=2))
    assert acts(told.changes(1, 3)) == [(1, "granted", "EX-1", 0, -1), (2, "amended", DUTY, 0, 1)]
    with told.scribe.engine.connect() as connection:
        found = queries.exemptions(connection)
        effects = queries.effects_on(connection, found, FIRST_DAY)
        before = queries.effects_on(connection, found, FIRST_DAY, as_of=2)
        late = queries.effects_on(connection, found, date(2027, 1, 1))
    assert (effects, before, late) == (
        {"EX-1": "self_approved"},
        {"EX-1": "counting"},
        {"EX-1": "expired"},
    )


def test_progress_is_told_while_a_long_history_is_played(told: Told) -> None:
    for start in range(0, 2100, 100):
        told.oblige(*(duty(f"D-{number}") for number in range(start, start + 100)))
    seen: list[int] = []
    with told.scribe.engine.connect() as connection:
        found = changes_between(connection, 50, 2100, progress=seen.append)
    assert (seen, found.after["owed"]) == ([999, 1999], 2100)

"""Findings: what people do to look better, and by which name the audit calls it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace

import pytest

from ledger.audits.findings import SIGNALS
from ledger.audits.policy import Policy
from ledger.audits.report import finding_line, report_bytes
from ledger.catalogue.entry import Entry
from ledger.catalogue.statements import Revision, filing
from ledger.codes import EntryState
from ledger.corrections.statements import CancelledDraft, FiledDraft, HandledDraft, steps
from ledger.deliveries.bodies import schema_digest
from ledger.obligations.statements import ObjectionDraft, ObligationDraft, object_to, oblige
from ledger.store.engine import writing
from tests.audits.world import DATA, DUTY, ENTRY, ROADS, TABLE, WATER, World
from tests.catalogue.conftest import whole_entry
from tests.organisations.scribe import FAR

Q1, Q2 = ("2026-01-01", "2026-03-31"), ("2026-04-01", "2026-06-30")
Q3 = ("2026-07-01", "2026-09-30")


@pytest.fixture
def running(world: World) -> Iterator[World]:
    """A quarterly table, catalogued and mounted, with its first quarter delivered."""
    world.chain(update_cycle="quarterly")
    world.publish()
    world.bind()
    world.mount()
    world.on(4, 2).supply(*Q1)
    yield world
    assert world.scribe.flags == {}


def found(world: World, **options: object) -> dict[str, list[str]]:
    """Subjects of the findings, by name."""
    named: dict[str, list[str]] = {}
    with world.audit(**options) as audit:
        for row in audit.findings():
            assert row.name in SIGNALS
            named.setdefault(row.name, []).append(row.subject)
    return named


def test_an_honest_ledger_has_no_findings(running: World) -> None:
    assert found(running) == {}
    assert running.gap() is None


def test_one_place_that_two_organisations_mount(either_world: World) -> None:
    world = either_world
    world.publish()
    world.publish("307016/000001", ROADS)
    world.mount(location="district.water_users")
    world.mount("307016/000001", ROADS, location="district.water_users")
    world.mount("307016/000001", ROADS, code="R-other", location="district.roads")
    with world.audit() as audit:
        told = [(row.subject, row.number, row.detail) for row in audit.findings(name="two_sources")]
    assert told == [(f"R-{code}", 2, "district.water_users") for code in (ENTRY, "307016/000001")]
    # one of them closes it: there is one source again
    world.mount(
        "307016/000001", ROADS, code="R-307016/000001", location="district.water_users",
        status="closed", reasons=["重复"],
    )  # fmt: skip
    assert "two_sources" not in found(world)


def test_a_manifest_signed_again_after_the_delivery(running: World) -> None:
    running.deliver(*Q1, rows=2, content="less")
    assert running.gap()[:2] == (6, "rows_differ")
    running.manifest(*Q1, rows=2, content="less")
    assert running.gap()[:2] == (6, "manifest_after_delivery")
    assert found(running) == {"manifest_after_delivery": [ENTRY], "manifest_shrunk": [ENTRY]}
    line = running.states()
    # what was delivered is held against the newest manifest, and names another
    assert (line["records"], line["rows_here"], line["rows_due"]) == (2, 0, 2)


def test_a_manifest_first_signed_after_the_delivery(running: World) -> None:
    running.on(7, 3).deliver(*Q2, manifest=0, complete=False)
    running.manifest(*Q2)
    assert found(running) == {
        "delivery_without_manifest": [ENTRY],
        "manifest_after_delivery": [ENTRY],
    }
    assert running.gap()[:2] == (5, "manifest_after_delivery")


def test_a_delivery_without_any_manifest(running: World) -> None:
    running.on(7, 3).deliver(*Q2, manifest=0, complete=False)
    running.wait(7, 20)
    assert found(running) == {"delivery_without_manifest": [ENTRY]}
    assert running.gap()[:2] == (3, "manifest_outdated")
    assert running.states()["timeliness"] == 1


def test_an_old_snapshot_delivered_again_as_new(running: World) -> None:
    running.on(7, 3).manifest(*Q2, content=(ENTRY, Q1[1]))
    running.deliver(*Q2, content=(ENTRY, Q1[1]))
    # its root is the other one's too, since nothing is salted here
    assert found(running) == {"old_snapshot": [ENTRY], "root_repeated": [ENTRY]}


def test_an_empty_table(running: World) -> None:
    running.on(7, 3).supply(*Q2, rows=0)
    assert found(running) == {"empty_table": [TABLE]}
    assert running.gap()[:2] == (4, "empty_table")
    assert running.states()["collection"] == 2


def test_an_increment_without_rows_is_no_empty_table(running: World) -> None:
    running.on(7, 3).supply(*Q2, rows=0, mode="increment")
    assert found(running) == {}
    assert running.gap() is None


@pytest.mark.parametrize(
    ("counted", "name"),
    [
        ({"missing": 1}, "rows_missing"),
        ({"extra": 1}, "rows_extra"),
        ({"changed": 1}, "rows_changed"),
        ({"duplicate_keys": 1}, "padded_rows"),
        ({"null_keys": 1}, "empty_keys"),
    ],
)
def test_rows_that_differ(running: World, counted: dict[str, int], name: str) -> None:
    running.on(7, 3).manifest(*Q2, rows=100)
    running.deliver(*Q2, rows=100, content="other", complete=False, differences=counted)
    assert found(running) == {name: [ENTRY]}
    assert running.gap()[:2] == (6, "rows_differ")
    line = running.states()
    gone = counted.get("missing", 0) + counted.get("changed", 0)
    assert (line["rows_due"], line["rows_here"]) == (103, 103 - gone)


def test_rows_that_differ_and_nobody_counted(running: World) -> None:
    running.on(7, 3).manifest(*Q2, rows=100)
    running.deliver(*Q2, rows=100, content="other", complete=False)
    assert found(running) == {"not_reconciled": [TABLE]}
    line = running.states()
    assert (line["rows_due"], line["rows_here"]) == (103, 3)


def test_a_column_dropped(running: World) -> None:
    narrow = {"columns": [{"name": "编号", "type": "string"}], "key": ["编号"]}
    running.on(7, 3).manifest(*Q2, schema=narrow)
    assert found(running) == {"column_dropped": [ENTRY]}
    with running.audit() as audit:
        (row,) = audit.findings(name="column_dropped")
        assert row.detail == "面积"
    running.deliver(*Q2, complete=False)
    assert found(running) == {
        "column_dropped": [ENTRY],
        "not_reconciled": [TABLE],
        "schema_differs": [TABLE],
    }


def test_columns_of_another_type_and_another_key(running: World) -> None:
    """A scale that shrinks rounds amounts away; a key of row numbers lets copies of rows pass."""
    other = {
        "columns": [
            {"name": "编号", "type": "string"},
            {"name": "面积", "type": "decimal", "scale": 0},
            {"name": "序号", "type": "integer"},
        ],
        "key": ["序号"],
    }
    running.on(7, 3).manifest(*Q2, schema=other, key=["序号"])
    with running.audit() as audit:
        told = {row.name: row.detail for row in audit.findings()}
    assert told == {
        "column_retyped": "面积: decimal(2) → decimal(0)",
        "key_changed": "编号 → 序号",
    }


def test_items_that_no_column_bears_the_name_of(running: World) -> None:
    line = running.states()
    # the manifest's columns are called otherwise than the entry's items: nobody can tell
    assert (line["items"], line["items_due"], line["items_here"]) == (5, 0, 0)
    named = {"columns": [{"name": "编号", "type": "string"}, {"name": "地址", "type": "string"}]}
    kind = {"data_type": "char", "length": 9, "grade": 1}
    items = [{"name": "编号", **kind}, {"name": "面积", "name_en": "area", **kind}]
    other = "307015/000002"
    running.oblige("QP-1-S1-T2", "table", "QP-1-S1", update_cycle="quarterly")
    running.publish(other, items=items)
    running.bind("QP-1-S1-T2", other)
    schema = named | {"key": ["编号"]}
    running.manifest(*Q1, entry=other, schema=schema)
    running.deliver(*Q1, entry=other, schema=schema_digest(schema).hex())
    line = running.states("QP-1-S1-T2")
    assert (line["items"], line["items_due"], line["items_here"]) == (2, 2, 1)
    with running.audit() as audit:
        (row,) = audit.findings(name="items_missing")
        assert (row.subject, row.number, row.detail) == ("QP-1-S1-T2", 1, "面积")
    both = {"columns": [{"name": "area", "type": "string"}, {"name": "编号", "type": "string"}]}
    running.manifest(*Q2, entry=other, schema=both | {"key": ["编号"]})
    assert running.states("QP-1-S1-T2")["items_here"] == 2
    assert "items_missing" not in found(running)


def test_two_organisations_that_claim_one_source(world: World) -> None:
    plain = [{"name": "学校名称", "data_type": "char", "length": 9, "grade": 1}]
    items = [plain[0] | {"locally_generated": True}]
    world.publish(items=items)
    world.publish("307015/000002", ROADS, items=plain)
    with world.audit() as audit:
        (line,) = audit.sources()
        assert (line.name, line.holders, line.producers, line.state) == ("学校名称", 2, 1, 1)
    world.publish("307015/000003", ROADS, items=items)
    assert found(world) == {"two_sources": ["学校名称"]}
    with world.audit() as audit:
        (tally,) = audit.tallies()["single_source"].values()
        assert (tally.numerator, tally.denominator) == (0, 1)


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE statement SET body = x'7b7d' WHERE kind = 'catalogue.entry'",
        "UPDATE statement SET body = 'no bytes' WHERE kind = 'catalogue.entry'",
        "UPDATE statement SET subject = zeroblob(32) WHERE kind = 'catalogue.entry'",
        "UPDATE statement SET version = version + 7 WHERE kind = 'catalogue.entry'",
        "DELETE FROM statement WHERE kind = 'catalogue.entry' AND version = 1",
    ],
)
def test_a_row_of_the_mirror_that_is_not_what_the_chain_says(running: World, change: str) -> None:
    with running.audit() as audit:
        (tally,) = audit.tallies()["consistency"].values()
        assert (tally.numerator, tally.denominator) == (1, 1)
    with writing(running.scribe.engine) as connection:
        connection.exec_driver_sql(change)
    with running.audit() as audit:
        (tally,) = audit.tallies()["consistency"].values()
        assert (tally.numerator, tally.denominator) == (0, 1)


def test_an_entry_revoked_while_its_duty_stands(running: World) -> None:
    running.decide(EntryState.REVOKED)
    assert found(running) == {"revoked_while_bound": [TABLE]}
    assert running.gap()[:2] == (1, "revoked")
    assert running.states()["cataloguing"] == 2


def test_a_binding_released(running: World) -> None:
    running.bind(status="released", reasons=["合并"])
    assert found(running) == {"binding_released": [TABLE]}
    assert running.gap()[:2] == (1, "released")


def test_one_entry_for_several_tables_counts_once(running: World) -> None:
    running.oblige("QP-1-S1-T2", "table", "QP-1-S1")
    running.bind("QP-1-S1-T2", ENTRY)
    assert found(running) == {"entry_shared": ["QP-1-S1-T2"]}
    assert running.gap() is None
    assert running.gap("QP-1-S1-T2")[:2] == (1, "answers_another")
    assert running.states("QP-1-S1-T2")["collection"] == 2


def test_a_table_split_into_entries_counts_once_and_as_its_worst_part(running: World) -> None:
    for number in (1, 2):
        running.oblige(f"{TABLE}-E{number}", "entry", TABLE, update_cycle="quarterly")
    running.bind(f"{TABLE}-E1", ENTRY)
    other = "307015/000002"
    running.publish(other)
    running.bind(f"{TABLE}-E2", other)
    assert found(running) == {"split_table": [TABLE]}
    with running.audit() as audit:
        cataloguing = audit.tallies()["cataloguing"]
        collection = audit.tallies()["collection"]
    assert [(one.numerator, one.denominator) for one in cataloguing.values()] == [(1, 1)]
    assert [(one.numerator, one.denominator) for one in collection.values()] == [(0, 1)]


def test_resources_closed(running: World) -> None:
    running.mount(status="closed", reasons=["系统下线"])
    assert found(running) == {"resource_closed": [TABLE]}
    assert running.gap()[:2] == (2, "resource_closed")


def test_a_score_by_the_owner_alone(running: World) -> None:
    running.score(9000, by=WATER)
    assert found(running) == {"self_assessed": [TABLE]}
    running.score(7000)
    assert found(running) == {}
    assert running.gap()[:2] == (8, "low_score")


def test_obligations_withdrawn_amended_and_ended(running: World) -> None:
    running.oblige("QP-5", "duty", status="withdrawn", reasons=["职责划出"])
    running.oblige("QP-6", "duty")
    running.oblige("QP-6", "duty", note="改")
    running.oblige("QP-7", "duty", valid_until="2026-03-31")
    assert found(running) == {
        "obligation_amended": ["QP-6"],
        "obligation_ended": ["QP-7"],
        "obligation_withdrawn": ["QP-5"],
    }


def test_an_exemption_counts_by_scope_and_only_until_it_expires(running: World) -> None:
    running.exempt(TABLE, "update", valid_from="2026-04-02", expires="2026-07-20")
    running.wait(7, 20)
    assert running.states()["timeliness"] == 3
    assert found(running) == {"exemption_relied_on": ["EX-1"]}
    running.wait(7, 21)
    assert running.states()["timeliness"] == 2
    assert found(running) == {"exemption_expired": ["EX-1"]}


def test_an_exemption_of_the_entry_frees_the_obligation_that_it_answers(running: World) -> None:
    running.exempt(ENTRY, "share", kind="entry")
    running.mount(status="closed", reasons=["系统下线"])
    assert running.gap() is None
    with running.audit() as audit:
        (mount,) = audit.tallies()["mount"].values()
    assert (mount.denominator, mount.states[3]) == (0, 1)


def test_what_the_profiting_organisation_approved_does_not_count(running: World) -> None:
    running.oblige(TABLE, "table", "QP-1-S1", responsible=ROADS)
    running.exempt(TABLE, "catalogue", by=ROADS)
    assert found(running)["exemption_self_approved"] == ["EX-1"]
    assert running.states()["cataloguing"] == 1


def test_an_objection_is_shown_until_it_is_answered(running: World) -> None:
    draft = {"obligation": TABLE, "state": "raised", "reasons": ["职责已划出"]}
    running.say(object_to([ObjectionDraft.model_validate(draft)], speaker=WATER, deadline=FAR))
    assert found(running) == {"objection_open": [TABLE]}
    answer = ObjectionDraft.model_validate(draft | {"state": "dismissed", "version": 2})
    running.say(object_to([answer], speaker=DATA, deadline=FAR))
    assert found(running) == {}


def test_late_across_a_holiday(world: World) -> None:
    """August 2026 falls due on 7 September; September on 15 October, for National Day is long and 10 October worked."""
    world.chain(update_cycle="monthly")
    world.publish()
    world.bind()
    world.mount()
    for month, last in ((1, 31), (2, 28), (3, 31), (4, 30), (5, 31), (6, 30), (7, 31), (8, 31)):
        world.on(month + 1, 1).supply(f"2026-{month:02d}-01", f"2026-{month:02d}-{last}")
    world.on(10, 14).manifest("2026-09-01", "2026-09-30")
    assert found(world) == {}
    world.on(10, 15).deliver("2026-09-01", "2026-09-30")
    assert found(world) == {"late_across_holiday": [TABLE]}
    line = world.states()
    assert (line["due_upto"] - line["due_from"], line["on_time"]) == (9, 8)


def test_a_period_that_was_not_over_is_not_covered(running: World) -> None:
    running.on(5, 6).supply(*Q2)
    running.wait(7, 15)
    assert found(running) == {"period_not_over": [TABLE]}
    assert running.gap()[:2] == (3, "manifest_outdated")


def test_increments_alone_show_no_deletions(world: World) -> None:
    world.chain(update_cycle="quarterly")
    world.publish()
    world.bind()
    world.mount()
    world.on(4, 2).supply(*Q1, mode="increment")
    assert found(world) == {"no_full_delivery": [TABLE]}


def test_a_correction_request_that_nobody_answers(running: World) -> None:
    filed = FiledDraft.model_validate(
        {
            "code": "JH-1",
            "entry": ENTRY,
            "type": "use",
            "title": "面积不符",
            "description": "与年报不一致",
            "reasons": ["inconsistent"],
        }
    )
    running.say(steps([filed], speaker=ROADS, deadline=FAR))
    # filed on 2 April: Qingming is on the 6th, and ten working days end on the 17th
    assert running.gap() == (8, "correction_open", 20260402, 20260417)
    running.wait(4, 17)
    assert found(running) == {}
    running.wait(4, 20)
    assert found(running) == {"overdue_correction": ["JH-1"]}
    with running.audit() as audit:
        (tally,) = audit.tallies()["correct_clock"].values()
    assert (tally.numerator, tally.denominator) == (0, 1)
    answer = HandledDraft.model_validate(
        {
            "code": "JH-1",
            "entry": ENTRY,
            "type": "use",
            "version": 2,
            "outcome": "corrected",
            "answer": "已更正",
            "edition": 1,
        }
    )
    running.say(steps([answer], speaker=WATER, deadline=FAR))
    assert running.gap() is None
    assert found(running) == {"overdue_correction": ["JH-1"]}


@pytest.mark.parametrize(("day", "late"), [(17, []), (20, ["JH-1"])])
def test_a_correction_request_taken_back(running: World, day: int, late: list[str]) -> None:
    asked = {"code": "JH-1", "entry": ENTRY, "type": "use"}
    filed = FiledDraft.model_validate(
        asked | {"title": "面积不符", "description": "与年报不一致", "reasons": ["inconsistent"]}
    )
    running.say(steps([filed], speaker=ROADS, deadline=FAR))
    running.wait(4, day)
    back = CancelledDraft.model_validate(
        asked | {"version": 2, "reasons": ["own_mistake"], "comment": "自行核对"}
    )
    running.say(steps([back], speaker=ROADS, deadline=FAR))
    assert running.gap() is None
    assert found(running).get("overdue_correction", []) == late


def test_clocks_of_the_catalogue(world: World) -> None:
    world.chain()
    world.file()
    world.wait(1, 7)
    assert found(world) == {}
    world.wait(1, 8)
    assert found(world) == {"overdue_publication": [ENTRY]}
    world.wait(1, 20)
    assert found(world) == {
        "overdue_catalogue_update": [TABLE],
        "overdue_publication": [ENTRY],
    }
    world.decide(EntryState.PUBLISHED)
    world.bind()
    assert set(found(world)) == {"overdue_catalogue_update", "overdue_publication"}


def test_a_statement_that_nobody_can_read(world: World) -> None:
    world.chain()
    leaf = world.publish() - 1
    draft = ObligationDraft.model_validate(
        {
            "code": "QP-9",
            "name": "事项",
            "type": "duty",
            "responsible": WATER,
            "legal_basis": ["某法"],
            "valid_from": "2026-01-01",
        }
    )
    batch = oblige([draft], speaker=DATA, deadline=FAR)
    unread = world.say(replace(batch, bodies=(b'{"code":"QP-9"}',)))
    revision = filing(WATER, [Revision(Entry.parse(whole_entry(ENTRY, provider=WATER)), 3)], FAR)
    world.say(replace(revision.batch, bodies=(b'{"code":"other"}',)))
    assert sorted(world.scribe.flags) == [unread, unread + 1]
    assert found(world) == {"unreadable_statement": ["catalogue.entry", "obligation"]}
    with world.audit() as audit:
        (tally,) = audit.tallies()["on_chain"].values()
        assert (tally.numerator, tally.denominator) == (0, 1)
    with world.audit(leaf + 2) as audit:
        (tally,) = audit.tallies()["on_chain"].values()
        assert (tally.numerator, tally.denominator) == (1, 1)


def test_periods_that_overlap_are_named_and_hide_no_incomplete_one(running: World) -> None:
    running.on(7, 3).manifest(*Q2, rows=100)
    running.deliver(*Q2, rows=40, content="less", complete=False, differences={"missing": 60})
    assert running.gap()[:2] == (6, "rows_differ")
    # all rows as they stand at the end of June, says a manifest of its last day: they are two
    running.supply("2026-06-30", "2026-06-30", rows=2, content="few")
    named = found(running)
    assert named == {"periods_overlap": [ENTRY], "rows_fell": [ENTRY], "rows_missing": [ENTRY]}
    assert running.gap()[:2] == (6, "rows_differ")
    with running.audit() as audit:
        (overlap,) = audit.findings(name="periods_overlap")
        (fell,) = audit.findings(name="rows_fell")
    assert (overlap.number, fell.number) == (20260630, 98)
    assert (fell.leaf, fell.other) == (overlap.leaf, overlap.other)
    # what was owed for the quarter arrives after all
    running.deliver(*Q2, rows=100, content=(ENTRY, Q2[1]))
    assert running.gap() is None


def test_periods_of_increments_within_the_year_of_a_full_one_do_not_overlap(
    running: World,
) -> None:
    running.on(7, 3).supply(*Q2, rows=5, mode="increment", content="new")
    running.supply("2026-01-01", "2026-06-30", rows=5, content="all")
    assert "periods_overlap" in found(running)  # with the first quarter, which was a full one
    with running.audit() as audit:
        (row,) = audit.findings(name="periods_overlap")
    assert row.number == 20260630


@pytest.mark.parametrize(("rows", "named"), [(90, []), (89, [ENTRY])])
def test_a_table_that_shrinks_is_named_from_a_tenth_on(
    running: World, rows: int, named: list[str]
) -> None:
    running.on(7, 3).supply(*Q2, rows=100)
    running.on(10, 12).supply(*Q3, rows=rows, content="fewer")
    assert found(running).get("rows_fell", []) == named
    assert "rows_fell" not in found(running, policy=Policy(rows_fell=2000))


def test_more_rows_than_any_number_holds_stop_no_audit(running: World) -> None:
    most = (1 << 63) - 1
    for day in (28, 29, 30):
        running.on(7, 3).manifest("2026-04-01", f"2026-06-{day}", rows=most, content=day)
    with running.audit() as audit:
        report = json.loads(b"".join(report_bytes(audit)))
    (records,) = [one for one in report["metrics"] if one["id"] == "record_collection"]
    # beyond 2^53 numbers of JSON are not exact: they are text, as in bodies
    assert (records["numerator"], records["denominator"]) == (3, str(3 * most + 3))
    assert records["rate_basis_points"] == 0
    (line,) = [one for one in report["tables"] if one["code"] == TABLE]
    assert line["rows_due"] == str(3 * most + 3)
    running.manifest(*Q2, rows=3)
    with running.audit() as audit:
        shrunk = [finding_line(audit, row) for row in audit.findings(name="manifest_shrunk")]
    assert [one["number"] for one in shrunk] == [str(most - 3)]


def test_what_the_owner_received_itself(running: World) -> None:
    running.on(7, 3).manifest(*Q2)
    running.deliver(*Q2, by=WATER)
    with running.audit() as audit:
        assert [(one.name, one.subject, one.number) for one in audit.findings()] == [
            ("self_received", ENTRY, 1)
        ]


def test_an_entry_that_was_exchanged_for_another(running: World) -> None:
    running.publish("307015/000002")
    running.on(4, 8).bind(entry="307015/000002")
    assert found(running)["entry_rebound"] == [TABLE]
    # back again: the exchange stays to be seen
    running.bind()
    assert found(running) == {"entry_rebound": [TABLE]}


def test_an_exemption_written_down_after_the_day_from_which_it_counts(running: World) -> None:
    running.on(4, 8).exempt(TABLE, "update", valid_from="2026-04-08")
    assert "exemption_backdated" not in found(running)
    # prolonged later, it still begins on the day on which it was written down
    running.on(5, 8).exempt(TABLE, "update", valid_from="2026-04-08", expires="2027-12-31")
    assert "exemption_backdated" not in found(running)
    running.exempt(TABLE, "update", valid_from="2026-01-01")
    with running.audit() as audit:
        (row,) = audit.findings(name="exemption_backdated")
    assert (row.subject, row.number) == ("EX-1", 20260101)


def test_rows_signed_again_with_the_salt_of_another_period(running: World) -> None:
    """No collector's tag is needed to see it: one who colludes leaves the tag out."""
    running.on(7, 3).manifest(*Q2, content=(ENTRY, Q1[1]))
    with running.audit() as audit:
        (row,) = audit.findings()
    assert (row.name, row.subject, row.number) == ("root_repeated", ENTRY, 20260331)


def test_an_edition_that_promises_less_than_the_one_before(running: World) -> None:
    kind = {"data_type": "char", "length": 9, "grade": 1}
    more = [{"name": name, **kind} for name in ("编号", "面积", "水源")]
    other = "307015/000002"
    open_ = {"share_type": "unconditional", "share_scope": None, "share_purpose": None}
    running.publish(other, items=more, update_cycle="monthly", **open_)
    running.publish(other, items=more, update_cycle="weekly", **open_)
    assert "entry_weakened" not in found(running)
    # what is only filed promises nothing yet, and takes nothing back
    running.file(other, items=more[:1], update_cycle="on_demand", share_type="conditional")
    assert "entry_weakened" not in found(running)
    running.decide(EntryState.PUBLISHED, other)
    with running.audit() as audit:
        (row,) = audit.findings(name="entry_weakened")
    assert row.subject == other
    assert row.detail == "-水源; -面积; weekly → on_demand; unconditional → conditional"


def test_an_obligation_that_whoever_owes_it_changed_itself(running: World) -> None:
    running.oblige("QP-8", "duty", responsible=DATA)
    running.oblige("QP-9", "duty", responsible=DATA)
    running.oblige("QP-8", "duty", responsible=DATA, update_cycle="other")
    # and one that it moved to somebody else
    running.oblige("QP-9", "duty", responsible=ROADS)
    running.oblige(DUTY, "duty", note="改")
    told = found(running)
    assert told["self_amended"] == ["QP-8", "QP-9"]
    assert told["obligation_amended"] == [DUTY, "QP-8", "QP-9"]

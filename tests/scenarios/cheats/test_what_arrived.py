"""Cheats with rows: fewer, altered, padded, old, empty, undeleted, reshaped; and with the days on which they came."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest

from ledger.audits.policy import Policy
from tests.deliveries import tables
from tests.scenarios.cheats.town import (
    FIRST_QUARTER,
    ROWS,
    SECOND_QUARTER,
    TABLE,
    THIRD_QUARTER,
    Town,
    counted,
    finding_in,
    findings_in,
    gap_in,
    line_in,
    pupils,
)
from tests.small_office import PUBLISHED


@pytest.fixture
def july(town: Town) -> Town:
    """The second quarter is over, and due on 14 July."""
    return town.on(7, 8)


def grown(by: int) -> list[tables.Row]:
    """The rows of the next quarter: so many more than before."""
    return tables.pupils(ROWS + by)


def deliveries(town: Town) -> list[dict[str, Any]]:
    """Newest first."""
    listed = town.run("deliver", "list", "--entry", PUBLISHED, "--json").json()
    found: list[dict[str, Any]] = listed["deliveries"]
    return found


def test_fewer_rows_are_counted_and_the_rate_of_records_falls(july: Town) -> None:
    rows = grown(5)
    told = july.supply(SECOND_QUARTER, rows, rows[:-7])
    assert (told["complete"], told["rows"], told["rows_signed"]) == (False, ROWS - 2, ROWS + 5)
    report = july.audit()
    assert gap_in(report) == ("record_complete", "rows_differ")
    assert counted(report, "record_collection") == (2 * ROWS - 2, 2 * ROWS + 5)
    assert finding_in(report, "rows_missing")["number"] == 7


def test_altered_rows_are_counted_though_their_number_is_right(july: Town) -> None:
    rows = grown(5)
    rows[3]["年级"], rows[9]["姓名"] = 99, "改名"
    told = july.supply(SECOND_QUARTER, grown(5), rows)
    assert told["differences"] == {"missing": 0, "extra": 0, "changed": 2, "buckets": 2}
    report = july.audit()
    assert gap_in(report) == ("record_complete", "rows_differ")
    assert counted(report, "record_collection") == (2 * ROWS + 3, 2 * ROWS + 5)
    assert finding_in(report, "rows_changed")["number"] == 2


def test_rows_padded_with_duplicates_are_refused_on_both_sides(july: Town) -> None:
    padded = july.pupils("padded", grown(5) + grown(5)[:3])
    refused = july.manifest(SECOND_QUARTER, padded, expect=3)
    assert "3 keys (身份证号) stand in 6 rows" in refused.err
    july.manifest(SECOND_QUARTER, july.pupils("held", grown(5)))
    refused = july.receive(SECOND_QUARTER, padded, expect=3)
    assert "3 keys (身份证号) stand in 6 rows" in refused.err
    assert len(deliveries(july)) == 1


def test_an_old_snapshot_delivered_as_new_is_known_by_its_contents(july: Town) -> None:
    told = july.supply(SECOND_QUARTER, pupils(), pupils())
    # the department signed it so, and the roots differ by their salts: but the rows are those of the first quarter
    assert (told["complete"], told["repeats"]) == (True, 1)
    newest, first = deliveries(july)
    assert newest["root"] != first["root"]
    assert (newest["repeats"], newest["content"]) == (1, first["content"])
    found = finding_in(july.audit(), "old_snapshot")
    assert (found["subject"], found["number"]) == (PUBLISHED, "2026-03-31")
    assert found["leaves"] == [newest["leaf_from"], first["leaf_from"]]


def test_an_empty_table_is_a_gap_and_not_a_collected_table(july: Town) -> None:
    told = july.supply(SECOND_QUARTER, [], [])
    assert told["complete"]
    report = july.audit()
    assert gap_in(report) == ("delivered", "empty_table")
    assert counted(report) == (0, 2)
    assert finding_in(report, "empty_table")["subject"] == TABLE


def test_deletions_at_the_source_that_never_arrive_are_rows_too_many(july: Town) -> None:
    left = pupils()[4:]
    told = july.supply(SECOND_QUARTER, left, pupils())
    assert told["differences"] == {"missing": 0, "extra": 4, "changed": 0, "buckets": 4}
    report = july.audit()
    assert gap_in(report) == ("record_complete", "rows_differ")
    assert finding_in(report, "rows_extra")["number"] == 4


def test_increments_alone_do_not_hide_deletions_for_ever(july: Town) -> None:
    july.manifest(SECOND_QUARTER, july.pupils("new", grown(5)[-5:]), "--mode", "increment")
    told = july.receive(SECOND_QUARTER, july.pupils("new", grown(5)[-5:]), "--json").json()
    assert told["complete"]
    assert findings_in(july.audit(), "no_full_delivery") == []
    # nothing that left the source in the last 90 days could have shown
    report = july.audit(policy=Policy(full_count_days=90))
    found = finding_in(report, "no_full_delivery")
    assert (found["subject"], found["number"]) == (TABLE, "2026-03-31")


def test_a_column_is_not_dropped_unnoticed(july: Town) -> None:
    schema = tables.SCHEMA.remove(3)
    narrow = tables.parquet(july.place / "narrow.parquet", grown(5), schema)
    refused = july.manifest(SECOND_QUARTER, narrow, expect=3)
    assert "columns dropped: 补助" in refused.err
    july.manifest(SECOND_QUARTER, narrow, "--new-schema")
    found = finding_in(july.audit(), "column_dropped")
    assert (found["subject"], found["detail"]) == (PUBLISHED, "补助")


def test_a_key_of_row_numbers_that_lets_copies_pass_is_named(july: Town) -> None:
    rows = grown(5) + grown(5)[:3]
    schema = tables.SCHEMA.append(pa.field("序号", pa.int64()))
    numbered = [row | {"序号": number} for number, row in enumerate(rows)]
    padded = tables.parquet(july.place / "padded.parquet", numbered, schema)
    period = ("--entry", PUBLISHED, "--period", SECOND_QUARTER, "--row-key", "序号")
    words = ("deliver", "manifest", padded, *period, "--key", "education-steward")
    refused = july.run(*words, expect=3)
    assert "another key: 序号" in refused.err
    july.run(*words, "--new-schema")
    found = finding_in(july.audit(), "key_changed")
    assert (found["subject"], found["detail"]) == (PUBLISHED, f"{tables.KEY} → 序号")


def test_a_column_is_not_lost_on_the_way(july: Town) -> None:
    schema = tables.SCHEMA.remove(3)
    narrow = tables.parquet(july.place / "narrow.parquet", grown(5), schema)
    july.manifest(SECOND_QUARTER, july.pupils("held", grown(5)))
    refused = july.receive(SECOND_QUARTER, narrow, expect=3)
    assert "columns missing: 补助" in refused.err


def test_a_manifest_of_a_day_does_not_hide_the_quarter_that_ends_on_it(july: Town) -> None:
    july.supply(SECOND_QUARTER, grown(5), pupils()[:30])
    # two rows, all of them there, as they stand on the quarter's last day
    assert july.supply("2026-06-30", pupils()[:2], pupils()[:2])["complete"]
    report = july.audit()
    assert gap_in(report) == ("record_complete", "rows_differ")
    overlap = finding_in(report, "periods_overlap")
    assert (overlap["subject"], overlap["number"]) == (PUBLISHED, "2026-06-30")
    assert finding_in(report, "rows_fell")["number"] == ROWS + 3
    # the terminal tells first how many there are of each name, as --name takes it
    names = july.run("audit", "findings").out.partition("Findings:")[0]
    assert "1  all rows are far fewer than all rows of the period before" in names
    assert "periods_overlap" in names
    # what is owed for the quarter closes the gap, and nothing else does
    july.receive(SECOND_QUARTER, july.pupils("whole", grown(5)))
    assert gap_in(july.audit()) is None


def test_a_manifest_signed_after_the_delivery_proves_nothing(july: Town) -> None:
    source = july.pupils("arrived", grown(5))
    july.receive(SECOND_QUARTER, source, expect=3)
    july.receive(SECOND_QUARTER, source, "--without-manifest", "--row-key", tables.KEY)
    assert gap_in(july.audit()) == ("anchored", "delivery_without_manifest")
    july.manifest(SECOND_QUARTER, source)
    report = july.audit()
    assert gap_in(report) == ("anchored", "manifest_after_delivery")
    assert counted(report, "record_collection") == (ROWS, 2 * ROWS + 5)
    assert finding_in(report, "delivery_without_manifest")["subject"] == PUBLISHED
    assert finding_in(report, "manifest_after_delivery")["subject"] == PUBLISHED


def test_a_manifest_signed_again_to_match_what_arrived_proves_nothing(july: Town) -> None:
    july.supply(SECOND_QUARTER, grown(5), pupils())
    arrived = july.pupils("again", pupils())
    july.manifest(SECOND_QUARTER, arrived, "--again")
    report = july.audit()
    assert gap_in(report) == ("record_complete", "manifest_after_delivery")
    here, due = counted(report, "record_collection")
    assert here < due
    assert finding_in(report, "manifest_shrunk")["number"] == 5
    assert finding_in(report, "manifest_after_delivery")["subject"] == PUBLISHED
    # and delivering once more against the new version takes nothing of that back
    july.receive(SECOND_QUARTER, arrived)
    report = july.audit()
    assert finding_in(report, "manifest_shrunk")["number"] == 5
    assert finding_in(report, "manifest_after_delivery")["subject"] == PUBLISHED
    versions = july.run("deliver", "list", "--manifests", "--entry", PUBLISHED, "--json").json()
    both = [one for one in versions["manifests"] if one["period_end"] == "2026-06-30"]
    assert [(one["version"], one["rows"]) for one in both] == [(2, ROWS), (1, ROWS + 5)]


def test_a_delivery_after_the_national_day_is_late_by_the_working_days_that_were_worked(
    july: Town,
) -> None:
    town = july
    assert town.supply(SECOND_QUARTER, grown(5), grown(5))["complete"]
    # ten working days after 30 September: the holiday lasts to 7 October, and Saturday the 10th is worked
    town.on(10, 20).manifest(THIRD_QUARTER, town.pupils("held", grown(9)))
    punctual = town.copy(town.place / "punctual" / "ledger")
    for one, day in ((punctual, 20), (town, 21)):
        one.on(10, day)
        one.receive(THIRD_QUARTER, town.pupils("arrived", grown(9)))
        one.on(10, 22).run(
            "obligation", "object", TABLE, "--reason", "核对", "--key", "education-head"
        )
    assert gap_in(punctual.audit()) is None
    assert line_in(punctual.audit())["periods_on_time"] == 3
    report = town.audit()
    assert gap_in(report) == ("on_time", "late")
    line = line_in(report)
    assert (line["periods_due"], line["periods_on_time"]) == (3, 2)
    (late,) = [one for one in report["gaps"] if one["obligation"] == TABLE]
    assert late["due"] == "2026-10-20"
    found = finding_in(report, "late_across_holiday")
    assert (found["subject"], found["number"]) == (TABLE, "2026-09-30")
    assert findings_in(punctual.audit(), "late_across_holiday") == []


def test_a_period_that_is_named_afterwards_does_not_make_a_delivery_punctual(july: Town) -> None:
    town = july.on(10, 12)
    assert town.supply(SECOND_QUARTER, grown(5), grown(5))["complete"]
    report = town.audit()
    assert line_in(report)["periods_on_time"] == 1
    assert gap_in(report) == ("on_time", "late")
    assert findings_in(report, "late_across_holiday") != []


def test_nobody_signs_for_a_period_that_is_not_over(july: Town) -> None:
    refused = july.manifest(THIRD_QUARTER, july.pupils("held", grown(9)), expect=3)
    assert "ends in the future" in refused.err


def test_a_collector_who_writes_over_a_quarter_leaves_both_versions(july: Town) -> None:
    rows = grown(5)
    july.supply(SECOND_QUARTER, rows, rows[2:])
    july.receive(SECOND_QUARTER, july.pupils("whole", rows))
    newest, before, _ = deliveries(july)
    assert (newest["complete"], before["complete"]) == (True, False)
    assert newest["predecessor"] == before["root"]
    assert gap_in(july.audit()) is None
    assert FIRST_QUARTER in str(july.run("deliver", "show", PUBLISHED).out).replace(
        "2026-01-01", FIRST_QUARTER
    )

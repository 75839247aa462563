"""Cheats with signatures: keys without the right, keys that were revoked, acts played again or out of order."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from ledger.deliveries.bodies import BUCKETS
from ledger.deliveries.statements import DeliveryDraft, ManifestDraft, deliver, manifest
from ledger.statements import Batch
from tests.scenarios.cheats.town import (
    FIRST_QUARTER,
    ROWS,
    SECOND_QUARTER,
    TABLE,
    Town,
    finding_in,
    gap_in,
    line_in,
    pupils,
)
from tests.small_office import CIVIL_AFFAIRS, EDUCATION, PUBLISHED, ROOT_ORGANISATION

OTHER_ROOT = "ab" * 32
SECOND = {"period_start": "2026-04-01", "period_end": "2026-06-30"}


def newest(town: Town) -> dict[str, Any]:
    """The entry's newest delivery, as it is listed."""
    listed = town.run("deliver", "list", "--entry", PUBLISHED, "--json").json()
    return dict(listed["deliveries"][0])


def delivery(town: Town, **changes: Any) -> DeliveryDraft:
    """The draft that would follow the newest delivery, of the same rows; ``changes`` make it a lie."""
    last = newest(town)
    same = {name: last[name] for name in ("entry", "edition", "mode", "rows", "manifest")}
    hashes = {name: last[name].removeprefix("0x") for name in ("schema", "root", "content")}
    period = {name: last[name] for name in ("period_start", "period_end")}
    follows = {"predecessor": hashes["root"], "version": last["number"] + 1, "complete": True}
    return DeliveryDraft.model_validate({**same, **hashes, **period, **follows, **changes})


def of(draft: DeliveryDraft, speaker: str = ROOT_ORGANISATION) -> Callable[[int], Batch]:
    return lambda deadline: deliver([draft], speaker=speaker, deadline=deadline)


def held(**changes: Any) -> ManifestDraft:
    """A manifest of the second quarter that nobody computed."""
    return ManifestDraft.model_validate(
        {
            "entry": PUBLISHED,
            "edition": 1,
            **SECOND,
            "rows": ROWS,
            "schema": {"columns": [{"name": "编号", "type": "string"}], "key": ["编号"]},
            "key": ["编号"],
            "root": OTHER_ROOT,
            "buckets": ["0" * 16] * BUCKETS,
            **changes,
        }
    )


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"version": 1, "predecessor": None}, "StaleVersion"),
        ({"predecessor": OTHER_ROOT}, "WrongPredecessor"),
        ({"manifest": 2}, "UnknownManifest"),
        ({**SECOND, "manifest": 1}, "UnknownManifest"),
        ({"edition": 2}, "UnknownEdition"),
        ({"entry": "318009/000009", "version": 1, "predecessor": None}, "UnknownEntry"),
    ],
)
def test_a_delivery_is_not_played_again_put_between_or_tied_to_a_manifest_to_come(
    town: Town, changes: dict[str, Any], refusal: str
) -> None:
    assert town.refused(of(delivery(town, **changes)), "collector")[0] == refusal


def test_a_department_does_not_sign_that_its_own_data_arrived(town: Town) -> None:
    own = of(delivery(town), EDUCATION)
    assert town.refused(own, "education-steward")[0] == "RoleMissing"


def test_a_department_with_a_collector_s_key_is_seen_to_receive_its_own_data(town: Town) -> None:
    town.run("key", "create", "own")
    grant = ("--holder", EDUCATION, "--roles", "collector")
    town.run("key", "grant", "own", "--key", "authority", *grant)
    town.on(7, 8).manifest(SECOND_QUARTER, town.pupils("held", pupils()[1:]))
    source = town.pupils("arrived", pupils()[1:])
    words = ("--entry", PUBLISHED, "--period", SECOND_QUARTER, "--key", "own")
    town.run("deliver", "receive", source, *words)
    found = finding_in(town.audit(), "self_received")
    assert (found["subject"], found["number"]) == (PUBLISHED, 1)
    assert found["leaves"] == [newest(town)["leaf_from"]]


def test_rows_signed_again_with_the_old_salt_are_seen_without_the_collector(town: Town) -> None:
    first = newest(town)
    again = held(root=first["root"].removeprefix("0x"), rows=first["rows"])
    done = town.on(7, 8).send(
        lambda at: manifest([again], speaker=EDUCATION, deadline=at), "education-steward"
    )
    assert done.error is None
    found = finding_in(town.audit(), "root_repeated")
    assert (found["subject"], found["number"]) == (PUBLISHED, "2026-03-31")
    assert found["leaves"][-1] == first["manifest_leaf"]


def test_a_manifest_of_more_rows_than_can_be_stops_nobody_s_audit(town: Town) -> None:
    """Three departments' worth of 2^63 - 1 rows: no sum of 64 bits holds them."""
    town.on(7, 8)
    most = (1 << 63) - 1
    for day in (28, 29, 30):
        absurd = held(rows=most, period_end=f"2026-06-{day}")
        town.send(
            lambda at, one=absurd: manifest([one], speaker=EDUCATION, deadline=at),
            "education-steward",
        )
    report = town.audit()
    (records,) = [one for one in report["metrics"] if one["id"] == "record_collection"]
    assert records["denominator"] == str(3 * most + ROWS)
    assert finding_in(report, "periods_overlap")["subject"] == PUBLISHED
    assert line_in(report)["rows_due"] == records["denominator"]
    shown = town.run("audit", "completeness").out
    assert records["denominator"] in shown


def test_a_collector_who_calls_other_rows_complete_is_not_believed(town: Town) -> None:
    town.on(7, 8).manifest(SECOND_QUARTER, town.pupils("held", pupils()))
    lie = delivery(town, **SECOND, root=OTHER_ROOT, content=OTHER_ROOT)
    assert town.send(of(lie), "collector").error is None
    told = newest(town)
    assert (told["claimed"], told["complete"]) == (True, False)
    report = town.audit()
    assert gap_in(report) == ("record_complete", "rows_differ")
    assert line_in(report)["states"]["record_collection"] == "unmet"
    assert finding_in(report, "not_reconciled")["subject"] == TABLE


def test_a_steward_signs_no_manifest_of_another_department_s_entry(town: Town) -> None:
    for key, speaker, refusal in (
        ("civil-steward", CIVIL_AFFAIRS, "NotOwner"),
        ("civil-steward", EDUCATION, "RoleMissing"),
        ("education-head", EDUCATION, "RoleMissing"),
    ):
        made = town.refused(
            lambda at, who=speaker: manifest([held()], speaker=who, deadline=at), key
        )
        assert made[0] == refusal


def test_a_revoked_steward_signs_nothing_more_and_what_was_signed_stays(town: Town) -> None:
    with town.office() as office:
        batch = manifest([held()], speaker=EDUCATION, deadline=office.deadline())
        kept = office.sign(batch, office.unlock("education-steward"))
    words = ("key", "revoke", "education-steward", "--key", "authority", "--reason", "离职")
    town.run(*words)
    # neither with what was signed and held back, nor with a mandate of today's
    with town.office() as office:
        (done,) = office.settle([office.outbox.submit(kept).id])
    assert done.error is not None
    assert done.error.name == "RoleMissing"
    late = town.refused(
        lambda at: manifest([held()], speaker=EDUCATION, deadline=at), "education-steward"
    )
    assert late[0] == "RoleMissing"
    assert gap_in(town.audit()) is None
    town.run("mirror", "verify")


def test_a_mandate_that_was_kept_too_long_is_refused(town: Town) -> None:
    with town.office() as office:
        batch = manifest([held()], speaker=EDUCATION, deadline=office.deadline())
        kept = office.sign(batch, office.unlock("education-steward"))
    with town.on(7, 8).office() as office:
        (done,) = office.settle([office.outbox.submit(kept).id])
    assert done.error is not None
    assert done.error.name == "DeadlinePassed"


def test_a_clock_that_is_set_back_dates_nothing_back(town: Town) -> None:
    before = newest(town)["recorded_at"]
    town.on(1, 20)
    town.receive(FIRST_QUARTER, town.pupils("again", pupils()))
    assert newest(town)["recorded_at"] >= before


def test_a_manifest_of_days_to_come_makes_no_period_arrive(town: Town) -> None:
    later = {"period_start": "2026-07-01", "period_end": "2026-09-30"}
    ahead = held(**later)
    made = town.send(
        lambda at: manifest([ahead], speaker=EDUCATION, deadline=at), "education-steward"
    )
    assert made.error is None
    told = of(delivery(town, **later, root=OTHER_ROOT, schema=ahead.schema_digest))
    assert town.send(told, "collector").error is None
    # on 15 July the second quarter is overdue, whatever was said of the third
    town.on(7, 15).run("obligation", "object", "E1", "--reason", "核", "--key", "education-head")
    report = town.audit()
    line = line_in(report)
    assert (line["periods_due"], line["periods_on_time"]) == (2, 1)
    assert gap_in(report) is not None
    assert finding_in(report, "period_not_over")["subject"] == TABLE

"""Audit reports: whose they are, what size they were computed at, and what is left behind."""

from __future__ import annotations

from typing import Any

import pytest

from ledger.audits.rules import ReportWord
from ledger.codes import Role
from ledger.statements import REPORT, Value, kind_word, text_hash
from tests.contracts.conftest import Refused
from tests.contracts.duties import report
from tests.contracts.world import DISTRICT, WATER, World, account, equip

AUDITOR = account("auditor")
CODE = "report/1"
MOST = 2**256 - 1


def member(name: str) -> bytes:
    return name.encode().ljust(32, b"\0")


@pytest.fixture
def office(world: World) -> World:
    """A settled district with an auditor."""
    equip(world)
    return world


def publish(world: World, *rows: dict[str, Value], **how: Any) -> None:
    world.say(REPORT, rows, how.pop("signer", AUDITOR), **how)


def test_a_report_leaves_size_organisation_and_type_in_the_head(office: World) -> None:
    publish(office, report(CODE, type=3, size=5))
    left = ReportWord(5, 1, 3)
    assert office.head(REPORT.kind, text_hash(CODE)) == (1, left.pack())
    assert ReportWord.unpack(left.pack()) == left


def test_a_report_is_computed_at_a_size_that_the_log_had(office: World, refused: Refused) -> None:
    size = office.log.read("size")
    for given in (0, size + 1, 2**64 - 1):
        with refused("OutOfRange", member("size"), given, size):
            publish(office, report(CODE), report("report/2", size=given))
    publish(office, report(CODE, size=size), report("report/2", size=1))
    publish(office, report(CODE, version=2, size=size + 2))


def test_a_code_belongs_to_the_organisation_that_used_it_first(
    office: World, refused: Refused
) -> None:
    key = account("water auditor")
    office.grant(key, WATER, Role.AUDITOR)
    publish(office, report(CODE), signer=key, organisation=WATER)
    with refused("NotOwner", text_hash(CODE), text_hash(DISTRICT)):
        publish(office, report(CODE, version=2))
    publish(office, report(CODE, version=2, type=2), signer=key, organisation=WATER)


def test_only_an_auditor_publishes(office: World, refused: Refused) -> None:
    publisher = account("publisher")
    with refused("RoleMissing", publisher.address, text_hash(DISTRICT), int(Role.AUDITOR)):
        publish(office, report(CODE), signer=publisher)


@pytest.mark.parametrize(
    ("changes", "name", "value", "most"),
    [
        ({"type": 0}, "type", 0, 3),
        ({"type": 4}, "type", 4, 3),
        ({"numerator": 3, "denominator": 2}, "numerator", 3, 2),
        ({"numerator": 1, "denominator": 0}, "numerator", 1, 0),
        ({"report": bytes(32)}, "report", 0, MOST),
    ],
)
def test_members_have_ranges(
    office: World, refused: Refused, *, changes: dict[str, Any], name: str, value: int, most: int
) -> None:
    with refused("OutOfRange", member(name), value, most):
        publish(office, report(CODE, **changes))


@pytest.mark.parametrize(("numerator", "denominator"), [(0, 0), (0, 7), (7, 7), (2**64 - 1,) * 2])
def test_a_rate_may_be_anything_up_to_one_and_not_applicable(
    office: World, numerator: int, denominator: int
) -> None:
    publish(office, report(CODE, numerator=numerator, denominator=denominator))
    assert office.statements[-1].subject == text_hash(CODE)


def test_a_revision_is_the_next_version(office: World, refused: Refused) -> None:
    publish(office, report(CODE))
    with refused("StaleVersion", kind_word(REPORT.kind), text_hash(CODE), 1, 2):
        publish(office, report(CODE))

"""A small real ledger whose blocks have the time of a calendar that the test sets."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from ledger.chain.connect import connect
from tests.corrections.told import MONDAY, moment
from tests.person import WORK, Person, Ran
from tests.small_office import PUBLISHED, build

CIVIL = ("--key", "civil-steward")
SCHOOLS = ("--key", "education-steward")
ASSESSOR = ("--key", "assessor")


class Calendar:
    """The chain's clock, set by the test."""

    def __init__(self) -> None:
        self.now = float(moment(MONDAY, 8))

    def __call__(self) -> float:
        self.now += 1.0
        return self.now

    def turn(self, day: date, hour: int = 10) -> None:
        self.now = float(moment(day, hour))


@contextmanager
def on(calendar: Calendar) -> Iterator[None]:
    """Blocks have the time of this calendar, so that what is due does not depend on the day of the test."""
    options: dict[str, Any] = connect.__kwdefaults__ or {}
    given = {"clock": calendar}
    with mock.patch.dict(WORK, given), mock.patch.dict(options, given):
        yield


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Person:
    """A small ledger begun on Monday, 2 March 2026; treat it as read-only."""
    with on(Calendar()):
        return build(Person(tmp_path_factory.mktemp("corrections") / "ledger"))


@pytest.fixture
def calendar() -> Iterator[Calendar]:
    """The calendar of the chains that the test opens."""
    told = Calendar()
    told.turn(MONDAY)
    with on(told):
        yield told


@pytest.fixture
def person(built: Person, calendar: Calendar, tmp_path: Path) -> Person:
    """A copy of the small ledger on that calendar, free to change."""
    calendar.turn(MONDAY)
    return built.copy(tmp_path / "ledger")


def filed(person: Person, *more: object, expect: int | None = 0, **changes: str) -> Ran:
    """A request of the civil affairs bureau about the schools' entry."""
    told = {
        "entry": PUBLISHED,
        "title": "缺少新建学校",
        "description": "较年报少 3 所学校。",
        "reason": "missing_rows",
        **changes,
    }
    options = [word for name, value in told.items() for word in (f"--{name}", value)]
    return person.run("correction", "file", *options, *more, *CIVIL, expect=expect)


def requests(person: Person, *more: object) -> list[dict[str, Any]]:
    ran = person.run("correction", "list", *more, "--json")
    return list(ran.json()["requests"])

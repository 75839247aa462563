"""Quality scores: what they refer to, their ranges, and who may give them."""

from __future__ import annotations

from typing import Any

import pytest

from ledger.codes import Role
from ledger.statements import DECISION, FILING, SCORE, kind_word, score_subject, text_hash
from tests.contracts.conftest import Refused
from tests.contracts.world import (
    DISTRICT,
    ROADS,
    WATER,
    World,
    account,
    decision,
    filing,
    score,
)

CODE = "307001/000001"
ENTRY = text_hash(CODE)
STEWARD = account("water steward")
ASSESSOR = account("assessor")
DIMENSIONS = (
    "normativity",
    "completeness",
    "accuracy",
    "consistency",
    "timeliness",
    "accessibility",
)


def member(name: str) -> bytes:
    return name.encode().ljust(32, b"\0")


def subject(start: int = 20250101, end: int = 20250331, code: str = DISTRICT) -> bytes:
    return score_subject(ENTRY, start, end, text_hash(code))


@pytest.fixture
def entry(world: World) -> World:
    """One entry with two editions, the first of them published."""
    head = account("water head")
    world.say(FILING, filing(CODE), STEWARD, WATER, cosigner=head)
    world.say(DECISION, decision(CODE, 2, 4), account("publisher"))
    world.say(FILING, filing(CODE, 3), STEWARD, WATER, cosigner=head)
    return world


def give(world: World, version: int = 1, **changes: Any) -> None:
    world.say(SCORE, score(CODE, version, **changes), ASSESSOR)


def test_a_score_leaves_total_dimensions_and_coverage_in_the_head(entry: World) -> None:
    give(entry, assessed=0b000001, completeness=0, accuracy=0, timeliness=0, accessibility=0)
    word = 8123 | 0b000001 << 16 | 10000 << 24
    assert entry.head(SCORE.kind, subject()) == (1, word)
    assert entry.statements[-1].subject == subject()


def test_scoring_again_is_the_next_version(entry: World, refused: Refused) -> None:
    give(entry)
    with refused("StaleVersion", kind_word(SCORE.kind), subject(), 1, 2):
        give(entry, total=1)
    give(entry, version=2, total=1)
    assert entry.head(SCORE.kind, subject())[0] == 2


def test_another_period_or_assessor_is_another_subject(entry: World) -> None:
    other = account("roads assessor")
    entry.grant(other, ROADS, Role.ASSESSOR)
    give(entry)
    give(entry, periodStart=20250401, periodEnd=20250630)
    entry.say(SCORE, score(CODE), other, ROADS)
    assert entry.head(SCORE.kind, subject(20250401, 20250630))[0] == 1
    assert entry.head(SCORE.kind, subject(code=ROADS))[0] == 1


def test_one_batch_scores_many_periods_of_one_entry(entry: World, refused: Refused) -> None:
    rows = [score(CODE, periodStart=20240101 + n, periodEnd=20240131) for n in range(5)]
    entry.say(SCORE, rows, ASSESSOR)
    assert entry.authorisations[-1].count == 5
    with refused("StaleVersion", kind_word(SCORE.kind), subject(), 2, 1):
        entry.say(SCORE, [score(CODE), score(CODE, 2)], ASSESSOR)


def test_a_score_for_what_is_not_on_the_ledger_is_refused(entry: World, refused: Refused) -> None:
    with refused("UnknownEntry", text_hash("307001/000009")):
        entry.say(SCORE, score("307001/000009"), ASSESSOR)
    for edition in (0, 3, 0xFFFFFFFF):
        with refused("UnknownEdition", ENTRY, edition, 2):
            give(entry, edition=edition)
    give(entry, edition=1)
    give(entry, edition=2, version=2)


@pytest.mark.parametrize("name", [*DIMENSIONS, "total", "coverage"])
def test_scores_are_basis_points(entry: World, refused: Refused, name: str) -> None:
    for value in (10_001, 65_535):
        with refused("OutOfRange", member(name), value, 10_000):
            give(entry, **{name: value})
    give(entry, **{name: 0})
    give(entry, version=2, **{name: 10_000})


@pytest.mark.parametrize("position", range(6))
def test_a_dimension_that_was_not_assessed_has_no_score(
    entry: World, refused: Refused, position: int
) -> None:
    name = DIMENSIONS[position]
    assessed = 63 & ~(1 << position)
    with refused("OutOfRange", member(name), 1, 0):
        give(entry, assessed=assessed, **{name: 1})
    give(entry, assessed=assessed, **{name: 0})


def test_there_are_six_dimensions(entry: World, refused: Refused) -> None:
    for assessed in (64, 255):
        with refused("OutOfRange", member("assessed"), assessed, 63):
            give(entry, assessed=assessed)
    give(entry, assessed=0, **dict.fromkeys(DIMENSIONS, 0))


@pytest.mark.parametrize(
    "day", [19000101, 20240229, 20000229, 20251231, 20250430, 29991231, 20250831]
)
def test_a_day_of_the_calendar_is_taken(entry: World, day: int) -> None:
    give(entry, periodStart=day, periodEnd=day)


@pytest.mark.parametrize(
    "day",
    [
        0,
        18991231,
        30000101,
        20250229,
        21000229,
        20250431,
        20251301,
        20250001,
        20250100,
        20250132,
        0xFFFFFFFF,
    ],
)
def test_what_is_no_day_is_refused(entry: World, refused: Refused, day: int) -> None:
    with refused("OutOfRange", member("periodStart"), day, 29991231):
        give(entry, periodStart=day, periodEnd=29991231)
    with refused("OutOfRange", member("periodEnd"), day, 29991231):
        give(entry, periodStart=19000101, periodEnd=day)


def test_a_period_does_not_end_before_it_starts(entry: World, refused: Refused) -> None:
    with refused("OutOfRange", member("periodStart"), 20250331, 20250330):
        give(entry, periodStart=20250331, periodEnd=20250330)


def test_a_steward_scores_its_own_entries_alone(entry: World, refused: Refused) -> None:
    entry.say(SCORE, score(CODE), STEWARD, WATER)
    roads = account("roads steward")
    with refused("RoleMissing", roads.address, text_hash(ROADS), int(Role.ASSESSOR)):
        entry.say(SCORE, score(CODE), roads, ROADS)


def test_an_assessor_scores_any_entry(entry: World) -> None:
    key = account("roads assessor")
    entry.grant(key, ROADS, Role.ASSESSOR)
    entry.say(SCORE, score(CODE), key, ROADS)
    assert entry.statements[-1].org == text_hash(ROADS)
